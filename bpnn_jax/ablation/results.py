"""What the runs of a study came to, aligned by seed, and its statistics."""

import hashlib
import html
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from bpnn_jax import statistics
from bpnn_jax.ablation import looks, measures, shown, tuning
from bpnn_jax.ablation.certificate import Certificate
from bpnn_jax.ablation.chunk import ONE_WIDTH, Chunk
from bpnn_jax.ablation.folder import Store
from bpnn_jax.ablation.interactions import interactions
from bpnn_jax.ablation.measures import Measure
from bpnn_jax.ablation.parts import BOOLEAN, TEST
from bpnn_jax.ablation.plan import Plan
from bpnn_jax.ablation.study import Study
from bpnn_jax.ablation.table import Table, lists
from bpnn_jax.statistics import Bootstrap, Look, Summary

MAX_SHOWN = 8  # arms in a Results' repr


@dataclass(frozen=True, repr=False)
class Results:
    """Arrays (rows, arms): row i is the same seed in every arm. A run that is not there yet has ``stopped`` "" and NaN elsewhere.

    study:    what was asked.
    arms:     the names of the columns, in the study's order.
    seeds:    (rows,), those of the rows; where there are several splits, all seeds of the first come first.
    splits:   (rows,), the number of each row's split of the patterns.
    stopped:  ``solved``, ``epochs`` (not solved by the limit) or ``diverged``.
    epochs:   that were run: where solved, the epochs that it took, counted from 1.
    error:    E summed over the patterns, in (7) with the ½, of the last epoch that was run.
    scores:   what each run came to at its end, by its name, such as ``test_accuracy``: arrays (rows, arms).
    curves:   some of the scores at the epochs ``curve_epochs``: arrays (rows, arms, epochs), NaN after the stop.
    history:  (rows, arms, points), the error at the epochs ``history_epochs`` (points,), counted from 0; NaN after the stop.
    seconds:  a run's share of its chunk's time.
    certificates: by arm, what the ladder says of its gradient; empty while they have not been made.
    chunks, chunks_done: how many chunks the study has, and how many of them the folder has.
    looked:   the last look before the end (``ablation.looks``) that somebody has taken, 0 for none.
    kinds:    of each task its kind: boolean, classification, multi-label or regression.
    held_out: how many patterns of the first task are trained on, and how many are tested on.
    engines:  what trained the runs, by its name in ``ManyResult``, and how many of them; empty for a study of 0.1.0 or 0.2.0.
    trials, chosen: of a tuned study the results of everything that was tried, and for each run (rows, arms) which column of them was
              taken, -1 where it is not known yet; otherwise None.

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
    splits: np.ndarray = field(default_factory=lambda: np.zeros(0, np.uint32))
    scores: Mapping[str, np.ndarray] = field(default_factory=dict)
    curves: Mapping[str, np.ndarray] = field(default_factory=dict)
    curve_epochs: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    looked: int = 0
    kinds: tuple[str, ...] = (BOOLEAN,)
    held_out: tuple[int, int] = (0, 0)
    engines: Mapping[str, int] = field(default_factory=dict)
    trials: "Results | None" = None
    chosen: np.ndarray | None = None

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
        runs = f"{self.runs_done:,} of {self.study.runs:,} runs"
        seeds = f"{len(self.study.seed_list)} seeds" + (
            f", {self.study.splits} splits" if self.study.splits > 1 else ""
        )
        return f"Results of {self.study.title}: {len(self.arms)} arms, {seeds}, {self.study.epochs} epochs, {runs}"

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
        """Whether a run could be solved: Boolean patterns, but where every arm has a tolerance of 0, which trains to the limit."""
        return BOOLEAN in self.kinds and any(arm.run.tolerance > 0 for arm in self.study.arms)

    @property
    def runs_done(self) -> int:
        """How many runs are there, of all that were tried."""
        return int(((self.trials or self).stopped != "").sum())

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
    def counted(self) -> np.ndarray:
        """(rows,), the rows that statistics are about: all at the end, before it those of the last look (``ablation.looks``)."""
        return looks.rows(self)

    @property
    def look(self) -> Look | None:
        """The look that these rows are; None before the first, and where there is no other than that at the end."""
        return looks.look(self)

    @property
    def sha256(self) -> str | None:
        """Of every bit of the results but their seconds; None while runs are missing."""
        if self.trials is not None:
            return self.trials.sha256
        if not self.complete:
            return None
        found, parts = hashlib.sha256(), [self.arms, self.seeds, self.stopped, self.epochs, self.error, self.history]
        named = [(list(some), *some.values()) for some in (self.scores, self.curves) if some]
        for part in (*parts, self.history_epochs, *(one for some in named for one in some)):
            array = np.ascontiguousarray(part)
            if array.dtype.kind == "f":
                array = np.where(np.isnan(array), np.nan, array)  # one NaN, where there are many
            found.update(f"{array.dtype.str} {array.shape}|".encode() + array.tobytes())
        return found.hexdigest()


def chunk_of(store: Store, chunk: Chunk, points: int) -> Table | None:
    """What a folder has of a chunk."""
    return store.get(chunk.name, chunk.program.columns(len(chunk.lanes), points))


def gather(
    plan: Plan,
    store: Store,
    certificates: dict[str, Certificate],
    looked: int = 0,
    measured: Mapping[str, Measure] | None = None,
) -> Results:
    """The results of a planned study from those of its chunks that ``store`` has; with scores by the functions ``measured``."""
    study, names = plan.study, tuple(trial.name for trial in plan.study.trials)
    rows = study.rows
    column, row = {name: k for k, name in enumerate(names)}, {pair: i for i, pair in enumerate(rows)}
    shape, points = (len(rows), len(names)), plan.points
    stopped, epochs = np.full(shape, "", "<U8"), np.zeros(shape, np.int32)
    error, seconds, history = np.full(shape, np.nan), np.full(shape, np.nan), np.full((*shape, points), np.nan)
    scores: dict[str, np.ndarray] = {}
    curves: dict[str, np.ndarray] = {}
    done, engines = 0, Counter()
    known = not plan.place.get("bpnn_jax", "").startswith(ONE_WIDTH)
    for chunk in plan.chunks:
        table = chunk_of(store, chunk, points)
        if table is None:
            continue
        done += 1
        engines.update({chunk.engine[0]: len(chunk.lanes)} if known else {})
        split = chunk.program.split
        at = (
            np.array([row[split, lane.seed] for lane in chunk.lanes]),
            np.array([column[lane.arm] for lane in chunk.lanes]),
        )
        stopped[at] = table["stopped"].to_pylist()
        epochs[at], error[at] = table["epochs"].to_numpy(), table["error"].to_numpy()
        seconds[at] = table["seconds"].to_numpy()
        history[at] = lists(table, "history", points)
        judge, looks = chunk.program.judge, len(chunk.program.looks)
        if judge is not None:
            found = lists(table, "scores", len(judge.names))
            for name, values in zip(judge.names, found.T, strict=True):
                scores.setdefault(name, np.full(shape, np.nan))[at] = values
        if judge is not None and looks:
            found = lists(table, "curves", looks * len(judge.followed)).reshape(len(at[0]), looks, -1)
            for k, name in enumerate(judge.followed):
                curves.setdefault(name, np.full((*shape, looks), np.nan))[at] = found[..., k]
        for name, values in measures.of_a_chunk(chunk.program, table, measured or {}).items():
            scores.setdefault(name, np.full(shape, np.nan))[at] = values
    results = Results(
        study=study,
        arms=names,
        seeds=np.array([seed for _, seed in rows], np.uint32),
        stopped=stopped,
        epochs=epochs,
        error=error,
        history=history,
        history_epochs=np.array(study.history_epochs, np.int64),
        seconds=seconds,
        certificates=certificates,
        chunks=len(plan.chunks),
        chunks_done=done,
        splits=np.array([split for split, _ in rows], np.uint32),
        scores=dict(sorted(scores.items())),
        curves=dict(sorted(curves.items())),
        curve_epochs=np.array(study.score_epochs if curves else (), np.int64),
        looked=looked,
        kinds=tuple(task.kind for task in plan.tasks),
        held_out=_held_out(plan),
        engines=dict(engines),
    )
    return tuning.judged(results) if study.tune else results


def _held_out(plan: Plan) -> tuple[int, int]:
    first = plan.programs[0]
    tested = first.judge.parts.get(TEST) if first.judge else None
    return len(first.x), 0 if tested is None else len(tested)


def summarise(results: Results, margin: float | None = None, **options: Any) -> Summary | None:
    """The statistics over the rows that are counted, or None where there are fewer than two.

    margin:  of success rates, in points: where it is given, comparisons have the p-value of "they differ by that or more".
    options: those of ``statistics.summarise``: error_measure, pairs, bootstrap.
    """
    whole = results.counted
    if whole.sum() < 2:
        return None
    clustered = results.study.splits > 1
    if clustered and len(np.unique(results.splits[whole])) < 2:
        return None
    solved, diverged, horizon = results.solved[whole], results.diverged[whole], results.study.epochs
    if results.look is not None:  # few replicates are beyond such a level
        options = {"bootstrap": Bootstrap(level=looks.level(results), method="t")} | options
    found = statistics.summarise(
        results.arms,
        epochs=np.where(solved, results.epochs[whole], horizon),  # a diverged run counts as unsolved up to the horizon
        solved=solved,
        error=np.where(diverged, np.inf, results.error[whole]),
        horizon=horizon,
        contrasts=interactions(results.study),
        groups=results.splits[whole] if clustered else None,
        solving=results.solving,
        **options,
    )
    kinds = {statistics.SUCCESS: None if margin is None else margin / 100}
    families = (shown.told(looks.compared(results, family), kinds) for family in (found.comparisons, found.contrasts))
    return replace(found, **dict(zip(("comparisons", "contrasts"), families, strict=True)))
