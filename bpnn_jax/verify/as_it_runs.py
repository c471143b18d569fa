"""Rung 5: as it runs. float32 eager, compiled, vmapped and inside the training step, against float64 within the error bound.

Then the fast loops of ``train`` and ``train_many``: one update against float64, many against a loop in NumPy.
"""

import random
from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

import manual
from bpnn_jax import article, audit, patterns
from bpnn_jax.network import Network, Weights, half_squared_error
from bpnn_jax.training import train
from bpnn_jax.training._loop import Rates, Settings
from bpnn_jax.training._many import train_many
from bpnn_jax.training._step import functions
from bpnn_jax.training.gpu import block
from bpnn_jax.verify.bound import UNIT, Bound, bound
from bpnn_jax.verify.checks import Comparison
from bpnn_jax.verify.compiling import quickly
from bpnn_jax.verify.equations import DECAY
from bpnn_jax.verify.reference import Draw, Reference, draw, float64
from bpnn_jax.verify.rules import moved_by_rounding
from manual.article import NN

LEARNING_RATE = 0.5  # a power of two, so that multiplying by it rounds nothing
PATHS = ("NumPy", "jit", "jit + vmap")
STEPS = {
    "online": {"mode": "online"},
    "minibatch": {"mode": "minibatch", "batch_size": 5},
    "batch": {"mode": "batch"},
    "batch, autodiff": {"mode": "batch", "gradient": "autodiff"},
}
RUNS = ("train", "train_many")
NETWORKS = 10  # trained together by train_many
# (rule, mode, order) -> the equation that a mistake there breaks.
LOOPS = {
    ("sgd", "online", "simultaneous"): 10,
    **{(name, "online", "simultaneous"): rule.equation for name, rule in manual.RULES.items() if rule.momentum},
    ("quickprop", "minibatch", "simultaneous"): 21,
    ("rprop", "online", "simultaneous"): 22,
    ("previous-gradient", "online", "article"): 9,
    ("previous-gradient", "minibatch", "simultaneous"): 13,
    ("nesterov", "minibatch", "simultaneous"): 15,
}
ONE_LOOPS = tuple(loop for loop in LOOPS if loop[1] == "online")  # train leaves batches to matrix products
MANY_LOOPS = tuple(
    loop for loop in LOOPS if loop[0] != "rprop"
)  # as quickprop: the pair that it carries is laid out alike
SKIPPING_LOOPS = {  # with skip connections: every layout and loop once, and what takes the generic path
    "train": [("previous-gradient", "online", "simultaneous"), ("previous-gradient", "minibatch", "simultaneous")],
    "train_many": [("previous-gradient", "online", "article"), ("previous-gradient", "minibatch", "simultaneous")],
}
PATTERNS, BATCH, EPOCHS = 5, 2, 3
RULES = ("sgd", *manual.RULES)  # of the loop in NumPy


class Loop(NamedTuple):
    """A run beside the loop in NumPy that has an objective, a weight decay or a reduction of its own."""

    run: str
    output: str
    loop: tuple[str, str, str]
    equation: int
    settings: dict[str, Any]


# Each layout and loop once, also the generic one: ``train`` leaves batches to it.
OBJECTIVE_LOOPS = (
    Loop(
        *("train", "softmax", ("previous-gradient", "online", "simultaneous"), 19),
        {"objective": "cross-entropy", "weight_decay": DECAY},
    ),
    Loop(
        *("train", "sigmoid", ("heavy-ball", "minibatch", "simultaneous"), 20),
        {"objective": "cross-entropy", "weight_decay": DECAY, "reduction": "mean"},
    ),
    Loop(
        *("train_many", "softmax", ("previous-gradient", "online", "article"), 19),
        {"objective": "cross-entropy", "weight_decay": DECAY},
    ),
    Loop(
        *("train_many", "softmax", ("nesterov", "minibatch", "simultaneous"), 20),
        {"weight_decay": DECAY, "reduction": "mean"},
    ),
)
ROUNDINGS = 60  # in an update, of numbers up to 2, in the longest chain
PACE = {
    "learning_rate": 1 / 16,
    "momentum": 1 / 32,
}  # so slow that an error does not grow, and the weights stay below 2


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
        return [jitted(*jax.tree.map(jnp.asarray, (d.weights, d.x, d.t))) for d in draws]
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *[(d.weights, d.x, d.t) for d in draws])
    together = jax.jit(jax.vmap(hand))(*stacked)
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


def compare_article_program(hidden_bias: bool, iterations: int = 51) -> Iterator[Comparison]:
    """A run of the article's program beside ``train``: random numbers, order, momentum and the error that it prints."""
    net = article.nand(hidden_bias)[1]
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


# The fast loops: train and train_many as they run, one update against float64, many against a NumPy loop -----------


def compare_many_step(network: Network, rng: np.random.Generator, mode: str) -> Iterator[Comparison]:
    """One update by ``train_many`` in float32, several networks on the same patterns: W - η g."""
    for saturated in (False, True):
        draws = _draws(network, rng, patterns=1 if mode == "online" else PATTERNS, saturated=saturated)
        judged = [rounded(d, "float32") for d in draws]
        x, t = judged[0][0].x, judged[0][0].t
        start = tuple(np.stack(W) for W in zip(*(d.weights for d, _, _ in judged), strict=True))
        given = {"learning_rate": LEARNING_RATE, "momentum": 0.0, "epochs": 1, **_mode(mode, PATTERNS)}
        moved = train_many(network, x, t, seeds=len(draws), weights=start, **given).weights
        for i, (d, exact, allowed) in enumerate(judged):
            after = tuple(W[i] for W in moved)
            yield from compare_update(d, after, exact.gradient, allowed.gradient, "float32", 10)


