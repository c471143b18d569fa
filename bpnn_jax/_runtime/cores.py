"""Several compiled programs at the same time, a thread each: a running program lets go of Python's lock."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any


def available() -> int:
    """The processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_turn(work: Callable[[Any], Any], chunks: Sequence[Any], cores: int) -> Iterator[Any]:
    """``work`` of each chunk, in their order, up to ``cores`` of them at the same time.

    >>> list(in_turn(lambda n: n * n, [1, 2, 3], 2))
    [1, 4, 9]
    """
    threads = ThreadPoolExecutor(cores)
    try:
        yield from threads.map(work, chunks)
    finally:
        threads.shutdown(wait=False, cancel_futures=True)  # after Ctrl-C nothing is waited for
