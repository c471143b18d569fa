"""Patterns in files: the article's format, CSV and npz. Numbers go through float() after a strict check, never eval.

An error names file, line and column (both from 1, the column counted in characters).
"""

import math
import os
import re
from collections.abc import Iterator
from itertools import compress
from pathlib import Path

import numpy as np

from bpnn_jax._runtime import archive
from bpnn_jax._runtime.files import write_atomically
from bpnn_jax._runtime.reading import DamagedError, NotReadableError, read_file
from bpnn_jax._runtime.text import one_line, reads_as_number
from bpnn_jax.errors import InputError
from bpnn_jax.patterns._patterns import Patterns, is_name

LARGEST_TEXT = 400 * 2**20  # bytes of a file
MOST_COLUMNS = 1_000_000
LONGEST_LINE = 2**20  # bytes of a pattern: some hundred thousand numbers
_LINE_END = re.compile(r"\r?\r?\n|\r")
_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
# Out of these characters alone float() reads exactly what _NUMBER matches: nan, inf, 1_000 and 0x10 need others.
_PLAIN_PATTERN = re.compile(r"[-+.0-9eE \t]*>[-+.0-9eE \t]*")
_PLAIN_ROW = re.compile(r"[-+.0-9eE \t,]*")
_COMMENT_NAMES = re.compile(r"[ \t]*#[ \t]*(inputs|outputs)[ \t]*:(.*)")
_CSV_CELL = re.compile(r'[ \t]*+(?:"(?P<quoted>(?:[^"]|"")*+)"[ \t]*+|(?P<bare>[^,"]*+))(?:,|$)')
_CSV_TARGET = re.compile(r"target|(?:target_|t_|target:)(?P<name>.*)", re.IGNORECASE)


