"""NumPy's archives (.npz) from outside: what they say of themselves is looked at before any of it is unpacked. No pickle."""

import io
import math
import zipfile
import zlib
from collections.abc import Sequence

import numpy as np

from bpnn_jax._runtime.reading import DamagedError, reason

LARGEST = 400 * 2**20  # bytes of all arrays together, unpacked
MOST_MEMBERS = 100
_KINDS = "biufSU"  # numbers and texts: no objects, no records


def arrays(data: bytes, where: str, names: Sequence[str] | None = None) -> dict[str, np.ndarray]:
    """The arrays of an archive, by name; of ``names`` those that are there. Raises DamagedError, which says where and why."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            if len(members) > MOST_MEMBERS:
                raise DamagedError(f"{where}: expected at most {MOST_MEMBERS} arrays, got {len(members)}")
            found = {m.filename.removesuffix(".npy"): m for m in members if m.filename.endswith(".npy")}
            if len(found) < sum(m.filename.endswith(".npy") for m in members):
                raise DamagedError(f"{where}: expected each array once, got one twice")
            wanted = {name: m for name, m in found.items() if names is None or name in names}
            size = sum(m.file_size for m in wanted.values())
            if size > LARGEST:
                raise DamagedError(f"{where}: expected arrays of at most {LARGEST:,} bytes together, got {size:,}")
            return {name: _array(archive, member, where) for name, member in wanted.items()}
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
    ) as error:
        raise DamagedError(f"{where}: expected an npz archive of numbers, got: {reason(error)}") from None
    except (
        NotImplementedError,
        RuntimeError,
        SyntaxError,
        OverflowError,
        MemoryError,
        RecursionError,
        AttributeError,
    ) as error:
        # another way to pack, a password, a header that is no Python literal, a size that no memory has
        raise DamagedError(f"{where}: expected an npz archive of numbers, got: {reason(error)}") from None


def _array(archive: zipfile.ZipFile, member: zipfile.ZipInfo, where: str) -> np.ndarray:
    with archive.open(member) as file:
        version = np.lib.format.read_magic(file)
        if version not in ((1, 0), (2, 0)):
            raise DamagedError(f"{where}: expected {member.filename} in NumPy's format 1 or 2, got {version}")
        read_header = {1: np.lib.format.read_array_header_1_0, 2: np.lib.format.read_array_header_2_0}[version[0]]
        shape, fortran, dtype = read_header(file)
        if dtype.kind not in _KINDS:
            raise DamagedError(f"{where}: expected {member.filename} to hold numbers or texts, got {dtype}")
        count = math.prod(shape)
        if min(shape, default=0) < 0 or count * dtype.itemsize > LARGEST:
            raise DamagedError(f"{where}: expected {member.filename} of at most {LARGEST:,} bytes, got shape {shape}")
        content = file.read(count * dtype.itemsize + 1)  # to the end, so that its CRC is compared
        if len(content) != count * dtype.itemsize:
            raise DamagedError(
                f"{where}: expected {member.filename} of {count * dtype.itemsize} bytes, got {len(content)}"
            )
        return np.frombuffer(content, dtype).reshape(shape, order="F" if fortran else "C")
