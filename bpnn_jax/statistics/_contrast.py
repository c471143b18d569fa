"""Numbers, one a run: their mean or interquartile mean, differences between arms, and how two factors act together."""

import dataclasses

import numpy as np
from numpy.typing import ArrayLike

from bpnn_jax.errors import InputError
from bpnn_jax.statistics import _inputs
from bpnn_jax.statistics._bootstrap import Bootstrap, Spread, difference, interval, p_values, spread
from bpnn_jax.statistics._measures import WORDS, measure
from bpnn_jax.statistics._results import Comparison, Estimate
from bpnn_jax.statistics._sampling import Sampling, sampling

DEFAULT = Bootstrap()


def estimate(
    values: ArrayLike,
    kind: str = "mean",
    *,
    what: str = "",
    unit: str = "",
    groups: ArrayLike | None = None,
    groups_fixed: bool = False,
    bootstrap: Bootstrap = DEFAULT,
) -> Estimate:
    """The mean (``kind="mean"``) or interquartile mean (``"iqm"``) of one arm's ``values`` (runs,), with a bootstrap interval.

    The other arguments are those of `compare`. Raises InputError for what cannot be used.

    >>> print(estimate([4, 5, 6, 7, 8, 9, 10, 11], "iqm", what="solved after", unit="epochs"))
    solved after: 7.5 [5, 10] epochs, n = 8
    """
    array = _inputs.one_arm(what or "values", values)
    drawn = sampling(len(array), groups, groups_fixed)
    title, none = what or WORDS.get(kind, kind), np.empty((1, 0))
    return arms_and_contrasts(array, none, kind, [title], [], unit, drawn, bootstrap)[0][0]


def compare(
    a: ArrayLike,
    b: ArrayLike,
    kind: str = "mean",
    *,
    paired: bool = True,
    what: str = "a - b",
    unit: str = "",
    groups: ArrayLike | None = None,
    groups_fixed: bool = False,
    bootstrap: Bootstrap = DEFAULT,
) -> Comparison:
    """The difference between two arms' means or interquartile means, a minus b, with a bootstrap interval over whole runs.

    a, b: (runs,), one number a run; row i of both is the same seed, unless ``paired`` is False
    kind: "mean", or "iqm" for the interquartile mean of a minus that of b
    groups: a label for each run, such as its data split: whole groups are drawn, with all their runs. With ``groups_fixed``
        the groups are all there are (tasks one cares about), and runs are drawn within each. Paired arms only

    p is that of Student's t on the differences, Yuen's (1974) for interquartile means, Welch's where the arms are not paired, and
    that of the groups' sums where there are groups.
    Raises InputError for arms of different length, a NaN, fewer than two runs.

    >>> print(compare([5, 6, 8, 9, 7, 9], [4, 6, 6, 8, 5, 6], what="sigmoid - tanh", unit="epochs"))
    sigmoid - tanh: +1.5 [+0.4769, +2.5] epochs, standardised +1.43, above in 92%, p = 0.017, n = 6
    """
    x, y = _inputs.one_arm(f"a of {what}", a), _inputs.one_arm(f"b of {what}", b)
    if not paired:
        if groups is not None:
            raise InputError("expected paired arms with groups; arms with groups of their own cannot be compared here")
        return _unpaired(x, y, kind, what, unit, bootstrap)
    _inputs.aligned(what, x, y)
    drawn = sampling(len(x), groups, groups_fixed)
    weights = np.array([[1.0], [-1.0]])
    return arms_and_contrasts(np.hstack([x, y]), weights, kind, ["a", "b"], [what], unit, drawn, bootstrap)[1][0]


