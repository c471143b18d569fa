"""What the commands share: a console, a progress bar, and reading the data that a user names."""

import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from bpnn_jax import pattern_files, patterns
from bpnn_jax._files import check_writable, write_json
from bpnn_jax.errors import InputError
from bpnn_jax.patterns import Patterns

PIPED_WIDTH = 110  # columns for tables where the output is no terminal


def console() -> Console:
    return Console(width=None if sys.stdout.isatty() else PIPED_WIDTH, highlight=False)


@contextmanager
def bar(what: str) -> Iterator:
    """A bar on standard error, gone when done: ``update(done, total, what is being done)``."""
    columns = (
        TextColumn("{task.description:<32}"),
        BarColumn(40),
        TextColumn("{task.fields[note]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=None, note="")
        yield lambda done, total, note="": progress.update(task, completed=done, total=total, note=note)


@contextmanager
def plain_warnings() -> Iterator[None]:
    """Show our own warnings as a sentence on standard error, without the line of code."""
    before = warnings.showwarning
    warnings.showwarning = lambda message, *_, **__: print(f"warning: {message}", file=sys.stderr)
    try:
        yield
    finally:
        warnings.showwarning = before


def check_outputs(*paths: Path | None) -> None:
    """Before any work: every file that is to be written can be, and no two are the same."""
    given = [p for p in paths if p is not None]
    for path in given:
        check_writable(path)
    if len({p.resolve() for p in given}) < len(given):
        raise InputError(f"expected different files to write, got {given[0]} more than once")


def read_patterns(data: str, targets: int | None = None) -> Patterns:
    """The patterns of a name or a file; ``targets`` counts the target columns of a file that does not say."""
    if targets is not None and os.path.exists(data):
        return pattern_files.read(data, targets=targets)
    return patterns.load(data)


def finish(json: Path | None, result: dict) -> None:
    if json is not None:
        write_json(json, result)
