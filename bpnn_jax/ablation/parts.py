"""The patterns of a study's tasks, and the parts that a split cuts them into: to train, to choose by (validation), to test."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from bpnn_jax import patterns
from bpnn_jax.choice import Choice
from bpnn_jax.errors import InputError
from bpnn_jax.patterns import Patterns, door, encode, scores
from bpnn_jax.patterns.encoding import Encoding
from bpnn_jax.patterns.formats import read_file
from bpnn_jax.patterns.split import split as cut
from bpnn_jax.patterns.standardize import Standardization, fit

BOOLEAN, CLASSES, LABELS, NUMBERS = "boolean", "classification", "multi-label", "regression"
TRAIN, VALIDATION, TEST = "train", "validation", "test"


class Gaps(NamedTuple):
    """Which inputs of a table are missing, so that each split fills them by its own training part.

    widths: of the columns, as ``encode.widths`` has them. ``own``, ``test``: bool (patterns, inputs), of the patterns and of those of
    their own to test on.
    """

    widths: tuple[int, ...]
    own: np.ndarray
    test: np.ndarray | None = None

    @property
    def sha256(self) -> str:
        """Of which they are, in hexadecimal."""
        masks = [self.own] if self.test is None else [self.own, self.test]
        said = [str(self.widths).encode(), *(f"{m.shape}".encode() + np.packbits(m).tobytes() for m in masks)]
        return hashlib.sha256(b"|".join(said)).hexdigest()


@dataclass(frozen=True, eq=False)
class Data:
    """A task's patterns as they are, in their own units.

    kind:  boolean, classification, multi-label or regression, which says what its outcome is.
    test:  patterns of their own to test on, if there are any.
    table: whether a split standardizes the inputs by its training part, and for a regression the targets.
    line:  of a table what is learnt from it, in words.
    gaps:  of a table which cells are missing, if any are; ``patterns`` and ``test`` have them filled by all rows.
    """

    patterns: Patterns
    kind: str = BOOLEAN
    test: Patterns | None = None
    table: bool = False
    line: str = field(default="", compare=False)
    gaps: Gaps | None = None

    @property
    def sha256(self) -> str:
        """The patterns' own where there is nothing else to say, as of version 0.1.0."""
        if self.test is None and self.kind == BOOLEAN and not self.table:
            return self.patterns.sha256
        said = [self.patterns.sha256, self.kind, str(self.table), "" if self.test is None else self.test.sha256]
        said += [] if self.gaps is None else [self.gaps.sha256]
        return hashlib.sha256("|".join(said).encode()).hexdigest()


@dataclass(frozen=True, eq=False)
class Parts:
    """A task as one split has it, as the network sees it. ``units`` is the way back to the targets' own units, if they are changed."""

    train: Patterns
    validation: Patterns | None = None
    test: Patterns | None = None
    units: Standardization | None = field(default=None)

    @property
    def named(self) -> dict[str, Patterns]:
        """Those that there are."""
        found = {TRAIN: self.train, VALIDATION: self.validation, TEST: self.test}
        return {name: part for name, part in found.items() if part is not None}


def load(name: str, test: str | None = None, choice: Choice | None = None) -> Data:
    """A task by its name or file, with the patterns of ``test``. Raises InputError for what cannot be read or does not fit.

    choice: what is said of a table, such as its target.

    >>> found = load("iris")
    >>> found.kind, found.patterns.x.shape, found.test
    ('classification', (150, 4), None)
    """
    of_a_set = patterns.is_set_name(name)
    if not of_a_set and not os.path.exists(name):
        patterns.load(name)  # which says what is near
    opened = door.open_set(name, choice) if of_a_set else door.open_file(name, None, choice)
    own = patterns.load_held_out(name) if of_a_set else None
    task, found = opened.task, opened.patterns
    if task is None:
        if test is not None:
            own = patterns.load(test)
            _check_columns(name, found, test, own)
        return Data(found, _kind(name, found), own)
    table, encoding = read_file(test).table if test is not None else opened.test, Encoding.of(task)
    lost, test_lost = np.isnan(task.x), None
    if table is not None:
        try:
            table = encoding.known(table, task.missing, [])
            own = Patterns(*encoding.read(table), name=test or name, hidden=found.hidden)
        except InputError as error:
            raise InputError(f"{test or name}, to test with: {error}") from None
        test_lost = np.isnan(encoding.cells(table))
    there = lost.any() or (test_lost is not None and test_lost.any())
    gaps = Gaps(encode.widths(task.columns), lost, test_lost) if there else None
    return Data(found, task.kind, own, table=True, line=task.line, gaps=gaps)


def together(tasks: Sequence[Data]) -> str:
    """The SHA-256 of the patterns of all tasks."""
    if len(tasks) == 1:
        return tasks[0].sha256
    return hashlib.sha256("|".join(task.sha256 for task in tasks).encode()).hexdigest()


def parts(data: Data, number: int = 0, test_share: float = 0.0, validation_share: float = 0.0) -> Parts:
    """The split of that number, each class in proportion, filled and standardized by its training part.

    Raises InputError for shares that leave a part without a pattern.

    >>> [len(part) for part in parts(load("iris"), 3, test_share=0.3).named.values()]
    [105, 45]
    """
    if not test_share and not validation_share and not data.table:
        return Parts(data.patterns, None, data.test)
    x, t = data.patterns.x, data.patterns.t
    groups = t.argmax(axis=1) if data.kind == CLASSES else np.zeros(len(t), int)
    rows = cut(groups, test_share, validation_share, seed=number)
    test_x = None if data.test is None else data.test.x
    if data.gaps is not None:
        x, test_x = _refilled(data.gaps, x, test_x, rows.train)
    inputs = fit(x[rows.train]) if data.table else None
    units = fit(t[rows.train]) if data.table and data.kind == NUMBERS else None

    def seen(x: np.ndarray, t: np.ndarray) -> Patterns:
        x, t = x if inputs is None else inputs.apply(x), t if units is None else units.apply(t)
        return replace(data.patterns, x=x, t=t)

    validation = seen(x[rows.validation], t[rows.validation]) if len(rows.validation) else None
    test = seen(x[rows.test], t[rows.test]) if len(rows.test) else None
    if test is None and data.test is not None and test_x is not None:
        test = seen(test_x, data.test.t)
    return Parts(seen(x[rows.train], t[rows.train]), validation, test, units)


def _refilled(
    gaps: Gaps, x: np.ndarray, test_x: np.ndarray | None, train: np.ndarray
) -> tuple[np.ndarray, np.ndarray | None]:
    """The inputs of both, their missing cells filled as the rows to train on have it."""
    middle = encode.middle(gaps.widths, np.where(gaps.own, np.nan, x)[train])
    x = np.where(gaps.own, middle, x)
    return x, test_x if test_x is None or gaps.test is None else np.where(gaps.test, middle, test_x)


def _kind(name: str, found: Patterns) -> str:
    """Of what is no table: the classic sets are Boolean (an encoder's targets are its inputs), one-hot targets of others classes."""
    if patterns.is_set_name(name) and name != "code":
        return BOOLEAN
    return scores.kind_of(found.t)


def _check_columns(name: str, found: Patterns, test: str, other: Patterns) -> None:
    if (found.x.shape[1], found.t.shape[1]) != (other.x.shape[1], other.t.shape[1]):
        expected, got = (f"{p.x.shape[1]} inputs and {p.t.shape[1]} targets" for p in (found, other))
        raise InputError(f"{test}: expected {expected} as in {name}, got {got}")
