"""How much of the delta is left after one, two, three hidden layers, under sigmoid and tanh, and what does it cost?

Equation (9) multiplies by f' and by the weights once for every layer on the way down. Glorot and Bengio (2010) saw the deltas shrink
with sigmoid, whose f' is at most 1/4, and proposed initial weights of variance 2/(n_in + n_out), under which tanh keeps their size.
Here the size of the delta of every layer (root mean square over patterns and nodes) is measured with ``manual.deltas``, before
training and along it, on parity of four bits with eight nodes in each hidden layer.

    python -m experiments.depth            a minute or two; writes experiments/results/depth.{json,png}
    python -m experiments.depth --quick    seconds
"""

from dataclasses import asdict
from itertools import pairwise
from typing import Any

import numpy as np

import manual
from bpnn_jax import ManyResult, Network, init_paired, load_patterns, progress_bar, statistics, train_many
from experiments._common import Experiment, Options, functions, short
from experiments._report import difference, p_words, percent, points

QUESTION = "What is left of the delta after one, two or three hidden layers, under sigmoid and under tanh?"
TASK, WIDTH = "parity-4", 8
DEPTHS = (1, 2, 3)
ACTIVATIONS = ("sigmoid", "tanh")
STARTS = {"uniform": (0.5,), "glorot": ()}
STOPS = (0, 30, 100, 300, 1000, 3000)  # epochs at which the deltas are measured
SEEDS, MOMENTUM = 256, 0.9
RATES, TRIED = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0), 64  # each arm at the best of these, chosen on 64 other seeds
TOLERANCE, LIMIT = 0.4, 3000  # 40-20-40, as a share of the way from the low to the high target; epochs


def compute(options: Options) -> dict[str, Any]:
    seeds, depths, stops, width = (32, (2,), (0, 30), 3) if options.quick else (SEEDS, DEPTHS, STOPS, WIDTH)
    rates, limit = (
        ((0.01,), 300) if options.quick else (RATES, LIMIT)
    )  # as many epochs as to the stop: one program for both
    arms = [(a, start, depth) for a in ACTIVATIONS for start in STARTS for depth in depths]
    found: dict[str, Any] = {"seeds": seeds, "stops": list(stops), "arms": []}
    runs = {}
    with progress_bar("depth") as update:
        for k, arm in enumerate(arms):
            update(k, len(arms), " ".join(map(str, arm)))
            runs[arm] = trained(*arm, width, seeds, stops, rates, limit)
            found["arms"].append(described(*arm, runs[arm], stops, limit))
    found["comparisons"] = compared(runs, depths[-1], limit)
    return short(found)


def trained(
    activation: str,
    start: str,
    depth: int,
    width: int,
    seeds: int,
    stops: tuple[int, ...],
    rates: tuple[float, ...],
    limit: int,
) -> dict[str, Any]:
    """Deltas at each stop (stops, seeds, layers); and, from a second training that ends when solved, when that was."""
    network = Network((4, *(width,) * depth, 1), activation)
    data = load_patterns(TASK)
    x, t = data.x, data.with_targets(-1, 1).t if activation == "tanh" else data.t

    def run(weights: tuple, epochs: int, rate: Any, tolerance: float | None = None) -> ManyResult:
        return train_many(
            network,
            x,
            t,
            seeds=len(weights[0]),
            weights=weights,
            learning_rate=rate,
            momentum=MOMENTUM,
            rule="heavy-ball",
            mode="batch",
            epochs=epochs,
            history_every=epochs,
            tolerance=tolerance,
        )

    def solve(numbers: np.ndarray, rate: Any) -> tuple[np.ndarray, np.ndarray]:
        weights = init_paired(network, start, STARTS[start], numbers, TRIED)
        ended = run(weights, limit, rate, TOLERANCE * float(t.max() - t.min()))
        solved = ended.stopped == "solved"
        return np.where(solved, ended.iterations + 1, limit), solved

    tried = np.tile(np.arange(seeds, seeds + TRIED), len(rates))
    epochs, _ = solve(tried, np.repeat(rates, TRIED))
    rate = rates[int(epochs.reshape(len(rates), TRIED).mean(axis=1).argmin())]
    weights = init_paired(network, start, STARTS[start], np.arange(seeds), TRIED)
    sizes = [delta_sizes(network, weights, x, t)]
    for before, stop in pairwise(stops):
        weights = run(weights, stop - before, rate).weights
        sizes.append(delta_sizes(network, weights, x, t))
    epochs, solved = solve(np.arange(seeds), rate)
    return {"deltas": np.stack(sizes), "epochs": epochs, "solved": solved, "rate": rate}


