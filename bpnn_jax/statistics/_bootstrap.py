"""The bootstrap: how runs are drawn, which mean they are reduced to, and what interval and p-value come of it.

How the runs were drawn (each on its own, in strata, or in groups that were drawn first) is a `Sampling`; a `Measure` gives the mean or
interquartile mean of many arms as a function of how often each run counts; `interval` takes the replicates' quantiles, and `p_values`
the influence of the units that were drawn.
"""

import dataclasses
import functools
import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from bpnn_jax import errors
from bpnn_jax.errors import InputError, unknown
from bpnn_jax.statistics._results import check_level

METHODS = ("percentile", "bca", "t")

# Weights held at once: 2 MiB, whatever the study. Of chunks from 2**15 to 2**20 this one was the fastest.
DRAW_SIZE = 2**18
DRAWS_KEPT = 16  # as many chunks as 2000 resamples of 2000 runs have


@dataclasses.dataclass(frozen=True, kw_only=True)
class Bootstrap:
    """How to resample.

    resamples: how often, 100 at least
    seed: of NumPy's generator, from 0 up to 2³² - 1
    level: the confidence level, between 0 and 1
    method: "percentile" or "bca" quantiles of the replicates; "t" without them, for levels so near to 1 that few replicates are beyond

    The same settings on the same numbers give the same interval. Percentile is the default since it covers 93 to 96% of
    differences of every shape tried, from 100 runs on; BCa corrects a single skewed arm better, but takes the outliers of a
    symmetric difference for skewness, and then covers 87 to 90% (docs/statistics.md).

    Raises InputError for values outside these ranges.

    >>> Bootstrap(resamples=10_000, level=0.9)
    Bootstrap(resamples=10000, seed=0, level=0.9, method='percentile')
    """

    resamples: int = 2000
    seed: int = 0
    level: float = 0.95
    method: str = "percentile"

    def __post_init__(self):
        errors.whole_number("resamples", self.resamples, 100)
        errors.seed(self.seed)
        check_level(self.level)
        if self.method not in METHODS:
            raise unknown("method", self.method, METHODS)


