"""``bpnn train --seeds``: several networks by ``train_many``, with the mean and the standard deviation of their scores."""

from typing import TYPE_CHECKING, Any

import numpy as np

from bpnn_jax.commands.common import finish, plain_warnings
from bpnn_jax.commands.practice import schedule_of
from bpnn_jax.errors import InputError

if TYPE_CHECKING:
    from bpnn_jax.commands.train import Train
    from bpnn_jax.network import Network, Weights
    from bpnn_jax.patterns import Patterns
    from bpnn_jax.patterns.tabular import Tabular
    from bpnn_jax.training import ManyResult

SHOWN = {
    "accuracy": ("% right", 100.0),
    "success_rate": ("% of the patterns have every output right", 1.0),
    "r2": (" R²", 1.0),
    "rmse": (" RMSE", 1.0),
    "mae": (" MAE", 1.0),
}


def trained(options: "Train", network: "Network", patterns: "Patterns", cutoff: float = 0.0) -> "ManyResult":
    """A network for each seed, from ``options.seed`` up."""
    from bpnn_jax import training
    from bpnn_jax._runtime.progress import progress_bar

    run, count = options.run, options.practice.seeds or 0
    numbers = [options.seed + k for k in range(count)]
    if numbers[-1] >= 2**32:
        raise InputError(f"expected seeds below 2^32, got {numbers[-1]}")
    schedule = schedule_of(options)
    every = options.history_every if "history_every" in options.given else -(-options.epochs // 100)
    with plain_warnings(), progress_bar(f"training {count} networks {network}") as update:
        return training.train_many(
            network,
            patterns.x,
            patterns.t,
            seeds=numbers,
            **run.rates(patterns)._replace(cutoff=cutoff, tolerance=options.tolerance)._asdict(),
            weights=_first_weights(options, network, numbers),
            dtype=run.dtype,
            settings=run.settings(epochs=options.epochs, history_every=every, schedule=schedule),
            progress=lambda done, networks: update(done, networks, "networks"),
        )


def _first_weights(options: "Train", network: "Network", seeds: list[int]) -> "Weights":
    """Those that ``bpnn train --seed`` draws for each seed: arrays (seeds, n_in + bias, n_out)."""
    from bpnn_jax.network import init

    drawn = [init(network, s, initial=options.run.initial, ranges=options.run.ranges) for s in seeds]
    return tuple(np.stack([np.asarray(W) for W in layer]) for layer in zip(*drawn, strict=True))


def table(options: "Train", network: "Network", data: "Tabular") -> int:
    """Train and score a table's networks, all on one split."""
    from bpnn_jax.commands.task_scores import apart, as_json_of_the_task, scored
    from bpnn_jax.training import predict

    found = trained(options, network, data.train)
    scores: dict[str, list[dict[str, Any]]] = {
        name: [
            scored(data.task.kind, data.encoding.outputs, predict(network, weights, part.x), part.t, data.train.t)
            for weights in _each(found)
        ]
        for name, part in apart(data).items()
    }
    _finish(options, found, scores, as_json_of_the_task(data), {name: len(part) for name, part in apart(data).items()})
    return 0


def patterns(options: "Train", network: "Network", learn: "Patterns", test: "Patterns | None", within: float) -> int:
    """Train and score networks of patterns that are no table."""
    from bpnn_jax.commands.success import of_the_patterns
    from bpnn_jax.patterns import scores as rates
    from bpnn_jax.training import predict

    found = trained(options, network, learn, options.cutoff or 0.0)
    there = {"train": learn, **({} if test is None else {"test": test})}
    scores = {
        name: [
            {"success_rate": 100 * float(rates.hits(predict(network, weights, part.x), part.t, within).mean())}
            for weights in _each(found)
        ]
        for name, part in there.items()
    }
    described = of_the_patterns(learn, test)
    _finish(options, found, scores, described, {name: len(part) for name, part in there.items()})
    return 0


def _each(found: "ManyResult") -> "list[Weights]":
    return [tuple(W[k] for W in found.weights) for k in range(len(found.seeds))]


def _finish(
    options: "Train",
    found: "ManyResult",
    scores: dict[str, list[dict]],
    described: dict[str, Any],
    counts: dict[str, int],
) -> None:
    """Print and write mean and standard deviation (of the sample, n - 1) of each score that is one number."""
    from bpnn_jax._runtime.progress import console

    out, seeds = console(), found.seeds.tolist()
    means: dict[str, dict[str, float]] = {}
    spread: dict[str, dict[str, Any]] = {}
    ends = {end: int((found.stopped == end).sum()) for end in np.unique(found.stopped)}
    out.print(f"network     {found.network}, seeds {seeds[0]} to {seeds[-1]}, {_ends(ends)}")
    out.print(f"time        {found.seconds:.3f} s training ({found.engine}), {found.compile_seconds:.3f} s compiling")
    for part, rows in scores.items():
        means[part], spread[part] = {}, {}
        for name in (key for key in rows[0] if isinstance(rows[0][key], float)):
            values = np.array([row[name] for row in rows])
            mean, sd = float(values.mean()), float(values.std(ddof=1))
            means[part][name], spread[part][name] = mean, {"sd": sd, "values": values.tolist()}
            if name in SHOWN:
                unit, scale = SHOWN[name]
                line = f"{scale * mean:.4g} ± {scale * sd:.2g}{unit}"
                label = {"train": "training"}.get(part, part)
                out.print(
                    f"{label:<12}{line} on {counts[part]} patterns (mean ± sd, {len(seeds)} networks)", soft_wrap=True
                )
    finish(
        options.json,
        "train",
        {
            **described,
            "network": str(found.network),
            "seeds": seeds,
            "scores": means,
            "spread": spread,
            "stopped": found.stopped.tolist(),
            "error": found.error.tolist(),
            "seconds": found.seconds,
            "compile_seconds": found.compile_seconds,
            "engine": found.engine,
        },
    )


def _ends(ends: dict[str, int]) -> str:
    return ", ".join(f"{count} {'ran all epochs' if end == 'epochs' else end}" for end, count in ends.items())
