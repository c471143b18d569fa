"""Rung 5, many updates: the loops of ``train`` and ``train_many``, beside the same loop in NumPy and the article's program."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

import manual
from bpnn_jax import article, patterns
from bpnn_jax.network import Network, Weights
from bpnn_jax.training import train
from bpnn_jax.training._many import train_many
from bpnn_jax.training._step import functions
from bpnn_jax.verify.as_it_runs import LEARNING_RATE, PATTERNS, batches, compare_update, draw_several, rounded
from bpnn_jax.verify.bound import UNIT
from bpnn_jax.verify.checks import Comparison
from bpnn_jax.verify.equations import DECAY
from bpnn_jax.verify.reference import Draw
from bpnn_jax.verify.rules import moved_by_rounding
from manual.article import NN

RUNS = ("train", "train_many")
# (rule, mode, order) -> the equation that a mistake there breaks.
LOOPS = {
    ("sgd", "online", "simultaneous"): 10,
    **{(name, "online", "simultaneous"): rule.equation for name, rule in manual.RULES.items() if rule.momentum},
    ("quickprop", "minibatch", "simultaneous"): 21,
    ("rprop", "online", "simultaneous"): 22,
    ("previous-gradient", "online", "article"): 9,
}
ONE_LOOPS = tuple(loop for loop in LOOPS if loop[1] == "online" or loop[0] == "previous-gradient")
MANY_LOOPS = tuple(
    loop for loop in LOOPS if loop[0] != "rprop"
)  # as quickprop: the pair that it carries is laid out alike
SKIPPING_LOOPS = {  # with skip connections: every layout and loop once, (13) in batches, and what takes the generic path
    "train": [("previous-gradient", "online", "simultaneous"), ("previous-gradient", "minibatch", "simultaneous")],
    "train_many": [("previous-gradient", "online", "article"), ("previous-gradient", "minibatch", "simultaneous")],
}
RULES = ("sgd", *manual.RULES)  # of the loop in NumPy


class Loop(NamedTuple):
    """A run beside the loop in NumPy that has an objective, a weight decay or a reduction of its own."""

    run: str
    output: str
    loop: tuple[str, str, str]
    equation: int
    settings: dict[str, Any]


# Each layout and loop once.
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
BATCH, EPOCHS = 2, 3
ROUNDINGS = 60  # in an update, of numbers up to 2, in the longest chain
PACE = {
    "learning_rate": 1 / 16,
    "momentum": 1 / 32,
}  # so slow that an error does not grow, and the weights stay below 2


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


def compare_second_tap(network: Network, rng: np.random.Generator, run: str) -> Iterator[Comparison]:
    """(13) with N = 0: the first of two patterns moves nothing, and the second moves the weights by M times the first's gradient."""
    draws = draw_several(network, rng, patterns=1)
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
    draws = draw_several(network, rng, patterns=PATTERNS, objective=more.get("objective", "half-squared-error"))
    x, t = draws[0].x, draws[0].t
    given = {"rule": rule, "order": order, "epochs": EPOCHS, **PACE, **batches(mode, BATCH), **more}
    equation = equation_of(rule, order) if equation is None else equation
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
