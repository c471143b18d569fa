"""Do the published numbers of the early literature reproduce? If not, which unstated detail decides?

python -m experiments.published            half an hour; writes experiments/results/published.*
python -m experiments.published --quick    seconds
"""

from typing import Any

import numpy as np

from bpnn_jax import progress_bar
from experiments._common import Experiment, Options
from experiments._report import BLUE, GREEN, ORANGE, SKY, VERMILION, number
from experiments._runs import Runs
from experiments.published import report
from experiments.published.rows import TOO_FEW
from experiments.published.tendencies import PUBLISHED_GROWTH

QUESTION = "Do the numbers of the early literature come out again, and which detail that was left unsaid decides?"
HELD_FIXED = (
    "Held fixed: what each source states, heavy ball as the momentum, uniform initial weights, the tasks as they are usual, a limit "
    "of epochs per original. Freed, one at a time: what a source leaves open; and, marked, what it states, to see what its number "
    "depends on."
)
COLOURS = {"reproduced": BLUE, "compatible": SKY, "near": ORANGE, "not reproduced": "#a0a0a0"}
MARKS = {"reproduced": "o", "compatible": "D", "near": "s", "not reproduced": "x"}
FIRST = ("encoder", "xor-skip", "symmetry", "parity", "spirals")  # originals of the first figure
QUICK = {"seeds": 64, "keys": ("encoder", "symmetry"), "most": 1, "hidden": (2, 8), "tended": False}


def measure(options: Options) -> tuple[Runs, dict[str, Any]]:
    with progress_bar("published") as update:
        settings: dict[str, Any] = QUICK if options.quick else {}
        return report.measure(progress=update, **settings)


def answer(found: dict[str, Any]) -> str:
    """Each published number beside the 95% range of ours, under the first reading."""
    groups: dict[str, list[str]] = {verdict: [] for verdict in (*COLOURS, TOO_FEW)}
    for original in found["originals"]:
        row = original["rows"][0]
        ours = "" if row["low"] is None else f" [{row['low']:.0f}, {row['high']:.0f}]"
        memory = "†" * original["seen"].startswith("unverified")
        groups[row["verdict"]].append(f"{short_title(original['title'])}{memory} {row['published']:g}{ours}")
    said = "; ".join(f"{verdict}: {', '.join(of)}" for verdict, of in groups.items() if of)
    slope = found["chauvin"]["readings"][0]["slope"]
    return (
        "It depends on what the sources leave unsaid, and on how many runs a number stands for. Under our first reading, with 95% of "
        f"ours in brackets, {said} (†: from memory, source not seen). Chauvin's slope of "
        f"{found['chauvin']['published']['slope']:.0f} sweeps per doubling of the hidden nodes is {number(slope)} here."
    )


def short_title(title: str) -> str:
    """The task, and what tells it from the others.

    >>> short_title("two spirals, 2-5-5-5-1 with shortcuts"), short_title("parity of four bits, 4-4-1")
    ('spirals 2-5-5-5-1', 'parity of four bits')
    """
    task, _, more = title.partition(", ")
    if task == "two spirals":
        return f"spirals {more.partition(' ')[0]}"
    return task.replace("10-5-10 encoder", "encoder").replace("with eight hidden nodes", "2-8-1")


def details(found: dict[str, Any]) -> str:
    return "\n".join(found["sentences"])


def plot(found: dict[str, Any]) -> Any:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(4, 2, figsize=(11.5, 15), layout="constrained", height_ratios=(10, 10, 7, 9))
    spare = list(axes.flat)
    for original in (o for o in found["originals"] if o["key"] in FIRST):
        forest(spare.pop(0), original)
    line(spare.pop(0), found["chauvin"])
    shares(spare.pop(0), found["xor_minima"])
    ground(spare.pop(0), found["xor_minima"])
    for axis in spare:
        axis.set_visible(False)
    key(figure, axes[0, 0])
    return figure


