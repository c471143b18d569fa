"""docs/experiments.md from the committed results: what stands between its markers, and only that.

python -m experiments.page                  prints the blocks
python -m experiments.page --write-page     writes them into docs/experiments.md, which is committed
"""

import json
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro

from experiments._common import RESULTS
from experiments.published import report
from experiments.what_matters import repeated
from experiments.what_matters import report as choices

PAGE = Path(__file__).resolve().parents[1] / "docs" / "experiments.md"
NAMES = (
    "what_matters",
    "activation",
    "hidden_bias",
    "momentum",
    "xor_with_sigmoid",
    "update_order",
    "code_recogniser",
    "depth",
    "published",
)
WIDTH = 132


@dataclass(frozen=True)
class Options:
    """What to do with the blocks."""

    write_page: bool = False
    """Write them into docs/experiments.md."""


def blocks(folder: Path = RESULTS) -> dict[str, str]:
    """Marker and text, in the page's order."""
    found = {}
    for name in NAMES:
        of = json.loads((folder / f"{name}.json").read_text())
        found[name] = block(of)
        if name == "what_matters":
            found["what_matters screen"] = choices.screen(of)
            again = json.loads((folder / "what_matters.repeated.json").read_text())
            found["what_matters repeated"] = _wrapped(repeated.sentence(again))
        if name == "published":
            found["published tables"] = report.table(of)
            found["published sources"] = _wrapped(report.sources(of), "  ")
    return found


def block(found: dict[str, Any]) -> str:
    """Question, answer, what is held fixed, and all details."""
    details = [_quoted(f"- {line}") for line in found["details"].splitlines()]
    return "\n".join(
        [
            _wrapped(f"*{found['question']}*"),
            "",
            _quoted(f"**{found['answer']}**"),
            "",
            _wrapped(found["held_fixed"]),
            "",
            "<details><summary>All that was computed</summary>",
            "",
            *details,
            "",
            "</details>",
        ]
    )


def _wrapped(text: str, indent: str = "", prefix: str = "") -> str:
    lines = (
        textwrap.wrap(line, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
        for line in text.splitlines()
    )
    return "\n".join(f"{prefix}{line}" for wrapped in lines for line in wrapped)


def _quoted(text: str) -> str:
    return _wrapped(text, "  " if text.startswith("- ") else "", "> ")


def filled(page: str, found: dict[str, str]) -> str:
    r"""The page with each text between its two markers.

    >>> filled("a <!-- x --> old <!-- end of x --> b", {"x": "new"})
    'a <!-- x -->\n\nnew\n\n<!-- end of x --> b'
    """
    for name, text in found.items():
        begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
        if page.count(begin) != 1 or page.count(end) != 1:
            raise ValueError(f"expected one {begin} and one {end} in the page")
        page = page[: page.index(begin) + len(begin)] + f"\n\n{text}\n\n" + page[page.index(end) :]
    return page


def main(options: Options) -> None:
    found = blocks()
    if options.write_page:
        PAGE.write_text(filled(PAGE.read_text(), found))
    else:
        print("\n\n".join(found.values()))


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
