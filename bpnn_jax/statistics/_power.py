"""What a study can show: the smallest effect that it would find, how many runs an effect needs, and whether two arms are the same.

For Student's t with its noncentral distribution, exactly; without degrees of freedom (``inf``) for a normal test.
"""

from typing import NamedTuple

import numpy as np
from scipy import optimize, special

from bpnn_jax.errors import InputError
from bpnn_jax.statistics._results import check_level

POWER = 0.8
MOST = 10_000_000  # units


def power(effect: float, error: float, freedom: float, alpha: float = 0.05) -> float:
    """How likely a two-sided test at ``alpha`` finds an effect that is estimated with this standard error.

    >>> round(power(0.5, 1 / np.sqrt(20), 19), 4)
    0.5645
    """
    away = abs(effect) / error
    if np.isinf(freedom):
        z = special.ndtri(1 - alpha / 2)
        return float(special.ndtr(away - z) + special.ndtr(-away - z))
    t = special.stdtrit(freedom, 1 - alpha / 2)
    above, below = special.nctdtr(freedom, away, t), special.nctdtr(freedom, away, -t)
    return float(1 - above + (below if np.isfinite(below) else 0.0))


def detectable(error: float, freedom: float, alpha: float = 0.05, wanted: float = POWER) -> float:
    """The smallest effect that a study finds with probability ``wanted``, from the standard error of its estimate.

    0 where nothing varies. Raises InputError for a probability that is not between ``alpha`` and 1.

    >>> round(detectable(1.0, float("inf")), 3), round(detectable(1.0, 9), 3)
    (2.802, 3.15)
    """
    _check(alpha, wanted)
    if not error > 0:
        return 0.0
    high = 4.0
    while power(high, 1.0, freedom, alpha) < wanted:
        high *= 2
    found = optimize.brentq(lambda away: power(away, 1.0, freedom, alpha) - wanted, 0.0, high, xtol=1e-10)
    return float(found) * error  # type: ignore[arg-type]


def units_needed(effect: float, deviation: float, alpha: float = 0.05, wanted: float = POWER) -> int | None:
    """How many units (seeds, or splits) a paired test needs to find ``effect``, where a unit's difference has this standard deviation.

    Two at least; None for more than ten million.

    >>> units_needed(0.5, 1.0)
    34
    """
    _check(alpha, wanted)

    def enough(n: int) -> bool:
        return not deviation > 0 or power(effect, deviation / np.sqrt(n), n - 1, alpha) >= wanted

    high = 2
    while not enough(high):
        high *= 2
        if high > MOST:
            return None
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return max(high, 2)


class Design(NamedTuple):
    """How many seeds an effect needs with these splits, and how many splits with these seeds; None: no number is enough."""

    seeds: int | None
    splits: int | None


def design(
    differences: np.ndarray, effect: float, alpha: float = 0.05, wanted: float = POWER, split: float = 0.0
) -> Design:
    """What a paired comparison needs to find ``effect``, from its differences so far, (splits, seeds).

    With one split only seeds are counted. With several the test is over the means of splits, whose variance is that among splits plus
    that among seeds over the number of seeds: more seeds cannot make it smaller than the first. ``split`` is that variance where it is
    known already.

    >>> rng = np.random.default_rng(0)
    >>> scattered = rng.normal(size=(8, 1)) + 0.2 * rng.normal(size=(8, 10))  # splits scatter, seeds hardly
    >>> design(scattered, 0.5)
    Design(seeds=None, splits=13)
    """
    splits, seeds = differences.shape
    if splits == 1:
        return Design(units_needed(effect, float(differences.std(ddof=1)), alpha, wanted), None)
    means = differences.mean(axis=1)
    within = float(differences.var(axis=1, ddof=1).mean()) if seeds > 1 else 0.0
    among = max(split, float(means.var(ddof=1)) - within / seeds, 0.0)
    by_splits = units_needed(effect, float(np.sqrt(among + within / seeds)), alpha, wanted)

    def enough(count: float) -> bool:
        error = float(np.sqrt((among + within / count) / splits))
        return not error > 0 or power(effect, error, splits - 1, alpha) >= wanted

    if not enough(float("inf")):
        return Design(None, by_splits)
    low, high = 0, 1
    while not enough(high):
        low, high = high, 2 * high
        if high > MOST:
            return Design(None, by_splits)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return Design(high, by_splits)


def equivalence(effect: float, error: float, freedom: float, margin: float) -> float:
    """The p-value of "the true effect is ``margin`` away from 0 or more": two one-sided tests (Schuirmann 1987), the larger p of both.

    Raises InputError for a margin that is not above 0.

    >>> round(equivalence(0.1, 0.2, 19, 0.5), 4)
    0.03
    """
    if not margin > 0:
        raise InputError(f"expected a margin above 0, got {margin!r}")
    if not error > 0:
        return 0.0 if abs(effect) < margin else 1.0
    t = (margin - abs(effect)) / error
    return float(special.ndtr(-t) if np.isinf(freedom) else special.stdtr(freedom, -t))


def _check(alpha: float, wanted: float) -> None:
    check_level(alpha)
    if not alpha < wanted < 1:
        raise InputError(f"expected a power between {alpha:g} and 1, got {wanted!r}")
