"""How many runs succeed: Wilson's interval for one arm; McNemar's test and Tango's interval for two that share their seeds."""

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from bpnn_jax.errors import InputError
from bpnn_jax.statistics._results import Comparison, Estimate, Names, aligned, check_level, floats, one_arm_flags


def wilson(successes: ArrayLike, runs: ArrayLike, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Wilson's (1927) score interval for a success rate, elementwise: all p with |p̂ - p| <= z sqrt(p (1 - p) / n).

    successes, runs: whole numbers of any shapes that broadcast; low and high have that shape
    Raises InputError for fewer runs than one or than successes, and a level outside 0 to 1.

    >>> [round(float(end), 4) for end in wilson(0, 1000)]
    [0.0, 0.0038]
    """
    successes, runs = _counts(successes, runs)
    z2 = special.ndtri((1 + check_level(level)) / 2) ** 2
    middle = (successes + z2 / 2) / (runs + z2)
    half = np.sqrt(z2 * (successes * (1 - successes / runs) + z2 / 4)) / (runs + z2)
    # For all successes the upper end is 1; rounding must not push it off. (For none the lower is 0, and rounds to it.)
    return middle - half, np.where(successes == runs, 1.0, middle + half)


def mcnemar(first_only: ArrayLike, second_only: ArrayLike, *, exact: bool = False) -> np.ndarray:
    """McNemar's two-sided p, elementwise, from the numbers of pairs in which only the first, or only the second, succeeds.

    Under "no difference" each such pair is a fair coin. The mid-p value counts what was seen half (Fagerland, Lydersen and
    Laake 2013): its false alarms stay near 5% where the exact test's, below it by construction, are often 2%.

    The shapes broadcast. Raises InputError for anything but whole numbers from 0 up.

    >>> float(mcnemar(1, 7).round(4)), float(mcnemar(1, 7, exact=True).round(4))
    (0.0391, 0.0703)
    """
    b, total = _counts(first_only, np.add(first_only, second_only), empty=True)
    fewer = np.minimum(b, total - b)
    twice = 2 * special.bdtr(fewer, total.astype(np.int64), 0.5)
    if exact:
        return np.minimum(twice, 1)
    seen = twice - 2 * np.where(fewer > 0, special.bdtr(np.maximum(fewer - 1, 0), total.astype(np.int64), 0.5), 0)
    return np.minimum(twice - seen / 2, 1)


def tango(
    first_only: ArrayLike, second_only: ArrayLike, pairs: ArrayLike, level: float = 0.95
) -> tuple[np.ndarray, np.ndarray]:
    """Tango's (1998) score interval for the difference of two paired success rates, first minus second, elementwise.

    All δ with (b - c - nδ)² <= z² n (2q + δ(1 - δ)), where q is the likeliest probability of "second only" given δ:
    q = (√(B² - 8nC) - B) / 4n, B = (2n - b + c)δ - b - c, C = -cδ(1 - δ).

    first_only, second_only: b and c, pairs in which that arm alone succeeds; pairs: n, all of them. The shapes broadcast
    Raises InputError for anything but whole numbers, or more pairs that differ than there are.

    >>> [round(float(end), 3) for end in tango(1, 7, 21)]
    [-0.517, -0.026]
    """
    b, n = _counts(first_only, pairs)
    c, _ = _counts(second_only, pairs)
    if (b + c > n).any():
        raise InputError(f"expected no more than {n} pairs in which one arm alone succeeds, got {b + c}")
    z2 = special.ndtri((1 + check_level(level)) / 2) ** 2

    def outside(delta: np.ndarray) -> np.ndarray:
        B = (2 * n - b + c) * delta - b - c
        C = -c * delta * (1 - delta)
        q = (np.sqrt(np.maximum(B**2 - 8 * n * C, 0)) - B) / (4 * n)
        return (b - c - n * delta) ** 2 > z2 * n * (2 * q + delta * (1 - delta))

    def end(furthest: float) -> np.ndarray:
        inner, outer = (b - c) / n, np.full(n.shape, furthest)
        for _ in range(60):  # halves to below float64's spacing
            middle = (inner + outer) / 2
            out = outside(middle)
            inner, outer = np.where(out, inner, middle), np.where(out, middle, outer)
        return inner

    return end(-1.0), end(1.0)


def newcombe(
    a: ArrayLike, a_runs: ArrayLike, b: ArrayLike, b_runs: ArrayLike, level: float = 0.95
) -> tuple[np.ndarray, np.ndarray]:
    """Newcombe's (1998) hybrid score interval for the difference of two unpaired success rates, from both Wilson intervals.

    a, b: successes among ``a_runs`` and ``b_runs`` runs; the interval is of a/a_runs - b/b_runs, and the shapes broadcast
    Raises InputError as `wilson` does.

    >>> [round(float(end), 4) for end in newcombe(56, 70, 48, 80)]
    [0.0524, 0.3339]
    """
    (a_low, a_high), (b_low, b_high) = wilson(a, a_runs, level), wilson(b, b_runs, level)
    p, q = np.divide(a, a_runs), np.divide(b, b_runs)
    return p - q - np.hypot(p - a_low, b_high - q), p - q + np.hypot(a_high - p, q - b_low)


def success_rate(solved: ArrayLike, *, what: str = "success rate", level: float = 0.95) -> Estimate:
    """The share of runs that solved their task, with Wilson's interval. ``solved`` is (runs,) of True and False.

    what: the estimate's title
    Raises InputError for fewer than two runs, or anything but True, False, 0 and 1.

    >>> print(success_rate([True] * 18 + [False] * 2))
    success rate: 0.9 [0.699, 0.9721], n = 20
    """
    array = one_arm_flags(what, solved)
    low, high = wilson(array.sum(), len(array), level)
    return Estimate(
        value=float(array.mean()), low=float(low), high=float(high), n=len(array), what=what, unit="", level=level
    )


def compare_rates(
    a: ArrayLike,
    b: ArrayLike,
    *,
    paired: bool = True,
    exact: bool = False,
    arm: str = "a",
    against: str = "b",
    kind: str = "success rate",
    level: float = 0.95,
) -> Comparison:
    """The difference of two success rates, a minus b, from (runs,) of True and False; row i of both is the same seed.

    Paired: Tango's interval, and McNemar's mid-p (``exact``: exact) p-value. Not paired: Newcombe's interval, and Pearson's test
    with the N - 1 correction (Campbell 2007).

    arm, against, kind: the `Comparison`'s fields: the names of a and b, and what the rate is of

    Raises InputError for arms of different length that are called paired, fewer than two runs, or anything but True and False.

    >>> print(compare_rates([1, 1, 1, 1, 1, 0, 1, 1], [0, 1, 0, 0, 1, 0, 0, 1], arm="tanh", against="sigmoid"))
    tanh - sigmoid, success rate: +0.5 [+0.01339, +0.7848], standardised +0.94, above in 75%, p = 0.062, n = 8
    """
    what = Names(arm, against, kind).title
    x, y = one_arm_flags(f"a of {what}", a), one_arm_flags(f"b of {what}", b)
    if paired:
        aligned(what, x, y)
        first, second = (x & ~y).sum(), (y & ~x).sum()
        low, high = tango(first, second, len(x), level)
        p = mcnemar(first, second, exact=exact)
        effect, n = (first - second) / len(x), len(x)
        deviation = np.std(x.astype(float) - y, ddof=1)
        method = "Tango's interval, McNemar's exact test" if exact else "Tango's interval, McNemar's mid-p test"
    else:
        low, high = newcombe(x.sum(), len(x), y.sum(), len(y), level)
        effect, n = x.mean() - y.mean(), len(x) + len(y)
        p = _pearson(x, y)
        deviation = np.sqrt((np.var(x, ddof=1) + np.var(y, ddof=1)) / 2)
        method = "Newcombe's interval, Pearson's test with N - 1"
    return Comparison(
        effect=float(effect),
        low=float(low),
        high=float(high),
        p=float(p),
        standardised=float(effect / deviation) if deviation > 0 else None,
        above=float((1 + effect) / 2),
        n=n,
        arm=arm,
        against=against,
        kind=kind,
        unit="",
        method=method,
        level=level,
    )


def _pearson(x: np.ndarray, y: np.ndarray) -> float:
    n, pooled = len(x) + len(y), np.concatenate([x, y]).mean()
    if pooled in (0, 1):
        return 1.0
    variance = pooled * (1 - pooled) * (1 / len(x) + 1 / len(y)) * n / (n - 1)
    return float(2 * special.ndtr(-abs(x.mean() - y.mean()) / np.sqrt(variance)))


def _counts(some: ArrayLike, all_: ArrayLike, *, empty: bool = False) -> tuple[np.ndarray, np.ndarray]:
    some, all_ = np.broadcast_arrays(floats("counts", some), floats("counts", all_))
    if not ((some >= 0) & (some <= all_) & (all_ >= (0 if empty else 1)) & (some % 1 == 0) & (all_ % 1 == 0)).all():
        raise InputError(f"expected whole numbers, from 0 up to the number of runs, got {some} of {all_}")
    return some, all_
