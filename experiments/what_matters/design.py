"""What is crossed, on which tasks, and the studies that carry it out."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from bpnn_jax import load_patterns
from bpnn_jax.ablation import Run, Study

# Factor: its levels. The first of each is what the article has, but for the hidden bias node and the momentum, which it has both ways.
FACTORS: dict[str, tuple[str, ...]] = {
    "activation": ("sigmoid", "tanh", "relu"),
    "objective": ("squared, 0/1", "squared, ±1", "cross-entropy"),
    "hidden bias": ("off", "on"),
    "first weights": ("article", "glorot"),
    "momentum": ("none", "previous gradient", "heavy ball"),
}
SHAPE = tuple(len(levels) for levels in FACTORS.values())
CELLS = tuple(itertools.product(*FACTORS.values()))
ARTICLE = ("sigmoid", "squared, 0/1", "off", "article", "previous gradient")
ORDERS = ("simultaneous", "article")

# What a level sets of a run. The output follows the objective: of two classes or more cross-entropy has softmax.
OBJECTIVES: dict[str, dict[str, Any]] = {
    "squared, 0/1": {"objective": "half-squared-error", "output_activation": "sigmoid"},
    "squared, ±1": {"objective": "half-squared-error", "output_activation": "tanh", "targets": "bipolar"},
    "cross-entropy": {"objective": "cross-entropy", "output_activation": "sigmoid"},
}
INITIAL = {"article": "uniform", "glorot": "glorot"}  # ±0.2, then ±2; or Glorot's
DECAY, SHARE = 0.9, 0.2  # heavy ball's of the velocity; the article's M over N
HELD_OUT = 0.3  # of the patterns, and VALIDATION of those are not tested on
VALIDATION = 0.2


@dataclass(frozen=True)
class Task:
    """How long and how often a task is trained. rates: effective ones, each a power of two; splits: 0 where nothing is held out."""

    epochs: int
    seeds: int
    rates: tuple[float, ...]
    splits: int = 0
    hidden: tuple[int, ...] = ()
    order: bool = False  # whether the order of the update is freed too


def _powers(first: float, last: float, step: float) -> tuple[float, ...]:
    """2^first to 2^last.

    >>> _powers(-1, 1, 1)
    (0.5, 1.0, 2.0)
    """
    return tuple(float(f"{2 ** (first + k * step):.4g}") for k in range(round((last - first) / step) + 1))


EVERY_SECOND, EVERY_FOURTH, DATA = _powers(-7, 4, 1), _powers(-6, 4, 2), _powers(-8, 2.5, 1.5)
EIGHT = (8,)
TASKS = {
    "xor": Task(2000, 200, EVERY_SECOND, order=True),
    "parity-3": Task(2000, 100, EVERY_FOURTH, order=True),
    "encoder-8": Task(1000, 64, EVERY_FOURTH),
    "symmetry-6": Task(500, 64, EVERY_FOURTH),
    "code": Task(10, 4, DATA, 20, EIGHT),
    "iris": Task(30, 4, DATA, 20, EIGHT),
    "wine": Task(20, 4, DATA, 20, EIGHT),
    "breast-cancer": Task(10, 4, DATA, 20, EIGHT),
    "digits": Task(6, 4, DATA, 20, EIGHT),
}
# Of a quick run. It has both kinds of task.
QUICK = {
    "xor": replace(TASKS["xor"], epochs=400, seeds=8, rates=(0.0625, 0.5, 4.0)),
    "iris": replace(TASKS["iris"], epochs=4, seeds=1, splits=4, rates=(0.125, 1.0)),
}
QUICK_LEVELS = {"activation": ("sigmoid", "tanh"), "objective": ("squared, 0/1",), "momentum": ("previous gradient",)}


def studies(
    task: str, of: Task, source: str, first: int = 0, quick: bool = False
) -> Iterator[tuple[dict[str, str], Study]]:
    """The studies of a task, each with the factors that all its arms have alike. ``source`` has its patterns.

    first: the first seed.
    """
    levels = FACTORS | QUICK_LEVELS if quick else FACTORS
    objectives, momenta = levels["objective"], levels["momentum"]
    for objective, momentum in itertools.product(objectives, momenta):
        alike = {"order": ORDERS[0], "objective": objective, "momentum": momentum}
        yield alike, study(source, of, alike, levels["activation"], first)
        if of.order and momentum == "previous gradient":
            other = {**alike, "order": ORDERS[1]}
            yield other, study(source, of, other, levels["activation"], first)


def study(
    source: str, of: Task, alike: dict[str, str], activations: tuple[str, ...] = FACTORS["activation"], first: int = 0
) -> Study:
    """The arms of one objective, momentum and order: activation, hidden bias node and first weights crossed.

    >>> study("xor", TASKS["xor"], {"order": "simultaneous", "objective": "squared, ±1", "momentum": "heavy ball"}).tune[0][1][:2]
    (0.0007812, 0.001562)
    """
    sets = {**OBJECTIVES[alike["objective"]], "order": alike["order"]}
    if alike["objective"] == "cross-entropy" and of.splits:
        sets["output_activation"] = "softmax"
    tune, more = rates(of.rates, alike["momentum"])
    return Study(
        source,
        vary={
            "activation": activations,
            "hidden_bias": (False, True),
            "initial": tuple(INITIAL.values()),
        },
        base=Run(hidden=of.hidden, **sets, **more),
        seeds=range(first, first + of.seeds) if first else of.seeds,
        epochs=of.epochs,
        points=1,
        tune=tune,
        tune_in_step=len(tune) > 1,
        **({"test_share": HELD_OUT, "splits": of.splits, "validation_share": VALIDATION} if of.splits else {}),
    )


def shuffled(task: str, folder: Path) -> str:
    """The patterns of a set of classes as a table, once in random order: in that of its file iris has one class after another."""
    patterns = load_patterns(task)
    rows = np.random.default_rng(0).permutation(len(patterns))
    names = [f"x{k}" for k in range(patterns.x.shape[1])]
    classes = patterns.t.argmax(axis=1)
    lines = [",".join([*map(repr, patterns.x[row].tolist()), f"class {classes[row]}"]) for row in rows]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{task}.csv"
    path.write_text("\n".join([",".join([*names, "class"]), *lines]) + "\n")
    return str(path)


def rates(effective: tuple[float, ...], momentum: str) -> tuple[dict[str, tuple[float, ...]], dict[str, Any]]:
    """What is tuned, and the rule, at these effective rates: N + M of the previous gradient, η / (1 - μ) of heavy ball.

    Without momentum the rule is the previous gradient's with M = 0: the same program, and one that the certificate checks.

    >>> rates((0.5, 1.0), "heavy ball")
    ({'learning_rate': (0.05, 0.1)}, {'rule': 'heavy-ball', 'momentum': 0.9})
    """

    def times(factor: float) -> tuple[float, ...]:
        return tuple(float(f"{factor * rate:.4g}") for rate in effective)

    if momentum == "heavy ball":
        return {"learning_rate": times(1 - DECAY)}, {"rule": "heavy-ball", "momentum": DECAY}
    if momentum == "none":
        return {"learning_rate": times(1)}, {"rule": "previous-gradient", "momentum": 0.0}
    one = 1 / (1 + SHARE)
    return {"learning_rate": times(one), "momentum": times(SHARE * one)}, {"rule": "previous-gradient"}


def effective_rate(run: Run) -> float:
    """The effective rate of a run of the design.

    >>> round(effective_rate(Run(rule="heavy-ball", learning_rate=0.05, momentum=0.9)), 3)
    0.5
    """
    if run.rule == "heavy-ball":
        return run.learning_rate / (1 - run.momentum)
    return run.learning_rate + run.momentum
