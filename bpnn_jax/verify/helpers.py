"""Other processes that climb along, each a ``helper.py``: tracing and proving hold Python's lock, so that threads only take turns."""

import json
import os
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict
from itertools import count
from threading import Event, Lock
from typing import Any

from bpnn_jax._runtime import cores
from bpnn_jax.verify.checks import Caught, Check

Rows = Sequence[Check | Caught]
KINDS = {kind.__name__: kind for kind in (Check, Caught)}


class HelperError(Exception):
    """Another process gives no answer: it was killed, or never got so far."""


Progress = Callable[[int, int, str], None]


def shared(
    work: Sequence[tuple[str, Callable[[], Rows]]],
    groups: Iterable[Sequence[int]],
    options: dict[str, Any],
    processes: int = 1,
    progress: Progress | None = None,
) -> dict[int, Rows]:
    """The rows of each piece of work, by its number; a group of pieces stays in one process, and the first are begun first.

    options: with which a helper finds the same list of pieces. What a helper that ends has not answered, this process does.
    """
    waiting, found, begun, lock = deque(groups), {}, count(), Lock()
    over = Event()

    def climb(do: Callable[[int], Rows]) -> None:
        while group := _next(waiting):
            for number in group:
                with lock:
                    if progress:
                        progress(next(begun), len(work), work[number][0])
                try:
                    found[number] = do(number)
                except HelperError:
                    if over.is_set():
                        return
                    do = own
                    found[number] = own(number)

    def own(number: int) -> Rows:
        return work[number][1]()

    with started(processes - 1, options) as others:
        try:
            list(cores.in_turn(climb, [own, *others], processes))
        finally:  # after Ctrl-C no thread begins another
            over.set()
            waiting.clear()
    return found


def _next(waiting: deque[Sequence[int]]) -> Sequence[int]:
    try:
        return waiting.popleft()  # of two threads, one gets it
    except IndexError:
        return ()


@contextmanager
def started(number: int, options: dict[str, Any]) -> Iterator[list[Callable[[int], Rows]]]:
    """So many helpers, each a function from the number of a piece of work to its rows. They end with the context."""
    with ExitStack() as stack:
        yield [_asking(stack.enter_context(_process(options))) for _ in range(number)]


@contextmanager
def _process(options: dict[str, Any]) -> Iterator[subprocess.Popen[str]]:
    path = os.pathsep.join(
        [os.getcwd() if entry == "" else entry for entry in sys.path]
    )  # its own would begin elsewhere
    process = subprocess.Popen(
        [sys.executable, "-m", "bpnn_jax.verify.helper"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    try:
        with suppress(OSError):
            say(process.stdin, options)
        yield process
    finally:
        process.kill()
        process.communicate()


def _asking(process: Any) -> Callable[[int], Rows]:
    def ask(number: int) -> Rows:
        try:
            say(process.stdin, number)
            return heard(process.stdout.readline())
        except (OSError, ValueError):  # a broken pipe, or half a line
            raise HelperError from None

    return ask


def say(file: Any, what: Any) -> None:
    """One line of JSON."""
    print(json.dumps(what), file=file, flush=True)


def told(rows: Rows) -> list:
    """Rows as JSON has them, and ``heard`` is the way back.

    >>> row = Check(3, "(9)", "JAX", 1, float("inf"), 0.0, "wrong")
    >>> heard(json.dumps(told([row]))) == [row]
    True
    """
    return [[type(row).__name__, asdict(row)] for row in rows]


def heard(line: str) -> Rows:
    return [KINDS[kind](**row) for kind, row in json.loads(line)]
