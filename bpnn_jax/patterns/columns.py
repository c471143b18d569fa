"""Columns of a table by what a user calls them, and those that belong together."""

import difflib
import fnmatch
import re

import numpy as np

from bpnn_jax.errors import InputError
from bpnn_jax.patterns.tables import Table

INDEX_NAMES = ("", "id", "index", "unnamed: 0", "rownames", "row", "no", "nr")
_PREFIX = re.compile(r"(.+?)[_.=: ]")


def find(table: Table, given: str, what: str) -> list[int]:
    """The columns that a name, a number from 1, a pattern with * or several of these with commas stand for.

    Raises InputError, with the nearest names.
    """
    names = [c.name for c in table.columns]
    if given in names:
        return [names.index(given)]
    if "," in given:
        return list(dict.fromkeys(k for part in given.split(",") for k in find(table, part, what)))
    if re.fullmatch("[0-9]{1,9}", given):
        if 1 <= int(given) <= len(names):
            return [int(given) - 1]
        raise InputError(f"expected {what} as a column from 1 to {len(names)}, got {given}")
    found = [k for k, name in enumerate(names) if name and fnmatch.fnmatchcase(name, given)]
    if found:
        return found
    near = difflib.get_close_matches(given, names, n=3) or [n for n in names if n][:10]
    said = f"; did you mean {', '.join(near)}" if near else "; the columns have no names, count them from 1"
    raise InputError(f"expected {what} as a column's name, number or pattern, got {given!r}{said}")


def index_column(table: Table, ignored: set[int]) -> int | None:
    """A first column that only counts the rows, and whose name says so (or that has none in a table of names)."""
    column = table.columns[0]
    if 0 in ignored or len(table.columns) < 3 or not table.named or column.name.lower() not in INDEX_NAMES:
        return None
    if not column.numeric:
        return 0 if not column.name and len(set(column.values)) == len(table) else None
    return 0 if np.all(np.diff(column.values) == 1) and len(table) > 1 else None


def one_hot_groups(table: Table, ignored: set[int]) -> list[tuple[int, ...]]:
    """Columns of 0 and 1 that share a prefix (``species_``) and of which exactly one is 1 in every row."""
    found: dict[str, list[int]] = {}
    for k, column in enumerate(table.columns):
        match = _PREFIX.match(column.name)
        if k not in ignored and match and column.numeric and np.isin(column.values, (0.0, 1.0)).all():
            found.setdefault(match[0], []).append(k)
    groups = []
    for group in found.values():
        if len(group) > 1 and (np.sum([table.columns[k].values for k in group], axis=0) == 1).all():
            groups.append(tuple(group))
    return groups


def prefix(table: Table, group: tuple[int, ...]) -> str:
    return _PREFIX.match(table.columns[group[0]].name)[0]  # type: ignore[index]
