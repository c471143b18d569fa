"""Does the bias node on the hidden layer matter: for speed, for success, for what the network can represent?

The article answered a reader with one run each of NAND, error 0.00193 without the node and 0.00262 with it. Those runs are repeated
here from a thousand of Python's seeds; seed 0 is the article's. With the node the article draws more numbers, so its two runs also
start from different weights; "paired" repeats them from the same ones, and with the error of all four patterns. None of these runs
stops early, so their errors can be compared.

Speed and success: sigmoid with the targets 0 and 1, tanh with -1 and 1, and tanh with 0 and 1, with the node and without it, at a
fixed rate and each at its own best rate, chosen on other seeds.

What it can represent is known: ``_represents`` says why, and counts what training finds.

    python -m experiments.hidden_bias            four minutes; writes experiments/results/hidden_bias.*
    python -m experiments.hidden_bias --quick    seconds, fewer seeds, writes nowhere unless --out says so
"""

from typing import Any

import numpy as np

import manual
from bpnn_jax import ManyResult, Network, Patterns, article, load_patterns, train_many
from bpnn_jax.statistics import compare, success_rate
from experiments._common import Experiment, Options, functions
from experiments._grid import Grid, train_grid
from experiments._hidden_bias_figure import plot
from experiments._report import INTERVALS, difference, holds, percent
from experiments._represents import represents
from experiments._runs import (
    Family,
    Runs,
    epochs_apart,
    every,
    mean_epochs,
    plain,
    success,
    success_apart,
    success_interaction,
)

QUESTION = "Does the bias node on the hidden layer matter: for speed, for success, for what the network can represent?"
HELD_FIXED = (
    "Held fixed: initial weights from ±0.2 and ±2, the customary hidden layer of each task, online in file order, the gradient's "
    "order (the article's own for its NAND), previous-gradient momentum N/5, a bias node among the inputs, learnt = "
    "within 0.4 of the way "
    "between the targets. Freed: the function, the targets, the learning rate, the task, the seed."
)
KINDS = {  # activation, whether the targets are -1 and 1, the fixed rate
    "sigmoid, 0/1": ("sigmoid", False, 0.5),
    "tanh, ±1": ("tanh", True, 0.1),
    "tanh, 0/1": ("tanh", False, 0.5),
}
TASKS = {"nand": 2000, "xor": 4000, "parity-3": 4000, "encoder-8": 4000}  # and the limit
RATES = tuple(2.0**k for k in range(-7, 5))
CHOOSE, SEEDS = 128, 1000  # seeds that choose the rate, and other seeds that are judged
COLUMNS = {"best": "each at its best rate", "fixed": "at a fixed rate"}
NODE = {False: "without", True: "with"}
SHOWN = "xor"
ENCODERS = (2, 3, 4, 5)


def measure(options: Options) -> tuple[Runs, dict[str, Any]]:
    quick = options.quick
    choose, seeds, rates = (32, 64, (0.125, 0.5)) if quick else (CHOOSE, SEEDS, RATES)
    tasks, kinds = (("nand",), ("sigmoid, 0/1",)) if quick else (tuple(TASKS), tuple(KINDS))
    parts = [articles_own(seeds)]
    for task in tasks:
        for kind in kinds:
            for node in NODE:
                grid = _train(task, kind, node, rates, range(seeds, seeds + choose))
                best = rates[int(grid.means.argmin())]
                for column, rate in (("best", best), ("fixed", KINDS[kind][2])):
                    judged = _train(task, kind, node, (rate,), range(seeds))
                    parts.append(judged.table(part=column, task=task, kind=kind, node=NODE[node], rate=rate))
    hidden, encoders = ((1,), ()) if quick else ((1, 2), ENCODERS)
    found = {
        kind: {switch: represents(kind, node, hidden, encoders) for node, switch in NODE.items()}
        for kind in dict.fromkeys(KINDS[kind][0] for kind in kinds)
    }
    return Runs.joined(parts), {"represents": found, "rates": list(rates)}


