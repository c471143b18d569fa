"""Tables of text, as people bring them: separators, header, decimal comma, encoding and compression are found by looking.

``read_table`` gives columns, with names where there is a header. What the columns mean (which is the target, which is an index) is
decided in ``task``.
"""

import csv
import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from bpnn_jax.patterns import layout
from bpnn_jax.patterns.bounds import check_columns, lines
from bpnn_jax.patterns.dressed import undressed
from bpnn_jax.patterns.files import PatternFileError

if TYPE_CHECKING:
    import pyarrow as pa

_COMMENT = re.compile(
    r"(?m)^[ \t]*#(?!(?:N/A|DIV/0!|VALUE!|REF!|NUM!|NAME\?|NULL!)).*\n?"
)  # but for a spreadsheet's errors
BLOCK = (
    2**24
)  # bytes that pyarrow takes at once: no row may be longer than two of them, and larger pieces are freed sooner
_FILLED = re.compile(r"\S")
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

    def take(self, rows: np.ndarray) -> "Table":
        """Some of the rows, by their numbers."""
        return replace(self, columns=tuple(c.take(rows) for c in self.columns))

    def label(self, number: int) -> str:
        """What a column is called in a message: its name, or ``column 3`` (counted from 1)."""
        return self.columns[number].name or f"column {number + 1}"


def numbered(cells: np.ndarray, what: str) -> tuple[Column, ...]:
    """Columns that have no names but a number each, from 1: ``input_1``, ``input_2``, ..."""
    return tuple(Column(f"{what}_{k + 1}", np.array(cells[:, k], np.float64)) for k in range(cells.shape[1]))


def read_table(path: str, text: str, encoding: str) -> Table:
    """The table in a text; ``path`` is for messages. Raises PatternFileError, with line and column where the trouble has a place."""
    text, separator = _without_comments(text)
    sample = layout.sample(text)
    if not sample:
        raise PatternFileError(path, "expected rows of numbers or words, got no row")
    if all(re.fullmatch(r"\s*\|.*\|\s*", line) for line in sample):  # as Markdown has it
        text = re.sub(r"(?m)^[ \t]*\|[ \t]*|(?<![ \t])[ \t]*\|[ \t]*$", "", re.sub(r"(?m)^[ \t|:\-]+\n", "", text))
        sample, separator = layout.sample(text), "|"
    separator = separator or layout.separator(sample)
    if separator == " ":
        text = re.sub(r"[ \t]+", " ", text)
        text = re.sub(r"(?m)^ | $", "", text)
    else:
        mark, bare = re.escape(separator), re.sub(r'"(?:[^"]|"")*"', '""', "\n".join(sample))
        if re.search(rf"{mark} | {mark}", bare):
            text = _without_spaces(text, separator)
    rows = layout.rows(layout.sample(text), separator)
    comma = separator != "," and layout.decimal_comma(rows)
    return _parsed(path, text, separator, comma, rows, f"{layout.SEPARATORS.get(separator, separator)}, {encoding}")


def _without_comments(text: str) -> tuple[str, str]:
    """The text without comment lines and blank lines at its top, and the separator that a first line sep=; names."""
    separator = ""
    first = text[: text.find("\n") + 1 or len(text)]  # a split would copy what may be large
    if match := _SEP_LINE.fullmatch(first.strip()):
        separator, text = match[1], text[len(first) :]
    if "#" in text:
        text = _COMMENT.sub("", text)
    if "\n " in text or "\n\t" in text or text[:1] in " \t\n":
        text = re.sub(r"\A(?:[ \t]*\n)+|(?m:^[ \t]+$)", "", text)
    return text, separator


def _without_spaces(text: str, separator: str) -> str:
    """Without the spaces around separators, but for those inside quotes.

    >>> _without_spaces('a , "b, c" , d', ",")
    'a,"b, c",d'
    """
    mark = re.escape(separator)
    after, before = re.compile(rf"{mark} +"), re.compile(rf"(?<! ) +{mark}")

    def closed(part: str) -> str:
        return before.sub(separator, after.sub(separator, part))

    if '"' not in text:
        return closed(text)
    parts, at = [], 0
    for cell in re.finditer(rf'(?m)(?:^|{mark}) *("(?:[^"]|"")*")', text):
        parts += [closed(text[at : cell.start(1)]), cell[1]]
        at = cell.end()
    return "".join([*parts, closed(text[at:])])


