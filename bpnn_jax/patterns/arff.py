"""ARFF, the format of Weka: a line per attribute with its name and kind, then rows; dense, or sparse in braces."""

import csv
import re

import numpy as np

from bpnn_jax._runtime.text import reads_as_number
from bpnn_jax.patterns.bounds import LARGEST_LIST, check_columns, lines
from bpnn_jax.patterns.files import PatternFileError
from bpnn_jax.patterns.tables import Column, Table

_ATTRIBUTE = re.compile(r"@attribute\s+('(?:[^'\\\\]|\\\\.)*'|\"(?:[^\"\\\\]|\\\\.)*\"|\S+)\s+(.+)", re.IGNORECASE)
NUMBERS = ("numeric", "real", "integer")


def read_arff(path: str, text: str) -> Table:
    """The table of an ARFF file. Raises PatternFileError with the line that does not fit."""
    names, kinds, rows = [], [], []
    in_data, cells = False, 0
    for number, line in enumerate(lines(text), 1):
        line = line.strip()
        if not line or line.startswith("%"):
            continue
        if in_data:
            if (cells := cells + len(kinds)) > LARGEST_LIST:
                raise PatternFileError(path, f"expected at most {LARGEST_LIST:,} cells, got more", number, 1)
            rows.append(_row(path, number, line, kinds))
        elif match := _ATTRIBUTE.fullmatch(line):
            names.append(_bare(match[1]))
            kinds.append(_kind(match[2]))
            check_columns(path, len(kinds))
        elif line.lower().startswith("@data"):
            in_data = True
        elif not line.lower().startswith("@relation"):
            raise PatternFileError(path, f"expected a line @ATTRIBUTE NAME KIND or @DATA, got {line[:60]!r}", number, 1)
    if not rows or not names:
        raise PatternFileError(path, "expected @ATTRIBUTE lines and rows below @DATA, got none")
    described = zip(names, kinds, zip(*rows, strict=True), strict=True)
    columns = tuple(_column(path, name, kind, list(cells)) for name, kind, cells in described)
    return Table(columns, True, "ARFF")


def _kind(text: str) -> str | tuple[str, ...]:
    """``numeric``, ``string``, or the words of a nominal attribute."""
    text = text.strip()
    if text.startswith("{"):
        return tuple(_cells(text.strip("{} \t")))
    return "numeric" if text.split()[0].lower() in NUMBERS else "string"


def _cells(line: str) -> list[str]:
    """The cells of a line; either quote may be around one."""
    quote = "'" if "'" in line and '"' not in line else '"'
    separator = "\t" if "," not in line and "\t" in line else ","
    found = next(csv.reader([line], delimiter=separator, quotechar=quote, skipinitialspace=True, escapechar="\\"))
    return [_bare(cell.strip()) for cell in found]


def _bare(word: str) -> str:
    """A word without the quotes around it."""
    return re.sub(r"\\(.)", r"\1", word[1:-1]) if len(word) > 1 and word[0] == word[-1] and word[0] in "'\"" else word


def _row(path: str, number: int, line: str, kinds: list) -> list[str]:
    if not line.startswith("{"):
        cells = _cells(line)
        if len(cells) != len(kinds):
            raise PatternFileError(path, f"expected {len(kinds)} cells, one per attribute, got {len(cells)}", number, 1)
        return cells
    row = [kind[0] if isinstance(kind, tuple) else "0" for kind in kinds]  # what a sparse row leaves out
    for cell in _cells(line.strip("{} \t")) if line.strip("{} \t") else []:
        at, _, value = cell.partition(" ")
        if not at.isdigit() or int(at) >= len(kinds):
            raise PatternFileError(
                path, f"expected an attribute's number from 0 to {len(kinds) - 1}, got {at[:40]!r}", number, 1
            )
        row[int(at)] = _bare(value.strip())
    return row


def _column(path: str, name: str, kind: str | tuple[str, ...], cells: list[str]) -> Column:
    if kind == "numeric":
        bad = next((c for c in cells if c != "?" and not reads_as_number(c)), None)
        if bad is not None:
            raise PatternFileError(path, f"expected numbers in {name}, got {bad[:40]!r}")
    elif isinstance(kind, tuple):
        bad = next((c for c in cells if c != "?" and c not in kind), None)
        if bad is not None:
            raise PatternFileError(path, f"expected {name} as one of {', '.join(kind)[:100]}, got {bad[:40]!r}")
    return _words(name, [None if c == "?" else c for c in cells])


def _words(name: str, words: list[str | None]) -> Column:
    """Words as such, or as numbers where all of them are."""
    if all(w is None or reads_as_number(w) for w in words):
        return Column(name, np.array([np.nan if w is None else float(w) for w in words]))
    return Column(name, np.array(words, dtype=object))
