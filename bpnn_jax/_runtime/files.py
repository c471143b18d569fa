"""Writing a file so that nothing half-written is ever seen: aside first, then renamed into place."""

import contextlib
import json
import math
import os
from pathlib import Path

from bpnn_jax.errors import InputError


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
        raise _unwritable(path, f"no folder {Path(path).parent}")
    elif not os.access(folder, os.W_OK):
        raise _unwritable(path, f"a folder that is read-only, {folder}")


def write_atomically(path: str | os.PathLike[str], content: bytes) -> None:
    """Write ``content`` to ``path``, or leave what was there. Raises InputError where that cannot be."""
    check_writable(path)
    target = _resolved(path)
    aside = target.with_name(f".{target.name[:100]}.{os.getpid()}")
    try:
        if _is_device(target):  # /dev/stdout, a pipe: nothing to replace
            target.write_bytes(content)
            return
        aside.write_bytes(content)
        os.replace(aside, target)
    except OSError as error:
        raise _unwritable(path, str(error.strerror)) from error
    finally:
        with contextlib.suppress(OSError):  # gone already when all went well
            aside.unlink()


def same_file(one: str | os.PathLike[str], other: str | os.PathLike[str]) -> bool:
    """Whether two paths lead to one file, through links too."""
    return os.path.realpath(one) == os.path.realpath(other)


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
    return InputError(f"{os.fspath(path)}: expected a path that can be written, got: {got}")


def write_json(path: str | os.PathLike[str], result: object) -> None:
    """Write a result as JSON; numbers that JSON does not know (NaN, infinities) become null."""
    write_atomically(path, (json.dumps(_plain(result), indent=2, ensure_ascii=False) + "\n").encode())


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
