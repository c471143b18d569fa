"""What does it cost that the article moves the output weights before it computes the hidden deltas?

Equation (9) wants the weights of before the step. The article's program has moved the output weights by then, so its step is no
gradient of anything. With f the activation, a_j a hidden output and no momentum, its hidden delta is δ_j - N f'_j a_j Σ_k δ_k², and
what it has over and above (9) pushes every hidden node further from 0. Both orders are trained from the same seeds, with the
article's momentum 0.1 and initial weights, with the bias node on the hidden layer and without it (the article has none). The angle
is that between the first step and the gradient, from the certificate of each arm: a median of 16 seeds.

    python -m experiments.update_order            four minutes; writes experiments/results/update_order.*
    python -m experiments.update_order --quick    seconds, fewer seeds, writes nowhere unless --out says so
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from bpnn_jax.ablation import Run, Study
from experiments._common import Experiment, Options, run
from experiments._report import (
    BLUE,
    GREEN,
    GREY,
    INTERVALS,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
    difference,
    holds,
    percent,
)
from experiments._runs import (
    Family,
    Runs,
    epochs_apart,
    every,
    mean_epochs,
    of_study,
    success,
    success_apart,
    success_interaction,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

QUESTION = "What does it cost that the article moves the output weights before it computes the hidden deltas?"
HELD_FIXED = (
    "Held fixed: online in file order, previous-gradient momentum 0.1, initial weights from ±0.2 and ±2, targets 0 and 1 for tanh "
    "too, learnt = every output within 0.4 by 4000 epochs. Freed: the bias node on the hidden layer, the learning "
    "rate, the function, "
    "the task."
)
ORDERS = ("simultaneous", "article")
ARTICLE_RATE, EPOCHS, SEEDS = 0.5, 4000, 1000
NODE = {False: "without the node", True: "with the node"}
# Task and activation, and the colour of its line.
TASKS = {
    "nand, sigmoid": BLUE,
    "xor, sigmoid": ORANGE,
    "parity-3, sigmoid": SKY,
    "encoder-8, sigmoid": PURPLE,
    "xor, tanh": VERMILION,
    "parity-3, tanh": GREEN,
}
SHOWN = ("xor, sigmoid", "parity-3, sigmoid", "parity-3, tanh")  # in the answer
RATES = (0.0625, 0.125, 0.25, 0.5, 1.0)
QUICK_TASKS, QUICK_RATES, QUICK_SEEDS = ("nand, sigmoid",), (0.25, 0.5), 32


def measure(options: Options) -> tuple[Runs, dict[str, Any]]:
    quick = options.quick
    names, rates = (QUICK_TASKS, QUICK_RATES) if quick else (tuple(TASKS), RATES)
    parts, angles, verdicts = [], {}, {}
    for name in names:
        task, activation = name.split(", ")
        study = Study(
            task,
            vary={"order": ORDERS, "hidden_bias": tuple(NODE), "learning_rate": rates},
            base=Run(activation=activation),  # type: ignore[arg-type]
            seeds=QUICK_SEEDS if quick else SEEDS,
            epochs=EPOCHS,
        )
        results = run(study, options, name)
        parts.append(of_study(results, ("order", "hidden_bias", "learning_rate"), name=name))
        certificates = [(arm.run, results.certificates[arm.name]) for arm in study.arms]
        angles[name] = {
            words: [c.angle for r, c in certificates if r.order == "article" and r.hidden_bias is node]
            for node, words in NODE.items()
        }
        verdicts[name] = sorted({c.verdict for _, c in certificates})
    return Runs.joined(parts), {"rates": list(rates), "angles": angles, "verdicts": verdicts}


def summarise(runs: Runs, other: dict[str, Any]) -> dict[str, Any]:
    family, tasks = Family(), {}
    rates = other["rates"]
    for name in runs.values("name"):
        tasks[name] = {}
        arms = {
            (order, node, rate): runs.where(name=name, order=order, hidden_bias=node, learning_rate=rate)
            for order in ORDERS
            for node in NODE
            for rate in rates
        }
        for node, words in NODE.items():
            base = [arms["simultaneous", node, rate] for rate in rates]
            tasks[name][words] = {
                "success": [success(arm, EPOCHS) for arm in base],
                "epochs": [mean_epochs(arm, EPOCHS) for arm in base],
            }
            for rate in rates:
                pair = arms["article", node, rate], arms["simultaneous", node, rate]
                family.add(success_apart(*pair, EPOCHS), name, words, "success", f"{rate:g}")
                family.add(epochs_apart(*pair, EPOCHS), name, words, "epochs", f"{rate:g}")
        for rate in rates:
            without, with_node = ((arms["simultaneous", n, rate], arms["article", n, rate]) for n in NODE)
            family.add(success_interaction((without, with_node), EPOCHS), name, "interaction", "success", f"{rate:g}")
    seeds = len(runs.values("seed"))
    angles = other["angles"]
    return {"seeds": seeds, "rates": rates, "tasks": tasks, "angles": angles, "comparisons": family.corrected()}


def answer(found: dict[str, Any]) -> str:
    at = f"{ARTICLE_RATE:g}"
    shown = [name for name in SHOWN if name in found["tasks"]] or list(found["tasks"])
    parts = []
    for name in shown:
        of = found["comparisons"][name]
        without, with_node = (difference(of[words]["success"][at], 1, 100) for words in NODE.values())
        parts.append(f"{name} {without} points without the node and {with_node} with it")
    return (
        "It depends on the bias node on the hidden layer, on the task and on the learning rate, in size and in sign. "
        "At the article's "
        f"rate its order, against the gradient's, changes success by {EPOCHS} epochs on {'; '.join(parts)}. Over all "
        "rates it changes "
        f"success by between {_extremes(found)} points."
    )


def details(found: dict[str, Any]) -> str:
    rates, at = found["rates"], f"{ARTICLE_RATE:g}"
    k, c = rates.index(ARTICLE_RATE), found["comparisons"]
    angles = [found["angles"][name][words][k] for name in found["tasks"] for words in NODE.values()]
    lines = [
        f"At the article's rate {at} the first step is {min(angles):.2f} to {max(angles):.2f} degrees off the "
        "gradient, and the angle "
        "is in proportion to the rate."
    ]
    for words in NODE.values():
        parts = []
        for name, task in found["tasks"].items():
            mean, epochs = task[words]["epochs"][k], c[name][words].get("epochs", {}).get(at)
            of = "" if epochs is None else f" and {difference(epochs)} epochs"
            of += "" if epochs is None or mean is None else f" of {mean['value']:.0f}"
            parts.append(
                f"{name} {difference(c[name][words]['success'][at], 1, 100)} points of {percent(task[words]['success'][k])}{of}"
            )
        lines.append(
            f"{words.capitalize()}, {found['seeds']} seeds, article minus simultaneous at rate {at}: {'; '.join(parts)}."
        )
    both = [f"{name} {difference(of['interaction']['success'][at], 1, 100)}" for name, of in c.items()]
    lines.append(
        f"Interaction, the order's effect on success with the node minus that without, in points: {'; '.join(both)}."
    )
    everything = every(c)
    lines.append(
        f"Of {len(everything)} comparisons {sum(map(holds, everything))} stand after Holm's correction: a small angle "
        "does not mean a "
        f"small difference, nor always a loss. {INTERVALS}"
    )
    return "\n".join(lines)


def _extremes(found: dict[str, Any]) -> str:
    cells = [
        (of[words]["success"][f"{rate:g}"], f"({name}, {words}, rate {rate:g})")
        for name, of in found["comparisons"].items()
        for words in NODE.values()
        for rate in found["rates"]
    ]
    ends = [f(cells, key=lambda cell: cell[0]["effect"]) for f in (min, max)]
    return " and ".join(f"{difference(of, 1, 100)} {name}" for of, name in ends)


def plot(found: dict[str, Any]) -> "Figure":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 4.2), layout="constrained")
    left, *panels = figure.subplots(1, 3, width_ratios=(0.8, 1, 1))
    rates = np.array(found["rates"])
    for i, name in enumerate(found["tasks"]):
        colour = TASKS[name]
        left.plot(rates, found["angles"][name]["with the node"], "o-", color=colour, label=name, markersize=4)
        left.plot(
            rates, found["angles"][name]["without the node"], "o--", color=colour, markersize=4, markerfacecolor="white"
        )
        beside = rates * 1.07 ** (i - 2.5)  # intervals side by side
        for axis, words in zip(panels, NODE.values(), strict=True):
            cells = [found["comparisons"][name][words]["success"][f"{rate:g}"] for rate in rates]
            effect, low, high = (100 * np.array([c[key] for c in cells]) for key in ("effect", "low", "high"))
            bars = np.stack([effect - low, high - effect])
            axis.errorbar(beside, effect, bars, fmt="o", color=colour, markersize=4, linewidth=1.2)
    left.set(yscale="log", ylabel="degrees", title="first step to gradient (dashed: without the node)")
    left.legend(frameon=False, fontsize=8)
    ends = [panel.get_ylim() for panel in panels]
    limits = min(low for low, _ in ends), max(high for _, high in ends)
    for axis, words in zip(panels, NODE.values(), strict=True):
        axis.set(ylabel="percentage points; up: the article's order is better", ylim=limits)
        axis.set_title(f"success {words}: article − simultaneous")
        axis.axhline(0, color=GREY, linewidth=0.8, zorder=0)
    for axis in (left, *panels):
        axis.set(xscale="log", xlabel="learning rate N", xticks=rates, xticklabels=[f"{r:g}" for r in rates])
        axis.minorticks_off()
        axis.title.set_fontsize(10)
        axis.axvline(ARTICLE_RATE, color=GREY, linewidth=6, alpha=0.2, zorder=0)
    left.annotate("the article's", (ARTICLE_RATE, left.get_ylim()[0]), (4, 6), textcoords="offset points", fontsize=8)
    return figure


EXPERIMENT = Experiment("update_order", QUESTION, HELD_FIXED, measure, summarise, answer, details, {"": plot})

if __name__ == "__main__":
    EXPERIMENT.main()
