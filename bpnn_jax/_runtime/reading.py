"""Reading a file: regular files only, limits before memory, and "cannot be read now" told apart from "is damaged".

``NotReadableError`` says nothing about the content: nothing may be set aside or made again because of it. ``DamagedError`` is a
proof that the content is not what was written.
"""

import hashlib
import json
import os
import re
import select
import stat
import time
from pathlib import Path
from typing import Any

from bpnn_jax._runtime.text import one_line
from bpnn_jax.errors import InputError

LARGEST_JSON = 16 * 2**20  # bytes: lists that hold nothing take some 20 times as much memory
DEEPEST_JSON = 12  # levels; a study has 4
SEAL = "sha256"  # the key, in a file of ours, of the digest of all its other keys
_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")  # of an object, another one each time
LARGEST_PIPE = 300 * 2**20  # bytes: how much will come is not known before
PATIENCE = 3.0  # seconds until somebody writes to a pipe


class NotReadableError(InputError):
    """A file that cannot be read now: no permission, a disk that fails, a pipe. What is in it is not known."""


class DamagedError(InputError):
    """A file that was read, and is not what was written."""


def read_file(path: str | os.PathLike[str], limit: int, what: str = "a file", *, pipes: bool = False) -> bytes:
    """The bytes of a regular file of at most ``limit`` bytes; a larger one is refused before any of it is read.

    pipes: whether it may be a pipe, such as ``/dev/stdin``. One that nobody begins to write to within some seconds is refused.

    Raises FileNotFoundError, NotReadableError, and DamagedError for a file that is too large.
    """
    name = os.fspath(path)
    try:
        mode = os.stat(name).st_mode
        piped = pipes and stat.S_ISFIFO(mode)
        if not stat.S_ISREG(mode) and not piped:
            raise NotReadableError(f"{one_line(name)}: expected {what}, got {_KINDS.get(stat.S_IFMT(mode), 'no file')}")
        # Without O_NONBLOCK, opening a pipe waits for somebody who writes, maybe for ever.
        handle = os.open(name, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0))
        with open(handle, "rb", buffering=0) as file:
            found = os.fstat(file.fileno())
            if not piped and not stat.S_ISREG(found.st_mode):
                raise NotReadableError(
                    f"{one_line(name)}: expected {what}, got {_KINDS.get(stat.S_IFMT(found.st_mode))}"
                )
            if found.st_size > limit:
                raise _too_large(name, what, limit, found.st_size)
            if piped:
                return _up_to(file, min(limit, LARGEST_PIPE), 2**20, name, what)
            return _up_to(file, limit, found.st_size, name, what)
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        if isinstance(error, InputError):
            raise
        raise NotReadableError(f"{one_line(name)}: expected {what} that can be read, got: {reason(error)}") from None


def _up_to(file: Any, limit: int, first: int, name: str, what: str) -> bytes:
    """All of a file, of which ``first`` bytes are read in one part: what is joined from parts is in memory twice."""
    parts, size, until = [], 0, time.monotonic() + PATIENCE
    while True:
        part = file.read(min(2**20 if parts else max(first, 1), limit + 1 - size))
        if part is None:  # a pipe that somebody will write to
            select.select([file], [], [])
        elif part:
            parts.append(part)
            size += len(part)
            if size > limit:  # it has grown, or it is a pipe
                raise _too_large(name, what, limit, size)
        elif size or not stat.S_ISFIFO(os.fstat(file.fileno()).st_mode):
            return b"".join(parts)
        elif time.monotonic() > until:
            raise NotReadableError(f"{one_line(name)}: expected {what}, got a pipe that nobody writes to")
        else:
            time.sleep(0.02)


def _too_large(name: str, what: str, limit: int, size: int) -> DamagedError:
    return DamagedError(f"{one_line(name)}: expected {what} of at most {limit:,} bytes, got {size:,} or more")


def reason(error: BaseException) -> str:
    r"""Why, in one short line.

    >>> reason(OSError(13, "Permission denied")), reason(ValueError("a\n  b"))
    ('Permission denied', 'a b')
    """
    said = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return one_line(" ".join(_ADDRESS.sub("", said).split()))[:200]


# --- JSON ---


