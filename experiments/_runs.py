"""The runs of an experiment as a table, a row per run; what is said of them is computed from it, and it is kept beside the figure."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from bpnn_jax import ManyResult, statistics
from bpnn_jax.ablation import Results

# Outcome of a run, as ``train_many`` has it: "epochs" is a run that was not solved by the limit.
SOLVED, DIVERGED = "solved", "diverged"


class Runs:
    """Columns of equal length, by name. ``seed``, ``epochs`` (to solve, counted from 1; else those that were run) and ``outcome``
    are in every table of trainings; the other columns are the settings that differ, and what else is said of a run.

    >>> runs = Runs.of(task="xor", seed=np.arange(3), epochs=np.array([5, 9, 7]), outcome=np.array(["solved", "epochs", "solved"]))
    >>> len(runs), runs.solved.tolist(), runs.where(seed=1)["epochs"].tolist()
    (3, [True, False, True], [9])
    """

    def __init__(self, columns: dict[str, np.ndarray]):
        self._columns = columns

    @classmethod
    def of(cls, **columns: Any) -> "Runs":
        """Columns, of which some may be a single value for all rows."""
        rows = max(len(np.atleast_1d(of)) for of in columns.values())
        return cls({name: np.broadcast_to(np.asarray(of), (rows,)) for name, of in columns.items()})

    @classmethod
    def joined(cls, parts: Iterable["Runs"]) -> "Runs":
        """One table below the other. A column that a part lacks is empty there: "" or NaN."""
        parts = list(parts)
        names = dict.fromkeys(name for part in parts for name in part._columns)
        kinds = {name: next(p._columns[name] for p in parts if name in p._columns) for name in names}
        empty = {name: "" if kind.dtype.kind in "US" else np.nan for name, kind in kinds.items()}
        return cls(
            {
                name: np.concatenate(
                    [part._columns.get(name, np.broadcast_to(np.asarray(empty[name]), (len(part),))) for part in parts]
                )
                for name in names
            }
        )

    def __len__(self) -> int:
        return len(next(iter(self._columns.values())))

    def __getitem__(self, name: str) -> np.ndarray:
        return self._columns[name]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._columns)

    def where(self, **wanted: Any) -> "Runs":
        """The rows that have these values, in their order."""
        rows = np.logical_and.reduce(
            [np.ones(len(self), bool), *(self[name] == value for name, value in wanted.items())]
        )
        return self.rows(rows)

    def rows(self, which: np.ndarray) -> "Runs":
        return Runs({name: of[which] for name, of in self._columns.items()})

    def values(self, name: str) -> list[Any]:
        """What a column holds, each once, in the order of its first row."""
        return list(dict.fromkeys(self[name].tolist()))

    @property
    def solved(self) -> np.ndarray:
        return self["outcome"] == SOLVED

    @property
    def diverged(self) -> np.ndarray:
        return self["outcome"] == DIVERGED

    def epochs(self, horizon: int) -> np.ndarray:
        """Epochs to solve, and the horizon where a run was not solved by then."""
        return np.where(self.solved_by(horizon), self["epochs"], horizon)

    def solved_by(self, horizon: int) -> np.ndarray:
        return self.solved & (self["epochs"] <= horizon)

    def write(self, path: Path) -> None:
        """As Parquet."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.table({name: _narrow(of) for name, of in self._columns.items()}), path, compression="zstd")

    @classmethod
    def read(cls, path: Path) -> "Runs":
        import pyarrow.parquet as pq

        table = pq.read_table(path)
        return cls({name: np.asarray(table[name].to_pylist()) for name in table.column_names})


def _narrow(column: np.ndarray) -> np.ndarray:
    """Whole numbers in the fewest bytes."""
    if column.dtype.kind in "iu":
        return column.astype(np.min_scalar_type(int(column.max())))
    return column


def of_many(result: ManyResult, **settings: Any) -> Runs:
    """The runs of a ``train_many``."""
    return Runs.of(**settings, seed=result.seeds, epochs=result.iterations + 1, outcome=result.stopped)


def of_study(results: Results, fields: tuple[str, ...], **settings: Any) -> Runs:
    """The runs of a study; ``fields`` of each arm's ``Run`` become columns."""
    return Runs.joined(
        Runs.of(
            **settings,
            **{name: shown(getattr(arm.run, name)) for name in fields},
            seed=results.seeds,
            epochs=results.epochs[:, k],
            outcome=results.stopped[:, k],
        )
        for k, arm in enumerate(results.study.arms)
    )


