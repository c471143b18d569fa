"""What the commands share: types of options, outputs checked before any work, warnings, and the data that a user names."""

import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

from tyro.conf import arg

import bpnn_jax
from bpnn_jax._runtime import outputs
from bpnn_jax._runtime.files import write_json
from bpnn_jax._runtime.outputs import Output, Read
from bpnn_jax._runtime.text import one_line, plain
from bpnn_jax.errors import InputError

if TYPE_CHECKING:
    from bpnn_jax.choice import Choice
    from bpnn_jax.patterns import Patterns
    from bpnn_jax.patterns.tables import Table
    from bpnn_jax.patterns.task import Task

Number = Annotated[float | None, arg(metavar="FLOAT")]
Count = Annotated[int | None, arg(metavar="INT")]
File = Annotated[Path | None, arg(metavar="FILE")]
Json = File


class Data(NamedTuple):
    """What the name of a set or a file stands for.

    make:     gives ``patterns``.
    held_out: what is kept apart from a named set to test with, if anything.
    file:     None for a named set.
    task:     what a table is about, where its targets are no Boolean ones; ``test`` a second table of the same file to test with,
              ``table`` the first.
    """

    make: "Callable[[], Patterns]"
    held_out: "Patterns | None"
    file: Path | None
    task: "Task | None" = None
    test: "Table | None" = None
    table: "Table | None" = None

    @property
    def patterns(self) -> "Patterns":
        """The patterns, numbers as they are named or in the file."""
        return self.make()


def read_data(name: str, targets: int | None = None, choice: "Choice | None" = None) -> Data:
    """The patterns of a name or a file; ``targets`` counts the target columns of a file that does not say.

    choice: what the user says of a table. Refused where there is none.

    Raises InputError for a name or a file that cannot be used.
    """
    from bpnn_jax import patterns
    from bpnn_jax.patterns import door

    if patterns.is_set_name(name):
        if targets is not None:
            raise InputError(f"expected targets only for files, got targets {targets} for the set {name}")
        opened = door.open_set(name, choice)
        return Data(opened.make, patterns.load_held_out(name), None, opened.task, None, opened.table)
    if not os.path.exists(name):
        patterns.load(name)  # which says what is near
    opened = door.open_file(name, targets, choice)
    return Data(opened.make, None, Path(name), opened.task, opened.test, opened.table)


def named(arguments: Sequence[str]) -> frozenset[str]:
    """The options among a command's arguments, as fields.

    >>> sorted(named(["xor", "--no-hidden-bias", "--seed=3"]))
    ['hidden_bias', 'seed']
    """
    names = (a.partition("=")[0].removeprefix("--").removeprefix("no-") for a in arguments if a.startswith("--"))
    return frozenset(name.replace("-", "_") for name in names)


@contextmanager
def naming(path: str) -> Iterator[None]:
    """What is refused of a file begins with the file's name."""
    try:
        yield
    except InputError as error:
        raise error if str(error).startswith(one_line(path)) else InputError(f"{one_line(path)}: {error}") from None


@contextmanager
def plain_warnings() -> Iterator[None]:
    """Show our own warnings as a sentence on standard error, without the line of code; others, such as JAX's, as they were."""
    before = warnings.showwarning

    def show(message, category, filename, *rest, **named):
        if Path(filename).is_relative_to(Path(bpnn_jax.__file__).parent):
            print(f"warning: {plain(message)}", file=sys.stderr)
        else:
            before(message, category, filename, *rest, **named)

    warnings.showwarning = show
    try:
        yield
    finally:
        warnings.showwarning = before


def data_read(name: str | None, what: str = "the patterns") -> list[Read]:
    """What is read of the name of a set or a file: the file, if it is one."""
    from bpnn_jax import patterns

    return [] if name is None or patterns.is_set_name(name) else [Read(name, what)]


def check_outputs(
    *given: Output | None, json: Path | None, reads: Sequence[Read] = (), overwrite: bool = False
) -> None:
    """Before any work: every file that is to be written can be, none is read, and none is somebody else's (``outputs.check``).

    json: where ``--json`` puts the result, which every command has.
    """
    result = None if json is None else Output(json, "--json", outputs.is_result)
    outputs.check([o for o in (*given, result) if o is not None], reads, overwrite=overwrite)


def finish(json: Path | None, command: str, result: dict) -> None:
    """Write what a command found, if ``--json`` asks for it. Its first key says whose it is."""
    if json is not None:
        write_json(json, {"bpnn": command, **result})


def part(count: int, skip: int, limit: int | None) -> slice:
    """Which of ``count`` patterns are taken. Raises InputError for none.

    >>> part(10, 2, 3), part(10, 2, None)
    (slice(2, 5, None), slice(2, None, None))
    """
    if not 0 <= skip < count:
        raise InputError(f"expected skip from 0 to {count - 1}, got {skip}")
    if limit is not None and limit < 1:
        raise InputError(f"expected limit as a whole number from 1 up, got {limit}")
    return slice(skip, None if limit is None else skip + limit)
