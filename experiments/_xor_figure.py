"""The figure of ``xor_with_sigmoid``: above who learns it, below one seed's hidden nodes and the surface that it moves on."""

from typing import TYPE_CHECKING, Any

import numpy as np

from experiments._report import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILION

if TYPE_CHECKING:
    from matplotlib.figure import Figure

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

    figure = Figure(figsize=(11, 7), layout="constrained")
    rows: Any = figure.subfigures(2, 1, hspace=0.04)
    above, below = rows
    curves, without, with_node = above.subplots(1, 3, width_ratios=(1.6, 1, 1))
    _curves(curves, found)
    for k, axis in enumerate((without, with_node)):
        _heat(axis, found, k)
    with_node.set(ylabel="")
    below.suptitle(
        "One seed, 1000 epochs: the way of each pattern through the hidden outputs (red: target or answer 0, blue: 1), "
        "and the way of sigmoid's weights over E",
        fontsize=9,
    )
    axes = below.subplots(1, 4)
    _hidden(axes[0], found["hidden"]["sigmoid"], "sigmoid")
    _hidden(axes[1], found["hidden"]["sigmoid, bias"], "sigmoid, bias")
    _hidden(axes[2], found["hidden"]["tanh"], "tanh")
    _surface(axes[3], found["surface"])
    for axis in (curves, without, with_node, *axes):
        axis.title.set_fontsize(10)
    return figure


def _curves(axis: Any, found: dict[str, Any]) -> None:
    for name, (colour, style) in SHOWN.items():
        unsolved, low, high = 100 * (1 - np.array(found["arms"][name]["curve"]))
        axis.step(found["at"], unsolved, where="post", color=colour, linestyle=style, linewidth=1.5, label=name)
        axis.fill_between(found["at"], high, low, step="post", color=colour, alpha=0.2, linewidth=0)
    axis.axvline(1000, color=GREY, linewidth=0.8)
    axis.annotate(
        "the article's 1000", (1000, 101), (-3, 0), textcoords="offset points", ha="right", va="bottom", fontsize=8
    )
    axis.set(
        xscale="log", xlim=(1, found["epochs"]), ylim=(-2, 109), xlabel="epochs", ylabel="per cent have learnt XOR"
    )
    axis.legend(frameon=False, fontsize=8, loc="center left", handlelength=1.2, borderaxespad=0.2)


def _heat(axis: Any, found: dict[str, Any], bias: int) -> None:
    shares = 100 * np.array(found["grid"][bias])
    axis.imshow(shares, vmin=0, vmax=130, cmap="Blues", aspect="auto")
    for (y, x), share in np.ndenumerate(shares):
        axis.text(x, y, f"{share:.0f}%", ha="center", va="center", fontsize=9, color="white" if share > 60 else BLACK)
    axis.set(
        xticks=range(len(found["rates"])),
        xticklabels=[f"{rate:g}" for rate in found["rates"]],
        xlabel="learning rate N",
    )
    axis.set(yticks=range(len(found["ranges"])), yticklabels=[f"{a:g}, {b:g}" for a, b in found["ranges"]])
    axis.set(ylabel="ranges of the weights", title=f"sigmoid, {'bias' if bias else 'no bias'}: by 1000 epochs")
    axis.tick_params(length=0)


def _hidden(axis: Any, of: dict[str, Any], name: str) -> None:
    """Where the four patterns go in the square of the two hidden outputs, and the line between the answers 0 and 1."""
    hidden = np.array(of["hidden"])
    low = -1.0 if name == "tanh" else 0.0
    edge = np.linspace(low, 1, 201)
    h1, h2 = np.meshgrid(edge, edge)
    w1, w2, level = of["line"]
    axis.contourf(h1, h2, w1 * h1 + w2 * h2 - level, levels=(-1e9, 0, 1e9), colors=COLOURS, alpha=0.15)
    for k, pattern in enumerate(PATTERNS):
        colour = COLOURS[TARGETS[k]]
        axis.plot(*hidden[:, k].T, color=colour, linewidth=1)
        axis.plot(*hidden[-1, k], "o", color=colour, markersize=12)
        axis.annotate(pattern, hidden[-1, k], ha="center", va="center", fontsize=7, color="white")
    room = 0.06 * (1 - low)
    axis.set(xlim=(low - room, 1 + room), ylim=(low - room, 1 + room), xticks=(low, 1), yticks=(low, 1))
    axis.set(xlabel="$h_1$", title=f"hidden nodes: {name}")
    axis.set_ylabel("$h_2$", labelpad=-6)


def _surface(axis: Any, of: dict[str, Any]) -> None:
    surface = np.array(of["surface"])
    levels = np.linspace(0.3, 1.0, 29)
    axis.contourf(*of["axes"], np.clip(surface, levels[0], levels[-1]), levels=levels, cmap="Greys_r")
    lines = axis.contour(*of["axes"], surface, levels=(0.45, 0.475, 0.5, 0.55, 0.7), colors=BLACK, linewidths=0.5)
    axis.clabel(lines, fontsize=6)
    path = np.array(of["path"])
    axis.plot(*path.T, color=ORANGE, linewidth=1.5)
    axis.plot(*path[0], "o", color=ORANGE, markersize=5)
    axis.plot(*path[-1], "*", color=ORANGE, markersize=11)
    axis.set(title="E around sigmoid's path, • to ★", xlabel="the weights' main direction", ylabel="the second")
