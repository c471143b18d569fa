"""Chauvin's line: sweeps until XOR is learned, against the logarithm of the hidden nodes."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from bpnn_jax import statistics
from experiments._runs import Runs, plain
from experiments.published.originals import PDP
from experiments.published.readings import Setup
from experiments.published.rows import NEAR, NEARLY, NOT, REPRODUCED, Progress
from experiments.published.runs import carry_out

SOURCE = f"Chauvin, reported in {PDP}"
STATED = "P = 280 - 33 log2 H sweeps for H hidden nodes, about 245 for 2 and 120 for 32 (p. 333)"
SEEN = "a paraphrase that gives the page; η = 0.25 is from memory and unverified"
NOT_STATED = "momentum, targets, initial weights, online or batch, what became of runs that failed; the criterion is taken as E < 0.01"
INTERCEPT, SLOPE = 280.0, -33.0
HIDDEN = (2, 4, 8, 16, 32)
BASE = Setup("xor", (2, 2, 1), learning_rate=0.25, initial=0.5, tolerance=0.0, cutoff=0.04, epochs=4000)
READINGS = {
    "batch, momentum 0.9, U(±0.5), E below 0.01 a pattern, targets 0 and 1": BASE,
    "online": replace(BASE, mode="online"),
    "no momentum": replace(BASE, momentum=0.0),
    "error without the ½": replace(BASE, learning_rate=0.5, cutoff=0.02),
    "U(±0.3)": replace(BASE, initial=0.3),
    "U(±1)": replace(BASE, initial=1.0),
    "error without the ½, U(±1)": replace(BASE, learning_rate=0.5, cutoff=0.02, initial=1.0),
    "mean gradient": replace(BASE, learning_rate=0.0625),
    "40-20-40": replace(BASE, cutoff=0.0, tolerance=0.4),
    "targets 0.1 and 0.9": replace(BASE, low=0.1, high=0.9),
}


def measure(seeds: int, progress: Progress, hidden: tuple[int, ...] = HIDDEN, most: int | None = None) -> Runs:
    """The runs of each reading at each H."""
    chosen, parts = list(READINGS.items())[:most], []
    for k, (words, setup) in enumerate(chosen):
        progress(k, len(chosen), words)
        for h in hidden:
            outcome = carry_out(replace(setup, sizes=(2, h, 1)), np.arange(seeds))
            parts.append(outcome.table(part="chauvin", reading=words, hidden=h))
    return Runs.joined(parts)


def lines(runs: Runs) -> dict[str, Any]:
    """For each reading the sweeps at each H, the fitted line and what a parabola would add, with intervals."""
    hidden, found = runs.values("hidden"), []
    for words in runs.values("reading"):
        at = [runs.where(reading=words, hidden=h) for h in hidden]
        epochs, solved = np.stack([r["epochs"] for r in at], axis=1), np.stack([r.solved for r in at], axis=1)
        found.append({"words": words, **fit(hidden, epochs, solved)})
    return {
        "hidden": [int(h) for h in hidden],
        "published": {"intercept": INTERCEPT, "slope": SLOPE},
        "readings": found,
    }


def fit(hidden: Sequence[float], epochs: np.ndarray, solved: np.ndarray) -> dict[str, Any]:
    """Least squares of the sweeps on log2 H, in the seeds that were solved at every H, and an interval over whole seeds.

    epochs, solved: (seeds, len(hidden)). The line's slope is a weighted sum of a seed's sweeps, so that its interval is that of a
    mean; ``bend`` is the same for the square of log2 H: 0 where the fall is linear.

    >>> line = fit((2, 4, 8), np.array([[300, 250, 200], [280, 230, 180]] * 10), np.ones((20, 3), bool))
    >>> round(line["slope"]["value"], 6), round(line["intercept"]["value"], 6), abs(round(line["bend"]["value"], 6))
    (-50.0, 340.0, 0.0)
    """
    x = np.log2(hidden)
    whole = solved.all(axis=1)
    y = epochs[whole].astype(float)
    to_line = np.linalg.pinv(np.stack([np.ones_like(x), x], axis=1))
    to_bend = np.linalg.pinv(np.stack([np.ones_like(x), x, x * x], axis=1))[2]
    intercept = statistics.estimate(y @ to_line[0], what="sweeps at H = 1", unit="sweeps")
    slope = statistics.estimate(y @ to_line[1], what="sweeps a doubling of H", unit="sweeps")
    bend = statistics.estimate(y @ to_bend, what="bend", unit="sweeps")
    relative = statistics.estimate(y @ to_line[1] / y.mean(), what="slope over mean", unit="")
    return {
        "success": [plain(statistics.success_rate(solved[:, k])) for k in range(len(hidden))],
        "sweeps": [plain(statistics.estimate(y[:, k])) for k in range(len(hidden))],
        "slope": plain(slope),
        "intercept": plain(intercept),
        "bend": plain(bend),
        "relative": plain(relative),
        "verdict": _verdict(slope.low, slope.high, slope.value),
    }


def _verdict(low: float, high: float, value: float) -> str:
    if low <= SLOPE <= high:
        return REPRODUCED
    return NEAR if SLOPE * NEARLY <= value <= SLOPE / NEARLY else NOT
