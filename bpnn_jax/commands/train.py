"""``bpnn train``: data, network, run, result."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

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
    plain_warnings,
    read_data,
)
from bpnn_jax.errors import InputError
from bpnn_jax.settings import Run

if TYPE_CHECKING:
    import numpy as np
    from rich.console import Console
    from rich.table import Table

    from bpnn_jax.network import Network
    from bpnn_jax.patterns import Patterns
    from bpnn_jax.patterns.task import Task
    from bpnn_jax.training import TrainResult

SHOWN_CLASSES = 12  # a larger confusion table is only in the JSON


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
    """Stop after an epoch whose error (summed, with the ½) is below this."""
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
    """With test-share: the last rows of the file, not rows by chance."""
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
    names = (a.partition("=")[0].removeprefix("--").removeprefix("no-") for a in arguments if a.startswith("--"))
    given = frozenset(name.replace("-", "_") for name in names)
    if "--article" not in arguments:
        return arguments, Train(data=tyro.MISSING, given=given)
    run = OneRun(hidden_bias=False, order="article", dtype="float64")
    return arguments, Train(data=tyro.MISSING, article=True, run=run, given=given)


class Scored(NamedTuple):
    """How a network does on patterns; rates in percent."""

    success_rate: float
    largest_output_rate: float | None  # one-hot targets only
    confusion: "np.ndarray | None"


def run(options: Train) -> int:
    from bpnn_jax._runtime.outputs import Output
    from bpnn_jax._runtime.progress import console, progress_bar
    from bpnn_jax.patterns import scores
    from bpnn_jax.storage import is_network, save_network

    check_outputs(
        None if options.save is None else Output(options.save, "--save", is_network),
        json=options.json,
        reads=[*data_read(options.data), *data_read(options.test, "the test patterns")],
        overwrite=options.overwrite,
    )
    data = read_data(options.data, options.targets, options.table)
    if data.task is not None:
        return run_table(options, data, data.task)
    for name in sorted(options.given & {"test_share", "in_order", "standardize"}):
        raise InputError(f"expected {name.replace('_', '-')} with a table, got it with {options.data}")
    other = read_data(options.test, options.targets, options.table) if options.test else None
    learn, test = divide(options, data, other)
    network = options.run.network(data.patterns)
    with plain_warnings(), progress_bar(f"training {network}") as update:
        told = lambda done, error: update(done, options.epochs, f"error {error:.4g}")  # noqa: E731
        result = fit(options, network, learn, of_a_file=data.file is not None, progress=told)
    within = scores.tolerance(learn.t)
    train_score = score(result, learn, within)
    test_score = score(result, test, within) if test else None
    if options.save:  # first: a closed pipe (`| head`) must not lose the network
        inputs, outputs = data.patterns.inputs, data.patterns.outputs
        save_network(options.save, network, result.weights, inputs=inputs, outputs=outputs, tolerance=within)
    finish(options.json, "train", as_json(result, train_score, test_score) | of_the_patterns(learn, test, train_score))
    show(result, learn, train_score, test, test_score, console())
    return 0


def run_table(options: Train, data: Data, task: "Task") -> int:
    """Train on a table: said what is learnt, standardized, scored as its kind is."""
    from bpnn_jax._runtime.progress import console, progress_bar
    from bpnn_jax.commands import table
    from bpnn_jax.patterns.formats import read_file
    from bpnn_jax.patterns.tabular import prepare
    from bpnn_jax.storage import save_network

    unfit = sorted(options.given & {"article", "train_size", "test_size", "cutoff", "tolerance"})
    if unfit:
        raise InputError(
            f"expected no {unfit[0].replace('_', '-')} for a table, got it; a table is split by --test-share or --test"
        )
    if options.in_order and not options.test_share:
        raise InputError("expected in-order with test-share, got it alone")
    test = read_file(options.test).table if options.test else None if options.test_share else data.test
    prepared = prepare(
        task,
        str(data.file),
        test=test,
        test_share=options.test_share or 0.0,
        seed=options.seed,
        in_order=options.in_order,
        standardize=options.standardize,
    )
    run, epochs = table.settings(options.run, options.epochs, prepared, options.given)
    network, out = run.network(prepared.train), console()
    table.announce(prepared, out)
    with plain_warnings(), progress_bar(f"training {network}") as update:
        told = lambda done, error: update(done, epochs, f"error {error:.4g}")  # noqa: E731
        fitted = table.fit(run, network, epochs, prepared, options.seed, options.history_every, told)
    if options.save:
        outputs, weights = task.classes or task.targets, fitted.result.weights
        save_network(options.save, network, weights, inputs=task.inputs, outputs=outputs, encoding=prepared.encoding)
    finish(options.json, "train", {**of_the_run(fitted.result), **table.as_json(prepared, fitted)})
    show_run(fitted.result, out)
    table.show(prepared, fitted, out)
    return 0


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


def fit(options: Train, network: "Network", learn: "Patterns", of_a_file: bool, progress: Callable) -> "TrainResult":
    """Train, as ``--article`` has it where that is given: of a file with the article's cut-off and error."""
    from bpnn_jax import article, training
    from bpnn_jax.network import init

    run, weights, cutoff, measure = options.run, None, options.cutoff or 0.0, "sum"
    if options.article:
        if len(network.sizes) != 3:
            raise InputError(f"expected one hidden layer for the article's random numbers, got {network}")
        weights = article.initial_weights(network, options.seed)
        measure = "last-output" if of_a_file else "last-pattern"
        if options.cutoff is None and of_a_file:
            cutoff = article.CUTOFF
    else:
        weights = init(network, options.seed, initial=run.initial, ranges=run.ranges)
    rates = run.rates(learn)._replace(cutoff=cutoff, tolerance=options.tolerance)
    return training.train(
        network,
        learn.x,
        learn.t,
        **rates._asdict(),
        weights=weights,
        seed=options.seed,
        dtype=run.dtype,
        settings=run.settings(epochs=options.epochs, history_every=options.history_every, measure=measure),
        progress=progress,
    )


