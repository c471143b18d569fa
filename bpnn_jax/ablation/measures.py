"""Further outcomes of a study whose networks were kept: functions of (network, weights, patterns), given in Python."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from bpnn_jax.ablation.chunk import Program
from bpnn_jax.ablation.table import Table, lists
from bpnn_jax.errors import InputError
from bpnn_jax.network import Network, Weights
from bpnn_jax.patterns import Patterns

# Of a network, its weights, L arrays (n_in + bias, n_out), and the parts of its patterns by name: train, and validation and test
# where there are such.
Measure = Callable[[Network, Weights, Mapping[str, Patterns]], float]


def of_a_chunk(program: Program, content: Table, measured: Mapping[str, Measure]) -> dict[str, np.ndarray]:
    """The values of each function, (runs,), for the networks of a chunk.

    Raises InputError where a function makes something else than a number of them.
    """
    if not measured:
        return {}
    assert program.judge is not None
    sizes = [rows * columns for rows, columns in program.network.shapes]
    flat = lists(content, "weights", sum(sizes))
    cut = np.split(flat, np.cumsum(sizes)[:-1], axis=1)
    layers = [W.reshape(len(flat), *shape) for W, shape in zip(cut, program.network.shapes, strict=True)]
    found = {name: np.empty(len(flat)) for name in measured}
    for k in range(len(flat)):
        weights = tuple(W[k] for W in layers)
        for name, function in measured.items():
            found[name][k] = _number(name, function(program.network, weights, program.judge.parts))
    return found


def _number(name: str, value: Any) -> float:
    array = np.asarray(value)
    if array.shape != () or array.dtype.kind not in "fiub":
        raise InputError(f"expected a number of the function for {name}, got {type(value).__name__}: {value!r:.80}")
    return float(array)
