"""A disk that fails when it is told to: a small library in C, preloaded, and armed in a child. It needs gcc."""

import ctypes
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SOURCE = Path(__file__).with_name("shim.c")
LOADED = "BPNN_ATTACKS_SHIM"  # in the environment of a process that has it


def preload() -> bool:
    """Compile the library, and begin this program anew with it; whether it is there by now. Where there is no gcc it is not."""
    if os.environ.get(LOADED):
        return True
    if not shutil.which("gcc"):
        return False
    library = Path(tempfile.mkdtemp(prefix="bpnn-shim-"), "shim.so")
    made = subprocess.run(
        ["gcc", "-O1", "-shared", "-fPIC", "-o", str(library), str(SOURCE), "-ldl"], capture_output=True, check=False
    )
    if made.returncode:
        return False
    os.environ |= {LOADED: str(library), "LD_PRELOAD": str(library)}
    os.execv(sys.executable, [sys.executable, "-m", "benchmarks.attacks", *sys.argv[1:]])


def remove() -> None:
    if there():
        shutil.rmtree(Path(os.environ[LOADED]).parent, ignore_errors=True)


def there() -> bool:
    return bool(os.environ.get(LOADED))


def arm(call: str, word: str = "", nth: int = 0, code: int = 0, always: bool = False) -> None:
    """In this process, let the ``nth`` call (from 0) on a path with ``word`` in it fail with ``code``, or kill it for code 0.

    call: open (to read), create, read, write, fsync, rename, link, mkdir, unlink.
    """
    ctypes.CDLL(os.environ[LOADED]).shim_arm(call.encode(), word.encode(), nth, code, int(always))
