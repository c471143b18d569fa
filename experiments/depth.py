"""How much of the delta is left after one, two or three hidden layers, under sigmoid and tanh, and what does that cost?

Equation (9) multiplies by f' and by the weights once per layer on the way down. Glorot and Bengio (2010) saw the deltas shrink
with sigmoid, whose f' is at most 1/4, and proposed initial weights of variance 2/(n_in + n_out), under which tanh keeps their size.
Those are weights for tanh: sigmoid's f' = 1/4 at 0 wants weights four times as large. So the initial weights are freed here: uniform
ones, and Glorot's times 1, 2, 4 and 8, under either function, each with the learning rate that is best for it. The size of a delta
is its root mean square over patterns and nodes, from ``manual.deltas``, on parity of four bits with eight nodes per hidden layer.

    python -m experiments.depth            six minutes; writes experiments/results/depth.*
    python -m experiments.depth --quick    seconds
"""

from typing import Any

import numpy as np

import manual
from bpnn_jax import ManyResult, Network, init_paired, load_patterns, progress_bar, statistics, train_many
from experiments._common import Experiment, Options, functions
from experiments._depth_figure import plot
from experiments._report import INTERVALS, difference, holds, number, p_words, percent
from experiments._runs import Family, Runs, epochs_apart, every, mean_epochs, of_many, plain, success, success_apart

QUESTION = "What is left of the delta after one, two or three hidden layers, under sigmoid and under tanh, and what does that cost?"
HELD_FIXED = (
    "Held fixed: parity of four bits, eight nodes per hidden layer, all bias nodes, batch, heavy ball with momentum 0.9, targets "
    "0 and 1 for sigmoid and -1 and 1 for tanh, solved = within 0.4 of the way between the targets by 3000 epochs. "
    "Freed: the scale of the "
    "initial weights, the function, the depth, the learning rate."
)
TASK, WIDTH = "parity-4", 8
DEPTHS = (1, 2, 3)
ACTIVATIONS = ("sigmoid", "tanh")
STARTS = {"U(±0.5)": ("uniform", (0.5,), 1.0), **{f"Glorot × {g}": ("glorot", (), float(g)) for g in (1, 2, 4, 8)}}
GLOROT, LARGE = "Glorot × 1", "Glorot × 4"
STOPS = (
    0,
    30,
    100,
    300,
    1000,
    3000,
)  # epochs at which the first hidden layer's delta is measured, at the largest depth
CHOOSE, SEEDS, DELTA_SEEDS, MOMENTUM = 64, 1000, 256, 0.9
RATES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)  # each arm at the best of these, chosen on other seeds
TOLERANCE, LIMIT = 0.4, 3000  # 40-20-40, as a share of the way from the low to the high target; epochs


def measure(options: Options) -> tuple[Runs, dict[str, Any]]:
    quick = options.quick
    seeds, depths, stops, width = (48, (2,), (0, 30), 3) if quick else (SEEDS, DEPTHS, STOPS, WIDTH)
    rates, limit, starts = ((0.01, 0.1), 300, (GLOROT, LARGE)) if quick else (RATES, LIMIT, tuple(STARTS))
    arms = [(a, start, depth) for a in ACTIVATIONS for depth in depths for start in starts]
    parts = []
    with progress_bar("depth") as update:
        for k, (activation, start, depth) in enumerate(arms):
            update(k, len(arms), f"{activation}, {start}, {depth}")
            network = Network((4, *(width,) * depth, 1), activation)
            rate, ended = solved(network, start, seeds, rates, limit)
            arm = {"activation": activation, "start": start, "depth": depth}
            parts.append(of_many(ended, part="solve", **arm, rate=rate))
            if depth == depths[-1]:
                numbers = range(min(seeds, DELTA_SEEDS))
                parts += [
                    Runs.of(part="delta", **arm, rate=rate, **row)
                    for row in along(network, start, numbers, rate, stops)
                ]
    return Runs.joined(parts), {"stops": list(stops), "limit": limit}


def first_weights(network: Network, start: str, seeds: Any) -> tuple[np.ndarray, ...]:
    kind, ranges, gain = STARTS[start]
    return tuple(gain * W for W in init_paired(network, kind, ranges, np.asarray(seeds)))