def delta_sizes(network: Network, weights: tuple, x: np.ndarray, t: np.ndarray) -> np.ndarray:
    """The root mean square of each layer's delta over patterns and nodes, (seeds, layers), by the hand derivation."""
    f, found = functions(network), []
    for i in range(len(weights[0])):
        own = tuple(W[i].astype(np.float64) for W in weights)
        found.append([np.sqrt(np.mean(d**2)) for d in manual.deltas(manual.forward(own, x, f), t)])
    return np.array(found)


def described(
    activation: str, start: str, depth: int, run: dict[str, Any], stops: tuple[int, ...], limit: int
) -> dict[str, Any]:
    """log10 of the deltas, a list a stop of an interval a layer; the rate that was best; who was solved, and when."""
    logs = np.log10(np.maximum(run["deltas"], 1e-30))
    layers = range(depth + 1)
    epochs, solved = run["epochs"], run["solved"]
    return {
        "activation": activation,
        "start": start,
        "depth": depth,
        "rate": run["rate"],
        "deltas": [[asdict(statistics.estimate(logs[s, :, l])) for l in layers] for s in range(len(stops))],
        "success": asdict(statistics.success_rate(solved, what=f"solved by epoch {limit}")),
        "epochs": asdict(statistics.restricted_mean(epochs, solved, limit)) if solved.any() else None,
    }


def step_down(run: dict[str, np.ndarray], stop: int = 0) -> np.ndarray:
    """log10 of the factor a layer, from the output's delta down to the first hidden layer's, (seeds,)."""
    deltas = run["deltas"][stop]
    return np.log10(deltas[:, 0] / deltas[:, -1]) / (deltas.shape[1] - 1)


def compared(runs: dict, deepest: int, limit: int) -> dict[str, Any]:
    """At the deepest: the factor a layer for each activation and start, tanh against sigmoid (paired by seed), and who is solved."""
    factors = {(a, s): step_down(runs[a, s, deepest]) for a in ACTIVATIONS for s in STARTS}
    of_start, solved = {}, {}
    for start in STARTS:
        difference = statistics.compare(
            factors["tanh", start], factors["sigmoid", start], arm="tanh", against="sigmoid", kind="log10 a layer"
        )
        of_start[start] = difference
        pair = [runs[a, start, deepest]["solved"] for a in ("tanh", "sigmoid")]
        solved[start] = asdict(
            statistics.compare_rates(*pair, arm="tanh", against="sigmoid", kind=f"solved by epoch {limit}")
        )
    corrected = statistics.correct(list(of_start.values()))
    return {
        "depth": deepest,
        "limit": limit,
        "factor": {f"{a}, {s}": asdict(statistics.estimate(v)) for (a, s), v in factors.items()},
        "tanh - sigmoid": {s: asdict(c) for s, c in zip(of_start, corrected, strict=True)},
        "solved": solved,
    }


def answer(found: dict[str, Any]) -> str:
    c = found["comparisons"]
    solved = difference(c["solved"]["glorot"], 1, 100)
    return (
        f"From Glorot's weights tanh keeps {_times(c)} times as much of the delta a layer as sigmoid, and with {c['depth']} hidden "
        f"layers {solved} points more of its networks are solved."
    )


def _times(comparisons: dict[str, Any]) -> str:
    g = comparisons["tanh - sigmoid"]["glorot"]
    return f"{10 ** g['effect']:.1f} [{10 ** g['low']:.1f}, {10 ** g['high']:.1f}]"


