"""Rung 5, one update: float32 eager, compiled, vmapped and inside a step of each engine, against float64 within the error bound."""

import random
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np

import manual
from bpnn_jax import audit
from bpnn_jax.network import Network, Weights, half_squared_error
from bpnn_jax.training import train
from bpnn_jax.training._loop import Rates
from bpnn_jax.training._many import train_many
from bpnn_jax.training._settings import Settings
from bpnn_jax.training._step import functions
from bpnn_jax.training.gpu import block
from bpnn_jax.verify.bound import UNIT, Bound, bound
from bpnn_jax.verify.checks import Comparison
from bpnn_jax.verify.compiling import quickly
from bpnn_jax.verify.reference import Draw, Reference, draw, float64
from manual.article import NN

LEARNING_RATE = 0.5  # a power of two, so that multiplying by it rounds nothing
PATHS = ("NumPy", "jit", "jit + vmap")
STEPS = {
    "online": {"mode": "online"},
    "minibatch": {"mode": "minibatch", "batch_size": 5},
    "batch": {"mode": "batch"},
    "batch, products": {
        "mode": "batch",
        "measure": "last-pattern",
    },  # which keeps a small network from being written out
    "batch, autodiff": {"mode": "batch", "gradient": "autodiff"},
}
NETWORKS = 10  # trained together by train_many
PATTERNS = 5


def rounded(drawn: Draw, dtype: str) -> tuple[Draw, Reference, Bound]:
    """A draw whose numbers ``dtype`` holds exactly, its float64 reference, and how far a correct run in ``dtype`` may be."""
    weights = tuple(W.astype(dtype) for W in drawn.weights)
    x, t = drawn.x.astype(dtype), drawn.t.astype(dtype)
    wide = tuple(W.astype(np.float64) for W in weights), x.astype(np.float64), t.astype(np.float64)
    exact = float64(drawn.network, *wide, drawn.objective)
    allowed = bound(drawn.network, *wide, exact, UNIT[dtype] * (2 if dtype == "float64" else 1), drawn.objective)
    return drawn._replace(weights=weights, x=x, t=t), exact, allowed


def gradients(network: Network, draws: list[Draw], path: str) -> list[tuple]:
    """The float32 gradient by hand at each draw, by one of ``PATHS``."""
    f, equations = functions(network), draws[0].by_hand.equations

    def hand(weights, x, t):
        return manual.gradient(manual.forward(weights, x, f, network.skip), t, equations)

    if path == "NumPy":
        return [hand(d.weights, d.x, d.t) for d in draws]
    if path == "jit":
        jitted = jax.jit(hand)
        return [jitted(d.weights, d.x, d.t) for d in draws]
    stacked = jax.tree.map(lambda *leaves: np.stack(leaves), *[(d.weights, d.x, d.t) for d in draws])
    together = jax.device_get(jax.jit(jax.vmap(hand))(*stacked))
    return [tuple(g[i] for g in together) for i in range(len(draws))]


def compare_paths(
    network: Network,
    rng: np.random.Generator,
    path: str,
    networks: int = 40,
    objective: str = "half-squared-error",
) -> Iterator[Comparison]:
    """Equation (10) in float32 by one path, half of the networks saturated."""
    with jax.enable_x64(False):
        drawn = (
            draw(network, rng, patterns=PATTERNS, saturated=bool(i % 2), objective=objective) for i in range(networks)
        )
        checked = [rounded(d, "float32") for d in drawn]
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

    @jax.jit  # some checks run it without their own compilation: one program, and not one per operation
    def by_hand(weights, x, t):
        return manual.gradient(manual.forward(weights, x, f, network.skip), t)

    report = audit.gradient(loss, by_hand, d.weights, d.x, d.t, draws=4, mutate=False, variants=0)
    for leaf in report.leaves:
        yield Comparison(10, leaf["low_error"], 0.0, leaf["low_allowed"], f"{leaf['name']} of {d.name}")
    if report.verdict != "correct":
        yield Comparison(10, np.inf, 0.0, 0.0, f"{d.name}: {report.findings[0].sentence}")