def solved(network: Network, start: str, seeds: int, rates: tuple[float, ...], limit: int) -> tuple[float, ManyResult]:
    """The rate that is best for other seeds, and the runs of the first ``seeds`` at that."""
    tried = _run(
        network, start, list(range(seeds, seeds + CHOOSE)) * len(rates), limit, np.repeat(rates, CHOOSE), stop=True
    )
    epochs = np.where(tried.stopped == "solved", tried.iterations + 1, limit).reshape(len(rates), CHOOSE)
    rate = rates[int(epochs.mean(axis=1).argmin())]
    return rate, _run(network, start, list(range(seeds)), limit, rate, stop=True)


def along(network: Network, start: str, seeds: range, rate: float, stops: tuple[int, ...]) -> list[dict[str, Any]]:
    """Rows of log10 deltas: of every layer before training, then of the first hidden layer at each stop; a layer counts from 1."""
    x, t = _patterns(network)
    rows = []
    for stop in stops:
        weights = (
            _run(network, start, list(seeds), stop, rate).weights if stop else first_weights(network, start, seeds)
        )
        sizes = np.log10(np.maximum(delta_sizes(network, weights, x, t), 1e-30))
        for layer in range(sizes.shape[1] if stop == 0 else 1):
            rows.append(
                {
                    "stop": stop,
                    "layer": layer + 1,
                    "log_delta": sizes[:, layer].astype(np.float32),
                    "seed": np.array(seeds),
                }
            )
    return [row | {"epochs": row["stop"], "outcome": ""} for row in rows]


def _patterns(network: Network) -> tuple[np.ndarray, np.ndarray]:
    data = load_patterns(TASK)
    return data.x, data.with_targets(-1, 1).t if network.activations[-1] == "tanh" else data.t


def _run(network: Network, start: str, seeds: list[int], epochs: int, rate: Any, stop: bool = False) -> ManyResult:
    x, t = _patterns(network)
    return train_many(
        network,
        x,
        t,
        seeds=seeds,
        weights=first_weights(network, start, seeds),
        learning_rate=rate,
        momentum=MOMENTUM,
        rule="heavy-ball",
        mode="batch",
        epochs=epochs,
        history_every=epochs,
        tolerance=TOLERANCE * float(t.max() - t.min()) if stop else None,
    )


def delta_sizes(network: Network, weights: tuple, x: np.ndarray, t: np.ndarray) -> np.ndarray:
    """The root mean square of each layer's delta over patterns and nodes, (seeds, layers), by the hand derivation."""
    f, found = functions(network), []
    for i in range(len(weights[0])):
        own = tuple(W[i].astype(np.float64) for W in weights)
        found.append([np.sqrt(np.mean(d**2)) for d in manual.deltas(manual.forward(own, x, f), t)])
    return np.array(found)


def step_down(deltas: np.ndarray) -> np.ndarray:
    """log10 of the factor per layer, from the output's delta down to the first hidden layer's, of log10 deltas (seeds, layers).

    >>> step_down(np.array([[-3.0, -2.0, -1.0, 0.0]])).tolist()
    [-1.0]
    """
    return (deltas[:, 0] - deltas[:, -1]) / (deltas.shape[1] - 1)


def summarise(runs: Runs, other: dict[str, Any]) -> dict[str, Any]:
    limit, family = other["limit"], Family()
    trained, deltas = runs.where(part="solve"), runs.where(part="delta")
    depths, starts = trained.values("depth"), trained.values("start")
    deepest, arms, factors = depths[-1], {}, {}
    found: dict[str, Any] = {
        "seeds": len(trained.values("seed")),
        "limit": limit,
        "depths": depths,
        "starts": starts,
        "arms": [],
    }
    for a in ACTIVATIONS:
        for start in starts:
            for depth in depths:
                arm = arms[a, start, depth] = trained.where(activation=a, start=start, depth=depth)
                found["arms"].append(
                    {
                        "activation": a,
                        "start": start,
                        "depth": depth,
                        "rate": float(arm["rate"][0]),
                        "success": success(arm, limit),
                        "epochs": mean_epochs(arm, limit),
                    }
                )
            here = deltas.where(activation=a, start=start)
            layers = range(1, int(deepest) + 2)
            factors[a, start] = step_down(
                np.stack([here.where(stop=0, layer=k)["log_delta"] for k in layers], axis=1).astype(float)
            )
    found["factor"] = {a: {s: plain(statistics.estimate(factors[a, s])) for s in starts} for a in ACTIVATIONS}
    found["along"] = {
        a: {
            s: [
                plain(statistics.estimate(deltas.where(activation=a, start=s, stop=e, layer=1)["log_delta"]))
                for e in other["stops"]
            ]
            for s in starts
        }
        for a in ACTIVATIONS
    }
    for start in starts:
        family.add(plain(statistics.compare(factors["tanh", start], factors["sigmoid", start])), "factor", start)
        for depth in depths:
            pair = arms["tanh", start, depth], arms["sigmoid", start, depth]
            family.add(success_apart(*pair, limit), "success", str(depth), start)
            family.add(epochs_apart(*pair, limit), "epochs", str(depth), start)
    for a in ACTIVATIONS:
        for depth in depths:
            if LARGE in starts:
                pair = arms[a, LARGE, depth], arms[a, GLOROT, depth]
                family.add(success_apart(*pair, limit), "scale", a, str(depth))
    found["comparisons"] = family.corrected()
    return found


