"""What deserves a word before a table is learnt: targets that may be meant, inputs that tell the answer, marks of missing cells."""

import re

import numpy as np

from bpnn_jax._runtime.text import one_line
from bpnn_jax.choice import Choice
from bpnn_jax.errors import InputError
from bpnn_jax.patterns.columns import asked, named_target, one_hot_groups, prefix
from bpnn_jax.patterns.dressed import dates
from bpnn_jax.patterns.encode import Input
from bpnn_jax.patterns.tables import Table

SENTINELS = (-99.0, -999.0, -9999.0, -99999.0, 999.0, 9999.0, 99999.0)  # what stands for a missing cell in older tables
FEW = 20  # values of a column that may be classes; words may be of more where each has ten rows in the mean
HEAD = 200  # rows that are looked at first
MANY = 50  # columns, as of an image of 7 x 7
LARGE = 1e8  # whole numbers from here up, all different, are rarely a quantity
ENOUGH = 20  # rows from which a coincidence is none


def check_dates(table: Table, inputs: list[int], targets: list[int]) -> None:
    """Raise InputError for a column of dates: they are neither categories nor numbers until somebody says how they count."""
    for k in range(len(table.columns)):
        column = table.columns[k]
        if column.numeric or (k not in inputs and k not in targets):
            continue
        date = dates(column.values[:1000].tolist())
        if date is not None:
            raise InputError(
                f"expected numbers or categories in {table.label(k)}, got dates or times such as {one_line(date)}; make numbers of "
                f"them (a year, days since the first), or leave the column out with --ignore {asked(table, k)}"
            )


def of_target(
    table: Table,
    choice: Choice,
    targets: list[int],
    ignored: set[int],
    kind: str,
    learns: str,
    classes: tuple[str, ...],
    t: np.ndarray,
) -> list[str]:
    """Notes on the target: other columns that are as likely to be meant, and classes of a single row.

    ignored: columns that are left out.
    """
    notes = []
    if classes:
        single = [name for name, count in zip(classes, t.sum(axis=0), strict=True) if count == 1]
        if single:
            notes.append(f"{', '.join(single[:5])}: a class of one row, which cannot be learnt and tested")
    if choice.target is not None or _said_by_name(table, targets):
        return notes
    why = f"{learns} is learnt because it is the last column"
    likely = _likely(table, targets, ignored, kind)
    if likely and likely[0][1] == "1" and _like_pixels(table):
        raise InputError(
            f"expected to be told what to learn, got {len(table.columns)} columns of whole numbers without names, of which the first "
            f"may be classes ({_values(table, 0)}); --target 1 learns it, --target {len(table.columns)} the last"
        )
    labels = [] if kind == "regression" else _labels_beside(table, targets[0], ignored)
    if likely:
        shown, names = "; ".join(said for said, _ in likely[:5]), likely[0][1]
        notes.append(f"{why}; these may be classes: {shown}. To learn one, --target {names}")
    elif labels:
        shown, names = ", ".join(map(table.label, labels[:5])), ",".join(asked(table, k) for k in (*labels, *targets))
        notes.append(f"{why}; 0 and 1 like it: {shown}. To learn all of them as labels, --target {names}")
    elif kind == "regression":
        notes.append(f"{why}; --target names another")
    return notes


def _likely(table: Table, targets: list[int], ignored: set[int], kind: str) -> list[tuple[str, str]]:
    """What may be meant in place of the last column, in words and as --target has it. Beside classes only what is first may."""
    free = [k for k in range(len(table.columns)) if k not in targets and k not in ignored]
    groups = one_hot_groups(table, {*targets, *ignored})
    if kind != "regression":
        free, groups = [k for k in free if k == 0 and _without_names(table)], [g for g in groups if g[0] == 0]
    found = [(f"{table.label(k)} ({_values(table, k)})", asked(table, k)) for k in free if _may_be_classes(table, k)]
    starts = [prefix(table, group) for group in groups]
    return found + [(f"{start}* ({len(g)} columns)", f"'{start}*'") for start, g in zip(starts, groups, strict=True)]


def _like_pixels(table: Table) -> bool:
    """Many columns of whole numbers: in a file of images the class is at either end."""
    return len(table.columns) >= MANY and all(c.whole for c in table.columns)


def _labels_beside(table: Table, target: int, ignored: set[int]) -> list[int]:
    """The columns of 0 and 1 just before a target of 0 and 1, where other columns are not so: several labels, perhaps."""

    def binary(k: int) -> bool:
        values = table.columns[k].values
        return table.columns[k].numeric and set(np.unique(values[:HEAD])) == {0.0, 1.0} == set(np.unique(values))

    inputs = [k for k in range(len(table.columns)) if k != target and k not in ignored]
    first = next((k for k in reversed(inputs) if k > target or not binary(k)), None)
    if first is None or not binary(target):
        return []
    found = [k for k in inputs if k > first]
    return [] if any(set(found) & set(group) for group in one_hot_groups(table, {target, *ignored})) else found


