"""Columns of a table as the numbers that a network sees: words become one-hot, missing cells are filled."""

from typing import Any, NamedTuple

import numpy as np

from bpnn_jax.errors import InputError
from bpnn_jax.patterns.tables import Table

YES, NO = ("yes", "y", "true", "t", "on"), ("no", "n", "false", "f", "off")


class Input(NamedTuple):
    """A column among the inputs. ``categories`` are the words that become one-hot; empty for a column of numbers.

    ``number``: its place in the table, from 0. ``fill``: what stands for a missing cell.
    """

    name: str
    number: int
    categories: tuple[str, ...] = ()
    fill: Any = None

    @property
    def yes_no(self) -> bool:
        """Whether the words are yes and no, in one of their spellings: one input and not two."""
        lower = {c.lower() for c in self.categories}
        return len(lower) == 2 == len(self.categories) and len(lower & set(YES)) == 1 and len(lower & set(NO)) == 1

    @property
    def names(self) -> tuple[str, ...]:
        """The inputs that the column becomes: its own name, or ``sex=female``, ``sex=male``."""
        if not self.categories or self.yes_no:
            return (self.name,)
        return tuple(f"{self.name}={category}" for category in self.categories)


def encode(table: Table, columns: tuple[Input, ...], rows: np.ndarray) -> np.ndarray:
    """The inputs as a network sees them, float64 (rows, inputs): words one-hot, yes and no as 1 and 0, missing cells filled.

    Raises InputError for a word that is none of a column's categories, and for words where numbers were.
    """
    if (whole := _as_it_is(table, columns, rows)) is not None:
        return whole
    x = np.empty(
        (sum(len(column.names) for column in columns), len(rows))
    )  # a column in one piece: written 5 times as fast
    at = 0
    for column in columns:
        part = _encoded(table.columns[column.number].values[rows], column)
        x[at : at + part.shape[1]] = part.T
        at += part.shape[1]
    return x.T


def _as_it_is(table: Table, columns: tuple[Input, ...], rows: np.ndarray) -> np.ndarray | None:
    """All rows of columns of numbers that stand beside each other in one array, as a view of it: a large table is not copied."""
    cells = [table.columns[column.number].values for column in columns]
    numbers, base = [column.number for column in columns], cells[0].base if cells else None
    if base is None or base.ndim != 2 or len(rows) != len(table) or base.shape != (len(table.columns), len(table)):
        return None
    if numbers != list(range(numbers[0], numbers[0] + len(numbers))) or any(c.categories for c in columns):
        return None
    if (
        not all(c.base is base and c.dtype == base.dtype for c in cells)
        or np.isnan(base[numbers[0] : numbers[-1] + 1]).any()
    ):
        return None
    return base[numbers[0] : numbers[-1] + 1].T


def _encoded(cells: np.ndarray, column: Input) -> np.ndarray:
    """One column's inputs, (rows, inputs)."""
    if not column.categories:
        if cells.dtype.kind != "f":
            raise InputError(f"expected numbers in {column.name}, got words such as {cells[0]!r}")
        return np.where(np.isnan(cells), column.fill, cells)[:, np.newaxis]
    words = [column.fill if w is None or w != w else as_word(w) for w in cells.tolist()]
    unknown = next((w for w in words if w not in column.categories), None)
    if unknown is not None:
        raise InputError(f"expected {column.name} as one of {', '.join(column.categories)}, got {unknown!r}")
    if column.yes_no:
        return np.array([[float(w.lower() in YES)] for w in words])
    return (np.array(words, object)[:, np.newaxis] == np.array(column.categories, object)).astype(np.float64)


def as_word(cell: Any) -> str:
    """A cell as a class is written: 1.0 is 1."""
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else repr(cell)
    return str(cell)
