"""A task cut into parts, standardized, and the settings that train it well untouched."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from bpnn_jax.errors import InputError
from bpnn_jax.patterns._patterns import Patterns
from bpnn_jax.patterns.encoding import Encoding
from bpnn_jax.patterns.split import split
from bpnn_jax.patterns.standardize import Standardization, fit
from bpnn_jax.patterns.tables import Table
from bpnn_jax.patterns.task import Task

UPDATES = {"regression": 500}  # so many updates of a minibatch of 32 train a regression; more fit its noise
MANY_UPDATES = 2000  # and so many everything else
BATCH = 32


@dataclass(frozen=True, eq=False)
class Tabular:
    """Parts of a task as a network sees them, and the way back to the target's own units.

    left_out:    rows of the table that are not used, for their missing cells.
    train, test: patterns, standardized where ``inputs`` and ``targets`` are not None; ``test`` is None without held-out rows.
    """

    task: Task
    train: Patterns
    test: Patterns | None
    inputs: Standardization | None
    targets: Standardization | None
    left_out: int = 0

    @property
    def encoding(self) -> Encoding:
        """How further rows are read, for the saved network."""
        return Encoding.of(self.task, self.inputs, self.targets)


def prepare(
    task: Task,
    name: str,
    *,
    test: Table | None = None,
    test_share: float = 0.0,
    seed: int = 0,
    in_order: bool = False,
    standardize: bool | None = None,
) -> Tabular:
    """Cut a task into train and test, each class in proportion, and standardize by the training part.

    test:        a table to test on, read as the task's own; or ``test_share`` of the rows are held out, moved by ``seed``, or the
                 last ones if ``in_order``.
    standardize: the inputs, and for a regression the targets too; by default for all but Boolean tasks.

    Raises InputError for shares that leave nothing, and for a test table that does not fit.
    """
    if test is not None and test_share:
        raise InputError("expected either a test file or a test share, got both")
    groups = task.t.argmax(axis=1) if task.classes else np.zeros(len(task), int)
    parts = split(groups, test_share, seed=seed, in_order=in_order)
    cells = [(task.x[parts.train], task.t[parts.train])]
    if test is not None:
        cells.append(Encoding.of(task).read(test))
    elif len(parts.test):
        cells.append((task.x[parts.test], task.t[parts.test]))
    on = task.kind != "boolean" if standardize is None else standardize
    inputs = fit(cells[0][0]) if on else None
    targets = fit(cells[0][1]) if on and task.kind == "regression" else None
    seen = [
        Patterns(
            x if inputs is None else inputs.apply(x),
            t if targets is None else targets.apply(t),
            name=name,
            hidden=task.hidden,
        )
        for x, t in cells
    ]
    return Tabular(task, seen[0], seen[1] if len(seen) > 1 else None, inputs, targets, task.left_out)


def customary(task: Task, patterns: int) -> dict[str, Any]:
    """Settings of a ``Run`` that train a table well untouched, with ``epochs``: Adam on minibatches, tanh, outputs by the task's kind.

    >>> from bpnn_jax.patterns.tables import Column, Table
    >>> from bpnn_jax.patterns.task import learn
    >>> numbers = Column("a", np.arange(64.0)), Column("b", np.arange(64.0) ** 2)
    >>> found = customary(learn(Table(numbers, True, "commas")), 64)
    >>> found["output_activation"], found["epochs"]
    ('linear', 250)
    """
    updates = UPDATES.get(task.kind, MANY_UPDATES)
    return {
        "activation": "tanh",
        "output_activation": "linear" if task.kind == "regression" else "sigmoid",
        "rule": "adam",
        "learning_rate": 0.003 if task.kind == "regression" else 0.005,
        "mode": "minibatch",
        "batch_size": BATCH,
        "shuffle": True,
        "initial": "glorot",
        "epochs": math.ceil(updates / math.ceil(patterns / BATCH)),
    }
