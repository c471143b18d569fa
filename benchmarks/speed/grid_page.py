"""The grid on a terminal, as JSON, and in docs/speed.md: a table, a heat map of the ratios, and cost against size."""

import json
import math
import textwrap
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from benchmarks.speed import grid
from benchmarks.speed.grid import BATCHES, MANY, SIZES, Measured
from benchmarks.speed.machine import machine, versions
from benchmarks.speed.page import between
from bpnn_jax import progress_bar

BEGIN, END = '<!-- make bench ARGS="--grid --write-page" writes from here -->', "<!-- the grid ends here -->"
COLUMNS = (
    "sizes",
    "mode",
    "networks",
    "cores",
    "rule",
    "dtype",
    "engine",
    "ours",
    "peer",
    "its time",
    "ratio",
    "by CPU",
    "compile",
)
ROUNDS, SECONDS, QUICK = 3, 0.2, (2, 0.05)
ALLOWED = 1.05  # of the best peer: above, a cell is named
PAGE_WIDTH = 130  # of prose in the page
WIDTH = 140  # columns of the table where the output is no terminal


def run(
    sizes: Sequence[str], quick: bool, rounds: int | None, seconds: float | None, files: Sequence[Path], page: Path
) -> int:
    """Measure, print, write the rows to ``files``; the page and its pictures where one of these is the committed one."""
    usual = QUICK if quick else (ROUNDS, SECONDS)
    chosen = grid.narrowed(sizes, quick)
    floor = grid.multiply_adds_per_ns()
    with progress_bar("measuring") as update:
        found = grid.run(chosen, rounds or usual[0], seconds or usual[1], lambda what: update(None, None, what))
    console = Console(highlight=False)
    show(found, console if console.is_terminal else Console(width=WIDTH, highlight=False))
    whole = as_json(found, floor)
    for file in files:
        file.write_text(json.dumps(whole, indent=1) + "\n", "utf-8")
        if file.name == "grid.json" and file.parent.name == "results":
            page.write_text(between(page, BEGIN, END, markdown(whole)), "utf-8")
            draw(whole, file.parent)
    return int(any(why.startswith("failed") for row in found for why in row.told.values()))


def as_json(found: Sequence[Measured], floor: float) -> dict:
    return {
        "rows": [asdict(row) for row in found],
        "multiply_adds_per_ns": floor,
        "left_out": [f"{s}, {n} networks" for s in SIZES for n in MANY if not grid.fits(s, n)],
        "machine": machine(),
        "versions": versions(),
    }


def cells(row: dict) -> tuple[str, ...]:
    return (
        row["sizes"],
        row["mode"],
        str(row["networks"]),
        str(row["cores"]),
        row["rule"],
        row["dtype"],
        row["engine"],
        f"{row['ours_ns']:.0f}",
        row["peer"],
        f"{row['peer_ns']:.0f}",
        f"{row['ratio']:.2f}",
        f"{row['cpu_ratio']:.2f}",
        f"{row['compile_s']:.1f} s",
    )


def show(found: Sequence[Measured], out: Console) -> None:
    table = Table(title="Nanoseconds per pattern and network; ratio is ours / the fastest peer", title_justify="left")
    for column in COLUMNS:
        table.add_column(column)
    for row in found:
        table.add_row(*cells(asdict(row)))
    out.print(table)
    for line in summary([asdict(row) for row in found]):
        out.print(line, markup=False)


def summary(rows: Sequence[dict]) -> list[str]:
    """What the grid comes to, a line each."""
    if not rows:
        return []
    above = [row for row in rows if row["cpu_ratio"] > ALLOWED]
    small = [r["ratio"] for r in rows if r["sizes"] in SIZES[:4] and (r["mode"] == "online" or r["networks"] > 1)]
    against_c = [row for row in rows if row["peers"].get("c")]
    lines = [f"Median ratio of all {len(rows)} cells: {median(row['ratio'] for row in rows):.2f}."]
    if small:
        lines.append(f"Of the online and many-network cells up to 30-16-2: {median(small):.2f}.")
    lines.append(
        f"{len(above)} cells above {ALLOWED} by CPU time"
        + (": " + "; ".join(f"{_name(r)} {r['cpu_ratio']:.2f}" for r in above) if above else "")
        + "."
    )
    lines += [f"Beside C, {_name(r)}: {r['ours_ns'] / r['peers']['c']:.2f}." for r in against_c]
    told = {f"{peer}: {why}" for row in rows for peer, why in row["told"].items()}
    return [*lines, *sorted(told)]


