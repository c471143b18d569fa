"""Mean and interquartile mean of many arms at once, as functions of how often each run counts."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from bpnn_jax.errors import unknown


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
WORDS = {"mean": "mean", "iqm": "interquartile mean"}


def measure(name: str, values: np.ndarray) -> Measure:
    if name not in MEASURES:
        raise unknown("measure", name, MEASURES)
    return MEASURES[name](values)
