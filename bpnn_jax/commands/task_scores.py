"""The scores of a table's task, by its kind: what they are, in JSON and in words."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from bpnn_jax.patterns import scores
from bpnn_jax.patterns.tabular import Tabular

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table as Drawn

    from bpnn_jax.settings import Run
    from bpnn_jax.training import TrainResult


SHOWN_CLASSES = 12  # a larger confusion table is only in the JSON
NAMES = {"train": "training", "validation": "validation", "test": "test"}


class Fitted(NamedTuple):
    """A network that has learnt a table; ``scores`` holds train and, where there are such rows, validation and test."""

    run: "Run"
    result: "TrainResult"
    scores: dict[str, dict[str, Any]]


def measure(kind: str) -> str:
    """The score that a curve shows: R² for numbers, the accuracy for everything else."""
    return "R²" if kind == "regression" else "accuracy"


def apart(data: Tabular) -> dict[str, Any]:
    """The parts that are scored, by name: to train on (each row once), validation and test where there are such rows."""
    found = {"train": data.plain, "validation": data.validation, "test": data.test}
    return {name: part for name, part in found.items() if part is not None}


def score(result: "TrainResult", data: Tabular, x: np.ndarray, t: np.ndarray) -> dict[str, Any]:
    """The scores that fit the task's kind, as JSON-serialisable data."""
    from bpnn_jax.training import predict

    return scored(
        data.encoding.kind, data.encoding.outputs, predict(result.network, result.weights, x), t, data.train.t
    )


def scored(kind: str, units: Callable, outputs: np.ndarray, t: np.ndarray, learnt: np.ndarray) -> dict[str, Any]:
    """Scores of outputs (rows, outputs) for targets alike, by the kind of task; ``units`` gives the targets' own units."""
    if kind == "classification":
        found = scores.classified(outputs, t)
        return {
            "accuracy": found.accuracy,
            "majority": found.majority,
            "confusion": found.confusion.tolist(),
            "recall": found.recall.tolist(),
            "precision": found.precision.tolist(),
        }
    if kind == "regression":
        return scores.regressed(units(outputs), units(t), units(learnt).mean(axis=0))._asdict()
    labels = scores.labelled(outputs, t, middle=float(t.min() + t.max()) / 2)
    return {
        "accuracy": labels.accuracy,
        "accuracies": labels.accuracies.tolist(),
        "majority": labels.majority.tolist(),
        "recall": labels.recall.tolist(),
        "precision": labels.precision.tolist(),
    }


def as_json(data: Tabular, fitted: Fitted) -> dict[str, Any]:
    """What of the JSON is a table's: ``task``, ``patterns``, ``scores``, and a rate in percent beside them."""
    kind, best = data.task.kind, fitted.scores.get("test", fitted.scores["train"])
    rates = {name: 100 * part["accuracy"] if "accuracy" in part else None for name, part in fitted.scores.items()}
    return {
        **as_json_of_the_task(data),
        "scores": fitted.scores,
        "success_rate": rates.get("test", rates["train"]),
        "train_success_rate": rates["train"],
        "test_success_rate": rates.get("test"),
        "largest_output_rate": rates.get("test", rates["train"]) if kind == "classification" else None,
        "confusion": best.get("confusion"),
    }


def as_json_of_the_task(data: Tabular) -> dict[str, Any]:
    """What of the JSON says what is learnt, from how many patterns."""
    task = data.task
    return {
        "task": {
            "kind": task.kind,
            "inputs": list(task.inputs),
            "targets": list(task.targets),
            "classes": list(task.classes),
        },
        "patterns": {
            "train": len(data.plain or data.train),
            "validation": 0 if data.validation is None else len(data.validation),
            "test": 0 if data.test is None else len(data.test),
            "left_out": data.left_out,
        },
    }


def show(data: Tabular, fitted: Fitted, out: "Console") -> None:
    """The scores in words."""
    from rich.text import Text

    for which, part in apart(data).items():
        out.print(Text(f"{NAMES[which]:<12}{words(data.task.kind, fitted.scores[which], len(part))}"), soft_wrap=True)
    best = fitted.scores.get("test", fitted.scores["train"])
    if data.task.kind == "classification" and len(data.task.classes) <= SHOWN_CLASSES:
        out.print("A row for what it is, a column for what it was taken for (the largest output):")
        out.print(confusion(data.task.classes, best))
    if data.task.kind == "multi-label":
        for label, accuracy, majority in zip(data.task.targets, best["accuracies"], best["majority"], strict=True):
            out.print(
                Text(f"  {label}: {100 * accuracy:.2f}% right (always the commoner answer: {100 * majority:.2f}%)")
            )


def words(kind: str, found: dict[str, Any], count: int) -> str:
    if kind == "regression":
        return (
            f"R² {found['r2']:.3f}, RMSE {found['rmse']:.4g}, MAE {found['mae']:.4g} on {count} patterns "
            f"(the constant mean: {found['rmse_mean']:.4g} and {found['mae_mean']:.4g})"
        )
    if kind == "classification":
        return f"{100 * found['accuracy']:.2f}% of {count} patterns right (always the commonest class: {100 * found['majority']:.2f}%)"
    return f"{100 * found['accuracy']:.2f}% of {count} patterns have every label right"


def confusion(names: tuple[str, ...], found: dict[str, Any]) -> "Drawn":
    """Classes by their names, with recall and precision."""
    from rich.table import Table
    from rich.text import Text

    table = Table()
    table.add_column("")
    for name in (*names, "recall", "precision"):
        table.add_column(Text(name), justify="right")
    for i, name in enumerate(names):
        cells = [Text(str(n), "green" if i == j else "") for j, n in enumerate(found["confusion"][i])]
        shares = [
            f"{100 * found[what][i]:.1f}%" if found[what][i] == found[what][i] else ""
            for what in ("recall", "precision")
        ]
        table.add_row(Text(name), *cells, *shares)
    return table
