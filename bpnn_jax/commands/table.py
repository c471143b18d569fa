"""``bpnn train`` for tables: what is learnt, how it is trained, and what is said of it."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from bpnn_jax._runtime.text import one_line
from bpnn_jax.choice import Choice
from bpnn_jax.commands import curves, likely, practice, seeds, success
from bpnn_jax.commands.common import Data, finish, plain_warnings, read_data
from bpnn_jax.commands.task_scores import Fitted, apart, as_json, measure, score, scored, show
from bpnn_jax.errors import InputError
from bpnn_jax.patterns.tabular import Tabular, customary, prepare
from bpnn_jax.settings import filled

if TYPE_CHECKING:
    from rich.console import Console

    from bpnn_jax.commands.train import Train
    from bpnn_jax.network import Network
    from bpnn_jax.patterns.encoding import Encoding
    from bpnn_jax.settings import Run
    from bpnn_jax.storage import Saved
    from bpnn_jax.training import Checkpoint, Watch


def read(options: "Train", saved: "Saved | None") -> Data:
    """The data, a table as the options say; for a model that goes on with its target and kind where no others were given."""
    encoding = None if saved is None else saved.encoding
    if encoding is None:
        return read_data(options.data, options.targets, options.table)
    try:
        data = read_data(options.data, options.targets, _as_before(options, encoding))
    except InputError as error:
        raise InputError(f"{error} (from names a network that has learnt a table)") from None
    if data.task is None:
        raise InputError(f"expected a table for a network that has learnt one, got {options.data}")
    return data


def _as_before(options: "Train", encoding: "Encoding") -> Choice:
    target = options.table.target
    if target is None:
        words = encoding.targets if encoding.named else [str(k + 1) for k in encoding.target_numbers]
        target = ",".join(words)
    return replace(options.table, target=target, kind=options.table.kind or encoding.kind)


def train(options: "Train", data: Data, saved: "Saved | None") -> int:
    """Train on a table: said what is learnt, standardized, scored as its kind is."""
    from bpnn_jax._runtime.progress import console, progress_bar
    from bpnn_jax.commands.train import keep

    prepared = parts(options, data, saved)
    del data
    task = prepared.task
    if saved is None:
        usual = customary(task.kind, len(prepared.train))
        epochs = options.epochs if "epochs" in options.given else usual["epochs"]
        run = filled(options.run, usual, options.given)
    else:
        run = options.run
        epochs = options.epochs if "epochs" in options.given else customary(task.kind, len(prepared.train))["epochs"]
    options = replace(options, run=run, epochs=epochs)
    network, out = run.network(prepared.train), console()
    start = practice.checkpoint_of(options, saved, network)
    practice.schedule_of(options, start)  # refused before anything is printed
    announce(prepared, out, options, saved, network)
    if options.practice.seeds is not None:
        return seeds.table(options, network, prepared)
    watched = watch(options, prepared)
    with plain_warnings(), progress_bar(f"training {network}") as update:
        told = lambda done, error: update(done, epochs, f"error {error:.4g}")  # noqa: E731
        fitted = fit(options, network, prepared, saved, start, watched, told)
    outputs = task.classes or task.targets
    keep(options, fitted.result, inputs=task.inputs, outputs=outputs, encoding=prepared.encoding)
    if options.practice.plot and watched:
        kept = fitted.result.kept if prepared.validation is not None else None
        curves.plot(options.practice.plot, watched.curves, measure(task.kind), task.learns, kept)
    right = fitted.scores["train"].get("accuracy", fitted.scores["train"].get("r2", 0.0))
    learnt = network, fitted.result.weights, prepared.train.x, prepared.train.t, right
    found = {"warnings": likely.warn([likely.momentum(run), likely.collapsed(run, *learnt)])}
    found |= {**success.of_the_run(fitted.result), **as_json(prepared, fitted), **success.of_the_curves(watched)}
    finish(options.json, "train", found)
    success.show_run(fitted.result, out)
    show(prepared, fitted, out)
    return 0


def parts(options: "Train", data: Data, saved: "Saved | None") -> Tabular:
    """The table cut and standardized, as the options say. Raises InputError for options that are not a table's."""
    from bpnn_jax.patterns.formats import read_file

    unfit = sorted(options.given & {"article", "train_size", "test_size", "cutoff", "tolerance"})
    if unfit:
        raise InputError(
            f"expected no {unfit[0].replace('_', '-')} for a table, got it; a table is split by --test-share or --test"
        )
    validation = options.practice.validation
    if options.in_order and not options.test_share and not validation:
        raise InputError("expected in-order with test-share or validation, got it alone")
    if options.practice.patience is not None and not validation:
        raise InputError("expected patience with validation, the share of the rows that it looks at, got it alone")
    encoding = None if saved is None else saved.encoding
    if saved is not None and encoding is None:
        raise InputError(f"expected the patterns of a network that has learnt no table, got the table {options.data}")
    task = data.task
    assert task is not None
    if encoding is not None and data.table is not None:
        task = encoding.adopt(task, data.table)
    return prepare(
        task,
        str(data.file),
        test=read_file(options.test).table if options.test else None if options.test_share else data.test,
        test_share=options.test_share or 0.0,
        validation=validation or 0.0,
        seed=options.seed,
        in_order=options.in_order,
        standardize=options.standardize,
        balanced=options.practice.class_weights == "balanced",
        learnt_by=encoding,
    )


