"""``bpnn train``: data, network, run, result."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro
from tyro.conf import Fixed, Positional, Suppress, arg

from bpnn_jax.choice import Choice
from bpnn_jax.commands.common import (
    Count,
    Data,
    Json,
    Number,
    check_outputs,
    data_read,
    finish,
    named,
    plain_warnings,
    read_data,
)
from bpnn_jax.commands.practice import Practice, schedule_of
from bpnn_jax.errors import InputError, whole_number
from bpnn_jax.settings import Run

if TYPE_CHECKING:
    from bpnn_jax.network import Network, Weights
    from bpnn_jax.patterns import Patterns
    from bpnn_jax.training import Checkpoint, TrainResult, Watch


@dataclass(frozen=True)
class OneRun(Run):
    """A run but for the two fields whose options have another meaning here: it stops, and reads its file, as ``Train`` says."""

    tolerance: Suppress[Fixed[float]] = Run.tolerance
    targets: Suppress[Fixed[Any]] = Run.targets


@dataclass(frozen=True)
class Train:
    """Train a network on a file of patterns, or on a named set."""

    data: Positional[str]
    """A file (lines like 0.45 0.05 > 1 0 0, or .csv, or .npz) or a name: nand, xor, parity-4, encoder-8, two-spirals, code."""
    article: bool = False
    """The article's settings: random numbers, order, header line, split, cut-off, error. Options given explicitly take precedence."""
    run: Annotated[OneRun, arg(name="")] = field(default_factory=OneRun)
    """What is trained, and how."""
    epochs: int = 1000
    """At most so many passes over the patterns."""
    cutoff: Number = None
    """Stop after an epoch whose error (summed; half the squared error has the ½) is below this."""
    tolerance: Number = None
    """Stop when every output is within this of its target."""
    seed: int = 0
    """Moves the initial weights and the shuffling."""
    train_size: Count = None
    """Train on the first so many patterns."""
    test_size: Count = None
    """Test on the so many patterns that follow."""
    test: Annotated[str | None, arg(metavar="DATA")] = None
    """Test on these patterns."""
    targets: Count = None
    """How many of the last columns are targets, for a table whose names do not say so."""
    table: Annotated[Choice, arg(name="")] = field(default_factory=Choice)
    """What a table is about."""
    standardize: bool = True
    """Columns of a table with mean 0 and standard deviation 1, as the training part has them."""
    test_share: Number = None
    """Keep this share of a table's rows apart to test on, each class in proportion; --seed moves which."""
    in_order: bool = False
    """With test-share or validation: the last rows of the file, not rows by chance."""
    practice: Annotated[Practice, arg(name="")] = field(default_factory=Practice)
    """How people train."""
    given: Suppress[Fixed[frozenset[str]]] = frozenset()
    """The options that were given: what was not is chosen by what a table is about."""
    history_every: int = 1
    """Keep the error of every so many epochs."""
    save: Annotated[Path | None, arg(metavar="FILE")] = None
    """Save the network, as safetensors."""
    json: Json = None
    """Write the results to this file as JSON."""
    overwrite: bool = False
    """Replace what is at an output's place, even if bpnn did not write it."""


def prepared(arguments: Sequence[str]) -> tuple[Sequence[str], Train]:
    """What ``--article`` sets becomes the default, so that other options take precedence; and which options were given."""
    given = named(arguments)
    if "--article" not in arguments:
        return arguments, Train(data=tyro.MISSING, given=given)
    run = OneRun(hidden_bias=False, order="article", dtype="float64")
    return arguments, Train(data=tyro.MISSING, article=True, run=run, given=given)


def run(options: Train) -> int:
    from bpnn_jax._runtime.progress import console, progress_bar
    from bpnn_jax.commands import curves, likely, practice, seeds, success, table
    from bpnn_jax.patterns import scores

    check_before(options)
    options, saved = practice.resumed(options)
    read = [table.read(options, saved)]
    if read[0].task is not None:
        return table.train(options, read.pop(), saved)  # popped: a large table is let go as soon as it is cut
    data = read[0]
    table_alone = {"test_share", "in_order", "standardize", "validation", "patience", "class_weights"}
    for name in sorted(options.given & table_alone):
        raise InputError(f"expected {name.replace('_', '-')} with a table, got it with {options.data}")
    other = read_data(options.test, options.targets, options.table) if options.test else None
    learn, test = divide(options, data, other)
    network, within = options.run.network(data.patterns), scores.tolerance(learn.t)
    start = practice.checkpoint_of(options, saved, network)
    if options.practice.seeds is not None:
        return seeds.patterns(options, network, learn, test, within)
    watch = success.watch(options, learn, test, within)
    with plain_warnings(), progress_bar(f"training {network}") as update:
        told = lambda done, error: update(done, options.epochs, f"error {error:.4g}")  # noqa: E731
        weights = None if saved is None else saved.weights
        result = fit(options, network, learn, data.file is not None, told, weights, start, watch)
    train_score = success.score(result, learn, within, learn)
    learnt = network, result.weights, learn.x, options.run.patterns(learn).t, train_score.success_rate / 100
    warned = likely.warn([likely.momentum(options.run), likely.collapsed(options.run, *learnt)])
    test_score = success.score(result, test, within, learn) if test else None
    keep(options, result, inputs=data.patterns.inputs, outputs=data.patterns.outputs, tolerance=within)
    if options.practice.plot and watch:
        curves.plot(options.practice.plot, watch.curves, "success rate", options.data, None)
    found = success.as_json(result, train_score, test_score) | success.of_the_patterns(learn, test)
    finish(options.json, "train", found | success.of_the_curves(watch) | {"warnings": warned})
    success.show(result, learn, train_score, test, test_score, console())
    return 0


