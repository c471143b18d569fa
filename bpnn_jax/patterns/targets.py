"""The targets of a table as numbers: classes one-hot, with their names."""

import re

import numpy as np

from bpnn_jax.errors import InputError
from bpnn_jax.patterns.encode import as_word
from bpnn_jax.patterns.tables import Column, Table

MOST_CLASSES = 20  # whole numbers of more values are a quantity


def target_cells(
    table: Table, targets: list[int], kind: str, learns: str, rows: np.ndarray, known: tuple[str, ...] = ()
) -> tuple[np.ndarray, tuple[str, ...]]:
    """The targets as numbers (rows, outputs), and the classes' names for a classification; ``known`` are those of training."""
    columns = [table.columns[k].take(rows) for k in targets]
    if kind == "classification" and len(columns) == 1:
        return _one_hot(columns[0], learns, known)
    if not all(c.numeric for c in columns):
        raise InputError(f"expected numbers to learn {learns} as {kind}, got words")
    t = np.stack([c.values for c in columns], axis=1)
    for k, column in zip(targets, columns, strict=True):
        if len(set(column.values.tolist())) == 1 and len(columns) == 1 and not known:
            raise _one_value(table.label(k), as_word(float(column.values[0])))
    if kind in ("classification", "multi-label", "boolean"):
        bad = t[~np.isin(t, (0.0, 1.0) if kind != "boolean" else (-1.0, 0.0, 1.0))]
        if bad.size:
            raise InputError(f"expected targets 0 and 1 for a {kind}, got {bad[0]:g} in {learns}")
    if kind != "classification":
        return t, ()
    if not (t.sum(axis=1) == 1).all():
        raise InputError(
            f"expected one class in each row of {learns}, got a row with {t.sum(axis=1)[t.sum(axis=1) != 1][0]:g}"
        )
    names = [c.name for c in columns]
    start = len(_common_prefix(names))
    return t, tuple(name[start:] or name for name in names)


def _common_prefix(names: list[str]) -> str:
    match = re.match(r"(.+?)[_.=: ]", names[0])
    return match[0] if match and all(n.startswith(match[0]) for n in names) else ""


def _one_hot(column: Column, learns: str, known: tuple[str, ...]) -> tuple[np.ndarray, tuple[str, ...]]:
    cells = column.values
    if known:
        words = [as_word(bool(cell)) if column.boolean else as_word(cell) for cell in cells.tolist()]
        unknown = next((w for w in words if w not in known), None)
        if unknown is not None:
            raise InputError(f"expected {learns} as one of {', '.join(known)}, got {unknown!r}")
        return np.array([[float(w == k) for k in known] for w in words]), known
    present = set(cells.tolist())
    if len(present) > MOST_CLASSES and len(present) > 0.5 * len(cells):
        raise InputError(
            f"expected classes in {learns}, each in several rows, got {len(present)} different values in {len(cells)} rows; "
            f"--target names another column"
        )
    if column.boolean:
        values, names = [0.0, 1.0], ("False", "True")
    else:
        values = sorted(present)
        names = tuple(as_word(v) for v in values)
    if len(present) == 1:
        raise _one_value(learns, names[0])
    return np.array([[float(cell == v) for v in values] for cell in cells.tolist()]), names


def _one_value(learns: str, value: str) -> InputError:
    return InputError(
        f"expected a target of two values or more, got {value} in every row of {learns}; "
        f"--target names another column (a name, or a number from 1: 1 is the first)"
    )