def shown(setting: Any) -> Any:
    """A setting as a column has it: several numbers as a text.

    >>> shown((0.2, 2.0)), shown(0.5)
    ('0.2, 2', 0.5)
    """
    return ", ".join(f"{part:g}" for part in setting) if isinstance(setting, tuple) else setting


# --- what is said of runs; tables that are compared have the same seeds, row by row ---


def success(runs: Runs, horizon: int) -> dict[str, Any]:
    """The share of runs that were solved by the horizon."""
    return plain(statistics.success_rate(runs.solved_by(horizon)))


def mean_epochs(runs: Runs, horizon: int) -> dict[str, Any] | None:
    """The restricted mean of the epochs to solve; None where no run was solved."""
    solved = runs.solved_by(horizon)
    return plain(statistics.restricted_mean(runs.epochs(horizon), solved, horizon)) if solved.any() else None


def success_apart(a: Runs, b: Runs, horizon: int) -> dict[str, Any]:
    """Success of a minus that of b, paired by seed."""
    _check_paired(a, b)
    return plain(statistics.compare_rates(a.solved_by(horizon), b.solved_by(horizon)))


def epochs_apart(a: Runs, b: Runs, horizon: int) -> dict[str, Any] | None:
    """Restricted mean of a minus that of b, paired by seed; None where neither has a run that was solved."""
    _check_paired(a, b)
    solved = a.solved_by(horizon), b.solved_by(horizon)
    if not (solved[0].any() or solved[1].any()):
        return None
    return plain(statistics.compare_epochs(a.epochs(horizon), solved[0], b.epochs(horizon), solved[1], horizon))


def success_interaction(four: Sequence[Sequence[Runs]], horizon: int) -> dict[str, Any]:
    """(d - c) - (b - a) of ((a, b), (c, d)), differences of success."""
    (a, b), (c, d) = four
    for other in (b, c, d):
        _check_paired(a, other)
    return plain(
        statistics.interaction(np.stack([[r.solved_by(horizon) for r in pair] for pair in four]).transpose(2, 0, 1))
    )


def plain(of: statistics.Estimate | statistics.Comparison) -> dict[str, Any]:
    """The numbers of an Estimate or a Comparison, as JSON has them."""
    return {k: v for k, v in asdict(of).items() if k in ("value", "effect", "low", "high", "p", "p_holm", "n")}


def _check_paired(a: Runs, b: Runs) -> None:
    if not np.array_equal(a["seed"], b["seed"]):
        raise ValueError(f"expected the same seeds in both tables, got {len(a)} and {len(b)} runs")


class Family:
    """Every comparison that an experiment makes, corrected together by Holm's method.

    >>> family = Family()
    >>> family.add({"effect": 1.0, "low": 0.5, "high": 1.5, "p": 0.01}, "xor", "best")
    >>> family.add({"effect": 0.1, "low": -0.5, "high": 0.7, "p": 0.7}, "nand", "best")
    >>> family.corrected()["xor"]["best"]["p_holm"]
    0.02
    """

    def __init__(self) -> None:
        self._members: list[tuple[tuple[str, ...], dict[str, Any]]] = []

    def add(self, comparison: dict[str, Any] | None, *key: str) -> None:
        """None, a comparison that could not be made, is left out."""
        if comparison is not None:
            self._members.append((key, comparison))

    def corrected(self) -> dict[str, Any]:
        """Nested by key, with ``p_holm`` in each."""
        found: dict[str, Any] = {}
        p = statistics.holm([c["p"] for _, c in self._members]) if self._members else []
        for (key, comparison), p_holm in zip(self._members, p, strict=True):
            at = found
            for part in key[:-1]:
                at = at.setdefault(part, {})
            at[key[-1]] = comparison | {"p_holm": float(p_holm)}
        return found


def every(comparisons: dict[str, Any]) -> list[dict[str, Any]]:
    """All comparisons of what ``Family.corrected`` returns."""
    if "p_holm" in comparisons:
        return [comparisons]
    return [c for of in comparisons.values() for c in every(of)]