def _arm(found: dict[str, Any], activation: str, start: str, depth: Any) -> dict[str, Any]:
    wanted = {"activation": activation, "start": start, "depth": depth}
    return next(arm for arm in found["arms"] if wanted.items() <= arm.items())


def answer(found: dict[str, Any]) -> str:
    depths, c = found["depths"], found["comparisons"]
    deepest, first = depths[-1], depths[0]
    one, large = (c["success"][str(deepest)][start] for start in (GLOROT, LARGE))
    sigmoid, tanh = (percent(_arm(found, a, LARGE, deepest)["success"]) for a in ACTIVATIONS)
    said = (
        f"It depends on the initial weights. With {deepest} hidden layers, from Glorot's weights, tanh solves "
        f"{difference(one, 1, 100)} points more networks than sigmoid; from four times those weights sigmoid solves "
        f"{sigmoid} and tanh "
        f"{tanh} ({difference(large, 1, 100)} points)."
    )
    if first != deepest:
        flat = [f"{difference(c['success'][str(first)][start], 1, 100)} ({start})" for start in (GLOROT, LARGE)]
        said += f" With {first} hidden layer tanh minus sigmoid is {' and '.join(flat)} points."
    return said


def details(found: dict[str, Any]) -> str:
    c, depths, limit = found["comparisons"], found["depths"], found["limit"]
    lines = []
    for a, of in found["factor"].items():
        parts = [f"{start} {_power(e)}" for start, e in of.items()]
        before = f"Before training, with {depths[-1]} hidden layers, a delta is multiplied per layer down under {a} by"
        lines.append(f"{before}: {'; '.join(parts)}.")
    times = [f"{start} {_power({'value': of['effect'], **of}, 1)}" for start, of in c["factor"].items()]
    lines.append(f"Tanh keeps, per layer, this many times as much as sigmoid: {'; '.join(times)}.")
    for depth in depths:
        parts = []
        for start in found["starts"]:
            arms = [_arm(found, a, start, depth) for a in ACTIVATIONS]
            shares = ", ".join(f"{arm['activation']} {percent(arm['success'])} (rate {arm['rate']:g})" for arm in arms)
            of = c["success"][str(depth)][start]
            parts.append(f"{start} {shares}, {difference(of, 1, 100)} points, {p_words(of['p_holm'])}")
        lines.append(
            f"Solved by epoch {limit} with {depth} hidden layer{'s' * (depth > 1)}, tanh minus sigmoid: {'; '.join(parts)}."
        )
    fastest = []
    for depth in depths:
        for a in ACTIVATIONS:
            known = [arm for arm in found["arms"] if (arm["activation"], arm["depth"]) == (a, depth) and arm["epochs"]]
            arm = min(known, key=lambda arm: arm["epochs"]["value"])
            fastest.append(f"{depth}, {a} {number(arm['epochs'])} ({arm['start']})")
    lines.append(f"Fewest epochs, by depth: {'; '.join(fastest)}.")
    everything = every(c)
    lines.append(
        f"Of {len(everything)} comparisons {sum(map(holds, everything))} stand after Holm's correction. {INTERVALS}"
    )
    return "\n".join(lines)


def _power(e: dict[str, Any], digits: int = 3) -> str:
    return number({key: 10 ** e[key] for key in ("value", "low", "high")}, digits)


EXPERIMENT = Experiment("depth", QUESTION, HELD_FIXED, measure, summarise, answer, details, {"": plot})

if __name__ == "__main__":
    EXPERIMENT.main()
