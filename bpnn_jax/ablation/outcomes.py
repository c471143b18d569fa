"""The outcomes of a study: which there are, which leads, and what varies independently."""

from typing import Any

import numpy as np

from bpnn_jax import statistics
from bpnn_jax.ablation import tuning
from bpnn_jax.ablation.parts import BOOLEAN
from bpnn_jax.ablation.results import Results

SUCCESS, EPOCHS, ERROR, DIVERGED = "success_rate", "epochs_to_solve", "error", "diverged"
RATES = (
    SUCCESS,
    DIVERGED,
    "test_accuracy",
    "train_accuracy",
    "saturated",
)  # shares: in percent, their differences in points
TESTED, TRAINED = ("test_accuracy", "test_r2"), ("train_accuracy", "train_r2")
WORDS = {
    "test_r2": "test R²",
    "train_r2": "training R²",
    "test_rmse": "test RMSE",
    "train_accuracy": "training accuracy",
}


def words(outcome: str) -> str:
    """An outcome as one says it.

    >>> words("test_accuracy"), words("test_r2")
    ('test accuracy', 'test R²')
    """
    return WORDS.get(outcome, outcome.replace("_", " "))


def unit(outcome: str) -> tuple[float, str]:
    """By how much an outcome is multiplied to be told, and the unit of its differences then.

    >>> unit("test_accuracy"), unit("epochs_to_solve"), unit("test_r2")
    ((100.0, 'points'), (1.0, 'epochs'), (1.0, ''))
    """
    if outcome in RATES:
        return 100.0, "points"
    return 1.0, "epochs" if outcome == EPOCHS else ""


def values(results: Results, rows: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """(rows, arms) by outcome, over the rows that are counted, or others. NaN where an arm has no such outcome."""
    whole = results.counted if rows is None else rows
    found = {
        name: array[whole]
        for name, array in results.scores.items()
        if not name.startswith("validation") and ":" not in name
    }
    solved = results.solved[whole].astype(float)
    if results.solving:
        kinds = dict(zip(results.study.tasks, results.kinds, strict=True))
        boolean = np.array([kinds[arm.task] == BOOLEAN for arm in results.study.arms])
        found[SUCCESS] = np.where(boolean, solved, np.nan)
        limit = results.study.epochs
        found[EPOCHS] = np.where(solved.any(axis=0), np.where(solved > 0, results.epochs[whole], limit), np.nan)
    if not solved.any():  # runs that were solved stopped there: their errors are of other epochs
        found[ERROR] = np.where(results.diverged[whole], np.nan, results.error[whole])
    found[DIVERGED] = results.diverged[whole].astype(float)
    return found


def lead(results: Results, values: dict[str, np.ndarray]) -> tuple[str, ...]:
    def whole(name: str) -> bool:
        return name in values and values[name].size > 0 and not np.isnan(values[name]).any()

    tested = [name for name in TESTED if whole(name)]
    if tested:
        return tuple(tested[:1])
    if results.solving and set(results.kinds) == {BOOLEAN}:
        return tuple(name for name in (SUCCESS, EPOCHS) if whole(name)) if values[SUCCESS].any() else ()
    return tuple([name for name in TRAINED if whole(name) and set(results.kinds) != {BOOLEAN}][:1])


def units(results: Results, values: np.ndarray) -> np.ndarray:
    clustered = results.study.splits > 1
    return statistics.units(values, results.splits[results.counted] if clustered else None)


def halves(results: Results) -> dict[str, Any]:
    """What the statistics are to know of halves that chose for each other."""
    half = tuning.halves(results)
    if half is None or results.study.splits > 1:
        return {}
    return {"strata": half[results.counted], "inflation": statistics.CROSS_FITTED}


def within(name: str, low: float, high: float) -> tuple[float, float]:
    """An interval, as far as there are such numbers: a share is from 0 to 1, and nothing but R² is below 0."""
    low = low if name.endswith("r2") else max(low, 0.0)
    return low, min(high, 1.0) if name in RATES or name.endswith("r2") else high


def estimates(results: Results) -> list[dict[str, float]]:
    """Of each arm the means of its outcomes over all rows that every arm has, without intervals: for a study that is not finished."""
    there = results.whole_seeds
    if not there.any():
        return [{} for _ in results.arms]
    found = values(results, there)
    columns = range(len(results.arms))
    return [
        {name: float(array[:, k].mean()) for name, array in found.items() if np.isfinite(array[:, k]).all()}
        for k in columns
    ]


def percent(share: float) -> str:
    """Whole percent, and no -0%.

    >>> percent(0.407), percent(-0.001)
    ('41%', '0%')
    """
    return f"{round(100 * share) + 0}%"
