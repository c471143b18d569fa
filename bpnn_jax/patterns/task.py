"""What a table is about: which columns are targets, what kind of task that is, and the numbers that a network sees.

``learn`` decides from a table and a ``Choice``; the ``Task`` that it gives also encodes further tables alike (a test file, rows to
predict), so that a saved network reads new rows as it read its own.
"""

import itertools
import re
from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from bpnn_jax._runtime.text import reads_as_number
from bpnn_jax.choice import Choice
from bpnn_jax.errors import InputError
from bpnn_jax.patterns import doubts
from bpnn_jax.patterns.columns import TARGET_NAMES, find, named_target, one_hot_groups, prefix, row_names
from bpnn_jax.patterns.encode import Input, encode, filled, fills, with_fills
from bpnn_jax.patterns.tables import Table
from bpnn_jax.patterns.targets import MOST_CLASSES, target_cells

KINDS = ("classification", "multi-label", "regression", "boolean")
MOST_CATEGORIES = 20  # words of more values among the inputs are names, not categories
SAMPLE = 1000  # different cells that are looked at first
RARE = 0.05  # of a column's cells: a rarer word among numbers is a slip
SHOWN = 6  # classes that are counted in the line that says what is learnt


@dataclass(frozen=True, eq=False)
class Task:
    """A table, understood.

    kind:     classification, multi-label, regression or boolean.
    learns:   the target's name, or the pattern of several.
    targets:  the columns of the targets, by name; ``classes`` the names of the classes in the order of the outputs.
    inputs:   a name for each input that the network sees, ``columns`` the table's columns that they come from.
    x, t:     float64, (rows, inputs) and (rows, outputs). Classes are one-hot. In x a missing cell is NaN.
    rows:     which rows of the table these are; the others had missing cells.
    missing:  what is done with missing cells, as ``Choice`` has it.
    notes:    what was left out, or is likely to be a mistake.
    """

    kind: str
    learns: str
    targets: tuple[str, ...]
    classes: tuple[str, ...]
    inputs: tuple[str, ...]
    columns: tuple[Input, ...]
    x: np.ndarray
    t: np.ndarray
    rows: np.ndarray
    named: bool
    width: int
    notes: tuple[str, ...] = ()
    target_numbers: tuple[int, ...] = field(default=())
    left_out: int = 0
    missing: str = "refuse"

    def __len__(self) -> int:
        return len(self.x)

    @property
    def filled(self) -> np.ndarray:
        """The inputs with the missing cells filled, as all of these rows have it."""
        return filled(self.x, fills(self.columns))

    @property
    def hidden(self) -> tuple[int, ...]:
        """The customary hidden layers (``customary_hidden``)."""
        return customary_hidden(self.kind, len(self.inputs))

    @property
    def line(self) -> str:
        """What is learnt, in one line: ``learns species (3 classes: setosa 50, ...) from 4 inputs``."""
        return f"learns {self.learns} ({self._what()}) from {len(self.inputs)} inputs"

    def _what(self) -> str:
        if self.classes:
            counts = self.t.sum(axis=0).astype(int)
            shown = [f"{name} {n}" for name, n in zip(self.classes, counts, strict=True)][:SHOWN]
            more = "" if len(self.classes) <= SHOWN else f", and {len(self.classes) - SHOWN} more"
            return f"{len(self.classes)} classes: {', '.join(shown)}{more}"
        if self.kind == "multi-label":
            return f"{self.t.shape[1]} labels, yes or no"
        if self.kind == "boolean":
            return f"{self.t.shape[1]} Boolean output{'s' * (self.t.shape[1] > 1)}"
        if self.t.shape[1] > 1:
            return f"{self.t.shape[1]} numbers"
        return f"a number, {self.t.min():g} to {self.t.max():g}"


def customary_hidden(kind: str, inputs: int) -> tuple[int, ...]:
    """The sizes of the hidden layers where none are given: two nodes for a Boolean task, else as many as inputs, from 8 to 64.

    >>> customary_hidden("classification", 30)
    (30,)
    """
    return (2,) if kind == "boolean" else (max(8, min(64, inputs)),)


