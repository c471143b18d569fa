"""Trained networks in files: safetensors, with the network's description in the metadata. No pickle."""

import hashlib
import json
import os
from dataclasses import asdict
from typing import Any, NamedTuple

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from bpnn_jax._runtime.display import few, html, text
from bpnn_jax._runtime.files import write_atomically
from bpnn_jax._runtime.reading import SEAL, DamagedError, parse_json, read_file, reason
from bpnn_jax._runtime.text import one_line
from bpnn_jax.errors import InputError, finite, seed, whole_number
from bpnn_jax.network import Network, Weights, check_weights
from bpnn_jax.patterns.encoding import Encoding, from_dict

FORMAT = "bpnn-jax network 2"
FIRST_FORMAT = "bpnn-jax network 1"  # of version 0.1.0: the same, without a checksum
LARGEST_FILE = 2600 * 2**20  # bytes: a network of the most weights, in float64, and what Adam remembers
LARGEST_HEADER = 2**20  # bytes; the names of the columns are the largest part of it


class Training(NamedTuple):
    """What a saved network's training goes on from.

    rule:   what the rule remembers, arrays, as ``training.Checkpoint`` has them.
    epochs: how many have been run. ``seed``: that of the shuffling and the split.
    said:   the settings that were trained with, by name, in what JSON knows.
    """

    rule: tuple[np.ndarray, ...]
    epochs: int
    seed: int
    said: dict[str, Any]


class Saved(NamedTuple):
    """What a file held.

    weights:   L NumPy matrices (n_in + bias, n_out), float32 or float64.
    inputs, outputs: the names of the columns, or empty.
    tolerance: an output within it of its target counts as right: half the distance between the targets that were learnt.
    encoding:  how rows of a table are read, for a network that has learnt one.
    training:  what its training goes on from, where that was saved.
    """

    network: Network
    weights: Weights
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    tolerance: float = 0.5
    encoding: Encoding | None = None
    training: Training | None = None

    def _card(self) -> tuple[str, list[tuple[str, str]]]:
        return f"Saved {self.network}", [
            ("weights", f"{', '.join(str(W.shape) for W in self.weights)} {self.weights[0].dtype}"),
            ("inputs", few(self.inputs) or "no names"),
            ("outputs", few(self.outputs) or "no names"),
            ("tolerance", f"{self.tolerance:g}"),
        ]

    def __repr__(self) -> str:
        return text(*self._card())

    def _repr_html_(self) -> str:
        return html(*self._card())


def save_network(
    path: str | os.PathLike[str],
    network: Network,
    weights: Weights,
    *,
    inputs: tuple[str, ...] = (),
    outputs: tuple[str, ...] = (),
    tolerance: float = 0.5,
    encoding: Encoding | None = None,
    training: Training | None = None,
) -> None:
    """Write the network and its weights, a safetensors file: the same network makes the same file, byte for byte.

    weights:   L arrays (n_in + bias, n_out), float32 or float64.
    inputs, outputs: names of the columns, n0 and nL of them, or none.
    tolerance: from 0 up, in the units of the targets; ``bpnn predict`` counts an output within it as right.
    encoding:  how rows of a table are read, for a network that has learnt one.
    training:  what ``bpnn train --from`` goes on from.

    Raises InputError if shapes disagree, a weight is not finite, or ``path`` cannot be written. What was there then stays.

    >>> import tempfile
    >>> network = Network((1, 1), "linear", input_bias=False)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_network(f"{folder}/net.safetensors", network, (np.array([[2.0]]),))
    ...     load_network(f"{folder}/net.safetensors").weights
    (array([[2.]]),)
    """
    check_weights(network, weights)
    arrays = {f"W{l + 1}": np.ascontiguousarray(W) for l, W in enumerate(weights)}
    _check_numbers(arrays, str(path))
    if training is not None:
        arrays |= {f"R{k + 1}": np.asarray(kept, order="C") for k, kept in enumerate(training.rule)}
    said = {**asdict(network), "inputs": list(inputs), "outputs": list(outputs), "tolerance": float(tolerance)}
    if encoding is not None:
        said["encoding"] = encoding.as_dict()
    if training is not None:
        said["training"] = {"epochs": training.epochs, "seed": training.seed, "said": training.said}
    description = json.dumps(said)
    _described(json.loads(description))  # what could not be loaded again is not saved
    metadata = {"format": FORMAT, "network": description, SEAL: _digest(description, arrays)}
    write_atomically(path, _in_order(save(arrays, metadata=metadata)))


def is_network(head: bytes, tail: bytes) -> bool:
    """Whether a file that begins so is a network that ``save_network`` wrote."""
    return b'"format":"bpnn-jax network ' in head


def _digest(description: str, arrays: dict[str, np.ndarray]) -> str:
    """The SHA-256 of a description and its weights."""
    found = hashlib.sha256(description.encode())
    for name, W in sorted(arrays.items()):
        found.update(f"|{name} {W.dtype.str} {W.shape}|".encode() + np.asarray(W, order="C").tobytes())
    return found.hexdigest()


