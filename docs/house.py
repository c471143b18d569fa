"""The rooms of bpnn_jax and manual, who may import whom, and the drawing and table of docs/architecture.md made from that."""

import ast
from pathlib import Path
from typing import NamedTuple

from docs.links import between

ROOT = Path(__file__).resolve().parents[1]
BEGIN, END = "<!-- python -m docs --write writes from here -->", "<!-- to here -->"


class Room(NamedTuple):
    """What a room is, the rooms that it may import, and where it stands in the drawing (x of its middle, row from the top)."""

    what: str
    may: tuple[str, ...]
    x: int
    row: int


COMPUTING = ("errors", "_runtime", "manual", "network", "rules")
# From the bottom up: a room imports only rooms that stand before it.
ROOMS = {
    "errors": Room("InputError and the sentences of what is refused", (), 330, 6),
    "manual": Room("the derivation", (), 330, 5),
    "_runtime": Room("cores, files, compile cache, XLA option, progress", ("errors", "manual"), 700, 6),
    "network": Room("JAX's own forward pass and error", ("errors", "_runtime"), 570, 5),
    "rules": Room("momentum rules as optax has them", ("errors", "_runtime"), 815, 5),
    "statistics": Room("estimates and intervals", ("errors",), 740, 2),
    "audit": Room("checks anybody's gradient", ("errors",), 105, 4),
    "choice": Room("what a user may say of a table", (), 105, 5),
    "patterns": Room("named sets, readers of files and tables", ("errors", "_runtime", "choice"), 570, 4),
    "training": Room("train, train_many, the loops", COMPUTING, 330, 4),
    "storage": Room("networks in files", ("errors", "_runtime", "network", "patterns"), 915, 3),
    "export": Room("networks for other programs", ("errors", "_runtime", "network", "patterns"), 915, 2),
    "settings": Room("Run: every field of a training", (*COMPUTING, "training", "patterns"), 560, 3),
    "sklearn": Room("scikit-learn's estimators", (*COMPUTING, "training", "patterns", "settings"), 200, 1),
    "article": Room("the article's settings, its numbers", (*COMPUTING, "training", "patterns"), 310, 3),
    "verify": Room("the ladder of checks", (*COMPUTING, "training", "patterns", "article", "audit"), 250, 2),
    "ablation": Room(
        "studies and their report",
        (*COMPUTING, "training", "patterns", "settings", "statistics", "verify", "choice"),
        500,
        1,
    ),
    "commands": Room(
        "bpnn: cli.py, a file per command",
        (
            *COMPUTING,
            *("training", "patterns", "settings", "statistics", "verify", "ablation", "article", "audit", "storage"),
            "export",
            "choice",
        ),
        770,
        0,
    ),
}
BOX, STEP, TOP, WIDTH = (190, 52), 92, 20, 1020


def room(module: str) -> str:
    """The room that a module of ``bpnn_jax`` or ``manual`` is in.

    >>> room("bpnn_jax.training._one"), room("bpnn_jax.errors"), room("manual.rules"), room("bpnn_jax")
    ('training', 'errors', 'manual', '')
    """
    parts = module.split(".")
    name = "manual" if parts[0] == "manual" else parts[1] if len(parts) > 1 else ""
    return "commands" if name == "cli" else name


def arrows() -> dict[tuple[str, str], list[str]]:
    """Every (from, to) pair of rooms with an import, lazy ones too, and the files that have it."""
    found: dict[tuple[str, str], list[str]] = {}
    for file in sorted([*(ROOT / "manual").rglob("*.py"), *(ROOT / "bpnn_jax").rglob("*.py")]):
        here = room(".".join(file.relative_to(ROOT).with_suffix("").parts))
        if here in ("__init__", "__main__"):  # the face is lazy and lists what it shows
            continue
        for module in _imported(ast.parse(file.read_text("utf-8"))):
            there = room(module)
            if there and there != here:
                found.setdefault((here, there), []).append(str(file.relative_to(ROOT)))
    return found


def _imported(tree: ast.Module) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == "bpnn_jax":
            found |= {f"bpnn_jax.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return {module for module in found if module.split(".")[0] in ("manual", "bpnn_jax")}


def inserted(page: str) -> str:
    """The page with the table of rooms between its two markers."""
    return between(page, BEGIN, END, table())


def table() -> str:
    """Each room, the topmost first, with what it may import."""
    lines = ["| room | what it is | may import |", "|---|---|---|"]
    for name, found in reversed(ROOMS.items()):
        lines.append(f"| `{name}` | {found.what} | {', '.join(f'`{r}`' for r in found.may) or 'nothing of ours'} |")
    return "\n".join(lines) + "\n"


def needed() -> list[tuple[str, str]]:
    """The arrows of the drawing: those that do not follow from others, and none from or to ``errors`` and ``_runtime``.

    >>> ("ablation", "verify") in needed(), ("ablation", "training") in needed()
    (True, False)
    """
    everywhere = {"errors", "_runtime"}
    below = {name: set(found.may) - everywhere for name, found in ROOMS.items() if name not in everywhere}
    return [
        (name, other)
        for name, others in below.items()
        for other in sorted(others)
        if not any(other in below[between] for between in others)
    ]


def svg() -> str:
    """The rooms in rows, an arrow from each to what it imports."""
    height = TOP + 6 * STEP + BOX[1] + 20
    marker = (
        '<defs><marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M 0 0 L 10 5 L 0 10 z" fill="#555555"/></marker></defs>'
    )
    parts = [_arrow(*pair) for pair in needed()]
    parts += [_box(name, found) for name, found in ROOMS.items()]
    parts += [
        _free(190, 0, "experiments, benchmarks", "import manual, and what an __init__ lists"),
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img">\n'
        "<title>The rooms of bpnn_jax and manual: an arrow leads from a room to what it imports, always down</title>\n"
        "<style>text { font: bold 14px Arial, Helvetica, sans-serif; } .s { font: 11.5px Arial, Helvetica, sans-serif; }</style>\n"
        f'{marker}\n<rect width="{WIDTH}" height="{height}" fill="white"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def _box(name: str, found: Room) -> str:
    fill = (
        "#fdf1dc"
        if name == "manual"
        else "#e4f0f8"
        if found.may and set(found.may) <= {"errors", "_runtime"}
        else "#f4f4f4"
    )
    return _free(found.x, found.row, name, found.what, fill, "")


def _free(x: int, row: int, name: str, what: str, fill: str = "white", dash: str = ' stroke-dasharray="5 4"') -> str:
    y = TOP + row * STEP
    wide = max(BOX[0], 6 * len(what) + 14)
    return (
        f'<rect x="{x - wide / 2:g}" y="{y}" width="{wide}" height="{BOX[1]}" rx="6" fill="{fill}" stroke="#333333"{dash}/>'
        f'<text x="{x}" y="{y + 21}" text-anchor="middle">{name}</text>'
        f'<text class="s" x="{x}" y="{y + 40}" text-anchor="middle">{what}</text>'
    )


def _arrow(above: str, below: str) -> str:
    a, b = ROOMS[above], ROOMS[below]
    y1, y2 = TOP + a.row * STEP + BOX[1], TOP + b.row * STEP
    shift = max(-60, min(60, (b.x - a.x) // 4))  # arrows to the sides leave from the sides
    return f'<line x1="{a.x + shift}" y1="{y1}" x2="{b.x - shift // 2}" y2="{y2 - 1}" stroke="#555555" marker-end="url(#tip)"/>'
