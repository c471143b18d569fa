"""``bpnn train``: data, network, run, result."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bpnn_jax import article, cli, patterns
from bpnn_jax._runtime.progress import console, progress_bar
from bpnn_jax.commands.common import check_outputs, finish, plain_warnings, read_patterns
from bpnn_jax.errors import InputError
from bpnn_jax.network import Network, init
from bpnn_jax.patterns import Patterns, scores
from bpnn_jax.storage import save_network
from bpnn_jax.training import TrainResult, predict, train
from bpnn_jax.training._loop import Settings

SHOWN_CLASSES = 12  # a larger confusion table is only in the JSON


class Scored(NamedTuple):
    """How a network does on patterns; rates in percent."""

    success_rate: float
    largest_output_rate: float | None  # one-hot targets only
    confusion: np.ndarray | None


def run(options: cli.Train) -> int:
    reads = [d for d in (options.data, options.test) if d is not None and not patterns.is_set_name(d)]
    check_outputs(options.save, options.json, reads=reads)
    data = read_patterns(options.data, options.targets)
    learn, test = divide(options, data)
    network = shape(options, data)
    with plain_warnings(), progress_bar(f"training {network}") as update:
        result = fit(options, network, learn, lambda done, error: update(done, options.epochs, f"error {error:.4g}"))
    within = scores.tolerance(learn.t)
    train_score = score(result, learn, within)
    test_score = score(result, test, within) if test else None
    if options.save:  # before anything is printed: a reader who has gone away costs no network
        save_network(options.save, network, result.weights, inputs=data.inputs, outputs=data.outputs, tolerance=within)
    finish(options.json, as_json(result, train_score, test_score))
    show(result, learn, train_score, test, test_score, console())
    return 0


def divide(options: cli.Train, data: Patterns) -> tuple[Patterns, Patterns | None]:
    """The patterns to train on, and those to test on, if any."""
    train_size, test_size = options.train_size, options.test_size
    if options.article and not patterns.is_set_name(options.data):
        data = data[1:]  # the article's program reads the first line only for its shape
        train_size = article.TRAIN_SIZE if train_size is None else train_size
        test_size = test_size if test_size is not None or options.test else article.TEST_SIZE
    for what, size in (("train-size", train_size), ("test-size", test_size)):
        if size is not None and size < 1:
            raise InputError(f"expected {what} as a whole number from 1 up, got {size}")
    if options.test and test_size:
        raise InputError("expected either test or test-size, got both")
    wanted = (train_size or 0) + (test_size or 0)
    if wanted > len(data) or (test_size and not train_size and test_size >= len(data)):
        raise InputError(f"expected at most {len(data)} patterns to train and to test on, got {wanted}")
    learn = data[: train_size or len(data) - (test_size or 0)]
    if options.test:
        test = read_patterns(options.test, options.targets)
        if test.x.shape[1] != data.x.shape[1] or test.t.shape[1] != data.t.shape[1]:
            expected, got = (f"{p.x.shape[1]} inputs and {p.t.shape[1]} targets" for p in (data, test))
            raise InputError(f"{options.test}: expected {expected} as in {options.data}, got {got}")
        return learn, test
    if test_size:
        return learn, data[len(learn) : len(learn) + test_size]
    return learn, patterns.load_held_out(options.data)


def shape(options: cli.Train, data: Patterns) -> Network:
    hidden = options.hidden or data.hidden
    output = options.activation if options.output_activation == "same" else options.output_activation
    return Network(
        (data.x.shape[1], *hidden, data.t.shape[1]),
        (options.activation,) * len(hidden) + (output,),
        input_bias=options.input_bias,
        hidden_bias=options.hidden_bias,
        skip=options.skip,
    )


def fit(options: cli.Train, network: Network, learn: Patterns, progress) -> TrainResult:
    settings = Settings(
        epochs=options.epochs,
        rule=options.rule,
        mode=options.mode,
        batch_size=options.batch_size,
        order=options.order,
        gradient=options.gradient,
        shuffle=options.shuffle,
        history_every=options.history_every,
    )
    weights, cutoff = None, options.cutoff or 0.0
    if options.article:
        if len(network.sizes) != 3:
            raise InputError(f"expected one hidden layer for the article's random numbers, got {network}")
        weights = article.initial_weights(network, options.seed)
        settings = replace(settings, measure="last-pattern" if patterns.is_set_name(options.data) else "last-output")
        if options.cutoff is None and not patterns.is_set_name(options.data):
            cutoff = article.CUTOFF
    else:
        weights = init(network, options.seed, initial=options.initial, ranges=options.ranges)
    return train(
        network,
        learn.x,
        learn.t,
        learning_rate=options.learning_rate,
        momentum=options.momentum,
        cutoff=cutoff,
        tolerance=options.tolerance,
        weights=weights,
        seed=options.seed,
        dtype=options.dtype,
        settings=settings,
        progress=progress,
    )


def score(result: TrainResult, data: Patterns, within: float) -> Scored:
    outputs = predict(result.network, result.weights, data.x)
    rate = 100.0 * float(scores.hits(outputs, data.t, within).mean())
    if not scores.is_one_hot(data.t):
        return Scored(rate, None, None)
    return Scored(rate, 100.0 * scores.largest_output_rate(outputs, data.t), scores.confusion(outputs, data.t))


def as_json(result: TrainResult, train_score: Scored, test_score: Scored | None) -> dict:
    """``success_rate`` is that of the test patterns where there are any, as the article's is."""
    best = test_score or train_score
    return {
        "network": str(result.network),
        "iterations": result.iterations,
        "stopped": result.stopped,
        "error": result.error,
        "success_rate": best.success_rate,
        "train_success_rate": train_score.success_rate,
        "test_success_rate": test_score.success_rate if test_score else None,
        "largest_output_rate": best.largest_output_rate,
        "confusion": best.confusion.tolist() if best.confusion is not None else None,
        "history": [[int(epoch), float(error)] for epoch, error in result.history],
        "seconds": result.seconds,
        "compile_seconds": result.compile_seconds,
        "engine": result.engine,
    }


def show(
    result: TrainResult,
    learn: Patterns,
    train_score: Scored,
    test: Patterns | None,
    test_score: Scored | None,
    out: Console,
) -> None:
    why = {"cutoff": "error below the cut-off", "solved": "solved", "epochs": "epoch limit reached"}[result.stopped]
    out.print(f"network     {result.network}")
    out.print(f"iterations  {result.iterations} (counted from 0), {why}")
    out.print(f"error       {result.error:.10g}")
    out.print(
        f"time        {result.seconds:.3f} s training ({result.engine}), {result.compile_seconds:.3f} s compiling"
    )
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


def confusion_table(counts: np.ndarray, data: Patterns) -> Table:
    """Classes by their names, with the share that is right."""
    names = data.outputs or tuple(map(str, range(len(counts))))
    table = Table()
    table.add_column("")
    for name in names:
        table.add_column(Text(name), justify="right")
    table.add_column("right", justify="right")
    for i, (name, row) in enumerate(zip(names, counts, strict=True)):
        cells = [f"[green]{n}" if i == j else str(n) for j, n in enumerate(row)]
        table.add_row(Text(name), *cells, f"{100 * row[i] / max(1, row.sum()):.1f}%")
    return table
