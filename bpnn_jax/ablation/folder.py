"""Where a study is kept: ``study.json``, and an immutable Parquet file for each finished chunk.

A file is written aside, flushed to the disk and renamed, and the folder is flushed after it: what has its name is whole, whenever
the power fails. Nobody waits for anybody: two processes that finish the same chunk write the same results, and the first one stays.
"""

import contextlib
import errno
import hashlib
import os
import shutil
import socket
import uuid
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bpnn_jax.errors import InputError

try:
    import pyarrow as pa
    import pyarrow.parquet as pq
    from pyarrow import Table
except ImportError as error:
    raise InputError("a study is kept in Parquet files; for these pip install 'bpnn-jax[ablation]'") from error

IDENTITY = b"bpnn_jax.chunk"  # the key of the metadata that say what a file is the answer to
CONTENT = (
    b"bpnn_jax.content"  # and of the SHA-256 of its columns: Parquet's own checksums leave parts of a file uncovered
)
CHUNKS, ASIDE = "chunks", "set-aside"
RUN_BYTES = 64  # of a run without its curve, at most
_WORDS = pa.dictionary(pa.int32(), pa.string())


def schema(points: int) -> pa.Schema:
    """A row a run.

    epochs are those that were run, error is E of the last of them, history E at ``Study.history_epochs`` (NaN after the stop),
    seconds the run's share of its chunk's.
    """
    return pa.schema(
        [
            ("arm", _WORDS),
            ("seed", pa.uint32()),
            ("stopped", _WORDS),
            ("epochs", pa.int32()),
            ("error", pa.float64()),
            ("history", pa.list_(pa.float64(), points)),
            ("seconds", pa.float64()),
        ]
    )


def table(
    described: str,
    *,
    arm: Sequence[str],
    seed: np.ndarray,
    stopped: np.ndarray,
    epochs: np.ndarray,
    error: np.ndarray,
    history: np.ndarray,
    seconds: np.ndarray,
) -> Table:
    """A chunk's table: columns (runs,), ``history`` (runs, points), and in its metadata what it is the answer to."""
    kind = schema(history.shape[1])
    flat = pa.array(np.ascontiguousarray(history, np.float64).ravel())
    columns = [
        pa.array(list(arm)).dictionary_encode(),
        pa.array(np.asarray(seed, np.uint32)),
        pa.array(np.asarray(stopped).tolist()).dictionary_encode(),
        pa.array(np.asarray(epochs, np.int32)),
        pa.array(np.asarray(error, np.float64)),
        pa.FixedSizeListArray.from_arrays(flat, history.shape[1]),
        pa.array(np.asarray(seconds, np.float64)),
    ]
    made = pa.Table.from_arrays(columns, schema=kind)
    return made.replace_schema_metadata({IDENTITY: described.encode(), CONTENT: _digest(made)})


