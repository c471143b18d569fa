"""What the runs of a study came to, aligned by seed, and its statistics."""

import hashlib
import html
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from bpnn_jax import statistics
from bpnn_jax.ablation.certificate import Certificate
from bpnn_jax.ablation.folder import Store
from bpnn_jax.ablation.interactions import interactions
from bpnn_jax.ablation.plan import Plan
from bpnn_jax.ablation.study import Study
from bpnn_jax.statistics import Summary

MAX_SHOWN = 8  # arms in a Results' repr


@dataclass(frozen=True, repr=False)
class Results:
    """Arrays (seeds, arms): row i is the same seed in every arm. A run that is not there yet has ``stopped`` "" and NaN elsewhere.

    study:    what was asked.
    arms:     the names of the columns, in the study's order.
    seeds:    (seeds,), those of the rows.
    stopped:  ``solved``, ``epochs`` (not solved by the limit) or ``diverged``.
    epochs:   that were run: where solved, the epochs that it took, counted from 1.
    error:    E summed over the patterns, in (7) with the ½, of the last epoch that was run.
    history:  (seeds, arms, points), the error at the epochs ``history_epochs`` (points,), counted from 0; NaN after the stop.
    seconds:  a run's share of its chunk's time.
    certificates: by arm, what the ladder says of its gradient; empty while they have not been made.
    chunks, chunks_done: how many chunks the study has, and how many of them the folder has.

    `ablation.read` gets them from a study's folder, `summarise` makes their statistics.
    """

    study: Study
    arms: tuple[str, ...]
    seeds: np.ndarray
    stopped: np.ndarray
    epochs: np.ndarray
    error: np.ndarray
    history: np.ndarray
    history_epochs: np.ndarray
    seconds: np.ndarray
    certificates: dict[str, Certificate]
    chunks: int
    chunks_done: int

    def __repr__(self) -> str:
        rows = [f"  {name}: {', '.join(counts)}" for name, *counts in self._rows()]
        return "\n".join([self._title(), *rows])

    def _repr_html_(self) -> str:
        """A table of the arms and how their runs stopped, for a notebook."""
        rows = "".join(
            f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in cells)}</tr>" for cells in self._rows()
        )
        return f"<table><caption>{html.escape(self._title())}</caption>{rows}</table>"

    def _title(self) -> str:
        runs = f"{int((self.stopped != '').sum()):,} of {self.study.runs:,} runs"
        return f"Results of {self.study.task}: {len(self.arms)} arms, {len(self.seeds)} seeds, {self.study.epochs} epochs, {runs}"

    def _rows(self) -> Iterator[tuple[str, ...]]:
        """For each of the first arms how many runs it has, how many were solved, and how many diverged."""
        for k, name in enumerate(self.arms[:MAX_SHOWN]):
            there, solved, diverged = (int(of[:, k].sum()) for of in (self.stopped != "", self.solved, self.diverged))
            yield name, f"{there} runs", f"{solved} solved", f"{diverged} diverged"
        if len(self.arms) > MAX_SHOWN:
            yield "...", f"{len(self.arms) - MAX_SHOWN} arms more"

    @property
    def complete(self) -> bool:
        """Whether no run is missing."""
        return self.chunks_done == self.chunks

    @property
    def solving(self) -> bool:
        """Whether a run could be solved: not where every arm has a tolerance of 0, which trains to the limit."""
        return any(arm.run.tolerance > 0 for arm in self.study.arms)

    @property
    def solved(self) -> np.ndarray:
        """(seeds, arms), whether every output of every pattern came within the task's tolerance of its target."""
        return self.stopped == "solved"

    @property
    def diverged(self) -> np.ndarray:
        """(seeds, arms), whether the error or a weight was no longer finite."""
        return self.stopped == "diverged"

    @property
    def whole_seeds(self) -> np.ndarray:
        """(seeds,), for each seed whether every arm has its run."""
        return (self.stopped != "").all(axis=1)

    @property
    def sha256(self) -> str | None:
        """Of every bit of the results but their seconds; None while runs are missing."""
        if not self.complete:
            return None
        found = hashlib.sha256()
        for part in (self.arms, self.seeds, self.stopped, self.epochs, self.error, self.history, self.history_epochs):
            array = np.ascontiguousarray(part)
            if array.dtype.kind == "f":
                array = np.where(np.isnan(array), np.nan, array)  # one NaN, where there are many
            found.update(f"{array.dtype.str} {array.shape}|".encode() + array.tobytes())
        return found.hexdigest()


