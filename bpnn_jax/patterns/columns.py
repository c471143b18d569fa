"""Columns of a table by what a user calls them, and those that belong together."""

import difflib
import fnmatch
import re

import numpy as np

from bpnn_jax.errors import InputError
from bpnn_jax.patterns.tables import Table

INDEX_NAMES = ("", "id", "index", "unnamed: 0", "rownames", "row", "no", "nr")
TARGET_NAMES = ("class", "label", "target", "species", "y", "outcome", "survived")
_ID = re.compile(r"(?:^|[_ .-])(?i:ids?|uuid|guid|rownames?|row_?n(?:r|o|um|umber))$|(?<=[a-z])(?:Id|ID)$")
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


def asked(table: Table, number: int) -> str:
    """A column as an option takes it: its name, in quotes where a shell needs them, or its number from 1 where it has none."""
    name = table.columns[number].name
    return (f"'{name}'" if re.search(r"[^\w.,-]", name) else name) or str(number + 1)


def named_target(names: dict[int, str]) -> int | None:
    """The column that is called as targets are, the first such name counts; ``names`` in lower case, by the column's number.

    >>> named_target({0: "class", 1: "x", 2: "y"})
    0
    """
    words = [w for w in TARGET_NAMES if w != "y" or "x" not in names.values()]  # beside an x it is a coordinate
    return next((k for word in words for k, name in names.items() if name == word), None)


def row_names(table: Table, taken: set[int]) -> dict[int, str]:
    """Columns that only name or count the rows, each with why: an index that pandas wrote, and those that are called an id.

    taken: columns that are ignored, or targets.
    """
    found: dict[int, str] = {}
    if not table.named or len(table.columns) < 3:
        return found
    for k, column in enumerate(table.columns):
        if k in taken or len(table) < 2:
            continue
        nameless = k == len(found) and re.fullmatch(r"|unnamed: ?[0-9.]+|level_[0-9]", column.name.lower()) is not None
        head = column.values[:200].tolist()  # as good as always enough to see values that come again
        if len(set(head)) < len(head) or (column.numeric and (column.missing.any() or not column.whole)):
            continue
        different = len(set(column.values.tolist())) == len(table)
        counts = column.numeric and bool(np.all(np.diff(column.values) == 1))
        if k == 0 and counts and column.name.lower() in INDEX_NAMES:
            found[k] = "which only counts the rows"
        elif different and nameless:
            found[k] = "which only names the rows"
        elif different and _ID.search(column.name) and len(table.columns) - len(found) > 2:
            found[k] = "another value in every row, and called an id"
    return found


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
