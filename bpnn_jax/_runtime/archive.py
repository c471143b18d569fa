"""NumPy's files (.npy, .npz) from outside: what they say of themselves is looked at before any of it is unpacked. No pickle."""

import contextlib
import io
import math
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from typing import IO

import numpy as np

from bpnn_jax._runtime.reading import DamagedError, reason

LARGEST = 400 * 2**20  # bytes of all arrays together, unpacked
MOST_MEMBERS = 100
_KINDS = "biufSU"  # numbers and texts: no objects, no records


def names(data: bytes, where: str) -> list[str]:
    """The names of an archive's arrays. Raises DamagedError, which says where and why."""
    with _reading(where, "an npz archive"), zipfile.ZipFile(io.BytesIO(data)) as archive:
        return list(_members(archive, where))


def arrays(data: bytes, where: str, names: Sequence[str] | None = None, most: int = LARGEST) -> dict[str, np.ndarray]:
    """The arrays of an archive, by name; of ``names`` those that are there. ``most``: numbers that an array may have.

    Raises DamagedError, which says where and why.
    """
    with _reading(where, "an npz archive of numbers"), zipfile.ZipFile(io.BytesIO(data)) as archive:
        wanted = {name: m for name, m in _members(archive, where).items() if names is None or name in names}
        size = sum(m.file_size for m in wanted.values())
        if size > LARGEST:
            raise DamagedError(f"{where}: expected arrays of at most {LARGEST:,} bytes together, got {size:,}")
        found = {}
        for name, member in wanted.items():
            with archive.open(member) as file:
                found[name] = _array(file, f"{where}: expected {member.filename}", most)
        return found


def array(data: bytes, where: str, most: int = LARGEST) -> np.ndarray:
    """The array of an npy file. ``most``: numbers that it may have. Raises DamagedError, which says where and why."""
    with _reading(where, "a whole npy array"):
        return _array(io.BytesIO(data), f"{where}: expected an npy array", most)


@contextlib.contextmanager
def _reading(where: str, what: str) -> Iterator[None]:
    """Whatever goes wrong in an archive is a DamagedError."""
    try:
        yield
    except DamagedError:
        raise
    except (
        zipfile.BadZipFile,
        zipfile.LargeZipFile,
        zlib.error,
        ValueError,
        TypeError,
        KeyError,
        OSError,
        EOFError,
        # another way to pack, a password, a header that is no Python literal, a size that no memory has
        NotImplementedError,
        RuntimeError,
        SyntaxError,
        OverflowError,
        MemoryError,
        RecursionError,
        AttributeError,
    ) as error:
        raise DamagedError(f"{where}: expected {what}, got: {reason(error)}") from None


def _members(archive: zipfile.ZipFile, where: str) -> dict[str, zipfile.ZipInfo]:
    members = archive.infolist()
    if len(members) > MOST_MEMBERS:
        raise DamagedError(f"{where}: expected at most {MOST_MEMBERS} arrays, got {len(members)}")
    found = {m.filename.removesuffix(".npy"): m for m in members if m.filename.endswith(".npy")}
    if len(found) < sum(m.filename.endswith(".npy") for m in members):
        raise DamagedError(f"{where}: expected each array once, got one twice")
    return found


def _array(file: IO[bytes], expected: str, most: int) -> np.ndarray:
    version = np.lib.format.read_magic(file)
    if version not in ((1, 0), (2, 0)):
        raise DamagedError(f"{expected} in NumPy's format 1 or 2, got {version}")
    read_header = {1: np.lib.format.read_array_header_1_0, 2: np.lib.format.read_array_header_2_0}[version[0]]
    shape, fortran, dtype = read_header(file)
    if dtype.kind not in _KINDS:
        raise DamagedError(f"{expected} to hold numbers or texts, got {reason(ValueError(dtype))}")
    count = math.prod(shape)
    if min(shape, default=0) < 0 or max(shape, default=0) > most or count > most or count * dtype.itemsize > LARGEST:
        raise DamagedError(
            f"{expected} of at most {most:,} numbers and {LARGEST:,} bytes, got shape {reason(ValueError(shape))}"
        )
    content = file.read(count * dtype.itemsize + 1)  # to the end, so that its CRC is compared
    if len(content) != count * dtype.itemsize:
        raise DamagedError(f"{expected} of {count * dtype.itemsize} bytes, got {len(content)}")
    return np.frombuffer(content, dtype).reshape(shape, order="F" if fortran else "C")
