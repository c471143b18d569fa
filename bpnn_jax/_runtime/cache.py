"""JAX's persistent compile cache, for the ``bpnn`` commands: a program that was compiled once is loaded the next time.

Only the commands use it. ``import bpnn_jax`` leaves JAX's settings alone: where a program of one's own keeps what it compiles
is for its author to say, by JAX's ``JAX_COMPILATION_CACHE_DIR``. That variable, where it is set, is respected here too.

``BPNN_COMPILE_CACHE=off`` compiles everything anew, and ``BPNN_COMPILE_CACHE=FOLDER`` keeps the cache there. Otherwise it is in the
user's cache folder, for Linux ``$XDG_CACHE_HOME/bpnn-jax`` or ``~/.cache/bpnn-jax``. Below it, each version of jaxlib and each kind of
CPU has a folder of its own, because machine code that was compiled for one CPU may not run on another.
"""

import contextlib
import os
import platform
import re
import sys
import tempfile
import warnings
import zlib
from collections.abc import Iterator
from pathlib import Path

from bpnn_jax.errors import InputError

SWITCH = "BPNN_COMPILE_CACHE"
LIMIT = 4000  # programs that are kept for one CPU: 2 to 20 kB each, so some 40 MB
TROUBLE = re.compile(r"Error (reading|writing) persistent compilation cache entry for '([^']*)'")
SETTINGS = {
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",  # many of our programs compile in less than JAX's 1 s
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
}


@contextlib.contextmanager
def compile_cache() -> Iterator[Path | None]:
    """Let JAX, which is not imported yet, use the cache, and keep the folder sound while it does. Yields the folder, or None.

    Nothing happens where the cache is switched off, where the user has set JAX's own, where JAX is imported already (then it is
    another program's, and so are its settings), or where the folder cannot be written.
    """
    path = None if "JAX_COMPILATION_CACHE_DIR" in os.environ or "jax" in sys.modules else folder()
    if path is None or not _ready(path):
        yield None
        return
    os.environ["JAX_COMPILATION_CACHE_DIR"] = str(path)
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    with _mending(path):
        yield path


def folder() -> Path | None:
    """Where this CPU's programs are kept; None where the cache is switched off."""
    wanted = os.environ.get(SWITCH, "")
    if wanted.lower() == "off":
        return None
    from jaxlib.version import __version__  # brings the version and nothing else of jaxlib

    return (_expanded(wanted) if wanted else _user_folder()) / f"jaxlib-{__version__}-{processor()}"


def _expanded(path: str) -> Path:
    try:
        return Path(path).expanduser()
    except RuntimeError as error:  # ~nobody/cache
        raise InputError(f"expected {SWITCH} as a folder, or off, got {path}: {error}") from None


def _user_folder() -> Path:
    home = Path(os.path.expanduser("~"))
    if not home.is_absolute():  # a user whom the machine does not know, in a container
        home = (
            Path(tempfile.gettempdir(), f"user-{os.getuid()}") if hasattr(os, "getuid") else Path(tempfile.gettempdir())
        )
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = home / "Library" / "Caches"
    else:
        base = home / ".cache"
        given = os.environ.get("XDG_CACHE_HOME", "")
        if os.path.isabs(given):  # its specification says to ignore a relative one
            base = Path(given)
    return base / "bpnn-jax"


def processor() -> str:
    """A short name for the kind of CPU: the same for two machines only if their CPUs have the same features."""
    try:  # Linux
        lines = Path("/proc/cpuinfo").read_text("utf-8", errors="replace").splitlines()
        about = sorted({line for line in lines if line.startswith(("model name", "flags", "Features", "CPU part"))})
    except OSError:
        about = [platform.processor()]
    return f"{platform.machine()}-{zlib.crc32(' '.join(about).encode()):08x}"


def _ready(path: Path) -> bool:
    """Make the folder, for this user alone (JAX runs what lies there), and drop the oldest half of it when it is full."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        programs = list(path.iterdir())
        if len(programs) > LIMIT:
            for old in sorted(programs, key=lambda p: p.stat().st_mtime)[: len(programs) // 2]:
                old.unlink(missing_ok=True)
    except OSError:
        return False
    return os.access(path, os.W_OK)


@contextlib.contextmanager
def _mending(path: Path) -> Iterator[None]:
    """JAX warns of an entry that it cannot read, compiles the program, and never replaces the entry: remove it, and be silent.

    Half an entry is what a full disk or a killed process leaves, and what a second process may see while a first one writes.
    """
    before = warnings.showwarning

    def show(message, *rest, **named):
        found = TROUBLE.match(str(message))
        if not found:
            return before(message, *rest, **named)
        for entry in path.glob(f"{found[2]}-*") if found[1] == "reading" else ():
            with contextlib.suppress(OSError):
                entry.unlink()

    warnings.showwarning = show
    try:
        yield
    finally:
        warnings.showwarning = before
