"""What a command reads beside what it writes, compared in one place, before any work: what is read is never written over.

A file at an output's place is replaced where it is one that this output wrote before (``Output.ours`` knows it by its content). Any
other file needs ``overwrite``. Paths are compared by where they lead: through links, hard links too, and other spellings.
"""

import os
import stat
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bpnn_jax._runtime.files import check_writable
from bpnn_jax._runtime.text import one_line
from bpnn_jax.errors import InputError

MARK = b'{\n  "bpnn": '  # how a result in JSON begins: its first key says which command wrote it
HEAD = 4096  # bytes of a file that are looked at, at its beginning and at its end


@dataclass(frozen=True)
class Read:
    """What a command reads: a file, or a folder with all below it.

    what:   for the message, such as ``the patterns`` or ``the study``.
    only:   of a folder, which files are read (by default all).
    but:    names directly in a folder that are the command's own to write, such as ``report.html``.
    anew:   the option that may write this file anew, such as ``--save`` for a model whose training goes on.
    """

    path: str | os.PathLike[str]
    what: str
    only: Callable[[Path], bool] | None = None
    but: tuple[str, ...] = ()
    anew: str = ""


@dataclass(frozen=True)
class Output:
    """What a command writes.

    option: for the message, such as ``--json``.
    ours:   given the first and the last ``HEAD`` bytes of a file, whether it is one that this output wrote.
    """

    path: str | os.PathLike[str]
    option: str
    ours: Callable[[bytes, bytes], bool]


def is_result(head: bytes, tail: bytes) -> bool:
    """Whether a file is a result in JSON, as ``write_json`` writes it for a command."""
    return head.startswith(MARK)


def check(outputs: Sequence[Output], reads: Iterable[Read] = (), *, overwrite: bool = False) -> None:
    """Raise InputError where an output cannot be written, is another output, is read, or is a file that this output did not write."""
    reads = list(reads)
    for i, output in enumerate(outputs):
        check_writable(output.path)
        if _is_device(output.path):
            continue
        for other in outputs[:i]:
            if _same(output.path, other.path):
                raise InputError(
                    f"expected different files for {other.option} and {output.option}, got {one_line(output.path)} for both"
                )
        for read in reads:
            if read.anew != output.option and _is_read(output.path, read):
                raise InputError(
                    f"expected {output.option} to name another file than what is read, got {one_line(output.path)}, which is "
                    f"{_place(output.path, read)}: it stays as it is"
                )
        if not overwrite and os.path.lexists(output.path) and not _ours(output):
            raise InputError(
                f"expected {output.option} to name a new file, or one that the same option wrote before, got "
                f"{one_line(output.path)}, which is something else: --overwrite replaces it"
            )


def _is_read(path: str | os.PathLike[str], read: Read) -> bool:
    if _same(path, read.path):
        return True
    if not os.path.isdir(read.path):
        return False
    folder, target = Path(os.path.realpath(read.path)), Path(os.path.realpath(path))
    if target.parent == folder and target.name in read.but:
        return False
    if target.is_relative_to(folder):
        if target.exists() and _counts(target, read):
            return True
        if read.only is None and target.parent != folder:  # a new file among a study's chunks would be taken for one
            return True
    return _has_other_names(target) and any(_same(target, file) for file in _below(folder) if _counts(file, read))


def _counts(file: Path, read: Read) -> bool:
    return read.only is None or read.only(file)


def _place(path: str | os.PathLike[str], read: Read) -> str:
    return read.what if _same(path, read.path) else f"in {read.what}, {one_line(read.path)}"


def _same(one: str | os.PathLike[str], other: str | os.PathLike[str]) -> bool:
    """One file: the same place through links, or the same inode (a hard link, another spelling on a disk that ignores case)."""
    if os.path.realpath(one) == os.path.realpath(other):
        return True
    try:
        return os.path.samefile(one, other)
    except OSError:  # one of them is not there
        return False


def _has_other_names(path: Path) -> bool:
    try:
        return path.stat().st_nlink > 1
    except OSError:
        return False


def _below(folder: Path) -> Iterable[Path]:
    return (Path(here, name) for here, _, names in os.walk(folder) for name in names)


def _is_device(path: str | os.PathLike[str]) -> bool:
    """/dev/stdout, /dev/null, a pipe: what is written there replaces nothing."""
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def _ours(output: Output) -> bool:
    """Whether the file that is there is empty, as ``mktemp`` leaves it, or one that this output wrote."""
    try:
        with open(output.path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            head = file.read(HEAD)
            file.seek(max(0, size - HEAD))
            return size == 0 or output.ours(head, file.read(HEAD))
    except FileNotFoundError:  # a link that leads nowhere yet
        return True
    except OSError:
        return False
