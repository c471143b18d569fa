"""Tables of text, as people bring them: separators, header, decimal comma, encoding and compression are found by looking.

``read_table`` gives columns, with names where there is a header. What the columns mean (which is the target, which is an index) is
decided in ``task``.
"""

import csv
import io
import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bpnn_jax._runtime.text import reads_as_number
from bpnn_jax.patterns.contents import encoding_of
from bpnn_jax.patterns.files import PatternFileError

if TYPE_CHECKING:
    import pyarrow as pa

MISSING = ("", "?", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "NULL", "null", "None", "<NA>")
HEAD = 2**16  # bytes that are looked at before a text is decoded
SAMPLE = 100  # lines that are looked at to find the separator and the header
LARGEST_SAMPLE = 2**20  # characters
LARGEST_TABLE = 100_000_000  # cells: 800 MB of float64
MOST_WORDS = 10_000_000  # cells that are no numbers, each an object of Python's
MOST_COLUMNS = 100_000
SEPARATORS = {"\t": "tabs", ";": "semicolons", "|": "bars", ",": "commas", " ": "spaces"}
_COMMA_NUMBER = re.compile(r"\s*[-+]?[0-9]*,[0-9]+(?:[eE][-+]?[0-9]+)?\s*")
_POINT_NUMBER = re.compile(r"\s*[-+]?[0-9]*\.[0-9]+(?:[eE][-+]?[0-9]+)?\s*")
_SEP_LINE = re.compile(r'"?sep=(.)"?')


@dataclass(frozen=True, eq=False)
class Column:
    """One column: its name (empty where none is known) and its cells.

    ``values``: float64 with NaN for a missing cell, or an array of str with None for a missing cell.
    ``boolean`` is True where the cells were written True and False, and ``whole`` where they are whole numbers.
    """

    name: str
    values: np.ndarray
    boolean: bool = False

    @property
    def numeric(self) -> bool:
        return self.values.dtype.kind == "f"

    @property
    def missing(self) -> np.ndarray:
        """Which cells are missing, shape (rows,)."""
        return np.isnan(self.values) if self.numeric else np.array([cell is None for cell in self.values], bool)

    @property
    def whole(self) -> bool:
        """Whether every number is a whole one."""
        return self.numeric and bool(np.all(self.values[~self.missing] % 1 == 0))

    def take(self, rows: np.ndarray) -> "Column":
        return replace(self, values=self.values[rows])


@dataclass(frozen=True, eq=False)
class Table:
    """Columns of one length. ``named`` says whether the file named them; ``read_as`` how it was read; ``notes`` what was left out."""

    columns: tuple[Column, ...]
    named: bool
    read_as: str
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.columns[0].values)

    def rows(self, which: slice) -> "Table":
        """Some of the rows."""
        return replace(self, columns=tuple(replace(c, values=c.values[which]) for c in self.columns))

    def label(self, number: int) -> str:
        """What a column is called in a message: its name, or ``column 3`` (counted from 1)."""
        return self.columns[number].name or f"column {number + 1}"


class Shape(NamedTuple):
    """How a text is laid out: separator, decimal comma, and lines at its top that are not rows."""

    separator: str
    decimal_comma: bool
    header: bool


def read_table(path: str, text: str, encoding: str) -> Table:
    """The table in a text; ``path`` is for messages. Raises PatternFileError, with line and column where the trouble has a place."""
    try:
        return _read_table(path, text, encoding)
    except csv.Error as error:
        raise PatternFileError(path, f"expected a table, got: {error}") from None


def _read_table(path: str, text: str, encoding: str) -> Table:
    text, separator = _without_comments(text)
    sample = _sample(text)
    if not sample:
        raise PatternFileError(path, "expected rows of numbers or words, got no row")
    separator = separator or _separator(sample)
    if separator == " ":
        text = re.sub(r"[ \t]+", " ", text)
        text = re.sub(r"(?m)^ | $", "", text)
    else:
        mark = re.escape(separator)
        if re.search(rf"{mark} | {mark}", "\n".join(sample)):
            text = re.sub(rf"(?<! ) +{mark}", separator, re.sub(rf"{mark} +", separator, text))
    rows = _rows(_sample(text), separator)
    comma = separator != "," and _decimal_comma(rows)
    return _parsed(path, text, separator, comma, rows, f"{SEPARATORS.get(separator, separator)}, {encoding}")