@dataclasses.dataclass(frozen=True)
class Sampling:
    """``runs`` runs; ``groups`` the group of each, 0, 1, ..., or None; ``fixed`` where the groups are all there are."""

    runs: int
    groups: np.ndarray | None = None
    fixed: bool = False

    def weights(self, resamples: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
        """How often each run occurs in each resample: float64 chunks of shape (some resamples, runs).

        A whole run is drawn or not, with all its arms: that keeps the pairing. In strata each stratum keeps its size. Groups
        that are themselves a sample are drawn as wholes: to draw runs anew within them as well counts the
        variation within a group twice (Davison and Hinkley 1997, section 3.8), and covers 97 to 99.8% instead of 95%.
        """
        rows = max(1, DRAW_SIZE // self.runs)
        for first in range(0, resamples, rows):
            size = min(rows, resamples - first)
            if self.groups is None:
                yield _counts(rng, size, self.runs)
            elif not self.fixed:
                yield _counts(rng, size, int(self.groups.max()) + 1)[:, self.groups]
            else:
                chunk = np.empty((size, self.runs))
                for group in range(int(self.groups.max()) + 1):
                    inside = np.flatnonzero(self.groups == group)
                    chunk[:, inside] = _counts(rng, size, len(inside))
                yield chunk

    def units(self, influence: np.ndarray) -> np.ndarray:
        """What varies independently, (units, k), from each run's influence (runs, k)."""
        if self.groups is None:
            return influence
        sizes = np.bincount(self.groups)
        sums = np.zeros((len(sizes), influence.shape[1]))
        np.add.at(sums, self.groups, influence)
        return influence - (sums / sizes[:, None])[self.groups] if self.fixed else sums

    def scatter(self, influence: np.ndarray, kept: int) -> tuple[np.ndarray, np.ndarray]:
        """Standard error and degrees of freedom of the effect, (k,) each; ``kept`` of the runs count, fewer if it is trimmed."""
        units = self.units(influence)
        if self.groups is not None and self.fixed:
            sizes = np.bincount(self.groups)
            squares = (units**2 * (sizes / (sizes - 1))[self.groups][:, None]).sum(0)
            freedom = max(kept - len(sizes), 1)
        else:
            count = kept if self.groups is None else len(units)
            squares = (units**2).sum(0) * count / (count - 1)
            freedom = count - 1
        return np.sqrt(squares), np.full(influence.shape[1], float(freedom))


def _counts(rng: np.random.Generator, resamples: int, units: int) -> np.ndarray:
    """Read-only, (resamples, units). A generator in a state of before is not drawn from again: each arm of a study begins alike."""
    state = rng.bit_generator.state
    counts, after = _counts_from(state["bit_generator"], json.dumps(state, default=np.ndarray.tolist), resamples, units)
    rng.bit_generator.state = after
    return counts


@functools.lru_cache(maxsize=DRAWS_KEPT)
def _counts_from(generator: str, state: str, resamples: int, units: int) -> tuple[np.ndarray, dict[str, Any]]:
    bits = getattr(np.random, generator)()
    bits.state = json.loads(state)
    drawn = np.random.Generator(bits).integers(0, units, (resamples, units))
    drawn += units * np.arange(resamples)[:, None]
    counts = np.bincount(drawn.ravel(), minlength=resamples * units).reshape(resamples, units).astype(np.float64)
    counts.flags.writeable = False
    return counts, bits.state


def sampling(runs: int, groups: ArrayLike | None, groups_fixed: bool) -> Sampling:
    """A Sampling from any labels, one per run."""
    if groups is None:
        return Sampling(runs)
    labels = np.asarray(groups)
    if labels.shape != (runs,):
        raise InputError(f"expected groups as one label per run, shape ({runs},), got {labels.shape}")
    _, codes, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    if groups_fixed and sizes.min() < 2:
        raise InputError("expected 2 runs or more in each of the fixed groups, got a group of 1")
    if len(sizes) < 2:
        raise InputError("expected 2 groups or more, got 1; leave groups out")
    return Sampling(runs, codes, bool(groups_fixed))


class Measure(NamedTuple):
    """A statistic of each arm.

    value: (arms,)
    influence: (runs, arms), its derivative with respect to a run's weight; sums to 0 over the runs
    kept: the runs that it keeps after trimming
    resampled: from weights (resamples, runs) to its values (resamples, arms)
    """

    value: np.ndarray
    influence: np.ndarray
    kept: int
    resampled: Callable[[np.ndarray], np.ndarray]


def mean(values: np.ndarray) -> Measure:
    """The mean over runs of ``values`` (runs, arms)."""
    value = values.mean(0)
    return Measure(value, (values - value) / len(values), len(values), lambda w: w @ values / w.sum(1)[:, None])


def interquartile_mean(values: np.ndarray) -> Measure:
    """The mean of the middle half: a quarter of the runs, rounded down, is cut from either end (scipy.stats.trim_mean).

    Its influence is that of Yuen (1974): the winsorised values, over the number of runs that are kept.
    """
    runs = len(values)
    cut = runs // 4
    kept = runs - 2 * cut
    order = np.argsort(values, axis=0, kind="stable")
    ordered = np.take_along_axis(values, order, axis=0)
    winsorised = np.clip(values, ordered[cut], ordered[runs - cut - 1])

    def resampled(weights: np.ndarray) -> np.ndarray:
        total = weights.sum(1)
        cuts = total // 4
        out = np.empty((len(weights), values.shape[1]))
        for arm in range(values.shape[1]):
            reached = np.cumsum(weights[:, order[:, arm]], axis=1)  # copies up to here, smallest first
            np.clip(reached, cuts[:, None], (total - cuts)[:, None], out=reached)
            # Sum by parts: each value times the copies kept of it, which are the steps of `reached`.
            ends = ordered[-1, arm] * (total - cuts) - ordered[0, arm] * cuts
            out[:, arm] = (ends - reached[:, :-1] @ np.diff(ordered[:, arm])) / (total - 2 * cuts)
        return out

    return Measure(ordered[cut : runs - cut].mean(0), (winsorised - winsorised.mean(0)) / kept, kept, resampled)


MEASURES = {"mean": mean, "iqm": interquartile_mean}
MEASURE_NAMES = {"mean": "mean", "iqm": "interquartile mean"}


def measure_of(name: str, values: np.ndarray) -> Measure:
    """The measure of that name of ``values`` (runs, arms)."""
    if name not in MEASURES:
        raise unknown("measure", name, MEASURES)
    return MEASURES[name](values)


class Scatter(NamedTuple):
    """Standard errors (k,) and their degrees of freedom (k,)."""

    error: np.ndarray
    freedom: np.ndarray

    def plus(self, other: "Scatter") -> "Scatter":
        """Of a sum of independent effects, with Welch's (1947) degrees of freedom."""
        error = np.hypot(self.error, other.error)
        parts = self.error**4 / self.freedom + other.error**4 / other.freedom
        freedom = np.where(parts > 0, error**4 / np.where(parts > 0, parts, 1), self.freedom + other.freedom)
        return Scatter(error, freedom)


class Spread(NamedTuple):
    """Effects and how they scatter.

    effect: (k,); replicates: (resamples, k); units: (units, k), what each unit of the sampling adds to the effect
    deviation: (k,), the standard deviation of a single run's share in the effect
    test, width: the scatter for p-values (a trimmed mean's counts the runs that it keeps) and for intervals (all runs)
    """

    effect: np.ndarray
    replicates: np.ndarray
    units: np.ndarray
    deviation: np.ndarray
    test: Scatter
    width: Scatter

    def columns(self, chosen: slice) -> "Spread":
        """The same for some of the effects."""
        test, width = (Scatter(s.error[chosen], s.freedom[chosen]) for s in (self.test, self.width))
        effect, replicates, units, deviation = (part[..., chosen] for part in self[:4])
        return Spread(effect, replicates, units, deviation, test, width)


def spread(
    measure: Measure, contrasts: np.ndarray, sampling: Sampling, resamples: int, rng: np.random.Generator
) -> Spread:
    """Everything about ``measure.value @ contrasts``, where ``contrasts`` is (arms, k). One draw serves all arms and contrasts."""
    replicates = np.concatenate([measure.resampled(w) @ contrasts for w in sampling.weights(resamples, rng)])
    influence = measure.influence @ contrasts
    deviation = sampling.runs * np.sqrt((influence**2).sum(0) / (sampling.runs - 1))
    test, width = (Scatter(*sampling.scatter(influence, count)) for count in (measure.kept, sampling.runs))
    return Spread(measure.value @ contrasts, replicates, sampling.units(influence), deviation, test, width)


def difference(a: Spread, b: Spread) -> Spread:
    """a minus b, drawn independently."""
    return Spread(
        a.effect - b.effect,
        a.replicates - b.replicates,
        np.concatenate([a.units, -b.units]),
        np.sqrt((a.deviation**2 + b.deviation**2) / 2),
        a.test.plus(b.test),
        a.width.plus(b.width),
    )


def interval(s: Spread, bootstrap: Bootstrap) -> tuple[np.ndarray, np.ndarray]:
    """Low and high (k,) from the replicates' quantiles: percentile, or BCa (Efron 1987), both widened as a t interval is; or that one.

    The widening (Hesterberg 2015) takes z = t_freedom * error / sqrt(sum of squared units) for the normal quantile; without it
    10 normal numbers are covered in 90% instead of 95%. The acceleration comes from the units in closed form.
    """
    if bootstrap.method == "t":
        half = special.stdtrit(s.width.freedom, (1 + bootstrap.level) / 2) * s.width.error
        return s.effect - half, s.effect + half
    squares = np.sqrt((s.units**2).sum(0))
    divisor = np.where(squares > 0, squares, 1)
    z = special.stdtrit(s.width.freedom, (1 + bootstrap.level) / 2) * np.where(squares > 0, s.width.error / divisor, 1)
    bias = acceleration = np.zeros_like(s.effect)
    resamples = len(s.replicates)
    if bootstrap.method == "bca":
        below = ((s.replicates < s.effect).sum(0) + (s.replicates <= s.effect).sum(0)) / (2 * resamples)
        bias = special.ndtri(np.clip(below, 1 / (resamples + 1), resamples / (resamples + 1)))
        acceleration = (s.units**3).sum(0) / (6 * divisor**3)
    ordered = np.sort(s.replicates, axis=0)
    return _quantile(ordered, bias, acceleration, -z), _quantile(ordered, bias, acceleration, z)


def _quantile(ordered: np.ndarray, bias: np.ndarray, acceleration: np.ndarray, z: np.ndarray) -> np.ndarray:
    room = 1 - acceleration * (bias + z)
    # Beyond its pole the transform would turn round; there the outermost replicate is the answer.
    adjusted = np.where(room > 0, bias + (bias + z) / np.where(room > 0, room, 1), np.sign(z) * np.inf)
    place = special.ndtr(adjusted) * (len(ordered) - 1)
    below = np.minimum(place.astype(int), len(ordered) - 2)
    columns = np.arange(ordered.shape[1])
    low, high = ordered[below, columns], ordered[below + 1, columns]
    return low + (place - below) * (high - low)


def p_values(s: Spread, rounding: np.ndarray, differences: np.ndarray) -> np.ndarray:
    """Two-sided p of "the effect is 0" (k,): Student's t of effect over standard error (Yuen's for interquartile means).

    Where the standard error is no more than ``rounding`` (k,) t has no meaning, and p is the exact sign test's on
    ``differences`` (runs, k).
    """
    varies = s.test.error > rounding
    t = s.effect / np.where(varies, s.test.error, 1)
    p = 2 * special.stdtr(s.test.freedom, -abs(t))
    for k in np.flatnonzero(~varies):
        p[k] = 1.0 if abs(s.effect[k]) <= rounding[k] else sign_test(differences[:, k])
    return p


def sign_test(differences: np.ndarray) -> float:
    """Exact two-sided p of "as often above as below"; ties say nothing."""
    above, below = int((differences > 0).sum()), int((differences < 0).sum())
    return min(1.0, 2 * float(special.bdtr(min(above, below), above + below, 0.5)))
