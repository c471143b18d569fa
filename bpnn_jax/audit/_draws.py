"""Where a rule is tried: inputs that reach saturation and both signs, and cotangents that are random, never ones."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from bpnn_jax.audit import _domains
from bpnn_jax.audit._leaves import Arguments, dtype_of, in_width, numbers, put
from bpnn_jax.errors import InputError

SCALES = (1.0, 10.0, 3.0, 0.3)  # of the wide draws, in turn; ±1 alone rarely reaches a saturated branch
LIMITS = (
    ("low", "high"),
    ("lo", "hi"),
    ("lower", "upper"),
    ("min", "max"),
    ("left", "right"),
    ("start", "end"),
    ("start", "stop"),
)
RISING = {"xp", "knots", "grid", "edges", "bins", "nodes", "breakpoints", "boundaries", "thresholds", "ts", "times"}
ALIKE = "all alike"  # of a draw whose leaves have one number each
SPECIAL = (0.0, 1.0, -1.0, 30.0, -30.0)


class Drawn(NamedTuple):
    """Values for the live leaves, exactly representable in the leaves' own dtypes, held in float64."""

    name: str
    live: list[np.ndarray]
    carried: tuple = ()  # for the carried arrays; none where they are the example's
    placed: bool = False  # at values that the audit chose, such as a constant of the program: a kink there is no news


class Bounds(NamedTuple):
    """What is known of where each live leaf may lie: a range, a set, or that its example is positive throughout."""

    ranges: list[tuple[float, float] | None]
    domains: list[Any]
    positive: list[bool]
    ordered: tuple[
        tuple[int, int], ...
    ] = ()  # pairs of leaves of which the first is below the second, by name and in the example
    rising: frozenset[int] = frozenset()  # leaves whose numbers rise, by name and in the example

    def kept(self, live: list[np.ndarray]) -> list[np.ndarray]:
        """Values for the live leaves, with each ordered pair in order, and what rises rising."""
        live = [risen(leaf) if k in self.rising else leaf for k, leaf in enumerate(live)]
        for low, high in self.ordered:
            below, above = np.minimum(live[low], live[high]), np.maximum(live[low], live[high])
            live[low], live[high] = below, np.where(above == below, above + abs(above) / 8 + 1, above)
        return live


def bounds(arguments: Arguments, ranges: Any = None, domain: Any = None) -> Bounds:
    limits = _limits(arguments, ranges)
    domains = _domains.of_leaves(arguments, domain)
    near = [numbers(e) for e in arguments.examples]
    positive = [not np.iscomplexobj(x) and x.size > 0 and bool((x > 0).all()) for x in near]
    return Bounds(limits, domains, positive, tuple(_ordered(arguments)), frozenset(_rising(arguments)))


def _ordered(arguments: Arguments) -> Iterator[tuple[int, int]]:
    """A lower and an upper limit, by their names: drawn the wrong way round they would mean nothing."""
    called = [arguments.called[i] if name == f"argument {i}" else "" for i, name in _numbered(arguments)]
    for low, high in LIMITS:
        for a, name in enumerate(called):
            other = name.replace(low, high)
            if other == name or other not in called:
                continue
            b = called.index(other)
            x, y = numbers(arguments.examples[a]), numbers(arguments.examples[b])
            if x.shape == y.shape and x.size and not np.iscomplexobj(x) and not np.iscomplexobj(y) and (x < y).all():
                yield a, b


def _rising(arguments: Arguments) -> Iterator[int]:
    """Knots of an interpolation, edges of bins: in another order they would mean nothing."""
    for i, name in _numbered(arguments):
        if name and arguments.called[i] in RISING and is_rising(arguments.examples[arguments.names.index(name)]):
            yield arguments.names.index(name)


def risen(values: np.ndarray) -> np.ndarray:
    """The values sorted along the last axis; a whole number is added to each next one where some are equal.

    >>> risen(np.array([2.0, 0.0, 1.0])), risen(np.zeros(3))
    (array([0., 1., 2.]), array([0., 1., 2.]))
    """
    found = np.sort(values)
    return found if (np.diff(found) > 0).all() else found + np.arange(found.shape[-1])


def is_rising(example: Any) -> bool:
    """Whether more than two numbers rise along the last axis.

    >>> is_rising(np.array([0.0, 0.5, 2.0])), is_rising(np.array([0.0, 0.5, 0.5])), is_rising(np.array([0.0, 1.0]))
    (True, False, False)
    """
    x = numbers(example)
    return x.ndim > 0 and x.shape[-1] > 2 and not np.iscomplexobj(x) and bool((np.diff(x) > 0).all())


