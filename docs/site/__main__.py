"""``python -m docs.site FOLDER`` puts what MkDocs builds into FOLDER; ``--check FOLDER`` looks for requests in the HTML."""

import re
import shutil
import sys
from pathlib import Path

from docs.site import configuration, pages, reference

# What a browser fetches by itself: scripts, styles, pictures and frames from another host.
FETCHED = re.compile(
    r"<(?:script|img|iframe|source)\b[^>]*\bsrc=[\"']?(?:https?:)?//|<link\b[^>]*\bhref=[\"']?(?:https?:)?//|@import\s+url"
)
PREFETCHED = re.compile(r"<link\b[^>]*\brel=[\"']?(?:canonical|prev|next|alternate)\b[^>]*>")  # named, and not fetched


def assemble(folder: Path) -> int:
    """Write the sources of the site; how many files."""
    shutil.rmtree(folder, ignore_errors=True)
    found: dict[str, str | bytes] = {**pages.all_of_them(), **reference.all_of_them()}
    for name, content in found.items():
        path = folder / "pages" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    (folder / "mkdocs.yml").write_text(configuration.text(), "utf-8")
    return len(found)


def foreign(folder: Path) -> list[str]:
    """Every place of the built site that would ask another server for something."""
    return [
        f"{file.relative_to(folder)}: {match[0][:100]}"
        for file in sorted(folder.rglob("*.html"))
        for match in FETCHED.finditer(PREFETCHED.sub("", file.read_text("utf-8")))
    ]


def main(arguments: list[str]) -> int:
    """The exit status: 1 if the site would ask another server."""
    if len(arguments) == 2 and arguments[0] == "--check":
        found = foreign(Path(arguments[1]))
        print("\n".join(found) or "no page asks another server for anything")
        return 1 if found else 0
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print("usage: python -m docs.site FOLDER | --check FOLDER", file=sys.stderr)
        return 2
    print(f"{assemble(Path(arguments[0]))} files in {arguments[0]}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