def score(result: "TrainResult", data: "Patterns", within: float) -> Scored:
    from bpnn_jax.patterns import scores
    from bpnn_jax.training import predict

    outputs = predict(result.network, result.weights, data.x)
    rate = 100.0 * float(scores.hits(outputs, data.t, within).mean())
    if not scores.is_one_hot(data.t):
        return Scored(rate, None, None)
    return Scored(rate, 100.0 * scores.largest_output_rate(outputs, data.t), scores.confusion(outputs, data.t))


def as_json(result: "TrainResult", train_score: Scored, test_score: Scored | None) -> dict:
    """``success_rate`` is that of the test patterns where there are any, as the article's is."""
    best = test_score or train_score
    return {
        **of_the_run(result),
        "success_rate": best.success_rate,
        "train_success_rate": train_score.success_rate,
        "test_success_rate": test_score.success_rate if test_score else None,
        "largest_output_rate": best.largest_output_rate,
        "confusion": best.confusion.tolist() if best.confusion is not None else None,
    }


def of_the_patterns(learn: "Patterns", test: "Patterns | None", scored: Scored) -> dict:
    """What of the JSON says what was learnt, as for a table."""
    one_hot = scored.confusion is not None
    kind = {
        "kind": "classification" if one_hot else "boolean",
        "inputs": list(learn.inputs),
        "targets": list(learn.outputs),
    }
    counts = {"train": len(learn), "validation": 0, "test": 0 if test is None else len(test), "left_out": 0}
    return {"task": {**kind, "classes": list(learn.outputs) if one_hot else []}, "patterns": counts}


def of_the_run(result: "TrainResult") -> dict:
    """What of the JSON is the run's, whatever was learnt."""
    return {
        "network": str(result.network),
        "iterations": result.iterations,
        "stopped": result.stopped,
        "error": result.error,
        "history": [[int(epoch), float(error)] for epoch, error in result.history],
        "seconds": result.seconds,
        "compile_seconds": result.compile_seconds,
        "engine": result.engine,
    }


def show_run(result: "TrainResult", out: "Console") -> None:
    """Network, epochs, error and time."""
    why = {"cutoff": "error below the cut-off", "solved": "solved", "epochs": "epoch limit reached"}[result.stopped]
    out.print(f"network     {result.network}")
    out.print(f"iterations  {result.iterations} (counted from 0), {why}")
    out.print(f"error       {result.error:.10g}")
    out.print(
        f"time        {result.seconds:.3f} s training ({result.engine}), {result.compile_seconds:.3f} s compiling"
    )


def show(
    result: "TrainResult",
    learn: "Patterns",
    train_score: Scored,
    test: "Patterns | None",
    test_score: Scored | None,
    out: "Console",
) -> None:
    show_run(result, out)
    for name, data, scored in (("training", learn, train_score), ("test", test, test_score)):
        if data is not None and scored is not None:
            line = f"success     {scored.success_rate:.2f}% of {len(data)} {name} patterns have every output right"
            if scored.largest_output_rate is not None:
                line += f"; {scored.largest_output_rate:.2f}% by the largest output"
            out.print(line)
    data, scored = (test, test_score) if test_score else (learn, train_score)
    if (
        data is not None
        and scored is not None
        and scored.confusion is not None
        and len(scored.confusion) <= SHOWN_CLASSES
    ):
        out.print("A row for what it is, a column for what it was taken for (the largest output):")
        out.print(confusion_table(scored.confusion, data))


def confusion_table(counts: "np.ndarray", data: "Patterns") -> "Table":
    """Classes by their names, with the share that is right."""
    from rich.table import Table
    from rich.text import Text

    names = data.outputs or tuple(map(str, range(len(counts))))
    table = Table()
    table.add_column("")
    for name in names:
        table.add_column(Text(name), justify="right")
    table.add_column("right", justify="right")
    for i, (name, row) in enumerate(zip(names, counts, strict=True)):
        cells = [Text(str(n), "green" if i == j else "") for j, n in enumerate(row)]
        table.add_row(Text(name), *cells, f"{100 * row[i] / max(1, row.sum()):.1f}%")
    return table
