"""The pictures drawn by Matplotlib, for a paper: vectors, fonts embedded, and the same bytes from the same study."""

import io
import textwrap
from collections.abc import Callable, Sequence
from typing import Any

from bpnn_jax.ablation.report import style
from bpnn_jax.ablation.report.pictures import Picture
from bpnn_jax.ablation.report.rows import MOMENTUM, RATE
from bpnn_jax.errors import InputError

try:
    from matplotlib import rc_context
    from matplotlib.axes import Axes
    from matplotlib.backends.backend_pdf import PdfPages
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
except ImportError as error:
    raise InputError("figures for a paper stand on Matplotlib; for these pip install 'bpnn-jax[report]'") from error

WIDTH = 6.5  # inches: the text of a letter or A4 page
LABEL = 36  # letters of an arm's name on a line
LINES = ("-", (0, (5, 1.5)), (0, (1, 1.2)), (0, (5, 1.5, 1, 1.5)))  # beside the colours, for a black and white printer
STYLE: dict[Any, Any] = {
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "legend.fontsize": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "grid.linewidth": 0.4,
    "grid.color": "#dddddd",
    "pdf.fonttype": 42,  # TrueType, which publishers ask for
}


def pdf(pictures: Sequence[Picture]) -> bytes:
    r"""A PDF with a page for each picture, as wide as a paper's text: ``\includegraphics[page=2]{figures.pdf}``."""
    file = io.BytesIO()
    with rc_context(STYLE), PdfPages(file, metadata={"CreationDate": None, "Title": "Figures"}) as pages:
        for picture in pictures:
            pages.savefig(_drawn(picture))
    return file.getvalue()


def figure(picture: Picture) -> Figure:
    """A Matplotlib figure of a picture."""
    with rc_context(STYLE):
        return _drawn(picture)


def _drawn(picture: Picture) -> Figure:
    return _FIGURES[picture.kind](picture)


def _survival(picture: Picture) -> Figure:
    return _curves(picture, "unsolved", "steps-post", "not yet solved", _shares)


def _loss(picture: Picture) -> Figure:
    low, high = picture.span(("median", "low", "high"))
    low, high = low / 1.2, high * 1.2

    def logarithmic(axes: Axes) -> None:
        axes.set_yscale("log")
        axes.set_ylim(low, high)
        axes.minorticks_off()
        axes.set_yticks(style.log_ticks(low, high), [f"{tick:g}" for tick in style.log_ticks(low, high)])

    return _curves(picture, "median", "default", "error E", logarithmic)


def _shares(axes: Axes) -> None:
    axes.set_ylim(0, 1.02)
    axes.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")