def interaction(
    values: ArrayLike,
    kind: str = "mean",
    *,
    what: str = "interaction",
    unit: str = "",
    groups: ArrayLike | None = None,
    groups_fixed: bool = False,
    bootstrap: Bootstrap = DEFAULT,
) -> Comparison:
    """Does one factor matter more under one level of the other? The difference of differences, paired over seeds.

    values: (runs, 2, 2); ``values[i, j, k]`` is seed i with the first factor at its level j and the second at its level k.
        Numbers, or True and False (the effect is then a difference of success rates), or `restricted_values`
    effect: (v[1,1] - v[1,0]) - (v[0,1] - v[0,0]), v the mean or interquartile mean of each of the four arms

    The rest is as in `compare`. For success rates it wants a few dozen runs and both outcomes among them: where no run differs
    from the others, the interval has no width.

    >>> runs = [[[3, 1], [3, 2]], [[5, 2], [4, 4]], [[4, 1], [5, 4]], [[6, 2], [3, 3]]]  # sigmoid, tanh x bias off, on
    >>> print(interaction(runs, what="bias: tanh - sigmoid", unit="epochs"))
    bias: tanh - sigmoid: +2.5 [+1, +4] epochs, standardised +1.94, above in 100%, p = 0.03, n = 4
    """
    array = _inputs.plain(what, values)
    if array.ndim != 3 or array.shape[1:] != (2, 2):
        raise InputError(f"expected values of shape (runs, 2, 2), a row a seed, got {array.shape}")
    flat = _inputs.numbers(what, array.reshape(len(array), 4))
    weights = np.array([[1.0], [-1.0], [-1.0], [1.0]])  # arms (0,0), (0,1), (1,0), (1,1)
    drawn = sampling(len(flat), groups, groups_fixed)
    return arms_and_contrasts(flat, weights, kind, [""] * 4, [what], unit, drawn, bootstrap)[1][0]


def arms_and_contrasts(
    values: np.ndarray,
    weights: np.ndarray,
    kind: str,
    arms: list[str],
    what: list[str],
    unit: str,
    drawn: Sampling,
    bootstrap: Bootstrap,
) -> tuple[list[Estimate], list[Comparison]]:
    """An Estimate for each column of ``values`` (runs, arms), and a Comparison of paired arms for each of ``weights`` (arms, k).

    One draw of runs serves all of them.
    """
    count = values.shape[1]
    both = np.hstack([np.eye(count), weights])
    found = spread(measure(kind, values), both, drawn, bootstrap.resamples, np.random.default_rng(bootstrap.seed))
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
    return estimates, _comparisons(apart, values @ weights, rounding, kind, what, unit, bootstrap)


def _unpaired(x: np.ndarray, y: np.ndarray, kind: str, what: str, unit: str, bootstrap: Bootstrap) -> Comparison:
    rng = np.random.default_rng(bootstrap.seed)  # one for both: the second arm's runs are drawn after the first's
    spreads = [
        spread(measure(kind, arm), np.ones((1, 1)), Sampling(len(arm)), bootstrap.resamples, rng) for arm in (x, y)
    ]
    shorter = min(len(x), len(y))
    rounding = _rounding(np.concatenate([x, y]), np.array([[1.0], [-1.0]]))
    found = difference(*spreads)
    (rowwise,) = _comparisons(found, x[:shorter] - y[:shorter], rounding, kind, [what], unit, bootstrap)
    return dataclasses.replace(rowwise, above=_share_above(x[:, 0], y[:, 0]), n=len(x) + len(y))


def _comparisons(
    found: Spread,
    differences: np.ndarray,
    rounding: np.ndarray,
    kind: str,
    what: list[str],
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
            what=name,
            unit=unit,
            method=f"difference of {WORDS[kind]}s, {bootstrap.method} bootstrap",
            level=bootstrap.level,
        )
        for k, name in enumerate(what)
    ]


def _rounding(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """What float64 may make of "no difference at all" between numbers of this size."""
    return 16 * np.finfo(np.float64).eps * abs(values).max() * abs(weights).sum(0)


def _share_above(x: np.ndarray, y: np.ndarray) -> float:
    """The share of all pairs with x above y, a tie counting half (the Mann-Whitney statistic)."""
    y = np.sort(y)
    return float((np.searchsorted(y, x, "left") + np.searchsorted(y, x, "right")).mean() / (2 * len(y)))
