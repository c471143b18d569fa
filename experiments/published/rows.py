"""Every reading of an original, once trained, held against the published number."""

from collections.abc import Callable
from typing import Any

import numpy as np

from experiments._report import holds
from experiments._runs import Runs, mean_epochs, success
from experiments.published.originals import Original
from experiments.published.readings import Reading

REPRODUCED, COMPATIBLE, NEAR, NOT, TOO_FEW = "reproduced", "compatible", "near", "not reproduced", "too few solved"
NARROW = 2.0  # high over low: a wider interval that holds the number has not reproduced it
NEARLY = 1.25  # as a factor: an end of the interval that is no further off is near
EXPERIMENTS = 4000  # of the original's size, drawn from our runs
FEWEST = 10  # solved runs that an interval is drawn from
RARE = 0.05  # a chance below: that all runs of the original would be solved
Progress = Callable[[int, int, str], None]


def judge(original: Original, reading: Reading, runs: Runs) -> dict[str, Any]:
    """One reading of one original.

    success:  the share of our runs that was solved by the limit.
    epochs:   the restricted mean of all runs up to the limit; None where none was solved.
    low, high: where the original's own number falls in 95% of experiments of its size, drawn from our runs that were solved (it
              tells of runs that were); None where fewer than 10 were.
    p:        how often such an experiment is as far out as the published number, or further; two-sided.
    verdict:  ``reproduced`` where an interval that is at most a factor of 2 wide covers the number, ``compatible`` where a wider one
              does, or where the chance is below 5% that so many runs are all solved; ``near`` where a factor of 1.25 is missing at
              most, ``too few solved`` where there is no interval.
    """
    low = high = p = None
    verdict = TOO_FEW
    solved = runs.solved
    if solved.sum() >= FEWEST:
        low, high, p, verdict = covered(original.number, original.runs, runs["epochs"][solved])
        if verdict == REPRODUCED and solved.mean() ** original.runs < RARE:
            verdict = COMPATIBLE
    limit = reading.setup.epochs
    return {
        "original": original.key,
        "words": reading.words,
        "contrary": reading.contrary,
        "published": original.number,
        "success": success(runs, limit),
        "epochs": mean_epochs(runs, limit),
        "low": low,
        "high": high,
        "p": p,
        "verdict": verdict,
    }


def covered(published: float, runs: int, epochs: np.ndarray, seed: int = 0) -> tuple[float, float, float, str]:
    """(low, high, p, verdict) of a published mean of so many runs beside our ``epochs`` (n,) of solved runs.

    >>> low, high, p, verdict = covered(129, 25, np.arange(80, 180))
    >>> verdict, 115 < low < 129 < high < 145
    ('reproduced', True)
    >>> covered(129, 1, np.arange(20, 400))[3]
    'compatible'
    """
    rng = np.random.default_rng(seed)
    means = epochs if runs == 1 else rng.choice(epochs, (EXPERIMENTS, runs)).mean(axis=1)
    low, high = (float(q) for q in np.quantile(means, (0.025, 0.975)))
    p = min(1.0, 2 * float(min((means <= published).mean(), (means >= published).mean())))
    if low <= published <= high:
        return low, high, p, REPRODUCED if high <= NARROW * low else COMPATIBLE
    return low, high, p, NEAR if low / NEARLY <= published <= high * NEARLY else NOT


def deciding(rows: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The reading with the largest effect among those that the source leaves open and that stand after Holm's correction."""
    held = [row for row in rows if row["effect"] and not row["contrary"] and holds(row["effect"])]
    return max(held, key=lambda row: abs(row["effect"]["effect"]), default=None)
