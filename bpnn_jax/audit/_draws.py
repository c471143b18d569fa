"""Where a rule is tried: inputs that reach saturation and both signs, and cotangents that are random, never ones."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from bpnn_jax.audit._leaves import Arguments, dtype_of, in_width, numbers
from bpnn_jax.errors import InputError

SCALES = (1.0, 10.0, 3.0, 0.3)  # of the wide draws, in turn; ±1 alone rarely reaches a saturated branch
SPECIAL = (0.0, 1.0, -1.0, 30.0, -30.0)


class Drawn(NamedTuple):
    """Values for the live leaves, exactly representable in the leaves' own dtypes, held in float64."""

    name: str
    live: list[np.ndarray]
    carried: tuple = ()  # for the carried arrays; none where they are the example's


def inputs(arguments: Arguments, draws: int, seed: int, ranges: Any = None, special: bool = False) -> list[Drawn]:
    """The example itself, the example disturbed, then wide draws; at special points (0, ties, ±large) too on request.

    A leaf whose example is positive throughout stays positive (a variance, a probability, a scale), for only the author knows
    whether it may be anything else; ``ranges`` says otherwise.
    """
    limits = _limits(arguments, ranges)
    drawn = [Drawn("the example", [_exact(numbers(e), e) for e in arguments.examples])]
    for i in range(draws - 1):
        rng = np.random.default_rng((seed, i))
        name, values = f"draw {i + 1}", []
        for example, limit in zip(arguments.examples, limits, strict=True):
            near = numbers(example)
            if limit is not None:
                value = _within(rng, near, limit)
            else:
                scale = SCALES[i % len(SCALES)]
                size = float(np.sqrt(np.mean(abs(near) ** 2))) if near.size and np.isfinite(near).all() else 1.0
                value = _uniform(rng, near) * scale * (size or 1.0) * 1.7
                if not np.iscomplexobj(near) and near.size and (near > 0).all():
                    value = near * np.exp(rng.uniform(-1.0, 1.0, near.shape) * min(scale, 2.0))
            values.append(_exact(value, example))
        drawn.append(Drawn(name, values))
    if special:
        for point in SPECIAL:
            live = [_exact(np.full(np.shape(e), point), e) for e in arguments.examples]
            drawn.append(Drawn(f"all {point:g}", live))
    return drawn


def _within(rng: np.random.Generator, like: np.ndarray, limit: tuple[float, float]) -> np.ndarray:
    value = rng.uniform(*limit, like.shape)
    return value + 1j * rng.uniform(*limit, like.shape) if np.iscomplexobj(like) else value


def _uniform(rng: np.random.Generator, like: np.ndarray) -> np.ndarray:
    value = rng.uniform(-1.0, 1.0, like.shape)
    return value + 1j * rng.uniform(-1.0, 1.0, like.shape) if np.iscomplexobj(like) else value


def cotangent(output: Any, seed: int) -> Any:
    """A random cotangent for an output, float64: normal, so never ones and never the output itself; None for what is no float."""
    rng = np.random.default_rng((seed, 77))

    def draw(leaf: Any) -> Any:
        if not jnp.issubdtype(leaf.dtype, jnp.inexact):
            return None
        c = rng.standard_normal(leaf.shape) + 0.1
        return c + 1j * rng.standard_normal(leaf.shape) if jnp.issubdtype(leaf.dtype, jnp.complexfloating) else c

    return jax.tree.map(draw, output)


def _exact(value: np.ndarray, example: Any) -> np.ndarray:
    """Rounded to the example's dtype, and back in float64: both precisions then start from the same numbers."""
    dtype = dtype_of(example)
    return numbers(np.asarray(value).astype(dtype))


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


def as_jax(values: Sequence[np.ndarray], arguments: Arguments, dtype: Any = None) -> list:
    """The live leaves in the width of ``dtype``, or each in its own."""
    pairs = zip(values, arguments.examples, strict=True)
    return [jnp.asarray(np.asarray(v).astype(in_width(dtype_of(e), dtype))) for v, e in pairs]


def carried_as_jax(drawn: Drawn, arguments: Arguments, dtype: Any = None) -> list:
    """The carried arrays likewise: the draw's own, or else the example's."""
    pairs = zip(drawn.carried or arguments.others, arguments.others, strict=True)
    return [jnp.asarray(np.asarray(v).astype(in_width(dtype_of(e), dtype))) for v, e in pairs]
