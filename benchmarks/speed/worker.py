"""A process for each peer: none sees another's threads, settings or memory, and each can be held to some of the cores."""

import logging
import multiprocessing
import os
import re
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from benchmarks.speed.tasks import Task, Weights


class PeerError(RuntimeError):
    """A peer that could not do its work; the message is its own."""


class Worker:
    """Start a process for ``prepare``; with ``cores``, on so many of them where the system can do that.

    >>> from benchmarks.speed.tasks import Task
    >>> can_pin() in (True, False)
    True
    """

    def __init__(self, prepare: Callable, *, plain_xla: bool = False, cores: int | None = None):
        spawn = multiprocessing.get_context("spawn")
        self._here, there = spawn.Pipe()
        self._process = spawn.Process(target=_serve, args=(there, prepare, plain_xla), daemon=True)
        allowed = os.sched_getaffinity(0) if can_pin() else set()
        try:
            if cores and allowed:  # the child inherits it from this thread
                os.sched_setaffinity(0, sorted(allowed)[-cores:])
            self._process.start()
        finally:
            if cores and allowed:
                os.sched_setaffinity(0, allowed)
        there.close()

    def load(self, task: Task) -> tuple[Weights, float]:
        """Prepare a task and train it once: the final weights, and the seconds of both, compiling included."""
        return self._ask("load", task)

    def time(self) -> tuple[float, float]:
        """Train the loaded task again: the seconds by the clock, and those of all the process's cores."""
        return self._ask("time")

    def peak_memory(self) -> int:
        """The most bytes that the process has had in memory, the interpreter and its libraries included."""
        return self._ask("memory")

    def close(self) -> None:
        self._here.close()
        self._process.join(timeout=10)
        if self._process.is_alive():
            self._process.kill()

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def _ask(self, *request: Any) -> Any:
        try:
            self._here.send(request)
            failed, answer = self._here.recv()
        except (EOFError, OSError) as error:
            raise PeerError("its process ended before it answered") from error
        if failed:
            raise PeerError(answer)
        return answer


def without_options(flags: str) -> str:
    """XLA_FLAGS without the options that importing bpnn_jax sets. XLA takes a lone space for the name of a file.

    >>> without_options("--a=1 --xla_backend_extra_options=b=2 --xla_cpu_prefer_vector_width=512"), without_options(" ")
    ('--a=1', '')
    """
    return " ".join(re.sub(r"--xla_(backend_extra_options|cpu_prefer_vector_width)=\S*", "", flags).split())


def can_pin() -> bool:
    """Whether this system can hold a process to some of the cores."""
    return hasattr(os, "sched_setaffinity")


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if can_pin() else os.cpu_count() or 1


def _serve(there: Connection, prepare: Callable, plain_xla: bool) -> None:
    logging.disable(logging.WARNING)  # such as torch's, of the GPU that it does not find
    os.environ["JAX_ENABLE_COMPILATION_CACHE"] = "false"  # a compile time that comes from a disk says nothing
    if plain_xla:  # importing bpnn_jax has set its options; JAX is not imported yet
        os.environ["XLA_FLAGS"] = without_options(os.environ.get("XLA_FLAGS", ""))
    run: Callable = lambda: None  # noqa: E731
    while True:
        try:
            what, *arguments = there.recv()
        except (EOFError, KeyboardInterrupt):
            return
        try:
            began, cpu = time.perf_counter(), time.process_time()
            if what == "memory":
                there.send((False, _peak_memory()))
                continue
            if what == "load":
                run = prepare(*arguments)
            result = run()
            seconds = time.perf_counter() - began
            there.send((False, (result, seconds) if what == "load" else (seconds, time.process_time() - cpu)))
        except KeyboardInterrupt:
            return
        except Exception as error:
            there.send((True, f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error) else ''}"))


def _peak_memory() -> int:
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