def _numbered(arguments: Arguments) -> Iterator[tuple[int, str]]:
    for name in arguments.names:
        number = int(name.split("[")[0].split(".")[0].removeprefix("argument "))
        yield number, name if number < len(arguments.called) else ""


def inputs(arguments: Arguments, draws: int, seed: int, within: Bounds, special: bool = False) -> list[Drawn]:
    """The example itself, the example disturbed, then wide draws; at special points (0, ties, ±large) too on request.

    A leaf whose example is positive throughout stays positive (a variance, a probability, a scale), for only the author knows
    whether it may be anything else; ``ranges`` says otherwise.
    """
    drawn = [Drawn("the example", [exactly(numbers(e), e) for e in arguments.examples])]
    for i in range(draws - 1):
        rng = np.random.default_rng((seed, i))
        live = [wide_values(arguments, within, k, rng, SCALES[i % len(SCALES)]) for k in range(len(arguments.live))]
        drawn.append(Drawn(f"draw {i + 1}", within.kept(live)))
    if special:
        for point in SPECIAL:
            live = [exactly(np.full(np.shape(e), point), e) for e in arguments.examples]
            drawn.append(Drawn(f"all {point:g}", live))
    return drawn


def wide_values(arguments: Arguments, within: Bounds, k: int, rng: np.random.Generator, scale: float) -> np.ndarray:
    """Random values for live leaf ``k``: in its range, or uniform over ``scale`` times its own size."""
    example = arguments.examples[k]
    near, limit, domain = numbers(example), within.ranges[k], within.domains[k]
    if limit is not None:
        value = rng.uniform(*limit, near.shape)
        if np.iscomplexobj(near):
            value = value + 1j * rng.uniform(*limit, near.shape)
    else:
        size = float(np.sqrt(np.mean(abs(near) ** 2))) if near.size and np.isfinite(near).all() else 1.0
        value = _uniform(rng, near) * scale * (size or 1.0) * 1.7
        if within.positive[k]:
            value = near * np.exp(rng.uniform(-1.0, 1.0, near.shape) * min(scale, 2.0))
    return exactly(value if domain is None else _domains.on(domain, value, rng), example)


def between(arguments: Arguments, within: Bounds, drawn: Drawn, seed: int) -> Drawn:
    """A draw between the smallest and the largest number of each leaf's example: where a function is known to be defined."""
    rng = np.random.default_rng((seed, 41))
    live = []
    for k, example in enumerate(arguments.examples):
        near = numbers(example)
        if within.domains[k] is not None or np.iscomplexobj(near) or not near.size or not np.isfinite(near).all():
            live.append(near)
            continue
        low, high = float(near.min()), float(near.max())
        mixed = near + 0.3 * (rng.permutation(near.ravel()).reshape(near.shape) - near)
        live.append(exactly(np.clip(mixed * (1 + 0.05 * rng.uniform(-1, 1, near.shape)), low, high), example))
    return drawn._replace(live=within.kept(live))


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


def exactly(value: np.ndarray, example: Any) -> np.ndarray:
    """Rounded to the example's dtype, and back in float64: both precisions then start from the same numbers."""
    return numbers(np.asarray(value).astype(dtype_of(example)))


def _limits(arguments: Arguments, ranges: Any) -> list[tuple[float, float] | None]:
    """(low, high) for each live leaf. ``ranges`` is one pair for all, or a mapping from a leaf's name or argument to a pair."""
    if ranges is None:
        return [None] * len(arguments.live)
    pairs = _domains.by_leaf(arguments, ranges, "ranges")
    for pair in pairs:
        if pair is not None and not (np.shape(pair) == (2,) and np.isfinite(pair).all() and pair[0] < pair[1]):
            raise InputError(f"expected a range as (low, high), both finite, got {pair!r}")
    return [None if pair is None else (float(pair[0]), float(pair[1])) for pair in pairs]


def in_dtype(values: Sequence[np.ndarray], arguments: Arguments, dtype: Any = None) -> list[np.ndarray]:
    """The live leaves in the width of ``dtype``, or each in its own."""
    return [np.asarray(v).astype(in_width(dtype_of(e), dtype)) for v, e in zip(values, arguments.examples, strict=True)]


def as_jax(values: Sequence[np.ndarray], arguments: Arguments, dtype: Any = None) -> list:
    """The same as JAX's arrays: without a program that is compiled to copy them."""
    return jax.device_put(in_dtype(values, arguments, dtype))


def carried_as_jax(drawn: Drawn, arguments: Arguments, dtype: Any = None) -> list:
    """The carried arrays likewise: the draw's own, or else the example's."""
    pairs = zip(drawn.carried or arguments.others, arguments.others, strict=True)
    return [put(v, in_width(dtype_of(e), dtype)) for v, e in pairs]
