"""What comes in: arrays aligned by seed, a row a run and a column an arm."""

import math

import numpy as np
from numpy.typing import ArrayLike

from bpnn_jax.errors import InputError


def plain(what: str, values: ArrayLike) -> np.ndarray:
    """``values`` as float64, of any shape."""
    try:
        return np.asarray(values, np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"expected {what} as an array of numbers: {error}") from None


def numbers(what: str, values: ArrayLike) -> np.ndarray:
    """``values`` as float64 of shape (runs, arms), finite, two runs at least; one arm may come as a vector."""
    array = plain(what, values)
    array = array[:, None] if array.ndim == 1 else array
    if array.ndim != 2 or not array.shape[1]:
        raise InputError(f"expected {what} of shape (runs,) or (runs, arms), got {np.shape(values)}")
    if len(array) < 2:
        raise InputError(f"expected 2 runs or more in {what}, got {len(array)}: one run says nothing about the next")
    if not np.isfinite(array).all():
        run, arm = np.argwhere(~np.isfinite(array))[0]
        raise InputError(
            f"expected finite numbers in {what}, got {array[run, arm]} in run {run} of arm {arm}; a run that diverged has "
            "no such number, and leaving it out would flatter its arm: compare success rates or epochs to solve"
        )
    return array


def one_arm(what: str, values: ArrayLike) -> np.ndarray:
    """The numbers of a single arm, as shape (runs, 1)."""
    array = numbers(what, values)
    if array.shape[1] != 1:
        raise InputError(f"expected {what} as one arm, shape (runs,), got {array.shape}")
    return array


def flags(what: str, values: ArrayLike) -> np.ndarray:
    """``values`` as booleans of shape (runs, arms); 0 and 1 count."""
    array = numbers(what, values)
    if not ((array == 0) | (array == 1)).all():
        bad = array[(array != 0) & (array != 1)][0]
        raise InputError(f"expected {what} as True or False for each run, got {bad:g}")
    return array == 1


def aligned(what: str, *arrays: np.ndarray) -> None:
    """Arrays that speak of the same runs have the same shape."""
    shapes = [a.shape for a in arrays]
    if len(set(shapes)) > 1:
        raise InputError(f"expected {what} for the same runs, row by row, got shapes {' and '.join(map(str, shapes))}")


def level(value: float) -> float:
    """A confidence level."""
    if not (isinstance(value, int | float) and 0 < value < 1 and math.isfinite(value)):
        raise InputError(f"expected level as a number between 0 and 1, such as 0.95, got {value!r}")
    return float(value)


def one_arm_flags(what: str, values: ArrayLike) -> np.ndarray:
    """The outcomes of a single arm, booleans of shape (runs,)."""
    return flags(what, one_arm(what, values))[:, 0]
