"""How much a table may hold: said before it is decoded, parsed or unpacked."""

import re
from collections.abc import Iterator

from bpnn_jax._runtime.text import reads_as_number
from bpnn_jax.patterns import layout
from bpnn_jax.patterns.contents import encoding_of
from bpnn_jax.patterns.files import PatternFileError

HEAD = 2**16  # bytes that are looked at before a text is decoded
LARGEST_TABLE = 100_000_000  # cells: 800 MB of float64
LARGEST_LIST = 10_000_000  # cells that are objects of Python's: words, and formats that are read cell by cell
LARGEST_ARRAY = 50 * 2**20  # numbers in an array of an npz: 400 MiB of float64, which a set becomes
MOST_COLUMNS = 100_000


def lines(text: str, at: int = 0) -> Iterator[str]:
    r"""The lines of a text from a character on, one at a time: a list of all, or a StringIO, takes many times its memory.

    >>> list(lines("a\n\nb")), list(lines("a\n\nb", 2))
    (['a', '', 'b'], ['', 'b'])
    """
    while (end := text.find("\n", at)) >= 0:
        yield text[at:end]
        at = end + 1
    yield text[at:]


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
    if lines * 2 <= LARGEST_LIST:  # as most have
        return
    sample = layout.sample(re.sub(r"\r*\n|\r", "\n", head.decode(encoding, "ignore"))[: -len(head) // 4])
    rows = layout.rows(sample, layout.separator(sample))
    row = rows[len(rows) // 2] if rows else []
    words = sum(not reads_as_number(cell) and cell not in layout.MISSING for cell in row)
    for what, count, most in (("cells", len(row), LARGEST_TABLE), ("words", words, LARGEST_LIST)):
        if lines * count > most:
            raise PatternFileError(path, f"expected at most {most:,} {what}, got {lines:,} lines of {count}")
