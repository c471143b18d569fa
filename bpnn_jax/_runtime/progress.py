"""A console and a progress bar."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

PIPED_WIDTH = 110  # columns for tables where the output is no terminal


def console() -> Console:
    return Console(width=None if sys.stdout.isatty() else PIPED_WIDTH, highlight=False)


@contextmanager
def progress_bar(what: str) -> Iterator:
    """A bar on standard error, gone when done: ``update(done, total, what is being done)``."""
    columns = (
        TextColumn("{task.description:<32}"),
        BarColumn(40),
        TextColumn("{task.fields[note]}"),
        TimeRemainingColumn(),
    )
    terminal = Console(stderr=True)
    with Progress(*columns, console=terminal, transient=True, disable=not terminal.is_terminal) as progress:
        task = progress.add_task(what, total=None, note="")
        yield lambda done, total, note="": progress.update(task, completed=done, total=total, note=note)
