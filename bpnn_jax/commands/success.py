"""How ``bpnn train`` scores and shows patterns that are no table: the success rate, and what every run has."""

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from rich.console import Console
    from rich.table import Table

    from bpnn_jax.commands.train import Train
    from bpnn_jax.patterns import Patterns
    from bpnn_jax.training import TrainResult, Watch

SHOWN_CLASSES = 12  # a larger confusion table is only in the JSON


class Scored(NamedTuple):
    """How a network does on patterns; rates in percent."""

    success_rate: float
    largest_output_rate: float | None  # one-hot targets only
    confusion: "np.ndarray | None"
    scores: dict[str, Any]  # those that fit the kind, as for a table


def score(result: "TrainResult", data: "Patterns", within: float, learn: "Patterns") -> Scored:
    """How a network does on patterns, by the kind of those that it learnt."""
    from bpnn_jax.commands.task_scores import scored
    from bpnn_jax.patterns import scores
    from bpnn_jax.training import predict

    outputs, kind = predict(result.network, result.weights, data.x), scores.kind_of(learn.t)
    right = float(scores.hits(outputs, data.t, within).mean())
    if kind == "boolean":
        return Scored(100.0 * right, None, None, {"accuracy": right})
    found = scored(kind, lambda v: v, outputs, data.t, learn.t)
    if kind == "regression":
        return Scored(100.0 * right, None, None, found)
    return Scored(100.0 * right, 100.0 * found["accuracy"], scores.confusion(outputs, data.t), found)


def watch(options: "Train", learn: "Patterns", test: "Patterns | None", within: float) -> "Watch | None":
    """What to look at after each epoch, where something shows it: a drawing, or the JSON of a run with test patterns."""
    from bpnn_jax.patterns import scores
    from bpnn_jax.training import Watch

    parts = {} if test is None else {"test": (test.x, test.t)}
    if options.practice.plot:
        parts = {"training": (learn.x, learn.t), **parts}
    if not parts or not (options.practice.plot or options.json):
        return None
    rate = lambda outputs, t: scores.hits(outputs, t, within).mean()  # noqa: E731
    return Watch(parts, score=rate, every=options.history_every)


def of_the_curves(watch: "Watch | None") -> dict[str, Any]:
    """What of the JSON is seen after each epoch: for each part (epoch, error per pattern, score) rows, None for no score."""
    curves = {} if watch is None else watch.curves
    rows = {
        part: [
            [int(epoch), float(error), float(score) if score == score else None]
            for epoch, error, score in zip(curve.epochs, curve.error, curve.score, strict=True)
        ]
        for part, curve in curves.items()
    }
    return {"curves": rows}


def as_json(result: "TrainResult", train_score: Scored, test_score: Scored | None) -> dict:
    """``success_rate`` is that of the test patterns where there are any, as the article's is."""
    best = test_score or train_score
    parts = {"train": train_score, "test": test_score}
    return {
        "scores": {name: part.scores for name, part in parts.items() if part is not None},
        **of_the_run(result),
        "success_rate": best.success_rate,
        "train_success_rate": train_score.success_rate,
        "test_success_rate": test_score.success_rate if test_score else None,
        "largest_output_rate": best.largest_output_rate,
        "confusion": best.confusion.tolist() if best.confusion is not None else None,
    }


def of_the_patterns(learn: "Patterns", test: "Patterns | None") -> dict:
    """What of the JSON says what was learnt, as for a table."""
    from bpnn_jax.patterns import scores

    kind = {
        "kind": scores.kind_of(learn.t),
        "inputs": list(learn.inputs),
        "targets": list(learn.outputs),
    }
    counts = {"train": len(learn), "validation": 0, "test": 0 if test is None else len(test), "left_out": 0}
    return {
        "task": {**kind, "classes": list(learn.outputs) if kind["kind"] == "classification" else []},
        "patterns": counts,
    }


def of_the_run(result: "TrainResult") -> dict:
    """What of the JSON is the run's, whatever was learnt."""
    return {
        "network": str(result.network),
        "iterations": result.iterations,
        "stopped": result.stopped,
        "kept": result.kept,
        "error": result.error,
        "history": [[int(epoch), float(error)] for epoch, error in result.history],
        "seconds": result.seconds,
        "compile_seconds": result.compile_seconds,
        "engine": result.engine,
    }


def show_run(result: "TrainResult", out: "Console") -> None:
    """Network, epochs, error and time."""
    why = {
        "cutoff": "error below the cut-off",
        "solved": "solved",
        "epochs": "epoch limit reached",
        "patience": "no lower validation error for as long as patience says",
    }[result.stopped]
    out.print(f"network     {result.network}")
    out.print(f"iterations  {result.iterations} (counted from 0), {why}")
    if result.kept != result.iterations:
        out.print(f"kept        the weights of iteration {result.kept}, which has the lowest validation error")
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