def _train(task: str, kind: str, node: bool, rates: tuple[float, ...], seeds: range) -> Grid:
    activation, bipolar, _ = KINDS[kind]
    patterns = load_patterns(task)
    patterns = patterns.with_targets(-1.0, 1.0) if bipolar else patterns
    sizes = (patterns.x.shape[1], *patterns.hidden, patterns.t.shape[1])
    network = Network(sizes, activation, hidden_bias=node)
    return train_grid(f"{task}, {kind}", network, patterns, [(rate, rate / 5) for rate in rates], seeds, TASKS[task])


def articles_own(seeds: int) -> Runs:
    """The article's two runs from every seed, and both from the same weights.

    In the article the error is the last pattern's in iteration 950, after two draws; paired, E after 1000 from the same weights.
    """
    nand = load_patterns("nand")
    networks = [Network((2, 2, 1), hidden_bias=switch) for switch in (False, True)]
    drawn = [_stack([article.initial_weights(network, seed) for seed in range(seeds)]) for network in networks]
    same = (drawn[1][0], drawn[1][1][:, :-1])  # the weights of the network with the node, but for the node's own

    def trained(network: Network, start: tuple[np.ndarray, ...]) -> ManyResult:
        return train_many(
            network,
            nand.x,
            nand.t,
            seeds=seeds,
            learning_rate=article.LEARNING_RATE,
            momentum=article.MOMENTUM,
            weights=start,
            dtype="float64",
            settings=article.NAND_SETTINGS,
        )

    without, with_node = (trained(network, start) for network, start in zip(networks, drawn, strict=True))
    paired = trained(networks[0], same)
    errors = {
        ("as in the article", "without"): without.history[-1],
        ("as in the article", "with"): with_node.history[-1],
        ("paired", "without"): _error(paired, nand),
        ("paired", "with"): _error(with_node, nand),
    }
    common = {"task": "nand", "kind": "sigmoid, 0/1", "rate": article.LEARNING_RATE, "outcome": "epochs"}
    epochs, numbers = article.NAND_SETTINGS.epochs, np.arange(seeds)
    return Runs.joined(
        Runs.of(part=part, node=node, error=error, **common, epochs=epochs, seed=numbers)
        for (part, node), error in errors.items()
    )


def _error(runs: ManyResult, patterns: Patterns) -> np.ndarray:
    """E of each network, summed over the patterns (7)."""
    f = functions(runs.network)
    return np.array(
        [
            manual.half_squared_error(manual.forward(weights, patterns.x, f).outputs, patterns.t)
            for weights in zip(*runs.weights, strict=True)
        ]
    )


def _stack(weights: list) -> tuple[np.ndarray, ...]:
    return tuple(np.stack(layer) for layer in zip(*weights, strict=True))


def summarise(runs: Runs, other: dict[str, Any]) -> dict[str, Any]:
    own, family, studies = {}, Family(), {}
    for part in ("as in the article", "paired"):
        a, b = (runs.where(part=part, node=switch)["error"] for switch in NODE.values())
        own[part] = {"seed 0": [float(a[0]), float(b[0])], "differences": b - a, "opposite": plain(success_rate(b < a))}
        family.add(plain(compare(b, a)), "article", part)
    for task in dict.fromkeys(runs.where(part="best")["task"].tolist()):
        for column in COLUMNS:
            of = runs.where(part=column, task=task)
            arms = {kind: [of.where(kind=kind, node=switch) for switch in NODE.values()] for kind in of.values("kind")}
            for kind, (without, with_node) in arms.items():
                studies.setdefault(f"{task}, {kind}", {"limit": TASKS[task]})[column] = {
                    "success": [success(arm, TASKS[task]) for arm in (without, with_node)],
                    "epochs": [mean_epochs(arm, TASKS[task]) for arm in (without, with_node)],
                    "learning rates": [float(arm["rate"][0]) for arm in (without, with_node)],
                }
                family.add(success_apart(with_node, without, TASKS[task]), column, f"{task}, {kind}", "success")
                family.add(epochs_apart(with_node, without, TASKS[task]), column, f"{task}, {kind}", "epochs")
            for a, b in (("tanh, ±1", "sigmoid, 0/1"), ("tanh, 0/1", "tanh, ±1")):
                if a in arms and b in arms:
                    both = success_interaction((arms[b], arms[a]), TASKS[task])
                    family.add(both, "interaction", column, f"{task}: {a} against {b}")
    seeds = len(runs.where(part="paired")) // 2
    return {
        "seeds": seeds,
        "article": own,
        "studies": studies,
        "comparisons": family.corrected(),
        "represents": other["represents"],
    }


