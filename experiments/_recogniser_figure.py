"""The figure of ``code_recogniser``: two confusion tables, the rate by split and by size of chunk, the rate by hidden nodes."""

from typing import Any

import numpy as np

from experiments._report import BLUE, GREEN, VERMILION

CHARACTERS = {"200": 200, "500": 500, "1k": 1000}


def plot(found: dict[str, Any]) -> Any:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(2, 2, figsize=(11, 8), layout="constrained")
    languages = found["other"]["languages"]
    if "article" in found:
        w = found["article"]["why"]
        names = [f"{k + 1}" + (" (absent)" if k == w["absent"] else "") for k in range(3)]
        table(axes[0, 0], w["confusion"], names, f"the article's run, {w['rate']:.2f}%: one language was never seen")
        sizes(axes[0, 1], found["article"]["sizes"])
    else:
        for axis in axes[0]:
            axis.set_visible(False)
    table(axes[1, 0], found["other"]["confusion"], languages, "bundled data, split by file, 8 hidden nodes")
    nodes(axes[1, 1], found["bundled"]["hidden"])
    return figure


def table(axis: Any, counts: list[list[int]], names: list[str], title: str) -> None:
    share = np.array(counts) / np.sum(counts, axis=1, keepdims=True)
    axis.imshow(share, cmap="Blues", vmin=0, vmax=1)
    for i, row in enumerate(counts):
        for k, count in enumerate(row):
            axis.text(
                k,
                i,
                f"{count}\n{share[i, k]:.0%}",
                ha="center",
                va="center",
                color="white" if share[i, k] > 0.5 else "black",
            )
    axis.set(xticks=range(len(names)), yticks=range(len(names)), xticklabels=names, yticklabels=names)
    axis.set(xlabel="largest output", ylabel="language of the chunk")
    axis.set_title(title, fontsize=10)


def sizes(axis: Any, found: dict[str, Any]) -> None:
    styles = (("in order", "#a0a0a0", "D"), ("stretches", BLUE, "o"), ("chunks", VERMILION, "s"))
    words = {
        "in order": "the article's split",
        "stretches": "other stretches of code",
        "chunks": "chunks of the same stretches",
    }
    for shift, (kind, colour, mark) in zip((-0.12, 0, 0.12), styles, strict=True):
        e = [size[kind]["within"] for size in found.values()]
        middle = np.array([100 * one["value"] for one in e])
        error = [middle - [100 * one["low"] for one in e], [100 * one["high"] for one in e] - middle]
        axis.errorbar(np.arange(len(e)) + shift, middle, error, fmt=mark, color=colour, capsize=3, label=words[kind])
    axis.set(
        xticks=range(len(found)),
        xticklabels=[CHARACTERS[name] for name in found],
        xlim=(-0.5, len(found) - 0.5),
        ylim=(60, 101),
    )
    axis.set(xlabel="characters in a chunk", ylabel="% of test chunks right")
    axis.set_title("the article's data, 500 to train and 500 to test", fontsize=10)
    axis.legend(frameon=False, fontsize=9, loc="lower right")


def nodes(axis: Any, hidden: list[dict[str, Any]]) -> None:
    for key, colour, mark, label in (
        ("training", GREEN, "^", "training"),
        ("largest", BLUE, "o", "held-out files"),
    ):
        middle = np.array([100 * h[key]["value"] for h in hidden])
        error = [middle - [100 * h[key]["low"] for h in hidden], [100 * h[key]["high"] for h in hidden] - middle]
        axis.errorbar([h["nodes"] for h in hidden], middle, error, fmt=f"{mark}-", color=colour, capsize=3, label=label)
    axis.set_xscale("log", base=2)
    at = [h["nodes"] for h in hidden]
    axis.set(xticks=at, xticklabels=at, xlabel="hidden nodes", ylabel="% right by the largest output")
    axis.set_title("bundled data, 100 epochs", fontsize=10)
    axis.legend(frameon=False, fontsize=9, loc="lower right")
