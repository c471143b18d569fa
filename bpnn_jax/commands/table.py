"""``bpnn train`` and ``bpnn predict`` for tables: what is learnt, and the score that fits its kind."""

import csv
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from bpnn_jax._runtime.files import write_atomically
from bpnn_jax._runtime.text import one_line, plain
from bpnn_jax.commands.common import finish, part
from bpnn_jax.errors import InputError
from bpnn_jax.patterns import scores
from bpnn_jax.patterns.encoding import Encoding
from bpnn_jax.patterns.tabular import Tabular, customary

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table as Drawn

    from bpnn_jax.network import Network
    from bpnn_jax.settings import Run
    from bpnn_jax.storage import Saved
    from bpnn_jax.training import TrainResult

ANSWER = "answer"  # the first column of ``bpnn predict --out``
SHOWN_CLASSES = 12  # a larger confusion table is only in the JSON


class Fitted(NamedTuple):
    """A network that has learnt a table; ``scores`` holds train and, with held-out rows, test, as the JSON has them."""

    run: "Run"
    result: "TrainResult"
    scores: dict[str, dict[str, Any]]


def settings(run: "Run", epochs: int, data: Tabular, given: frozenset[str]) -> tuple["Run", int]:
    """The run and the epochs that train a table, but for the options that were given."""
    usual = customary(data.task, len(data.train))
    usual_epochs = usual.pop("epochs")
    if "mode" in given and run.mode != "minibatch":
        usual.pop("batch_size")
    if "ranges" in given:  # of uniform first weights
        usual.pop("initial")
    kept = {name: value for name, value in usual.items() if name not in given}
    if "momentum" in given and "rule" not in given:
        raise InputError(
            f"expected a rule with momentum {run.momentum:g}: {usual['rule']}, a table's own rule, has none"
        )
    if "rule" in given and "learning_rate" not in given:
        raise InputError(
            f"expected a learning rate with rule {run.rule} for a table, whose own rule is {usual['rule']}"
        )
    return replace(run, **kept), epochs if "epochs" in given else usual_epochs


def fit(
    run: "Run", network: "Network", epochs: int, data: Tabular, seed: int, history_every: int, progress: Callable
) -> Fitted:
    """Train, and score the parts."""
    from bpnn_jax import training
    from bpnn_jax.network import init

    result = training.train(
        network,
        data.train.x,
        data.train.t,
        **run.rates(data.train)._replace(cutoff=0.0, tolerance=None)._asdict(),
        weights=init(network, seed, initial=run.initial, ranges=run.ranges),
        seed=seed,
        dtype=run.dtype,
        settings=run.settings(epochs=epochs, history_every=history_every),
        progress=progress,
    )
    parts = {"train": data.train, **({} if data.test is None else {"test": data.test})}
    return Fitted(run, result, {name: score(result, data, part.x, part.t) for name, part in parts.items()})


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
    task, best = data.task, fitted.scores.get("test", fitted.scores["train"])
    rates = {name: 100 * part["accuracy"] if "accuracy" in part else None for name, part in fitted.scores.items()}
    return {
        "task": {
            "kind": task.kind,
            "inputs": list(task.inputs),
            "targets": list(task.targets),
            "classes": list(task.classes),
        },
        "patterns": {
            "train": len(data.train),
            "validation": 0,
            "test": 0 if data.test is None else len(data.test),
            "left_out": data.left_out,
        },
        "scores": fitted.scores,
        "success_rate": rates.get("test", rates["train"]),
        "train_success_rate": rates["train"],
        "test_success_rate": rates.get("test"),
        "largest_output_rate": rates.get("test", rates["train"]) if task.kind == "classification" else None,
        "confusion": best.get("confusion"),
    }


def announce(data: Tabular, out: "Console") -> None:
    """What is learnt, in one line, before it is trained; and what was left out."""
    held = f", {len(data.test)} to test" if data.test is not None else ""
    total = len(data.train) + (0 if data.test is None else len(data.test))
    said = f"{data.task.line}; {total} patterns, {len(data.train)} to train{held}"
    out.print(one_line(said), markup=False, soft_wrap=True)
    for note in data.task.notes:
        out.print(one_line(f"note: {note}"), markup=False, soft_wrap=True)
    if data.test is None:
        out.print(
            "note: no held-out score, all rows train; --test-share 0.3 or --test FILE keeps some apart", soft_wrap=True
        )


def show(data: Tabular, fitted: Fitted, out: "Console") -> None:
    """The scores in words."""
    from rich.text import Text

    for which, found in fitted.scores.items():
        name = {"train": "training", "test": "test"}[which]
        count = len(data.train if which == "train" or data.test is None else data.test)
        out.print(Text(f"{name:<12}{_words(data.task.kind, found, count)}"), soft_wrap=True)
    best = fitted.scores.get("test", fitted.scores["train"])
    if data.task.kind == "classification" and len(data.task.classes) <= SHOWN_CLASSES:
        out.print("A row for what it is, a column for what it was taken for (the largest output):")
        out.print(confusion(data.task.classes, best))
    if data.task.kind == "multi-label":
        for label, accuracy, majority in zip(data.task.targets, best["accuracies"], best["majority"], strict=True):
            out.print(
                Text(f"  {label}: {100 * accuracy:.2f}% right (always the commoner answer: {100 * majority:.2f}%)")
            )


def _words(kind: str, found: dict[str, Any], count: int) -> str:
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


def is_answers(head: bytes, tail: bytes) -> bool:
    """Whether a file that begins so is one that ``predict`` wrote."""
    return head.startswith(f"{ANSWER},".encode())


def predict(
    saved: "Saved", encoding: Encoding, data: str, skip: int, limit: int | None, out: Path | None, json: Path | None
) -> int:
    """``bpnn predict`` for a table: the answer for each row, and the scores where the file has the targets."""
    from bpnn_jax._runtime.progress import console
    from bpnn_jax.patterns.formats import read_file
    from bpnn_jax.training import predict as outputs_of

    table, screen = read_file(data).table, console()
    table = table.rows(part(len(table), skip, limit))
    outputs = np.asarray(outputs_of(saved.network, saved.weights, encoding.inputs(table)), np.float64)
    answers, shown = encoding.answers(outputs), encoding.outputs(outputs)
    names = saved.outputs or tuple(f"output {k + 1}" for k in range(outputs.shape[1]))
    found: dict[str, Any] = {}
    if encoding.has_targets(table):
        t = encoding.read(table)[1]
        found = scored(encoding.kind, lambda v: v, shown if encoding.kind == "regression" else outputs, t, t)
    if out is not None:
        write_atomically(out, _csv(names, answers, shown).encode())
    title = f"{encoding.learns} for {len(table)} rows: answer, and the outputs {', '.join(names)}"
    screen.print(plain(title), markup=False, soft_wrap=True)
    for answer, row in zip(answers, shown.tolist(), strict=True):
        screen.print(f"{one_line(answer)}    {' '.join(f'{v:.4g}' for v in row)}", markup=False, soft_wrap=True)
    if found:
        screen.print(_words(encoding.kind, found, len(table)), markup=False, soft_wrap=True)
    told = {"patterns": len(table), "answers": answers, "outputs": shown.tolist(), "scores": found or None}
    finish(json, "predict", told)
    return 0


def _csv(names: tuple[str, ...], answers: list[str], outputs: np.ndarray) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([ANSWER, *names])
    writer.writerows([answer, *row] for answer, row in zip(answers, outputs.tolist(), strict=True))
    return text.getvalue()
