"""What the commands share: their outputs checked before any work, their warnings, and reading the data that a user names."""

import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import bpnn_jax
from bpnn_jax import patterns
from bpnn_jax._runtime.files import check_writable, same_file, write_json
from bpnn_jax.errors import InputError
from bpnn_jax.patterns import Patterns, files


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


def check_outputs(*paths: Path | None, reads: Sequence[str | Path] = ()) -> None:
    """Before any work: every file that is to be written can be, no two are the same, and none is one that is read."""
    given = [p for p in paths if p is not None]
    for i, path in enumerate(given):
        check_writable(path)
        if any(same_file(path, other) for other in given[:i]) and not str(path).startswith("/dev/"):
            raise InputError(f"expected different files to write, got {path} more than once")
        for read in reads:
            if os.path.exists(read) and same_file(path, read):
                raise InputError(f"expected another file to write than the one that is read, got {path} for both")


def read_patterns(data: str, targets: int | None = None) -> Patterns:
    """The patterns of a name or a file; ``targets`` counts the target columns of a file that does not say."""
    if targets is None:
        return patterns.load(data)
    if patterns.is_set_name(data):
        raise InputError(f"expected targets only for files, got targets {targets} for the set {data}")
    return files.read(data, targets=targets)


def finish(json: Path | None, result: dict) -> None:
    if json is not None:
        write_json(json, result)