def compare_step(network: Network, rng: np.random.Generator, step: str, networks: int = 20) -> Iterator[Comparison]:
    """One step of ``train`` in float32: W - η g, with g of one pattern (online) or of one batch."""
    for i in range(networks):
        one = draw(network, rng, patterns=1 if step == "online" else PATTERNS, saturated=bool(i % 2))
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


def compare_update(
    d: Draw, moved: tuple, gradient: tuple, allowed: tuple, dtype: str, equation: int
) -> Iterator[Comparison]:
    """The weights after one update by LEARNING_RATE times a gradient that may be off by ``allowed``."""
    for l, (W, after, g, E) in enumerate(zip(d.weights, moved, gradient, allowed, strict=True)):
        expected = W.astype(np.float64) - LEARNING_RATE * g
        # The products with η and 0, and two subtractions: each rounds once.
        limit = LEARNING_RATE * E + 3 * UNIT[dtype] * (abs(W) + LEARNING_RATE * abs(g))
        yield Comparison(equation, after, expected, limit, f"layer {l + 1} of {d.name}")


def compare_many_step(network: Network, rng: np.random.Generator, mode: str) -> Iterator[Comparison]:
    """One update by ``train_many`` in float32, several networks on the same patterns: W - η g."""
    for saturated in (False, True):
        draws = draw_several(network, rng, patterns=1 if mode == "online" else PATTERNS, saturated=saturated)
        judged = [rounded(d, "float32") for d in draws]
        x, t = judged[0][0].x, judged[0][0].t
        start = tuple(np.stack(W) for W in zip(*(d.weights for d, _, _ in judged), strict=True))
        given = {"learning_rate": LEARNING_RATE, "momentum": 0.0, "epochs": 1, **batches(mode, PATTERNS)}
        moved = train_many(network, x, t, seeds=len(draws), weights=start, **given).weights
        for i, (d, exact, allowed) in enumerate(judged):
            after = tuple(W[i] for W in moved)
            yield from compare_update(d, after, exact.gradient, allowed.gradient, "float32", 10)


def batches(mode: str, size: int) -> dict[str, str | int]:
    return {"mode": mode, "batch_size": size} if mode == "minibatch" else {"mode": mode}


def _by_kernel(network: Network, settings: Settings, threads: int | None, *given: Any) -> Weights:
    return block.train_block(network, settings, *given, threads=threads, interpret=True).weights


# The body of the GPU kernel on the CPU: (network, settings, threads, weights, x, t, rates) -> weights, the networks last.
interpreted = quickly(_by_kernel, static=(0, 1, 2))


def compare_gpu_kernel(network: Network, rng: np.random.Generator) -> Iterator[Comparison]:
    """One update by the GPU kernel's own body, interpreted on the CPU, in float32: W - η g."""
    for saturated in (False, True):
        draws = draw_several(network, rng, patterns=1, saturated=saturated)
        judged = [rounded(d, "float32") for d in draws]
        x, t = judged[0][0].x, judged[0][0].t
        start = tuple(np.stack(W, axis=-1) for W in zip(*(d.weights for d, _, _ in judged), strict=True))
        rates = Rates(LEARNING_RATE, 0.0, 0.0, 0.0)
        with jax.enable_x64(False):
            moved = jax.device_get(interpreted(network, Settings(epochs=1), None, start, x, t, rates))
        for i, (d, exact, allowed) in enumerate(judged):
            after = tuple(W[..., i] for W in moved)
            yield from compare_update(d, after, exact.gradient, allowed.gradient, "float32", 10)


def draw_several(
    network: Network,
    rng: np.random.Generator,
    *,
    patterns: int,
    saturated: bool = False,
    objective: str = "half-squared-error",
) -> list[Draw]:
    """Networks with weights of their own, and the same patterns."""
    given: dict[str, Any] = {"patterns": patterns, "saturated": saturated, "objective": objective}
    first, *others = (draw(network, rng, **given) for _ in range(NETWORKS))
    return [first, *(d._replace(x=first.x, t=first.t) for d in others)]
