"""What is in a file of patterns, before it is known to be a table: its bytes, unpacked, and the text that they are."""

import codecs
import gzip
import io
import re
import zlib
from typing import IO

from bpnn_jax._runtime import reading
from bpnn_jax._runtime.text import one_line
from bpnn_jax.patterns.files import PatternFileError

LARGEST = 320 * 2**20  # bytes, unpacked: more is refused before it fills the memory


def read_bytes(path: str) -> bytes:
    """The content of a regular file (or of /dev/stdin), uncompressed where it is a gzip. Raises PatternFileError."""
    try:
        content = reading.read_file(path, LARGEST, "a file of patterns", pipes=True)
        if content[:2] == b"\x1f\x8b":
            content = _unpacked(path, content)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise PatternFileError(path, f"expected a whole gzip file, got: {error}") from None
    except FileNotFoundError:
        raise PatternFileError(path, "expected a file, got a path that does not exist") from None
    except (reading.NotReadableError, reading.DamagedError) as error:
        raise PatternFileError(path, str(error).removeprefix(f"{one_line(path)}: ")) from None
    return content


def _unpacked(path: str, content: bytes) -> bytes:
    """A gzip's content. How much that is is counted before any of it is kept."""
    size = 0
    with gzip.open(io.BytesIO(content)) as unpacked:
        while part := unpacked.read(2**20):
            size += len(part)
            if size > LARGEST:
                raise PatternFileError(path, f"expected at most {LARGEST // 2**20} MiB unpacked, got more")
    with gzip.open(io.BytesIO(content)) as unpacked:
        return whole(unpacked)


def whole(file: gzip.GzipFile | IO[bytes]) -> bytes:
    """All that is in a file, a part at a time: ``read`` gathers the parts of a compressed one, and then copies them."""
    kept = io.BytesIO()
    while part := file.read(2**20):
        kept.write(part)
    return kept.getvalue()


def decoded(path: str, content: bytes) -> tuple[str, str]:
    r"""The text, and how it was encoded: UTF-8, UTF-16 (by its mark, or by every other byte being 0), else Latin-1.

    >>> decoded("a.csv", "h\u00f6he".encode("latin-1"))
    ('höhe', 'Latin-1')
    """
    encoding, name = encoding_of(content)
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        if name == "UTF-16":
            raise PatternFileError(path, "expected a text in UTF-16, as its first bytes say, got other bytes") from None
        text, name = content.decode("latin-1"), "Latin-1"
    if "\0" in text:
        raise PatternFileError(path, "expected a text, got bytes that are none (a NUL)")
    if "\r" in text:
        text = re.sub(r"\r*\n|\r", "\n", text)
    return text, name


def encoding_of(content: bytes) -> tuple[str, str]:
    """Python's name of how a text is encoded, and a user's, by its first bytes; what is no UTF-8 after all is Latin-1."""
    start = content[:4]
    if start[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return "utf-16", "UTF-16"
    if len(start) == 4 and (start[1::2] == b"\0\0") != (start[::2] == b"\0\0"):
        return ("utf-16-le" if start[1] == 0 else "utf-16-be"), "UTF-16"
    return "utf-8-sig", "UTF-8"
