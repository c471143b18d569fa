"""The figure of ``activation``: a row per kind of network, a column per task."""

from typing import TYPE_CHECKING, Any

import numpy as np

from experiments._report import BLUE, GREEN, GREY, ORANGE, VERMILION

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = {"sigmoid": VERMILION, "tanh": BLUE, "lecun": GREEN, "tanh then sigmoid": ORANGE, "sigmoid then tanh": ORANGE}
MARKS = {"node tuned": ("o", True, 0.15), "node on": ("o", False, -0.08), "article": ("x", False, -0.3)}


def plot(found: dict[str, Any]) -> "Figure":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 4.2), layout="constrained")
    axes = np.atleast_1d(figure.subplots(1, len(found["tasks"]), sharey=True))
    kinds = list(next(iter(found["tasks"].values()))["node on"])
    for axis, (task, of) in zip(axes, found["tasks"].items(), strict=True):
        for y, kind in enumerate(reversed(kinds)):
            for column, (mark, filled, shift) in MARKS.items():
                colour = COLOURS[kind.split(",")[0]]
                _point(axis, task, of["epochs"], of[column][kind], y + shift, colour, mark, filled)
        axis.set_title(task, fontsize=10)
        axis.grid(axis="x", color=GREY, alpha=0.2)
        axis.set_xlabel("right, %" if task == "code" else "epochs to solve")
        if task != "code":
            lowest = min(mean["low"] for column in MARKS for o in of[column].values() if (mean := o["mean"]))
            axis.set(xscale="log", xlim=(0.7 * lowest, 1.3 * of["epochs"]))
            ticks = [tick for tick in ((10, 100, 1000) if lowest < 30 else (300, 1000, 3000)) if lowest < 2 * tick]
            axis.set_xticks(ticks, [str(tick) for tick in ticks], fontsize=8)
            axis.minorticks_off()
            axis.axvline(of["epochs"], color=GREY, linewidth=0.8)
    axes[0].set(yticks=range(len(kinds)), yticklabels=kinds[::-1])
    figure.supxlabel(
        "Filled: best rate, hidden bias node or none as was best. Hollow: best rate, with the node. "
        "Cross: the article's rate, with the node.\nMeans up to the grey line, which nothing can be beyond.",
        fontsize=9,
    )
    return figure


def _point(
    axis: Any, task: str, limit: int, of: dict[str, Any], y: float, colour: str, mark: str, filled: bool
) -> None:
    found, scale = (of["right"], 100) if task == "code" else (of["mean"], 1)
    if found is None:  # not solved once
        found = {"value": limit, "low": limit, "high": limit}
    value, low, high = (scale * found[key] for key in ("value", "low", "high"))
    face = colour if filled or mark == "x" else "white"
    axis.errorbar(
        value,
        y,
        xerr=[[value - low], [high - value]],
        fmt=mark,
        color=colour,
        markerfacecolor=face,
        markersize=5,
        linewidth=1,
    )
