"""Columns of a table as the numbers that a network sees: words become one-hot, missing cells NaN until they are filled.

What fills them is learnt from the rows to train on alone (``with_fills``), and kept with the columns.
"""

from typing import Any, NamedTuple

import numpy as np

from bpnn_jax.errors import InputError
from bpnn_jax.patterns.tables import Table

YES, NO = ("yes", "y", "true", "t", "on"), ("no", "n", "false", "f", "off")


class Input(NamedTuple):
    """A column among the inputs. ``categories`` are the words that become one-hot; empty for a column of numbers.

    ``number``: its place in the table, from 0. ``fill``: what stands for a missing cell, a number or one of the categories.
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
    """The inputs as a network sees them, float64 (rows, inputs): words one-hot, yes and no as 1 and 0, missing cells NaN.

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
    if not all(c.base is base and c.dtype == base.dtype for c in cells):
        return None
    return base[numbers[0] : numbers[-1] + 1].T


def _encoded(cells: np.ndarray, column: Input) -> np.ndarray:
    """One column's inputs, (rows, inputs)."""
    if not column.categories:
        if cells.dtype.kind != "f":
            raise InputError(f"expected numbers in {column.name}, got words such as {cells[0]!r}")
        return cells[:, np.newaxis]
    words = [None if w is None or w != w else as_word(w) for w in cells.tolist()]
    unknown = next((w for w in words if w is not None and w not in column.categories), None)
    if unknown is not None:
        raise InputError(f"expected {column.name} as one of {', '.join(column.categories)}, got {unknown!r}")
    lost = np.array([w is None for w in words], bool)[:, np.newaxis]
    if column.yes_no:
        found = np.array([[float(w is not None and w.lower() in YES)] for w in words])
    else:
        found = np.array(words, object)[:, np.newaxis] == np.array(column.categories, object)
    return np.where(lost, np.nan, found)


def widths(columns: tuple[Input, ...]) -> tuple[int, ...]:
    """For each column how many inputs its words become; 0 for a column of numbers, which is one input.

    >>> widths((Input("age", 0), Input("sex", 1, ("f", "m")), Input("ill", 2, ("no", "yes"))))
    (0, 2, 1)
    """
    return tuple(len(column.names) if column.categories else 0 for column in columns)


def middle(widths: tuple[int, ...], x: np.ndarray) -> np.ndarray:
    """What fills the missing cells of each input, (inputs,): the mean of those that are filled, and of words the commonest.

    widths: as the function of that name has them. ``x``: (rows, inputs), NaN where a cell is missing; 0 for an input without a cell.

    >>> middle((0, 2), np.array([[1.0, 0, 1], [3, 0, 1], [np.nan, 1, 0], [np.nan, np.nan, np.nan]])).tolist()
    [2.0, 0.0, 1.0]
    """
    found = _means(x)
    at = 0
    for width in widths:
        part = found[at : at + max(1, width)]
        if width == 1:
            part[0] = float(part[0] > 0.5)
        elif width:
            part[:] = np.arange(width) == part.argmax()
        at += max(1, width)
    return found


def _means(x: np.ndarray) -> np.ndarray:
    if not gaps(x):
        return x.mean(axis=0)
    filled = (column[~np.isnan(column)] for column in x.T)
    return np.array([column.mean() if len(column) else 0.0 for column in filled])


def gaps(x: np.ndarray) -> bool:
    """Whether a cell is missing. No array as large as ``x`` is made for that."""
    return bool(np.isnan(x.min()))


def filled(x: np.ndarray, middle: np.ndarray) -> np.ndarray:
    """``x`` with ``middle`` for its missing cells; ``x`` itself where none is missing."""
    return np.where(np.isnan(x), middle, x) if gaps(x) else x


def with_fills(columns: tuple[Input, ...], x: np.ndarray) -> tuple[Input, ...]:
    """The columns, each with what fills its missing cells, as the rows ``x`` have it."""
    found, at, values = [], 0, middle(widths(columns), x).tolist()
    for column, width in zip(columns, widths(columns), strict=True):
        part = values[at : at + max(1, width)]
        found.append(column._replace(fill=_word(column, part) if width else part[0]))
        at += max(1, width)
    return tuple(found)


def _word(column: Input, inputs: list[float]) -> str:
    if column.yes_no:
        return next(c for c in column.categories if (c.lower() in YES) == (inputs[0] == 1.0))
    return column.categories[inputs.index(1.0)]


def fills(columns: tuple[Input, ...]) -> np.ndarray:
    """What fills the missing cells of each input, (inputs,), as the columns say.

    >>> fills((Input("age", 0, (), 2.5), Input("sex", 1, ("f", "m"), "m"))).tolist()
    [2.5, 0.0, 1.0]
    """
    found: list[float] = []
    for column in columns:
        if not column.categories:
            found.append(float(column.fill))
        elif column.yes_no:
            found.append(float(column.fill.lower() in YES))
        else:
            found += [float(c == column.fill) for c in column.categories]
    return np.array(found)


def as_word(cell: Any) -> str:
    """A cell as a class is written: 1.0 is 1."""
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else repr(cell)
    return str(cell)
