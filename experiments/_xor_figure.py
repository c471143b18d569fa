"""The figures of ``xor_with_sigmoid``: who learns it (all of it, and the README's few curves), and one seed's hidden nodes."""

from typing import TYPE_CHECKING, Any

import numpy as np

from experiments._report import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILION

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ORDERS = {"article": "the article's order", "simultaneous": "the gradient's order"}
SHOWN = {
    "tanh": (BLUE, "-"),
    "tanh, bias": (SKY, "-"),
    "sigmoid, bias, N = 2": (ORANGE, "-"),
    "sigmoid, bias": (VERMILION, "-"),
    "sigmoid, wide range, N = 2": (GREEN, "--"),
    "sigmoid, N = 2": (PURPLE, "--"),
    "sigmoid": (BLACK, "-"),
}
COLOURS = (VERMILION, BLUE)  # of the patterns with target 0 and 1
PATTERNS = ("00", "01", "10", "11")
TARGETS = (0, 1, 1, 0)


def plot(found: dict[str, Any]) -> "Figure":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 10), layout="constrained")
    rows: Any = figure.subfigures(3, 1, hspace=0.03, height_ratios=(1.05, 0.95, 1))
    for axis, order in zip(rows[0].subplots(1, 2, sharey=True), ORDERS, strict=True):
        _curves(axis, found, order)
    _heat_maps(rows[1], found)
    rows[2].suptitle(
        f"Seed {found['other']['seed']}: the way of each pattern through the two hidden outputs (red: target or answer 0, blue: 1), "
        "and of sigmoid's weights over E",
        fontsize=9,
    )
    axes = rows[2].subplots(1, 5)
    for axis, (name, of) in zip(axes, found["other"]["hidden"].items(), strict=False):
        _hidden(axis, of, name)
    _surface(rows[2], axes[4], found["other"]["surface"])
    return figure


