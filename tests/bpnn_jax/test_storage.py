"""Saved networks: what goes in comes out to the bit, and nothing else is taken for one."""

import json
import pickle
import re
import struct
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save

from bpnn_jax import Network, load_network, save_network
from bpnn_jax._runtime.reading import SEAL
from bpnn_jax.errors import InputError
from bpnn_jax.storage import FIRST_FORMAT, FORMAT, _digest

NETWORK = Network((2, 3, 1), ("tanh", "linear"))


def weights_of(network, dtype="float32", seed=0):
    rng = np.random.default_rng(seed)
    return tuple(rng.uniform(-3, 3, shape).astype(dtype) for shape in network.shapes)


def sealed(network, arrays=None):
    """The metadata of a description, with the checksum that fits: what is wrong in it is something else."""
    if arrays is None:
        arrays = {f"W{l + 1}": W for l, W in enumerate(weights_of(NETWORK))}
    return {"format": FORMAT, "network": network, SEAL: _digest(network, arrays)}


def write(path, arrays=None, metadata=None, **described):
    """A file like ours, with something changed."""
    if arrays is None:
        arrays = {f"W{l + 1}": W for l, W in enumerate(weights_of(NETWORK))}
    if metadata is None:
        description = {**asdict(NETWORK), "inputs": [], "outputs": [], "tolerance": 0.5, **described}
        metadata = sealed(json.dumps(description), arrays)
    path.write_bytes(save(arrays, metadata=metadata))
    return path


def refusal(path):
    with pytest.raises(InputError) as caught:
        load_network(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "expected" in message
    assert "got" in message
    return message


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "network",
    [
        NETWORK,
        Network((1, 1), "linear", input_bias=False),
        Network((3, 2, 4, 2), "lecun_tanh", hidden_bias=False),
        Network((2, 2, 2), "sigmoid", input_bias=False, hidden_bias=False),
        Network((2, 3, 2, 2), "tanh", skip=True),
    ],
    ids=str,
)
def test_round_trip_to_the_bit(tmp_path, network, dtype):
    weights = weights_of(network, dtype)
    inputs, outputs = (
        tuple(f"{letter}{i}" for i in range(n)) for letter, n in (("π", network.sizes[0]), ("C+", network.sizes[-1]))
    )
    save_network(tmp_path / "n", network, weights, inputs=inputs, outputs=outputs, tolerance=1.0)
    saved = load_network(tmp_path / "n")
    assert saved.network == network
    assert (saved.inputs, saved.outputs, saved.tolerance) == (inputs, outputs, 1.0)
    for W, loaded in zip(weights, saved.weights, strict=True):
        assert loaded.dtype == dtype
        assert loaded.tobytes() == W.tobytes()


def test_the_same_network_is_the_same_file(tmp_path):
    """safetensors alone writes its metadata in an order that changes from one call to the next."""
    network = Network((2, *[2] * 11, 1))
    files = set()
    for i in range(20):
        save_network(tmp_path / f"{i}", network, weights_of(network), inputs=("é", "y"))
        files.add((tmp_path / f"{i}").read_bytes())
    assert len(files) == 1
    (file,) = files
    assert int.from_bytes(file[:8], "little") % 8 == 0  # the numbers stay aligned
    saved = load_network(tmp_path / "0")
    assert saved.inputs == ("é", "y")
    assert [W.tobytes() for W in saved.weights] == [W.tobytes() for W in weights_of(network)]


def test_a_file_from_before_skip_connections_has_none(tmp_path):
    description = {**asdict(NETWORK), "inputs": [], "outputs": [], "tolerance": 0.5}
    del description["skip"]
    write(tmp_path / "n", metadata=sealed(json.dumps(description)))
    assert load_network(tmp_path / "n").network == NETWORK


def test_a_name_with_spaces_and_letters_of_other_alphabets(tmp_path):
    save_network(tmp_path / "ein Netz, größer.safetensors", NETWORK, weights_of(NETWORK))
    assert load_network(str(tmp_path / "ein Netz, größer.safetensors")).network == NETWORK


@given(st.integers(0, 2**32 - 1), st.sampled_from(["C", "F", "step"]))
def test_any_memory_layout_is_saved_alike(tmp_path_factory, seed, layout):
    path = tmp_path_factory.mktemp("layout") / "n"
    weights = weights_of(NETWORK, seed=seed)
    laid = {"C": np.ascontiguousarray, "F": np.asfortranarray, "step": lambda W: np.repeat(W, 2, 0)[::2]}[layout]
    save_network(path, NETWORK, tuple(map(laid, weights)))
    assert [W.tolist() for W in load_network(path).weights] == [W.tolist() for W in weights]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_weights_that_are_not_finite_are_neither_saved_nor_loaded(tmp_path, bad):
    W1, W2 = weights_of(NETWORK)
    W2[1, 0] = bad
    with pytest.raises(InputError, match=f"expected finite weights, got {bad} in W2"):
        save_network(tmp_path / "n", NETWORK, (W1, W2))
    assert not list(tmp_path.iterdir())
    assert f"got {bad} in W2" in refusal(write(tmp_path / "n", {"W1": W1, "W2": W2}))