def check_columns(path: str, count: int) -> None:
    """Raise PatternFileError for more columns than a table may have, before they are made."""
    if count > MOST_COLUMNS:
        raise PatternFileError(path, f"expected at most {MOST_COLUMNS:,} columns, got {count:,}")


def check_cells(path: str, content: bytes) -> None:
    """Raise PatternFileError for a text of more cells than a table may have, by its first lines and its number of lines."""
    head, (encoding, _) = content[:HEAD], encoding_of(content)
    if b"\0" in head and "16" not in encoding:
        raise PatternFileError(path, "expected a text, got bytes that are none (a NUL)")
    lines = max(content.count(b"\n"), content.count(b"\r"))
    if lines * 2 <= MOST_WORDS:  # as most have
        return
    sample = _sample(re.sub(r"\r*\n|\r", "\n", head.decode(encoding, "ignore"))[: -len(head) // 4])
    row = _rows(sample, _separator(sample))[-1] if sample else []
    words = sum(not reads_as_number(cell) and cell not in MISSING for cell in row)
    for what, count, most in (("cells", len(row), LARGEST_TABLE), ("words", words, MOST_WORDS)):
        if lines * count > most:
            raise PatternFileError(path, f"expected at most {most:,} {what}, got {lines:,} lines of {count}")


def _without_comments(text: str) -> tuple[str, str]:
    """The text without comment lines and blank lines at its top, and the separator that a first line sep=; names."""
    separator = ""
    lines = text.split("\n", 1)
    if match := _SEP_LINE.fullmatch(lines[0].strip()):
        separator, text = match[1], lines[1] if len(lines) > 1 else ""
    if "#" in text:
        text = re.sub(r"(?m)^[ \t]*#.*\n?", "", text)
    if re.search(r"\n[ \t]+\n|\A[ \t]*\n", text):
        text = re.sub(r"\A(?:[ \t]*\n)+|(?m:^[ \t]+$)", "", text)
    return text, separator


def _sample(text: str) -> list[str]:
    """The first lines that are not blank: two at least, and fewer than ``SAMPLE`` where they are long."""
    found: list[str] = []
    at = 0
    while at < len(text) and len(found) < (SAMPLE if at < LARGEST_SAMPLE else 2):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        line = text[at:end]
        if line.strip():
            found.append(line)
        at = end + 1
    return found


def _rows(lines: list[str], separator: str) -> list[list[str]]:
    return [[cell.strip() for cell in row] for row in csv.reader(lines, delimiter=separator, skipinitialspace=True)]


def _separator(lines: list[str]) -> str:
    """The first of tab, semicolon, bar, comma and space that cuts all lines into as many cells, two or more.

    A header may be one cell short, as R writes it for a column of row names.
    """
    for separator in SEPARATORS:
        given = [" ".join(line.split()) for line in lines] if separator == " " else lines
        if not any(separator in line for line in given):
            continue
        try:
            counts = [len(row) for row in _rows(given, separator)]
        except csv.Error:  # a cell of 131,072 characters: another separator, or none
            continue
        rest = counts[1:] or counts
        most, often = Counter(rest).most_common(1)[0]
        if most > 1 and often >= 0.9 * len(rest) and counts[0] in (most, most - 1):
            return separator
    return ","


def _decimal_comma(rows: list[list[str]]) -> bool:
    cells = [cell for row in rows for cell in row]
    return any(_COMMA_NUMBER.fullmatch(c) for c in cells) and not any(_POINT_NUMBER.fullmatch(c) for c in cells)


def _number(cell: str, comma: bool) -> bool:
    try:
        float(cell.replace(",", ".") if comma else cell)
    except ValueError:
        return False
    return "_" not in cell


def _header(rows: list[list[str]], comma: bool) -> bool:
    """Whether the first row names the columns: a word above numbers, or 0, 1, ..., n - 1 as pandas writes it."""
    first, rest = rows[0], rows[1:]
    numbered = first[1:] if not first[0] else first
    if len(numbered) > 1 and numbered == [str(k) for k in range(len(numbered))]:
        return True
    if not rest:
        return not any(_number(cell, comma) for cell in first)
    width = max(Counter(len(row) for row in rest))
    if len(first) == width - 1:
        return True
    for k, cell in enumerate(first):
        below = [row[k] for row in rest if len(row) > k and row[k] not in MISSING]
        if cell not in MISSING and not _number(cell, comma) and below and all(_number(b, comma) for b in below):
            return True
    if any(_number(cell, comma) for cell in first):
        return False
    # words only, above words only: names where none of them comes again below
    return len(set(first)) == len(first) and not any(
        first[k] == row[k] for row in rest for k in range(min(len(row), len(first)))
    )


def _counts_line(rows: list[list[str]], count: int) -> bool:
    """scikit-learn's own files begin with the numbers of rows and of inputs, and the names of the classes."""
    first = rows[0]
    return len(rows) > 1 and len(first) > 2 and first[0] == str(count - 1) and first[1] == str(len(rows[1]) - 1)


def _parsed(path: str, text: str, separator: str, comma: bool, rows: list[list[str]], how: str) -> Table:
    notes: list[str] = []
    lines = text.count("\n") + (not text.endswith("\n"))
    if _counts_line(rows, lines):
        notes.append(f"first line left out: {' '.join(rows[0])[:60]} (counts, as scikit-learn writes them)")
        text, rows = text.split("\n", 1)[1], rows[1:]
        header = False
    else:
        header = _header(rows, comma)
    names = rows[0] if header else []
    width = (
        max(Counter(len(row) for row in rows[header:]).items(), key=lambda item: item[1])[0]
        if rows[header:]
        else len(names)
    )
    check_columns(path, width)
    if header:
        text = text[text.index("\n") + 1 :] if "\n" in text else ""
        if len(names) == width - 1:  # R's row names have no name
            names = ["", *names]
    if not text.strip():
        raise PatternFileError(path, f"expected rows below the header, got only the header {' '.join(names)[:60]!r}")
    table = _arrow(path, text, separator, comma, width, skipped=int(header))
    names = names or [""] * width
    _check_names(path, names, width)
    columns = tuple(_column(name, table.column(k)) for k, name in enumerate(names))
    if len(columns) > 1 and not columns[-1].name and bool(columns[-1].missing.all()):  # a separator at every line's end
        columns = columns[:-1]
    return Table(columns, header, how + (", a header" if header else ", no header"), tuple(notes))


def _check_names(path: str, names: list[str], width: int) -> None:
    if len(names) != width:
        raise PatternFileError(
            path, f"expected as many names in the header as cells in a row, {width}, got {len(names)}", 1, 1
        )
    for name, often in Counter(n for n in names if n).items():
        if often > 1:
            raise PatternFileError(path, f"expected different names in the header, got {name!r} {often} times", 1, 1)


def _arrow(path: str, text: str, separator: str, comma: bool, width: int, skipped: int) -> "pa.Table":
    import pyarrow as pa  # here, so that a network can be loaded without it
    import pyarrow.csv

    try:
        return pyarrow.csv.read_csv(
            pa.BufferReader(text.encode("utf-8", "surrogatepass")),
            read_options=pyarrow.csv.ReadOptions(column_names=[str(k) for k in range(width)]),
            parse_options=pyarrow.csv.ParseOptions(delimiter=separator, newlines_in_values='"' in text),
            convert_options=pyarrow.csv.ConvertOptions(
                null_values=list(MISSING),
                strings_can_be_null=True,
                decimal_point="," if comma else ".",
                true_values=["True", "true", "TRUE"],
                false_values=["False", "false", "FALSE"],
                timestamp_parsers=[],
            ),
        )
    except pa.ArrowInvalid as error:
        raise _where_it_is_wrong(path, text, separator, width, skipped, error) from None


def _where_it_is_wrong(
    path: str, text: str, separator: str, width: int, skipped: int, error: Exception
) -> PatternFileError:
    """Reads slowly what was not understood, to name the line."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        for row in reader:
            if row and len(row) != width:
                line = reader.line_num + skipped
                return PatternFileError(path, f"expected {width} cells in every row, got {len(row)}", line, 1)
    except csv.Error as trouble:
        return PatternFileError(path, f"expected a table, got: {trouble}", reader.line_num + skipped, 1)
    return PatternFileError(path, f"expected a table, got: {str(error).splitlines()[0][:200]}")


def _column(name: str, cells: "pa.ChunkedArray") -> Column:
    import pyarrow as pa

    kind = cells.type
    if pa.types.is_null(kind):
        return Column(name, np.full(len(cells), np.nan))
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind):
        boolean = pa.types.is_boolean(kind)
        numbers = (cells.cast(pa.int8()) if boolean else cells).cast(pa.float64())
        return Column(name, numbers.to_numpy(zero_copy_only=False), boolean)
    words = np.array(cells.cast(pa.string()).to_pylist(), dtype=object)
    return Column(name, np.array([w if w is None else w.strip() for w in words], dtype=object))