def _mode(mode: str, size: int) -> dict[str, str | int]:
    return {"mode": mode, "batch_size": size} if mode == "minibatch" else {"mode": mode}


_interpreted = quickly(partial(block.train_block, interpret=True), static=(0, 1))


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
    for (d, exact, allowed), after in zip(
        judged, _moved(run, network, x, t, [d for d, _, _ in judged], "float32", given), strict=True
    ):
        yield from compare_update(d, after, exact.gradient, allowed.gradient, "float32", 13)


def compare_loop(
    network: Network,
    rng: np.random.Generator,
    run: str,
    rule: str,
    mode: str,
    order: str,
    equation: int | None = None,
    **more: Any,
) -> Iterator[Comparison]:
    """Some epochs in float64 beside the same loop in NumPy, which calls the hand derivation line by line.

    more: the objective, weight decay and reduction, as ``train`` takes them, where they are not the usual ones.
    """
    draws = _draws(network, rng, patterns=PATTERNS, objective=more.get("objective", "half-squared-error"))
    x, t = draws[0].x, draws[0].t
    given = {"rule": rule, "order": order, "epochs": EPOCHS, **PACE, **_mode(mode, BATCH), **more}
    equation = LOOPS[rule, mode, order] if equation is None else equation
    updates = EPOCHS * (PATTERNS if mode == "online" else -(-PATTERNS // BATCH))
    for d, after in zip(draws, _moved(run, network, x, t, draws, "float64", given), strict=True):
        loop = partial(in_numpy, network, d.weights, x, t, rule, mode, order, **more)
        expected, limits = loop(), more_for_branches(loop, rule, "float64")
        for l, (W, exact, limit) in enumerate(zip(after, expected, limits, strict=True)):
            # The roundings of all updates, which merely add up in so few of them: 2u apiece, for numbers up to 2.
            allowed = updates * ROUNDINGS * 2 * UNIT["float64"] + limit
            yield Comparison(
                equation, W, exact, allowed, f"layer {l + 1} of {d.name}, {rule}, {mode}, {order}{_said(more)}"
            )


def equation_of(rule: str, order: str) -> int:
    """The equation that a mistake in a loop with this rule and order breaks.

    >>> equation_of("sgd", "simultaneous"), equation_of("rprop", "simultaneous"), equation_of("nesterov", "article")
    (10, 22, 9)
    """
    return 9 if order == "article" else 10 if rule == "sgd" else manual.RULES[rule].equation


def _said(more: dict[str, Any]) -> str:
    return "".join(f", {name} {value}" for name, value in more.items() if name != "objective")


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
    objective: str = "half-squared-error",
    weight_decay: float = 0.0,
    reduction: str = "sum",
    disturbed: Callable[[np.ndarray], np.ndarray] = lambda g: g,
) -> Weights:
    """The run as loops over ``manual``: no JAX. ``rates`` are the learning rate and the momentum; ``rule`` is one of ``RULES``."""
    f, equations = functions(network), manual.OBJECTIVES[objective].equations
    moved = list(weights)
    kept = [() if rule == "sgd" else manual.RULES[rule].start(W, rates[0]) for W in weights]

    def step(l: int, g: np.ndarray, patterns: int) -> np.ndarray:
        g = g / patterns if reduction == "mean" else g
        g = manual.decayed(g, moved[l], len(moved[l]) - network.biases[l], weight_decay)  # weight decay, which may be 0
        g = disturbed(g)
        if rule == "sgd":
            return moved[l] - rates[0] * g
        W, kept[l] = manual.RULES[rule].step(moved[l], g, kept[l], *rates)
        return W

    cuts = [*range(0, len(x), 1 if mode == "online" else batch), len(x)]
    for first, last in list(pairwise(cuts)) * epochs:
        net = manual.forward(tuple(moved), x[first:last], f, network.skip)
        if order == "simultaneous":
            g = manual.gradient(net, t[first:last], equations)
            moved = [step(l, g[l], last - first) for l in range(len(g))]
            continue
        deltas = (equations.output_delta(net.layers[-1], t[first:last]),)
        for l in range(len(moved) - 1, -1, -1):
            moved[l] = step(l, equations.weight_gradient(net.layers[l], deltas[0]), last - first)
            if l:
                deltas = (manual.delta_below(net.with_weights(moved), l, deltas), *deltas)
    return tuple(moved)


def more_for_branches(loop: Callable[..., Weights], rule: str, dtype: str) -> tuple:
    """What a rule that branches on signs may be off by on top, for each layer: 0 for the others."""
    exact = loop()
    if rule == "sgd" or manual.RULES[rule].momentum:
        return (0.0,) * len(exact)
    return moved_by_rounding(lambda disturbed: loop(disturbed=disturbed), exact, dtype)


def _draws(
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


def _moved(
    run: str, network: Network, x: np.ndarray, t: np.ndarray, draws: list[Draw], dtype: str, given: dict
) -> Iterator[Weights]:
    """Each network's weights after the run: together by ``train_many``, or the first of them by ``train``."""
    if run == "train":
        for d in draws:
            yield train(network, x, t, weights=d.weights, dtype=dtype, **given).weights
        return
    start = tuple(np.stack(W) for W in zip(*(d.weights for d in draws), strict=True))
    found = train_many(network, x, t, seeds=len(draws), weights=start, dtype=dtype, **given).weights
    yield from (tuple(W[i] for W in found) for i in range(len(draws)))
