"""The runs of a task side by side: a row for each that varies independently, a column for each combination of levels."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from bpnn_jax import statistics
from experiments._runs import Runs
from experiments.what_matters.design import ARTICLE, FACTORS, ORDERS
from experiments.what_matters.runs import ACCURACY

AVERAGED, AT_ARTICLE, AT_BEST = VIEWS = ("averaged", "article", "best")
SPEED = 1e-6  # what the limit of epochs counts beside a run that is solved: between equals the faster is the better


class Sample(NamedTuple):
    """each: (units,) numbers whose mean is meant; strata, inflation: as ``statistics.effects`` has them."""

    each: np.ndarray
    strata: np.ndarray | None = None
    inflation: float = 1.0

    def comparison(self) -> dict[str, Any]:
        """The mean with its interval and p."""
        found = statistics.effects(self.each[:, None], np.ones((1, 1)), self.strata, inflation=self.inflation)
        return {name: float(value[0]) for name, value in found._asdict().items()} | {"n": len(self.each)}


@dataclass(frozen=True)
class Choice:
    """A level of a factor in place of another."""

    factor: str
    level: str
    instead: str

    @property
    def words(self) -> str:
        """As a figure has it.

        >>> Choice("hidden bias", "on", "off").words
        'hidden bias: on for off'
        """
        return f"{self.factor}: {self.level} for {self.instead}"


@dataclass(frozen=True)
class Table:
    """A task's outcomes, all levels of its factors crossed, the last factor fastest.

    values: (units, cells), success of a seed's run, or the mean test accuracy of a split's.
    epochs: (units, cells), of a Boolean task, up to the limit; otherwise None.
    halves: (units,), which half of the seeds a row is of, where each half chose the rates for the other; otherwise None.
    """

    factors: Mapping[str, tuple[str, ...]]
    values: np.ndarray
    epochs: np.ndarray | None
    limit: int
    halves: np.ndarray | None

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(len(levels) for levels in self.factors.values())

    @property
    def cells(self) -> list[tuple[str, ...]]:
        """The levels of each column."""
        return list(itertools.product(*self.factors.values()))

    @property
    def choices(self) -> list[Choice]:
        """Each level in place of its factor's first."""
        return [Choice(f, level, levels[0]) for f, levels in self.factors.items() for level in levels[1:]]

    @property
    def article(self) -> dict[str, str]:
        """The article's level of each factor, or the first where this table has not got it."""
        own = dict(zip(FACTORS, ARTICLE, strict=True)) | {"order": ORDERS[1]}
        return {f: own[f] if own[f] in levels else levels[0] for f, levels in self.factors.items()}

    def in_epochs(self) -> "Table":
        """The same table with the epochs as its values. The best are still those that solve most."""
        assert self.epochs is not None
        return replace(self, values=self.epochs)

    @property
    def score(self) -> np.ndarray:
        """(units, cells), the more the better."""
        if self.epochs is None:
            return self.values
        return (self.epochs < self.limit) + SPEED * (1 - self.epochs / self.limit)

    def sample(self, each: np.ndarray) -> Sample:
        """Of a number per unit that no choice was made for beside that of the rates."""
        return Sample(each) if self.halves is None else Sample(each, self.halves, statistics.CROSS_FITTED)

    def worth(self, choice: Choice, view: str) -> Sample:
        """What a choice adds: averaged over all others, beside the article's others, or with the others at the best of each level."""
        if view == AT_BEST:
            on, off = (self.at_best({choice.factor: level}) for level in (choice.level, choice.instead))
            return on._replace(each=on.each - off.each)
        others = self.article if view == AT_ARTICLE else {}
        on, off = (self.mean(others | {choice.factor: level}) for level in (choice.level, choice.instead))
        return self.sample(on - off)

    def mean(self, levels: Mapping[str, str]) -> np.ndarray:
        """(units,), the mean over the cells that have these levels."""
        return self.values[:, self.having(levels)].mean(axis=1)

    def at_best(self, levels: Mapping[str, str]) -> Sample:
        """The best of the cells that have these levels, chosen on each half of the units and judged on the other."""
        halves = np.arange(len(self.values)) % 2 if self.halves is None else self.halves
        columns, each = self.having(levels), np.empty(len(self.values))
        for half in (0, 1):
            best = columns[self.score[halves != half][:, columns].mean(axis=0).argmax()]
            each[halves == half] = self.values[halves == half, best]
        return Sample(each, halves, statistics.CROSS_FITTED)

    def having(self, levels: Mapping[str, str]) -> np.ndarray:
        """The numbers of the columns that have these levels."""
        at = [(list(self.factors).index(f), level) for f, level in levels.items()]
        return np.array([k for k, cell in enumerate(self.cells) if all(cell[i] == level for i, level in at)])


def crossed(runs: Runs, limit: int, **alike: str) -> Table:
    """The table of a task's runs that have these levels; what has more levels than one is a factor, in the design's order."""
    runs = runs.where(**alike)
    factors = {}
    for name in ("order", *FACTORS):
        levels = runs.values(name)
        if (name not in alike and name != "order") or len(levels) > 1:
            known = ORDERS if name == "order" else FACTORS[name]
            factors[name] = tuple(level for level in known if level in levels)
    cell = np.zeros(len(runs), int)
    for name, levels in factors.items():
        codes = {level: k for k, level in enumerate(levels)}
        cell = cell * len(levels) + np.array([codes[level] for level in runs[name].tolist()])
    cells = int(np.prod([len(levels) for levels in factors.values()]))
    by_cell = np.lexsort((np.arange(len(runs)), cell)).reshape(cells, -1)

    def side_by_side(name: str) -> np.ndarray:
        return runs[name][by_cell].T

    seeds, splits = side_by_side("seed"), side_by_side("split")
    if not ((seeds == seeds[:, :1]).all() and (splits == splits[:, :1]).all()):
        raise ValueError("expected the same seeds and splits in every cell")
    accuracy = side_by_side(ACCURACY).astype(float)
    if not np.isnan(accuracy).any():
        return Table(factors, statistics.units(accuracy, splits[:, 0]), None, limit, None)
    solved = side_by_side("outcome") == "solved"
    epochs = np.where(solved, side_by_side("epochs"), limit).astype(float)
    return Table(factors, solved.astype(float), epochs, limit, np.arange(len(solved)) % 2)
