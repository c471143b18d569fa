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


def encode(table: Table, columns: tuple[Input, ...], rows: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """The inputs as a network sees them, float64 (rows, inputs), and a name for each: words become one-hot, ``sex=male``.

    A column of yes and no is one input, 1 for yes. A word that is none of a column's categories is an InputError.
    """
    names: list[str] = []
    width = sum(len(c.categories) if not _yes_no(c.categories) else 1 for c in columns) + sum(
        not c.categories for c in columns
    )
    x = np.empty((len(rows), width))
    for column in columns:
        cells = table.columns[column.number].values[rows]
        if not column.categories:
            if table.columns[column.number].numeric is False:
                raise InputError(f"expected numbers in {column.name}, got words")
            x[:, len(names)] = np.where(np.isnan(cells), column.fill, cells)
            names.append(column.name)
            continue
        words = [column.fill if w is None or w != w else as_word(w) for w in cells]
        unknown = next((w for w in words if w not in column.categories), None)
        if unknown is not None:
            raise InputError(f"expected {column.name} as one of {', '.join(column.categories)}, got {unknown!r}")
        if _yes_no(column.categories):
            x[:, len(names)] = [str(w).lower() in YES for w in words]
            names.append(column.name)
            continue
        for category in column.categories:
            x[:, len(names)] = [w == category for w in words]
            names.append(f"{column.name}={category}")
    return x, tuple(names)


def _yes_no(categories: tuple[str, ...]) -> bool:
    lower = {c.lower() for c in categories}
    return len(lower) == 2 == len(categories) and len(lower & set(YES)) == 1 and len(lower & set(NO)) == 1


def as_word(cell: Any) -> str:
    """A cell as a class is written: 1.0 is 1."""
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else repr(cell)
    return str(cell)
