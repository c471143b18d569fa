"""Trained networks in files: safetensors, with the network's description in the metadata. No pickle."""

import json
import os
from dataclasses import asdict
from typing import NamedTuple

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from bpnn_jax._files import write_atomically
from bpnn_jax.errors import InputError
from bpnn_jax.network import Network, Weights, check_weights

FORMAT = "bpnn-jax network 1"


class Saved(NamedTuple):
    """What a file held. ``weights`` are NumPy arrays; ``inputs`` and ``outputs`` name the columns, or are empty."""

    network: Network
    weights: Weights
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()


def save_network(
    path: str | os.PathLike[str],
    network: Network,
    weights: Weights,
    *,
    inputs: tuple[str, ...] = (),
    outputs: tuple[str, ...] = (),
) -> None:
    """Write the network and its weights, float32 or float64. Raises InputError if shapes disagree or a weight is not finite."""
    check_weights(network, weights)
    arrays = {f"W{l + 1}": np.ascontiguousarray(W) for l, W in enumerate(weights)}
    _check_numbers(arrays, str(path))
    description = json.dumps({**asdict(network), "inputs": list(inputs), "outputs": list(outputs)})
    write_atomically(path, save(arrays, metadata={"format": FORMAT, "network": description}))


def load_network(path: str | os.PathLike[str]) -> Saved:
    """Read what ``save_network`` wrote. Anything else is an InputError: another format, missing or misshapen weights.

    >>> import tempfile
    >>> from bpnn_jax import init
    >>> network = Network((2, 3, 1), ("tanh", "linear"))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_network(f"{folder}/net.safetensors", network, init(network))
    ...     load_network(f"{folder}/net.safetensors").network == network
    True
    """
    where = os.fspath(path)
    try:
        with safe_open(where, framework="numpy") as file:
            metadata = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
    except FileNotFoundError:
        raise InputError(f"{where}: expected a saved network, got a path that does not exist") from None
    except (SafetensorError, OSError, TypeError, ValueError) as error:
        raise InputError(f"{where}: expected a whole safetensors file, got: {error}") from None
    if metadata.get("format") != FORMAT:
        raise InputError(f"{where}: expected format {FORMAT!r}, got {metadata.get('format')!r}")
    try:
        described = json.loads(metadata["network"])
        inputs, outputs = (tuple(map(str, described.pop(kind))) for kind in ("inputs", "outputs"))
        described["sizes"], described["activations"] = tuple(described["sizes"]), tuple(described["activations"])
        network = Network(**described)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{where}: expected a network's description, got a broken one: {error}") from None
    names = [f"W{l + 1}" for l in range(len(network.shapes))]
    if sorted(arrays) != sorted(names):
        raise InputError(f"{where}: expected arrays {', '.join(names)} for {network}, got {', '.join(sorted(arrays))}")
    weights = tuple(arrays[name] for name in names)
    try:
        check_weights(network, weights)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    _check_numbers(arrays, where)
    return Saved(network, weights, inputs, outputs)


def _check_numbers(arrays: dict[str, np.ndarray], where: str) -> None:
    for name, W in arrays.items():
        if W.dtype not in (np.float32, np.float64):
            raise InputError(f"{where}: expected {name} in float32 or float64, got {W.dtype}")
        if not np.isfinite(W).all():
            raise InputError(f"{where}: expected finite weights, got {W[~np.isfinite(W)][0]} in {name}")
