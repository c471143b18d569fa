"""Folders of source code to pattern files: how often each symbol occurs in a piece of code, and its language.

Every file is cut into chunks of so many characters, and every chunk becomes one pattern: an input for each of the
most frequent symbols (occurrences per ten characters, the article's scale), an output for each language (one-hot).

    folders -> files (sorted by relative path, each content once) -> split by file -> symbols -> chunks -> two files

The same folders give the same bytes, wherever they lie. Wherever a choice must look random (which file is held out,
which chunks stay under a limit, in what order they come), it is made by rank of a SHA-256 of the seed and the file's
path relative to its folder. Unlike a seeded permutation this leans on no random generator's version; an edited file stays
on its side of the split, and a file more or less in the folder moves at most a file or two to the other side.
"""

import hashlib
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bpnn_jax._runtime.files import write_together
from bpnn_jax.errors import InputError
from bpnn_jax.patterns.sources import (
    SYMBOLS,
    FeaturizeError,
    Progress,
    SkippedFile,
    SourceFile,
    checked_languages,
    read_sources,
    source_folders,
)


class UsedFile(NamedTuple):
    path: str  # relative to its source folder, with forward slashes
    language: str
    patterns: int  # 0 where `limit` left none of its chunks


class Split(NamedTuple):
    x: np.ndarray  # (patterns, symbols) float64: occurrences per ten characters
    t: np.ndarray  # (patterns, languages) float64: one-hot
    files: tuple[UsedFile, ...]  # sorted by path


class Featurized(NamedTuple):
    train: Split
    held_out: Split
    symbols: tuple[str, ...]  # the inputs' names, most frequent first
    languages: tuple[str, ...]  # the outputs' names, sorted
    chunk: int
    skipped: tuple[SkippedFile, ...]


def featurize(
    sources: str | Path | Sequence[str | Path],
    *,
    symbols: int = 20,
    chunk: int = 500,
    languages: Mapping[str, str] | None = None,
    held_out: float = 0.3,
    seed: int = 0,
    limit: int | None = None,
    progress: Progress | None = None,
) -> Featurized:
    """Patterns from folders of source code, with a held-out split by file.

    Text is read as UTF-8, a wrong byte becoming U+FFFD; a byte-order mark is dropped; CR LF and CR become LF.
    Chunks are consecutive, and a last piece shorter than `chunk` is dropped. A file without one whole chunk and a file
    whose text came before are skipped, with a reason. The order of patterns spreads every language evenly, so that
    online training in file order never sees a long run of one language.

    Args:
      sources: one folder or several, searched with all their subfolders except those of `sources.IGNORED_FOLDERS`.
      symbols: how many inputs. The symbols most frequent in the training files, held-out ones not looked at; every
        language weighs the same, however much of it there is; equally frequent ones by code point.
      chunk: characters in a chunk, at least 10.
      languages: extension to language, e.g. `{".c": "C", ".h": "C", ".py": "Python"}`, at least two languages and each
        with files; by default those of `sources.LANGUAGES` that are found.
      held_out: share of each language's files that is held out, between 0 and 1; never none and never all of them.
      seed: moves the split, the sample under a limit and the order.
      limit: at most so many chunks a language, both splits together and shared out by `held_out`; by default all.
      progress: called after each file that is read, with the files done, the files in all, and the file's path.

    Raises:
      FeaturizeError: no patterns can be made; the message says what was expected, what came and where.

    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name, text in {"a.py": "f(x):f(y):", "b.py": "g(x):g(y):", "a.c": "{f(x);}  ;", "b.c": "{g(x);}  ;"}.items():
    ...         _ = pathlib.Path(folder, name).write_text(text)
    ...     result = featurize(folder, symbols=3, chunk=10)
    >>> result.symbols, result.languages
    (('(', ')', ':'), ('C', 'Python'))
    >>> result.train.x.tolist(), result.train.t.tolist()
    ([[1.0, 1.0, 0.0], [2.0, 2.0, 2.0]], [[1.0, 0.0], [0.0, 1.0]])
    """
    _check_settings(symbols, chunk, held_out, limit)
    known = checked_languages(languages)
    files, skipped = read_sources(source_folders(sources), known, chunk, progress)
    if languages is None:
        files, skipped = _without_strays(files, skipped)
    names = _checked_counts(files, skipped, languages, chunk)

    train_files: list[SourceFile] = []
    held_files: list[SourceFile] = []
    for name in names:
        ranked = sorted((f for f in files if f.language == name), key=lambda f: _rank(seed, f, "split"))
        here = _share(len(ranked), held_out)
        held_files += ranked[:here]
        train_files += ranked[here:]

    chosen = _choose_symbols(train_files, names, symbols)
    limit_held = None if limit is None else _share(limit, held_out)
    limit_train = None if limit is None or limit_held is None else limit - limit_held
    return Featurized(
        train=_patterns(train_files, names, chosen, chunk, seed, limit_train),
        held_out=_patterns(held_files, names, chosen, chunk, seed, limit_held),
        symbols=tuple(chosen),
        languages=tuple(names),
        chunk=chunk,
        skipped=tuple(sorted(skipped)),
    )


