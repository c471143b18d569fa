"""The figures of ``what_matters``: which choice matters, and what each is worth."""

from typing import TYPE_CHECKING, Any

import numpy as np

from experiments._report import BLUE, GREY, ORANGE, VERMILION
from experiments.what_matters.effects import varied
from experiments.what_matters.table import AT_ARTICLE, AT_BEST

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TICKS = (-100, -10, -1, 0, 1, 10, 100)  # points


def shares(found: dict[str, Any]) -> "Figure":
    """A row per task, a column per factor: its share of the variance, with its interactions and alone."""
    from matplotlib.figure import Figure

    tasks, factors = list(found["tasks"]), varied(found)
    figure = Figure(figsize=(2.4 * len(factors) + 1.5, 0.42 * len(tasks) + 1.7), layout="constrained")
    axes = np.atleast_1d(figure.subplots(1, len(factors), sharey=True))
    least = 100 * min(
        share["low"]
        for of in found["tasks"].values()
        for f in of["factors"].values()
        for share in (f["total"], f["alone"])
    )
    for axis, factor in zip(axes, factors, strict=True):
        for y, task in enumerate(tasks):
            of = found["tasks"][task]["factors"].get(factor)
            if of is not None:
                _point(axis, y, of["total"], BLUE, "o", "with its interactions" if y == 0 else None)
                _point(axis, y + 0.28, of["alone"], ORANGE, "s", "alone" if y == 0 else None)
        axis.set(xlim=(least - 3, 103), xticks=(0, 25, 50, 75, 100), ylim=(len(tasks) - 0.4, -0.5))
        axis.set_title(factor, fontsize=11)
        axis.grid(axis="x", color=GREY, alpha=0.25)
    labels = [f"{task} ({100 * of['scatter']:.1f})" for task, of in found["tasks"].items()]
    axes[0].set(yticks=range(len(tasks)), yticklabels=labels)
    figure.supxlabel(
        "share of the variance among the kinds of network, %, with its 95% interval (how far they scatter, in points)",
        fontsize=10,
    )
    figure.suptitle("Which choice matters?", fontsize=13)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper right", ncols=2, frameon=False, fontsize=9)
    return figure


def worth(found: dict[str, Any]) -> "Figure":
    """A row per task, a column per choice: what it adds beside the article's others, and with the others at their best."""
    from matplotlib.figure import Figure

    tasks, choices = list(found["tasks"]), list(found["over tasks"])
    columns = min(4, len(choices))
    rows = -(-len(choices) // columns)
    figure = Figure(figsize=(3 * columns + 1.2, rows * (0.3 * (len(tasks) + 2) + 1.1) + 0.6), layout="constrained")
    axes = np.atleast_1d(figure.subplots(rows, columns, sharex=True, sharey=True)).ravel()
    for axis, words in zip(axes, choices, strict=False):
        entries = [(task, found["worth"][task].get(words)) for task in tasks] + [
            (f"mean of {kind}", of) for kind, of in found["over tasks"][words].items()
        ]
        for y, (_, of) in enumerate(entries):
            if of is not None:
                for view, shift, colour, mark, label in (
                    (AT_ARTICLE, 0.14, VERMILION, "D", "with the article's other choices"),
                    (AT_BEST, -0.14, BLUE, "o", "with the others at their best"),
                ):
                    value = {"value": of[view]["effect"], **{k: of[view][k] for k in ("low", "high")}}
                    _point(axis, y + shift, value, colour, mark, label if y == 0 else None)
        axis.axvline(0, color="black", linewidth=0.8)
        axis.set_xscale("symlog", linthresh=1)
        axis.set_xlim(-130, 130)
        axis.set_xticks(TICKS, [f"{tick:+d}" if tick else "0" for tick in TICKS])
        axis.axhline(len(tasks) - 0.5, color=GREY, linewidth=0.6)
        axis.set_title(words, fontsize=9)
        axis.grid(axis="x", color=GREY, alpha=0.25)
        axis.set(yticks=range(len(entries)), yticklabels=[name for name, _ in entries], ylim=(len(entries) - 0.4, -0.6))
        axis.tick_params(labelsize=8)
    for axis in axes[len(choices) :]:
        axis.set_visible(False)
    figure.supxlabel(
        "points of networks that solve the task, or of held-out accuracy, with the 95% interval (logarithmic beyond ±1)",
        fontsize=10,
    )
    figure.suptitle("What is a choice worth?", fontsize=13)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper right", ncols=2, frameon=False, fontsize=9)
    return figure


def _point(axis: Any, y: float, of: dict[str, Any], colour: str, mark: str, label: str | None) -> None:
    value, low, high = (100 * of[key] for key in ("value", "low", "high"))
    axis.plot((low, high), (y, y), color=colour, linewidth=1.6, solid_capstyle="butt")
    axis.plot(value, y, mark, color=colour, markersize=4.5, label=label)
