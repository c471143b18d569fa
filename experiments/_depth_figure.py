"""The figure of ``depth``: what a layer leaves of the delta, the first layer's delta along training, and who is solved when."""

from typing import TYPE_CHECKING, Any

import numpy as np

from experiments._report import BLUE, GREY, VERMILION

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = {"sigmoid": VERMILION, "tanh": BLUE}
STYLES = {"Glorot × 1": ("-", "o"), "Glorot × 4": ("--", "s")}  # of the two panels over epochs and over depth


def plot(found: dict[str, Any]) -> "Figure":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(14, 4.3), layout="constrained")
    factor, along, depth, epochs = figure.subplots(1, 4)
    _by_start(
        factor, found["starts"], {a: [_powers(of[s]) for s in found["starts"]] for a, of in found["factor"].items()}
    )
    factor.axhline(1, color=GREY, linewidth=0.8)
    factor.set(yscale="log", ylabel="a delta is multiplied by, per layer down")
    factor.set_title(f"before training, {found['depths'][-1]} hidden layers", fontsize=10)
    factor.legend(frameon=False, fontsize=8)
    _along(along, found)
    _over_depth(depth, found)
    deepest = found["depths"][-1]
    limit = {"value": found["limit"], "low": found["limit"], "high": found["limit"]}
    here = [arm for arm in found["arms"] if arm["depth"] == deepest]
    arms = {a: {arm["start"]: arm["epochs"] for arm in here if arm["activation"] == a} for a in COLOURS}
    _by_start(
        epochs, found["starts"], {a: [_numbers(of[s] or limit) for s in found["starts"]] for a, of in arms.items()}
    )
    epochs.set(ylabel=f"epochs to solve (mean up to {found['limit']})", ylim=(0, 1.05 * found["limit"]))
    epochs.set_title(f"{deepest} hidden layers, each at its best rate", fontsize=10)
    return figure


def _numbers(e: dict[str, Any]) -> tuple[float, float, float]:
    return e["value"], e["low"], e["high"]


def _powers(e: dict[str, Any]) -> tuple[float, ...]:
    return tuple(10**of for of in _numbers(e))


def _bars(axis: Any, at: Any, cells: list, **look: Any) -> None:
    middle, low, high = np.array(cells).T
    axis.errorbar(at, middle, np.stack([middle - low, high - middle]), capsize=2, markersize=5, **look)


def _by_start(axis: Any, starts: list[str], cells: dict[str, list]) -> None:
    for (activation, of), shift in zip(cells.items(), (-0.08, 0.08), strict=True):
        _bars(axis, np.arange(len(starts)) + shift, of, fmt="o", color=COLOURS[activation], label=activation)
    axis.set_xticks(range(len(starts)), [start.replace("Glorot ", "Glorot\n") for start in starts], fontsize=8)


def _along(axis: Any, found: dict[str, Any]) -> None:
    stops = found["other"]["stops"]
    for activation, of in found["along"].items():
        for start, (line, mark) in STYLES.items():
            if start in of:
                look = {"fmt": mark, "linestyle": line, "color": COLOURS[activation], "label": f"{activation}, {start}"}
                _bars(axis, stops, [_powers(e) for e in of[start]], **look)
    axis.set_xscale("symlog", linthresh=30, linscale=0.5)
    axis.set_xticks(stops, [str(stop) for stop in stops], fontsize=8)
    axis.minorticks_off()
    axis.set(yscale="log", xlabel="epoch", ylabel="delta of the first hidden layer")
    axis.set_title("along training", fontsize=10)
    axis.legend(frameon=False, fontsize=8)


def _over_depth(axis: Any, found: dict[str, Any]) -> None:
    shift = iter((-0.09, -0.03, 0.03, 0.09))
    for activation in COLOURS:
        for start, (line, mark) in STYLES.items():
            arms = [arm for arm in found["arms"] if (arm["activation"], arm["start"]) == (activation, start)]
            at = np.array([arm["depth"] for arm in arms]) + next(shift)
            cells = [[100 * of for of in _numbers(arm["success"])] for arm in arms]
            _bars(axis, at, cells, fmt=mark, linestyle=line, color=COLOURS[activation])
    axis.set(
        xticks=found["depths"], ylim=(-3, 103), xlabel="hidden layers", ylabel=f"% solved by epoch {found['limit']}"
    )
    axis.set_title("who is solved", fontsize=10)
