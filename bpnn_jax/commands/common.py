"""What the commands share: types of options, outputs checked before any work, warnings, and the data that a user names."""

import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

from tyro.conf import arg

import bpnn_jax
from bpnn_jax._runtime.files import check_writable, same_file, write_json
from bpnn_jax.errors import InputError

if TYPE_CHECKING:
    from bpnn_jax.patterns import Patterns

Number = Annotated[float | None, arg(metavar="FLOAT")]
Count = Annotated[int | None, arg(metavar="INT")]
Json = Annotated[Path | None, arg(metavar="FILE")]


class Data(NamedTuple):
    """What the name of a set or a file stands for.

    held_out: what is kept apart from a named set to test with, if anything.
    file:     None for a named set.
    """

    patterns: "Patterns"
    held_out: "Patterns | None"
    file: Path | None


def read_data(name: str, targets: int | None = None) -> Data:
    """The patterns of a name or a file; ``targets`` counts the target columns of a file that does not say.

    Raises InputError for a name or a file that cannot be used.
    """
    from bpnn_jax import patterns

    if patterns.is_set_name(name):
        if targets is not None:
            raise InputError(f"expected targets only for files, got targets {targets} for the set {name}")
        return Data(patterns.load(name), patterns.load_held_out(name), None)
    found = patterns.load(name) if targets is None else patterns.files.read(name, targets=targets)
    return Data(found, None, Path(name))


@contextmanager
def plain_warnings() -> Iterator[None]:
    """Show our own warnings as a sentence on standard error, without the line of code; others, such as JAX's, as they were."""
    before = warnings.showwarning

    def show(message, category, filename, *rest, **named):
        if Path(filename).is_relative_to(Path(bpnn_jax.__file__).parent):
            print(f"warning: {message}", file=sys.stderr)
        else:
            before(message, category, filename, *rest, **named)

    warnings.showwarning = show
    try:
        yield
    finally:
        warnings.showwarning = before


def check_outputs(*paths: Path | None, reads: Sequence[Path | None] = ()) -> None:
    """Before any work: every file that is to be written can be, no two are the same, and none is one that is read."""
    given = [p for p in paths if p is not None]
    for i, path in enumerate(given):
        check_writable(path)
        if any(same_file(path, other) for other in given[:i]) and not str(path).startswith("/dev/"):
            raise InputError(f"expected different files to write, got {path} more than once")
        for read in reads:
            if read is not None and os.path.exists(read) and same_file(path, read):
                raise InputError(f"expected another file to write than the one that is read, got {path} for both")


def finish(json: Path | None, result: dict) -> None:
    """Write what a command found, if ``--json`` asks for it."""
    if json is not None:
        write_json(json, result)