def answer(found: dict[str, Any]) -> str:
    own, best = found["article"]["as in the article"]["opposite"], found["comparisons"]["best"]
    shown = {name: of for name, of in best.items() if name.startswith(SHOWN)} or best
    parts = [f"{difference(of['success'], 1, 100)} with {name.partition(', ')[2]}" for name, of in shown.items()]
    task = next(iter(shown)).partition(",")[0]
    return (
        f"It depends on the function and on its targets: each at its best rate, the node changes success on {task}, in points, by "
        f"{', '.join(parts)}. What the article saw in one seed comes out the other way round for "
        f"{percent(own)} of {found['seeds']} seeds."
    )


def details(found: dict[str, Any]) -> str:
    own, paired = found["article"]["as in the article"], found["article"]["paired"]
    c = found["comparisons"]
    lines = [
        f"The article's comparison ({own['seed 0'][0]:.5f} without the node, {own['seed 0'][1]:.5f} with it, seed 0) comes out the "
        f"other way round for {percent(own['opposite'])} of {found['seeds']} seeds; from the same weights and with the error of all "
        f"patterns, for {percent(paired['opposite'])}, and the node changes the mean of E by {difference(c['article']['paired'], 4)}."
    ]
    for column, words in COLUMNS.items():
        parts = []
        for name, of in c[column].items():
            epochs = f" and {difference(of['epochs'])} epochs" if "epochs" in of else ""
            stands = holds(of["success"]) or holds(of.get("epochs", of["success"]))
            parts.append(f"{name} {difference(of['success'], 1, 100)} points{epochs}{'' if stands else '†'}")
        lines.append(f"What the node adds to success and to the epochs it takes, {words}: {'; '.join(parts)}.")
    if "interaction" in c:
        parts = [f"{name} {difference(of, 1, 100)}" for name, of in c["interaction"]["best"].items()]
        what = "Interaction, what the node adds under one kind minus what it adds under the other, in points"
        lines.append(f"{what}: {'; '.join(parts)}.")
    lines.append(f"Of the 16 gates one hidden node learns {_gates(found)}.")
    encoders = [
        f"{kind} {_largest(of['without'])} without and {_largest(of['with'])} with"
        for kind, of in found["represents"].items()
    ]
    if all("None" not in text for text in encoders):
        lines.append(f"The largest n of n-2-n that is learnt is {', '.join(encoders)}, of {max(ENCODERS)} tried.")
    count = len(every(c))
    lines.append(f"(†: neither stands after Holm's correction over {count} comparisons.) {INTERVALS}")
    return "\n".join(lines)


def _gates(found: dict[str, Any]) -> str:
    return ", ".join(
        f"{of['without']['gates']['1']} without and {of['with']['gates']['1']} with ({kind})"
        for kind, of in found["represents"].items()
    )


def _largest(of: dict[str, Any]) -> int | None:
    return max((int(n) for n, runs in of["encoders"].items() if runs), default=None)


EXPERIMENT = Experiment("hidden_bias", QUESTION, HELD_FIXED, measure, summarise, answer, details, {"": plot})

if __name__ == "__main__":
    EXPERIMENT.main()
