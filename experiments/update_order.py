"""What does it cost that the article moves the output weights before it computes the hidden deltas?

Equation (9) wants the weights of before the step. The article's program has moved the output weights by then, so its step is no
gradient of anything. With f the activation, a_j a hidden output and no momentum, its hidden delta is δ_j - N f'_j a_j Σ_k δ_k², and
what it has over and above (9) pushes every hidden node further from 0. Both orders are trained from the same seeds, with the
article's momentum 0.1 and initial weights. The angle is that between the first step and the gradient, from the certificate of each
arm: a median of 16 seeds.

    python -m experiments.update_order            a minute; writes experiments/results/update_order.{json,png}
    python -m experiments.update_order --quick    seconds, fewer seeds, writes nowhere unless --out says so
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from bpnn_jax.ablation import Results, Run, Study
from bpnn_jax.statistics import Comparison, compare_epochs, compare_rates, correct, restricted_mean
from experiments._common import Experiment, Options, run
from experiments._report import BLUE, GREEN, GREY, INTERVALS, ORANGE, PURPLE, VERMILION, difference, holds, plain

if TYPE_CHECKING:
    from matplotlib.figure import Figure

QUESTION = "What does it cost that the article moves the output weights before it computes the hidden deltas?"
ORDERS = ("simultaneous", "article")
ARTICLE_RATE = 0.5
# Task and activation, the epochs it may take, and the colour of its line.
TASKS = {
    "nand, sigmoid": (2000, BLUE),
    "xor, tanh": (2000, VERMILION),
    "parity-3, tanh": (2000, GREEN),
    "encoder-8, sigmoid": (4000, PURPLE),
}
RATES = (0.0625, 0.125, 0.25, 0.5, 1.0)
SEEDS = 1000
QUICK_TASKS, QUICK_RATES, QUICK_SEEDS = ("nand, sigmoid",), (0.25, 0.5), 32


def compute(options: Options) -> dict[str, Any]:
    """Each task's angles, epochs to solve, and the differences "article minus simultaneous" at each learning rate."""
    names, rates = (QUICK_TASKS, QUICK_RATES) if options.quick else (tuple(TASKS), RATES)
    seeds = QUICK_SEEDS if options.quick else SEEDS
    found: dict[str, Any] = {"seeds": seeds, "rates": list(rates), "tasks": {}}
    family: list[tuple[str, str, Comparison]] = []  # with its task and what is compared
    for name in names:
        task, activation = name.split(", ")
        study = Study(
            task,
            vary={"order": ORDERS, "learning_rate": rates},
            base=Run(activation=activation),  # type: ignore[arg-type]
            seeds=seeds,
            epochs=TASKS[name][0],
        )
        results = run(study, options, name)
        found["tasks"][name] = {
            "horizon": study.epochs,
            "angles": [results.certificates[arm].angle for arm in results.arms[len(rates) :]],
            "verdicts": sorted({results.certificates[arm].verdict for arm in results.arms}),
            "simultaneous": [_epochs(results, k) for k in range(len(rates))],
        }
        family += [(name, *c) for k in range(len(rates)) for c in _compare(results, k, len(rates))]
    # Everything that was looked at is one family.
    for (name, what, _), c in zip(family, correct([c for *_, c in family]), strict=True):
        found["tasks"][name].setdefault(what, []).append(plain(c))
    return found


def _epochs(results: Results, arm: int) -> dict[str, Any]:
    horizon = results.study.epochs
    epochs = np.where(results.solved[:, arm], results.epochs[:, arm], horizon)
    return plain(restricted_mean(epochs, results.solved[:, arm], horizon))


def _compare(results: Results, rate: int, rates: int) -> tuple[tuple[str, Comparison], ...]:
    """Article order minus simultaneous at a learning rate: ("success", ...) and ("epochs", ...)."""
    horizon, article = results.study.epochs, rates + rate
    solved, epochs = results.solved, np.where(results.solved, results.epochs, results.study.epochs)
    return (
        ("success", compare_rates(solved[:, article], solved[:, rate], arm="article", against="simultaneous")),
        (
            "epochs",
            compare_epochs(
                epochs[:, article],
                solved[:, article],
                epochs[:, rate],
                solved[:, rate],
                horizon,
                arm="article",
                against="simultaneous",
            ),
        ),
    )


