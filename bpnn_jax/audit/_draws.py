"""Where a rule is tried: inputs that reach saturation and both signs, and cotangents that are random, never ones."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from bpnn_jax.audit._leaves import Arguments, dtype_of
from bpnn_jax.errors import InputError

SCALES = (1.0, 10.0, 3.0, 0.3)  # of the wide draws, in turn; ±1 alone rarely reaches a saturated branch
SPECIAL = (0.0, 1.0, -1.0, 30.0, -30.0)


class Drawn(NamedTuple):
    """Values for the live leaves, exactly representable in the leaves' own dtypes, held in float64."""

    name: str
    live: list[np.ndarray]


def inputs(arguments: Arguments, draws: int, seed: int, ranges: Any = None, special: bool = False) -> list[Drawn]:
    """The example itself, the example disturbed, then wide draws; at special points (0, ties, ±large) too on request.

    A leaf whose example is positive throughout stays positive (a variance, a probability, a scale), for only the author knows
    whether it may be anything else; ``ranges`` says otherwise.
    """
    limits = _limits(arguments, ranges)
    drawn = [Drawn("the example", [_exact(np.asarray(e, np.float64), e) for e in arguments.examples])]
    for i in range(draws - 1):
        rng = np.random.default_rng((seed, i))
        name, values = f"draw {i + 1}", []
        for example, limit in zip(arguments.examples, limits, strict=True):
            near = np.asarray(example, np.float64)
            if limit is not None:
                value = rng.uniform(*limit, near.shape)
            else:
                scale = SCALES[i % len(SCALES)]
                size = float(np.sqrt(np.mean(near**2))) if near.size and np.isfinite(near).all() else 1.0
                value = rng.uniform(-1.0, 1.0, near.shape) * scale * (size or 1.0) * 1.7
                if near.size and (near > 0).all():
                    value = near * np.exp(rng.uniform(-1.0, 1.0, near.shape) * min(scale, 2.0))
            values.append(_exact(value, example))
        drawn.append(Drawn(name, values))
    if special:
        for point in SPECIAL:
            live = [_exact(np.full(np.shape(e), point), e) for e in arguments.examples]
            drawn.append(Drawn(f"all {point:g}", live))
    return drawn


def cotangent(output: Any, seed: int) -> Any:
    """A random cotangent for an output, float64: normal, so never ones and never the output itself."""
    rng = np.random.default_rng((seed, 77))
    return jax.tree.map(lambda leaf: rng.standard_normal(np.shape(leaf)) + 0.1, output)


def _exact(value: np.ndarray, example: Any) -> np.ndarray:
    """Rounded to the example's dtype, and back in float64: both precisions then start from the same numbers."""
    dtype = dtype_of(example)
    return np.asarray(np.asarray(value).astype(dtype), np.float64)


def _limits(arguments: Arguments, ranges: Any) -> list[tuple[float, float] | None]:
    """(low, high) for each live leaf. ``ranges`` is one pair for all, or a mapping from a leaf's name or argument to a pair."""
    if ranges is None:
        return [None] * len(arguments.live)
    if isinstance(ranges, Mapping):
        known = set(arguments.names) | {f"argument {i}" for i in arguments.argnums} | set(arguments.argnums)
        for key in ranges:
            if key not in known:
                raise InputError(f"expected ranges for leaves among {', '.join(arguments.names)}, got {key!r}")
        pairs = []
        for name in arguments.names:
            number = int(name.split("[")[0].split(".")[0].removeprefix("argument "))
            pairs.append(ranges.get(name, ranges.get(f"argument {number}", ranges.get(number))))
    else:
        pairs = [ranges] * len(arguments.live)
    for pair in pairs:
        if pair is not None and not (np.shape(pair) == (2,) and np.isfinite(pair).all() and pair[0] < pair[1]):
            raise InputError(f"expected a range as (low, high), both finite, got {pair!r}")
    return [None if pair is None else (float(pair[0]), float(pair[1])) for pair in pairs]


def as_jax(values: list[np.ndarray], arguments: Arguments, dtype: Any = None) -> list:
    """The live leaves in ``dtype``, or each in its own."""
    return [jnp.asarray(np.asarray(v, dtype or dtype_of(e))) for v, e in zip(values, arguments.examples, strict=True)]
