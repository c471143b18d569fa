"""Does the bias node on the hidden layer matter: for speed, for success, for what the network can represent?

The article answered a reader with one run each of NAND, error 0.00193 without the node and 0.00262 with it. Those runs are repeated
here from a thousand of Python's seeds; seed 0 is the article's. With the node the article draws more numbers, so its two runs also
start from different weights; "paired" repeats them from the same ones, and with the error of all four patterns.

Speed and success: sigmoid with the targets 0 and 1 at the article's rate, tanh with -1 and 1 at 0.1.

What it can represent is known: ``_represents`` says why, and counts what training finds.

    python -m experiments.hidden_bias            two minutes; writes experiments/results/hidden_bias.{json,png}
    python -m experiments.hidden_bias --quick    seconds, fewer seeds, writes nowhere unless --out says so
"""

from typing import Any

import numpy as np

import manual
from bpnn_jax import ManyResult, Network, Patterns, article, load_patterns, train_many
from bpnn_jax.ablation import Run, Study
from bpnn_jax.statistics import Comparison, compare, compare_epochs, compare_rates, correct, interaction, success_rate
from experiments._common import Experiment, Options, run, short
from experiments._hidden_bias_figure import plot
from experiments._report import INTERVALS, difference, holds, percent, plain
from experiments._represents import represents

QUESTION = "Does the bias node on the hidden layer matter: for speed, for success, for what the network can represent?"
SEEDS = 1000
KINDS = {"sigmoid": ("given", 0.5), "tanh": ("bipolar", 0.1)}  # targets and learning rate
TASKS = {"nand": 2000, "xor": 8000, "parity-3": 8000, "encoder-8": 4000}  # and the limit
ENCODERS = (2, 3, 4, 5)


def compute(options: Options) -> dict[str, Any]:
    quick = options.quick
    seeds, tasks, kinds = (64, ("nand",), ("sigmoid",)) if quick else (SEEDS, tuple(TASKS), tuple(KINDS))
    found: dict[str, Any] = {"seeds": seeds, "article": articles_own(seeds), "studies": {}}
    family: dict[tuple[str, str], Comparison] = {}  # by study and what is compared
    for task in tasks:
        values = {kind: _study(task, kind, seeds, options, found["studies"], family) for kind in kinds}
        if len(values) == 2:
            both = np.stack([values["sigmoid"], values["tanh"]], axis=1)  # (seeds, activation, without and with)
            family[task, "interaction"] = interaction(both, change="hidden bias", arm="tanh", against="sigmoid")
    for (name, what), c in zip(family, correct(list(family.values())), strict=True):
        found["studies"].setdefault(name, {})[what] = plain(c)
    hidden, encoders = ((1,), ()) if quick else ((1, 2), ENCODERS)
    found["represents"] = {
        kind: {switch: represents(kind, switch == "with", hidden, encoders) for switch in ("without", "with")}
        for kind in kinds
    }
    return found


def articles_own(seeds: int) -> dict[str, Any]:
    """Error with the node minus error without it, a number a seed, and how often its sign is not the article's.

    In the article it is the last pattern's error in iteration 950, after two draws; paired, E after 1000 from the same weights.
    """
    nand, found = load_patterns("nand"), {}
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
    for what, a, b in (
        ("as in the article", without.history[-1], with_node.history[-1]),
        ("paired", _error(paired, nand), _error(with_node, nand)),
    ):
        found[what] = {
            "seed 0": [float(a[0]), float(b[0])],
            "differences": short(b - a),
            "opposite": plain(success_rate(b < a)),
            "mean": plain(compare(b, a, arm="with", against="without", kind=what)),
        }
    return found


def _error(runs: ManyResult, patterns: Patterns) -> np.ndarray:
    """E of each network, summed over the patterns (7)."""
    f = (manual.SIGMOID,) * len(runs.weights)
    return np.array(
        [
            manual.half_squared_error(manual.forward(weights, patterns.x, f).outputs, patterns.t)
            for weights in zip(*runs.weights, strict=True)
        ]
    )


