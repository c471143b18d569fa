"""Each arm at its own best: which of the values that were tried, and the results at those."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from bpnn_jax import settings

if TYPE_CHECKING:
    from bpnn_jax.ablation.results import Results

VALIDATION = "validation_accuracy", "validation_r2"
TRAINING = "train_accuracy", "train_r2"


def judged(trials: "Results") -> "Results":
    """The results of a tuned study's arms, each at its best, from those of everything that was tried.

    Where patterns are held out the best is chosen on the validation part, for each split by the mean over its seeds. Otherwise the
    seeds are halved, and each half chooses for the other. A run is there once the trials that choose for it are.
    """
    study, rows = trials.study, len(trials.seeds)
    names = tuple(arm.name for arm in study.arms)
    tried = np.arange(len(trials.arms)).reshape(len(names), -1)
    whole = trials.counted if trials.look is not None else trials.whole_seeds  # what is chosen by is what is looked at
    chosen = np.full((rows, len(names)), -1)
    for choose, judge in _folds(trials):
        if not (choose & whole).any():
            continue
        for k, columns in enumerate(tried):
            chosen[judge & whole, k] = columns[_best(trials, choose & whole, columns)]
    at = np.arange(rows)[:, None], np.maximum(chosen, 0)
    there = chosen >= 0
    numbers = {name: np.where(there, getattr(trials, name)[at], np.nan) for name in ("error", "seconds")}
    return replace(
        trials,
        arms=names,
        stopped=np.where(there, trials.stopped[at], ""),
        epochs=np.where(there, trials.epochs[at], 0),
        **numbers,
        history=np.where(there[..., None], trials.history[at], np.nan),
        scores={name: np.where(there, values[at], np.nan) for name, values in trials.scores.items()},
        curves={name: np.where(there[..., None], values[at], np.nan) for name, values in trials.curves.items()},
        trials=trials,
        chosen=chosen,
    )


def halves(results: "Results") -> np.ndarray | None:
    """(rows,), 0 and 1 in turn, the half of the seeds that a row is of, where one half chose for the other; otherwise None."""
    if not results.study.tune or any(name in results.scores for name in VALIDATION):
        return None
    return np.arange(len(results.seeds)) % 2


def described(results: "Results") -> list[dict[str, Any]]:
    """For each arm and field that was tuned the values that were taken, with how many runs each, and whether one is an end of what was
    tried.
    """
    found = []
    if results.chosen is None:
        return found
    trials = results.study.trials
    for k, arm in enumerate(results.arms):
        taken = [dict(trials[column].tuned) for column in results.chosen[:, k] if column >= 0]
        for name, values in results.study.tune:
            counts = [(value, sum(one[name] == value for one in taken)) for value in values]
            chosen = [{"value": value, "runs": runs} for value, runs in counts if runs]
            ends = {values[0], values[-1]} - ({0.0} if name != "learning_rate" else set())  # below 0 there is nothing
            at_end = any(one["value"] in ends for one in chosen)
            found.append({"arm": arm, "field": name.replace("_", "-"), "chosen": chosen, "at_end_of_grid": at_end})
    return found


def warning(results: "Results") -> str | None:
    """A sentence where an arm's best is an end of what was tried."""
    ends = {(one["arm"], one["field"]) for one in described(results) if one["at_end_of_grid"]}
    if not ends:
        return None
    fields = ", ".join(sorted({name for _, name in ends}))
    grids = [
        f"{n.replace('_', '-')} {settings.shown(n, v[0])} to {settings.shown(n, v[-1])}" for n, v in results.study.tune
    ]
    arms = len({arm for arm, _ in ends})
    return (
        f"the best {fields} of {arms} of {len(results.arms)} arms is an end of what was tried ({'; '.join(grids)}): "
        "a wider range may do better"
    )


def _folds(trials: "Results") -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(choosing rows, judged rows)."""
    half = halves(trials)
    if half is None:
        for split in np.unique(trials.splits):
            yield trials.splits == split, trials.splits == split
    else:
        for one in (0, 1):
            yield half == one, half != one


def _best(trials: "Results", rows: np.ndarray, columns: np.ndarray) -> int:
    """Which of the columns is best in these rows: by validation, else by how often and then how fast it solves, else by training. Of
    equal ones the first, which has the smallest value.
    """
    mean = {name: values[np.ix_(rows, columns)].mean(axis=0) for name, values in trials.scores.items()}
    keys = [
        np.nan_to_num(mean[name], nan=-np.inf) for name in VALIDATION if name in mean and np.isfinite(mean[name]).any()
    ]
    if not keys and trials.solving:
        solved = trials.solved[np.ix_(rows, columns)]
        epochs = np.where(solved, trials.epochs[np.ix_(rows, columns)], trials.study.epochs)
        keys = [solved.mean(axis=0), -epochs.mean(axis=0)]
    if not keys:
        keys = [
            np.nan_to_num(mean[name], nan=-np.inf)
            for name in TRAINING
            if name in mean and np.isfinite(mean[name]).any()
        ]
    error = np.where(trials.diverged, np.inf, trials.error)[np.ix_(rows, columns)].mean(axis=0)
    keys.append(-error)
    return int(np.lexsort([-key for key in reversed(keys)])[0])
