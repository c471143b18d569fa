"""Rung 5: as it runs. float32 eager, compiled, vmapped and inside the training step, against float64 within the error bound."""

import random
from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np

import manual
from bpnn_jax import audit, patterns, reproduce
from bpnn_jax.network import Network
from bpnn_jax.objective import half_squared_error
from bpnn_jax.step import functions
from bpnn_jax.training import train
from bpnn_jax.verify.bound import UNIT, Bound, bound
from bpnn_jax.verify.checks import Comparison
from bpnn_jax.verify.draws import Draw, draw
from bpnn_jax.verify.reference import Reference, float64
from manual.article import NN

LEARNING_RATE = 0.5  # a power of two, so that multiplying by it rounds nothing
PATHS = ("NumPy", "jit", "jit + vmap")
STEPS = {
    "online": {"mode": "online"},
    "minibatch": {"mode": "minibatch", "batch_size": 4},
    "batch": {"mode": "batch"},
    "batch, autodiff": {"mode": "batch", "gradient": "autodiff"},
}


def rounded(drawn: Draw, dtype: str) -> tuple[Draw, Reference, Bound]:
    """A draw whose numbers ``dtype`` holds exactly, its float64 reference, and how far a correct run in ``dtype`` may be."""
    weights = tuple(W.astype(dtype) for W in drawn.weights)
    x, t = drawn.x.astype(dtype), drawn.t.astype(dtype)
    wide = tuple(W.astype(np.float64) for W in weights), x.astype(np.float64), t.astype(np.float64)
    exact = float64(drawn.network, *wide)
    allowed = bound(drawn.network, *wide, exact, UNIT[dtype] * (2 if dtype == "float64" else 1))
    return drawn._replace(weights=weights, x=x, t=t), exact, allowed


def gradients(network: Network, draws: list[Draw], path: str) -> list[tuple]:
    """The float32 gradient by hand at each draw, by one of ``PATHS``."""
    f = functions(network)

    def hand(weights, x, t):
        return manual.gradient(weights, manual.forward(weights, x, f, network.skip), t, f, skip=network.skip)

    if path == "NumPy":
        return [hand(d.weights, d.x, d.t) for d in draws]
    if path == "jit":
        jitted = jax.jit(hand)
        return [jitted(*jax.tree.map(jnp.asarray, (d.weights, d.x, d.t))) for d in draws]
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *[(d.weights, d.x, d.t) for d in draws])
    together = jax.jit(jax.vmap(hand))(*stacked)
    return [tuple(g[i] for g in together) for i in range(len(draws))]


def compare_paths(network: Network, rng: np.random.Generator, path: str, networks: int = 20) -> Iterator[Comparison]:
    """Equation (10) in float32 by one path, half of the networks saturated."""
    with jax.enable_x64(False):
        checked = [rounded(draw(network, rng, saturated=bool(i % 2)), "float32") for i in range(networks)]
        found = gradients(network, [d for d, _, _ in checked], path)
        for (d, exact, allowed), hand in zip(checked, found, strict=True):
            for l, g in enumerate(hand):
                yield Comparison(
                    10, np.asarray(g), exact.gradient[l], allowed.gradient[l], f"layer {l + 1} of {d.name}"
                )


def compare_audit(network: Network, rng: np.random.Generator) -> Iterator[Comparison]:
    """The auditor on the whole gradient, as it would judge a stranger's: black box, float32, contract included."""
    d, _, _ = rounded(draw(network, rng), "float32")
    f = functions(network)

    def loss(weights, x, t):
        return half_squared_error(network, weights, x, t)

    def by_hand(weights, x, t):
        return manual.gradient(weights, manual.forward(weights, x, f, network.skip), t, f, skip=network.skip)

    report = audit.gradient(loss, by_hand, d.weights, d.x, d.t, draws=4, mutate=False, variants=0)
    for leaf in report.leaves:
        yield Comparison(10, leaf["low_error"], 0.0, leaf["low_allowed"], f"{leaf['name']} of {d.name}")
    if report.verdict != "correct":
        yield Comparison(10, np.inf, 0.0, 0.0, f"{d.name}: {report.findings[0].sentence}")


