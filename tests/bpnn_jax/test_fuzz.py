"""Each reader, given files that were changed at random: the same numbers, or a word; never another exception, never much memory."""

import contextlib
import io
import resource
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpnn_jax import Network, ablation, init, load_network, load_patterns, save_network
from bpnn_jax.errors import InputError
from tests.bpnn_jax.test_before import BEFORE, renew

KINDS = ("flip", "cut", "insert", "replace", "repeat", "zero")
CHANGES = st.lists(
    st.tuples(st.sampled_from(KINDS), st.floats(0, 1, exclude_max=True), st.binary(min_size=1, max_size=8)),
    min_size=1,
    max_size=3,
)
MEMORY = 500 * 1024  # kB


def changed(data, changes):
    """Bytes with something done to them, each change at a share of their length."""
    for kind, where, junk in changes:
        at = int(where * len(data))
        data = {
            "flip": data[:at] + bytes([data[at] ^ (junk[0] or 1)]) + data[at + 1 :] if data else data,
            "cut": data[:at],
            "insert": data[:at] + junk + data[at:],
            "replace": data[:at] + junk + data[at + len(junk) :],
            "repeat": data[:at] + data[at:] * 2,
            "zero": data[:at] + bytes(len(data) - at),
        }[kind]
    return data


def study(folder):
    complaints = []
    found = ablation.read(folder, complaints)
    return (found.sha256, repr(found.certificates), repr(found.study)), complaints


def network(path):
    found = load_network(path)
    return (str(found.network), [W.tobytes() for W in found.weights], found[2:]), []


def patterns(path):
    found = load_patterns(path)
    return (found.x.tobytes(), found.t.tobytes()), []


@pytest.fixture(scope="module")
def ground(tmp_path_factory):
    at = tmp_path_factory.mktemp("fuzz")
    renew(at / "study")
    net = Network((2, 3, 1), "tanh")
    save_network(at / "net.safetensors", net, tuple(np.asarray(W) for W in init(net)))
    np.savez(at / "d.npz", x=np.eye(3), t=np.array([[1.0], [0.5], [1.0]]))
    (at / "d.txt").write_text("# inputs: a b\n0 1 > 1\n1 0.5 > 0\n")
    (at / "d.csv").write_text('a,"b",target\n0,1,1\n1,0.5,0\n')
    return at


FILES = ["study.json", "certificates.json", "patterns.npz", "chunk"]


@pytest.mark.parametrize("name", [*FILES, "net.safetensors", "d.npz"])
@given(changes=CHANGES)
def test_a_file_of_ours_gives_its_numbers_or_a_word(ground, name, changes):
    """Files with a checksum, and an archive, which has one of its own for each array."""
    path = {"chunk": min((ground / "study" / "chunks").iterdir())}.get(
        name, ground / ("study" if name in FILES else "") / name
    )
    read = (lambda: study(ground / "study")) if name in FILES else lambda: {"d.npz": patterns}.get(name, network)(path)
    good, (usual, _) = path.read_bytes(), read()
    began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        path.write_bytes(changed(good, changes))
        found, complaints = read()
        assert found == usual or complaints
    except InputError:  # any other exception fails
        pass
    finally:
        path.write_bytes(good)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - began < MEMORY


@pytest.mark.parametrize("name", ["d.txt", "d.csv"])
@given(changes=CHANGES)
def test_a_text_gives_numbers_or_a_sentence(ground, name, changes):
    """Whoever edits a text file changes its numbers, and that is what is read."""
    path = ground / f"changed.{name}"
    path.write_bytes(changed((ground / name).read_bytes(), changes))
    with contextlib.suppress(InputError):  # any other exception fails
        assert patterns(path)


def test_version_0_1_0_had_no_checksum_and_is_never_a_traceback(tmp_path):
    """Its study.json, with one byte of it changed, at every third place."""
    folder = Path(shutil.copytree(BEFORE / "study", tmp_path / "study"))
    path, good = folder / "study.json", (folder / "study.json").read_bytes()
    seen = 0
    for at in range(0, len(good), 3):
        path.write_bytes(good[:at] + bytes([good[at] ^ 4]) + good[at + 1 :])
        try:
            study(folder)
        except InputError:
            seen += 1
    assert seen > len(good) // 10


def test_the_changes_change():
    assert {changed(b"abcdef", [(kind, 0.4, b"\1")]) for kind in KINDS} & {b"abcdef"} == set()
    assert io.BytesIO(changed(b"", [("flip", 0.0, b"\1")])).read() == b""
