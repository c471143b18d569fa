"""How often do four looks at a study find a difference where there is none? Prints the table of docs/statistics.md.

    python -m benchmarks.looks            a minute; kept in results/looks.json
    python -m benchmarks.looks --quick    a tenth of the studies, and nothing is kept

Each line is 10 000 simulated studies of arms that do not differ, looked at at 25, 50, 75 and 100% of their seeds. A false alarm is a
p-value of 0.05 or less, after Holm where there are several comparisons, at any of the looks. The standard error of a share is 0.2%.
"""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tyro
from rich.console import Console
from rich.table import Table

from bpnn_jax import statistics

STUDIES = 10_000
KEPT = Path(__file__).parent / "results" / "looks.json"
ALPHA = 0.05
# Values of one study (splits, seeds, arms), from a generator.
Draw = Callable[[np.random.Generator], np.ndarray]


def paired(draw: Callable, seeds: int, arms: int = 2, splits: int = 1, scatter: float = 0.0) -> Draw:
    """Arms that share their seed's luck; ``scatter`` is that of what a split makes of each arm."""

    def made(rng: np.random.Generator) -> np.ndarray:
        shared = rng.normal(size=(splits, seeds, 1))
        return shared + draw(rng, (splits, seeds, arms)) + scatter * rng.normal(size=(splits, 1, arms))

    return made


def normal(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return rng.normal(size=shape)


def skewed(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return np.exp(rng.normal(size=shape))


def solved(seeds: int) -> Draw:
    """Two arms that are each solved by half of the seeds."""
    return lambda rng: (rng.uniform(size=(1, seeds, 2)) < 0.5).astype(float)


LINES: dict[str, Draw] = {
    "normal, 100 seeds": paired(normal, 100),
    "normal, 20 seeds": paired(normal, 20),
    "lognormal, 100 seeds": paired(skewed, 100),
    "success rates of 50%, 100 seeds": solved(100),
    "5 arms after Holm, 100 seeds": paired(normal, 100, arms=5),
    "8 splits of 20 seeds": paired(normal, 20, splits=8, scatter=0.5),
}


def p_values(values: np.ndarray) -> np.ndarray:
    """Of every other arm minus the first, as a study computes them."""
    if set(np.unique(values)) <= {0.0, 1.0}:
        a, b = values[0].T
        return statistics.mcnemar(((b == 1) & (a == 0)).sum(), ((a == 1) & (b == 0)).sum()).reshape(1)
    arms = values.shape[2]
    units = values[0] if len(values) == 1 else values.mean(axis=1)
    weights = np.eye(arms)[:, 1:] - np.eye(arms)[:, :1]
    return statistics.effects(units, weights).p


def alarms(draw: Draw, studies: int) -> dict[str, float]:
    """Shares of studies with a false alarm: by p-values that count the looks, by such that do not, and by those at the end alone."""
    looks = [statistics.numbered(k + 1) for k in range(len(statistics.LOOKS))]
    counted = plain = last = 0
    for number in range(studies):
        values = draw(np.random.default_rng([17, number]))
        found = []
        for look in looks:
            seeds = statistics.needed(look.share, values.shape[1])
            found.append(p_values(values[:, :seeds]))
        holm = [statistics.holm(p).min() for p in found]
        plain += min(holm) <= ALPHA
        last += holm[-1] <= ALPHA
        counted += any(
            statistics.holm([statistics.repeated(float(one), look) for one in p]).min() <= ALPHA
            for p, look, least in zip(found, looks, holm, strict=True)
            if least <= ALPHA  # a p-value that counts all looks is larger
        )
    return {"looks": counted / studies, "plain": plain / studies, "end": last / studies}


def main(quick: bool = False) -> None:
    """Print the table, and keep its numbers."""
    studies = STUDIES // 10 if quick else STUDIES
    found = {name: alarms(draw, studies) for name, draw in LINES.items()}
    table = Table("arms that do not differ", "four looks", "four looks not counted", "a single look")
    for name, one in found.items():
        table.add_row(name, *(f"{100 * one[key]:.1f}%" for key in ("looks", "plain", "end")))
    Console().print(table)
    if not quick:
        KEPT.write_text(json.dumps({"studies": studies, "false_alarms": found}, indent=2) + "\n")


if __name__ == "__main__":
    tyro.cli(main)