def details(found: dict[str, Any]) -> str:
    c = found["comparisons"]
    depth, limit = c["depth"], c["limit"]
    kept = {name: factor(e) for name, e in c["factor"].items()}
    g, s = c["tanh - sigmoid"]["glorot"], c["solved"]["glorot"]
    arms = {(a["activation"], a["start"]): a for a in found["arms"] if a["depth"] == depth}
    shares = {a: f"{percent(arms[a, 'glorot']['success'])} (rate {arms[a, 'glorot']['rate']:g})" for a in ACTIVATIONS}
    return (
        f"Before training, with {depth} hidden layers, a delta is multiplied by this for every layer down: under sigmoid by "
        f"{kept['sigmoid, uniform']} from U(±0.5) and {kept['sigmoid, glorot']} from Glorot's weights, under tanh by "
        f"{kept['tanh, uniform']} and {kept['tanh, glorot']}.\n"
        f"From Glorot's weights tanh keeps {_times(c)} times as much a layer as sigmoid ({p_words(g['p_holm'])}).\n"
        f"By epoch {limit}, each at its best rate, {shares['sigmoid']} of the sigmoid networks are solved from there, and "
        f"{shares['tanh']} of the tanh ones: {points(s)}."
    )


def factor(e: dict[str, Any]) -> str:
    return f"{10 ** e['value']:.3f} [{10 ** e['low']:.3f}, {10 ** e['high']:.3f}]"


STYLES = {  # colour says the activation, line and mark the initial weights
    ("sigmoid", "uniform"): ("#d55e00", "--", "s"),
    ("sigmoid", "glorot"): ("#d55e00", "-", "o"),
    ("tanh", "uniform"): ("#0072b2", "--", "s"),
    ("tanh", "glorot"): ("#0072b2", "-", "o"),
}
START_WORDS = {"uniform": "U(±0.5)", "glorot": "Glorot"}


def plot(found: dict[str, Any]) -> Any:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 3, figsize=(12, 4.2), layout="constrained")
    deepest, stops = found["comparisons"]["depth"], found["stops"]
    for arm in found["arms"]:
        kind = (arm["activation"], arm["start"])
        colour, dashes, mark = STYLES[kind]
        look = {"color": colour, "linestyle": dashes, "marker": mark, "markersize": 5, "capsize": 3}
        label = f"{kind[0]}, {START_WORDS[kind[1]]}"
        if arm["depth"] != deepest:
            continue
        middle, error = on_log_axis(arm["deltas"][0])
        axes[0].errorbar(range(1, deepest + 2), middle, error, label=label, **look)
        middle, error = on_log_axis([at[0] for at in arm["deltas"]])
        axes[1].errorbar(np.maximum(stops, 10), middle, error, **look)
    for kind, (colour, dashes, mark) in STYLES.items():
        chosen = [a for a in found["arms"] if (a["activation"], a["start"]) == kind]
        e = [a["success"] for a in chosen]
        middle = np.array([100 * one["value"] for one in e])
        error = [middle - [100 * one["low"] for one in e], [100 * one["high"] for one in e] - middle]
        axes[2].errorbar(
            [a["depth"] for a in chosen],
            middle,
            error,
            color=colour,
            linestyle=dashes,
            marker=mark,
            markersize=5,
            capsize=3,
        )
    ticks = [*(f"hidden {l}" for l in range(1, deepest + 1)), "output"]
    axes[0].set(
        yscale="log", xticks=range(1, deepest + 2), xticklabels=ticks, ylabel="size of the delta (root mean square)"
    )
    axes[0].set_title(f"before training, {deepest} hidden layers", fontsize=10)
    axes[0].legend(frameon=False, fontsize=8.5)
    axes[1].set(xscale="log", yscale="log", xlabel="epoch (0 is drawn at 10)", ylabel="delta of the first hidden layer")
    axes[1].set_title("along training", fontsize=10)
    depths = sorted({a["depth"] for a in found["arms"]})
    axes[2].set(
        xticks=depths,
        ylim=(-3, 103),
        xlabel="hidden layers",
        ylabel=f"% solved by epoch {found['comparisons']['limit']}",
    )
    axes[2].set_title("what it costs", fontsize=10)
    return figure


def on_log_axis(logs: list[dict[str, Any]]) -> tuple[np.ndarray, np.ndarray]:
    middle, low, high = (10 ** np.array([e[key] for e in logs]) for key in ("value", "low", "high"))
    return middle, np.stack([middle - low, high - middle])


EXPERIMENT = Experiment("depth", QUESTION, compute, answer, details, plot)

if __name__ == "__main__":
    EXPERIMENT.main()
