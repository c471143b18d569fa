"""How a saved network reads the rows of further tables: the columns by name, words as in training, the same standardization."""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bpnn_jax.errors import InputError
from bpnn_jax.patterns.encode import Input, encode, filled, fills
from bpnn_jax.patterns.standardize import Standardization
from bpnn_jax.patterns.tables import Table
from bpnn_jax.patterns.targets import target_cells
from bpnn_jax.patterns.task import KINDS, Task, known_rows


@dataclass(frozen=True)
class Encoding:
    """What of a ``Task`` further tables are read by. Fields as there.

    scale_x, scale_t: the standardization of inputs and targets as (means, deviations), or None where there is none.
    """

    kind: str
    learns: str
    targets: tuple[str, ...]
    classes: tuple[str, ...]
    columns: tuple[Input, ...]
    named: bool
    width: int
    target_numbers: tuple[int, ...]
    scale_x: tuple[tuple[float, ...], tuple[float, ...]] | None = None
    scale_t: tuple[tuple[float, ...], tuple[float, ...]] | None = None

    @classmethod
    def of(
        cls, task: Task, inputs: Standardization | None = None, targets: Standardization | None = None
    ) -> "Encoding":
        """The encoding of a task."""
        plain = [None if s is None else (tuple(s.mean.tolist()), tuple(s.sd.tolist())) for s in (inputs, targets)]
        names = ("kind", "learns", "targets", "classes", "columns", "named", "width", "target_numbers")
        return cls(*(getattr(task, name) for name in names), *plain)

    def inputs(self, table: Table) -> np.ndarray:
        """The inputs of a table as the network sees them, (rows, inputs), missing cells filled. The table may lack the targets.

        Raises InputError where a column is missing, a word is unknown, or a cell of words is where a number was.
        """
        x = filled(self.cells(table), fills(self.columns))
        return x if self.scale_x is None else _standardization(self.scale_x).apply(x)

    def cells(self, table: Table) -> np.ndarray:
        """The inputs of a table as they are, (rows, inputs), NaN where a cell is missing. Raises InputError as ``inputs`` does."""
        places = self._places(table, with_targets=False)
        columns = tuple(c._replace(number=at) for c, at in zip(self.columns, places, strict=True))
        return encode(table, columns, np.arange(len(table)))

    def missing(self, table: Table) -> dict[str, int]:
        """How many cells are missing in each column of inputs that lacks some."""
        count = {table.label(k): int(table.columns[k].missing.sum()) for k in self._places(table, with_targets=False)}
        return {name: n for name, n in count.items() if n}

    def known(self, table: Table, missing: str, notes: list[str]) -> Table:
        """The rows of a table that can be scored: what is done with ``missing`` cells is as ``known_rows`` has it."""
        places = self._places(table, with_targets=True)
        inputs, targets = places[: len(self.columns)], places[len(self.columns) :]
        rows = known_rows(table, inputs, targets, missing, notes)
        return table if len(rows) == len(table) else table.take(rows)

    def read(self, table: Table) -> tuple[np.ndarray, np.ndarray]:
        """Inputs as the network sees them, and targets (rows, outputs) in their own units. Raises InputError."""
        places = self._places(table, with_targets=True)[len(self.columns) :]
        missing = sum(int(table.columns[k].missing.sum()) for k in places)
        if missing:
            raise InputError(f"expected no missing cells in {self.learns}, got {missing}")
        rows = np.arange(len(table))
        return self.inputs(table), target_cells(table, places, self.kind, self.learns, rows, self.classes)[0]

    def adopt(self, task: Task, table: Table) -> Task:
        """``task``, learnt from ``table``, as this encoding reads it: its inputs and classes, and not those of these rows.

        Raises InputError for a task of another kind, and where the table does not fit.
        """
        if task.kind != self.kind:
            raise InputError(
                f"expected a {self.kind} of {self.learns} as the model has learnt, got a {task.kind} of {task.learns}"
            )
        raw = replace(self, scale_x=None)
        x, t = raw.read(table.take(task.rows))
        names = tuple(name for column in self.columns for name in column.names)
        return replace(
            task,
            learns=self.learns,
            targets=self.targets,
            classes=self.classes,
            inputs=names,
            columns=self.columns,
            x=x,
            t=t,
        )

    def labelled(self, table: Table) -> np.ndarray:
        """The rows of a table whose targets are known: none where it lacks their columns."""
        names = {c.name for c in table.columns}
        if not (set(self.targets) <= names if table.named and self.named else len(table.columns) == self.width):
            return np.empty(0, int)
        places = self._places(table, with_targets=True)[len(self.columns) :]
        return np.flatnonzero(~np.any([table.columns[k].missing for k in places], axis=0))

    @property
    def standardizations(self) -> tuple[Standardization | None, Standardization | None]:
        """Those of the inputs and of the targets."""
        inputs, targets = (None if s is None else _standardization(s) for s in (self.scale_x, self.scale_t))
        return inputs, targets

    def outputs(self, outputs: np.ndarray) -> np.ndarray:
        """A network's outputs (rows, outputs) in the targets' own units."""
        return outputs if self.scale_t is None else _standardization(self.scale_t).undo(outputs)

    def answers(self, outputs: np.ndarray) -> list[str]:
        """What a network's outputs say, row by row: a class, or numbers in the targets' own units."""
        if self.classes:
            return [self.classes[k] for k in outputs.argmax(axis=1)]
        if self.kind in ("multi-label", "boolean"):
            return [" ".join("yes" if o > 0.5 else "no" for o in row) for row in outputs.tolist()]
        return [" ".join(f"{o:.6g}" for o in row) for row in self.outputs(outputs).tolist()]

    def _places(self, table: Table, with_targets: bool) -> list[int]:
        """Where each column stands in a table: by name, or by its number where one of the two tables has no names."""
        names = [c.name for c in self.columns] + list(self.targets) * with_targets
        numbers = [c.number for c in self.columns] + list(self.target_numbers) * with_targets
        if table.named and self.named:
            here = {c.name: k for k, c in enumerate(table.columns)}
            lost = [name for name in names if name not in here]
            if lost:
                raise InputError(
                    f"expected the columns that were trained with; {', '.join(lost[:5])} missing: got {', '.join(here)[:200]}"
                )
            return [here[name] for name in names]
        if len(table.columns) == self.width:
            return numbers
        if len(table.columns) == len(self.columns) and not with_targets:
            return [sorted(numbers).index(n) for n in numbers]
        raise InputError(f"expected {self.width} columns as in training, got {len(table.columns)}")

    def as_dict(self) -> dict[str, Any]:
        """The encoding in what JSON knows; ``from_dict`` is the way back."""
        return {
            **{name: getattr(self, name) for name in ("kind", "learns", "named", "width")},
            **{name: list(getattr(self, name)) for name in ("targets", "classes", "target_numbers")},
            "columns": [[c.name, c.number, list(c.categories), c.fill] for c in self.columns],
            "scale_x": None if self.scale_x is None else [list(part) for part in self.scale_x],
            "scale_t": None if self.scale_t is None else [list(part) for part in self.scale_t],
        }


