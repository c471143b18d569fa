"""Why does XOR not train with the article's sigmoid network, and does with tanh?

A reader below the article found it so. Here both are trained from the same seeds with the article's settings: 2-2-1, a bias node
among the inputs and none on the hidden layer, online, previous-gradient momentum, 1000 epochs.

    python -m experiments.xor_with_sigmoid            half a minute; writes experiments/results/xor_with_sigmoid.{json,png}
    python -m experiments.xor_with_sigmoid --quick    seconds, fewer seeds, writes nowhere unless --out says so
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro
from rich.progress import track

from bpnn_jax import Network, load_patterns, predict, train

QUESTION = "Why does XOR not train with the article's sigmoid network, and does with tanh?"
EPOCHS = 1000
ACTIVATIONS = ("sigmoid", "tanh")
RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Options:
    """How many seeds, and where to write."""

    seeds: int = 1000
    quick: bool = False
    """20 seeds, no figure."""
    out: Path | None = None
    """Folder for the results; by default experiments/results."""


def compute(seeds: int) -> dict:
    """Error curves and the number of networks that answer all four patterns right, for each activation."""
    xor = load_patterns("xor")
    grid = np.linspace(-0.25, 1.25, 61)
    plane = np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 2)
    found: dict = {"epochs": EPOCHS, "seeds": seeds, "grid": grid.tolist()}
    for name in ACTIVATIONS:
        network = Network((2, 2, 1), name, hidden_bias=False)
        runs = [train(network, xor.x, xor.t, epochs=EPOCHS, seed=s) for s in track(range(seeds), name)]
        solved = [bool((abs(predict(network, r.weights, xor.x) - xor.t) < 0.5).all()) for r in runs]
        curves = np.array([r.history[:, 1] for r in runs])
        typical = int(np.argsort(curves[:, -1])[seeds // 2])
        found[name] = {
            "solved": int(sum(solved)),
            "quantiles": _short(np.quantile(curves, (0.1, 0.5, 0.9), axis=0)),
            "surface": _short(predict(network, runs[typical].weights, plane).reshape(grid.size, grid.size)),
        }
    return found


def _short(numbers: np.ndarray) -> list:
    """Six digits are plenty for a picture."""
    return [[float(f"{n:.6g}") for n in row] for row in numbers]


def answer(found: dict) -> str:
    shares = [f"{name} {found[name]['solved']} of {found['seeds']}" for name in ACTIVATIONS]
    return f"After {found['epochs']} epochs XOR is answered right by: {', '.join(shares)}."


def plot(found: dict, path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 3, figsize=(11, 3.4), width_ratios=(1.25, 1, 1), layout="constrained")
    colours = {"sigmoid": "#c0392b", "tanh": "#1f6fb2"}
    for name in ACTIVATIONS:
        low, middle, high = np.array(found[name]["quantiles"])
        epochs = np.arange(middle.size)
        axes[0].plot(
            epochs, middle, color=colours[name], label=f"{name}: {found[name]['solved']} of {found['seeds']} solve it"
        )
        axes[0].fill_between(epochs, low, high, color=colours[name], alpha=0.2, linewidth=0)
    axes[0].set(yscale="log", xlabel="epoch", ylabel="E, half the squared error")
    axes[0].set_title("median of all seeds, and 10% to 90%", fontsize=10)
    axes[0].legend(frameon=False, fontsize=9, loc=(0.33, 0.52))
    edges = (found["grid"][0], found["grid"][-1])
    for axis, name in zip(axes[1:], ACTIVATIONS, strict=True):
        surface = np.array(found[name]["surface"])
        axis.imshow(surface, origin="lower", extent=edges * 2, vmin=0, vmax=1, cmap="RdBu", interpolation="bilinear")
        axis.contour(surface, levels=[0.5], extent=edges * 2, colors="black", linewidths=1.2)
        for x1, x2 in ((0, 0), (0, 1), (1, 0), (1, 1)):
            axis.plot(x1, x2, "o", markersize=11, markerfacecolor="white", markeredgecolor="black")
            axis.annotate(str(x1 ^ x2), (x1, x2), ha="center", va="center", fontsize=8)
        axis.set_title(f"what a typical {name} network answers", fontsize=10)
        axis.set(xlabel="$x_1$", xticks=(0, 1), yticks=(0, 1))
    axes[1].set_ylabel("$x_2$")
    figure.colorbar(axes[1].images[0], ax=axes[1:], shrink=0.9, label="output", pad=0.02)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main(options: Options) -> dict:
    found = compute(20 if options.quick else options.seeds)
    print(QUESTION, answer(found), sep="\n")
    folder = options.out or (None if options.quick else RESULTS)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / "xor_with_sigmoid.json"
        file.write_text(json.dumps(found))
        plot(json.loads(file.read_text()), folder / "xor_with_sigmoid.png")
    return found


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
