"""How results show themselves: a few lines on a terminal, a small table in a notebook."""

from collections.abc import Sequence
from html import escape


def few(names: Sequence[str]) -> str:
    """Names in a line, the first eight of them.

    >>> few("abcdefghij")
    'a b c d e f g h ...'
    """
    return " ".join(names[:8]) + (" ..." if len(names) > 8 else "")


def text(title: str, rows: Sequence[tuple[str, str]]) -> str:
    """A title, and a line for each row of a name and what is said of it.

    >>> print(text("Result", [("error", "0.1"), ("epochs", "20")]))
    Result
      error   0.1
      epochs  20
    """
    width = max((len(name) for name, _ in rows), default=0)
    return "\n".join([title, *(f"  {name:<{width}}  {what}" for name, what in rows)])


def html(title: str, rows: Sequence[tuple[str, str]]) -> str:
    """The same as an HTML table, everything escaped."""
    cells = "".join(f"<tr><th style='text-align:left'>{escape(n)}</th><td>{escape(t)}</td></tr>" for n, t in rows)
    return f"<table><caption>{escape(title)}</caption>{cells}</table>"


class Card:
    """The base of a result that shows itself by ``_card``: a title, and rows of a name and a text."""

    def _card(self) -> tuple[str, list[tuple[str, str]]]:
        raise NotImplementedError

    def __repr__(self) -> str:
        return text(*self._card())

    def _repr_html_(self) -> str:
        return html(*self._card())
