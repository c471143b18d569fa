"""Docstrings as Markdown: a field that is explained, ``name: text``, becomes an item of a list."""

import re
from typing import Any

FIELD = re.compile(r"^(?P<names>[a-z_]\w*(?:, [a-z_]\w*)*):\s+(?P<text>\S.*)$")


def as_markdown(text: str) -> str:
    r"""The same text; lines such as ``x:  inputs`` with what follows them indented are items.

    >>> print(as_markdown("Train.\n\nx, t:  patterns\n       of float32\nkey:   a seed"))
    Train.
    <BLANKLINE>
    - `x`, `t`: patterns of float32
    - `key`: a seed
    """
    found: list[str] = []
    inside = False  # an item, whose further lines are indented
    for line in text.splitlines():
        match = FIELD.match(line)
        if match:
            if not inside and found and found[-1]:
                found.append("")
            names = ", ".join(f"`{name}`" for name in match["names"].split(", "))
            found.append(f"- {names}: {match['text']}")
            inside = True
        elif inside and line.startswith(" ") and line.strip() and not line.lstrip().startswith(">>>"):
            found[-1] += f" {line.strip()}"
        else:
            if inside and line.strip():
                found.append("")
            inside = False
            found.append(line)
    return "\n".join(_fenced(found))


def _fenced(lines: list[str]) -> list[str]:
    """Examples, from ``>>>`` to the next empty line, as code."""
    found: list[str] = []
    inside = False
    for line in [*lines, ""]:
        if line.startswith(">>>") and not inside:
            found += ["", "```pycon"] if found and found[-1] else ["```pycon"]
            inside = True
        elif inside and not line.strip():
            found.append("```")
            inside = False
        found.append(line)
    return found[:-1]


try:
    from griffe import Extension  # pyright: ignore[reportMissingImports]
except ImportError:  # where no site is built
    Extension = object  # type: ignore[assignment, misc]


class Fielded(Extension):  # pyright: ignore[reportGeneralTypeIssues]
    """For mkdocstrings: every docstring through ``as_markdown``."""

    def on_object(self, *, obj: Any, **rest: Any) -> None:
        """Called by griffe for each object that it has read."""
        if obj.docstring is not None:
            obj.docstring.value = as_markdown(obj.docstring.value)
