"""Text from outside (names of files, columns, languages, modules) made safe to show: no escape sequences, no control characters.

Markup is the business of whoever shows it: Rich is told to take none (``progress.console``), and HTML and XML are escaped by
their writers.
"""

import re

# C0 but tab and newline, DEL, C1, what turns the direction of text, the other two line ends, surrogates, and what XML forbids.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]"
)


def plain(text: object) -> str:
    r"""``str(text)`` with every character that a terminal, XML or a text direction acts upon written out as an escape.

    A byte of a file's name that is no UTF-8 comes out as that byte. Tabs and newlines stay.

    >>> print(plain("red\x1b[31m"), plain("name\udcff.txt"), plain("a\rb"))
    red\x1b[31m name\xff.txt a\x0db
    """
    return _UNSAFE.sub(_escaped, str(text))


def one_line(text: object) -> str:
    r"""``plain``, and on one line.

    >>> print(one_line("a\nb\tc"))
    a\nb\tc
    """
    return plain(text).replace("\n", r"\n").replace("\t", r"\t")


def _escaped(match: re.Match[str]) -> str:
    number = ord(match[0])
    if 0xDC80 <= number <= 0xDCFF:  # surrogateescape: a byte
        number -= 0xDC00
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}"


def reads_as_number(text: str) -> bool:
    """Whether ``float`` takes it: nan, inf and 1_000 too.

    >>> reads_as_number("-1e3"), reads_as_number("inf"), reads_as_number("b")
    (True, True, False)
    """
    try:
        float(text)
    except ValueError:
        return False
    return True