def parse_json(data: bytes, where: str | os.PathLike[str], shape: Any = object) -> Any:
    """The JSON value of ``data``, whose parts are of the kinds that ``shape`` says (``check_shape``).

    Raises DamagedError, which names ``where``, for anything else, for keys that come twice, and for what is nested too deeply.
    """
    at = one_line(os.fspath(where))
    if len(data) > LARGEST_JSON:
        raise _too_large(at, "JSON", LARGEST_JSON, len(data))
    try:
        found = json.loads(data, object_pairs_hook=_each_once)
    except RecursionError:
        raise DamagedError(f"{at}: expected at most {DEEPEST_JSON} levels of JSON, got far more") from None
    except ValueError as error:
        raise DamagedError(f"{at}: expected JSON, got: {reason(error)}") from None
    level, depth = [found], 1
    while level := [item for value in level for item in _below(value)]:
        depth += 1
        if depth > DEEPEST_JSON:
            raise DamagedError(f"{at}: expected at most {DEEPEST_JSON} levels of JSON, got more")
    try:
        check_shape(found, shape)
    except InputError as error:
        raise DamagedError(f"{at}: {error}") from None
    return found


def check_shape(value: Any, shape: Any, at: str = "") -> None:
    """Raise InputError unless ``value`` is of the kind that ``shape`` says, down to its last part.

    ``object`` is anything, a type that type (a bool is no int, an int is a float too), ``None`` null, a tuple one of its kinds,
    ``[kind]`` a list, ``{str: kind}`` any names, and ``{"name": kind, "name?": kind}`` these names, the latter if it is there.

    >>> check_shape({"a": [1, None]}, {"a": [(int, None)], "b?": str})
    >>> check_shape({"a": [True]}, {"a": [int]})
    Traceback (most recent call last):
    bpnn_jax.errors.InputError: expected a.0 as int, got True
    """
    if shape is object or (shape is None and value is None):
        return
    if isinstance(shape, tuple):
        for one in shape:
            if _fits(value, one):
                return check_shape(value, one, at)
    if not _fits(value, shape):
        raise InputError(f"expected {at or 'it'} as {_kind(shape)}, got {one_line(repr(value)[:60])}")
    if isinstance(shape, list):
        for i, item in enumerate(value):
            check_shape(item, shape[0], f"{at}.{i}".lstrip("."))
    elif isinstance(shape, dict) and str in shape:
        for name, item in value.items():
            check_shape(item, shape[str], f"{at}.{name}".lstrip("."))
    elif isinstance(shape, dict):
        wanted = {name.rstrip("?"): kind for name, kind in shape.items()}
        for name in [*wanted, *value]:
            if name not in wanted or (name not in value and f"{name}?" not in shape):
                expected = "no such field" if name not in wanted else "the field"
                raise InputError(f"expected {expected} {one_line(f'{at}.{name}'.lstrip('.'))}")
            if name in value:
                check_shape(value[name], wanted[name], f"{at}.{name}".lstrip("."))
    return None


def _fits(value: Any, shape: Any) -> bool:
    if isinstance(shape, list | dict):
        return isinstance(value, type(shape))
    if shape is None or shape is object:
        return shape is object or value is None
    if isinstance(shape, tuple):
        return any(_fits(value, one) for one in shape)
    return type(value) is shape or (shape is float and type(value) is int)


def _kind(shape: Any) -> str:
    if isinstance(shape, tuple):
        return " or ".join(map(_kind, shape))
    if isinstance(shape, list | dict):
        return type(shape).__name__
    return "null" if shape is None else shape.__name__


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name that comes twice")
    return found


def _below(value: Any) -> list:
    found = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [item for item in found if isinstance(item, dict | list)]


# --- checksums ---


def digest(content: Any) -> str:
    """The SHA-256 of a value that JSON knows, whatever the order of its keys and the white space of its file."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def sealed(content: dict[str, Any]) -> bytes:
    """A file's bytes: JSON, with the digest of ``content`` as its last key.

    >>> unsealed(sealed({"format": 2}), "study.json")
    {'format': 2}
    """
    return (json.dumps({**content, SEAL: digest(content)}, indent=2) + "\n").encode()


def unsealed(data: bytes, where: str | os.PathLike[str], shape: Any = object) -> dict[str, Any]:
    """What ``sealed`` was given. Raises DamagedError where the digest is missing or another, or the shape is."""
    found = parse_json(data, where, {str: object})
    wanted = found.pop(SEAL, None)
    if wanted != digest(found):
        got = "another" if wanted else "none"
        raise DamagedError(f"{one_line(Path(where))}: expected the checksum of what is in it, got {got}")
    try:
        check_shape(found, shape)
    except InputError as error:
        raise DamagedError(f"{one_line(Path(where))}: {error}") from None
    return found