def _parsed(path: str, text: str, separator: str, comma: bool, rows: list[list[str]], how: str) -> Table:
    notes: list[str] = []
    if layout.counts_line(rows, text.count("\n") + (not text.endswith("\n"))):
        notes.append(f"first line left out: {' '.join(rows[0])[:60]} (counts, as scikit-learn writes them)")
        text, rows = text.split("\n", 1)[1], rows[1:]
        header = False
    else:
        header = layout.header(rows, comma)
    names = rows[0] if header else []
    width = (
        max(Counter(len(row) for row in rows[header:]).items(), key=lambda item: item[1])[0]
        if rows[header:]
        else len(names)
    )
    check_columns(path, width)
    start = layout.below_header(text, separator) if header else 0
    short = header and len(names) == width - 1
    if _FILLED.search(text, start) is None:
        raise PatternFileError(path, f"expected rows below the header, got only the header {' '.join(names)[:60]!r}")
    cells = _arrow(path, text, start, separator, comma, width).columns
    if short:  # a separator at every row's end, or R's row names, which have no name
        names = [*names, ""] if cells[-1].null_count == len(cells[-1]) else ["", *names]
    names = names or [""] * width
    _check_names(path, names, width)
    columns = _columns(names, cells, comma, notes)
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
            said = f"expected different names in the header, got {name!r} {often} times; rename all but one of them"
            raise PatternFileError(path, said, 1, 1)


def _arrow(path: str, text: str, start: int, separator: str, comma: bool, width: int) -> "pa.Table":
    """The cells of the text from ``start`` on."""
    import pyarrow as pa  # here, so that a network can be loaded without it
    import pyarrow.csv

    try:
        return pyarrow.csv.read_csv(
            pa.BufferReader(pa.py_buffer(_bytes(text)).slice(len(_bytes(text[:start])))),
            read_options=pyarrow.csv.ReadOptions(column_names=[str(k) for k in range(width)], block_size=BLOCK),
            parse_options=pyarrow.csv.ParseOptions(delimiter=separator, newlines_in_values='"' in text),
            convert_options=pyarrow.csv.ConvertOptions(
                null_values=list(layout.MISSING),
                strings_can_be_null=True,
                decimal_point="," if comma else ".",
                true_values=["True", "true", "TRUE"],
                false_values=["False", "false", "FALSE"],
                timestamp_parsers=[],
            ),
        )
    except pa.ArrowInvalid as error:
        raise _where_it_is_wrong(path, text, start, separator, width, error) from None


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _where_it_is_wrong(
    path: str, text: str, start: int, separator: str, width: int, error: Exception
) -> PatternFileError:
    """Reads slowly what was not understood from ``start`` on, to name the line."""
    skipped = text.count("\n", 0, start)
    reader = csv.reader(lines(text, start), delimiter=separator)
    try:
        for row in reader:
            if row and len(row) != width:
                line = reader.line_num + skipped
                return PatternFileError(path, f"expected {width} cells in every row, got {len(row)}", line, 1)
    except csv.Error as trouble:
        return PatternFileError(path, f"expected a table, got: {trouble}", reader.line_num + skipped, 1)
    return PatternFileError(path, f"expected a table, got: {str(error).splitlines()[0][:200]}")


def _columns(
    names: list[str], cells: "list[pa.ChunkedArray | None]", comma: bool, notes: list[str]
) -> tuple[Column, ...]:
    """The columns, those of numbers beside each other in one array; ``cells`` are let go one by one, since a table may be large."""
    import pyarrow as pa

    block, found = np.empty((len(names), len(cells[0] or ()))), []
    for k, name in enumerate(names):
        column = _column(name, cells[k], comma, notes)  # type: ignore[arg-type]
        cells[k] = None
        if k % 64 == 63:
            pa.default_memory_pool().release_unused()
        if column.numeric:
            block[k] = column.values
            column = replace(column, values=block[k])
        found.append(column)
    return tuple(found)


def _column(name: str, cells: "pa.ChunkedArray", comma: bool, notes: list[str]) -> Column:
    import pyarrow as pa

    kind = cells.type
    if pa.types.is_null(kind):
        return Column(name, np.full(len(cells), np.nan))
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind):
        boolean = pa.types.is_boolean(kind)
        numbers = (cells.cast(pa.int8()) if boolean else cells).cast(pa.float64(), safe=False)  # above 2^53 rounded
        return Column(name, numbers.to_numpy(zero_copy_only=False), boolean)
    words = [w if w is None else w.strip() for w in cells.cast(pa.string()).to_pylist()]
    if (found := undressed(words, comma)) is not None:
        notes.append(f"{name or 'a column without a name'} read as numbers: {found[1]}")
        return Column(name, found[0])
    return Column(name, np.array(words, dtype=object))
