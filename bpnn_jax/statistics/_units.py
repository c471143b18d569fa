"""Means of runs that come in clusters (the splits of a data set), and what differs between arms: Student's t on the clusters' means.

A cluster's runs share its patterns, so they are one observation of what another split would give: 20 splits of 16 seeds are 20, and
not 320. With equally many runs in each cluster the mean of its runs is all that counts, and t on these means needs two clusters or
more.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from bpnn_jax.errors import InputError
from bpnn_jax.statistics._bootstrap import sign_test
from bpnn_jax.statistics._results import check_level, numbers

CROSS_FITTED = 1.25  # of the variance: halves that chose for each other are not independent (benchmarks/factors.py)


class Effects(NamedTuple):
    """Weighted sums of arm means, arrays (k,): the effect, its interval, the two-sided p of "it is 0", and its standard error with
    degrees of freedom.
    """

    effect: np.ndarray
    low: np.ndarray
    high: np.ndarray
    p: np.ndarray
    error: np.ndarray
    freedom: np.ndarray


def units(values: ArrayLike, groups: ArrayLike | None = None) -> np.ndarray:
    """What varies independently, (units, arms): the mean of each group's runs, or the runs themselves where there are no groups.

    values: (runs, arms); groups: (runs,), a label for each run. Raises InputError for groups of different sizes, or fewer than two.

    >>> units([[1, 2], [3, 4], [5, 6], [7, 8]], groups=[0, 0, 1, 1]).tolist()
    [[2.0, 3.0], [6.0, 7.0]]
    """
    array = numbers("values", values)
    if groups is None:
        return array
    labels = np.asarray(groups)
    if labels.shape != (len(array),):
        raise InputError(f"expected groups as one label per run, shape ({len(array)},), got {labels.shape}")
    _, codes, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    if len(sizes) < 2:
        raise InputError("expected 2 groups or more, got 1; leave groups out")
    if sizes.min() != sizes.max():
        raise InputError(f"expected equally many runs in each group, got {sizes.min()} to {sizes.max()}")
    sums = np.zeros((len(sizes), array.shape[1]))
    np.add.at(sums, codes, array)
    return sums / sizes[0]


def effects(
    values: np.ndarray,
    weights: np.ndarray,
    strata: np.ndarray | None = None,
    level: float = 0.95,
    inflation: float = 1.0,
) -> Effects:
    """Student's t for ``mean(values) @ weights``.

    values: (units, arms), finite; weights: (arms, k). strata: (units,), where units of different strata have different means of their
    own (each half of the seeds is judged at what the other half chose): the scatter is that within them. inflation: of the variance,
    such as `nadeau_bengio`, or ``CROSS_FITTED`` for such halves.

    p is the sign test's where nothing varies. Equal to ``scipy.stats.ttest_rel`` for two arms without strata.

    >>> found = effects(np.array([[3.0, 1.0], [4.0, 1.0], [5.0, 3.0]]), np.array([[1.0], [-1.0]]))
    >>> found.effect.round(3).tolist(), found.low.round(3).tolist(), found.p.round(4).tolist()
    ([2.333], [0.899], [0.0198])
    """
    check_level(level)
    each = values @ weights
    n, rounding = len(each), 16 * np.finfo(np.float64).eps * abs(values).max(initial=0) * abs(weights).sum(axis=0)
    labels = np.zeros(n, int) if strata is None else np.unique(strata, return_inverse=True)[1]
    sizes = np.bincount(labels)
    means = np.zeros((len(sizes), each.shape[1]))
    np.add.at(means, labels, each)
    means /= sizes[:, None]
    freedom = n - len(sizes)
    error = np.sqrt(((each - means[labels]) ** 2).sum(axis=0) / freedom / n * inflation)
    effect = each.mean(axis=0)
    effect = np.where(abs(effect) <= rounding, 0.0, effect)
    varies = error > rounding
    t = effect / np.where(varies, error, 1)
    p = 2 * special.stdtr(freedom, -abs(t))
    for k in np.flatnonzero(~varies):
        p[k] = 1.0 if abs(effect[k]) <= rounding[k] else sign_test(each[:, k])
    half = special.stdtrit(freedom, (1 + level) / 2) * np.where(varies, error, 0)
    error, freedoms = np.where(varies, error, 0.0), np.full(effect.shape, float(freedom))
    return Effects(effect, effect - half, effect + half, p, error, freedoms)


def nadeau_bengio(splits: int, trained: int, tested: int) -> float:
    """By how much the variance of a mean over splits grows for new data: 1 + splits * tested / trained (Nadeau and Bengio 2003).

    Splits of one data set overlap, so their scatter tells little about other data; this is an approximation, and no more.

    >>> nadeau_bengio(20, 70, 30) == 1 + 20 * 30 / 70
    True
    """
    if min(splits, trained, tested) < 1:
        raise InputError(f"expected 1 or more splits, patterns to train and to test, got {splits}, {trained}, {tested}")
    return 1 + splits * tested / trained