def _stack(weights: list) -> tuple[np.ndarray, ...]:
    return tuple(np.stack(layer) for layer in zip(*weights, strict=True))


def _study(
    task: str, kind: str, seeds: int, options: Options, found: dict[str, Any], family: dict[tuple[str, str], Comparison]
) -> np.ndarray:
    """Success (seeds, without and with), after the comparisons have been added to the family."""
    targets, rate = KINDS[kind]
    base = Run(activation=kind, targets=targets, learning_rate=rate, momentum=rate / 5)  # type: ignore[arg-type]
    study = Study(task, vary={"hidden_bias": (False, True)}, base=base, seeds=seeds, epochs=TASKS[task])
    name = f"{task}, {kind}"
    results = run(study, options, name)
    solved, epochs = results.solved, np.where(results.solved, results.epochs, study.epochs)
    family[name, "success"] = compare_rates(solved[:, 1], solved[:, 0], arm="with", against="without")
    found[name] = {
        "horizon": study.epochs,
        "rates": [plain(success_rate(solved[:, k])) for k in (0, 1)],
        "means": epochs.mean(axis=0).tolist(),
    }
    if solved.any():
        family[name, "epochs"] = compare_epochs(
            epochs[:, 1], solved[:, 1], epochs[:, 0], solved[:, 0], study.epochs, arm="with", against="without"
        )
    return solved


def answer(found: dict[str, Any]) -> str:
    own = found["article"]["as in the article"]["opposite"]
    added = {name: of["success"] for name, of in found["studies"].items() if "rates" in of}
    least, most = (f(added, key=lambda name: added[name]["effect"]) for f in (min, max))
    return (
        f"The node adds {difference(added[least], 0, 100)} points of success where it does least ({least}) and "
        f"{difference(added[most], 0, 100)} where it does most ({most}); what the article saw in one seed comes out the other way "
        f"round for {percent(own)} of {found['seeds']} seeds."
    )


def details(found: dict[str, Any]) -> str:
    own, paired = found["article"]["as in the article"], found["article"]["paired"]
    sentences = [
        f"The article's comparison ({own['seed 0'][0]:.5f} without the node, {own['seed 0'][1]:.5f} with it, seed 0) comes out the "
        f"other way round for {percent(own['opposite'])} of {found['seeds']} seeds; from the same weights and with the error of all "
        f"patterns, for {percent(paired['opposite'])}, and the node changes the mean of E by {difference(paired['mean'], 4)}."
    ]
    parts = [
        f"{name} {difference(of['success'], 0, 100)} points"
        + (f" and {difference(of['epochs'])} epochs" if "epochs" in of else "")
        + ("" if holds(of["success"]) or holds(of.get("epochs", of["success"])) else " (does not stand)")
        for name, of in found["studies"].items()
        if "rates" in of
    ]
    sentences.append(f"What the node adds to success and to the epochs it takes: {'; '.join(parts)}.")
    sentences.append(f"Of the 16 gates one hidden node learns {_gates(found)}.")
    encoders = [
        f"{kind} {_largest(of['without'])} without and {_largest(of['with'])} with"
        for kind, of in found["represents"].items()
    ]
    if all("None" not in text for text in encoders):
        sentences.append(f"The largest n of n-2-n that is learnt is {', '.join(encoders)}, of {max(ENCODERS)} tried.")
    return " ".join(sentences) + f" {INTERVALS}"


def _gates(found: dict[str, Any]) -> str:
    return ", ".join(
        f"{of['without']['gates']['1']} without and {of['with']['gates']['1']} with ({kind})"
        for kind, of in found["represents"].items()
    )


def _largest(of: dict[str, Any]) -> int | None:
    return max((int(n) for n, runs in of["encoders"].items() if runs), default=None)


EXPERIMENT = Experiment("hidden_bias", QUESTION, compute, answer, details, plot)

if __name__ == "__main__":
    EXPERIMENT.main()
