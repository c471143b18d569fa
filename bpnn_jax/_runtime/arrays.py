"""What a user gives as numbers, as a NumPy array: nothing is cast that is not a real number already."""

from typing import Any

import jax.numpy as jnp
import numpy as np

from bpnn_jax.errors import InputError


def real_array(what: str, value: Any) -> np.ndarray:
    """``value`` as an array of real numbers, in its own shape and dtype; nested lists, JAX's arrays and Booleans will do.

    Raises InputError for complex numbers, strings, masked arrays, objects such as None, and rows of different lengths.

    >>> real_array("inputs", [[0, 1], [1, 1]]).shape
    (2, 2)
    >>> real_array("inputs", ["0.5"])
    Traceback (most recent call last):
    bpnn_jax.errors.InputError: expected inputs as an array of real numbers, got the string '0.5'
    """
    if np.ma.isMaskedArray(value):
        raise InputError(
            f"expected {what} as an array of real numbers, got a masked array: fill its gaps with .filled(number), or leave "
            "those patterns out"
        )
    try:
        array = np.asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise InputError(f"expected {what} as an array of real numbers, got: {error}") from None
    if array.dtype.kind in "biuf" or jnp.issubdtype(array.dtype, jnp.floating):  # bfloat16 is of no kind of NumPy's
        return array
    raise InputError(f"expected {what} as an array of real numbers, got {_named(array)}")


def _named(array: np.ndarray) -> str:
    """What an array holds in place of real numbers."""
    if array.dtype.kind in "US" and array.size:
        return f"the string {array.ravel()[0].item()!r:.60}"
    if array.dtype.kind == "O":
        other = next((v for v in array.ravel() if not isinstance(v, int | float | np.number)), None)
        return f"{other!r:.60} among them"
    return f"an array of {array.dtype}"
