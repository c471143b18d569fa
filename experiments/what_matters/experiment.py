"""Which choice matters, by how much, and does it depend on the others?

python -m experiments.what_matters                        all tasks; writes experiments/results/what_matters.*
python -m experiments.what_matters --quick                seconds
python -m experiments.what_matters --task xor             that task anew, the others as they are kept
python -m experiments.what_matters --seed-start 1000      other seeds: says it, writes nowhere unless --out says so
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from tyro.conf import UseAppendAction, arg

from bpnn_jax import InputError
from experiments._common import RESULTS, Experiment, Options
from experiments._runs import Runs
from experiments.what_matters import effects, figures, report
from experiments.what_matters.design import QUICK, TASKS
from experiments.what_matters.runs import train

NAME = "what_matters"
QUESTION = "Which choice matters: sigmoid or tanh, a bias node on the hidden layer, the objective, the first weights, the momentum?"
HELD_FIXED = (
    "Held fixed: one hidden layer, on Boolean tasks of the customary size, on data of eight nodes; a bias node among the "
    "inputs, online in the order of the file, the gradient's order, heavy ball's 0.9, the article's M = N/5. Boolean tasks: "
    "solved = within 0.4 of the way between the targets by 2000 epochs (encoder-8: 1000, symmetry-6: 500), the rate chosen by "
    "the other half of the seeds. Data: put in random order once, inputs standardized, 6 to 30 epochs, accuracy on 30% held out"
    " in 20 ways, the rate chosen on a validation part; the code data by chunk, and not by file. Freed: all five choices at "
    "once, the rate of each network, the task; on xor and parity-3 the order of the update."
)


@dataclass(frozen=True)
class Choices(Options):
    """How much to run, and where to write."""

    task: Annotated[UseAppendAction[tuple[str, ...]], arg(metavar="TASK")] = ()
    """Train this task alone, and keep the others' runs as they are. Once for each task."""
    seed_start: int = 0
    """The first seed. Runs of another range than from 0 repeat the experiment: they are written nowhere unless --out says so."""

    @property
    def folder(self) -> Path | None:
        return self.out or (None if self.quick or self.seed_start else RESULTS)


def measure(options: Options) -> tuple[Runs, dict[str, Any]]:
    """The runs of all tasks: those that were asked for are trained, and kept as each is finished.

    Raises InputError for a task that it has not got, and for one that is asked for twice.
    """
    asked, first = (options.task, options.seed_start) if isinstance(options, Choices) else ((), 0)
    tasks = tuple(QUICK if options.quick else TASKS)
    for name in asked:
        if name not in tasks:
            raise InputError(f"expected a task among {', '.join(tasks)}, got {name!r}")
        if asked.count(name) > 1:
            raise InputError(f"expected each task once, got {name} more than once")
    parts, other = kept(options.folder) if asked else ({}, {})
    for name in asked or tasks:
        parts[name], other[name] = train(name, options, first)
        if options.folder is not None:
            options.folder.mkdir(parents=True, exist_ok=True)
            _joined(parts, tasks).write(options.folder / f"{NAME}.parquet")
    return _joined(parts, tasks), {name: other[name] for name in tasks if name in other}


def kept(folder: Path | None) -> tuple[dict[str, Runs], dict[str, Any]]:
    """The runs of each task that a folder has, and what is no run."""
    if folder is None or not (folder / f"{NAME}.json").is_file():
        return {}, {}
    runs, other = Runs.read(folder / f"{NAME}.parquet"), json.loads((folder / f"{NAME}.json").read_text())["other"]
    return {name: runs.where(task=name) for name in other}, other


def _joined(parts: dict[str, Runs], tasks: tuple[str, ...]) -> Runs:
    """In the order of the tasks, however they came."""
    return Runs.joined(parts[name] for name in tasks if name in parts)


EXPERIMENT = Experiment(
    NAME,
    QUESTION,
    HELD_FIXED,
    measure,
    effects.summarise,
    report.answer,
    report.details,
    {"": figures.shares, "worth": figures.worth},
    Choices,
)
