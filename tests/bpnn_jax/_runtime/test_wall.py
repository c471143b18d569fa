"""Around a command: every stream, every shortage and every Ctrl-C has a sentence and a status. Processes here import no JAX."""

import errno
import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bpnn_jax._runtime.wall import guarded
from bpnn_jax.errors import InputError

ROOT = Path(__file__).resolve().parents[3]
BEGIN = """import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)
from bpnn_jax._runtime.wall import guarded
"""


def process(work, *, command="{python} -c '{code}'", end="sys.exit(guarded('bpnn x', work, process=True))"):
    """A Python process with ``work`` as its command, begun by a shell line."""
    code = f"{BEGIN}def work():\n    {work}\n{end}"
    line = command.format(python=sys.executable, code=code.replace("'", '"'))
    return subprocess.run(
        ["bash", "-c", line],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


# --- what a command raises ---


@pytest.mark.parametrize(
    ("raised", "status", "said"),
    [
        (InputError("expected \x1b[31m"), 2, r"bpnn x: expected \x1b[31m"),
        (FloatingPointError("diverged"), 1, "bpnn x: diverged"),
        (MemoryError(), 2, "bpnn x: expected enough memory, got: none left"),
        (RecursionError(), 2, "bpnn x: expected something less deeply nested"),
        (OSError(errno.EACCES, "Permission denied", "a.txt"), 2, "bpnn x: Permission denied: a.txt"),
        (KeyboardInterrupt(), 130, "bpnn x: interrupted; what was finished is kept"),
        (ValueError("RESOURCE_EXHAUSTED: Out of memory"), 2, "bpnn x: expected enough memory for the arrays"),
    ],
)
def test_what_ends_a_command_is_a_sentence(raised, status, said, capsys):
    def work():
        raise raised

    assert guarded("bpnn x", work, process=False) == status
    err = capsys.readouterr().err
    assert err.startswith(said)
    assert err.count("\n") == 1


def test_a_mistake_of_ours_keeps_its_traceback():
    def work():
        raise TypeError("ours")

    with pytest.raises(TypeError, match="ours"):
        guarded("bpnn x", work, process=False)


# --- streams ---


class Full(io.StringIO):
    def write(self, text):
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(("stream", "status"), [("stdout", 2), ("stderr", 0)])
def test_a_stream_that_takes_nothing(stream, status, monkeypatch, capsys):
    monkeypatch.setattr(sys, stream, Full())
    assert guarded("bpnn x", lambda: print("result", file=getattr(sys, stream)) or 0, process=False) == status
    if stream == "stdout":
        assert capsys.readouterr().err == "bpnn x: No space left on device: standard output\n"
    assert isinstance(getattr(sys, stream), Full)


def test_a_reader_who_goes_away_changes_no_status():
    for status in (0, 1):
        ran = process(
            f"for i in range(20000): print(i)\n    open('/dev/stderr', 'w').write('finished')\n    return {status}",
            command="{python} -c '{code}' | true; exit ${{PIPESTATUS[0]}}",
        )
        assert (ran.returncode, ran.stderr) == (status, "finished")


CLOSED = "bpnn x: standard output is closed, and nothing else would show the result; > /dev/null discards it\n"


@pytest.mark.parametrize(
    ("command", "status", "said"),
    [
        ("{python} -c '{code}' > /dev/full", 2, "bpnn x: No space left on device: standard output\n"),
        ("{python} -c '{code}' >&-", 2, CLOSED),
        ("{python} -c '{code}' 2>&-", 0, ""),
        ("{python} -c '{code}' <&-", 0, "note\n"),
        ("{python} -c '{code}' 2> /dev/full", 0, ""),
        ("LC_ALL=C PYTHONUTF8=0 PYTHONIOENCODING=ascii {python} -c '{code}'", 0, "note\n"),
        ("{python} -c '{code}' >&- 2>&- <&-", 2, ""),
    ],
    ids=["full", "closed", "no stderr", "no stdin", "stderr full", "ascii", "none"],
)  # fmt: skip
def test_descriptors(command, status, said):
    ran = process('print("\\u03b8"); print("note", file=sys.stderr); return 0', command=command)
    assert (ran.returncode, ran.stderr) == (status, said)


def test_help_on_a_full_disk_is_a_sentence():
    ran = process("print('usage'); sys.exit(0)", command="{python} -c '{code}' > /dev/full")
    assert (ran.returncode, ran.stderr) == (2, "bpnn x: No space left on device: standard output\n")


def test_a_file_that_is_opened_never_becomes_a_closed_descriptor(tmp_path):
    ran = process(f"print(open('{tmp_path}/a', 'w').fileno()); return 0", command="{python} -c '{code}' 2>&- <&-")
    assert int(ran.stdout) > 2


# --- Ctrl-C ---

LONG = "hashlib.pbkdf2_hmac, 'sha256', b'', b'', 2**31 - 1"  # half an hour in C, without Python's lock
BUSY = f"import functools, hashlib; ready(); functools.partial({LONG})(); return 0"
PATIENT = "ready()\n    while True:\n        try: time.sleep(60)\n        except KeyboardInterrupt: pass"
WORKERS = f"""import hashlib; from concurrent.futures import ThreadPoolExecutor as Threads
    Threads(1).submit({LONG}); ready(); time.sleep(60)"""
FINALIZER = """class Slow:
        def __del__(self): ready(); time.sleep(60)
    Slow(); time.sleep(60)"""
READY = "def ready(): print('ready', flush=True)\n"


@pytest.mark.parametrize(
    "work",
    [BUSY, PATIENT, WORKERS, FINALIZER, "ready(); time.sleep(60)"],
    ids=["C", "patient", "workers", "finalizer", "sleep"],
)
@pytest.mark.parametrize("presses", [1, 2])
def test_ctrl_c_ends_it_whatever_it_is_at(work, presses):
    assert pressed("-c", f"{BEGIN}{READY}def work():\n    {work}\n{END}", presses=presses) == (130, INTERRUPTED)


END = "sys.exit(guarded('bpnn x', work, process=True))"
INTERRUPTED = "bpnn x: interrupted; what was finished is kept\n"


def pressed(*program, presses=1, path=ROOT):
    """How a program ends that is interrupted when it says "ready", and what it says of it."""
    begun = subprocess.Popen(
        [sys.executable, *program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(path)])},
    )
    with begun:
        assert begun.stdout
        assert begun.stdout.readline() == "ready\n"
        for _ in range(presses):
            begun.send_signal(signal.SIGINT)
            time.sleep(0.05)
        _, err = begun.communicate(timeout=30)  # of 60 that it would take
    return begun.returncode, err