def compare_step(network: Network, rng: np.random.Generator, step: str, networks: int = 10) -> Iterator[Comparison]:
    """One step of ``train`` in float32: W - η g, with g of one pattern (online) or of four (one batch)."""
    for i in range(networks):
        one = draw(network, rng, patterns=1 if step == "online" else 4, saturated=bool(i % 2))
        d, exact, allowed = rounded(one, "float32")
        result = train(
            network, d.x, d.t, weights=d.weights, learning_rate=LEARNING_RATE, momentum=0.0, epochs=1, **STEPS[step]
        )
        yield from compare_update(d, result.weights, exact.gradient, allowed.gradient, "float32", 10)


def compare_article_order(network: Network, rng: np.random.Generator, networks: int = 10) -> Iterator[Comparison]:
    """One step in the article's order, float64, against the article's own loops: its moved output weights and its arithmetic."""
    for _ in range(networks):
        d, _, allowed = rounded(draw(network, rng, patterns=1), "float64")
        result = train(
            network,
            d.x,
            d.t,
            weights=d.weights,
            learning_rate=LEARNING_RATE,
            momentum=0.0,
            epochs=1,
            order="article",
            dtype="float64",
        )
        loops = NN(*network.sizes, hidden_bias=network.hidden_bias, rng=random.Random(0))
        W1, W2 = d.weights
        loops.wi = [[*row, 0.0] if network.hidden_bias else list(row) for row in W1.tolist()]
        loops.wo = W2.tolist()
        outputs = loops.runNN(d.x[0].tolist())[:]
        error = loops.backPropagate(d.t[0].tolist(), LEARNING_RATE, 0.0)
        moved = np.array(loops.wi)[:, : network.sizes[1]], np.array(loops.wo)
        # The bound belongs to the weights of before the step; those of after it are at most (1 + η|g|) times as large.
        wide = tuple(2.0 * E for E in allowed.gradient)
        before = tuple((W - m) / LEARNING_RATE for W, m in zip(d.weights, moved, strict=True))
        yield from compare_update(d, result.weights, before, wide, "float64", 9)
        expected = 0.5 * (d.t[0, -1] - outputs[-1]) ** 2
        yield Comparison(7, error, expected, 4 * UNIT["float64"] * expected, f"last output's error of {d.name}")


def compare_article_program(hidden_bias: bool, iterations: int = 51) -> Iterator[Comparison]:
    """A run of the article's program beside ``train``: random numbers, order, momentum and the error that it prints."""
    net = reproduce.nand(hidden_bias)[1]
    loops = NN(2, 2, 1, hidden_bias=hidden_bias)
    gate = patterns.load("nand")
    errors = loops.train(list(zip(gate.x.tolist(), gate.t.tolist(), strict=True)), iterations)
    for epoch, error in net.history:
        if epoch < iterations:
            # The article prints 12 digits; a run of so few steps keeps them.
            yield Comparison(13, errors[int(epoch)], error, 1e-12 * error, f"iteration {epoch:.0f} of NAND")


def compare_update(
    d: Draw, moved: tuple, gradient: tuple, allowed: tuple, dtype: str, equation: int
) -> Iterator[Comparison]:
    """The weights after one update by LEARNING_RATE times a gradient that may be off by ``allowed``."""
    for l, (W, after, g, E) in enumerate(zip(d.weights, moved, gradient, allowed, strict=True)):
        expected = W.astype(np.float64) - LEARNING_RATE * g
        # The products with η and 0, and two subtractions: each rounds once.
        limit = LEARNING_RATE * E + 3 * UNIT[dtype] * (abs(W) + LEARNING_RATE * abs(g))
        yield Comparison(equation, after, expected, limit, f"layer {l + 1} of {d.name}")
