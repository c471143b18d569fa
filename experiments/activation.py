"""Sigmoid or tanh, or LeCun's scaled tanh? And is it the function, or the targets that come with it?

Who puts tanh in place of sigmoid and leaves the targets at 0 and 1 has changed two things: the hidden nodes, and where the targets
lie in the output's range. So the hidden nodes' function is crossed here with the output's and its targets. Bias nodes are on, the
initial weights are the article's.

With bias nodes a tanh network is a sigmoid network in other coordinates, tanh z = 2 sigmoid(2z) - 1, and targets twice as far apart
make E four times as large: at the same learning rate its steps are larger. So each kind is compared at its own best rate too, chosen
from a grid on one half of the seeds and judged on the other. M is always N/5, as in the article. LeCun recommends smaller initial
weights for his tanh than the article's ±2; they are not changed here.

The code data is not learnt to the last pattern; there it is the share of 1080 held-out patterns whose largest output is right, after
50 epochs, that is compared. Its interval is about the seeds, not about other data.

    python -m experiments.activation            three minutes; writes experiments/results/activation.{json,png}
    python -m experiments.activation --quick    seconds, fewer seeds, writes nowhere unless --out says so
"""

from typing import Any

import jax
import numpy as np

from bpnn_jax import Network, apply, load_patterns
from bpnn_jax.patterns import Patterns, load_held_out
from bpnn_jax.statistics import Comparison, compare, compare_epochs, correct, estimate, restricted_mean, success_rate
from experiments._activation_figure import plot
from experiments._common import Experiment, Options
from experiments._grid import Grid, train_grid
from experiments._report import INTERVALS, difference, holds, outcome, plain

QUESTION = "Sigmoid or tanh, or LeCun's scaled tanh? And is it the function, or the targets that come with it?"
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
TASKS = {"xor": 3000, "nand": 3000, "parity-3": 3000, "encoder-8": 3000, "code": 50}  # and the epochs
RATES = tuple(2.0**k for k in range(-8, 6))
CODE_RATES = tuple(2.0**k for k in range(-9, 1))
ARTICLE_RATE = 0.5
SEEDS, CODE_SEEDS = 400, 32
"""Half of them choose the rate, the others judge."""