def check_before(options: Train) -> None:
    """Before any work: what is written where, and options that do not go together."""
    from bpnn_jax import export
    from bpnn_jax._runtime.outputs import Output, Read
    from bpnn_jax.commands import curves
    from bpnn_jax.storage import is_network

    practice = options.practice
    if practice.seeds is not None:
        whole_number("seeds", practice.seeds, 2, 10_000)
        for name in sorted(options.given & {"save", "export", "plot", "patience", "article"}):
            raise InputError(f"expected no {name} with seeds, which trains several networks, got it")
    if practice.patience is not None and practice.validation is None and practice.start is None:
        raise InputError("expected patience with validation, the share of the rows that it looks at, got it alone")
    if practice.patience is not None:
        whole_number("patience", practice.patience, 1)
    curves.check(practice.plot)
    if practice.export is not None:
        export.writer(practice.export)
    model = [] if practice.start is None else [Read(practice.start, "the model", anew="--save")]
    check_outputs(
        None if options.save is None else Output(options.save, "--save", is_network),
        None if practice.plot is None else Output(practice.plot, "--plot", curves.is_plot),
        None if practice.export is None else Output(practice.export, "--export", export.is_export),
        json=options.json,
        reads=[*data_read(options.data), *data_read(options.test, "the test patterns"), *model],
        overwrite=options.overwrite,
    )


def keep(options: Train, result: "TrainResult", **described: Any) -> None:
    """Save and export the network, before anything is printed: a closed pipe (`| head`) must not lose it."""
    from bpnn_jax import export
    from bpnn_jax._runtime.files import write_atomically
    from bpnn_jax.commands.practice import training_of
    from bpnn_jax.storage import save_network

    network, weights = result.network, result.weights
    if options.save:
        save_network(options.save, network, weights, training=training_of(options, result), **described)
    if options.practice.export:
        described.pop("tolerance", None)
        path = options.practice.export
        write_atomically(path, export.exported(path, network, weights, **described))


def divide(options: Train, read: Data, other: Data | None) -> "tuple[Patterns, Patterns | None]":
    """The patterns to train on, and those to test on, if any."""
    from bpnn_jax import article

    data, train_size, test_size = read.patterns, options.train_size, options.test_size
    if options.article and read.file:
        data = data[1:]  # the article's program reads the first line only for its shape
        train_size = article.TRAIN_SIZE if train_size is None else train_size
        test_size = test_size if test_size is not None or other else article.TEST_SIZE
    for what, size in (("train-size", train_size), ("test-size", test_size)):
        if size is not None and size < 1:
            raise InputError(f"expected {what} as a whole number from 1 up, got {size}")
    if other and test_size:
        raise InputError("expected either test or test-size, got both")
    wanted = (train_size or 0) + (test_size or 0)
    if wanted > len(data) or (test_size and not train_size and test_size >= len(data)):
        raise InputError(f"expected at most {len(data)} patterns to train and to test on, got {wanted}")
    learn = data[: train_size or len(data) - (test_size or 0)]
    if other:
        test = other.patterns
        if test.x.shape[1] != data.x.shape[1] or test.t.shape[1] != data.t.shape[1]:
            expected, got = (f"{p.x.shape[1]} inputs and {p.t.shape[1]} targets" for p in (data, test))
            raise InputError(f"{options.test}: expected {expected} as in {options.data}, got {got}")
        return learn, test
    if test_size:
        return learn, data[len(learn) : len(learn) + test_size]
    return learn, read.held_out


def fit(
    options: Train,
    network: "Network",
    learn: "Patterns",
    of_a_file: bool,
    progress: Callable,
    weights: "Weights | None" = None,
    start: "Checkpoint | None" = None,
    watch: "Watch | None" = None,
) -> "TrainResult":
    """Train, as ``--article`` has it where that is given: of a file with the article's cut-off and error.

    weights, start: of the model that goes on; with ``start`` its rule's state too.
    """
    from bpnn_jax import article, training
    from bpnn_jax.network import init

    run, cutoff, measure = options.run, options.cutoff or 0.0, "sum"
    if options.article:
        if len(network.sizes) != 3:
            raise InputError(f"expected one hidden layer for the article's random numbers, got {network}")
        weights = article.initial_weights(network, options.seed)
        measure = "last-output" if of_a_file else "last-pattern"
        if options.cutoff is None and of_a_file:
            cutoff = article.CUTOFF
    elif weights is None:
        weights = init(network, options.seed, initial=run.initial, ranges=run.ranges)
    schedule, epochs, history_every = schedule_of(options, start), options.epochs, options.history_every
    rates = run.rates(learn)._replace(cutoff=cutoff, tolerance=options.tolerance)
    return training.train(
        network,
        learn.x,
        learn.t,
        **rates._asdict(),
        weights=None if start else weights,
        start=start,
        seed=options.seed,
        dtype=run.dtype,
        settings=run.settings(epochs=epochs, history_every=history_every, measure=measure, schedule=schedule),
        progress=progress,
        watch=watch,
    )
