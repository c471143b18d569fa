"""Training as people do it, for ``bpnn train``: its options, and what a run that goes on takes from the model."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from tyro.conf import arg

from bpnn_jax._runtime.text import one_line
from bpnn_jax.choice import Choice
from bpnn_jax.commands.common import Count, File, Number
from bpnn_jax.errors import InputError, switch
from bpnn_jax.settings import NAMES, checked

if TYPE_CHECKING:
    from bpnn_jax.commands.train import Train
    from bpnn_jax.network import Network
    from bpnn_jax.storage import Saved, Training
    from bpnn_jax.training import Checkpoint, Schedule, TrainResult

SPLIT = (
    "test_share",
    "in_order",
    "standardize",
)  # options of ``Train`` that a model keeps, beside the run's and ``KEPT``
KEPT = ("validation", "class_weights", "schedule")


@dataclass(frozen=True)
class Practice:
    """How people train: on a part, watched, several times, and further."""

    validation: Number = None
    """Keep this share of a table's rows apart to choose by: the weights of its lowest error are kept."""
    patience: Count = None
    """With validation: stop after so many epochs without a lower error."""
    seeds: Count = None
    """Train so many networks, with this seed and those that follow: mean and standard deviation of their scores."""
    start: Annotated[Path | None, arg(name="from", metavar="MODEL")] = None
    """Go on with the training of a saved network: its settings, its rule's state, its order of the patterns."""
    schedule: Annotated[str, arg(metavar="NAME")] = "constant"
    """The learning rate over the epochs: constant, linear[:LAST[:ALL]], cosine[:LAST[:ALL]], exponential:FACTOR,
    step:FACTOR:EPOCHS, or warmup-cosine:EPOCHS[:ALL]. ALL: the epochs in all, of a run in parts (--from)."""
    class_weights: Literal["none", "balanced"] = "none"
    """balanced: rows of rarer classes are learnt several times per epoch, until each class counts alike."""
    plot: File = None
    """Draw error and score over the epochs, training and test, to this PNG file. Needs bpnn-jax[report]."""
    export: File = None
    """Write the network for other programs: a file ending in .json, .npz or .c."""


def resumed(options: "Train") -> "tuple[Train, Saved | None]":
    """The options with those of the model that ``--from`` names where none were given, and what that file holds.

    Raises InputError for options that a run which goes on cannot have.
    """
    path = options.practice.start
    if path is None:
        return options, None
    from bpnn_jax.storage import load_network

    for name in ("article", "seeds"):
        if name in options.given:
            raise InputError(f"expected no {name} with from, which goes on with one run, got it")
    saved = load_network(path)
    training = saved.training
    run = {**_of_the_network(saved.network), **({} if training is None else _run(training.said.get("run"), path))}
    options = replace(options, run=_filled(options, options.run, {**run, **_of_the_network(saved.network)}))
    if training is None:
        return options, saved
    if "seed" in options.given and options.seed != training.seed:
        raise InputError(
            f"expected seed {training.seed}, as {one_line(path)} was trained with: another would move its split and its order, "
            f"got {options.seed}"
        )
    said, table = training.said, training.said.get("table")
    try:
        options = replace(
            options,
            **_left(options, said, SPLIT, {"in_order": bool, "standardize": bool, "test_share": float}),
            seed=training.seed,
            practice=replace(options.practice, **_left(options, said, KEPT, {"validation": float})),
            table=Choice(**{**_table(table), **_given_choice(options)}) if isinstance(table, dict) else options.table,
        )
    except (TypeError, ValueError) as error:
        raise InputError(f"{one_line(path)}: expected the settings of a training, got others: {error}") from None
    return options, saved


def told(options: "Train") -> dict[str, Any]:
    """The settings of a run that its model keeps, in what JSON knows."""
    run = {name: getattr(options.run, name) for name in NAMES}
    return {
        "run": {name: list(value) if isinstance(value, tuple) else value for name, value in run.items()},
        **{name: getattr(options, name) for name in SPLIT},
        **{name: getattr(options.practice, name) for name in KEPT},
        "table": {
            **{f.name: getattr(options.table, f.name) for f in fields(Choice)},
            "ignore": list(options.table.ignore),
        },
    }


def schedule_of(options: "Train", start: "Checkpoint | None" = None) -> "Schedule | None":
    """The schedule of the learning rate, over the epochs of before and these. Raises InputError for a text that is none."""
    from bpnn_jax.training import schedule

    return schedule(options.practice.schedule, options.epochs + (start.epochs if start else 0))


def training_of(options: "Train", result: "TrainResult") -> "Training":
    """What ``--save`` keeps of a run, so that another goes on."""
    from bpnn_jax.storage import Training

    return Training(result.rule, result.checkpoint.epochs, options.seed, told(options))


def checkpoint_of(options: "Train", saved: "Saved | None", network: "Network") -> "Checkpoint | None":
    """Where ``--from`` goes on; None without it, and for a model that did not keep its rule's state.

    Raises InputError for another network, and for a rule or a mode whose state is another.
    """
    from bpnn_jax.training import Checkpoint

    if saved is None:
        return None
    if saved.network != network:
        raise InputError(f"expected the network of the model that from names, {saved.network}, got {network}")
    if saved.training is None:
        return None
    before = saved.training.said.get("run", {})
    for name in ("rule", "mode", "order", "dtype"):
        now = getattr(options.run, name)
        if now != before.get(name, now):
            raise InputError(
                f"expected {name} {before[name]}, as the model that from names was trained with, whose rule's state goes on, got {now}"
            )
    return Checkpoint(saved.weights, saved.training.rule, saved.training.epochs)


def _of_the_network(network: "Network") -> dict[str, Any]:
    hidden, output = network.activations[0], network.activations[-1]
    return {
        "activation": hidden,
        "output_activation": output,
        "hidden": network.sizes[1:-1],
        "input_bias": network.input_bias,
        "hidden_bias": network.hidden_bias,
        "skip": network.skip,
    }


def _run(found: Any, path: Path) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise InputError(f"{one_line(path)}: expected the settings of a run, got {found!r:.80}")
    return {name: checked(name, value) for name, value in found.items() if name in NAMES}


def _filled(options: "Train", run: Any, values: Mapping[str, Any]) -> Any:
    return replace(
        run, **{n: v for n, v in values.items() if n not in options.given and n not in ("tolerance", "targets")}
    )


def _left(options: "Train", said: dict[str, Any], names: tuple[str, ...], kinds: dict[str, type]) -> dict[str, Any]:
    found = {name: said[name] for name in names if name in said and name not in options.given}
    for name, value in found.items():
        kind = kinds.get(name, str)
        if kind is bool:
            switch(name, value)
        elif value is not None and not isinstance(value, (kind, int) if kind is float else kind):
            raise ValueError(f"{name} {value!r:.40}")
    return found


def _table(found: dict[str, Any]) -> dict[str, Any]:
    return {**found, "ignore": tuple(found.get("ignore", ()))}


def _given_choice(options: "Train") -> dict[str, Any]:
    return {f.name: getattr(options.table, f.name) for f in fields(Choice) if f.name in options.given}
