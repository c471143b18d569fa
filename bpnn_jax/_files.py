"""Writing a file so that nothing half-written is ever seen: aside first, then renamed into place."""

import contextlib
import json
import math
import os
from pathlib import Path

from bpnn_jax.errors import InputError


def check_writable(path: str | os.PathLike[str]) -> None:
    """Raise InputError for a path that cannot be written, before any work is done for it."""
    target = Path(path)
    folder = target.parent
    if target.is_dir():
        raise _unwritable(target, "a folder")
    if not folder.is_dir():
        raise _unwritable(target, f"no folder {folder}")
    if not os.access(folder, os.W_OK):
        raise _unwritable(target, f"a folder that is read-only, {folder}")


def write_atomically(path: str | os.PathLike[str], content: bytes) -> None:
    """Write ``content`` to ``path``, or leave what was there. Raises InputError where that cannot be."""
    target = Path(path)
    check_writable(target)
    if target.exists() and not target.is_file():  # /dev/stdout, a pipe: nothing to replace
        target.write_bytes(content)
        return
    aside = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        aside.write_bytes(content)
        os.replace(aside, target)
    except OSError as error:
        raise _unwritable(target, str(error.strerror)) from error
    finally:
        with contextlib.suppress(OSError):  # gone already when all went well
            aside.unlink()


def _unwritable(target: Path, got: str) -> InputError:
    return InputError(f"{target}: expected a path that can be written, got: {got}")


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
