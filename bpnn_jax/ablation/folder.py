"""All that the folder of a study holds, and nothing else: another study's folder, or a stranger's, is refused.

``study.json``         which study it is, under which versions (``ablation.identity``)
``patterns.npz``       its patterns, so that the results can be read where the file that they came from is not
``certificates.json``  by arm, what the ladder says of its gradient
``looks.json``         whether somebody has looked at results before its end (``ablation.looks``)
``summary.json``       what ``bpnn ablate`` has said of it
``chunks/``            an immutable Parquet file per finished chunk
``set-aside/``         files of ours that are proved to be damaged, or another study's

A file is written aside, flushed to the disk and renamed, and the folder is flushed after it: what has its name is whole, whenever
the power fails. Two processes that finish the same chunk have the same results; the first file is kept. Before a file is written
the folder is asked whether it is still this study's, under a lock that is held for the moment of writing.
"""

import contextlib
import hashlib
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

from bpnn_jax._runtime.files import clear_asides, write_durably
from bpnn_jax._runtime.reading import NotReadableError, read_file
from bpnn_jax._runtime.text import one_line
from bpnn_jax.ablation import table
from bpnn_jax.ablation.table import Table
from bpnn_jax.errors import InputError

try:
    import fcntl
except ImportError:  # no such locks on Windows; every reader still compares whose a file is
    fcntl = None

FILE, SUMMARY, CERTIFICATES, PATTERNS = "study.json", "summary.json", "certificates.json", "patterns.npz"
REPORT, LOOKS = "report.html", "looks.json"
CHUNKS, ASIDE = "chunks", "set-aside"


class Store:
    """The folder of a study.

    guard:      raises InputError where the folder is no longer the study's that it was claimed for; before each write.
    complaints: a line for each file that is damaged or another study's. It is moved to ``set-aside`` unless ``read_only``.
    """

    def __init__(self, folder: str | os.PathLike[str], read_only: bool = False):
        self.folder = Path(folder)
        self.read_only = read_only
        self.complaints: list[str] = []
        self.guard: Callable[[], None] = lambda: None

    @property
    def chunks(self) -> Path:
        return self.folder / CHUNKS

    def path(self, name: str) -> Path:
        return self.chunks / f"{name}.parquet"

    def has(self, name: str) -> bool:
        return self.path(name).exists()

    def keep(self, name: str, content: Table) -> None:
        """Write a chunk's table, unless it is there. Raises InputError for a disk that is full, and for a folder that was lost."""
        if not self.has(name):
            self.put(self.path(name), table.parquet(content), first=True)

    def put(self, path: Path, content: bytes, first: bool = False) -> bool:
        """Write one of the folder's files, durably; whether it was written. ``first``: only where there is none yet.

        Raises InputError for what the disk refuses, and where the folder has meanwhile become another study's.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with self.locked():
                self.guard()
                return write_durably(path, content, first=first)
        except OSError as error:
            raise InputError(
                f"{one_line(self.folder)}: {error.strerror or error}; what was finished before is kept, and the same command goes on "
                "from there"
            ) from error

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Alone, for a moment, among those who write here. On a disk without locks, not alone."""
        handle = os.open(self.folder, os.O_RDONLY) if fcntl and self.folder.is_dir() else None
        try:
            if fcntl and handle is not None:
                with contextlib.suppress(OSError):
                    fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            if handle is not None:
                os.close(handle)  # and with it the lock

    def get(self, name: str, columns: table.Columns) -> Table | None:
        """A chunk's table, or None if it is not there. A file that is proved to be another is set aside, and then it is not there.

        Raises InputError for a file that cannot be read now: what is in it is not known, and it is neither moved nor trained again.
        """
        path = self.path(name)
        try:
            data = read_file(path, table.largest(columns), "a chunk of a study")
            found = table.parsed(data, columns)
        except FileNotFoundError:
            return None
        except NotReadableError as error:
            raise NotReadableError(f"{error}; it is left as it is, and not trained again") from None
        except ValueError as error:  # DamagedError is one
            return self.set_aside(path, f"is damaged: {str(error).removeprefix(f'{one_line(path)}: ')}")
        metadata = found.schema.metadata or {}
        if hashlib.sha256(metadata.get(table.IDENTITY, b"")).hexdigest() != name:
            return self.set_aside(path, "is the answer to something else")
        return found

    def set_aside(self, path: Path, why: str) -> None:
        """Move a file of ours away, with a word in ``complaints``; whoever only reads leaves it where it is."""
        where = "left where it is"
        if not self.read_only:
            target = self.folder / ASIDE / f"{path.name}.{uuid.uuid4().hex[:8]}"
            try:
                target.parent.mkdir(exist_ok=True)
                with contextlib.suppress(FileNotFoundError):  # another process was quicker
                    os.replace(path, target)
            except OSError as error:
                raise InputError(f"{one_line(path)} {why}, and cannot be moved to {ASIDE}: {error.strerror}") from None
            where = f"moved to {ASIDE}/{target.name}"
        self.complaints.append(f"{one_line(path)} {why}; {where}")

    def tidy(self) -> None:
        """Clear away what processes left half-written when they died. What is not ours is left alone."""
        for folder in (self.folder, self.chunks):
            with contextlib.suppress(OSError):
                clear_asides(folder)

    def check_room(self, runs: int, numbers: int) -> None:
        """Raise InputError where the disk cannot hold so many more runs, each with so many numbers."""
        try:
            there = next(p for p in (self.folder.absolute(), *self.folder.absolute().parents) if p.exists())
            free = shutil.disk_usage(there).free
        except OSError as error:
            raise InputError(f"{one_line(self.folder)}: expected a folder, got: {error.strerror}") from None
        needed = runs * (table.RUN_BYTES + 8 * numbers)
        if needed > free:
            raise InputError(
                f"{one_line(self.folder)}: expected room for {runs:,} runs of {numbers:,} numbers, up to {needed / 2**30:,.1f} GiB, "
                f"got {free / 2**30:,.1f} GiB: fewer points, seeds or values would fit"
            )