def answer(found: dict[str, Any]) -> str:
    at = found["rates"].index(ARTICLE_RATE)
    success = {name: task["success"][at] for name, task in found["tasks"].items()}
    worst, best = (f(success, key=lambda name: success[name]["effect"]) for f in (min, max))
    angle = max(task["angles"][at] for task in found["tasks"].values())
    return (
        f"At the article's rate its first step is up to {angle:.2f} degrees off the gradient, and the order changes success by "
        f"{difference(success[worst], 1, 100)} points at worst ({worst}) and {difference(success[best], 1, 100)} at best ({best})."
    )


def details(found: dict[str, Any]) -> str:
    rates, tasks = found["rates"], found["tasks"]
    at = rates.index(ARTICLE_RATE)
    angles = [task["angles"][at] for task in tasks.values()]
    parts = [
        f"{name} {difference(task['epochs'][at], 1)} epochs of {task['simultaneous'][at]['value']:.0f} and "
        f"{difference(task['success'][at], 1, 100)} points of success"
        for name, task in tasks.items()
    ]
    success = [(c["effect"], name, rates[k], c) for name, t in tasks.items() for k, c in enumerate(t["success"])]
    extremes = [f"{name} at rate {rate:g} {difference(c, 1, 100)}" for _, name, rate, c in (min(success), max(success))]
    everything = [c for task in tasks.values() for what in ("success", "epochs") for c in task[what]]
    return (
        f"At the article's rate {ARTICLE_RATE:g} the first step is {min(angles):.2f} to {max(angles):.2f} degrees off the gradient, "
        f"and the angle is in proportion to the rate. What it costs there, over {found['seeds']} seeds, article minus simultaneous: "
        f"{'; '.join(parts)}. Over all rates success changes by between {' and '.join(extremes)} points, and "
        f"{sum(map(holds, everything))} of {len(everything)} differences stand after Holm's correction: a small angle does not "
        f"mean a small difference, nor always a loss. {INTERVALS}"
    )


def plot(found: dict[str, Any]) -> "Figure":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 3.7), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    rates = np.array(found["rates"])
    for i, (name, task) in enumerate(found["tasks"].items()):
        colour = TASKS[name][1]
        left.plot(rates, task["angles"], "o-", color=colour, label=name, markersize=4)
        beside = rates * 1.08 ** (i - 1.5)  # intervals side by side
        mean = np.array([e["value"] for e in task["simultaneous"]])
        for axis, what, scale in ((middle, "epochs", 100 / mean), (right, "success", 100)):
            effect, low, high = (np.array([c[key] for c in task[what]]) * scale for key in ("effect", "low", "high"))
            bars = np.stack([effect - low, high - effect])
            axis.errorbar(beside, effect, bars, fmt="o", color=colour, markersize=4, linewidth=1.2)
    left.set(yscale="log", ylabel="degrees", title="angle of the first step to the gradient")
    left.legend(frameon=False, fontsize=9)
    middle.set(ylabel="% of simultaneous; up is slower", title="epochs to solve: article − simultaneous")
    right.set(ylabel="percentage points; up is better", title="success: article − simultaneous")
    for axis in (left, middle, right):
        axis.set(xscale="log", xlabel="learning rate N", xticks=rates, xticklabels=[f"{r:g}" for r in rates])
        axis.minorticks_off()
        axis.title.set_fontsize(10)
        axis.axvline(ARTICLE_RATE, color=ORANGE, linewidth=6, alpha=0.25, zorder=0)
        if axis is not left:
            axis.axhline(0, color=GREY, linewidth=0.8, zorder=0)
    left.annotate("the article's", (ARTICLE_RATE, left.get_ylim()[0]), (4, 6), textcoords="offset points", fontsize=8)
    return figure


EXPERIMENT = Experiment("update_order", QUESTION, compute, answer, details, plot)

if __name__ == "__main__":
    EXPERIMENT.main()