def _name(row: dict) -> str:
    return ", ".join([row["sizes"], row["mode"], f"{row['networks']} networks", row["rule"], row["dtype"]])


def markdown(whole: dict) -> str:
    about, found = whole["machine"], whole["versions"]
    head = f"{about['cpu']} ({', '.join(about['vectors'])}); " + ", ".join(f"{n} {v}" for n, v in found.items()) + "."
    rows = ["| " + " | ".join(COLUMNS) + " |", "|---|---|--:|--:|---|---|---|--:|---|--:|--:|--:|--:|"]
    rows += ["| " + " | ".join(cells(row)) + " |" for row in whole["rows"]]
    left_out = f"Left out, for their memory: {'; '.join(whole['left_out'])}." if whole["left_out"] else ""
    lines = [
        textwrap.fill(f"- {line}", PAGE_WIDTH, subsequent_indent="  ")
        for line in (*summary(whole["rows"]), left_out)
        if line
    ]
    return "\n".join([head, "", *lines, "", *rows])


def draw(whole: dict, folder: Path) -> None:
    """``grid.png``, the ratios; ``grid-cost.png``, nanoseconds against weights with what the arithmetic alone would take."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot
    from matplotlib.colors import TwoSlopeNorm

    usual = [r for r in whole["rows"] if (r["cores"], r["rule"], r["dtype"]) == (1, "sgd", "float32")]
    columns = [(mode, n) for mode in BATCHES for n in MANY]
    ratios = {(r["sizes"], r["mode"], r["networks"]): r["cpu_ratio"] for r in usual}
    figure, axes = pyplot.subplots(figsize=(9, 5), layout="constrained")
    values = [[math.log2(ratios.get((s, *c), math.nan)) for c in columns] for s in SIZES]
    image = axes.imshow(values, cmap="PuOr_r", norm=TwoSlopeNorm(0, -3.5, 1), aspect="auto")
    for i, s in enumerate(SIZES):
        for j, c in enumerate(columns):
            ratio = ratios.get((s, *c))
            dark = ratio is not None and ratio < 0.25
            axes.text(
                j, i, f"{ratio:.2f}" if ratio else "-", ha="center", va="center", color="white" if dark else "black"
            )
    axes.set_xticks(range(len(columns)), [f"{mode}\n{n}" for mode, n in columns])
    axes.set_yticks(range(len(SIZES)), SIZES)
    axes.set_xlabel("mode, and networks at once")
    axes.set_title("Our time divided by the fastest peer's: below 1 is faster (one core, sgd, float32)")
    bar = figure.colorbar(image, ticks=[-3, -2, -1, 0, 1])
    bar.ax.set_yticklabels(["1/8", "1/4", "1/2", "1", "2"])
    figure.savefig(folder / "grid.png", dpi=110)
    pyplot.close(figure)

    figure, panels = pyplot.subplots(1, 3, figsize=(12, 4), sharey=True, layout="constrained")
    for panel, mode in zip(panels, BATCHES, strict=True):
        for n, marker, colour in zip(MANY, "os^", ("#0072B2", "#D55E00", "#009E73"), strict=True):
            points = sorted(
                (grid.weights(_layers(r)), r["ours_ns"]) for r in usual if (r["mode"], r["networks"]) == (mode, n)
            )
            if points:
                several = f"{n} network{'s' * (n > 1)}"
                panel.plot(*zip(*points, strict=True), marker=marker, color=colour, label=several)
        sizes = sorted({_layers(r) for r in usual}, key=grid.weights)
        floor = [grid.multiply_adds(s, BATCHES[mode]) / whole["multiply_adds_per_ns"] for s in sizes]
        panel.plot([grid.weights(s) for s in sizes], floor, color="black", linestyle=":", label="arithmetic alone")
        panel.set(xscale="log", yscale="log", xlabel="weights", title=mode)
        panel.grid(alpha=0.3)
    panels[0].set_ylabel("ns per pattern and network")
    panels[0].legend()
    figure.suptitle("What a pattern costs, by the size of the network (one core, sgd, float32)")
    figure.savefig(folder / "grid-cost.png", dpi=110)
    pyplot.close(figure)


def _layers(row: dict) -> tuple[int, ...]:
    return tuple(map(int, row["sizes"].split("-")))
