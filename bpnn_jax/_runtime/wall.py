"""The outer wall around a command: whatever becomes of its streams, its memory or its patience, a sentence and an exit status.

Imports nothing but the standard library, ``errors`` and ``_runtime.text``, so that it stands before anything heavy is imported.
"""

import contextlib
import errno
import io
import os
import select
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

from bpnn_jax._runtime.text import plain
from bpnn_jax.errors import InputError

BAD, UNUSABLE, INTERRUPTED = (
    1,
    2,
    130,
)  # exit statuses: a bad verdict; input or output that cannot be used; Ctrl-C, as shells have it
INTERRUPTION = "interrupted; what was finished is kept"
NONE = "none left"
PATIENCE = 1.0  # seconds from Ctrl-C until the process leaves, whatever its compiled programs are at


class OutputError(OSError):
    """Standard output takes nothing more: a full disk behind it, a device that fails."""


def guarded(name: str, work: Callable[[], int], *, process: bool) -> int:
    """The exit status of ``work``, or the status that says why there is none, with a sentence on standard error.

    name:    for the sentence, such as ``bpnn train``.
    process: whether this process is the command's own: only then may it be left while threads of it compute.
    """
    if process and not _open_descriptors():
        return complain(
            name, "standard output is closed, and nothing else would show the result; > /dev/null discards it"
        )
    try:
        with _watching(name) if process else contextlib.nullcontext(), _streams():
            try:
                return work()
            finally:
                sys.stdout.flush()
    except InputError as error:
        status = complain(name, error)
        if process and getattr(error, "leaves", False):  # to end in order, something that is gone would be waited for
            os._exit(status)
        return status
    except FloatingPointError as error:  # a run that diverged
        return complain(name, error, BAD)
    except KeyboardInterrupt:
        complain(name, INTERRUPTION)
        if process:
            os._exit(INTERRUPTED)  # Python would wait for the threads that compute
        return INTERRUPTED
    except MemoryError as error:
        return complain(name, f"expected enough memory, got: {str(error) or NONE}; something smaller may fit")
    except RecursionError:
        return complain(name, "expected something less deeply nested, got more levels than Python follows")
    except OSError as error:
        what = "standard output" if isinstance(error, OutputError) else error.filename or "the output"
        return complain(name, f"{error.strerror or error}: {what}")
    except Exception as error:
        if not str(error).startswith("RESOURCE_EXHAUSTED"):  # JAX's word for a MemoryError
            raise
        return complain(name, "expected enough memory for the arrays, got less; something smaller may fit")


def complain(name: str, what: object, status: int = UNUSABLE) -> int:
    """Say something on standard error, on a terminal or not, and return the exit status that goes with it."""
    with contextlib.suppress(OSError, ValueError, AttributeError):  # closed, full, or none
        print(f"{name}: {plain(what)}", file=sys.stderr, flush=True)
    return status


# --- streams ---


class _Stream:
    """Standard output, except that a reader who has gone away (``| head``) is no error: nothing more is written, and work goes on.

    careless: no failure at all is an error, as for standard error, where there is nobody left to tell.
    """

    def __init__(self, stream: Any, careless: bool = False):
        self._stream = stream
        self._careless = careless

    def write(self, text: str) -> int:
        with self._guarded():
            self._stream.write(text)
        return len(text)

    def writelines(self, lines: Any) -> None:
        self.write("".join(lines))

    def flush(self) -> None:
        with self._guarded():
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            with contextlib.suppress(
                OSError, ValueError
            ):  # what is in the stream's buffer, and all that follows, goes nowhere
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, self._stream.fileno())
                os.close(nowhere)
            if error.errno != errno.EPIPE and not self._careless:
                raise OutputError(error.errno, error.strerror) from None


@contextlib.contextmanager
def _streams() -> Iterator[None]:
    before = sys.stdout, sys.stderr
    for stream in before:
        if isinstance(stream, io.TextIOWrapper):  # a character that the terminal's encoding lacks is shown as an escape
            with contextlib.suppress(OSError, ValueError):
                stream.reconfigure(errors="backslashreplace")
    sys.stdout, sys.stderr = _Stream(before[0]), _Stream(before[1], careless=True)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def _open_descriptors() -> bool:
    """Whether standard output is open. The three descriptors are opened on nothing where not: a file must not become one of them."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - until the process ends
    return sys.stdout is not None


# --- Ctrl-C ---

_watched = False  # whether this process has the handler below
_pressed = False


def is_ctrl_c(error: BaseException) -> bool:
    """Whether this is the user's Ctrl-C, and not a KeyboardInterrupt that the code raised which the command was given."""
    return isinstance(error, KeyboardInterrupt) and (_pressed or not _watched)


@contextlib.contextmanager
def _watching(name: str) -> Iterator[None]:
    """Leave the process a second after Ctrl-C, and at once after another one: Python itself waits for the program that computes."""
    global _watched
    handlers = (signal.default_int_handler, signal.SIG_DFL)
    main = threading.current_thread() is threading.main_thread()
    if not main or os.name != "posix" or signal.getsignal(signal.SIGINT) not in handlers:
        yield
        return

    def press(number: int, frame: FrameType | None) -> None:
        global _pressed
        _pressed = True
        if _imports(frame):  # a library in C that is interrupted at its beginning may crash
            _leave(name)
        raise KeyboardInterrupt

    def unraisable(ignored: Any) -> None:
        if _pressed and isinstance(ignored.exc_value, KeyboardInterrupt):  # it came in a finalizer, and is lost
            _leave(name)
        said_before(ignored)

    signal.signal(signal.SIGINT, press)
    said_before, sys.unraisablehook = sys.unraisablehook, unraisable
    _watched = True
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    threading.Thread(target=_watch, args=(reading, name), daemon=True).start()
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # all that follows is Python's end
        sys.unraisablehook = said_before
        signal.set_wakeup_fd(before)
        os.close(writing)  # ends the thread


def _imports(frame: FrameType | None) -> bool:
    while frame is not None and frame.f_code.co_filename != "<frozen importlib._bootstrap>":
        frame = frame.f_back
    return frame is not None


def _leave(name: str) -> None:
    with contextlib.suppress(OSError):
        os.write(2, f"{name}: {INTERRUPTION}\n".encode())
    os._exit(INTERRUPTED)


def _watch(reading: int, name: str) -> None:
    asked = False
    while True:
        ready, _, _ = select.select([reading], [], [], PATIENCE if asked else None)
        if ready:
            number = os.read(reading, 1)
            if not number:  # the command has ended by itself
                os.close(reading)
                return
            if number[0] != signal.SIGINT:
                continue
        if asked:
            _leave(name)
        asked = True
