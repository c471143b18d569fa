"""A command in a child of this process, forked before JAX has started anything: as a process of its own, in a tenth of the time."""

import os
import runpy
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path

from benchmarks.attacks.attack import Outcome, nothing

MEMORY = 2 * 2**30  # bytes at which a child is killed, for the sake of the machine
PAGE = os.sysconf("SC_PAGE_SIZE")
LOOKS = 0.02  # seconds between two looks at its memory


def run(
    work: tuple[str, ...] | Callable[[], object],
    folder: Path,
    *,
    inside: Callable[[], object] = nothing,
    outside: Callable[[int], object] | None = None,
    seconds: float = 30.0,
) -> Outcome:
    """Carry out ``work`` in ``folder`` and say how it ended."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        began = time.monotonic()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # JAX warns of forks: it has started nothing here
            child = os.fork()
        if not child:
            _be(work, folder, inside, out.fileno(), err.fileno())
        if outside is not None:
            outside(child)
        late, status, peak = _wait(child, began + seconds * _busy())
        ended = time.monotonic() - began
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read(2**20).decode("utf-8", "replace"))
    return Outcome(status, texts[0], texts[1], ended, peak, late)


def _busy() -> float:
    """How many times as long something takes on this machine as on an idle one."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def _wait(child: int, until: float) -> tuple[bool, int, int]:
    late, peak = False, 0
    while True:
        done, status, used = os.wait4(child, os.WNOHANG)
        if done:
            return late, os.waitstatus_to_exitcode(status), max(peak, used.ru_maxrss * 1024)
        try:
            with open(f"/proc/{child}/statm") as file:
                now = int(file.read().split()[1]) * PAGE
        except (OSError, IndexError):
            now = 0
        peak = max(peak, now)
        if time.monotonic() > until or now > MEMORY:
            late = late or time.monotonic() > until
            os.kill(child, signal.SIGKILL)
        time.sleep(LOOKS)


def _be(
    work: tuple[str, ...] | Callable[[], object], folder: Path, inside: Callable[[], object], out: int, err: int
) -> None:
    """The child: never returns."""
    status = 70
    try:
        os.chdir(folder)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(out, 1)
        os.dup2(err, 2)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", closefd=False, buffering=1)  # noqa: SIM115
        sys.path[0] = str(folder)
        inside()
        try:
            status = _do(work)
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()  # as Python does at its end
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    except BaseException:
        os.write(2, traceback.format_exc().encode("utf-8", "replace"))
        status = 120
    finally:
        os._exit(status)


def _do(work: tuple[str, ...] | Callable[[], object]) -> int:
    if callable(work):
        work()
        return 0
    sys.argv = ["bpnn", *work]
    runpy.run_module("bpnn_jax", run_name="__main__", alter_sys=False)
    return 0
