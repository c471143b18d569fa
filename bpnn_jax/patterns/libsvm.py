"""libsvm's format: a line per pattern, a label and then INDEX:VALUE for each input that is not 0."""

import re

import numpy as np

from bpnn_jax.patterns.bounds import LARGEST_ARRAY, LARGEST_LIST, check_columns, lines
from bpnn_jax.patterns.files import PatternFileError
from bpnn_jax.patterns.tables import Column, Table, numbered

_LIBSVM = re.compile(r"\s*[-+.,\deE]+(?:\s+(?:\d+|qid):[-+.\deE]+)*\s*(?:#.*)?")


def is_libsvm(start: str) -> bool:
    r"""Whether the first lines are a label and INDEX:VALUE cells; a row of zeros is a label alone.

    >>> is_libsvm("# c\n1 1:0.5\n-1\n"), is_libsvm("1 2 3\n")
    (True, False)
    """
    found = [
        line for line in start.split("\n")[: max(1, start.count("\n"))] if line.strip() and line.lstrip()[0] != "#"
    ]
    return all(map(_LIBSVM.fullmatch, found[:5])) and any(
        re.search(r"\d:", line.partition("#")[0]) for line in found[:5]
    )


def read_libsvm(path: str, text: str) -> Table:
    """The table of a file in libsvm's format. Raises PatternFileError with the line that does not fit."""
    if text.count(":") > LARGEST_LIST:
        raise PatternFileError(path, f"expected at most {LARGEST_LIST:,} INDEX:VALUE cells, got {text.count(':'):,}")
    labels: list[float] = []
    entries: list[tuple[int, int, float]] = []
    for number, line in enumerate(lines(text), 1):
        cells = line.partition("#")[0].split()
        if not cells:
            continue
        try:
            for cell in cells[1:]:
                index, value = cell.split(":")
                entries.append((len(labels), int(index), float(value)))
            labels.append(float(cells[0]))
        except ValueError:
            raise PatternFileError(
                path, f"expected a label and INDEX:VALUE cells, got {line[:60]!r}", number, 1
            ) from None
    first = min((index for _, index, _ in entries), default=1)
    low = 0 if first == 0 else 1
    width = max((index for _, index, _ in entries), default=0) + 1 - low
    check_columns(path, width)
    if width * len(labels) > LARGEST_ARRAY:
        raise PatternFileError(path, f"expected at most {LARGEST_ARRAY} cells, got {len(labels)} rows of {width}")
    cells = np.zeros((len(labels), width))
    for row, index, value in entries:
        cells[row, index - low] = value
    return Table((*numbered(cells, "input"), Column("target", np.array(labels))), True, "libsvm")
