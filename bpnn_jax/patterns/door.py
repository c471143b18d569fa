"""The door for what a user names: a set, a file in the article's format, or a table of any format that is known."""

import importlib.resources
import os
import re
from collections.abc import Callable
from dataclasses import replace
from importlib.resources.abc import Traversable
from typing import NamedTuple

from bpnn_jax.choice import Choice
from bpnn_jax.errors import InputError
from bpnn_jax.patterns import files
from bpnn_jax.patterns._patterns import Patterns, is_name
from bpnn_jax.patterns.contents import read_bytes
from bpnn_jax.patterns.formats import is_article, read_file
from bpnn_jax.patterns.sets import FAMILIES, GATES, gate
from bpnn_jax.patterns.tables import Table
from bpnn_jax.patterns.task import Task, learn

DATA: Traversable = importlib.resources.files("bpnn_jax.patterns") / "data"
TABLES = ("iris", "wine", "breast-cancer", "digits", "diabetes")  # data/README.md says where they come from


class Opened(NamedTuple):
    """What a name stands for.

    make: gives ``patterns``, so that those of a large table are made where they are asked for.
    task: what a table is about, where that is not Boolean; ``table`` that table, ``test`` a second one of the same file, to test with.
    """

    make: Callable[[], Patterns]
    task: Task | None = None
    test: Table | None = None
    table: Table | None = None

    @property
    def patterns(self) -> Patterns:
        """The patterns, numbers as the file has them."""
        return self.make()


def code() -> Patterns:
    """The bundled source code, one pattern a chunk: how often each symbol occurs, and which language it is."""
    return bundled("code.train.txt", "code")


def bundled(file: str, name: str) -> Patterns:
    """Patterns of the package's own, in the article's format."""
    with importlib.resources.as_file(DATA / file) as path:
        return replace(files.read(path), name=name, hidden=(8,))


SETS: dict[str, tuple[str, Callable[..., Patterns]]] = {**FAMILIES, "code": (r"code", code)}


def open_set(name: str, choice: Choice | None = None) -> Opened:
    """A named set. ``choice`` is for those that are tables. Raises InputError for another name, and a choice for another set."""
    if name in TABLES:
        with importlib.resources.as_file(DATA / f"{name}.csv.gz") as path:
            return _of_a_table(read_file(str(path)).table, None, name, choice or Choice())
    if choice is not None and choice != Choice():
        raise InputError(f"expected target, kind, missing and ignore for tables, got one of them for the set {name}")
    if name in GATES:
        return Opened(lambda: gate(name))
    for form, make in SETS.values():
        if match := re.fullmatch(form, name):
            found = make(*map(int, match.groups()))
            return Opened(lambda found=found: found)
    raise InputError(f"expected the name of a set, got {name!r}")


def open_file(name: str | os.PathLike[str], targets: int | None = None, choice: Choice | None = None) -> Opened:
    """A file of patterns.

    targets: how many of the last columns are targets; ``choice`` says more of a table. Raises InputError for what cannot be read.
    """
    where, choice = os.fspath(name), choice or Choice()
    content = [read_bytes(where)]
    if is_article(content[0]):
        if choice != Choice():
            raise InputError(f"{where}: expected target, kind, missing and ignore for tables; here > marks the targets")
        parsed = files.parse(where, "", content.pop(), targets)
        return Opened(lambda: parsed)
    found = read_file(where, content.pop())  # popped: what may be large is let go as soon as it is decoded
    if targets is not None:
        count = len(found.table.columns)
        if choice.target is not None:
            raise InputError("expected either targets or target, got both")
        if not 1 <= targets < count:
            raise InputError(f"targets: expected 1 or more, and fewer than the {count} columns, got {targets}")
        choice = replace(choice, target=",".join(str(k + 1) for k in range(count - targets, count)))
    try:
        return _of_a_table(found.table, found.test, os.path.basename(where), choice)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def _of_a_table(table: Table, test: Table | None, name: str, choice: Choice) -> Opened:
    task = learn(table, choice)
    names = {"inputs": task.inputs, "outputs": task.classes or task.targets}
    fitting = {what: given for what, given in names.items() if all(map(is_name, given))}

    def make() -> Patterns:
        return Patterns(task.filled, task.t, name=name, hidden=task.hidden, **fitting)

    return Opened(make) if task.kind == "boolean" else Opened(make, task, test, table)