def from_dict(found: Any) -> Encoding:
    """The encoding that ``Encoding.as_dict`` gave. Raises InputError where it is none.

    >>> one = Encoding("regression", "b", ("b",), (), (Input("a", 0, (), 1.0),), True, 2, (1,), ((0.0,), (2.0,)), None)
    >>> from_dict(one.as_dict()) == one
    True
    """
    try:
        columns = tuple(Input(str(n), _index(k), _words(c), fill) for n, k, c, fill in found["columns"])
        made = Encoding(
            kind=found["kind"],
            learns=str(found["learns"]),
            targets=_words(found["targets"]),
            classes=_words(found["classes"]),
            columns=columns,
            named=found["named"] is True,
            width=_index(found["width"]),
            target_numbers=tuple(map(_index, found["target_numbers"])),
            scale_x=_scale(found["scale_x"], sum(len(c.names) for c in columns)),
            scale_t=_scale(found["scale_t"], len(found["targets"])),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"expected the description of a table, got something else: {error}") from None
    if (
        made.kind not in KINDS
        or any(_bad(c) for c in columns)
        or max((c.number for c in columns), default=0) >= made.width
    ):
        raise InputError("expected the description of a table, got one that does not fit itself")
    return made


def _bad(column: Input) -> bool:
    return column.fill not in column.categories if column.categories else not isinstance(column.fill, float | int)


def _words(values: Any) -> tuple[str, ...]:
    if not isinstance(values, list) or not all(isinstance(v, str) for v in values):
        raise ValueError("a list of words")
    return tuple(values)


def _index(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 10**9:
        raise ValueError("a number of a column")
    return value


def _scale(value: Any, size: int) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    if value is None:
        return None
    mean, sd = (tuple(float(v) for v in part) for part in value)
    if (
        len(mean) != size
        or len(sd) != size
        or not all(map(math.isfinite, mean))
        or not all(0 < v < math.inf for v in sd)
    ):
        raise ValueError(f"means and deviations of {size} columns")
    return mean, sd


def _standardization(scale: tuple[tuple[float, ...], tuple[float, ...]]) -> Standardization:
    return Standardization(*(np.array(part) for part in scale))