def learn(table: Table, choice: Choice | None = None) -> Task:
    """Decide what a table is about. Raises InputError where that would be a guess that nobody meant.

    >>> from bpnn_jax.patterns.tables import Column, Table
    >>> flowers = Column("petal", np.array([1.4, 4.7, 1.3, 4.5])), Column("species", np.array(["a", "b", "a", "b"], object))
    >>> learn(Table(flowers, True, "commas")).line
    'learns species (2 classes: a 2, b 2) from 1 inputs'
    """
    choice = choice or Choice()
    ignored = {n for given in choice.ignore for n in find(table, given, "ignore")}
    _check_finite(table, ignored)
    notes = list(table.notes)
    asked = set(find(table, choice.target, "target")) if choice.target is not None else set()
    for k, why in row_names(table, ignored | asked).items():
        ignored.add(k)
        notes.append(f"left out: {table.columns[k].name or 'the nameless first column'}, {why}")
    targets, learns = _targets(table, choice, ignored)
    groups = one_hot_groups(table, ignored)
    _check_siblings(table, targets, groups, ignored)
    kind = choice.kind or _kind(table, targets, ignored)
    inputs = [k for k in range(len(table.columns)) if k not in ignored and k not in targets]
    inputs = _not_empty(table, inputs, notes)
    rows = known_rows(table, inputs, targets, choice.missing, notes)
    doubts.check_dates(table, inputs, targets)
    columns, notes = _inputs(table, inputs, rows, notes)
    if not columns:
        raise InputError(f"expected a column of inputs beside {learns}, got none{_alone(table, notes)}")
    x = encode(table, columns, rows)
    columns = with_fills(columns, x)
    names = tuple(name for column in columns for name in column.names)
    t, classes = target_cells(table, targets, kind, learns, rows)
    if kind != "boolean":
        notes += doubts.of_target(table, choice, targets, ignored, kind, learns, classes, t)
        notes += doubts.of_inputs(table, columns, targets, kind, rows, t)
    return Task(
        kind, learns, tuple(table.label(k) for k in targets), classes, names, columns, x, t, rows, table.named,
        len(table.columns), tuple(notes), tuple(targets), len(table) - len(rows), choice.missing,
    )  # fmt: skip


def _alone(table: Table, notes: list[str]) -> str:
    """Why there is no column of inputs."""
    if len(table.columns) > 1:
        return "".join(f"; {note}" for note in notes if note.startswith("left out"))
    return "; cells are parted by commas, semicolons, tabs, bars or spaces, or as a first line such as sep=: has it"


def _check_finite(table: Table, ignored: set[int]) -> None:
    for k, column in enumerate(table.columns):
        if k not in ignored and column.numeric and np.isinf(column.values).any():
            row = int(np.flatnonzero(np.isinf(column.values))[0])
            raise InputError(f"expected finite numbers in {table.label(k)}, got {column.values[row]} in row {row + 1}")


def _targets(table: Table, choice: Choice, ignored: set[int]) -> tuple[list[int], str]:
    if choice.target is not None:
        found = [k for k in find(table, choice.target, "target") if k not in ignored]
        if not found:
            raise InputError(f"expected a target that is not ignored, got {choice.target!r}")
        return found, table.label(found[0]) if len(found) == 1 else choice.target
    names = {k: c.name.lower() for k, c in enumerate(table.columns) if k not in ignored}
    if not names:
        raise InputError("expected columns that are not ignored, got none")
    for start in ("target", "t_"):  # target, target_a, target:a, target a; t_a
        form = (
            rf"{start}(?![a-z])(?!_?names?$)" if start == "target" else start
        )  # target_name is a column beside target
        starting = [k for k, name in names.items() if re.match(form, name)]
        if len(starting) > 1 or (starting and start == "target"):
            return starting, f"{start}*" if len(starting) > 1 else table.label(starting[0])
    numbered = [k for k, name in names.items() if re.fullmatch("y[_ ]?[0-9]+", name)]
    if len(numbered) > 1 and all(re.fullmatch("x[_ ]?[0-9]+", name) for k, name in names.items() if k not in numbered):
        return numbered, ",".join(table.label(k) for k in numbered)
    known = named_target(names)
    groups = one_hot_groups(table, ignored)
    named = [g for g in groups if prefix(table, g)[:-1].lower() in TARGET_NAMES] if known is None else []
    last = known if known is not None else named[0][0] if named else max(names)
    for group in groups:
        if last in group:
            return list(group), prefix(table, group) + "*"
    return [last], table.label(last)


def _check_siblings(table: Table, targets: list[int], groups: list[tuple[int, ...]], ignored: set[int]) -> None:
    """A one-hot column beside its target tells the answer."""
    for group in groups:
        inside, beside = [k for k in group if k in targets], [k for k in group if k not in targets and k not in ignored]
        if inside and beside:
            left = ", ".join(table.label(k) for k in beside[:5])
            raise InputError(
                f"expected all columns of {prefix(table, group)}* as targets, since they are one-hot together, got {left} among "
                f"the inputs: they would tell the answer. Learn all of them with --target '{prefix(table, group)}*', or leave "
                f"them out with --ignore"
            )


def _kind(table: Table, targets: list[int], ignored: set[int]) -> str:
    columns = [table.columns[k] for k in targets]
    cells = [c.values[~c.missing] for c in columns]
    if not all(c.numeric for c in columns):
        if len(columns) > 1:
            raise InputError(
                f"expected one column of words as target, or several of numbers, got {len(columns)} columns with words"
            )
        return "classification"
    binary = all(np.isin(v, (0.0, 1.0)).all() for v in cells)
    if binary and _boolean(table, targets, ignored):
        return "boolean"
    if len(columns) > 1:
        if not binary:
            return "regression"
        return "classification" if (np.sum([c.values for c in columns], axis=0) == 1).all() else "multi-label"
    if columns[0].boolean:
        return "classification"
    counts = Counter(cells[0].tolist())
    if columns[0].whole and (
        len(counts) == 2 or (len(counts) <= MOST_CLASSES and min(counts.values(), default=0) >= 2)
    ):
        return "classification"
    return "regression"