def of_inputs(
    table: Table, columns: tuple[Input, ...], targets: list[int], kind: str, rows: np.ndarray, t: np.ndarray
) -> list[str]:
    """Notes on the inputs: a column that goes with the target one to one, one that names rows, numbers that mean a missing cell.

    Raises InputError for a column that goes with the target one to one and is called like it (target, target_name).
    """
    notes, classes = [], t.argmax(axis=1)
    for column in columns:
        cells = table.columns[column.number].values
        cells = cells if len(rows) == len(cells) else cells[rows]
        if kind == "classification" and _twins(cells, classes):
            _check_name(table, column.number, targets)
            notes.append(
                f"{column.name} goes with the target one to one: if it is another name of it, --ignore {asked(table, column.number)}"
            )
        if column.categories:
            continue
        if _counts(cells, first=column.number == 0 and not table.named):
            notes.append(
                f"{column.name} is another whole number in every row: if it only names the rows, --ignore "
                f"{asked(table, column.number)}"
            )
        sentinel = _sentinel(cells)
        if sentinel is not None:
            count = int((cells == sentinel).sum())
            notes.append(
                f"{column.name} has {sentinel:g} in {count} rows: if that marks a missing cell, leave it empty"
            )
    return notes


def _said_by_name(table: Table, targets: list[int]) -> bool:
    if not table.named:
        return False
    names = {k: table.columns[k].name.lower() for k in range(len(table.columns))}
    return len(targets) > 1 or named_target(names) in targets or names[targets[0]].startswith(("target", "t_"))


def _without_names(table: Table) -> bool:
    """Whether no column has a name but a number, as pandas names columns that have none."""
    return all(re.fullmatch("[0-9]*", c.name) for c in table.columns)


def _may_be_classes(table: Table, k: int) -> bool:
    """A column of few words; in a table without names also few whole numbers in the first column, as UCI's have their classes."""
    column = table.columns[k]
    if column.numeric and not (k == 0 and _without_names(table) and column.whole):
        return False
    values, counts = np.unique(column.values[~column.missing].astype(str), return_counts=True)
    most = FEW if column.numeric else max(FEW, len(table) // 10)
    return 2 <= len(values) <= most and counts.min() >= 2


def _values(table: Table, k: int) -> str:
    column = table.columns[k]
    values = sorted(set(column.values[~column.missing].tolist()))
    shown = ", ".join(f"{v:g}" if isinstance(v, float) else one_line(v) for v in values[:3])
    return shown + (", ..." if len(values) > 3 else "")


def _twins(cells: np.ndarray, classes: np.ndarray) -> bool:
    """Whether each value goes with one class and each class with one value, in more rows than chance allows."""
    if len(cells) < ENOUGH or not _goes_with(cells[:HEAD], classes[:HEAD]):  # as good as always they do not
        return False
    return _goes_with(cells, classes, int(classes.max()) + 1)


def _goes_with(cells: np.ndarray, classes: np.ndarray, count: int | None = None) -> bool:
    """Whether there are as many pairs of a value and a class as there are values, and as classes (``count`` of them, if given)."""
    pairs = set(zip(cells.tolist(), classes.tolist(), strict=True))
    values, met = {value for value, _ in pairs}, {known for _, known in pairs}
    return len(pairs) == len(values) == len(met) and count in (None, len(met))


def _check_name(table: Table, k: int, targets: list[int]) -> None:
    tokens = {w for n in targets for w in re.split(r"[\W_]+", table.columns[n].name.lower()) if w}
    if tokens & set(re.split(r"[\W_]+", table.columns[k].name.lower())):
        raise InputError(
            f"expected inputs that do not tell the answer, got {table.label(k)}, which goes with {table.label(targets[0])} one to "
            f"one; leave it out with --ignore {asked(table, k)}"
        )


def _counts(cells: np.ndarray, first: bool) -> bool:
    """Whole numbers, all different, that count the rows in some order, or are as large as telephone and account numbers.

    first: whether it is the first column of a table without names, where other numbers so are doubted too.
    """
    if (
        len(cells) < ENOUGH
        or not _different(cells[:HEAD])
        or np.isnan(cells).any()
        or (cells % 1).any()
        or not _different(cells)
    ):
        return False
    return bool(first or np.ptp(cells) == len(cells) - 1 or abs(cells).min() >= LARGE)


def _different(cells: np.ndarray) -> bool:
    return len(np.unique(cells)) == len(cells)


def _sentinel(cells: np.ndarray) -> float | None:
    """A number such as -999 that comes more than once (or once, at the end) and is ten times as far from 0 as all others."""
    if not np.isin(SENTINELS, (np.nanmin(cells), np.nanmax(cells))).any():
        return None
    for value in SENTINELS:
        others = cells[(cells != value) & ~np.isnan(cells)]
        if (
            len(others)
            and (cells == value).any()
            and 10 * abs(others).max() <= abs(value)
            and (value < 0) <= (others.min() > value)
        ):
            return value
    return None
