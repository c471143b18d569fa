"""The pages: links led to what is on the site, formulas as MathML, notebooks as Markdown, source files with numbered lines."""

import json
import posixpath
import re
from pathlib import Path
from typing import Any

from docs.play import build
from docs.site.configuration import files, page_of

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
LINK = re.compile(r"(?<=\])\(([^()\s]+)\)")
CODE = re.compile(r"(^```.*?^```|``[^`]+``|`[^`\n]+`)", re.DOTALL | re.MULTILINE)
DISPLAY = re.compile(r"^\$\$\n?(.*?)\n?\$\$", re.DOTALL | re.MULTILINE)
INLINE = re.compile(r"\$([^$\n]+)\$")
TAG = re.compile(r"\\tag\{(\d+)\}")
PICTURES = (".png", ".svg")
FORMULAS = ("derivation.md", "derivation.zh.md")  # elsewhere a $ is a dollar
LANGUAGES = {".py": "python", ".c": "c", ".json": "json"}
CSS = """.equation { display: flex; justify-content: center; gap: 2em; overflow-x: auto; margin: 1em 0; }
math { font-size: 1.1em; font-family: "STIX Two Math", "Latin Modern Math", "Cambria Math", math; }
.md-typeset pre { overflow-x: auto; }
"""


class Site:
    """What is collected while the pages are read: each file by its name on the site."""

    def __init__(self) -> None:
        self.found: dict[str, str | bytes] = {}

    def led(self, page: str, file: Path, target: str) -> str:
        """Where a link of ``file``, which is on the site as ``page``, leads there; what it leads to is brought along."""
        name, _, anchor = target.partition("#")
        if "://" in target or not name:
            return target
        there = (file.parent / name).resolve()
        relative = there.relative_to(ROOT)
        known = {(DOCS / f).resolve(): page_of(f) for f in files()}
        known |= {ROOT / "README.md": "index.md", build.PAGE: "play.html"}
        if there in known:
            goal = known[there]
        elif there.suffix in PICTURES:
            goal = f"pictures/{relative.name}"
            self.found[goal] = there.read_bytes()
        elif there.is_dir():
            goal = self.folder(there)
        elif there.suffix == ".md":
            goal = f"source/{relative}"
            if goal not in self.found:
                self.found[goal] = ""  # so that pages that lead to each other end
                self.found[goal] = self.page(goal, there)
        else:
            goal = self.source(there)
            anchor = re.sub(r"^L(\d+)$", r"L-1-\1", anchor)
        return posixpath.relpath(goal, posixpath.dirname(page) or ".") + (f"#{anchor}" if anchor else "")

    def source(self, file: Path) -> str:
        """A source file as a page with numbered lines."""
        relative = file.relative_to(ROOT)
        goal = f"source/{relative}.md"
        text = file.read_text("utf-8")
        fence = "`" * (3 + max((len(run) for run in re.findall("`{3,}", text)), default=0))
        self.found[goal] = f'# {relative}\n\n{fence}{LANGUAGES.get(file.suffix, "text")} linenums="1"\n{text}{fence}\n'
        return goal

    def folder(self, folder: Path) -> str:
        """A list of a folder's files."""
        relative = folder.relative_to(ROOT)
        goal = f"source/{relative}/index.md"
        names = sorted(f.name for f in folder.iterdir() if not f.name.startswith(("_", ".")))
        self.found[goal] = f"# {relative}\n\n" + "\n".join(f"- `{name}`" for name in names) + "\n"
        return goal

    def page(self, page: str, file: Path) -> str:
        """A page's text for the site."""
        text = notebook(json.loads(file.read_text("utf-8"))) if file.suffix == ".ipynb" else file.read_text("utf-8")
        parts = CODE.split(text)  # code is every second part
        if file.name in FORMULAS:
            parts[::2] = [formulas(part) for part in parts[::2]]
        joined = "".join(parts)
        outside = re.split(r"(^```.*?^```)", joined, flags=re.DOTALL | re.MULTILINE)
        outside[::2] = [LINK.sub(lambda m: f"({self.led(page, file, m[1])})", part) for part in outside[::2]]
        return "".join(outside)


def all_of_them() -> dict[str, str | bytes]:
    """Every page, picture and source file, by its name on the site."""
    site = Site()
    for file in files():
        site.found[page_of(file)] = site.page(page_of(file), (DOCS / file).resolve())
    site.found["play.html"] = build.PAGE.read_bytes()
    site.found["extra.css"] = CSS
    return site.found


def formulas(text: str) -> str:
    """LaTeX between dollars as MathML.

    >>> formulas("with $a$")
    'with <math display="inline"><mrow><mi>a</mi></mrow></math>'
    """

    def shown(match: re.Match[str]) -> str:
        tag = TAG.search(match[1])
        number = f"<span>({tag[1]})</span>" if tag else ""
        return f'<div class="equation">{_safe(build.mathml(TAG.sub("", match[1]), "en"))}{number}</div>'

    text = DISPLAY.sub(shown, text)
    return INLINE.sub(lambda m: _safe(build.mathml(m[1], "en")).replace('display="block"', 'display="inline"', 1), text)


def _safe(mathml: str) -> str:
    """The characters that Markdown and its tables act upon, written as HTML has them."""
    return re.sub(r"[|*_\\]", lambda m: f"&#{ord(m[0])};", " ".join(mathml.split()))


def notebook(content: dict[str, Any]) -> str:
    """A notebook's cells, with the outputs that it keeps: results as they show themselves."""
    lines: list[str] = []
    for cell in content["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            lines += [text, ""]
            continue
        lines += ["```python", text, "```", ""]
        for output in cell["outputs"]:
            data = output.get("data", {})
            if "text/html" in data:
                lines += ["".join(data["text/html"]), ""]
            elif "text/plain" in data or "text" in output:
                lines += ["```text", "".join(data.get("text/plain", output.get("text", ""))).rstrip(), "```", ""]
    return "\n".join(lines)
