"""Every pair of rates of a grid from every seed, in one call of ``train_many``: one program, the same first weights at each pair."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from bpnn_jax import ManyResult, Network, Patterns, progress_bar, train_many
from experiments._runs import Runs, of_many


class Grid(NamedTuple):
    """Arrays (pairs of rates, seeds). ``epochs`` counts from 1, and is the limit where a run was not solved.

    runs: all of them, as ``train_many`` has them, the first pair's seeds first.
    """

    solved: np.ndarray
    diverged: np.ndarray
    epochs: np.ndarray
    runs: ManyResult

    @property
    def means(self) -> np.ndarray:
        """The restricted mean of the epochs at each pair: every run is followed to the limit."""
        return self.epochs.mean(axis=1)

    def table(self, **settings: Any) -> Runs:
        """Its runs with their rates; ``settings`` that differ by pair are arrays of one value per pair."""
        n, seeds = self.epochs.shape
        columns = {k: np.repeat(v, seeds) if np.ndim(v) and len(v) == n else v for k, v in settings.items()}
        return of_many(self.runs, **columns)


def train_grid(
    title: str,
    network: Network,
    task: Patterns,
    pairs: Sequence[tuple[float, float]],
    seeds: Sequence[int],
    epochs: int,
    tolerance: float | None = 0.4,
    **settings: Any,
) -> Grid:
    """``pairs`` are (learning rate, momentum). ``tolerance`` is a share of the distance between the targets, as in a study."""
    rates = np.repeat(np.array(pairs, float), len(seeds), axis=0)
    with progress_bar(title) as update:
        runs = train_many(
            network,
            task.x,
            task.t,
            seeds=np.tile(np.asarray(seeds), len(pairs)).tolist(),
            learning_rate=rates[:, 0],
            momentum=rates[:, 1],
            tolerance=None if tolerance is None else tolerance * float(task.t.max() - task.t.min()),
            epochs=epochs,
            history_every=epochs,
            progress=update,
            **settings,
        )
    shape = len(pairs), len(seeds)
    solved, diverged = ((runs.stopped == word).reshape(shape) for word in ("solved", "diverged"))
    return Grid(solved, diverged, np.where(solved, runs.iterations.reshape(shape) + 1, epochs), runs)