def test_ctrl_c_while_a_library_is_imported_raises_nothing_in_it(tmp_path):
    (tmp_path / "library.py").write_text(
        "import time\nprint('ready', flush=True)\ntry: time.sleep(60)\nexcept BaseException: print('crashed')\n"
    )
    assert pressed("-c", f"{BEGIN}def work():\n    import library\n{END}", path=tmp_path) == (130, INTERRUPTED)


BEFORE = f"{BEGIN}{READY}import bpnn_jax.__main__\nready(); time.sleep(60)"
AFTER = f"import atexit\n{BEGIN}{READY}atexit.register(lambda: (ready(), time.sleep(60)))\ndef work(): return 0\n{END}"


@pytest.mark.parametrize("code", [BEFORE, AFTER], ids=["before", "after"])
def test_ctrl_c_before_the_wall_and_after_it_has_no_traceback(code):
    assert pressed("-c", code) == (-signal.SIGINT, "")


FIRST = """
import sys, time
class Slow:
    def find_spec(name, *_):
        if name == "bpnn_jax._runtime.lazy":
            print("ready", flush=True)
            time.sleep(60)
sys.meta_path.insert(0, Slow)
"""


@pytest.mark.parametrize(
    ("program", "traceback"), [(("-m", "bpnn_jax", "--version"), False), (("-c", "import bpnn_jax"), True)], ids=str
)
def test_ctrl_c_while_the_package_itself_is_imported(program, traceback, tmp_path):
    """The command says nothing; a program that imports the library has its KeyboardInterrupt, as ever."""
    (tmp_path / "sitecustomize.py").write_text(FIRST)
    status, err = pressed(*program, path=tmp_path)
    assert (status, "KeyboardInterrupt" in err) == (-signal.SIGINT, traceback)
    assert traceback or not err


def test_what_was_told_to_ignore_ctrl_c_does():
    ignoring = BEGIN.replace("default_int_handler", "SIG_IGN") + READY
    assert pressed("-c", f"{ignoring}def work():\n    ready(); time.sleep(0.3); return 3\n{END}") == (3, "")


def test_an_interrupt_that_the_code_raises_itself_is_told_from_the_user_s():
    ran = process(
        "from bpnn_jax._runtime.wall import is_ctrl_c; return 3 + is_ctrl_c(KeyboardInterrupt()) + is_ctrl_c(ValueError())"
    )
    assert (ran.returncode, ran.stderr) == (3, "")
