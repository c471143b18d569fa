"""Writing a file so that nothing half-written is ever seen: aside, flushed to the disk, then renamed into place.

The file that is written aside says in its name which process writes it. ``clear_asides`` removes what processes have left that died.
"""

import contextlib
import errno
import functools
import hashlib
import json
import math
import os
import re
import socket
import time
import uuid
from collections.abc import Mapping
from pathlib import Path

from bpnn_jax._runtime.text import one_line
from bpnn_jax.errors import InputError

# .NAME.MACHINE-PID-BEGUN.RANDOM, and as version 0.1.0 had it .NAME.HOST.PID.RANDOM
ASIDE = re.compile(r"\..+\.(?:(?P<process>[0-9a-f]{12}-(?P<pid>\d+)-\d+)|[^.]*\.\d+)\.[0-9a-f]{8}")
OLD = 86_400.0  # seconds after which a half-written file is anybody's to remove: writing one takes seconds


def check_writable(path: str | os.PathLike[str]) -> None:
    """Raise InputError for a path that cannot be written, before any work is done for it."""
    target = _resolved(path)
    folder = target.parent
    if target.is_dir():
        raise _unwritable(path, "a folder")
    if _is_device(target):
        if not os.access(target, os.W_OK):
            raise _unwritable(path, "a device that may not be written")
    elif not folder.is_dir():
        raise _unwritable(path, f"no folder {one_line(Path(path).parent)}")
    elif not os.access(folder, os.W_OK):
        raise _unwritable(path, f"a folder that is read-only, {one_line(folder)}")


def write_atomically(path: str | os.PathLike[str], content: bytes) -> None:
    """Write ``content`` to ``path``, or leave what was there. Raises InputError where that cannot be."""
    check_writable(path)
    target = _resolved(path)
    try:
        if _is_device(target):  # /dev/stdout, a pipe: nothing to replace
            target.write_bytes(content)
        else:
            write_durably(target, content)
    except OSError as error:
        raise _unwritable(path, str(error.strerror)) from error


def write_durably(target: Path, content: bytes, *, first: bool = False) -> bool:
    """Write a file aside, flush it, give it its name, and flush its folder. Raises OSError, and then nothing has changed.

    first: only where there is none of that name yet. Whether it was written.
    """
    aside = _aside(target)
    try:
        _flushed(aside, content)
        (_link if first else os.replace)(aside, target)
        _flush_folder(target.parent)
    except FileExistsError:
        return False
    finally:
        with contextlib.suppress(OSError):  # gone already when all went well
            aside.unlink()
    return True


def write_together(contents: Mapping[Path, bytes]) -> None:
    """Write several files: all are whole on the disk before the first takes its name. Raises InputError where that cannot be."""
    for path in contents:
        check_writable(path)
    parts: list[tuple[Path, Path]] = []
    try:
        for path, content in contents.items():
            parts.append((_aside(_resolved(path)), _resolved(path)))
            _flushed(parts[-1][0], content)
        for aside, target in parts:
            os.replace(aside, target)
            _flush_folder(target.parent)
    except OSError as error:
        raise _unwritable(", ".join(map(str, contents)), str(error.strerror)) from error
    finally:
        for aside, _ in parts:
            with contextlib.suppress(OSError):
                aside.unlink()


def clear_asides(folder: Path) -> None:
    """Remove what processes left half-written in ``folder`` that are no more: this machine's at once, others' after a day."""
    for path in folder.iterdir():
        if not (match := ASIDE.fullmatch(path.name)):
            continue
        with contextlib.suppress(OSError):
            ours = match["pid"] and match[0].split(".")[-2].startswith(_machine())
            if (match["process"] != _process(match["pid"])) if ours else time.time() - path.stat().st_mtime > OLD:
                path.unlink()


def _aside(target: Path) -> Path:
    return target.with_name(f".{target.name[:100]}.{_process(os.getpid())}.{uuid.uuid4().hex[:8]}")


def _flushed(aside: Path, content: bytes) -> None:
    with open(aside, "xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


@functools.cache
def _machine() -> str:
    """The machine, as far as process numbers reach: two hosts, boots or containers of one name are told apart."""
    parts = [socket.gethostname()]
    with contextlib.suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text())
    with contextlib.suppress(OSError):
        parts.append(os.readlink("/proc/self/ns/pid"))
    return hashlib.sha256(" ".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:12]


def _process(pid: int | str) -> str:
    """A process, told apart from a later one of the same number by when it began; that is "gone" for one that is no more."""
    begun = "gone"
    with contextlib.suppress(OSError, IndexError):
        begun = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    if not Path("/proc/self/stat").exists():  # no Linux: only the number
        with contextlib.suppress(OSError, ValueError):
            os.kill(int(pid), 0)
            begun = "0"
    return f"{_machine()}-{pid}-{begun}"


def _link(aside: Path, path: Path) -> None:
    """Give a file its name unless another has it; on a disk without links, even if another has it."""
    try:
        os.link(aside, path)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.ENOSYS):
            raise
        os.replace(aside, path)


def _flush_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network disks flush no folders
            raise
    finally:
        os.close(handle)


def _resolved(path: str | os.PathLike[str]) -> Path:
    """Where links lead: a link is written through, never replaced. Raises InputError for a path that no system call takes."""
    try:
        target = Path(path).resolve()
        target.exists()
    except (OSError, RuntimeError, ValueError) as error:  # too long, a loop of links, a NUL
        raise _unwritable(path, getattr(error, "strerror", None) or str(error)) from None
    return target


def _is_device(target: Path) -> bool:
    return target.exists() and not target.is_file() and not target.is_dir()


def _unwritable(path: str | os.PathLike[str], got: str) -> InputError:
    return InputError(f"{one_line(os.fspath(path))}: expected a path that can be written, got: {got}")


def write_json(path: str | os.PathLike[str], result: object) -> None:
    """Write a result as JSON; numbers that JSON does not know (NaN, infinities) become null."""
    write_atomically(path, as_json(result))


def as_json(result: object) -> bytes:
    """The bytes of ``write_json``. A name's byte that is no UTF-8 is written as an escape."""
    return (json.dumps(_plain(result), indent=2, ensure_ascii=False) + "\n").encode("utf-8", "backslashreplace")


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
