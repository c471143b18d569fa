"""Do the intervals of bpnn_jax.statistics hold the truth? Prints the tables of docs/statistics.md.

    python -m benchmarks.coverage                     five minutes
    python -m benchmarks.coverage --only-factors      the effects, interactions and shares; they are kept in results/coverage.json

Each line is 2000 simulated studies with a known truth. 95% intervals should hold it in 95% of them, and where there is no effect p
should be 0.05 or less in 5%; the standard error of such a share is half a percent.
"""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tyro
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks import factors
from bpnn_jax.statistics import Bootstrap
from bpnn_jax.statistics._bootstrap import sampling
from bpnn_jax.statistics._contrast import arms_and_contrasts
from bpnn_jax.statistics._results import Names

STUDIES = 2000
KEPT = Path(__file__).parent / "results" / "coverage.json"
BLOCK = 50  # studies that share one draw of runs
Draw = Callable[[np.random.Generator], np.ndarray]


def compared(
    draw: Draw,
    contrast: list[float],
    kind: str = "mean",
    *,
    groups: np.ndarray | None = None,
    fixed: bool = False,
    resamples: int = 2000,
    method: str = "percentile",
) -> tuple[np.ndarray, np.ndarray]:
    """Ends of the intervals (STUDIES, 2), and the p-values, of ``contrast`` over the arms of ``draw(rng)``: (runs, arms, BLOCK)."""
    ends, p = [], []
    weights = np.kron(np.asarray(contrast, float)[:, None], np.eye(BLOCK))
    for block in range(STUDIES // BLOCK):
        values = draw(np.random.default_rng([7, block]))
        drawn = sampling(len(values), groups, fixed)
        settings = Bootstrap(resamples=resamples, seed=block, method=method)
        flat, arms = values.reshape(len(values), -1), [""] * len(weights)
        _, found = arms_and_contrasts(flat, weights, kind, arms, [Names()] * BLOCK, "", drawn, settings)
        ends += [(c.low, c.high) for c in found]
        p += [c.p for c in found]
    return np.array(ends), np.array(p)


def coverage(ends: np.ndarray, truth: float) -> float:
    return float(np.mean((ends[:, 0] <= truth) & (truth <= ends[:, 1])))


def lognormal(runs: int, spread: float) -> Draw:
    """Two arms alike that share their seed's luck; the logarithm's standard deviation is 1.1 times ``spread``."""

    def draw(rng: np.random.Generator) -> np.ndarray:
        shared = rng.normal(size=(runs, 1, BLOCK))
        return np.exp(spread * (shared + 0.5 * rng.normal(size=(runs, 2, BLOCK))))

    return draw


def shifted(runs: int) -> Draw:
    """Two arms of different shape and spread that share their seed's luck; means 2 and 1."""

    def draw(rng: np.random.Generator) -> np.ndarray:
        shared = rng.exponential(size=(runs, 1, BLOCK))
        a, b = shared + rng.exponential(size=(runs, 1, BLOCK)), shared + 0.5 * rng.normal(size=(runs, 1, BLOCK))
        return np.concatenate([a, b], axis=1)

    return draw


def normal(runs: int) -> Draw:
    """Two arms alike, of normal numbers."""
    return lambda rng: rng.normal(size=(runs, 2, BLOCK))


def grouped(groups: int, runs: int = 10) -> Draw:
    """Groups that favour one arm or the other by chance, with some runs each."""

    def draw(rng: np.random.Generator) -> np.ndarray:
        split = 0.5 * rng.normal(size=(groups, 1, 2, BLOCK))
        return (split + rng.normal(size=(groups, runs, 2, BLOCK))).reshape(-1, 2, BLOCK)

    return draw


SHAPES: dict[str, tuple[Callable[[int], Draw], str, float]] = {
    "normal, mean": (normal, "mean", 0),
    "lognormal 0.5, mean": (lambda runs: lognormal(runs, 0.5), "mean", 0),
    "lognormal 0.5, interquartile mean": (lambda runs: lognormal(runs, 0.5), "iqm", 0),
    "lognormal 1, mean": (lambda runs: lognormal(runs, 1), "mean", 0),
    "shifted and skewed, mean": (shifted, "mean", 1),
}


def _factors(studies: int) -> None:
    table = Table("quantity", "what is true", "units", "holds the truth", "p <= 0.05", title="95% intervals of factors")
    found = []
    for line in track(factors.lines(studies), "factors", total=None):
        found.append({**line._asdict(), "alarms": None if np.isnan(line.alarms) else line.alarms})
        alarms = "" if np.isnan(line.alarms) else f"{line.alarms:.1%}"
        table.add_row(line.quantity, line.truth, line.units, f"{line.coverage:.1%}", alarms)
    Console().print(table)
    if studies == STUDIES:
        KEPT.write_text(json.dumps({"studies": studies, "lines": found}, indent=1) + "\n")


def main(only_factors: bool = False, studies: int = STUDIES) -> None:
    _factors(studies)
    if only_factors:
        return
    table = Table(
        "paired difference", "runs", "percentile", "BCa", "p <= 0.05", title="95% intervals hold the truth in"
    )
    cases = [(name, runs) for name in SHAPES for runs in (10, 20, 50, 100, 200)]
    for name, runs in track(cases, "differences"):
        shape, kind, truth = SHAPES[name]
        ends, p = compared(shape(runs), [1, -1], kind)
        bca, _ = compared(shape(runs), [1, -1], kind, method="bca")
        alarms = "" if truth else f"{np.mean(p <= 0.05):.1%}"
        table.add_row(name, str(runs), f"{coverage(ends, truth):.1%}", f"{coverage(bca, truth):.1%}", alarms)
    groups = Table("groups of 10 runs", "as groups", "p <= 0.05", "groups ignored", "p <= 0.05")
    for count in track((5, 8, 12, 20), "groups"):
        labels = np.repeat(np.arange(count), 10)
        ends, p = compared(grouped(count), [1, -1], groups=labels)
        ignored, q = compared(grouped(count), [1, -1])
        shares = coverage(ends, 0), np.mean(p <= 0.05), coverage(ignored, 0), np.mean(q <= 0.05)
        groups.add_row(str(count), *(f"{share:.1%}" for share in shares))
    Console().print(table)
    Console().print(groups)


if __name__ == "__main__":
    tyro.cli(main)
