"""The figure of ``hidden_bias``."""

from typing import TYPE_CHECKING, Any

import numpy as np

from experiments._report import BLACK, BLUE, GREY, ORANGE, VERMILION

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot(found: dict[str, Any]) -> "Figure":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12.5, 4.6), layout="constrained")
    left, middle, right = figure.subplots(1, 3, width_ratios=(1, 1, 1.15))
    _seeds(left, found["article"])
    _success(middle, found["studies"])
    _table(right, found["represents"])
    for axis in (left, middle, right):
        axis.title.set_fontsize(10)
    return figure


def _seeds(axis: Any, found: dict[str, Any]) -> None:
    """How many seeds have a difference up to here."""
    for what, colour in (("as in the article", BLUE), ("paired", VERMILION)):
        of = found[what]
        d = np.sort(of["differences"])
        axis.step(d, 100 * np.arange(1, len(d) + 1) / len(d), color=colour, label=what, linewidth=1.5)
        seed0 = of["seed 0"][1] - of["seed 0"][0]
        axis.plot(seed0, 100 * np.searchsorted(d, seed0, "right") / len(d), "o", color=colour, markersize=6)
    axis.axvline(0, color=GREY, linewidth=0.8)
    axis.set(xlabel="error with the node − error without", ylabel="per cent of seeds up to here")
    axis.set_xscale("symlog", linthresh=1e-3)
    axis.set_xticks(
        [-0.1, -0.01, -0.001, 0, 0.001, 0.01], ["−0.1", "−0.01", "−0.001", "0", "0.001", "0.01"], fontsize=8
    )
    axis.minorticks_off()
    axis.set_title("NAND: the article's comparison (• seed 0)")
    axis.legend(frameon=False, fontsize=9)


def _success(axis: Any, studies: dict[str, Any]) -> None:
    names = list(studies)[::-1]
    for y, name in enumerate(names):
        for k, colour in enumerate((BLACK, ORANGE)):
            for column, shift in (("best", 0.12), ("fixed", -0.18)):
                rate = studies[name][column]["success"][k]
                value, low, high = (100 * rate[key] for key in ("value", "low", "high"))
                axis.errorbar(
                    value,
                    y + shift + 0.05 - 0.1 * k,
                    xerr=[[max(0, value - low)], [max(0, high - value)]],
                    fmt="o",
                    color=colour,
                    markerfacecolor=colour if column == "best" else "white",
                    markersize=5,
                    label=("without the node", "with it")[k] if y == 0 and column == "best" else None,
                )
        if y and name.partition(",")[0] != names[y - 1].partition(",")[0]:
            axis.axhline(y - 0.5, color=GREY, linewidth=0.6)
    axis.set(yticks=range(len(names)), yticklabels=names, xlim=(-4, 104), xlabel="per cent learn it")
    axis.set_title("success: best rate (filled), fixed rate")
    axis.legend(frameon=False, fontsize=8, loc="upper left")
    axis.grid(axis="x", color=GREY, alpha=0.2)


def _table(axis: Any, found: dict[str, Any]) -> None:
    rows = [(kind, switch, of[switch]) for kind, of in found.items() for switch in ("without", "with")]
    hidden, encoders = list(rows[0][2]["gates"]), list(rows[0][2]["encoders"])
    columns = [f"gates,\nH = {h}" for h in hidden] + [f"{n}-2-{n}" for n in encoders]
    for y, (_, _, of) in enumerate(rows):
        cells = [(of["gates"][h] / 16, f"{of['gates'][h]}/16") for h in hidden]
        cells += [(float(of["encoders"][n] > 0), "yes" if of["encoders"][n] else "no") for n in encoders]
        for x, (share, text) in enumerate(cells):
            axis.add_patch(_box(x, y, share))
            axis.text(x, y, text, ha="center", va="center", fontsize=9)
    axis.set(
        xlim=(-0.5, len(columns) - 0.5),
        ylim=(len(rows) - 0.5, -0.5),
        xticks=range(len(columns)),
        yticks=range(len(rows)),
    )
    axis.set_xticklabels(columns, fontsize=8)
    axis.set_yticklabels([f"{kind},\n{switch}" for kind, switch, _ in rows], fontsize=9)
    axis.tick_params(length=0)
    axis.set_title("what one run or more learnt")


def _box(x: int, y: int, share: float) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((x - 0.48, y - 0.46), 0.96, 0.92, facecolor=BLUE, alpha=0.1 + 0.5 * share, linewidth=0)
