"""What version 0.1.0 wrote, in ``before/``, is read by this one: a network, and a study with its certificates."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from bpnn_jax import ablation, load_network, predict
from bpnn_jax._runtime.reading import digest, sealed
from bpnn_jax.ablation.folder import Store
from bpnn_jax.ablation.identity import identity, manifest, study_of
from bpnn_jax.ablation.kept import certificates_of, keep_certificates, keep_patterns, patterns_of
from bpnn_jax.ablation.study import from_dict

BEFORE = Path(__file__).parent / "before"
RESULTS = (
    "6599cdcb7002fd86806e1184b18c65d067a7db2951d38c50471a4f50cf6f547a"  # results_sha256, as that version printed it
)
OUTPUTS = [0.9978007674217224, 0.9999264478683472, 0.9987465739250183, 0.9999361038208008]  # of the network, likewise


def test_its_network():
    saved = load_network(BEFORE / "net.safetensors")
    assert str(saved.network) == "2-3-1 tanh"
    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    # Another version of XLA may round a sum of four float32 products otherwise.
    np.testing.assert_allclose(predict(saved.network, saved.weights, x).ravel(), OUTPUTS, rtol=8 * 2.0**-24)


def test_its_study():
    complaints: list[str] = []
    found = ablation.read(BEFORE / "study", complaints)
    assert complaints == []
    assert found.complete
    assert found.sha256 == RESULTS
    assert [found.certificates[arm].verdict for arm in found.arms] == ["gradient", "not a gradient"] * 2


@pytest.fixture
def renewed(tmp_path):
    return renew(tmp_path / "study")


def renew(folder):
    """The same study, as this version writes it: its chunks are those of before."""
    shutil.copytree(BEFORE / "study", folder)
    store = Store(folder)
    study, found = study_of(store)
    task = patterns_of(store, identity(found), study, found["patterns"])
    made = certificates_of(store, identity(found), [arm.name for arm in study.arms])
    (folder / "study.json").write_bytes(sealed(manifest(study, found["place"], found["patterns"])))
    (folder / "patterns.npz").unlink()
    keep_patterns(store, identity(found), task)
    keep_certificates(store, identity(found), made)
    assert store.complaints == []
    return folder


def test_written_by_this_version_it_is_the_same(renewed):
    complaints: list[str] = []
    before, now = ablation.read(BEFORE / "study"), ablation.read(renewed, complaints)
    assert complaints == []
    assert (now.sha256, now.certificates, now.study) == (before.sha256, before.certificates, before.study)


def test_what_version_0_2_0_bound_its_files_to_is_the_identity_still():
    """A study as that version wrote it: fields of a study or a run that came later, at their defaults, change no identity."""
    base = {
        **{"activation": "tanh", "output_activation": "same", "input_bias": True, "hidden_bias": True, "skip": False},
        **{"hidden": [], "rule": "previous-gradient", "learning_rate": 0.5, "momentum": 0.1, "reduction": "sum"},
        **{"tolerance": 0.4, "order": "simultaneous", "mode": "online", "batch_size": None, "gradient": "manual"},
        **{"shuffle": False, "targets": "given", "initial": "uniform", "ranges": [0.2, 2.0], "dtype": "float32"},
    }
    study = {
        "task": "xor",
        "vary": {"skip": [False, True]},
        "base": base,
        "seeds": 5,
        "epochs": 9,
        "points": 50,
        "chunk": 512,
    }
    there = {"study": study, "patterns": "p", "place": {"jax": "0.10"}}
    assert identity(manifest(from_dict(study), {"jax": "0.10"}, "p")) == identity(there) == digest(there)
    assert identity(manifest(from_dict({**study, "splits": 2, "test_share": 0.3}), {"jax": "0.10"}, "p")) != digest(
        there
    )
