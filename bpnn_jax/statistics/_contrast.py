"""Numbers, one per run: their mean or interquartile mean, differences between arms, and how two factors act together."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from bpnn_jax.errors import InputError
from bpnn_jax.statistics._bootstrap import (
    MEASURE_NAMES,
    Bootstrap,
    Sampling,
    Spread,
    difference,
    interval,
    measure_of,
    p_values,
    sampling,
    spread,
)
from bpnn_jax.statistics._results import Comparison, Estimate, Names, aligned, floats, numbers, one_arm

DEFAULT = Bootstrap()


def estimate(
    values: ArrayLike,
    measure: str = "mean",
    *,
    what: str = "",
    unit: str = "",
    groups: ArrayLike | None = None,
    groups_fixed: bool = False,
    bootstrap: Bootstrap = DEFAULT,
) -> Estimate:
    """The mean (``measure="mean"``) or interquartile mean (``"iqm"``) of one arm's ``values`` (runs,), with a bootstrap interval.

    what: the estimate's title; the measure's name if empty

    The other arguments are those of `compare`. Raises InputError for a NaN or an infinity, fewer than two runs, an unknown measure.

    >>> print(estimate([4, 5, 6, 7, 8, 9, 10, 11], "iqm", what="solved after", unit="epochs"))
    solved after: 7.5 [5, 10] epochs, n = 8
    """
    array = one_arm(what or "values", values)
    drawn = sampling(len(array), groups, groups_fixed)
    title, none = what or MEASURE_NAMES.get(measure, measure), np.empty((1, 0))
    return arms_and_contrasts(array, none, measure, [title], [], unit, drawn, bootstrap)[0][0]


def compare(
    a: ArrayLike,
    b: ArrayLike,
    measure: str = "mean",
    *,
    paired: bool = True,
    arm: str = "a",
    against: str = "b",
    kind: str = "",
    unit: str = "",
    groups: ArrayLike | None = None,
    groups_fixed: bool = False,
    bootstrap: Bootstrap = DEFAULT,
) -> Comparison:
    """The difference between two arms' means or interquartile means, a minus b, with a bootstrap interval over whole runs.

    a, b: (runs,), one number per run; row i of both is the same seed, unless ``paired`` is False
    measure: "mean", or "iqm" for the interquartile mean of a minus that of b
    arm, against, kind, unit: the `Comparison`'s fields: the names of a and b, what the numbers are, and their unit
    groups: a label for each run, such as its data split: whole groups are drawn, with all their runs. With ``groups_fixed``
        the groups are all there are (tasks one cares about), and runs are drawn within each. Paired arms only

    p is that of Student's t on the differences, Yuen's (1974) for interquartile means, Welch's where the arms are not paired, and
    that of the groups' sums where there are groups.
    Raises InputError for arms of different length, a NaN or an infinity, fewer than two runs, an unknown measure.

    >>> print(compare([5, 6, 8, 9, 7, 9], [4, 6, 6, 8, 5, 6], arm="sigmoid", against="tanh", unit="epochs"))
    sigmoid - tanh: +1.5 [+0.4769, +2.5] epochs, standardised +1.43, above in 92%, p = 0.017, n = 6
    """
    names = Names(arm, against, kind)
    x, y = one_arm(f"a of {names.title}", a), one_arm(f"b of {names.title}", b)
    if not paired:
        if groups is not None:
            raise InputError("expected paired arms with groups; arms with groups of their own cannot be compared here")
        return _unpaired(x, y, measure, names, unit, bootstrap)
    aligned(names.title, x, y)
    drawn = sampling(len(x), groups, groups_fixed)
    weights = np.array([[1.0], [-1.0]])
    return arms_and_contrasts(np.hstack([x, y]), weights, measure, ["a", "b"], [names], unit, drawn, bootstrap)[1][0]


def interaction(
    values: ArrayLike,
    measure: str = "mean",
    *,
    change: str = "k 0 to 1",
    arm: str = "j = 1",
    against: str = "j = 0",
    kind: str = "",
    unit: str = "",
    groups: ArrayLike | None = None,
    groups_fixed: bool = False,
    bootstrap: Bootstrap = DEFAULT,
) -> Comparison:
    """Does one factor matter more under one level of the other? The difference of differences, paired over seeds.

    values: (runs, 2, 2); ``values[i, j, k]`` is seed i with the first factor at its level j and the second at its level k.
        Numbers, or True and False (the effect is then a difference of success rates), or `restricted_values`
    change: the second factor's change, from its level 0 to its level 1, in words
    arm, against: the first factor's levels 1 and 0, in words

    The effect is (v[1,1] - v[1,0]) - (v[0,1] - v[0,0]), v the mean or interquartile mean of each of the four arms: what the change
    makes under ``arm``, minus what it makes under ``against``. The other arguments are those of `compare`. Success rates want a few
    dozen runs with both outcomes among them: where no run differs from the others, the interval has no width. Raises InputError for
    another shape, and as `compare` does.

    >>> runs = [[[3, 1], [3, 2]], [[5, 2], [4, 4]], [[4, 1], [5, 4]], [[6, 2], [3, 3]]]  # sigmoid, tanh x bias off, on
    >>> print(interaction(runs, change="bias", arm="tanh", against="sigmoid", unit="epochs"))
    bias: tanh - sigmoid: +2.5 [+1, +4] epochs, standardised +1.94, above in 100%, p = 0.03, n = 4
    """
    names = Names(arm, against, kind, change)
    array = floats("the values of an interaction", values)
    if array.ndim != 3 or array.shape[1:] != (2, 2):
        raise InputError(f"expected values of shape (runs, 2, 2), a row per seed, got {array.shape}")
    flat = numbers("the values of an interaction", array.reshape(len(array), 4))
    weights = np.array([[1.0], [-1.0], [-1.0], [1.0]])  # arms (0,0), (0,1), (1,0), (1,1)
    drawn = sampling(len(flat), groups, groups_fixed)
    return arms_and_contrasts(flat, weights, measure, [""] * 4, [names], unit, drawn, bootstrap)[1][0]


def arms_and_contrasts(
    values: np.ndarray,
    weights: np.ndarray,
    measure: str,
    arms: Sequence[str],
    contrasts: Sequence[Names],
    unit: str,
    drawn: Sampling,
    bootstrap: Bootstrap,
) -> tuple[list[Estimate], list[Comparison]]:
    """An Estimate for each column of ``values`` (runs, arms), and a Comparison of paired arms for each of ``weights`` (arms, k).

    arms, contrasts: a title for each estimate, and the names of each comparison
    One draw of runs serves all of them.
    """
    count = values.shape[1]
    both = np.hstack([np.eye(count), weights])
    found = spread(measure_of(measure, values), both, drawn, bootstrap.resamples, np.random.default_rng(bootstrap.seed))
    single = found.columns(slice(count))
    low, high = interval(single, bootstrap)
    estimates = [
        Estimate(
            value=float(v), low=float(lo), high=float(hi), n=len(values), what=name, unit=unit, level=bootstrap.level
        )
        for v, lo, hi, name in zip(single.effect, low, high, arms, strict=True)
    ]
    apart = found.columns(slice(count, None))
    rounding = _rounding(values, weights)
    return estimates, _comparisons(apart, values @ weights, rounding, measure, contrasts, unit, bootstrap)


def _unpaired(x: np.ndarray, y: np.ndarray, measure: str, names: Names, unit: str, bootstrap: Bootstrap) -> Comparison:
    rng = np.random.default_rng(bootstrap.seed)  # one for both: the second arm's runs are drawn after the first's
    spreads = [
        spread(measure_of(measure, arm), np.ones((1, 1)), Sampling(len(arm)), bootstrap.resamples, rng)
        for arm in (x, y)
    ]
    shorter = min(len(x), len(y))
    rounding = _rounding(np.concatenate([x, y]), np.array([[1.0], [-1.0]]))
    found = difference(*spreads)
    (rowwise,) = _comparisons(found, x[:shorter] - y[:shorter], rounding, measure, [names], unit, bootstrap)
    return dataclasses.replace(rowwise, above=_share_above(x[:, 0], y[:, 0]), n=len(x) + len(y))


def _comparisons(
    found: Spread,
    differences: np.ndarray,
    rounding: np.ndarray,
    measure: str,
    contrasts: Sequence[Names],
    unit: str,
    bootstrap: Bootstrap,
) -> list[Comparison]:
    low, high = interval(found, bootstrap)
    p = p_values(found, rounding, differences)
    above = (1 + np.sign(differences)).mean(0) / 2
    return [
        Comparison(
            effect=float(found.effect[k]),
            low=float(low[k]),
            high=float(high[k]),
            p=float(p[k]),
            standardised=float(found.effect[k] / found.deviation[k]) if found.test.error[k] > rounding[k] else None,
            above=float(above[k]),
            n=len(differences),
            unit=unit,
            method=f"difference of {MEASURE_NAMES[measure]}s, {bootstrap.method} bootstrap",
            level=bootstrap.level,
            **names._asdict(),
        )
        for k, names in enumerate(contrasts)
    ]


def _rounding(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """What float64 may make of "no difference at all" between numbers of this size."""
    return 16 * np.finfo(np.float64).eps * abs(values).max() * abs(weights).sum(0)


def _share_above(x: np.ndarray, y: np.ndarray) -> float:
    """The share of all pairs with x above y, a tie counting half (the Mann-Whitney statistic)."""
    y = np.sort(y)
    return float((np.searchsorted(y, x, "left") + np.searchsorted(y, x, "right")).mean() / (2 * len(y)))