def more(found: dict[str, Any]) -> Any:
    """The originals that the first figure has no room for, and parity's growth."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(4, 2, figsize=(11.5, 12), layout="constrained")
    spare = list(axes.flat)
    for original in (o for o in found["originals"] if o["key"] not in FIRST):
        forest(spare.pop(0), original)
    if found["tendencies"]["growth"]:
        parity(spare.pop(0), found["tendencies"]["growth"])
    for axis in spare:
        axis.set_visible(False)
    key(figure, axes[0, 0])
    return figure


def parity(axis: Any, growth: dict[str, Any]) -> None:
    bits = np.array(growth["bits"])
    low, mean, high = (2.0**bits * growth[name] for name in ("low", "epochs", "high"))
    axis.errorbar(bits, mean, [mean - low, high - mean], fmt="o-", color=BLUE, capsize=2, label="ours, tuned per size")
    published = mean[0] * PUBLISHED_GROWTH ** (bits - bits[0])
    axis.plot(bits, published, "k--", linewidth=1, label=f"{PUBLISHED_GROWTH:g} times per bit")
    axis.set(yscale="log", xlabel="bits of parity", ylabel="presentations (restricted mean)", xticks=bits)
    axis.set_title("how parity's training time grows", fontsize=10, loc="right")
    axis.legend(frameon=False, fontsize=8)


def key(figure: Any, axis: Any) -> None:
    for verdict, colour in COLOURS.items():
        axis.plot([], [], MARKS[verdict], color=colour, label=verdict)
    axis.plot([], [], "k--", linewidth=1, label="published")
    figure.legend(*axis.get_legend_handles_labels(), loc="outside upper center", ncols=5, frameon=False)


def forest(axis: Any, original: dict[str, Any]) -> None:
    """A line per reading: where 95% of such numbers are; beside its name how many runs were solved. ‡: the source rules it out."""
    rows = original["rows"]
    for at, row in enumerate(rows):
        if row["low"] is None:
            axis.text(
                0.03,
                at,
                row["verdict"],
                va="center",
                fontsize=8,
                color="#555555",
                transform=axis.get_yaxis_transform(),
            )
            continue
        colour, mark = COLOURS[row["verdict"]], MARKS[row["verdict"]]
        axis.plot((row["low"], row["high"]), (at, at), color=colour, linewidth=3, solid_capstyle="butt")
        axis.plot(np.sqrt(row["low"] * row["high"]), at, mark, color=colour, markersize=7)
    axis.axvline(rows[0]["published"], color="black", linewidth=1, linestyle="--")
    labels = [f"{row['words']}{' ‡' * row['contrary']} ({row['success']['value']:.0%})" for row in rows]
    labels[0] = f"first reading ({rows[0]['success']['value']:.0%})"
    axis.set_xscale("log")
    ticks(axis)
    axis.set(
        yticks=range(len(rows)),
        yticklabels=labels,
        ylim=(len(rows) - 0.4, -0.6),
        xlabel="epochs to solve",
    )
    axis.tick_params(axis="y", labelsize=8)
    axis.set_title(f"{original['title']}: published {rows[0]['published']:g}", fontsize=10, loc="right")


def ticks(axis: Any) -> None:
    """Plain numbers on a logarithmic x axis: the coarsest of some steps that has three ticks; of more than six every other."""
    low, high = axis.get_xlim()
    decades = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))))
    for steps in ((1, 2, 5), (1, 1.5, 2, 3, 4, 5, 6, 8), np.arange(1, 10, 0.2)):
        at = [x for decade in decades for x in np.multiply(steps, 10.0**decade) if low < x < high]
        if len(at) >= 3:
            break
    at = at[:: -(-len(at) // 6)]
    axis.set_xticks(at, [f"{x:g}" for x in at])
    axis.set_xticks([], minor=True)


def line(axis: Any, chauvin: dict[str, Any]) -> None:
    hidden, published = np.array(chauvin["hidden"]), chauvin["published"]
    steps = np.log2(hidden)
    styles = ((BLUE, "o"), (VERMILION, "s"), (GREEN, "^"))
    shown = [chauvin["readings"][0], *sorted(chauvin["readings"][1:], key=lambda r: abs(r["slope"]["value"] + 33))[:2]]
    for reading, (colour, mark) in zip(shown, styles, strict=False):
        middle = [s["value"] for s in reading["sweeps"]]
        error = [
            [s["value"] - s["low"] for s in reading["sweeps"]],
            [s["high"] - s["value"] for s in reading["sweeps"]],
        ]
        words = "first reading" if reading is chauvin["readings"][0] else reading["words"]
        slope = reading["slope"]
        label = f"{words}: {slope['value']:.0f} [{slope['low']:.0f}, {slope['high']:.0f}] per doubling"
        axis.errorbar(hidden, middle, error, fmt=mark, color=colour, capsize=2, label=label)
        axis.plot(hidden, reading["intercept"]["value"] + slope["value"] * steps, color=colour, linewidth=1)
    axis.plot(
        hidden,
        published["intercept"] + published["slope"] * steps,
        "k--",
        linewidth=1,
        label="Chauvin: 280 - 33 log2 H",
    )
    axis.set_xscale("log", base=2)
    axis.set(xlabel="hidden nodes H", ylabel="sweeps", xticks=hidden, xticklabels=hidden, ylim=(0, 900))
    axis.set_title("XOR: sweeps against hidden nodes", fontsize=10, loc="right")
    axis.legend(frameon=False, fontsize=7.5)


def shares(axis: Any, ends: list[dict[str, Any]]) -> None:
    for at, end in enumerate(ends):
        for key, offset, colour, mark in (("bad_soon", -0.15, ORANGE, "s"), ("bad", 0.15, BLUE, "o")):
            b = end[key]
            label = {"bad_soon": "after 3000 epochs", "bad": "after 30000"}[key] if at == 0 else None
            axis.plot((100 * b["low"], 100 * b["high"]), (at + offset,) * 2, color=colour, linewidth=2.5)
            axis.plot(100 * b["value"], at + offset, mark, color=colour, markersize=5, label=label)
    labels = ["U(±1), batch, η = 0.5", *(end["words"] for end in ends[1:])]
    axis.set(
        yticks=range(len(ends)),
        yticklabels=labels,
        ylim=(len(ends) - 0.4, -0.6),
        xlim=(0, 100),
        xlabel="% of runs unsolved",
    )
    axis.tick_params(axis="y", labelsize=8)
    axis.set_title("XOR 2-2-1: in the bad region", fontsize=10, loc="right")
    axis.legend(frameon=False, fontsize=8)


def ground(axis: Any, ends: list[dict[str, Any]]) -> None:
    """Gradient norm and largest weight where the unsolved runs of the first reading ended, by the error there."""
    base = ends[0]
    error = np.array(base["error"])
    down = np.array(base["smallest"]) < 0
    for chosen, colour, mark, label in (
        (~down, BLUE, "o", "no negative eigenvalue"),
        (down, VERMILION, "x", "a negative eigenvalue: still a way down"),
    ):
        if chosen.any():
            axis.plot(
                np.array(base["weight"])[chosen],
                np.array(base["gradient"])[chosen],
                mark,
                color=colour,
                label=label,
                alpha=0.7,
            )
    axis.set(yscale="log", xlabel="largest weight", ylabel="norm of the gradient")
    axis.set_title(f"the {len(error)} runs unsolved after 30000 epochs", fontsize=10, loc="right")
    axis.legend(frameon=False, fontsize=8)


EXPERIMENT = Experiment(
    "published", QUESTION, HELD_FIXED, measure, report.summarise, answer, details, {"": plot, "more": more}
)
