"""A console and a progress bar."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.segment import Segment

from bpnn_jax._runtime.text import plain

PIPED_WIDTH = 110  # columns for tables where the output is no terminal


class _Console(Console):
    """A console that takes no text for markup or emoji, and lets no control character out: what is coloured says so by ``Text``."""

    def __init__(self, **options: Any):
        super().__init__(highlight=False, markup=False, emoji=False, **options)

    def render(self, renderable: Any, options: Any = None) -> Iterator[Segment]:
        for text, style, control in super().render(renderable, options):
            yield Segment(text if control else plain(text), style, control)


def console() -> Console:
    """Standard output, for tables and lines that hold text from outside."""
    return _Console(width=None if sys.stdout.isatty() else PIPED_WIDTH)


_hidden = False  # while ``hidden``


@contextmanager
def hidden() -> Iterator[None]:
    """No progress bar, whatever standard error is."""
    global _hidden
    before, _hidden = _hidden, True
    try:
        yield
    finally:
        _hidden = before


@contextmanager
def progress_bar(what: str) -> Iterator:
    """A bar on standard error, gone when done: ``update(done, total, what is being done)``."""
    columns = (
        TextColumn("{task.description:<32}", markup=False),
        BarColumn(40),
        TextColumn("{task.fields[note]}", markup=False),
        TimeRemainingColumn(),
    )
    terminal = _Console(stderr=True)
    with Progress(*columns, console=terminal, transient=True, disable=_hidden or not terminal.is_terminal) as progress:
        task = progress.add_task(what, total=None, note="")
        yield lambda done, total, note="": progress.update(task, completed=done, total=total, note=note)
