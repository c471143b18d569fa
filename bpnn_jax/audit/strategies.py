"""Hypothesis strategies for those who want to search for a draw that breaks a rule. Needs ``pip install hypothesis``."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from bpnn_jax.audit._leaves import dtype_of, take_apart

try:
    from hypothesis import strategies as st
    from hypothesis.strategies import SearchStrategy
except ModuleNotFoundError as error:  # pragma: no cover - the tests have it
    raise ModuleNotFoundError("bpnn_jax.audit.strategies needs hypothesis: pip install hypothesis") from error

EDGES = (0.0, 1.0, -1.0, 1e-3, -1e-3, 30.0, -30.0)


def arguments(
    *args: Any, argnums: int | Sequence[int] | None = None, low: float = -10.0, high: float = 10.0
) -> SearchStrategy[tuple]:
    """Arguments like the examples ``args``: other numbers in every floating leaf, in its own shape and dtype.

    Each leaf gets a scale of its own up to ``high`` and is now and then full of one edge value (0, ±1, ±30), where ties and
    saturated branches are. What is not a float is carried along.
    """
    taken = take_apart(args, argnums)

    def leaf(example: Any) -> SearchStrategy[np.ndarray]:
        shape, dtype = np.shape(example), dtype_of(example)

        def uniform(seed_and_scale: tuple[int, float]) -> np.ndarray:
            seed, scale = seed_and_scale
            return np.random.default_rng(seed).uniform(low * scale, high * scale, shape).astype(dtype)

        scattered = st.tuples(st.integers(0, 2**32 - 1), st.sampled_from((1.0, 0.1, 0.01))).map(uniform)
        inside = [edge for edge in EDGES if low <= edge <= high] or [low]
        return scattered | st.sampled_from(inside).map(lambda edge: np.full(shape, edge, dtype))

    return st.tuples(*map(leaf, taken.examples)).map(lambda live: taken.join(list(live)))
