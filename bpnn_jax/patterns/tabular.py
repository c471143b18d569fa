"""A task cut into parts, standardized, and the settings that train it well untouched."""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bpnn_jax.errors import InputError
from bpnn_jax.patterns._patterns import Patterns
from bpnn_jax.patterns.encode import filled, fills, with_fills
from bpnn_jax.patterns.encoding import Encoding
from bpnn_jax.patterns.split import split
from bpnn_jax.patterns.standardize import Standardization, fit
from bpnn_jax.patterns.tables import Table
from bpnn_jax.patterns.task import Task

UPDATES = {"regression": 200, "classification": 500, "multi-label": 500, "boolean": 2000}  # of a minibatch, at least
MANY_PATTERNS, MANY_UPDATES = 1000, 1000  # with so many patterns classes have so many updates, of half the rate
FEWEST_EPOCHS = 10  # of a large table, which needs more updates
BATCH = 32


@dataclass(frozen=True, eq=False)
class Tabular:
    """Parts of a task as a network sees them, and the way back to the target's own units.

    task:        what is learnt, without its inputs, which are in the parts.
    left_out:    rows of the table, and of the test table, that are not used, for their missing cells.
    train, test, validation: patterns, standardized where ``inputs`` and ``targets`` are not None; ``test`` and ``validation`` are
                 None without such rows.
    plain:       the rows to train on, each once: ``train`` repeats some where classes are balanced.
    learnt_by:   the encoding of the model that goes on, None for a network that begins.
    """

    task: Task
    train: Patterns
    test: Patterns | None
    inputs: Standardization | None
    targets: Standardization | None
    left_out: int = 0
    validation: Patterns | None = None
    plain: Patterns | None = None
    learnt_by: Encoding | None = None

    @property
    def encoding(self) -> Encoding:
        """How further rows are read, for the saved network."""
        return self.learnt_by or Encoding.of(self.task, self.inputs, self.targets)


def prepare(
    task: Task,
    name: str,
    *,
    test: Table | None = None,
    test_share: float = 0.0,
    validation: float = 0.0,
    seed: int = 0,
    in_order: bool = False,
    standardize: bool | None = None,
    balanced: bool = False,
    learnt_by: Encoding | None = None,
) -> Tabular:
    """Cut a task into parts, each class in proportion; fill missing cells and standardize by the training part.

    test:        a table to test on, read as the task's own; or ``test_share`` of the rows are held out, moved by ``seed``, or the
                 last ones if ``in_order``. ``validation`` is the share of the rows that are apart to choose by.
    standardize: the inputs, and for a regression the targets too; by default for all but Boolean tasks.
    balanced:    rows of rarer classes come several times among those to train on.
    learnt_by:   the encoding of a model that goes on, whose standardization counts; ``task`` is as it reads it.

    Raises InputError for shares that leave nothing, for a test table that does not fit, and for classes to balance where are none.
    """
    if test is not None and test_share:
        raise InputError("expected either a test file or a test share, got both")
    if balanced and not task.classes:
        raise InputError(f"expected balanced class weights for a classification, got a {task.kind}")
    groups = task.t.argmax(axis=1) if task.classes else np.zeros(len(task), int)
    parts = split(groups, test_share, validation, seed=seed, in_order=in_order)
    rows = {"train": parts.train, "validation": parts.validation, "test": parts.test}
    cells = {part: (_rows(task.x, at), _rows(task.t, at)) for part, at in rows.items() if len(at)}
    if learnt_by is None:
        task = replace(task, columns=with_fills(task.columns, cells["train"][0]))
    middle = fills(task.columns)
    cells = {part: (filled(x, middle), t) for part, (x, t) in cells.items()}
    if test is not None:
        encoding, said = Encoding.of(task), list[str]()
        known = encoding.known(test, task.missing, said)
        cells["test"] = encoding.read(known)
        notes, left_out = (*task.notes, *(f"test: {note}" for note in said)), task.left_out + len(test) - len(known)
        task = replace(task, notes=notes, left_out=left_out)
    inputs, targets = _standardizations(task, *cells["train"], standardize, learnt_by)
    seen = {}
    for part in list(cells):
        x, t = cells.pop(part)  # let go one by one: a table may be large
        x, t = _scaled(x, inputs, task.x), _scaled(t, targets, task.t)
        seen[part] = Patterns(x, t, name=name, hidden=task.hidden)
    plain = seen["train"]
    train = replace(plain, x=plain.x[often := balance(plain.t)], t=plain.t[often]) if balanced else plain
    task = replace(task, x=task.x[:0].copy())
    return Tabular(
        task, train, seen.get("test"), inputs, targets, task.left_out, seen.get("validation"), plain, learnt_by
    )


def _rows(values: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Some rows; all of them, in their order, as they are."""
    return values if len(at) == len(values) and (np.diff(at) == 1).all() else values[at]


def _scaled(values: np.ndarray, by: Standardization | None, whole: np.ndarray) -> np.ndarray:
    """The values as the network sees them, read-only where they are nobody else's; ``whole`` is what they may be a part of."""
    if by is None:
        return values
    found = by.apply(values, in_place=not np.may_share_memory(values, whole))
    found.flags.writeable = False
    return found


def _standardizations(
    task: Task, x: np.ndarray, t: np.ndarray, standardize: bool | None, learnt_by: Encoding | None
) -> tuple[Standardization | None, Standardization | None]:
    if learnt_by is not None:
        return learnt_by.standardizations
    on = task.kind != "boolean" if standardize is None else standardize
    return (fit(x) if on else None), (fit(t) if on and task.kind == "regression" else None)


def balance(t: np.ndarray) -> np.ndarray:
    """Rows of one-hot targets (rows, classes) so that each class comes as often as the commonest: rarer ones several times, in turn.

    >>> balance(np.array([[1, 0], [1, 0], [1, 0], [0, 1], [0, 1]])).tolist()
    [0, 1, 2, 3, 3, 4]
    """
    groups = t.argmax(axis=1)
    most = int(np.bincount(groups).max())
    return np.sort(np.concatenate([np.resize(np.flatnonzero(groups == g), most) for g in np.unique(groups)]))


def customary(kind: str, patterns: int) -> dict[str, Any]:
    """Settings of a ``Run`` that train a table well untouched, with ``epochs``: Adam on minibatches, tanh, and what fits the kind.

    Classes: softmax with cross-entropy; labels: sigmoid with cross-entropy; numbers: linear outputs. The gradient of a batch is the
    mean, with a weight decay of 1 / patterns but for numbers: a prior of standard deviation 1 on each weight. The table in
    docs/tables.md compares them with scikit-learn's.

    kind: as ``Task`` has it.

    >>> found = customary("regression", 64)
    >>> found["output_activation"], found["reduction"], found["epochs"]
    ('linear', 'mean', 100)
    """
    updates, classes = UPDATES[kind], kind in ("classification", "multi-label")
    many = classes and patterns >= MANY_PATTERNS
    updates = MANY_UPDATES if many else updates
    outputs = {"regression": "linear", "classification": "softmax"}.get(kind, "sigmoid")
    return {
        "activation": "tanh",
        "output_activation": outputs,
        "objective": "cross-entropy" if classes else "half-squared-error",
        "reduction": "mean",
        "weight_decay": 1 / patterns if classes else 0.0,
        "rule": "adam",
        "learning_rate": 0.005 if many or kind == "boolean" else 0.01,
        "mode": "minibatch",
        "batch_size": BATCH,
        "shuffle": True,
        "initial": "glorot",
        "epochs": max(FEWEST_EPOCHS, math.ceil(updates / math.ceil(patterns / BATCH))),
    }
