"""Rung 5 for the fast loops: ``train`` and ``train_many`` as they run, one update against float64, many against a NumPy loop."""

from collections.abc import Iterator
from functools import partial
from itertools import pairwise

import jax
import numpy as np

import manual
from bpnn_jax.network import Network, Weights
from bpnn_jax.training import train
from bpnn_jax.training._loop import Rates, Settings
from bpnn_jax.training._many import train_many
from bpnn_jax.training._step import functions
from bpnn_jax.training.gpu import block
from bpnn_jax.verify.as_it_runs import LEARNING_RATE, compare_update, rounded
from bpnn_jax.verify.bound import UNIT
from bpnn_jax.verify.checks import Comparison
from bpnn_jax.verify.draws import Draw, draw

RUNS = ("train", "train_many")
NETWORKS = 10  # trained together by train_many
# (rule, mode, order) -> the equation that a mistake there breaks.
LOOPS = {
    ("sgd", "online", "simultaneous"): 10,
    ("previous-gradient", "online", "simultaneous"): 13,
    ("heavy-ball", "online", "simultaneous"): 14,
    ("nesterov", "online", "simultaneous"): 15,
    ("previous-gradient", "online", "article"): 9,
    ("previous-gradient", "minibatch", "simultaneous"): 13,
    ("nesterov", "minibatch", "simultaneous"): 15,
}
ONLINE_LOOPS = tuple(loop for loop in LOOPS if loop[1] == "online")
SKIPPING_LOOPS = {  # with skip connections: every layout and loop once, and what takes the generic path
    "train": [("previous-gradient", "online", "simultaneous"), ("previous-gradient", "minibatch", "simultaneous")],
    "train_many": [("previous-gradient", "online", "article"), ("previous-gradient", "minibatch", "simultaneous")],
}
PATTERNS, BATCH, EPOCHS = 5, 2, 3
RULES = {
    "sgd": None,  # no memory
    "previous-gradient": manual.previous_gradient,
    "heavy-ball": manual.heavy_ball,
    "nesterov": manual.nesterov,
}
ROUNDINGS = 60  # in an update, of numbers up to 2, in the longest chain
PACE = {
    "learning_rate": 1 / 16,
    "momentum": 1 / 32,
}  # so slow that an error does not grow, and the weights stay below 2


def compare_many_step(network: Network, rng: np.random.Generator, mode: str) -> Iterator[Comparison]:
    """One update by ``train_many`` in float32, several networks on the same patterns: W - η g."""
    for saturated in (False, True):
        draws = _draws(network, rng, patterns=1 if mode == "online" else 4, saturated=saturated)
        judged = [rounded(d, "float32") for d in draws]
        x, t = judged[0][0].x, judged[0][0].t
        start = tuple(np.stack(W) for W in zip(*(d.weights for d, _, _ in judged), strict=True))
        given = {"learning_rate": LEARNING_RATE, "momentum": 0.0, "epochs": 1, **_mode(mode, 4)}
        moved = train_many(network, x, t, seeds=len(draws), weights=start, **given).weights
        for i, (d, exact, allowed) in enumerate(judged):
            after = tuple(W[i] for W in moved)
            yield from compare_update(d, after, exact.gradient, allowed.gradient, "float32", 10)


def _mode(mode: str, size: int) -> dict[str, str | int]:
    return {"mode": mode, "batch_size": size} if mode == "minibatch" else {"mode": mode}


_interpreted = jax.jit(partial(block.train_block, interpret=True), static_argnums=(0, 1))


def compare_gpu_kernel(network: Network, rng: np.random.Generator) -> Iterator[Comparison]:
    """One update by the GPU kernel's own body, interpreted on the CPU, in float32: W - η g."""
    for saturated in (False, True):
        draws = _draws(network, rng, patterns=1, saturated=saturated)
        judged = [rounded(d, "float32") for d in draws]
        x, t = judged[0][0].x, judged[0][0].t
        start = tuple(np.stack(W, axis=-1) for W in zip(*(d.weights for d, _, _ in judged), strict=True))
        rates = Rates(LEARNING_RATE, 0.0, 0.0, 0.0)
        with jax.enable_x64(False):
            moved = _interpreted(network, Settings(epochs=1), start, x, t, rates).weights
        for i, (d, exact, allowed) in enumerate(judged):
            after = tuple(np.asarray(W[..., i]) for W in moved)
            yield from compare_update(d, after, exact.gradient, allowed.gradient, "float32", 10)


