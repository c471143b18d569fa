"""``python -m docs`` says which pages are out of date; ``python -m docs --write`` brings them up to date.

Each kind has a module of its own: links to a function lead to its line (``docs.links``); the derivation's worked pass has the numbers
that ``manual`` computes (``docs.worked_pass``) and its drawing (``docs.drawing``); the architecture's table and drawing are those that
a test compares with the imports (``docs.house``); the page that ``bpnn play`` opens is one file made of its sources (``docs.play``).
"""

import sys
from pathlib import Path

from docs import drawing, house, links, worked_pass
from docs.play import build

ROOT = Path(__file__).resolve().parents[1]


def made() -> dict[Path, str]:
    """Every page and drawing as it should be, by its path."""
    pages = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
    found = {page: links.to_lines(page, page.read_text("utf-8")) for page in pages}
    for name, inserted in (("derivation.md", worked_pass.inserted), ("architecture.md", house.inserted)):
        found[ROOT / "docs" / name] = inserted(found[ROOT / "docs" / name])
    drawings = {ROOT / "docs" / "network.svg": drawing.svg(), ROOT / "docs" / "house.svg": house.svg()}
    return {**found, **drawings, build.PAGE: build.page(found[ROOT / "docs" / "derivation.md"])}


def stale() -> dict[Path, str]:
    """What differs from what is there."""
    return {path: text for path, text in made().items() if not path.is_file() or path.read_text("utf-8") != text}


def main(arguments: list[str]) -> int:
    """The exit status: 1 if something is out of date and was not written."""
    if arguments not in ([], ["--write"]):
        print("usage: python -m docs [--write]", file=sys.stderr)
        return 2
    changed = stale()
    for path, text in changed.items():
        if arguments:
            path.write_text(text, "utf-8")
        print(f"{path.relative_to(ROOT)}: {'written' if arguments else 'out of date, run python -m docs --write'}")
    return 1 if changed and not arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
