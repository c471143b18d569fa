"""A full factorial: main effects and interactions, and which share of the variance among the arms each factor makes.

Arms are all combinations of some factors' levels. The arm means' variance is the sum of one part for every set of factors (the squared
length of the means' projection on that set's contrasts, over the number of arms). A part estimated by the means themselves is too
large by what the noise of the means adds; the estimate here is the mean over all pairs of different units, which is not, and which
therefore can be below 0.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from bpnn_jax.statistics._results import check_level

STEPS = 60  # of a bisection
MOST_FACTORS = 8


@dataclass(frozen=True)
class Contrasts:
    """Effects of factors. factors: their numbers; levels: of each the pair (level, level to compare with); weights (arms,)."""

    factors: tuple[int, ...]
    levels: tuple[tuple[int, int], ...]
    weights: np.ndarray


@dataclass(frozen=True)
class Share:
    """factors: their numbers; share of the variance among arm means, and its interval; variance: what it is a share of."""

    factors: tuple[int, ...]
    share: float
    low: float
    high: float
    variance: float


def contrasts(shape: Sequence[int]) -> list[Contrasts]:
    """Main effects (each level minus the factor's first, averaged over all other factors), then the interactions of two factors
    (differences of such differences), for factors of these numbers of levels.

    >>> [(c.factors, c.levels, c.weights.tolist()) for c in contrasts((2, 2))][0]
    ((0,), ((1, 0),), [-0.5, -0.5, 0.5, 0.5])
    """
    found = []
    for size in (1, 2):
        for factors in itertools.combinations([k for k, levels in enumerate(shape) if levels > 1], size):
            for levels in itertools.product(*(range(1, shape[k]) for k in factors)):
                parts = [np.full(n, 1 / n) for n in shape]
                for k, level in zip(factors, levels, strict=True):
                    parts[k] = np.eye(shape[k])[level] - np.eye(shape[k])[0]
                weights = parts[0]
                for part in parts[1:]:
                    weights = np.multiply.outer(weights, part)
                found.append(Contrasts(factors, tuple((level, 0) for level in levels), weights.ravel()))
    return found


def shares(values: np.ndarray, shape: Sequence[int], level: float = 0.95) -> list[Share]:
    """The share of every set of factors in the variance among arm means.

    values: (units, arms), arms in the order of a product of factors with ``shape`` levels, the last fastest; two units or more.

    The interval of one part inverts the noncentral F distribution of its mean square over that of its interaction with the units, with
    Box's (1954) degrees of freedom; that of a share puts two such intervals together (MOVER, Zou and Donner 2008): the share s makes
    (1 - s) times the part equal to s times all others.

    >>> rng = np.random.default_rng(0)
    >>> means = np.array([0.0, 0.0, 3.0, 3.0])  # the first factor alone
    >>> [(s.factors, round(s.share, 2)) for s in shares(means + rng.normal(size=(50, 4)), (2, 2))]
    [((0,), 1.0), ((1,), 0.0), ((0, 1), -0.0)]
    """
    check_level(level)
    sets = _sets(shape)
    parts = [_part(values @ _projection(shape, factors), level) for factors in sets]
    v, low, high = (np.array(column) for column in zip(*parts, strict=True))
    total = float(v.sum())
    found = []
    for k, factors in enumerate(sets):
        others = np.arange(len(sets)) != k
        rest = v[others].sum()
        rest_low = rest - np.sqrt(((v - low)[others] ** 2).sum())
        rest_high = rest + np.sqrt(((high - v)[others] ** 2).sum())
        if total <= 0 or not len(sets) > 1:
            share, s_low, s_high = (1.0, 1.0, 1.0) if total > 0 else (0.0, 0.0, 1.0)
        else:
            share = v[k] / total
            s_low = min(share, _limit(v[k], low[k], rest, rest_high, lower=True))
            s_high = max(share, _limit(v[k], high[k], rest, max(rest_low, 0.0), lower=False))
        found.append(Share(factors, float(share), float(s_low), float(s_high), total))
    return found


def total(values: np.ndarray) -> float:
    """The variance among arm means (over the number of arms), without what their noise adds: (units, arms) to a number."""
    n, arms = values.shape
    return _unbiased(values - values.mean(axis=1, keepdims=True), n) / arms


def _sets(shape: Sequence[int]) -> list[tuple[int, ...]]:
    varied = [k for k, levels in enumerate(shape) if levels > 1][:MOST_FACTORS]
    return [factors for size in range(1, len(varied) + 1) for factors in itertools.combinations(varied, size)]


def _projection(shape: Sequence[int], factors: tuple[int, ...]) -> np.ndarray:
    """(arms, q): orthonormal contrasts of a set of factors."""
    found = np.ones((1, 1))
    for k, n in enumerate(shape):
        mean = np.full((n, 1), n**-0.5)
        basis = np.linalg.qr(np.hstack([mean, np.eye(n)[:, 1:]]))[0][:, 1:] if k in factors else mean
        found = np.kron(found, basis)
    return found


def _unbiased(each: np.ndarray, n: int) -> float:
    """The squared length of the mean of ``each`` (n, q), without what noise adds."""
    return float(((each.sum(axis=0) ** 2).sum() - (each**2).sum()) / (n * (n - 1)))


def _part(each: np.ndarray, level: float) -> tuple[float, float, float]:
    """The squared length of the mean of ``each`` (units, q) and its interval."""
    n = len(each)
    mean = each.mean(axis=0)
    covariance = (each - mean).T @ (each - mean) / (n - 1)
    noise, squares = float(np.trace(covariance)), float((covariance**2).sum())
    found = _unbiased(each, n)
    if noise <= 1e-24 * max(1.0, float((mean**2).sum())):  # nothing varies
        return found, found, found
    epsilon = noise**2 / squares  # Box's, times q
    f, freedom = n * float((mean**2).sum()) / noise, (epsilon, epsilon * (n - 1))
    low, high = (_noncentrality(f, *freedom, p) for p in ((1 + level) / 2, (1 - level) / 2))
    scale = noise / (epsilon * n)
    return found, min(found, low * scale), max(found, high * scale)


def _noncentrality(f: float, one: float, two: float, p: float) -> float:
    """Under which the distribution function at ``f`` is ``p``; 0 where it is below ``p`` for all."""
    if special.fdtr(one, two, f) <= p:
        return 0.0
    low, high = 0.0, max(1.0, 2 * f * one)
    while special.ncfdtr(one, two, high, f) > p:
        low, high = high, 2 * high
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if special.ncfdtr(one, two, middle, f) > p else (low, middle)
    return (low + high) / 2


def _limit(part: float, part_limit: float, rest: float, rest_limit: float, lower: bool) -> float:
    """The share at which (1 - s) part - s rest has 0 as its lower (upper) limit."""
    low, high, sign = 0.0, 1.0, 1.0 if lower else -1.0
    for _ in range(STEPS):
        s = (low + high) / 2
        away = np.hypot((1 - s) * (part - part_limit), s * (rest - rest_limit))
        inside = (1 - s) * part - s * rest - sign * away > 0
        low, high = (s, high) if inside else (low, s)
    return (low + high) / 2