def _boolean(table: Table, targets: list[int], ignored: set[int]) -> bool:
    """A truth table: 0 and 1 alone. In a table of text it must be whole (each of the 2^n rows once)."""
    inputs = [c for k, c in enumerate(table.columns) if k not in targets and k not in ignored]
    if not inputs or not all(c.numeric and np.isin(c.values, (0.0, 1.0)).all() for c in inputs):
        return False
    if table.read_as in ("FANN", "SNNS"):
        return True
    return len(inputs) <= 16 and len(table) == 2 ** len(inputs) == len(
        set(zip(*(c.values for c in inputs), strict=True))
    )


def _not_empty(table: Table, inputs: list[int], notes: list[str]) -> list[int]:
    """The inputs without columns that are empty."""
    empty = [k for k in inputs if table.columns[k].missing.all()]
    if empty:
        notes.append(f"left out: {', '.join(table.label(k) for k in empty)}, without a cell that is filled")
    return [k for k in inputs if k not in empty]


def known_rows(table: Table, inputs: list[int], targets: list[int], missing: str, notes: list[str]) -> np.ndarray:
    """The rows to use: those without missing cells, or with mean those without missing targets. What is left out is noted.

    missing: as ``Choice`` has it. Raises InputError where missing cells are refused, and where no row is left.
    """
    count = {k: int(table.columns[k].missing.sum()) for k in (*inputs, *targets)}
    where = [f"{n} in {table.label(k)}" for k, n in count.items() if n]
    bad = np.zeros(len(table), bool)
    for k in (*inputs, *targets):
        bad |= table.columns[k].missing
    if not bad.any():
        return np.arange(len(table))
    if missing == "refuse":
        raise InputError(
            f"expected no missing cells, got {sum(count.values())} in {bad.sum()} of {len(table)} rows ({', '.join(where[:5])}); "
            f"--missing drop leaves these rows out, --missing mean fills the cells among the inputs"
        )
    if missing == "mean":
        bad = np.zeros(len(table), bool)
        for k in targets:
            bad |= table.columns[k].missing
    if bad.all():
        raise InputError(f"expected rows without missing cells, got none of {len(table)}")
    if bad.any():
        notes.append(f"left out: {bad.sum()} of {len(table)} rows, with missing cells")
    return np.flatnonzero(~bad)


def _inputs(table: Table, inputs: list[int], rows: np.ndarray, notes: list[str]) -> tuple[tuple[Input, ...], list[str]]:
    columns = []
    for k in inputs:
        if table.columns[k].numeric:
            columns.append(Input(table.label(k), k))
            continue
        column = table.columns[k].take(rows)
        there = column.values[~column.missing]
        counts = Counter(there.tolist())
        if _few_values(counts):
            notes.append(
                f"{table.label(k)} read as words, since {next(w for w in counts if not reads_as_number(w))} is one"
            )
        else:
            _check_few_words(table, k, counts)
        if len(counts) > MOST_CATEGORIES or len(counts) < 2:
            notes.append(f"left out: {table.label(k)}, {_how_many(counts, len(there))}")
            continue
        columns.append(Input(table.label(k), k, tuple(sorted(counts))))
    return tuple(columns), notes


def _how_many(counts: Counter, cells: int) -> str:
    if len(counts) < 2:
        return "the same word in every row"
    return f"{len(counts)} different words" + (", another in every row" if len(counts) == cells else "")


def _few_values(counts: Counter) -> bool:
    """Whether a column of numbers and words is one of categories (2, 3, 4, 5more): few values, of which no word is a rarity."""
    if len(counts) > MOST_CATEGORIES:
        return False
    words = [n for w, n in counts.items() if not reads_as_number(w)]
    numbers = len(counts) - len(words)
    return bool(words) and numbers > 0 and min(words) >= max(2, RARE * counts.total())


def _check_few_words(table: Table, k: int, counts: Counter) -> None:
    """A column of numbers with a word in it is a slip, or a mark for a missing cell that is not known here."""
    some = list(itertools.islice(counts, SAMPLE))
    if len(some) < len(counts) and sum(map(reads_as_number, some)) < 0.1 * SAMPLE:  # names: no need to look at millions
        return
    words = {w: n for w, n in counts.items() if not reads_as_number(w)}
    if 0 < sum(words.values()) < 0.5 * sum(counts.values()):
        word = next(iter(words))
        row = int(np.flatnonzero(table.columns[k].values == word)[0])
        raise InputError(
            f"expected numbers in {table.label(k)}, as most of its cells are, got {word!r} in row {row + 1} below the header "
            f"({sum(words.values())} such cells); leave the cell empty if it is missing, or --ignore the column"
        )