def write(featurized: Featurized, path: str | Path) -> tuple[Path, Path]:
    """Write both splits in the article's format: `code.txt` becomes `code.train.txt` and `code.test.txt`.

    A line per pattern, inputs `>` targets, below a header of `#` lines with the names of the inputs and outputs. Each
    number is the shortest that reads back as the very same float64. Both files are complete on the disk before either
    takes its name; where anything fails, neither is left half-written.

    Returns the two paths, training first. Raises FeaturizeError where nothing can be written to, or where the suffix
    promises another format (.csv, .npz).
    """
    targets = outputs(path)
    if not targets[0].parent.is_dir():
        raise FeaturizeError(f"expected an existing folder to write {targets[0].name} to, got {targets[0].parent}")
    for target in targets:
        if target.is_dir():
            raise FeaturizeError(f"expected a file name to write to, got the folder {target}")
    splits = {"training": featurized.train, "held-out": featurized.held_out}
    texts = (
        "".join(_lines(featurized, name, split)).encode("utf-8", "backslashreplace") for name, split in splits.items()
    )
    try:
        write_together(dict(zip(targets, texts, strict=True)))
    except InputError as error:
        raise FeaturizeError(str(error)) from None
    return targets


def is_featurized(head: bytes, tail: bytes) -> bool:
    """Whether a file that begins so is one that ``write`` wrote."""
    return head.startswith(b"# bpnn featurize: ")


def outputs(path: str | Path) -> tuple[Path, Path]:
    """Where `write` puts the two splits.

    >>> [file.name for file in outputs("code.txt")]
    ['code.train.txt', 'code.test.txt']
    """
    path = Path(path)
    if path.suffix.lower() in (".csv", ".npz") or path.is_dir():
        raise FeaturizeError(f"expected a name for the article's format, .txt for example, got {path}")
    train, test = (path.with_name(f"{path.stem}.{split}{path.suffix or '.txt'}") for split in ("train", "test"))
    return train, test


def _lines(featurized: Featurized, name: str, split: Split) -> Iterator[str]:
    """The lines of one file. A symbol is never a space, so the header's names are told apart even where one is # or >."""
    symbols, languages = featurized.symbols, featurized.languages
    used = sum(f.patterns > 0 for f in split.files)
    yield f"# bpnn featurize: {len(symbols)} symbols, chunk {featurized.chunk}, {len(languages)} languages\n"
    yield f"# inputs: {' '.join(symbols)}\n"
    yield f"# outputs: {' '.join(languages)}\n"
    yield f"# split: {name}, {len(split.x)} patterns from {used} files\n"
    for x, t in zip(split.x, split.t, strict=True):
        inputs = " ".join(np.format_float_positional(value, trim="-") for value in x)
        yield f"{inputs} > {' '.join(str(int(value)) for value in t)}\n"


def _check_settings(symbols: int, chunk: int, held_out: float, limit: int | None) -> None:
    if symbols < 1:
        raise FeaturizeError(f"expected at least 1 symbol, got symbols={symbols}")
    if chunk < 10:
        raise FeaturizeError(f"expected a chunk of at least 10 characters, got chunk={chunk}")
    if not 0 < held_out < 1:
        raise FeaturizeError(f"expected held_out between 0 and 1, both excluded, got held_out={held_out}")
    if limit is not None and limit < 2:
        raise FeaturizeError(f"expected a limit of at least 2 chunks a language, one for each split, got limit={limit}")


