"""Random sizes and arrays, and the pieces of a rule that is made for them."""

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np


class Shape:
    """Random sizes and arrays in one dtype."""

    def __init__(self, seed: int, dtype: str):
        self.rng = np.random.default_rng((seed, 31))
        self.dtype = jnp.dtype(dtype)

    def size(self, low: int = 1, high: int = 12) -> int:
        return int(self.rng.integers(low, high + 1))

    def array(self, *shape: int) -> np.ndarray:
        return (self.rng.standard_normal(shape) * 2.0 ** self.rng.integers(-2, 3)).astype(self.dtype)

    def many(self, low: int = 1) -> np.ndarray:
        """One to three axes, the last at least ``low`` long."""
        return self.array(*(self.size() for _ in range(self.size(0, 2))), self.size(low))


class Made(NamedTuple):
    """The pieces of a rule and its arguments. ``bwd`` returns a cotangent for each argument, None for an integer one."""

    fun: Callable
    fwd: Callable
    bwd: Callable
    args: tuple
