"""What is written into a page: text between markers, and links to the line of a definition: [`name`](../manual/file.py#L12)."""

import ast
import re
from functools import cache
from pathlib import Path

LINK = re.compile(r"\[`([A-Za-z_][\w.]*)`\]\(([^()\s#]+\.py)(?:#L\d+)?\)")


def to_lines(page: Path, text: str) -> str:
    """``text`` with every link to a name in a Python file leading to the line of its definition.

    Raises ValueError, with the page and the link, where the file is not there or does not define the name.

    >>> to_lines(Path(__file__), "see [`to_lines`](links.py#L1)")
    'see [`to_lines`](links.py#L11)'
    """

    def led(match: re.Match) -> str:
        name, target = match.groups()
        file = page.parent / target
        if not file.is_file():
            raise ValueError(f"{page}: expected a file for the link to {target}, got none")
        if name not in definitions(file.resolve()):
            raise ValueError(f"{page}: expected {target} to define {name}, got no such name")
        return f"[`{name}`]({target}#L{definitions(file.resolve())[name]})"

    return LINK.sub(led, text)


@cache
def definitions(file: Path) -> dict[str, int]:
    """The line of every function, class and assignment at a module's top, and of every method and field as ``Class.name``."""
    found: dict[str, int] = {}
    for node in ast.parse(file.read_text("utf-8")).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found[node.name] = node.lineno
        if isinstance(node, ast.ClassDef):
            methods = {n.name: n.lineno for n in node.body if isinstance(n, ast.FunctionDef)}
            fields = {ast.unparse(n.target): n.lineno for n in node.body if isinstance(n, ast.AnnAssign)}
            found |= {f"{node.name}.{name}": line for name, line in {**methods, **fields}.items()}
        for target in node.targets if isinstance(node, ast.Assign) else ():
            for name in ast.walk(target):
                if isinstance(name, ast.Name):
                    found[name.id] = node.lineno
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found[node.target.id] = node.lineno
    return found


def between(page: str, begin: str, end: str, text: str) -> str:
    """The page with ``text`` between its two markers, each a line of its own."""
    before, found, rest = page.partition(begin)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        raise ValueError(f"expected the lines {begin} and {end} in the page, got a page without them")
    return f"{before}{begin}\n\n{text}\n{end}{after}"