class PatternFileError(InputError):
    """What is wrong in a file of patterns; line and column are None where the trouble has no place.

    >>> print(PatternFileError("a.txt", "expected a number, got 'x'", 3, 7))
    a.txt:3:7: expected a number, got 'x'
    """

    def __init__(self, path: str, problem: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(path, problem, line, column)
        self.path, self.problem, self.line, self.column = path, problem, line, column

    def __str__(self) -> str:
        path = one_line(self.path)
        place = path if self.line is None else f"{path}:{self.line}:{self.column}"
        return f"{place}: {self.problem}"


def read(path: str | os.PathLike[str], *, targets: int | None = None) -> Patterns:
    r"""The patterns of a file, by its suffix. `targets` is the number of outputs to expect; any number by default.

    .npz    arrays `x` (patterns, inputs) and `t` (patterns, outputs)
    .csv    comma-separated, quotes allowed, with or without a header line. The targets are the columns whose header
            is `target` or starts with `target_`, `target:` or `t_` (in any case; the prefix is dropped from the
            name). Where there are none, the last `targets` columns are the targets: one by default
    other   the article's format, a pattern a line: `0.45 0.05 > 1 0 0`. A line that starts with # is a comment;
            `# inputs: a b c` and `# outputs: C Python` name the columns when their number fits

    CR CR LF, CR LF, CR and LF end a line; blank lines, a byte-order mark and a missing last line end are no error.
    Raises PatternFileError.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "two.txt")
    ...     _ = file.write_text("# outputs: C Python\n0.5 0 0.25 > 1 0\n0 1 0 > 0 1\n")
    ...     patterns = read(file)
    >>> patterns.x.tolist(), patterns.outputs
    ([[0.5, 0.0, 0.25], [0.0, 1.0, 0.0]], ('C', 'Python'))
    """
    if targets is not None and targets < 1:
        raise InputError(f"targets: expected 1 or more, got {targets}")
    where, suffix = os.fspath(path), Path(path).suffix.lower()
    return parse(where, suffix, _bytes(where, archive.LARGEST if suffix == ".npz" else LARGEST_TEXT), targets)


def parse(where: str, suffix: str, data: bytes, targets: int | None = None) -> Patterns:
    """``read`` of bytes that have been read; ``where`` is for messages."""
    if suffix == ".npz":
        patterns = _read_npz(where, data)
    elif suffix == ".csv":
        patterns = _read_csv(where, _lines(where, data), targets)
    else:
        patterns = _read_article(where, _lines(where, data))
    if targets is not None and patterns.t.shape[1] != targets:
        raise PatternFileError(where, f"expected {targets} targets a pattern, got {patterns.t.shape[1]}")
    return patterns


def write(path: str | os.PathLike[str], patterns: Patterns) -> None:
    r"""Write the article's format, names in comments; reading it back gives the same numbers, bit by bit.

    The file appears complete or not at all: it is written aside and moved into place.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "one.txt")
    ...     write(file, Patterns(x=[[0.1, 1]], t=[[0]], name="one", inputs=("a", "b")))
    ...     file.read_text()
    '# inputs: a b\n0.1 1 > 0\n'
    """
    path = Path(path)
    if path.suffix.lower() in (".csv", ".npz"):
        raise InputError(f"{path}: expected a name for the article's format, .txt for example, got {path.suffix}")
    lines = [f"# {kind}: {' '.join(names)}" for kind in ("inputs", "outputs") if (names := getattr(patterns, kind))]
    lines += [f"{_numbers(x)} > {_numbers(t)}" for x, t in zip(patterns.x.tolist(), patterns.t.tolist(), strict=True)]
    write_atomically(path, ("\n".join(lines) + "\n").encode())


def _numbers(row: list[float]) -> str:
    return " ".join(repr(value).removesuffix(".0") for value in row)


def _bytes(where: str, limit: int) -> bytes:
    try:
        return read_file(where, limit, pipes=True)
    except FileNotFoundError:
        raise PatternFileError(where, "expected a file, got a path that does not exist") from None
    except (NotReadableError, DamagedError) as error:
        raise PatternFileError(where, str(error).removeprefix(f"{one_line(where)}: ")) from None


def check_lines(where: str, data: bytes) -> None:
    """Raise PatternFileError for a line that is too long to be a pattern, before any line is read."""
    start = 0
    while len(data) - start > LONGEST_LINE:
        stop = start + LONGEST_LINE + 1
        end = max(data.rfind(b"\n", start, stop), data.rfind(b"\r", start, stop))
        if end < 0:
            after = [at for at in (data.find(b"\n", stop), data.find(b"\r", stop)) if at >= 0]
            length = min(after, default=len(data)) - start
            number = 1 + max(data.count(b"\n", 0, start), data.count(b"\r", 0, start))
            raise PatternFileError(
                where, f"expected a line of at most {LONGEST_LINE:,} bytes, got {length:,}", number, 1
            )
        start = end + 1


def _lines(where: str, data: bytes) -> list[str]:
    check_lines(where, data)
    data = data.removeprefix(b"\xef\xbb\xbf")
    try:
        return _LINE_END.split(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        before = _LINE_END.split(data[: error.start].decode("utf-8"))
        problem = f"expected text in UTF-8, got the byte 0x{data[error.start]:02x}"
        raise PatternFileError(where, problem, len(before), len(before[-1]) + 1) from None


def _shown(text: str) -> str:
    return one_line(repr(text if len(text) <= 40 else text[:37] + "..."))


# --- the article's format ---


def _read_article(where: str, lines: list[str]) -> Patterns:
    x, t, names, first = [], [], {}, 0
    for number, line in enumerate(lines, 1):
        start = line.lstrip(" \t")[:1]
        if start == "":
            continue
        if start == "#":
            if match := _COMMENT_NAMES.fullmatch(line):
                names[match[1]] = match[2].split()
            continue
        pattern = _pattern(line)
        first = first or number
        if pattern is None or (x and (len(pattern[0]), len(pattern[1])) != (len(x[0]), len(t[0]))):
            raise _fault(where, number, line, first, (len(x[0]), len(t[0])) if x else None)
        x.append(np.array(pattern[0]))  # a number as a Python object takes four times as much memory
        t.append(np.array(pattern[1]))
    if not x:
        raise PatternFileError(where, "expected at least one pattern, got none", 1, 1)
    inputs, outputs = _fitting(names.get("inputs", []), len(x[0])), _fitting(names.get("outputs", []), len(t[0]))
    return Patterns(x=np.array(x), t=np.array(t), name=Path(where).name, inputs=inputs, outputs=outputs)


def _fitting(names: list[str], columns: int) -> tuple[str, ...]:
    return tuple(names) if len(names) == columns and all(map(is_name, names)) else ()


def _pattern(line: str) -> tuple[list[float], list[float]] | None:
    """The numbers before and after the `>`, or None: then `_fault` knows what is wrong, and where."""
    if not _PLAIN_PATTERN.fullmatch(line):
        return None
    left, _, right = line.partition(">")
    try:
        x, t = [float(word) for word in left.split()], [float(word) for word in right.split()]
    except ValueError:
        return None
    return (x, t) if x and t and all(map(math.isfinite, x + t)) else None


def _fault(where: str, number: int, line: str, first: int, shape: tuple[int, int] | None) -> PatternFileError:
    """The first thing wrong in a line, read word by word; `shape` is (inputs, targets) of the line `first`."""

    def error(problem: str, column: int) -> PatternFileError:
        return PatternFileError(where, problem, number, column)

    end = len(line.rstrip(" \t")) + 1
    mark, columns = None, ([], [])  # where the > is, where the inputs and the targets are
    for word in re.finditer(r">|[^ \t>]+", line):
        column = word.start() + 1
        if word[0] != ">":
            if problem := _number_problem(word[0]):
                return error(problem, column)
            columns[mark is not None].append(column)
        elif mark is None:
            mark = column
        else:
            return error("expected one > a line, got a second '>'", column)
    if mark is None:
        return error("expected '>' between inputs and targets, got the end of the line", end)
    for what, found, stop, got in (
        ("input", columns[0], mark, "'>'"),
        ("target", columns[1], end, "the end of the line"),
    ):
        if not found:
            return error(f"expected a number, the first {what}, got {got}", stop)
        expected = shape[what == "target"] if shape else len(found)
        if len(found) != expected:
            place = found[expected] if len(found) > expected else stop
            return error(f"expected {expected} {what}s as in line {first}, got {len(found)}", place)
    raise AssertionError(f"{where}:{number}: nothing is wrong in this line")


def _number_problem(word: str) -> str | None:
    if not _NUMBER.fullmatch(word):
        return f"expected a number, got {_shown(word) if word else 'nothing'}"
    return None if math.isfinite(float(word)) else f"expected a finite number, got {_shown(word)}"


# --- CSV ---


def _read_csv(where: str, lines: list[str], targets: int | None) -> Patterns:
    numbered = [(number, line) for number, line in enumerate(lines, 1) if line.strip(" \t")]
    if not numbered:
        raise PatternFileError(where, "expected at least one pattern, got none", 1, 1)
    first, line = numbered[0]
    header = _header(where, first, line)
    width = len(header) or len(_row(where, first, line))
    rows = []
    for number, line in numbered[1 if header else 0 :]:
        row = _row(where, number, line)
        if len(row) != width:
            raise _ragged(where, number, line, f"expected {width} columns as in line {first}, got {len(row)}", width)
        rows.append(np.array(row))
    if not rows:
        raise PatternFileError(where, "expected at least one pattern, got only a header", first, 1)
    is_target = np.array([bool(_CSV_TARGET.fullmatch(name)) for name in header] or [False] * width)
    if not is_target.any():
        is_target[-(targets or 1) :] = True
    if is_target.all():
        raise PatternFileError(where, "expected columns of inputs and of targets, got targets only", first, 1)
    values, names = np.array(rows), [_column_name(name) for name in header]
    return Patterns(
        x=values[:, ~is_target],
        t=values[:, is_target],
        name=Path(where).name,
        inputs=_fitting(list(compress(names, ~is_target)), int(np.sum(~is_target))),
        outputs=_fitting(list(compress(names, is_target)), int(np.sum(is_target))),
    )


def _ragged(where: str, number: int, line: str, problem: str, width: int) -> PatternFileError:
    """Points at the first cell too many, or at the end of the line where cells are missing."""
    columns = [column for column, _ in _cells(where, number, line)]
    return PatternFileError(where, problem, number, [*columns, len(line.rstrip(" \t")) + 1][min(width, len(columns))])


def _header(where: str, number: int, line: str) -> list[str]:
    """The names in a first line that is a header: one cell names a target, or no cell is a number. Else none."""
    cells = list(_cells(where, number, line))
    named = any(_CSV_TARGET.fullmatch(cell) for _, cell in cells)
    # nan, inf and 1_000 are refused as numbers, but are no header either
    if not named and any(reads_as_number(cell) for _, cell in cells):
        return []
    for column, cell in cells:
        if not cell:
            raise PatternFileError(where, "expected the name of a column, got nothing", number, column)
    return [cell for _, cell in cells]


def _column_name(cell: str) -> str:
    match = _CSV_TARGET.fullmatch(cell)
    name = (match["name"] if match else None) or cell
    return "_".join(name.split())


def _row(where: str, number: int, line: str) -> list[float]:
    if _PLAIN_ROW.fullmatch(line):
        try:
            row = [float(cell) for cell in line.split(",")]
        except ValueError:
            row = [math.nan]
        if all(map(math.isfinite, row)):
            return row
    row = []
    for column, cell in _cells(where, number, line):  # the exact way: quotes, and the place of an error
        if problem := _number_problem(cell):
            raise PatternFileError(where, problem, number, column)
        row.append(float(cell))
    return row


def _cells(where: str, number: int, line: str) -> Iterator[tuple[int, str]]:
    """Column and text of each cell, without white space around it and without quotes."""
    start = 0
    while match := _CSV_CELL.match(line, start):
        if match["quoted"] is None:
            yield match.start("bare") + 1, match["bare"].rstrip(" \t")
        else:
            yield match.start("quoted"), match["quoted"].replace('""', '"').strip(" \t")
        if not match[0].endswith(","):
            return
        start = match.end()
    quote = line.index('"', start)
    problem = f"expected quotes around a whole cell, got {_shown(line[quote:])}"
    raise PatternFileError(where, problem, number, quote + 1)


# --- npz ---


def _read_npz(where: str, data: bytes) -> Patterns:
    try:
        found = archive.arrays(data, one_line(where), ("x", "t"))
    except DamagedError as error:
        raise PatternFileError(where, str(error).removeprefix(f"{one_line(where)}: ")) from None
    for name in ("x", "t"):
        if name not in found:
            raise PatternFileError(where, f"expected the arrays x and t, got no {name}")
        if found[name].ndim == 2 and found[name].shape[1] > MOST_COLUMNS:
            raise PatternFileError(
                where, f"{name}: expected at most {MOST_COLUMNS:,} columns, got {found[name].shape[1]:,}"
            )
    try:
        return Patterns(x=found["x"], t=found["t"], name=Path(where).name)
    except ValueError as error:
        raise PatternFileError(where, str(error)) from error
