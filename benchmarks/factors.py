"""Simulated studies of several factors: do the intervals of effects, interactions, shares and tuned bests hold the truth?

Part of ``python -m benchmarks.coverage``. Each line is some simulated studies of 2 x 3 arms, paired by what they have in common.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from bpnn_jax import statistics

STUDIES = 2000
SHAPE = (2, 3)
EFFECTS = {
    "nothing": np.zeros((2, 3)),
    "the first factor": np.array([[0.0] * 3, [1.0] * 3]),
    "both and their interaction": np.array([[0.0, 0.5, 0.5], [1.0, 1.0, 2.5]]),
}
GRID = 4  # values that are tried


class Line(NamedTuple):
    """quantity, truth and units in words; coverage, and the false alarms, which are NaN where something is to be found."""

    quantity: str
    truth: str
    units: str
    coverage: float
    alarms: float


def lines(studies: int = STUDIES) -> Iterator[Line]:
    """Every line of the table."""
    for truth, means in EFFECTS.items():
        for count in (10, 30, 100):
            yield from _effects(truth, means.ravel(), f"{count} seeds", studies, _seeds(count))
        for count in (8, 20):
            yield from _effects(truth, means.ravel(), f"{count} splits of 5 seeds", studies, _splits(count, 5))
    for count in (8, 20, 100):
        yield _cross_fitted(count, studies)


def _seeds(count: int) -> Callable[[np.random.Generator], np.ndarray]:
    """Skewed luck that all arms share, and noise of their own that is wider in the later arms."""

    def draw(rng: np.random.Generator) -> np.ndarray:
        return rng.exponential(size=(count, 1)) + rng.normal(size=(count, 6)) * np.linspace(0.7, 1.3, 6)

    return draw


def _splits(count: int, seeds: int) -> Callable[[np.random.Generator], np.ndarray]:
    """Splits that favour all arms or one, with some seeds each; then their means, as `statistics.units` makes them."""

    def draw(rng: np.random.Generator) -> np.ndarray:
        split = rng.normal(size=(count, 1, 1)) + 0.5 * rng.normal(size=(count, 1, 6))
        values = split + rng.normal(size=(count, seeds, 6))
        return statistics.units(values.reshape(-1, 6), np.repeat(np.arange(count), seeds))

    return draw


def _effects(truth: str, means: np.ndarray, units: str, studies: int, draw: Callable) -> Iterator[Line]:
    found = statistics.contrasts(SHAPE)
    weights = np.column_stack([c.weights for c in found])
    true, main = means @ weights, np.array([len(c.factors) == 1 for c in found])
    centred = means - means.mean()
    sets = [(0,), (1,), (0, 1)]
    holds, alarms, shares = [], [], []
    for study in range(studies):
        noise = draw(np.random.default_rng([11, study]))
        values = means + noise - _mean_of(units)
        told = statistics.effects(values, weights)
        holds.append((told.low <= true) & (true <= told.high))
        alarms.append(told.p <= 0.05)
        if truth != "nothing":
            shares.append([(s.low, s.high) for s in statistics.shares(values, SHAPE)])
    held, rung = np.mean(holds, axis=0), np.mean(alarms, axis=0)
    for name, kind in (("main effect", main), ("interaction", ~main)):
        null = kind & (abs(true) < 1e-12)
        yield Line(name, truth, units, float(held[kind].mean()), float(rung[null].mean()) if null.any() else np.nan)
    if truth != "nothing":
        total = (centred**2).mean()
        for factors, ends in zip(sets, np.transpose(shares, (1, 2, 0)), strict=True):
            share = _true_part(centred.reshape(SHAPE), factors) / total
            inside = float(np.mean((ends[0] <= share + 1e-12) & (share - 1e-12 <= ends[1])))
            yield Line(f"share {share:.0%}", truth, units, inside, np.nan)


def _mean_of(units: str) -> float:
    """Of the luck: 1 where it is exponential."""
    return 0.0 if "splits" in units else 1.0


def _true_part(centred: np.ndarray, factors: tuple[int, ...]) -> float:
    rows, columns = centred.mean(axis=1, keepdims=True), centred.mean(axis=0, keepdims=True)
    part = {(0,): rows, (1,): columns, (0, 1): centred - rows - columns}[factors]
    return float((np.broadcast_to(part, SHAPE) ** 2).mean())


def _cross_fitted(count: int, studies: int) -> Line:
    """The difference of two arms, each at the best of ``GRID`` values as the other half of the seeds has it; no arm is better."""
    rates = np.array([0.0, 0.3, 0.5, 0.4])
    holds, alarms, half = [], [], np.arange(count) % 2
    for study in range(studies):
        rng = np.random.default_rng([13, study])
        values = rates + rng.exponential(size=(count, 1, 1)) - 1 + rng.normal(size=(count, 2, GRID))
        judged, truth = np.empty((count, 2)), np.zeros(2)
        for one in (0, 1):
            best = values[half == one].mean(axis=0).argmax(axis=1)
            for arm in (0, 1):
                judged[half != one, arm] = values[half != one, arm, best[arm]]
                truth[arm] += rates[best[arm]] * (half != one).mean()
        told = statistics.effects(judged, np.array([[1.0], [-1.0]]), strata=half, inflation=statistics.CROSS_FITTED)
        holds.append(told.low[0] <= truth[0] - truth[1] <= told.high[0])
        if truth[0] == truth[1]:
            alarms.append(told.p[0] <= 0.05)
    return Line(
        "cross-fitted best", "no arm is better", f"{count} seeds", float(np.mean(holds)), float(np.mean(alarms))
    )


def rows(lines: list[dict]) -> list[str]:
    """The table of docs/statistics.md from the kept lines: the least and the most coverage, and the most false alarms."""
    kinds: dict[tuple[str, str], list[dict]] = {}
    for line in lines:
        kinds.setdefault((line["quantity"].split(" ")[0], line["units"]), []).append(line)
    names = {"main": "main effect", "interaction": "interaction", "share": "share", "cross-fitted": "cross-fitted best"}
    found = []
    for name in names:
        for (kind, units), those in kinds.items():
            if kind == name:
                cover = [one["coverage"] for one in those]
                alarms = [one["alarms"] for one in those if one["alarms"] is not None]
                said = f"{max(alarms):.1%}" if alarms else ""
                found.append(f"| {names[name]} | {units} | {min(cover):.1%} | {max(cover):.1%} | {said} |")
    return found
