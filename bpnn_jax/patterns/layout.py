"""How a table of text is laid out: its separator, its decimals, and whether its first row names the columns."""

import csv
import io
import re
from collections import Counter

MISSING = (
    "",
    "?",
    ".",
    "NA",
    "N/A",
    "n/a",
    "#N/A",
    "NaN",
    "nan",
    "NAN",
    "-nan",
    "NULL",
    "null",
    "None",
    "<NA>",
    "#DIV/0!",
    "#VALUE!",
)
SAMPLE = 100  # lines that are looked at to find the separator and the header
LARGEST_SAMPLE = 2**20  # characters
SEPARATORS = {"\t": "tabs", ";": "semicolons", "|": "bars", ",": "commas", " ": "spaces"}
_COMMA_NUMBER = re.compile(r"\s*[-+]?[0-9]*,[0-9]+(?:[eE][-+]?[0-9]+)?\s*")
_POINT_NUMBER = re.compile(r"\s*[-+]?[0-9]*\.[0-9]+(?:[eE][-+]?[0-9]+)?\s*")
_THOUSANDS = re.compile(r"\s*[-+]?[1-9][0-9]{0,2}(?:\.[0-9]{3})+\s*")


def sample(text: str) -> list[str]:
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


def rows(lines: list[str], separator: str) -> list[list[str]]:
    return [[cell.strip() for cell in row] for row in csv.reader(lines, delimiter=separator, skipinitialspace=True)]


def separator(lines: list[str]) -> str:
    """The first of tab, semicolon, bar, comma and space that cuts all lines into as many cells, two or more.

    A header may be one cell short, as R writes it for a column of row names.
    """
    for separator in SEPARATORS:
        given = [" ".join(line.split()) for line in lines] if separator == " " else lines
        if not any(separator in line for line in given):
            continue
        try:
            counts = [len(row) for row in rows(given, separator)]
        except csv.Error:  # a cell of 131,072 characters: another separator, or none
            continue
        rest = counts[1:] or counts
        most, often = Counter(rest).most_common(1)[0]
        if most > 1 and often >= 0.9 * len(rest) and counts[0] in (most, most - 1):
            return separator
    return ","


def decimal_comma(rows: list[list[str]]) -> bool:
    cells = [cell for row in rows for cell in row]
    points = (c for c in cells if _POINT_NUMBER.fullmatch(c) and not _THOUSANDS.fullmatch(c))
    return any(_COMMA_NUMBER.fullmatch(c) for c in cells) and not any(points)


def _number(cell: str, comma: bool) -> bool:
    try:
        float(cell.replace(",", ".") if comma else cell)
    except ValueError:
        return False
    return "_" not in cell


def header(rows: list[list[str]], comma: bool) -> bool:
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
        return _named_by_years(rows, comma)
    # words only, above words only: names where none of them comes again below
    return len(set(first)) == len(first) and not any(
        first[k] == row[k] for row in rest for k in range(min(len(row), len(first)))
    )


def _named_by_years(rows: list[list[str]], comma: bool) -> bool:
    """Whether a first row with numbers names the columns: years, beside words that do not come again where words do."""
    first, rest = rows[0], rows[1:]
    given = [cell for cell in first if _number(cell, comma)]
    words = [k for k, cell in enumerate(first) if not _number(cell, comma) and cell not in MISSING]
    if (
        not words
        or len(set(first)) < len(first)
        or not all(re.fullmatch("(?:1[5-9]|20|21)[0-9][0-9]", c) for c in given)
    ):
        return False
    below = {k: [row[k] for row in rest if len(row) > k] for k in words}
    return all(first[k] not in cells and len(set(cells)) < len(cells) for k, cells in below.items())


def counts_line(rows: list[list[str]], count: int) -> bool:
    """scikit-learn's own files begin with the numbers of rows and of inputs, and the names of the classes."""
    first = rows[0]
    return len(rows) > 1 and len(first) > 2 and first[0] == str(count - 1) and first[1] == str(len(rows[1]) - 1)


def below_header(text: str, separator: str) -> int:
    """Where the text below its first row begins; the row may have line ends inside quotes."""
    reader = csv.reader(io.StringIO(text[:100_000], newline=""), delimiter=separator, skipinitialspace=True)
    if next((row for row in reader if row), None) is None:
        return len(text)
    at = 0
    for _ in range(reader.line_num):
        at = text.find("\n", at) + 1 or len(text)
    return at