def _in_order(file: bytes) -> bytes:
    """A safetensors file with its header's names in order: its writer puts the metadata in another order each time.

    The header is JSON, filled up with spaces to a multiple of 8 bytes; its length stands before it, little-endian in 8 bytes.
    """
    start = 8 + int.from_bytes(file[:8], "little")
    header = json.dumps(json.loads(file[8:start]), sort_keys=True, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    return len(header).to_bytes(8, "little") + header + file[start:]


def load_network(path: str | os.PathLike[str]) -> Saved:
    """Read what ``save_network`` wrote.

    Raises InputError for anything else: no such file, another format, missing or misshapen weights, numbers that are not finite.

    >>> import tempfile
    >>> from bpnn_jax import init
    >>> network = Network((2, 3, 1), ("tanh", "linear"))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_network(f"{folder}/net.safetensors", network, init(network))
    ...     load_network(f"{folder}/net.safetensors").network == network
    True
    """
    where = one_line(os.fspath(path))
    metadata, arrays = _read(path, where)
    version = metadata.get("format")
    if version not in (FORMAT, FIRST_FORMAT) or (SEAL in metadata) != (version == FORMAT):
        raise InputError(f"{where}: expected format {FORMAT!r}, got {one_line(repr(version)[:80])}")
    try:
        if version == FORMAT and metadata[SEAL] != _digest(metadata["network"], arrays):
            raise InputError("expected the checksum of what is in it, got another: it has changed since it was saved")
        described = parse_json(metadata["network"].encode(), "its description")
        network, inputs, outputs, tolerance, encoding = _described(described)
        training = _training(described.get("training"), arrays)
    except (KeyError, TypeError, ValueError) as error:  # an InputError is a ValueError
        raise DamagedError(f"{where}: expected a network's description, got a broken one: {reason(error)}") from None
    names = [f"W{l + 1}" for l in range(len(network.shapes))]
    names += [] if training is None else [f"R{k + 1}" for k in range(len(training.rule))]
    if sorted(arrays) != sorted(names):
        raise InputError(f"{where}: expected arrays {', '.join(names)} for {network}, got {', '.join(sorted(arrays))}")
    weights = tuple(arrays[f"W{l + 1}"] for l in range(len(network.shapes)))
    try:
        check_weights(network, weights)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    _check_numbers({name: W for name, W in arrays.items() if name.startswith("W")}, where)
    return Saved(network, weights, inputs, outputs, tolerance, encoding, training)


def _read(path: str | os.PathLike[str], where: str) -> tuple[dict[str, str], dict[str, np.ndarray]]:
    """The metadata and the arrays of a safetensors file. Raises InputError, before it takes memory, for a file that is none."""
    try:
        data = read_file(path, LARGEST_FILE, "a saved network")
    except FileNotFoundError:
        raise InputError(f"{where}: expected a saved network, got a path that does not exist") from None
    size = int.from_bytes(data[:8], "little")
    try:
        if len(data) < 8 or size > min(LARGEST_HEADER, len(data) - 8):
            raise ValueError(f"a header of {size:,} bytes in a file of {len(data):,}")
        header = parse_json(data[8 : 8 + size], "its header", {str: {str: object}})
        arrays = load(data)
    except (SafetensorError, TypeError, ValueError, KeyError) as error:
        raise DamagedError(f"{where}: expected a whole safetensors file, got: {reason(error)}") from None
    return header.get("__metadata__", {}), arrays


def _described(found: Any) -> tuple[Network, tuple[str, ...], tuple[str, ...], float, Encoding | None]:
    """A description's parts, each of just the kind that ``save_network`` writes."""
    kinds = {"sizes": list, "activations": list, "input_bias": bool, "hidden_bias": bool, "skip": bool}
    kinds |= {"inputs": list, "outputs": list, "tolerance": float}
    if isinstance(found, dict):
        found = {"skip": False, **found}  # files from before there were skip connections do not say
    if not isinstance(found, dict) or set(found) - {"encoding", "training"} != set(kinds):
        raise InputError(f"expected the fields {', '.join(kinds)}, got {found!r:.80}")
    for name, kind in kinds.items():
        if type(found[name]) is not kind:
            raise InputError(f"expected {name} as {kind.__name__}, got {found[name]!r:.80}")
    for name in ("activations", "inputs", "outputs"):
        if not all(isinstance(item, str) for item in found[name]):
            raise InputError(f"expected {name} as names, got {found[name]!r:.80}")
    network = Network(found["sizes"], found["activations"], found["input_bias"], found["hidden_bias"], found["skip"])
    for name, size in (("inputs", network.sizes[0]), ("outputs", network.sizes[-1])):
        if len(found[name]) not in (0, size):
            raise InputError(f"expected {size} names of {name}, or none, got {len(found[name])}")
    tolerance = finite("tolerance", found["tolerance"])
    encoding = from_dict(found["encoding"]) if "encoding" in found else None
    if encoding is not None and sum(len(c.names) for c in encoding.columns) != network.sizes[0]:
        raise InputError(f"expected the description of a table with {network.sizes[0]} inputs, got another number")
    return network, tuple(found["inputs"]), tuple(found["outputs"]), tolerance, encoding


def _training(found: Any, arrays: dict[str, np.ndarray]) -> Training | None:
    """What a description says of the training, with the arrays that its rule remembers."""
    if found is None:
        return None
    if not isinstance(found, dict) or set(found) != {"epochs", "seed", "said"} or not isinstance(found["said"], dict):
        raise InputError(f"expected epochs, seed and said of a training, got {found!r:.80}")
    rule = sorted((name for name in arrays if name.startswith("R")), key=lambda name: (len(name), name))
    return Training(
        tuple(arrays[name] for name in rule),
        whole_number("epochs", found["epochs"], 0),
        seed(found["seed"]),
        found["said"],
    )


def _check_numbers(arrays: dict[str, np.ndarray], where: str) -> None:
    for name, W in arrays.items():
        if W.dtype not in (np.float32, np.float64):
            raise InputError(f"{where}: expected {name} in float32 or float64, got {W.dtype}")
        if not np.isfinite(W).all():
            raise InputError(f"{where}: expected finite weights, got {W[~np.isfinite(W)][0]} in {name}")
