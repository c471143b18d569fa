"""How the tables of a study are trained where nothing is said: as ``bpnn train`` trains them."""

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from bpnn_jax import settings
from bpnn_jax.choice import Choice
from bpnn_jax.errors import InputError
from bpnn_jax.settings import Run

DEFAULT_EPOCHS = 1000  # of what is no table
MOMENTUM_RULE = "heavy-ball"  # where momentum is compared, which a table's own rule has not
Customs = tuple[tuple[str, tuple[tuple[str, Any], ...]], ...]  # of each table the fields of a run and their values


def of_the_tasks(
    tasks: Sequence[str],
    test: str | None,
    test_share: float,
    validation: float,
    momentum: bool,
    choice: Choice | None = None,
) -> tuple[Customs, int]:
    """Of each task that is a table the settings that ``bpnn train`` has for it, and the epochs that the longest of the tasks takes.

    momentum: whether values of momentum are compared without a word about the rule. Raises InputError for a file that cannot be read.
    """
    from bpnn_jax import patterns
    from bpnn_jax.ablation.parts import load, parts
    from bpnn_jax.patterns import door
    from bpnn_jax.patterns.tabular import customary

    found, epochs = [], []
    for task in tasks:
        no_table = task not in door.TABLES if patterns.is_set_name(task) else not os.path.exists(task)
        if no_table:  # or not there, which is refused when it is read
            continue
        data = load(task, test, choice)
        if not data.table:
            continue
        chosen_on = validation if test_share or data.test is not None else 0.0
        values = customary(data.kind, len(parts(data, 0, test_share, chosen_on).train))
        epochs.append(values.pop("epochs"))
        if momentum:
            values["rule"] = MOMENTUM_RULE
        found.append((task, tuple(values.items())))
    return tuple(found), max(epochs) if len(found) == len(tasks) else DEFAULT_EPOCHS


def customs(usual: Any, tasks: Sequence[str]) -> Customs:
    """A mapping from tasks to fields and values, or pairs, as a study keeps it. Raises InputError for what a run cannot have."""
    found = []
    for task, values in usual.items() if isinstance(usual, Mapping) else usual:
        if task not in tasks:
            raise InputError(f"expected usual settings of one of the tasks, got some of {task}")
        pairs = values.items() if isinstance(values, Mapping) else values
        found.append((task, tuple((settings.known(name), settings.checked(name, value)) for name, value in pairs)))
    return tuple(found)


def run_of(base: Run, usual: Customs, task: str, levels: Mapping[str, Any], given: Sequence[str]) -> Run:
    """``base`` with ``levels``; of a table its usual settings, but for the fields that are ``given``.

    Raises InputError for a momentum without a rule that has one, and for a rule without a learning rate.
    """
    run, values = replace(base, **levels), dict(dict(usual).get(task, ()))
    if not values:
        return run
    if values["rule"] == MOMENTUM_RULE and "learning_rate" not in given:
        raise InputError(
            f"expected a learning rate beside the momentum that is compared, by rule {MOMENTUM_RULE}, got none: learning-rate 0.1, "
            "say, or values of it to vary or to tune"
        )
    return settings.filled(run, values, given)


def line(task: str, run: Run, epochs: int, apart: Collection[str] = ()) -> str:
    """How a table is trained, but for the fields ``apart``, which vary or are tuned.

    >>> line("iris", Run(activation="tanh", rule="adam", learning_rate=0.01), 125, apart=["hidden_bias"])
    'iris, as bpnn train has it: tanh, half-squared-error, adam at 0.01, online, uniform, 125 epochs; what varies replaces it'
    """
    batch = "online" if run.mode == "online" else f"batch, its {run.reduction}"
    if run.mode == "minibatch":
        batch = f"minibatches of {run.batch_size or settings.DEFAULT_BATCH}, their {run.reduction}"
    said = {
        "activation": run.activation,
        "output_activation": f"{run.output_activation} outputs",
        "objective": run.objective,
        "rule": run.rule,
        "learning_rate": f"at {run.learning_rate:g}",
        "mode": batch,
        "initial": run.initial,
    }
    if run.output_activation == "same":
        said.pop("output_activation")
    words = ", ".join(what for name, what in said.items() if name not in apart).replace(
        f"{run.rule}, at", f"{run.rule} at"
    )
    more = "; what varies replaces it" if apart else ""
    return f"{task}, as bpnn train has it: {words}, {epochs} epochs{more}"