def compare_second_tap(network: Network, rng: np.random.Generator, run: str) -> Iterator[Comparison]:
    """(13) with N = 0: the first of two patterns moves nothing, and the second moves the weights by M times the first's gradient."""
    draws = _draws(network, rng, patterns=1)
    judged = [rounded(d, "float32") for d in draws]
    x, t = (np.concatenate([v, v[::-1] * np.float32(0.5)]) for v in (judged[0][0].x, judged[0][0].t))
    given = {"learning_rate": 0.0, "momentum": LEARNING_RATE, "epochs": 1}
    for (d, exact, allowed), after in zip(judged, _moved(run, network, x, t, judged, "float32", given), strict=True):
        yield from compare_update(d, after, exact.gradient, allowed.gradient, "float32", 13)


def compare_loop(
    network: Network, rng: np.random.Generator, run: str, rule: str, mode: str, order: str
) -> Iterator[Comparison]:
    """Some epochs in float64 beside the same loop in NumPy, which calls the hand derivation line by line."""
    draws = _draws(network, rng, patterns=PATTERNS)
    judged = [rounded(d, "float64") for d in draws]
    x, t = draws[0].x, draws[0].t
    given = {"rule": rule, "order": order, "epochs": EPOCHS, **PACE, **_mode(mode, BATCH)}
    updates = EPOCHS * (PATTERNS if mode == "online" else -(-PATTERNS // BATCH))
    for d, after in zip(draws, _moved(run, network, x, t, judged, "float64", given), strict=True):
        expected = in_numpy(network, d.weights, x, t, rule, mode, order)
        for l, (W, exact) in enumerate(zip(after, expected, strict=True)):
            # The roundings of all updates, which merely add up in so few of them: 2u apiece, for numbers up to 2.
            allowed = updates * ROUNDINGS * 2 * UNIT["float64"]
            yield Comparison(
                LOOPS[rule, mode, order], W, exact, allowed, f"layer {l + 1} of {d.name}, {rule}, {mode}, {order}"
            )


def in_numpy(
    network: Network,
    weights: Weights,
    x: np.ndarray,
    t: np.ndarray,
    rule: str,
    mode: str,
    order: str,
    *,
    rates: tuple[float, float] = (PACE["learning_rate"], PACE["momentum"]),
    batch: int = BATCH,
    epochs: int = EPOCHS,
) -> Weights:
    """The run as loops over ``manual``: no JAX. ``rates`` are the learning rate and the momentum; ``rule`` is one of ``RULES``."""
    f = functions(network)
    moved, kept = list(weights), [np.zeros_like(W) for W in weights]

    def step(l: int, g: np.ndarray) -> np.ndarray:
        remembers = RULES[rule]
        if remembers is None:
            return moved[l] - rates[0] * g
        W, kept[l] = remembers(moved[l], g, kept[l], *rates)
        return W

    cuts = [*range(0, len(x), 1 if mode == "online" else batch), len(x)]
    for first, last in list(pairwise(cuts)) * epochs:
        a = manual.forward(tuple(moved), x[first:last], f, network.skip)
        if order == "simultaneous":
            g = manual.gradient(tuple(moved), a, t[first:last], f, skip=network.skip)
            moved = [step(l, g[l]) for l in range(len(g))]
            continue
        net = manual.layers(tuple(moved), a, f, network.skip)
        deltas = (manual.CORRECT.output_delta(net[-1], t[first:last]),)
        for l in range(len(net) - 1, -1, -1):
            moved[l] = step(l, manual.CORRECT.weight_gradient(net[l], deltas[0]))
            if l:
                net[l] = net[l]._replace(W=moved[l])
                deltas = (manual.delta_below(net, l, deltas, skip=network.skip), *deltas)
    return tuple(moved)


def _draws(network: Network, rng: np.random.Generator, *, patterns: int, saturated: bool = False) -> list[Draw]:
    """Networks with weights of their own, and the same patterns."""
    first = draw(network, rng, patterns=patterns, saturated=saturated)
    others = [draw(network, rng, patterns=patterns, saturated=saturated) for _ in range(NETWORKS - 1)]
    return [first, *(d._replace(x=first.x, t=first.t) for d in others)]


def _moved(
    run: str, network: Network, x: np.ndarray, t: np.ndarray, judged: list, dtype: str, given: dict
) -> Iterator[Weights]:
    """Each network's weights after the run: together by ``train_many``, or the first of them by ``train``."""
    if run == "train":
        for d, _, _ in judged:
            yield train(network, x, t, weights=d.weights, dtype=dtype, **given).weights
        return
    start = tuple(np.stack(W) for W in zip(*(d.weights for d, _, _ in judged), strict=True))
    found = train_many(network, x, t, seeds=len(judged), weights=start, dtype=dtype, **given).weights
    yield from (tuple(W[i] for W in found) for i in range(len(judged)))