def _curves(picture: Picture, value: str, steps: Any, label: str, shape: Callable[[Axes], Any]) -> Figure:
    where = picture.panels
    columns = min(len(where.panels), 3 if len(where.panels) > 8 else 2)
    lines = -(-len(where.panels) // columns)
    long = sum(map(len, where.series)) > 60
    top = 0 if len(where.series) == 1 else 0.17 * (len(where.series) if long else 1) + 0.1
    drawn = Figure(figsize=(WIDTH, top + (2.6 if lines == 1 else 1.55 * lines + 0.3)), layout="constrained")
    grid = drawn.subplots(lines, columns, sharex=True, sharey=True, squeeze=False).ravel()
    styles = {
        name: {
            "color": style.CATEGORIES[k % len(style.CATEGORIES)],
            "linestyle": LINES[k % len(LINES)],
            "linewidth": 1.2,
        }
        for k, name in enumerate(where.series)
    }
    for panel, axes in zip(where.panels, grid, strict=False):
        for series in where.series:
            rows = [row for row in picture.rows if (row["panel"], row["series"]) == (panel, series)]
            if not rows:
                continue
            columns_of = {key: _column(rows, key) for key in ("epoch", value, "low", "high")}
            epochs, middle, low, high = columns_of.values()
            step = "post" if steps == "steps-post" else None
            axes.plot(epochs, middle, drawstyle=steps, **styles[series])
            axes.fill_between(
                epochs,
                low,
                high,
                step=step,
                color=styles[series]["color"],
                alpha=style.band(len(where.series)),
                linewidth=0,
            )
        axes.set_title(panel, loc="left")
        axes.grid(True)
        axes.set_xlim(0, picture.limit)
        axes.locator_params(axis="x", nbins=5)
        shape(axes)
    for axes in grid[len(where.panels) :]:
        axes.set_visible(False)
    for k, axes in enumerate(grid[: len(where.panels)]):
        if k % columns == 0:
            axes.set_ylabel(label)
        if k + columns >= len(where.panels):  # the lowest of its column
            axes.set_xlabel("epoch")
            axes.tick_params(labelbottom=True)
    if len(where.series) > 1:
        keys = [Line2D([], [], **styles[name]) for name in where.series]
        drawn.legend(
            keys,
            where.series,
            title=where.colour or None,
            loc="outside upper left",
            ncols=1 if long else len(where.series),
            frameon=False,
            alignment="left",
        )
    return drawn


def _differences(picture: Picture) -> Figure:
    arms = list(dict.fromkeys(row["arm"] for row in picture.rows))
    kinds = list(dict.fromkeys(row["kind"] for row in picture.rows))
    lines = max(len(textwrap.wrap(arm, LABEL)) for arm in arms)
    drawn = Figure(figsize=(WIDTH, 0.8 + (0.07 + 0.12 * lines) * len(arms)), layout="constrained")
    grid = drawn.subplots(1, len(kinds), sharey=True, squeeze=False).ravel()
    for kind, axes in zip(kinds, grid, strict=True):
        axes.axvline(0, color="#555555", linewidth=0.7, linestyle=(0, (4, 3)))
        for row in picture.rows:
            if row["kind"] == kind:
                at, colour = arms.index(row["arm"]), style.CLEAR if row["clear"] else style.UNCLEAR
                axes.plot((row["low"], row["high"]), (at, at), color=colour, linewidth=1.2)
                face = colour if row["clear"] else "white"
                axes.plot(row["effect"], at, "o", markersize=4, color=colour, markerfacecolor=face, markeredgewidth=0.9)
        axes.set_title(textwrap.fill(kind, 18), loc="left")
        axes.grid(True, axis="y")
        axes.tick_params(axis="y", length=0)
        axes.locator_params(axis="x", nbins=3)
    grid[0].set_yticks(range(len(arms)), [textwrap.fill(arm, LABEL) for arm in arms], linespacing=0.95)
    grid[0].set_ylim(len(arms) - 0.5, -0.5)
    return drawn


def _success(picture: Picture) -> Figure:
    return _heat(picture, "success", "solved", "{:.0%}", (0, 1), style.HEAT)


def _epochs(picture: Picture) -> Figure:
    return _heat(picture, "epochs", "epochs to solve", "{:,.0f}", picture.span(("epochs",)), f"{style.HEAT}_r")


def _heat(picture: Picture, value: str, label: str, written: str, ends: tuple[float, float], colours: str) -> Figure:
    panels = list(dict.fromkeys(row["panel"] for row in picture.rows))
    rates, momenta = (sorted({row[field] for row in picture.rows}, key=float) for field in (RATE, MOMENTUM))
    columns = min(len(panels), 2)
    lines = -(-len(panels) // columns)
    drawn = Figure(figsize=(WIDTH, 0.6 + lines * (0.45 + 0.24 * len(rates))), layout="constrained")
    grid = drawn.subplots(lines, columns, sharex=True, sharey=True, squeeze=False).ravel()
    small = max(len(momenta) * columns, len(rates)) <= 14
    image: Any = None
    for panel, axes in zip(panels, grid, strict=False):
        cells = [[float("nan")] * len(momenta) for _ in rates]
        for row in (row for row in picture.rows if row["panel"] == panel):
            i, k, share = rates.index(row[RATE]), momenta.index(row[MOMENTUM]), row[value]
            cells[i][k] = float("nan") if share is None else share
            if small:
                bright = share is not None and (share - ends[0] > 0.55 * (ends[1] - ends[0])) != colours.endswith("_r")
                word = "–" if share is None else written.format(share)
                axes.text(k, i, word, ha="center", va="center", fontsize=7, color="black" if bright else "white")
        edges = [k - 0.5 for k in range(len(momenta) + 1)], [i - 0.5 for i in range(len(rates) + 1)]
        image = axes.pcolormesh(
            *edges, cells, cmap=colours, vmin=ends[0], vmax=ends[1], edgecolors="white", linewidth=0.3
        )
        axes.set_facecolor(style.EMPTY)
        axes.set_title(panel, loc="left")
    for axes in grid[len(panels) :]:
        axes.set_visible(False)
    for k, axes in enumerate(grid[: len(panels)]):
        axes.set_xticks(range(len(momenta)), momenta)
        axes.set_yticks(range(len(rates)), rates)
        if k % columns == 0:
            axes.set_ylabel("learning rate")
        if k + columns >= len(panels):
            axes.set_xlabel("momentum")
            axes.tick_params(labelbottom=True)
    bar: Any = drawn.colorbar(
        image, ax=list(grid), label=label, shrink=0.9, format=lambda tick, _: written.format(tick)
    )
    bar.solids.set(rasterized=False, edgecolor="face")  # vectors here too, without seams
    return drawn


def _column(rows: list[dict[str, Any]], key: str) -> list[float]:
    return [float("nan") if row[key] is None else row[key] for row in rows]


_FIGURES: dict[str, Callable[[Picture], Figure]] = {
    "survival": _survival,
    "differences": _differences,
    "success": _success,
    "epochs": _epochs,
    "loss": _loss,
}
