"""Training: the studies of each task, and the runs of each arm at its own best rate."""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments._common import Options, run
from experiments._runs import Runs
from experiments.what_matters.design import INITIAL, QUICK, TASKS, Task, effective_rate, shuffled, studies

if TYPE_CHECKING:
    from bpnn_jax.ablation import Results

ACCURACY = "accuracy"


def train(name: str, options: Options, first: int = 0) -> tuple[Runs, dict[str, Any]]:
    """A task's runs, and what is no run: what its certificates say, and the seconds of processor time that all of it took."""
    of = (QUICK if options.quick else TASKS)[name]
    parts, verdicts, began = [], {}, time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        source = shuffled(name, options.keep or Path(folder)) if of.splits else name
        for alike, study in studies(name, of, source, first, options.quick):
            title = f"{name}, {', '.join(alike.values())}"
            kept = title.replace(", ", "_").replace("/", "").replace("±", "pm").replace(" ", "-")
            results = run(study, options, f"{kept}_{first}" if first else kept)
            parts += _tables(name, of, alike, results)
            for certificate in results.certificates.values():
                verdicts[certificate.verdict] = verdicts.get(certificate.verdict, 0) + 1
    said = {"epochs": of.epochs, "seeds": of.seeds, "splits": of.splits, "rates": list(of.rates)}
    return Runs.joined(parts), {**said, "certificates": verdicts, "seconds": round(time.process_time() - began)}


def _tables(task: str, of: Task, alike: dict[str, str], results: "Results") -> Iterator[Runs]:
    """The runs of each arm, all seeds of a split together."""
    initial = {value: level for level, value in INITIAL.items()}
    for k, arm in enumerate(results.study.arms):
        taken = [results.study.trials[column].run for column in results.chosen[:, k]]  # type: ignore[index]
        outcome = (
            {ACCURACY: results.scores["test_accuracy"][:, k], "epochs": of.epochs}
            if of.splits
            else {ACCURACY: np.nan, "epochs": results.epochs[:, k]}
        )
        yield Runs.of(
            task=task,
            order=alike["order"],
            **{
                "activation": arm.run.activation,
                "objective": alike["objective"],
                "hidden bias": "on" if arm.run.hidden_bias else "off",
                "first weights": initial[arm.run.initial],
                "momentum": alike["momentum"],
            },
            split=results.splits,
            seed=results.seeds,
            rate=[min(of.rates, key=lambda rate: abs(rate - effective_rate(run))) for run in taken],
            outcome=results.stopped[:, k],
            **outcome,
        )
