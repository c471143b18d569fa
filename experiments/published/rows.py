"""Every reading of an original, once trained, held against the published number."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from bpnn_jax import statistics
from bpnn_jax.statistics import Comparison, Estimate
from experiments._report import CLEAR
from experiments.published.originals import Original
from experiments.published.readings import Reading
from experiments.published.runs import Outcome

REPRODUCED, NEAR, NOT, TOO_FEW = "reproduced", "near", "not reproduced", "too few solved"
NEARLY = 1.25  # as a factor: an end of the interval that is no further off is near
EXPERIMENTS = 4000  # of the original's size, drawn from our runs
FEWEST = 10  # solved runs that an interval is drawn from
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Row:
    """One reading of one original.

    success:  the share of our runs that was solved by the limit.
    epochs:   the restricted mean of all runs up to the limit; None where none was solved.
    low, high: where the original's own number falls in 95% of experiments of its size, drawn from our runs that were solved (it
              tells of runs that were); None where fewer than 10 were.
    p:        how often such an experiment is as far out as the published number, or further; two-sided.
    verdict:  ``reproduced`` where the interval covers the number, ``near`` where a factor of 1.25 is missing at most,
              ``too few solved`` where there is none.
    effect:   restricted mean against that of the base reading, paired by seed, a run that was not solved counted as the limit; None
              for the base, and where neither has a solved run.
    """

    original: str
    words: str
    published: float
    success: Estimate
    epochs: Estimate | None
    low: float | None
    high: float | None
    p: float | None
    verdict: str
    effect: Comparison | None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def judge(original: Original, readings: tuple[Reading, ...], outcomes: list[Outcome]) -> list[Row]:
    """The rows of outcomes that are there. p-values of effects are corrected for all readings of the original (Holm)."""
    found = [_row(original, reading, o) for reading, o in zip(readings, outcomes, strict=True)]
    effects = [_effect(reading, o, outcomes[0]) for reading, o in zip(readings, outcomes, strict=True)]
    corrected = iter(statistics.correct([e for e in effects if e is not None]))
    return [replace(row, effect=None if e is None else next(corrected)) for row, e in zip(found, effects, strict=True)]


def covered(published: float, runs: int, epochs: np.ndarray, seed: int = 0) -> tuple[float, float, float, str]:
    """(low, high, p, verdict) of a published mean of so many runs beside our ``epochs`` (n,) of solved runs.

    >>> low, high, p, verdict = covered(129, 25, np.arange(80, 180))
    >>> verdict, 115 < low < 129 < high < 145
    ('reproduced', True)
    """
    rng = np.random.default_rng(seed)
    means = epochs if runs == 1 else rng.choice(epochs, (EXPERIMENTS, runs)).mean(axis=1)
    low, high = (float(q) for q in np.quantile(means, (0.025, 0.975)))
    p = min(1.0, 2 * float(min((means <= published).mean(), (means >= published).mean())))
    if low <= published <= high:
        return low, high, p, REPRODUCED
    return low, high, p, NEAR if low / NEARLY <= published <= high * NEARLY else NOT


def _row(original: Original, reading: Reading, o: Outcome) -> Row:
    low = high = p = None
    verdict = TOO_FEW
    if o.solved.sum() >= FEWEST:
        low, high, p, verdict = covered(original.number, original.runs, o.epochs[o.solved])
    limit = reading.setup.epochs
    return Row(
        original=original.key,
        words=reading.words,
        published=original.number,
        success=statistics.success_rate(o.solved, what=f"solved by epoch {limit}"),
        epochs=statistics.restricted_mean(o.epochs, o.solved, limit) if o.solved.any() else None,
        low=low,
        high=high,
        p=p,
        verdict=verdict,
        effect=None,
    )


def _effect(reading: Reading, o: Outcome, base: Outcome) -> Comparison | None:
    if o is base or not (o.solved.any() or base.solved.any()):
        return None
    return statistics.compare_epochs(
        o.epochs, o.solved, base.epochs, base.solved, base.setup.epochs, arm=reading.words, against="base"
    )


def deciding(found: list[Row]) -> Row | None:
    """The ambiguity with the largest effect among those that hold after Holm's correction; None where none does."""
    held = [
        (abs(r.effect.effect), r)
        for r in found
        if r.effect and r.effect.p_holm is not None and r.effect.p_holm <= CLEAR
    ]
    return max(held, key=lambda pair: pair[0])[1] if held else None