class Store:
    """The folder of a study. What cannot be read is named in ``complaints``, and moved to ``set-aside`` unless ``read_only``."""

    def __init__(self, folder: str | os.PathLike[str], read_only: bool = False):
        self.folder = Path(folder)
        self.read_only = read_only
        self.complaints: list[str] = []

    @property
    def chunks(self) -> Path:
        return self.folder / CHUNKS

    def path(self, name: str) -> Path:
        return self.chunks / f"{name}.parquet"

    def has(self, name: str) -> bool:
        return self.path(name).exists()

    def keep(self, name: str, content: Table) -> None:
        """Write a chunk's table, unless it is there. Raises InputError for a disk that is full."""
        if not self.has(name):
            sink = pa.BufferOutputStream()
            pq.write_table(content, sink, compression="zstd", write_page_checksum=True)
            self.put(self.path(name), sink.getvalue().to_pybytes())

    def put(self, path: Path, content: bytes, first: bool = False) -> bool:
        """Write a file aside, flush it, and give it its name; whether it was written. ``first``: only where there is none yet."""
        aside = path.with_name(f".{path.name}.{_machine()}.{os.getpid()}.{uuid.uuid4().hex[:8]}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with open(aside, "xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            (_link if first else os.replace)(aside, path)
            _flush_folder(path.parent)
        except FileExistsError:
            return False
        except OSError as error:
            raise InputError(
                f"{self.folder}: {error.strerror or error}; what was finished before is kept, and the same command goes on from there"
            ) from error
        finally:
            with contextlib.suppress(OSError):  # gone already when all went well
                aside.unlink()
        return True

    def get(self, name: str, rows: int, points: int) -> Table | None:
        """A chunk's table, or None if it is not there. A file that is not that table is set aside, and then it is not there."""
        path = self.path(name)
        try:
            with pq.ParquetFile(path, page_checksum_verification=True) as file:
                found = file.read()
        except FileNotFoundError:
            return None
        except (pa.ArrowException, OSError, ValueError, MemoryError) as error:  # a damaged size may ask for any amount
            return self.set_aside(path, f"cannot be read: {' '.join(str(error).split()[:20])}")
        metadata = found.schema.metadata or {}
        described = metadata.get(IDENTITY, b"")
        if hashlib.sha256(described).hexdigest() != name:
            return self.set_aside(path, "is the answer to something else")
        if not found.schema.equals(schema(points)) or found.num_rows != rows:
            return self.set_aside(path, f"does not have the {rows} runs and the columns of its chunk")
        if metadata.get(CONTENT) != _digest(found):
            return self.set_aside(path, "has other numbers in it than were written")
        return found

    def set_aside(self, path: Path, why: str) -> None:
        where = "left where it is"
        if not self.read_only:
            target = self.folder / ASIDE / f"{path.name}.{uuid.uuid4().hex[:8]}"
            target.parent.mkdir(exist_ok=True)
            with contextlib.suppress(FileNotFoundError):  # another process was quicker
                os.replace(path, target)
            where = f"moved to {ASIDE}/{target.name}"
        self.complaints.append(f"{path} {why}; {where}")

    def tidy(self) -> None:
        """Set aside what no study has put there, and clear away what processes of this machine left half-written when they died."""
        for path in sorted(self.chunks.iterdir()):
            if path.name.startswith("."):
                machine, pid = [*path.name.split("."), "", ""][-5:-3]
                if machine == _machine() and not _alive(pid):
                    path.unlink(missing_ok=True)
            elif path.suffix != ".parquet" or not _is_hash(path.stem):
                self.set_aside(path, "is no chunk of a study")

    def check_room(self, runs: int, points: int) -> None:
        """Raise InputError where the disk cannot hold so many more runs."""
        there = next(p for p in (self.folder.absolute(), *self.folder.absolute().parents) if p.exists())
        needed, free = runs * (RUN_BYTES + 8 * points), shutil.disk_usage(there).free
        if needed > free:
            raise InputError(
                f"{self.folder}: expected room for {runs:,} runs of {points} points, up to {needed / 2**30:,.1f} GiB, "
                f"got {free / 2**30:,.1f} GiB: fewer points, seeds or values would fit"
            )


def _digest(content: Table) -> bytes:
    """The SHA-256 of the columns, in hexadecimal."""
    found = hashlib.sha256()
    for column in content.itercolumns():
        if pa.types.is_dictionary(column.type):
            found.update("\n".join(map(str, column.to_pylist())).encode())
        else:
            numbers = column.combine_chunks()
            numbers = numbers.flatten() if pa.types.is_fixed_size_list(column.type) else numbers
            found.update(numbers.to_numpy(zero_copy_only=False).tobytes())
    return found.hexdigest().encode()


def _link(aside: Path, path: Path) -> None:
    """Give a file its name unless another has it; on a disk without links, whoever has it."""
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
    finally:
        os.close(handle)


def _machine() -> str:
    return socket.gethostname().replace(".", "-")


def _is_hash(name: str) -> bool:
    return len(name) == 64 and set(name) <= set("0123456789abcdef")


def _alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except (PermissionError, ValueError):
        pass
    return True
