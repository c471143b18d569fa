"""The tables of docs/gpu.md from the committed measurements: ``python -m benchmarks.gpu.page [--write]``.

``python -m benchmarks.gpu --json benchmarks/results/gpu-kernel.json`` measures them anew; so do ``--layouts`` with gpu-layouts.json
and ``python -m benchmarks.gpu.generic`` with gpu-generic.json, on a machine with a GPU.
"""

import json
import sys
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.speed.page import between

ROOT = Path(__file__).resolve().parents[2]
PAGE, RESULTS = ROOT / "docs" / "gpu.md", ROOT / "benchmarks" / "results"
GENERIC = ("ours", "plain JAX, highest", "plain JAX", "PyTorch")


def read(what: str) -> dict[str, Any]:
    """The figures of ``kernel``, ``layouts`` or ``generic``."""
    return json.loads((RESULTS / f"gpu-{what}.json").read_text("utf-8"))


def table(heading: list[str], rows: list[list[str]]) -> str:
    """In Markdown; the first column to the left, the others to the right."""
    lines = [heading, ["---", *["--:"] * (len(heading) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def kernel() -> str:
    """The kernel's layouts beside the same study by ``jax.grad``, ``lax.scan`` and ``vmap``."""
    lines = read("kernel")["lines"]
    rows = []
    for line in lines:
        name = (
            f"{line['threads']} threads per network, {line['lanes']} networks per program"
            if line["threads"]
            else line["what"]
        )
        name = name.replace("1 threads", "1 thread")
        times = f"{line['rate'] / lines[0]['rate']:.1f}"
        rows.append([name, f"{1e3 * median(line['seconds']):.1f} ms", f"{line['rate']:.3g}", times])
    return table(
        ["20-8-3, 16 384 networks, 500 patterns, online", "a run", "network-updates per second", "times plain JAX"],
        rows,
    )


def layouts() -> str:
    """Network-updates per second by the number of threads that share a network."""
    rows, counts = [], (1, 2, 4, 8)
    for cell in read("layouts")["layouts"]:
        best = max(cell["rates"].values())
        rates = [cell["rates"][str(s)] for s in counts]
        said = [f"**{rate / 1e9:.1f}**" if rate == best else f"{rate / 1e9:.1f}" for rate in rates]
        rows.append(["-".join(map(str, cell["sizes"])), f"{cell['networks']:,}".replace(",", " "), *said])
    return table(["", "networks", *(f"{s} thread{'s' * (s > 1)}" for s in counts)], rows)


def generic() -> str:
    """Microseconds per update of all networks, and how far ours is from float64, by matrix products."""
    cells: dict[str, dict[str, Any]] = {}
    for line in read("generic")["lines"]:
        cells.setdefault(line["cell"].removesuffix(", 1 core, previous-gradient, float32"), {})[line["what"]] = line
    rows = [
        [
            cell,
            *(f"{by[what]['microseconds']:.0f}" for what in GENERIC),
            *(f"{by[what]['off']:.0e}" for what in GENERIC[:1] + GENERIC[2:3]),
        ]
        for cell, by in cells.items()
    ]
    return table(
        ["", "ours", "plain JAX, float32", "plain JAX as it is", "PyTorch", "ours off by", "plain off by"], rows
    )


def text() -> str:
    """The page as it should be."""
    found = PAGE.read_text("utf-8")
    for name, made in (("kernel", kernel), ("layouts", layouts), ("generic", generic)):
        found = between(PAGE, f"<!-- {name} -->", f"<!-- end of {name} -->", made(), found)
    return found


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        PAGE.write_text(text(), "utf-8")
    elif sys.argv[1:]:
        sys.exit("usage: python -m benchmarks.gpu.page [--write]")
    elif text() != PAGE.read_text("utf-8"):
        sys.exit("docs/gpu.md is out of date: run python -m benchmarks.gpu.page --write")
