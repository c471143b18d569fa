"""How results show themselves: a few lines on a terminal, a small table in a notebook."""

from html import escape


class Card:
    """The base of a result that shows itself by ``_card``: a title, and rows of a name and a text."""

    def _card(self) -> tuple[str, list[tuple[str, str]]]:
        raise NotImplementedError

    def __repr__(self) -> str:
        title, rows = self._card()
        width = max((len(name) for name, _ in rows), default=0)
        return "\n".join([title, *(f"  {name:<{width}}  {text}" for name, text in rows)])

    def _repr_html_(self) -> str:
        title, rows = self._card()
        cells = "".join(f"<tr><th style='text-align:left'>{escape(n)}</th><td>{escape(t)}</td></tr>" for n, t in rows)
        return f"<table><caption>{escape(title)}</caption>{cells}</table>"
