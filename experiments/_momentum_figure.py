"""The figure of ``momentum``: above the quadratic, below the networks."""

from typing import TYPE_CHECKING, Any

import numpy as np

from experiments import _quadratic
from experiments._report import BLACK, BLUE, GREEN, GREY, VERMILION

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = {"sgd": BLACK, "previous-gradient": GREEN, "heavy-ball": BLUE, "nesterov": VERMILION}
TICKS = (100, 300, 1000, 3000)
LIMIT = 3000  # epochs, where no run was solved
NAMES = {
    "sgd": "no momentum",
    "previous-gradient": "previous gradient",
    "heavy-ball": "heavy ball",
    "nesterov": "Nesterov",
}


def plot(found: dict[str, Any]) -> "Figure":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(14, 6.8), layout="constrained")
    rows: Any = figure.subfigures(2, 1, hspace=0.04)
    above = rows[0].subplots(1, 5)
    quadratic = found["other"]["quadratic"]
    _maps(rows[0], above[:3], quadratic)
    _conditions(above[3], quadratic)
    _diverging(above[4], found["diverging"])
    below = rows[1].subplots(1, len(found["networks"]) + 1)
    for axis, (name, task) in zip(below, found["networks"].items(), strict=False):
        _curves(axis, name, task["curves"], found["effective"])
    below[0].set_ylabel("epochs to solve (mean up to 3000)")
    _best(below[-1], found["comparisons"])
    for axis in (*above, *below):
        axis.title.set_fontsize(10)
    return figure


def _maps(figure: "Figure", axes: Any, found: dict[str, Any]) -> None:
    """Measured rates as colours, the exact border as a line."""
    step, share = np.array(found["step"]), np.array(found["share"])
    mesh: Any = None
    for axis, (rule, rate) in zip(axes, found["rate"].items(), strict=True):
        mesh = axis.pcolormesh(step, share, rate, vmin=0, vmax=2, cmap="PuOr_r", shading="nearest", rasterized=True)
        axis.plot(_quadratic.border(rule, share), share, color=BLACK, linewidth=1.5)
        article = rule == "previous-gradient"
        axis.set(
            xticks=range(5), xlim=(step[0], step[-1]), ylim=(share[0], share[-1]), title=f"quadratic: {NAMES[rule]}"
        )
        axis.set(xlabel="Nλ" if article else "ηλ", ylabel="M/N" if article else "μ")
    figure.colorbar(mesh, ax=axes, label="measured rate per step", shrink=0.9, pad=0.01)


def _conditions(axis: Any, found: dict[str, Any]) -> None:
    kappa = found["conditions"]
    for rule, of in found["best"].items():
        colour = COLOURS[rule]
        axis.plot(kappa, 1 - np.array(of["exact"]), color=colour, linewidth=1)
        axis.plot(kappa, 1 - np.array(of["measured"]), "o", color=colour, markersize=5, label=NAMES[rule])
    axis.set(xscale="log", yscale="log", xlabel="condition κ", ylabel="1 − rate", title="best: exact (lines), measured")
    axis.legend(frameon=False, fontsize=8)


def _curves(axis: Any, name: str, curves: dict[str, Any], effective: list[float]) -> None:
    for k, (rule, of) in enumerate(curves.items()):
        at = np.array(effective) * 1.03 ** (k - 1.5)  # side by side
        mean = {key: np.array([m[key] if m else LIMIT for m in of]) for key in ("value", "low", "high")}
        bars = np.stack([mean["value"] - mean["low"], mean["high"] - mean["value"]])
        axis.errorbar(at, mean["value"], bars, fmt="o-", color=COLOURS[rule], markersize=2.5, linewidth=1, elinewidth=1)
    axis.set(xscale="log", yscale="log", xlabel="N+M, or η/(1−μ)", title=name)
    axis.set(ylim=(90, 3500), yticks=TICKS, yticklabels=[str(tick) for tick in TICKS])
    axis.set(xticks=(0.1, 1, 10), xticklabels=("0.1", "1", "10"))
    axis.minorticks_off()
    axis.grid(color=GREY, alpha=0.2)
    if axis.get_subplotspec().is_first_col():
        axis.text(
            0.05,
            0.04,
            "three quarters of the rate\nfrom momentum; colours as above",
            transform=axis.transAxes,
            fontsize=8,
        )


def _best(axis: Any, comparisons: dict[str, Any]) -> None:
    names = list(comparisons)[::-1]
    for y, name in enumerate(names):
        for k, (rule, of) in enumerate(comparisons[name].items()):
            c = of["each at its best"]
            bars = [[c["effect"] - c["low"]], [c["high"] - c["effect"]]]
            axis.errorbar(
                c["effect"], y + 0.2 - 0.2 * k, xerr=bars, fmt="o", color=COLOURS[rule], markersize=4, linewidth=1.2
            )
    axis.axvline(0, color=GREY, linewidth=0.8, zorder=0)
    labels = [name.replace(", ", "\n") for name in names]
    axis.set(yticks=range(len(names)), xlabel="epochs (left: faster)", title="each at its best: rule − none")
    axis.set_yticklabels(labels, fontsize=8)


def _diverging(axis: Any, found: dict[str, Any]) -> None:
    for rule, of in found.items():
        momenta = [float(m) for m in of["shift"]]
        effect, low, high = (np.array([s[key] for s in of["shift"].values()]) for key in ("effect", "low", "high"))
        axis.errorbar(
            momenta, effect, np.stack([effect - low, high - effect]), fmt="o", color=COLOURS[rule], markersize=5
        )
        fine = np.linspace(0, 1, 101)
        axis.plot(fine, _quadratic.border(rule, fine) / 2, color=COLOURS[rule], linewidth=1)
    axis.set(xlabel="μ, or M/N", ylabel="border, over plain descent's", title="XOR diverges (line: quadratic)")
