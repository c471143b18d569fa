"""Other values for what is carried along: integers and booleans within the example's own range, floats of the example's own kind."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from bpnn_jax.audit._domains import looks, on
from bpnn_jax.audit._leaves import dtype_of, is_float_array, numbers


def other(
    example: Any, rng: np.random.Generator, turn: int, constants: Sequence[int], lengths: set[int], free: bool = False
) -> np.ndarray | None:
    """Values like the example's for the ``turn``-th draw; None for what is kept as it is, because its order or sum means something.

    ``free``: integers that may come in any order and with repeats, whatever the example looks like.
    """
    array = np.asarray(example)
    if not array.size:
        return None
    if array.dtype == np.bool_:
        return _mask(array, rng, turn)
    if is_float_array(example):
        return _floats(example, rng)
    if np.issubdtype(array.dtype, np.unsignedinteger):  # a PRNG key, or packed bits
        return None
    return _whole(array, rng, turn, constants, lengths, free)


def _mask(array: np.ndarray, rng: np.random.Generator, turn: int) -> np.ndarray:
    found = np.ones_like(array)
    if turn % 3 == 1 and array.ndim:
        found[rng.integers(len(found))] = False  # one row off, or one element of a vector
    elif turn % 3 == 2:
        found = rng.random(array.shape) > 0.4
    return found


def _whole(
    array: np.ndarray, rng: np.random.Generator, turn: int, constants: Sequence[int], lengths: set[int], free: bool
) -> np.ndarray | None:
    low, high = int(array.min()), int(array.max())
    flat = array.ravel()
    if is_order(array, lengths) and not free:
        return None
    if low == high and not constants:  # all alike: one less is as good an index, and 1 where no length is 1
        if array.size < 2 or high < 0 or min(lengths, default=1) < 2:
            return None
        low, high = max(0, high - 1), max(high, 1)
    if each_once(array) and not free:  # a permutation stays one
        found = rng.permutation(flat).reshape(array.shape)
    else:
        found = rng.integers(low, high + 1, array.shape)
        rising = array.ndim == 1 and array.size > 2 and (np.diff(array) >= 0).all() and low < high and not free
        if array.size > 1 and turn % 2 == 0:  # with a repeat, whatever the dice say
            found.ravel()[rng.permutation(array.size)[:2]] = rng.integers(low, high + 1)
        found = np.sort(found) if rising else found
    if constants and array.size:
        strange = sorted(constants, key=lambda n: low <= n <= high)  # what the example has none of comes first
        places = rng.permutation(array.size)[: max(1, min(len(constants), array.size // 2))]
        found.ravel()[places] = [strange[(turn - 1 + i) % len(strange)] for i in range(len(places))]
    return found.astype(array.dtype)


def each_once(leaf: Any) -> bool:
    """Every whole number from the least to the largest once: a permutation, or a coincidence of the example."""
    array = np.asarray(leaf)
    if array.size <= 2 or array.dtype.kind != "i":
        return False
    return len(np.unique(array)) == array.size == int(array.max()) - int(array.min()) + 1


def is_permutation(leaf: Any) -> bool:
    """Each of 0, ..., n - 1 once along the last axis, n at least 2: other numbers may be no permutation any more."""
    array = np.asarray(leaf)
    if array.ndim == 0 or array.size < 2 or array.shape[-1] < 2 or array.dtype.kind != "i":
        return False
    return bool((np.sort(array, -1) == np.arange(array.shape[-1])).all())


def is_order(array: np.ndarray, lengths: set[int]) -> bool:
    """Offsets into another array (0, ..., its length): no value of them can be changed alone."""
    if array.ndim != 1 or array.size < 2 or array.dtype.kind != "i":
        return False
    last = int(array[-1])
    rising = array[0] == 0 and (np.diff(array) >= 0).all()
    return bool(rising and last in lengths - {array.size} and last >= array.size - 1)


def _floats(example: Any, rng: np.random.Generator) -> np.ndarray | None:
    x = numbers(example)
    if not np.isfinite(x).all() or abs(x).max() > 1e8:  # a mask of -inf or -1e9 that is added
        return None
    kind = looks(example)
    size = float(np.sqrt(np.mean(abs(x) ** 2))) or 1.0
    if kind:
        return on(kind, rng.standard_normal(x.shape) * size, rng)
    if not np.iscomplexobj(x):
        if x.size == 1 or (x > 0).all():
            return x * np.exp(rng.uniform(-0.5, 0.5, x.shape))
        if x.ndim == 1 and x.size > 2 and ((np.diff(x) > 0).all() or (np.diff(x) < 0).all()):
            moved = np.sort(x + np.diff(np.sort(x)).min() * rng.uniform(-0.45, 0.45, x.shape))
            return moved if x[0] < x[-1] else moved[::-1]
        if (x == np.round(x)).all() and x.any():
            return rng.integers(int(x.min()), int(x.max()) + 1, x.shape).astype(np.float64)
    value = rng.uniform(-1.7, 1.7, x.shape) * size
    return value + 1j * rng.uniform(-1.7, 1.7, x.shape) * size if np.iscomplexobj(x) else value


def exact(value: np.ndarray, example: Any) -> np.ndarray:
    """Rounded to the example's dtype, so that every precision starts from the same numbers."""
    return np.asarray(value).astype(dtype_of(example))