def _without_strays(files: list[SourceFile], skipped: list[SkippedFile]) -> tuple[list[SourceFile], list[SkippedFile]]:
    """Nobody asked for the language of a single stray file: it is skipped, as long as two languages are left."""
    count = Counter(f.language for f in files)
    if sum(n > 1 for n in count.values()) < 2:
        return files, skipped
    strays = [SkippedFile(f.path, f"only file of {f.language}") for f in files if count[f.language] == 1]
    return [f for f in files if count[f.language] > 1], skipped + strays


def _checked_counts(
    files: list[SourceFile], skipped: list[SkippedFile], languages: Mapping[str, str] | None, chunk: int
) -> list[str]:
    """The languages' names, sorted, when there are two or more and each has a file for either split."""
    count = Counter(f.language for f in files)
    names = sorted(count if languages is None else set(languages.values()))
    reasons = Counter(s.reason.partition(":")[0] for s in skipped)
    aside = ", ".join(f"{number} {reason}" for reason, number in sorted(reasons.items())) or "none"
    aside += f"; the first: {skipped[0].path}, {skipped[0].reason}" if skipped else ""
    if not files:
        raise FeaturizeError(
            f"expected files of at least one whole chunk ({chunk} characters), got none (skipped: {aside})"
        )
    if len(names) < 2:
        raise FeaturizeError(f"expected at least 2 languages to tell apart, found only {names[0]} (skipped: {aside})")
    for name in names:
        if count[name] < 2:
            raise FeaturizeError(
                f"expected at least 2 files of {name}, one for each split, each with a whole chunk ({chunk} characters) "
                f"and different from the other, got {count[name]} (skipped: {aside}). "
                f"Add files, take a smaller chunk, or name the languages to use"
            )
    return names


def _share(number: int, held_out: float) -> int:
    """How many of `number` are held out: the nearest to the share, but not none and not all."""
    return min(number - 1, max(1, math.floor(number * held_out + 0.5)))


def _rank(seed: int, file: SourceFile, what: str | int) -> tuple[bytes, str]:
    """A sort key as good as random. The content only parts files of the same path in two source folders."""
    return hashlib.sha256(f"{seed}\0{file.path}\0{what}".encode()).digest(), file.digest


def _choose_symbols(train_files: list[SourceFile], names: list[str], symbols: int) -> str:
    """The symbols of the largest summed frequency, each language's taken over all its characters. Exact: no rounding."""
    frequency = [Fraction(0)] * len(SYMBOLS)
    for name in names:
        mine = [f for f in train_files if f.language == name]
        characters = sum(f.characters for f in mine)
        for column, total in enumerate(np.sum([f.totals for f in mine], axis=0)):
            frequency[column] += Fraction(int(total), characters)
    present = [column for column in range(len(SYMBOLS)) if frequency[column] > 0]
    if len(present) < symbols:
        found = "".join(SYMBOLS[column] for column in present)
        raise FeaturizeError(
            f"expected at most {len(present)} symbols, as many as the training files hold ({found}), got symbols={symbols}"
        )
    present.sort(key=lambda column: (-frequency[column], SYMBOLS[column]))
    return "".join(SYMBOLS[column] for column in present[:symbols])


def _patterns(
    files: list[SourceFile], names: list[str], chosen: str, chunk: int, seed: int, limit: int | None
) -> Split:
    """The patterns of one split: each language's chunks by rank, cut at `limit`, and spread evenly over the whole."""
    columns = [SYMBOLS.index(symbol) for symbol in chosen]
    placed: list[tuple[float, int, SourceFile, int]] = []
    for output, name in enumerate(names):
        mine = [(f, piece) for f in files if f.language == name for piece in range(len(f.counts))]
        mine.sort(key=lambda chunk_of: _rank(seed, *chunk_of))
        mine = mine[:limit]
        placed += [((i + 0.5) / len(mine), output, f, piece) for i, (f, piece) in enumerate(mine)]
    placed.sort(key=lambda place: place[:2])

    used = Counter(f.digest for _, _, f, _ in placed)
    return Split(
        x=np.stack([f.counts[piece, columns] for _, _, f, piece in placed]) * 10 / chunk,
        t=np.eye(len(names))[[output for _, output, _, _ in placed]],
        files=tuple(sorted(UsedFile(f.path, f.language, used[f.digest]) for f in files)),
    )
