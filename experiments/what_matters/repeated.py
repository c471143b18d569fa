"""Two results of ``what_matters``, picked at random, trained again from scratch from other seeds: does the difference hold 0?

python -m experiments.what_matters.repeated    writes experiments/results/what_matters.repeated.*
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tyro

from experiments._common import RESULTS, Options, short
from experiments._report import difference
from experiments._runs import Runs
from experiments.what_matters.design import FACTORS, ORDERS, TASKS
from experiments.what_matters.runs import train
from experiments.what_matters.table import VIEWS, Choice, Sample, Table, crossed

NAME = "what_matters.repeated"
PICKED = 2
WORDS = dict(
    zip(
        VIEWS, ("averaged over the others", "beside the article's others", "with the others at their best"), strict=True
    )
)


@dataclass(frozen=True)
class Again:
    """Which results, and from which seeds."""

    draw: int = 0
    """The seed of the random number generator that picks the results."""
    seed_start: int = 10_000
    """The first seed of the repetition."""
    keep: Path | None = None
    """Folder to keep the studies in; given again, it goes on from there."""
    out: Path = RESULTS
    """Folder for the results."""


Result = tuple[str, Choice, str]


def pick(draw: int) -> list[Result]:
    """Two of all effects that ``what_matters`` has: task, choice and view.

    >>> [(task, choice.words, view) for task, choice, view in pick(0)]
    [('breast-cancer', 'hidden bias: on for off', 'best'), ('iris', 'first weights: glorot for article', 'best')]
    """
    choices = [Choice(f, level, levels[0]) for f, levels in FACTORS.items() for level in levels[1:]]
    every = [(task, choice, view) for task in TASKS for choice in choices for view in VIEWS]
    at = np.random.default_rng(draw).choice(len(every), PICKED, replace=False)
    return [every[k] for k in at]


def apart(first: Sample, again: Sample, paired: bool) -> dict[str, Any]:
    """What came out again minus what came out first, with its interval: over the splits, which both have; else of two samples."""
    if paired:
        return again._replace(each=again.each - first.each).comparison()
    one, two = first.comparison(), again.comparison()
    effect = two["effect"] - one["effect"]
    half = float(np.hypot(*((c["high"] - c["low"]) / 2 for c in (one, two))))
    return {"effect": effect, "low": effect - half, "high": effect + half}


def compared(kept: Runs, again: Runs, draw: int) -> list[dict[str, Any]]:
    """Each picked result as it came out first and again, and the difference."""
    before, after, found = tables(kept), tables(again), []
    for task, choice, view in pick(draw):
        samples = [of[task].worth(choice, view) for of in (before, after)]
        one, two = (sample.comparison() for sample in samples)
        said = {"task": task, "choice": choice.words, "view": view, "first": one, "again": two}
        found.append(said | {"apart": apart(*samples, paired=TASKS[task].splits > 0)})
    return short(found)


def tables(runs: Runs) -> dict[str, Table]:
    """The table of each task that is there."""
    return {task: crossed(runs.where(task=task, order=ORDERS[0]), TASKS[task].epochs) for task in runs.values("task")}


def sentence(found: dict[str, Any]) -> str:
    """What was repeated, and what came out."""
    parts = [
        f"{of['task']}, {of['choice']}, {WORDS[of['view']]}: {difference(of['first'], 1, 100)} points first and "
        f"{difference(of['again'], 1, 100)} again, {difference(of['apart'], 1, 100)} apart"
        for of in found["results"]
    ]
    holding = sum(of["apart"]["low"] <= 0 <= of["apart"]["high"] for of in found["results"])
    return (
        f"Two results, picked at random, were trained again from scratch, from seed {found['seed_start']} on: {'; '.join(parts)}. "
        f"Of the {len(parts)} differences {holding} have an interval that holds 0."
    )


def main(options: Again) -> None:
    kept = Runs.read(RESULTS / "what_matters.parquet")
    tasks = sorted({task for task, _, _ in pick(options.draw)}, key=list(TASKS).index)
    again = Runs.joined(train(task, Options(keep=options.keep), options.seed_start)[0] for task in tasks)
    found = {"draw": options.draw, "seed_start": options.seed_start, "results": compared(kept, again, options.draw)}
    print(sentence(found))
    write(found, again, options.out)


def write(found: dict[str, Any], again: Runs, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    again.write(folder / f"{NAME}.parquet")
    (folder / f"{NAME}.json").write_text(json.dumps(found, indent=1, allow_nan=False) + "\n")


if __name__ == "__main__":
    main(tyro.cli(Again, description=__doc__))
