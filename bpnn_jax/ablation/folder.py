"""All that the folder of a study holds, and nothing else: another study's folder, or a stranger's, is refused.

``study.json``         which study it is, under which versions
``patterns.npz``       its patterns, so that the results can be read where the file that they came from is not
``certificates.json``  by arm, what the ladder says of its gradient
``summary.json``       what ``bpnn ablate`` has said of it
``chunks/``            an immutable Parquet file per finished chunk
``set-aside/``         files that were not what they should be

A file is written aside, flushed to the disk and renamed, and the folder is flushed after it: what has its name is whole, whenever
the power fails. There are no locks. Two processes that finish the same chunk have the same results; the first file is kept.
"""

import contextlib
import errno
import hashlib
import io
import json
import os
import shutil
import socket
import uuid
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from bpnn_jax import patterns
from bpnn_jax.ablation import table
from bpnn_jax.ablation.study import Study, from_dict
from bpnn_jax.ablation.table import Table
from bpnn_jax.errors import InputError
from bpnn_jax.patterns import Patterns

FILE, SUMMARY, CERTIFICATES, PATTERNS = "study.json", "summary.json", "certificates.json", "patterns.npz"
FILES = (FILE, SUMMARY, CERTIFICATES, PATTERNS)
CHUNKS, ASIDE = "chunks", "set-aside"
FORMAT = 1  # of study.json


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
            self.put(self.path(name), table.parquet(content))

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
            found = table.read(path)
        except FileNotFoundError:
            return None
        except ValueError as error:
            return self.set_aside(path, f"cannot be read: {error}")
        metadata = found.schema.metadata or {}
        described = metadata.get(table.IDENTITY, b"")
        if hashlib.sha256(described).hexdigest() != name:
            return self.set_aside(path, "is the answer to something else")
        if not found.schema.equals(table.schema(points)) or found.num_rows != rows:
            return self.set_aside(path, f"does not have the {rows} runs and the columns of its chunk")
        if metadata.get(table.CONTENT) != table.digest(found):
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
        needed, free = runs * (table.RUN_BYTES + 8 * points), shutil.disk_usage(there).free
        if needed > free:
            raise InputError(
                f"{self.folder}: expected room for {runs:,} runs of {points} points, up to {needed / 2**30:,.1f} GiB, "
                f"got {free / 2**30:,.1f} GiB: fewer points, seeds or values would fit"
            )


# --- study.json ---


def manifest(study: Study, where: dict[str, str], patterns: str) -> dict[str, Any]:
    """What ``study.json`` holds. ``patterns`` is the SHA-256 of the task's."""
    return {"format": FORMAT, "study": study.as_dict(), "patterns": patterns, "place": where}


def study_of(store: Store) -> tuple[Study, dict[str, Any]]:
    """The study of a folder, and its whole manifest. Raises InputError where there is none."""
    found = _manifest(store)
    if found is None:
        raise InputError(f"{store.folder}: expected the folder of a study, got no {FILE} in it")
    return from_dict(found["study"]), found


def check(store: Store, wanted: dict[str, Any], force: bool) -> None:
    """Raise InputError unless the folder is new, empty or this study's. Writes nothing."""
    folder = store.folder
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: expected a folder, got a file")
    found = _manifest(store)
    if found is None:
        ours = (CHUNKS, ASIDE)
        others = sorted({p.name for p in folder.iterdir() if p.name[0] != "."} - set(ours)) if folder.exists() else []
        if others:
            raise InputError(f"{folder}: expected a new folder or that of a study, got one with {others[0]} in it")
    elif found != wanted and not force:
        lines = "\n  ".join(differences(found, wanted))
        raise InputError(
            f"{folder}: expected the study that was begun there, got another one:\n  {lines}\n"
            "Another folder keeps them apart; --force starts afresh beside it."
        )


def claim(store: Store, wanted: dict[str, Any], force: bool) -> None:
    """Make the folder this study's. With ``force`` another study's files stay: its chunks, and its manifest under another name."""
    content = (json.dumps(wanted, indent=2) + "\n").encode()
    store.chunks.mkdir(parents=True, exist_ok=True)
    found = _manifest(store)
    if found == wanted:
        return
    if found is not None:
        check(store, wanted, force)
        mark = hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()[:8]
        for name in (
            SUMMARY,
            CERTIFICATES,
            PATTERNS,
            FILE,
        ):  # the last, for without it the folder would be a stranger's
            path = store.folder / name
            if path.exists():
                os.replace(path, path.with_suffix(f".{mark}{path.suffix}"))
    if not store.put(store.folder / FILE, content, first=True):  # another process was quicker
        check(store, wanted, force=False)


def differences(found: dict[str, Any], wanted: dict[str, Any]) -> list[str]:
    """A line for each setting that differs.

    >>> differences({"study": {"epochs": 5}}, {"study": {"epochs": 6}})
    ['study.epochs: 5 there, 6 here']
    """
    there, here = flat(found), flat(wanted)
    keys = dict.fromkeys([*there, *here])
    return [
        f"{key}: {_word(there, key)} there, {_word(here, key)} here"
        for key in keys
        if there.get(key, keys) != here.get(key, keys)
    ]


def flat(value: Any, under: str = "") -> dict[str, Any]:
    """Nested dicts as one, with dots in its keys.

    >>> flat({"a": {"b": 1}, "c": 2})
    {'a.b': 1, 'c': 2}
    """
    if not isinstance(value, dict):
        return {under: value}
    return {k: v for key, item in value.items() for k, v in flat(item, f"{under}.{key}" if under else key).items()}


def _word(values: dict[str, Any], key: str) -> str:
    return json.dumps(values[key]) if key in values else "none"


def _manifest(store: Store) -> dict[str, Any] | None:
    """What ``study.json`` holds, its study as this version writes it: a field that came later has its default."""
    path = store.folder / FILE
    try:
        found = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise InputError(f"{path}: expected the description of a study, got: {error}") from None
    if not isinstance(found, dict) or not isinstance(found.get("study"), dict):
        raise InputError(f"{path}: expected the description of a study, got something else")
    with contextlib.suppress(InputError):  # one that this version cannot carry out is shown as it is
        found["study"] = from_dict(found["study"]).as_dict()
    return found


# --- patterns.npz ---


def keep_patterns(store: Store, task: Patterns) -> None:
    """Write ``patterns.npz``, unless it is there: x (patterns, inputs), t (patterns, outputs), and the customary hidden layers."""
    path = store.folder / PATTERNS
    if not path.exists():
        content = io.BytesIO()
        np.savez(content, x=task.x, t=task.t, hidden=np.array(task.hidden))
        store.put(path, content.getvalue(), first=True)


def patterns_of(store: Store, task: str, wanted: str) -> Patterns:
    """The patterns whose SHA-256 is ``wanted``: those kept, or else those of ``task``. Raises InputError for others."""
    found = _kept_patterns(store, task)
    if found is None or found.sha256 != wanted:
        found = patterns.load(task)
    if found.sha256 != wanted:
        raise InputError(f"{task}: expected the patterns that the study was begun with, got others")
    return found


def _kept_patterns(store: Store, task: str) -> Patterns | None:
    try:
        # Opened here, since NumPy leaves a file open that is no archive.
        with open(store.folder / PATTERNS, "rb") as raw, np.load(raw, allow_pickle=False) as file:
            return Patterns(file["x"], file["t"], name=task, hidden=tuple(file["hidden"].tolist()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError, OSError, EOFError, zipfile.BadZipFile):  # InputError is a ValueError
        return None


# --- the disk ---


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
