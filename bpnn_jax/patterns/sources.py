"""Source files of known languages below some folders, each read once and kept as counts of symbols."""

import hashlib
import os
import string
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bpnn_jax._runtime.reading import read_file
from bpnn_jax._runtime.text import one_line
from bpnn_jax.errors import InputError

SYMBOLS = string.punctuation
"""The 32 characters to choose from: printable ASCII, not a letter, not a digit, not a space."""

LANGUAGES = {
    ".c": "C", ".h": "C", ".cc": "C++", ".cpp": "C++", ".cxx": "C++", ".hh": "C++", ".hpp": "C++", ".cs": "C#",
    ".css": "CSS", ".go": "Go", ".hs": "Haskell", ".html": "HTML", ".java": "Java", ".js": "JavaScript",
    ".cjs": "JavaScript", ".mjs": "JavaScript", ".jl": "Julia", ".kt": "Kotlin", ".lua": "Lua", ".php": "PHP",
    ".pl": "Perl", ".py": "Python", ".r": "R", ".rb": "Ruby", ".rs": "Rust", ".scala": "Scala", ".sh": "Shell",
    ".swift": "Swift", ".ts": "TypeScript",
}  # fmt: skip
"""Extension to language, for callers who name none. Languages without a file are left out."""

LARGEST_SOURCE = 20 * 2**20  # bytes; a larger file is skipped: it is generated

IGNORED_FOLDERS = frozenset({"__pycache__", "node_modules"})
"""Never entered, and neither is a folder whose name begins with a dot."""

Progress = Callable[[int, int, str], None]


class FeaturizeError(InputError):
    """Folders or settings from which no patterns can be made."""


class SkippedFile(NamedTuple):
    path: str
    reason: str


@dataclass(frozen=True)
class SourceFile:
    """One source file, as counts of the 32 `SYMBOLS`; its text is not kept."""

    path: str
    language: str
    digest: str  # SHA-256 of the text
    characters: int
    totals: np.ndarray  # (32,) in the whole file
    counts: np.ndarray  # (chunks, 32)


def checked_languages(languages: Mapping[str, str] | None) -> dict[str, str]:
    """Extensions in lower case and with their dot, each with its language."""
    if languages is None:
        return LANGUAGES
    for extension, name in languages.items():
        if not extension.strip(".") or not name or any(character.isspace() for character in name):
            raise FeaturizeError(
                f"expected an extension and a language's name without spaces, got {extension!r}: {name!r}"
            )
    names = sorted(set(languages.values()))
    if len(names) < 2:
        raise FeaturizeError(f"expected at least 2 languages to tell apart, got {len(names)}: {', '.join(names)}")
    return {f".{extension.lstrip('.').lower()}": name for extension, name in languages.items()}


def source_folders(sources: str | Path | Sequence[str | Path]) -> list[Path]:
    folders = [Path(sources)] if isinstance(sources, str | Path) else [Path(source) for source in sources]
    if not folders:
        raise FeaturizeError("expected at least one folder of source code, got none")
    for folder in folders:
        if not folder.is_dir():
            raise FeaturizeError(f"expected a folder of source code, got {folder}: no such folder")
    return folders


def read_sources(
    folders: list[Path], known: Mapping[str, str], chunk: int, progress: Progress | None
) -> tuple[list[SourceFile], list[SkippedFile]]:
    """Every file of a known language, in order of its relative path, counted."""
    skipped: list[SkippedFile] = []
    found = sorted((entry for folder in folders for entry in _walk(folder, known, skipped)), key=lambda entry: entry[0])
    if not found and not skipped:
        where = ", ".join(str(folder) for folder in folders)
        raise FeaturizeError(f"expected files ending in {', '.join(sorted(known))}, found none in {where}")

    files: list[SourceFile] = []
    seen: dict[str, str] = {}
    for done, (path, file, language) in enumerate(found, start=1):
        try:
            text = _text(file)
        except OSError as error:
            skipped.append(SkippedFile(path, f"cannot be read: {error.strerror}"))
        else:
            digest = hashlib.sha256(text.encode()).hexdigest()
            if len(text) < chunk:
                skipped.append(SkippedFile(path, f"shorter than one chunk: {len(text)} of {chunk} characters"))
            elif digest in seen:
                skipped.append(SkippedFile(path, f"same text as another file: {seen[digest]}"))
            else:
                seen[digest] = path
                files.append(_counted(path, language, digest, text, chunk))
        if progress is not None:
            progress(done, len(found), path)
    return files, skipped


def _walk(folder: Path, known: Mapping[str, str], skipped: list[SkippedFile]) -> Iterator[tuple[str, Path, str]]:
    """(relative path, file, language) of each file of a known language below `folder`, in no order."""

    def relative(file: str | Path) -> str:
        # A name that is no UTF-8 gets a ? a byte, so that it can be printed; the file is opened by its true name.
        return Path(file).relative_to(folder).as_posix().encode("utf-8", "replace").decode()

    def unreadable(error: OSError) -> None:
        skipped.append(SkippedFile(relative(error.filename), f"folder cannot be read: {error.strerror}"))

    for here, below, names in os.walk(folder, onerror=unreadable):
        below[:] = [name for name in below if not name.startswith(".") and name not in IGNORED_FOLDERS]
        for name in names:
            file = Path(here, name)
            if file.suffix.lower() in known:
                yield relative(file), file, known[file.suffix.lower()]


def _text(file: Path) -> str:
    try:
        data = read_file(file, LARGEST_SOURCE, "a source file")
    except InputError as error:
        raise OSError(0, str(error).removeprefix(f"{one_line(file)}: ")) from None
    text = data.decode("utf-8-sig", errors="replace")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _counted(path: str, language: str, digest: str, text: str, chunk: int) -> SourceFile:
    pieces = len(text) // chunk
    codes = np.frombuffer(text[: pieces * chunk].encode("utf-32-le"), dtype="<u4").reshape(pieces, chunk)
    counts = np.stack([(codes == ord(symbol)).sum(axis=1) for symbol in SYMBOLS], axis=1)
    totals = np.array([text.count(symbol) for symbol in SYMBOLS])
    return SourceFile(path, language, digest, len(text), totals, counts)
