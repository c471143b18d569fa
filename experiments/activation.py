"""Sigmoid or tanh, or LeCun's scaled tanh? And is it the function, or the targets that come with it?

Who puts tanh in place of sigmoid and leaves the targets at 0 and 1 has changed two things: the hidden nodes, and where the targets
lie in the output's range. So the hidden nodes' function is crossed here with the output's and its targets. The initial weights are
the article's.

With bias nodes a tanh network is a sigmoid network in other coordinates, tanh z = 2 sigmoid(2z) - 1, and targets twice as far apart
make E four times as large: at the same learning rate its steps are larger. And a bias node on the hidden layer helps the one and
hurts the other. So each kind is compared three times: at the article's rate; at its own best rate with the node; and at its own best
rate and its own best choice of the node. At last tanh may choose its targets as well. What is best is chosen on some seeds and judged
on others. M is always N/5, as in the article. LeCun recommends smaller initial weights for his tanh than the article's ±2; they are
not changed here.

The code data is not learnt to the last pattern; there it is the share of 1080 held-out patterns whose largest output is right, after
50 epochs, that is compared. Its interval is about the seeds, not about other data.

    python -m experiments.activation            six minutes; writes experiments/results/activation.*
    python -m experiments.activation --quick    seconds, fewer seeds, writes nowhere unless --out says so
"""

from typing import Any

import jax
import numpy as np

from bpnn_jax import Network, Patterns, apply, load_patterns
from bpnn_jax.patterns import load_held_out
from bpnn_jax.statistics import compare, estimate
from experiments._activation_figure import plot
from experiments._common import Experiment, Options
from experiments._grid import Grid, train_grid
from experiments._report import INTERVALS, difference, holds, outcome
from experiments._runs import Family, Runs, epochs_apart, every, mean_epochs, plain, success

QUESTION = "Sigmoid or tanh, or LeCun's scaled tanh? And is it the function, or the targets that come with it?"
HELD_FIXED = (
    "Held fixed: the article's initial weights (±0.2, then ±2), the customary hidden layer of each task, online in file order, the "
    "gradient's order, previous-gradient momentum N/5, learnt = within 0.4 of the way between the targets, 3000 epochs at most. "
    "Freed: the bias node on the hidden layer, the learning rate, the output's function, the targets, the task."
)
# Name: hidden activation, output activation, whether the targets are -1 and 1.
KINDS = {
    "sigmoid, 0/1": ("sigmoid", "sigmoid", False),
    "tanh, 0/1": ("tanh", "tanh", False),
    "lecun, 0/1": ("lecun_tanh", "lecun_tanh", False),
    "tanh then sigmoid, 0/1": ("tanh", "sigmoid", False),
    "sigmoid then tanh, ±1": ("sigmoid", "tanh", True),
    "tanh, ±1": ("tanh", "tanh", True),
    "lecun, ±1": ("lecun_tanh", "lecun_tanh", True),
}
# What is compared, first minus second.
PAIRS = [
    ("tanh, 0/1", "sigmoid, 0/1"),
    ("tanh, ±1", "sigmoid, 0/1"),
    ("tanh then sigmoid, 0/1", "sigmoid, 0/1"),
    ("sigmoid then tanh, ±1", "sigmoid, 0/1"),
    ("tanh, ±1", "tanh, 0/1"),
    ("lecun, ±1", "tanh, ±1"),
]
COLUMNS = {
    "article": "at the article's rate, with the node",
    "node on": "each at its best rate, with the node",
    "node tuned": "each at its best rate and choice of the node",
}
TANH = ("tanh, 0/1", "tanh, ±1")  # of which tanh chooses at last
CHOSEN = ("tanh, targets chosen", "sigmoid, 0/1")
TASKS = {"xor": 3000, "nand": 3000, "parity-3": 3000, "encoder-8": 3000, "code": 50}  # and the epochs
RATES = tuple(2.0**k for k in range(-8, 6))
CODE_RATES = tuple(2.0**k for k in range(-9, 1))
ARTICLE_RATE = 0.5
CHOOSE, JUDGE = 256, 2000  # seeds that choose, and other seeds that are judged
CODE_CHOOSE, CODE_JUDGE = 32, 64