def gather(plan: Plan, store: Store, certificates: dict[str, Certificate]) -> Results:
    """The results of a planned study from those of its chunks that ``store`` has."""
    study, arms = plan.study, tuple(arm.name for arm in plan.arms)
    seeds = np.array(study.seed_list, np.uint32)
    column, row = {name: k for k, name in enumerate(arms)}, {seed: i for i, seed in enumerate(seeds.tolist())}
    shape, points = (len(seeds), len(arms)), plan.points
    stopped, epochs = np.full(shape, "", "<U8"), np.zeros(shape, np.int32)
    error, seconds, history = np.full(shape, np.nan), np.full(shape, np.nan), np.full((*shape, points), np.nan)
    done = 0
    for chunk in plan.chunks:
        table = store.get(chunk.name, len(chunk.lanes), points)
        if table is None:
            continue
        done += 1
        at = np.array([row[lane.seed] for lane in chunk.lanes]), np.array([column[lane.arm] for lane in chunk.lanes])
        stopped[at] = table["stopped"].to_pylist()
        epochs[at], error[at] = table["epochs"].to_numpy(), table["error"].to_numpy()
        seconds[at] = table["seconds"].to_numpy()
        history[at] = table["history"].combine_chunks().flatten().to_numpy(zero_copy_only=False).reshape(-1, points)
    return Results(
        study=study,
        arms=arms,
        seeds=seeds,
        stopped=stopped,
        epochs=epochs,
        error=error,
        history=history,
        history_epochs=np.array(study.history_epochs, np.int64),
        seconds=seconds,
        certificates=certificates,
        chunks=len(plan.chunks),
        chunks_done=done,
    )


def summarise(results: Results, **options: Any) -> Summary | None:
    """The statistics over the seeds that every arm has, or None where there are fewer than two.

    options: those of ``statistics.summarise``: error_measure, pairs, bootstrap.
    """
    whole = results.whole_seeds
    if whole.sum() < 2:
        return None
    solved, diverged, horizon = results.solved[whole], results.diverged[whole], results.study.epochs
    return statistics.summarise(
        results.arms,
        epochs=np.where(solved, results.epochs[whole], horizon),  # a diverged run counts as unsolved up to the horizon
        solved=solved,
        error=np.where(diverged, np.inf, results.error[whole]),
        horizon=horizon,
        contrasts=interactions(results.study),
        solving=results.solving,
        **options,
    )


def as_dict(results: Results, summary: Summary | None) -> dict[str, Any]:
    """Everything but the single runs as JSON-serialisable data: what ``summary.json`` holds."""
    return {
        "study": results.study.as_dict(),
        "complete": results.complete,
        "chunks": results.chunks,
        "chunks_done": results.chunks_done,
        "runs": results.study.runs,
        "runs_done": int((results.stopped != "").sum()),
        "seeds_done": int(results.whole_seeds.sum()),
        "results_sha256": results.sha256,
        "seconds": float(np.nansum(results.seconds)),
        "arms": [
            {
                "name": name,
                "runs": int((results.stopped[:, k] != "").sum()),
                "solved": int(results.solved[:, k].sum()),
                "diverged": int(results.diverged[:, k].sum()),
                "certificate": asdict(results.certificates[name]) if name in results.certificates else None,
            }
            for k, name in enumerate(results.arms)
        ],
        "summary": summary.as_dict() if summary else None,
    }