def plot_readme(found: dict[str, Any]) -> "Figure":
    """Five curves, named where they end."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.5, 4.2), layout="constrained")
    axis = figure.subplots()
    own, gradient = (found["arms"][order] for order in ORDERS)
    shown = (
        (own["tanh"], BLUE, "-", "tanh instead of sigmoid"),
        (own["sigmoid, bias"], ORANGE, "-", "sigmoid, with a bias node\non the hidden layer"),
        (own["sigmoid"], VERMILION, "-", "sigmoid, as in the article"),
        (gradient["sigmoid"], BLACK, "-", "sigmoid, the same by the\ntrue gradient: none"),
    )
    at = np.array(found["at"])
    for arm, colour, style, name in shown:
        learnt, high, low = 100 * (1 - np.array(arm["curve"]))
        axis.step(at, learnt, where="post", color=colour, linestyle=style, linewidth=2.5)
        axis.fill_between(at, low, high, step="post", color=colour, alpha=0.2, linewidth=0)
        axis.annotate(
            name, (at[-1], learnt[-1]), (8, 0), textcoords="offset points", va="center", color=colour, fontsize=11
        )
    axis.axvline(1000, color=GREY, linewidth=1, linestyle=":")
    axis.annotate(
        "where the article stops", (1000, 50), (-5, 0), textcoords="offset points", ha="right", color=GREY, fontsize=10
    )
    axis.set(xscale="log", xlim=(30, found["epochs"]), ylim=(-2, 103), yticks=(0, 25, 50, 75, 100), xlabel="epochs")
    axis.set_xticks((100, 1000, 10000), ("100", "1000", "10 000"))
    axis.set_ylabel("% of 1000 networks that have learnt XOR")
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)
    return figure


def _curves(axis: Any, found: dict[str, Any], order: str) -> None:
    for name, (colour, style) in SHOWN.items():
        learnt, high, low = 100 * (1 - np.array(found["arms"][order][name]["curve"]))
        axis.step(found["at"], learnt, where="post", color=colour, linestyle=style, linewidth=1.5, label=name)
        axis.fill_between(found["at"], low, high, step="post", color=colour, alpha=0.2, linewidth=0)
    axis.axvline(1000, color=GREY, linewidth=0.8)
    axis.annotate(
        "the article's 1000", (1000, 101), (-3, 0), textcoords="offset points", ha="right", va="bottom", fontsize=8
    )
    axis.set(xscale="log", xlim=(10, found["epochs"]), ylim=(-2, 109), xlabel="epochs")
    axis.set_title(f"in {ORDERS[order]}", fontsize=10)
    if axis.get_subplotspec().is_first_col():
        axis.set_ylabel("per cent have learnt XOR")
        axis.legend(frameon=False, fontsize=8, loc="center left", handlelength=1.2, borderaxespad=0.2)


def _heat_maps(figure: Any, found: dict[str, Any]) -> None:
    other, image = found["other"], None
    axes = figure.subplots(1, 4, sharey=True)
    for axis, (order, bias) in zip(axes, ((o, b) for b in (0, 1) for o in ORDERS), strict=True):
        shares = 100 * np.array(found["grid"][order][bias])
        image = axis.imshow(shares, vmin=0, vmax=100, cmap="Blues", aspect="auto")
        for (y, x), share in np.ndenumerate(shares):
            axis.text(
                x, y, f"{share:.0f}%", ha="center", va="center", fontsize=9, color="white" if share > 55 else BLACK
            )
        axis.set_xticks(range(len(other["rates"])), [f"{rate:g}" for rate in other["rates"]])
        axis.set_yticks(range(len(other["ranges"])), other["ranges"])
        axis.set_xlabel("learning rate N")
        axis.set_title(f"sigmoid, {'bias' if bias else 'no bias'}, {ORDERS[order]}", fontsize=10)
        axis.tick_params(length=0)
    axes[0].set_ylabel("ranges of the initial weights")
    figure.colorbar(image, ax=axes, label="% learnt by 1000 epochs", pad=0.01)


def _hidden(axis: Any, of: dict[str, Any], name: str) -> None:
    """Where the four patterns go in the square of the two hidden outputs, and the line between the answers 0 and 1."""
    hidden = np.array(of["hidden"])
    low = -1.0 if name == "tanh" else 0.0
    edge = np.linspace(low, 1, 201)
    h1, h2 = np.meshgrid(edge, edge)
    w1, w2, level = of["line"]
    axis.contourf(h1, h2, w1 * h1 + w2 * h2 - level, levels=(-1e9, 0, 1e9), colors=COLOURS, alpha=0.15)
    labels = apart(hidden[-1], 0.16 * (1 - low))
    for k, pattern in enumerate(PATTERNS):
        colour = COLOURS[TARGETS[k]]
        axis.plot(*hidden[:, k].T, color=colour, linewidth=1)
        axis.plot(*zip(hidden[-1, k], labels[k], strict=True), color=colour, linewidth=0.8)
        axis.plot(*hidden[-1, k], "o", color=colour, markersize=3)
        axis.plot(*labels[k], "o", color=colour, markersize=12)
        axis.annotate(pattern, labels[k], ha="center", va="center", fontsize=7, color="white")
    room = 0.2 * (1 - low)
    axis.set(xlim=(low - room, 1 + room), ylim=(low - room, 1 + room), xticks=(low, 1), yticks=(low, 1), aspect="equal")
    axis.set(xlabel="$h_1$")
    axis.set_title(f"{name},\n{of['epochs']} epochs", fontsize=9)
    axis.set_ylabel("$h_2$", labelpad=-6)


def apart(points: np.ndarray, distance: float) -> np.ndarray:
    """Places for the labels of points, none nearer to another than ``distance``.

    >>> places = apart(np.zeros((3, 2)), 1.0)
    >>> bool(min(np.linalg.norm(places[i] - places[k]) for i in range(3) for k in range(i)) >= 0.999)
    True
    """
    places = points + 1e-3 * distance * np.array([[np.cos(a), np.sin(a)] for a in 0.7 + 2.4 * np.arange(len(points))])
    for _ in range(500):
        moved = False
        for i in range(len(places)):
            for k in range(i):
                way = places[i] - places[k]
                size = float(np.linalg.norm(way))
                if size < distance:
                    push = (distance * 1.001 - size) / 2 * way / size
                    places[i], places[k], moved = places[i] + push, places[k] - push, True
        if not moved:
            break
    return places


def _surface(figure: Any, axis: Any, of: dict[str, Any]) -> None:
    surface = np.array(of["surface"])
    levels = np.linspace(0.3, 1.0, 29)
    image = axis.contourf(*of["axes"], np.clip(surface, levels[0], levels[-1]), levels=levels, cmap="Greys_r")
    axis.contour(*of["axes"], surface, levels=(0.45, 0.475, 0.5, 0.55, 0.7), colors=BLACK, linewidths=0.5)
    path = np.array(of["path"])
    axis.plot(*path.T, color=ORANGE, linewidth=1.5)
    axis.plot(*path[0], "o", color=ORANGE, markersize=5)
    axis.plot(*path[-1], "*", color=ORANGE, markersize=11)
    axis.set(xlabel="the weights' main direction", ylabel="the second")
    axis.set_title("sigmoid, gradient's order:\nE around the path, • to ★", fontsize=9)
    figure.colorbar(image, ax=axis, label="E", ticks=(0.3, 0.5, 1.0), pad=0.02)