def measure(options: Options) -> tuple[Runs, dict[str, Any]]:
    tasks, kinds = (
        (("xor",), ("sigmoid, 0/1", "tanh, 0/1", "tanh, ±1")) if options.quick else (tuple(TASKS), tuple(KINDS))
    )
    parts, rates_tried = [], {}
    for task in tasks:
        rates = CODE_RATES if task == "code" else ((0.125, ARTICLE_RATE, 2.0) if options.quick else RATES)
        choose, judge = (
            (CODE_CHOOSE, CODE_JUDGE) if task == "code" else ((32, 64) if options.quick else (CHOOSE, JUDGE))
        )
        rates_tried[task] = list(rates)
        for kind in kinds:
            seeds = range(judge, judge + choose)
            grids = {node: _train(task, kind, node, rates, seeds) for node in (True, False)}
            scores = {
                (node, r): s
                for node, grid in grids.items()
                for r, s in zip(rates, _scores(task, kind, grid), strict=True)
            }
            best_on = min((key for key in scores if key[0]), key=scores.__getitem__)
            columns = {
                "article": (True, ARTICLE_RATE),
                "node on": best_on,
                "node tuned": min(scores, key=scores.__getitem__),
            }
            parts += _judged(task, kind, columns, range(judge))
    return Runs.joined(parts), {"rates": rates_tried}


def _patterns(task: str, kind: str) -> Patterns:
    patterns = load_patterns(task)
    return patterns.with_targets(-1.0, 1.0) if KINDS[kind][2] else patterns


def _train(task: str, kind: str, node: bool, rates: tuple[float, ...], seeds: range) -> Grid:
    patterns = _patterns(task, kind)
    hidden, output, _ = KINDS[kind]
    sizes = (patterns.x.shape[1], *patterns.hidden, patterns.t.shape[1])
    network = Network(sizes, (hidden,) * len(patterns.hidden) + (output,), hidden_bias=node)
    pairs = [(rate, rate / 5) for rate in rates]
    return train_grid(f"{task}, {kind}", network, patterns, pairs, seeds, TASKS[task], None if task == "code" else 0.4)


def _scores(task: str, kind: str, grid: Grid) -> list[float]:
    """The less the better. On the code data by the patterns that it was trained on: the held-out ones are not for choosing."""
    return (-_right(grid, _patterns(task, kind)).mean(axis=1) if task == "code" else grid.means).tolist()


def _right(grid: Grid, patterns: Patterns) -> np.ndarray:
    """Share of the patterns whose largest output is right, (rates, seeds)."""
    outputs = jax.jit(
        jax.vmap(lambda weights: apply(grid.runs.network, weights, patterns.x.astype(np.float32)).argmax(axis=1))
    )
    right = np.asarray(outputs(grid.runs.weights)) == patterns.t.argmax(axis=1)
    return right.mean(axis=1).reshape(grid.epochs.shape)


def _judged(task: str, kind: str, columns: dict[str, tuple[bool, float]], seeds: range) -> list[Runs]:
    """The runs of each column, trained once where two columns chose the same."""
    grids = {chosen: _train(task, kind, chosen[0], (chosen[1],), seeds) for chosen in set(columns.values())}
    held_out = load_held_out(task)
    found = []
    for column, (node, rate) in columns.items():
        grid = grids[node, rate]
        right = {} if held_out is None else {"right": _right(grid, held_out)[0]}
        found.append(grid.table(task=task, kind=kind, column=column, hidden_bias=node, rate=rate, **right))
    return found


def summarise(runs: Runs, other: dict[str, Any]) -> dict[str, Any]:
    family = Family()
    tasks: dict[str, Any] = {}
    for task in runs.values("task"):
        of_task, limit = runs.where(task=task), TASKS[task]
        tasks[task] = {"epochs": limit, "seeds": len(of_task.values("seed")), "rates": other["rates"][task]}
        for column in COLUMNS:
            kinds = {kind: of_task.where(column=column, kind=kind) for kind in of_task.values("kind")}
            tasks[task][column] = {kind: _described(task, of, limit) for kind, of in kinds.items()}
            for a, b in PAIRS:
                if a in kinds and b in kinds:
                    family.add(_compared(task, kinds[a], kinds[b], limit), task, column, f"{a} - {b}")
        tuned = {kind: of_task.where(column="node tuned", kind=kind) for kind in of_task.values("kind")}
        chosen, tasks[task]["targets chosen"] = _targets_chosen(task, [tuned[kind] for kind in TANH], limit)
        family.add(_compared(task, chosen, tuned[CHOSEN[1]], limit), task, "all tuned", " - ".join(CHOSEN))
    return {"tasks": tasks, "comparisons": family.corrected()}


def _described(task: str, runs: Runs, limit: int) -> dict[str, Any]:
    chosen = {"rate": float(runs["rate"][0]), "hidden_bias": bool(runs["hidden_bias"][0])}
    if task == "code":
        return chosen | {"right": plain(estimate(runs["right"]))}
    return chosen | {"success": success(runs, limit), "mean": mean_epochs(runs, limit)}