@pytest.mark.parametrize("dtype", ["int32", "float16", "bool", "uint8"])
def test_weights_of_another_type_are_neither_saved_nor_loaded(tmp_path, dtype):
    W1, W2 = weights_of(NETWORK)
    W1 = W1.astype(dtype)
    with pytest.raises(InputError, match=f"W1 in float32 or float64, got {dtype}"):
        save_network(tmp_path / "n", NETWORK, (W1, W2))
    assert not list(tmp_path.iterdir())
    assert f"W1 in float32 or float64, got {dtype}" in refusal(write(tmp_path / "n", {"W1": W1, "W2": W2}))


def test_weights_of_other_shapes_are_not_saved(tmp_path):
    with pytest.raises(InputError, match=r"expected weights of shapes .* got"):
        save_network(tmp_path / "n", NETWORK, weights_of(Network((2, 3, 2))))
    assert not list(tmp_path.iterdir())


def test_what_was_there_stays_when_saving_fails(tmp_path):
    save_network(tmp_path / "n", NETWORK, weights_of(NETWORK))
    before = (tmp_path / "n").read_bytes()
    with pytest.raises(InputError):
        save_network(tmp_path / "n", NETWORK, tuple(W * np.float32(np.nan) for W in weights_of(NETWORK)))
    assert (tmp_path / "n").read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["n"]


@pytest.mark.parametrize(
    "arrays",
    [
        {"W1": (3, 3)},
        {"W1": (3, 3), "W2": (4, 1), "W3": (2, 1)},
        {"W1": (3, 3), "V2": (4, 1)},
        {"W1": (4, 1), "W2": (3, 3)},
        {"W1": (3, 3), "W2": (3, 1)},
        {"W1": (3, 3), "W2": (4,)},
        {"W1": (3, 3), "W2": (1, 4)},
        {},
    ],
    ids=str,
)
def test_arrays_of_another_network_are_refused(tmp_path, arrays):
    assert "2-3-1 tanh/linear" in refusal(
        write(tmp_path / "n", {name: np.ones(s, np.float32) for name, s in arrays.items()})
    )


def test_a_file_cut_anywhere_is_refused(tmp_path):
    whole = write(tmp_path / "n").read_bytes()
    header = 8 + struct.unpack("<Q", whole[:8])[0]
    cut = tmp_path / "cut"
    for end in (0, 1, 7, 8, 9, header // 2, header - 1, header, header + 1, len(whole) - 4, len(whole) - 1):
        cut.write_bytes(whole[:end])
        assert "expected a whole safetensors file" in refusal(cut)
    cut.write_bytes(whole + b"\0")
    refusal(cut)
    cut.write_bytes(whole)
    assert load_network(cut).network == NETWORK


def test_other_kinds_of_file_are_refused(tmp_path):
    class Trap:
        def __reduce__(self):
            return (exec, ("raise AssertionError('a pickle was run')",))

    (tmp_path / "pickle.safetensors").write_bytes(pickle.dumps(Trap()))
    np.savez(tmp_path / "a.npz", W1=np.ones((3, 3)))
    (tmp_path / "text").write_text("0 1 > 1\n")
    (tmp_path / "folder").mkdir()
    for name in ("pickle.safetensors", "a.npz", "text", "folder"):
        assert re.search("expected a (whole safetensors file|saved network)", refusal(tmp_path / name))
    assert "does not exist" in refusal(tmp_path / "nowhere")


@pytest.mark.parametrize("form", [None, "bpnn-jax network 2", "pt"])
def test_another_format_is_refused(tmp_path, form):
    metadata = {} if form is None else {"format": form, "network": json.dumps(asdict(NETWORK))}
    assert f"expected format '{FORMAT}', got {form!r}" in refusal(write(tmp_path / "n", metadata=metadata))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "{}",
        "[]",
        pytest.param('"a"'),
        pytest.param("null"),
        pytest.param("3"),
        pytest.param("[" * 100_000),
    ],
    ids=lambda text: text[:4] or "empty",
)
def test_a_description_that_is_none_is_refused(tmp_path, text):
    metadata = sealed(text)
    assert "expected a network's description" in refusal(write(tmp_path / "n", metadata=metadata))


def test_a_missing_description_is_refused(tmp_path):
    assert "expected a network's description" in refusal(write(tmp_path / "n", metadata={"format": FIRST_FORMAT}))


@pytest.mark.parametrize(
    "change",
    [
        {"sizes": None},
        {"sizes": 5},
        {"sizes": "231"},
        {"sizes": [2]},
        {"sizes": [2, 0, 1]},
        {"sizes": [2, -3, 1]},
        {"sizes": [2, 3.0, 1]},
        {"sizes": [10**30, 3, 1]},
        {"sizes": {"2": 3, "1": 1}},
        {"activations": "tanh"},
        {"activations": None},
        {"activations": ["tanh"]},
        {"activations": ["tanh", "swich"]},
        {"activations": [["tanh"], "linear"]},
        {"activations": [{}, "linear"]},
        {"inputs": 5},
        {"outputs": None},
        {"inputs": "ab"},
        {"inputs": ["a"]},
        {"outputs": ["a", "b"]},
        {"tolerance": -1.0},
        {"tolerance": float("nan")},
        {"extra": 1},
        {"input_bias": "no"},
        {"hidden_bias": "false"},
        {"skip": 1},
        {"hidden_bias": float("nan")},
    ],
    ids=str,
)
def test_a_broken_description_is_refused(tmp_path, change):
    refusal(write(tmp_path / "n", **change))