def how(run: "Run", network: "Network") -> str:
    """The outputs, the objective and what is made of a batch, for the line that says what is learnt.

    >>> from bpnn_jax import Network
    >>> from bpnn_jax.settings import Run
    >>> how(Run(objective="cross-entropy", reduction="mean", mode="batch"), Network((2, 2, 2), ("tanh", "softmax")))
    'softmax outputs, cross-entropy, the mean of a batch'
    """
    objective = {"half-squared-error": "half the squared error"}.get(run.objective, run.objective)
    batch = "" if run.mode == "online" else f", the {run.reduction} of a batch"
    return f"{network.activations[-1]} outputs, {objective}{batch}"


def watch(options: "Train", data: Tabular) -> "Watch | None":
    """What to look at after each epoch: the rows apart, and to draw also those to train on."""
    from bpnn_jax.training import Watch

    seen = {"validation": data.validation, "test": data.test}
    if options.practice.plot:
        seen = {"training": data.plain, **seen}
    there = {name: (p.x, p.t) for name, p in seen.items() if p is not None}
    key = {"R²": "r2", "accuracy": "accuracy"}[measure(data.task.kind)]
    one = lambda outputs, t: scored(data.task.kind, lambda v: v, outputs, t, t)[key]  # noqa: E731
    if not there:
        return None
    return Watch(there, patience=options.practice.patience, score=one, every=options.history_every)


def fit(
    options: "Train",
    network: "Network",
    data: Tabular,
    saved: "Saved | None",
    start: "Checkpoint | None",
    watched: "Watch | None",
    progress: Callable,
) -> Fitted:
    """Train, and score the parts."""
    from bpnn_jax import training
    from bpnn_jax.network import init

    run = options.run
    if saved is None:
        weights = init(network, options.seed, initial=run.initial, ranges=run.ranges)
    else:
        weights = None if start else saved.weights
    schedule = practice.schedule_of(options, start)
    result = training.train(
        network,
        data.train.x,
        data.train.t,
        **run.rates(data.train)._replace(cutoff=0.0, tolerance=None)._asdict(),
        weights=weights,
        start=start,
        seed=options.seed,
        dtype=run.dtype,
        settings=run.settings(epochs=options.epochs, history_every=options.history_every, schedule=schedule),
        progress=progress,
        watch=watched,
    )
    return Fitted(run, result, {name: score(result, data, part.x, part.t) for name, part in apart(data).items()})


def announce(data: Tabular, out: "Console", options: "Train", saved: "Saved | None", network: "Network") -> None:
    """What is learnt, in one line, before it is trained; what was left out, and what goes on."""
    counts = {name: len(part) for name, part in apart(data).items()}
    verbs = {"train": "to train", "validation": "to validate", "test": "to test"}
    said = ", ".join(f"{counts[name]} {verbs[name]}" for name in counts)
    notes = list(data.task.notes)
    if data.plain is not None and len(data.train) > len(data.plain):
        notes.append(f"an epoch learns {len(data.train)} patterns: rows of rarer classes come several times")
    if saved is not None:
        notes += _goes_on(options, saved)
    if data.test is None:
        notes.append(
            "no held-out score, no row is kept apart to test; --test-share 0.3 or --test FILE keeps some apart"
        )
    line = f"{data.task.line}; {sum(counts.values())} patterns, {said}; {how(options.run, network)}"
    out.print(one_line(line), markup=False, soft_wrap=True)
    for note in notes:
        out.print(one_line(f"note: {note}"), markup=False, soft_wrap=True)


def _goes_on(options: "Train", saved: "Saved") -> list[str]:
    """What is to say of a run that goes on."""
    if saved.training is None:
        return ["the model was saved without its rule's state: its weights are where this run begins"]
    notes = [
        f"goes on after {saved.training.epochs} epochs, with what the model was trained with where nothing else is said"
    ]
    name, ends = options.practice.schedule, practice.schedule_of(options)
    if ends is not None and ends.ends and name.count(":") <= len(ends.numbers):
        notes.append(
            f"{name} ends with these epochs, and not where it did; {ends.name}:...:ALL has as many epochs in all, in parts too"
        )
    now = practice.told(options)
    for name in ("test_share", "validation", "in_order"):
        if now[name] != saved.training.said.get(name, now[name]):
            notes.append(
                f"another {name.replace('_', '-')} than before: rows that it was trained on may be among those kept apart"
            )
    return notes
