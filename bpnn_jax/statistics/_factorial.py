"""A full factorial: main effects and interactions, and which share of the variance among the arms each factor makes.

Arms are all combinations of some factors' levels. The arm means' variance is the sum of one part for every set of factors (the squared
length of the means' projection on that set's contrasts, over the number of arms). A part estimated by the means themselves is too
large by what the noise of the means adds; the estimate here is the mean over all pairs of different units, which is not, and which
therefore can be below 0.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import optimize, special

from bpnn_jax.statistics._results import check_level

STEPS = 50  # of a bisection
LARGE = 2_000  # of a noncentrality
NODES = 32  # of an integral
LOWER = 0.6  # of the probability outside an interval, below it: where there is nothing to find that is all of it
MOST_FACTORS = 8
ROUNDINGS = 64  # of a mean, in units of its last place


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

    The interval of one part inverts the noncentral chi-square distribution of its squared length, over what its interaction with the
    units leaves open of the noise, with Box's (1954) degrees of freedom. That of a share puts those of the part and of all others
    together (MOVER, Zou and Donner 2008): the share s makes (1 - s) times the part equal to s times all others.

    >>> rng = np.random.default_rng(0)
    >>> means = np.array([0.0, 0.0, 3.0, 3.0])  # the first factor alone
    >>> [(s.factors, round(s.share, 2)) for s in shares(means + rng.normal(size=(50, 4)), (2, 2))]
    [((0,), 1.0), ((1,), 0.0), ((0, 1), -0.0)]
    """
    check_level(level)
    sets = _sets(shape)
    spaces = [_projection(shape, factors) for factors in sets]
    arms, parts = values.shape[1], [_part(values @ space, level) for space in spaces]
    whole = sum(part[0] for part in parts)
    if whole <= arms * (ROUNDINGS * np.finfo(np.float64).eps * abs(values).max(initial=0)) ** 2:
        whole = 0.0  # nothing but what rounding makes of equal means
    found = []
    for k, factors in enumerate(sets):
        v, low, high = parts[k]
        others = [space for j, space in enumerate(spaces) if j != k]
        if whole <= 0 or not others:
            share, s_low, s_high = (1.0, 1.0, 1.0) if whole > 0 else (0.0, 0.0, 1.0)  # of nothing each share is as good
        else:
            rest, rest_low, rest_high = _part(values @ np.hstack(others), level)
            share = v / whole
            s_low = min(share, _limit(v, low, rest, rest_high, lower=True))
            s_high = max(share, _limit(v, high, rest, rest_low, lower=False))
        found.append(Share(factors, share, s_low, s_high, whole / arms))
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
    freedom = noise**2 / squares  # Box's, of the part; those of its noise are (n - 1) times as many
    if each.shape[1] > 1 and freedom < n - 1:  # what few units make too small, as Huynh and Feldt (1976) have it
        freedom = float(np.clip((n * freedom - 2) / (n - 1 - freedom), freedom, each.shape[1]))
    step = noise / (freedom * n)  # the variance of the mean in one direction
    nodes = special.chdtri(freedom * (n - 1), (np.arange(NODES) + 0.5) / NODES) / (freedom * (n - 1))
    length = float((mean**2).sum()) / step
    tail = (1 - level) * LOWER
    low, high = (_squared(length, freedom, n, nodes, p) for p in (1 - tail, (1 - level) - tail))
    return found, min(found, low * step), max(found, high * step)


def _squared(length: float, freedom: float, n: int, nodes: np.ndarray, p: float) -> float:
    """The squared length of a mean, in units of the variance of one direction, under which that seen is above ``length`` with
    probability 1 - ``p``: a mean over what the true variance may be, ``nodes`` being its inverse in units of that seen. 0 where
    there is none.
    """
    if length > LARGE:  # where it is that of a shifted t, and its series would be endless
        return float((np.sqrt(length) - special.stdtrit(freedom * (n - 1), p)) ** 2)

    def above(away: float) -> float:
        return float(special.chndtr(length * nodes, freedom, away * nodes).mean()) - p

    if above(0.0) <= 0:
        return 0.0
    high = max(4.0, 2 * length)
    while above(high) > 0:
        high *= 2
    root: Any = optimize.brentq(above, 0.0, high, xtol=1e-9 * high)
    return float(root)


def _limit(part: float, part_limit: float, rest: float, rest_limit: float, lower: bool) -> float:
    """The share at which (1 - s) part - s rest has 0 as its lower (upper) limit."""
    low, high, sign = 0.0, 1.0, 1.0 if lower else -1.0
    for _ in range(STEPS):
        s = (low + high) / 2
        away = np.hypot((1 - s) * (part - part_limit), s * (rest - rest_limit))
        inside = (1 - s) * part - s * rest - sign * away > 0
        low, high = (s, high) if inside else (low, s)
    return (low + high) / 2