def compute(options: Options) -> dict[str, Any]:
    tasks, kinds = (
        (("xor",), ("sigmoid, 0/1", "tanh, 0/1", "tanh, ±1")) if options.quick else (tuple(TASKS), tuple(KINDS))
    )
    found: dict[str, Any] = {"tasks": {}}
    family: dict[tuple[str, str, str], Comparison] = {}  # by task, rates and pair
    for task in tasks:
        rates = CODE_RATES if task == "code" else ((0.125, ARTICLE_RATE, 2.0) if options.quick else RATES)
        seeds = 64 if options.quick else (CODE_SEEDS if task == "code" else SEEDS)
        runs = {kind: _train(task, kind, rates, seeds) for kind in kinds}
        chosen = {kind: _best(task, kind, grid, slice(seeds // 2)) for kind, grid in runs.items()}
        judge = slice(seeds // 2, None)
        columns = {"best": chosen, "article": dict.fromkeys(kinds, rates.index(ARTICLE_RATE))}
        found["tasks"][task] = {"epochs": TASKS[task], "seeds": seeds - seeds // 2, "rates": list(rates)}
        for which, at in columns.items():
            values = {kind: _judged(task, kind, runs[kind], at[kind], judge) for kind in kinds}
            found["tasks"][task][which] = {
                kind: {"rate": rates[at[kind]], **_described(task, value)} for kind, value in values.items()
            }
            for a, b in PAIRS:
                if a in kinds and b in kinds:
                    c = _compared(task, values[a], values[b], arm=a, against=b)
                    family |= {(task, which, f"{a} - {b}"): c} if c else {}
    # Everything that was looked at is one family.
    for (task, which, pair), c in zip(family, correct(list(family.values())), strict=True):
        found["tasks"][task].setdefault("comparisons", {}).setdefault(which, {})[pair] = plain(c)
    return found


def _patterns(task: str, kind: str) -> Patterns:
    patterns = load_patterns(task)
    return patterns.with_targets(-1.0, 1.0) if KINDS[kind][2] else patterns


def _train(task: str, kind: str, rates: tuple[float, ...], seeds: int) -> Grid:
    patterns = _patterns(task, kind)
    hidden, output, _ = KINDS[kind]
    sizes = (patterns.x.shape[1], *patterns.hidden, patterns.t.shape[1])
    network = Network(sizes, (hidden,) * len(patterns.hidden) + (output,))
    pairs = [(rate, rate / 5) for rate in rates]
    return train_grid(f"{task}, {kind}", network, patterns, pairs, seeds, TASKS[task], None if task == "code" else 0.4)


def _best(task: str, kind: str, grid: Grid, seeds: slice) -> int:
    """On the code data by the patterns that it was trained on: the held-out ones are not for choosing."""
    if task != "code":
        return grid.best(seeds)
    return int(_right(grid, _patterns(task, kind))[:, seeds].mean(axis=1).argmax())


def _right(grid: Grid, patterns: Patterns) -> np.ndarray:
    """Share of the patterns whose largest output is right, (rates, seeds)."""
    outputs = jax.jit(
        jax.vmap(lambda weights: apply(grid.runs.network, weights, patterns.x.astype(np.float32)).argmax(axis=1))
    )
    right = np.asarray(outputs(grid.runs.weights)) == patterns.t.argmax(axis=1)
    return right.mean(axis=1).reshape(grid.epochs.shape)


def _judged(task: str, kind: str, grid: Grid, at: int, seeds: slice) -> tuple[np.ndarray, ...]:
    """(epochs, solved) of each seed; of the code data (share right,)."""
    if task == "code":
        held_out = load_held_out("code")
        assert held_out is not None
        return (_right(grid, held_out)[at, seeds],)
    return grid.epochs[at, seeds], grid.solved[at, seeds]


def _described(task: str, value: tuple[np.ndarray, ...]) -> dict[str, Any]:
    if task == "code":
        return {"right": plain(estimate(value[0]))}
    epochs, solved = value
    mean = plain(restricted_mean(epochs, solved, TASKS[task])) if solved.any() else None
    return {"success": plain(success_rate(solved)), "mean": mean}


def _compared(
    task: str, a: tuple[np.ndarray, ...], b: tuple[np.ndarray, ...], arm: str, against: str
) -> Comparison | None:
    """In epochs; of the code data in shares. None where neither has solved it once."""
    if task == "code":
        return compare(a[0], b[0], arm=arm, against=against)
    (a_epochs, a_solved), (b_epochs, b_solved) = a, b
    if not (a_solved.any() or b_solved.any()):
        return None
    return compare_epochs(a_epochs, a_solved, b_epochs, b_solved, TASKS[task], arm=arm, against=against)


def answer(found: dict[str, Any]) -> str:
    pair = " - ".join(PAIRS[1])
    best = {task: of["comparisons"]["best"].get(pair) for task, of in found["tasks"].items() if task != "code"}
    return (
        "Each at its best learning rate, tanh with targets -1 and 1 takes, against sigmoid with 0 and 1, "
        f"{outcome({task: c for task, c in best.items() if c})}."
    )


def details(found: dict[str, Any]) -> str:
    return " ".join(
        [
            _sentence(
                found,
                "article",
                PAIRS[0],
                "At the article's rate, tanh for sigmoid and the targets left at 0 and 1 changes",
            ),
            _sentence(found, "best", PAIRS[0], "Each at its best rate it changes"),
            _sentence(found, "best", PAIRS[1], "With the targets -1 and 1 as well"),
            _sentence(found, "best", PAIRS[4], "The targets alone, tanh with -1 and 1 minus tanh with 0 and 1"),
            _sentence(found, "best", PAIRS[5], "LeCun's tanh minus tanh, both with -1 and 1"),
            _edges(found),
            f"(†: does not stand after Holm's correction.) {INTERVALS}",
        ]
    ).replace("  ", " ")


def _sentence(found: dict[str, Any], which: str, pair: tuple[str, str], begin: str) -> str:
    parts = []
    for task, of in found["tasks"].items():
        c = of.get("comparisons", {}).get(which, {}).get(" - ".join(pair))
        if c is not None:
            size = f"{difference(c, 1, 100)} points" if task == "code" else f"{difference(c)} epochs"
            parts.append(f"{task} {size}{'' if holds(c) else '†'}")
    return f"{begin}: {', '.join(parts)}." if parts else ""


def _edges(found: dict[str, Any]) -> str:
    """Where another grid might have found a better rate. An arm that never solved it has no best."""
    at = [
        f"{task} {kind}"
        for task, of in found["tasks"].items()
        for kind, best in of["best"].items()
        if best["rate"] in (of["rates"][0], of["rates"][-1]) and best.get("mean", True)
    ]
    return f"Best at an end of the grid of rates: {'; '.join(at) or 'none'}."


EXPERIMENT = Experiment("activation", QUESTION, compute, answer, details, plot)

if __name__ == "__main__":
    EXPERIMENT.main()