def _targets_chosen(task: str, kinds: list[Runs], limit: int) -> tuple[Runs, list[str]]:
    """Of several kinds the better one, chosen on each half of the seeds and judged on the other; and which that was."""
    seeds = kinds[0]["seed"]
    halves = seeds < np.median(seeds), seeds >= np.median(seeds)

    def score(runs: Runs) -> float:
        return float(-runs["right"].mean() if task == "code" else runs.epochs(limit).mean())

    best = [min(range(len(kinds)), key=lambda k: score(kinds[k].rows(other))) for other in halves[::-1]]
    parts = [kinds[k].rows(half) for k, half in zip(best, halves, strict=True)]
    return Runs.joined(parts), list(dict.fromkeys(TANH[k] for k in best))


def _compared(task: str, a: Runs, b: Runs, limit: int) -> dict[str, Any] | None:
    """In epochs; of the code data in shares."""
    return plain(compare(a["right"], b["right"])) if task == "code" else epochs_apart(a, b, limit)


def _of(found: dict[str, Any], column: str, pair: tuple[str, str]) -> dict[str, dict[str, Any]]:
    name = " - ".join(pair)
    return {t: of[column][name] for t, of in found["comparisons"].items() if name in of.get(column, {})}


def answer(found: dict[str, Any]) -> str:
    on, chosen = (
        {t: c for t, c in _of(found, *of).items() if t != "code"}
        for of in (("node on", PAIRS[1]), ("all tuned", CHOSEN))
    )
    return (
        "It depends on the bias node of the hidden layer and on the targets. Each at its best learning rate and with "
        "the node in both, tanh "
        f"with targets -1 and 1 takes, against sigmoid with 0 and 1, {outcome(on)}. With the node chosen for each, and "
        "tanh's targets "
        f"too, it takes {outcome(chosen)}."
    )


def details(found: dict[str, Any]) -> str:
    lines = [
        _sentence(
            found,
            "article",
            PAIRS[0],
            "At the article's rate, tanh for sigmoid and the targets left at 0 and 1 changes",
        ),
        _sentence(found, "node on", PAIRS[0], "Each at its best rate with the node, the same changes"),
        _sentence(found, "node tuned", PAIRS[0], "With the node chosen too, the same changes"),
        _sentence(found, "node on", PAIRS[1], "With the targets -1 and 1 as well, with the node"),
        _sentence(found, "node tuned", PAIRS[1], "With the targets -1 and 1 as well, the node chosen"),
        _sentence(
            found,
            "node tuned",
            PAIRS[4],
            "The targets alone, tanh with -1 and 1 minus tanh with 0 and 1, the node chosen",
        ),
        _sentence(found, "node tuned", PAIRS[5], "LeCun's tanh minus tanh, both with -1 and 1, the node chosen"),
        _sentence(
            found, "all tuned", CHOSEN, "Tanh with its targets and node chosen minus sigmoid with its node chosen"
        ),
        _nodes(found),
        _edges(found),
        f"(†: does not stand after Holm's correction over {len(every(found['comparisons']))} comparisons.) {INTERVALS}",
    ]
    return "\n".join(line for line in lines if line)


def _sentence(found: dict[str, Any], column: str, pair: tuple[str, str], begin: str) -> str:
    parts = []
    for task, c in _of(found, column, pair).items():
        size = f"{difference(c, 1, 100)} points" if task == "code" else f"{difference(c)} epochs"
        parts.append(f"{task} {size}{'' if holds(c) else '†'}")
    return f"{begin}: {', '.join(parts)}." if parts else ""


def _nodes(found: dict[str, Any]) -> str:
    kinds = ("sigmoid, 0/1", "tanh, 0/1", "tanh, ±1")
    parts = []
    for kind in kinds:
        without = [task for task, of in found["tasks"].items() if not of["node tuned"][kind]["hidden_bias"]]
        parts.append(f"{kind} without the node on {' and '.join(without) or 'none'}")
    targets = ", ".join(f"{task} {' or '.join(of['targets chosen'])}" for task, of in found["tasks"].items())
    return f"Where the node was chosen: {'; '.join(parts)}; with it on the other tasks. The targets that tanh chose: {targets}."


def _edges(found: dict[str, Any]) -> str:
    """Where another grid might have found a better rate. An arm that never solved it has no best."""
    at = [
        f"{task} {kind}"
        for task, of in found["tasks"].items()
        for kind, best in of["node tuned"].items()
        if best["rate"] in (of["rates"][0], of["rates"][-1]) and best.get("mean", True)
    ]
    return f"Best at an end of the grid of rates: {'; '.join(at) or 'none'}."


EXPERIMENT = Experiment("activation", QUESTION, HELD_FIXED, measure, summarise, answer, details, {"": plot})

if __name__ == "__main__":
    EXPERIMENT.main()
