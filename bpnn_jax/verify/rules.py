"""Rung 3 for the rules, (13) to (15), (21) and (22): step by step beside a closed form, optax, or the source's own program.

What rounding does to a rule that branches on signs, (21) and (22), is measured: no closed bound is at hand.
"""

from collections.abc import Callable, Iterator, Mapping

import jax
import numpy as np
import optax

import manual
from bpnn_jax import rules
from bpnn_jax.network import Weights
from bpnn_jax.verify.bound import UNIT
from bpnn_jax.verify.checks import Comparison
from bpnn_jax.verify.compiling import quickly
from manual.rules import GROWTH, LONGEST, SHORTEST

LEARNING_RATE, MOMENTUM, STEPS = 0.3, 0.7, 10
# A step rounds a handful of numbers of size |W| + |v|, at most 1 + STEPS, on both sides.
STEP_ERROR = 2 * 4 * UNIT["float64"] * (1.0 + STEPS)
SHAPE = (4, 3)
NUMBERS = tuple(rule.equation for rule in manual.RULES.values())
DISTURBED = 64.0  # roundings of the largest gradient of a layer: more than a gradient's own, so that a sign that may differ does
DISTURBANCES = 8  # runs; where two signs are possible each has the other with a probability of about a half


def compare(rng: np.random.Generator, table: Mapping[str, manual.Rule] = manual.RULES) -> Iterator[Comparison]:
    """Every rule of a table beside its witness, by equation."""
    yield from compare_previous_gradient(rng, table)
    yield from compare_optax(rng, table)
    yield from compare_quickprop(rng, table)


def compare_previous_gradient(
    rng: np.random.Generator, table: Mapping[str, manual.Rule] = manual.RULES
) -> Iterator[Comparison]:
    """Equation (13) after n steps is W - N Σ g_t - M Σ g_(t-1): by hand, and as the transformation that ``train`` uses."""
    W0, gradients = rng.uniform(-1.0, 1.0, SHAPE), rng.uniform(-1.0, 1.0, (STEPS, *SHAPE))
    both = _by_hand(table["previous-gradient"], W0, gradients), _by_rule("previous-gradient", W0, gradients)
    for n, (hand, W) in enumerate(zip(*both, strict=True), 1):
        closed = W0 - LEARNING_RATE * gradients[:n].sum(axis=0) - MOMENTUM * gradients[: n - 1].sum(axis=0)
        yield Comparison(13, hand, closed, n * STEP_ERROR, f"step {n}")
        yield Comparison(13, W, closed, n * STEP_ERROR, f"step {n} of the transformation")


def compare_optax(rng: np.random.Generator, table: Mapping[str, manual.Rule] = manual.RULES) -> Iterator[Comparison]:
    """Equations (14), (15) and (22), step by step, against optax. (22) has step sizes that meet either limit."""
    W0, gradients = rng.uniform(-1.0, 1.0, SHAPE), rng.uniform(-1.0, 1.0, (STEPS, *SHAPE))
    for name in (name for name, rule in table.items() if rule.momentum and name != "previous-gradient"):
        both = zip(_by_hand(table[name], W0, gradients), _by_rule(name, W0, gradients), strict=True)
        for n, (hand, W) in enumerate(both, 1):
            yield Comparison(table[name].equation, hand, W, n * STEP_ERROR, f"{name}, step {n}")
    rates = np.geomspace(SHORTEST, LONGEST, W0.size).reshape(SHAPE)
    signed = gradients * np.sign(gradients[:1]) * np.where(rng.uniform(size=gradients.shape) < 0.8, 1.0, -1.0)
    signed[:, 0], signed[:, -1] = abs(signed[:, 0]) * np.array([1.0, -1.0] * STEPS)[:STEPS, None], abs(signed[:, -1])
    both = zip(_by_hand(table["rprop"], W0, signed, rates), _by_rule("rprop", W0, signed, rates), strict=True)
    for n, (hand, W) in enumerate(both, 1):
        yield Comparison(22, hand, W, n * 50 * STEP_ERROR, f"rprop, step {n}")  # steps of up to 50


def compare_quickprop(
    rng: np.random.Generator, table: Mapping[str, manual.Rule] = manual.RULES
) -> Iterator[Comparison]:
    """Equation (21), step by step, against Fahlman's if and else, one weight at a time; so is the transformation of ``train``."""
    W0, gradients = rng.uniform(-1.0, 1.0, SHAPE), rng.uniform(-1.0, 1.0, (STEPS, *SHAPE))
    gradients *= np.where(rng.uniform(size=gradients.shape) < 0.7, np.sign(gradients[:1]) * np.sign(gradients), 1.0)
    gradients[1, 0], gradients[2, 1] = 0.0, gradients[1, 1]  # no slope, and the same slope twice
    expected = np.stack([_fahlman(g, LEARNING_RATE) for g in gradients.reshape(STEPS, -1).T], axis=1)
    both = _by_hand(table["quickprop"], W0, gradients), _by_rule("quickprop", W0, gradients)
    for n, (hand, W) in enumerate(zip(*both, strict=True), 1):
        W_n = W0 + expected[:n].sum(axis=0).reshape(SHAPE)
        # A step is at most μ times the last one and the linear term, so that it and its roundings grow with the power of μ.
        allowed = n * STEP_ERROR * GROWTH**n
        yield Comparison(21, hand, W_n, allowed, f"quickprop, step {n}")
        yield Comparison(21, W, W_n, allowed, f"quickprop, step {n} of the transformation")


def _fahlman(slopes: np.ndarray, epsilon: float, mu: float = 1.75) -> list[float]:
    """The steps of one weight, as the program of CMU-CS-88-162 branches."""
    steps, d, p = [], 0.0, 0.0
    for s in map(float, slopes):
        step = 0.0
        if d < 0:
            if s > 0:
                step -= epsilon * s
            step += mu * d if s >= mu / (1 + mu) * p else d * s / (p - s)
        elif d > 0:
            if s < 0:
                step -= epsilon * s
            step += mu * d if s <= mu / (1 + mu) * p else d * s / (p - s)
        else:
            step -= epsilon * s
        steps.append(step)
        d, p = step, s
    return steps


def _by_hand(
    rule: manual.Rule, W: np.ndarray, gradients: np.ndarray, rate: float | np.ndarray = LEARNING_RATE
) -> Iterator[np.ndarray]:
    carried = rule.start(W, rate)
    for g in gradients:
        W, carried = rule.step(W, g, carried, rate, MOMENTUM)
        yield W


def _by_rule(
    name: str, W0: np.ndarray, gradients: np.ndarray, rate: float | np.ndarray = LEARNING_RATE
) -> Iterator[np.ndarray]:
    """The weights after each step of the rule of that name in ``bpnn_jax.rules``."""
    with jax.enable_x64(True):
        return iter(np.asarray(_steps(name, W0, gradients, np.asarray(rate))))


def _after_each(name: str, W0, gradients, rate):
    rule = rules.rule(name, rate, MOMENTUM)

    def step(carry: tuple, g) -> tuple:
        W, state = carry
        update, state = rule.update(g, state, W)
        moved = optax.apply_updates(W, update)
        return (moved, state), moved

    return jax.lax.scan(step, (W0, rule.init(W0)), gradients)[1]


_steps = quickly(_after_each, static=(0,))


def disturbance(rng: np.random.Generator, dtype: str) -> Callable[[np.ndarray], np.ndarray]:
    """What rounding in ``dtype`` may make of a gradient, and more: every entry but zeros moved by ``DISTURBED`` roundings."""

    def disturbed(g: np.ndarray) -> np.ndarray:
        size = DISTURBED * UNIT[dtype] * abs(g).max(initial=0.0)
        return g + size * rng.uniform(-1.0, 1.0, g.shape) * (g != 0)

    return disturbed


def moved_by_rounding(
    loop: Callable[[Callable[[np.ndarray], np.ndarray]], Weights], exact: Weights, dtype: str
) -> Weights:
    """How far the weights of a run may be from ``exact`` if each gradient of it is rounded, the largest of several runs.

    loop: from a disturbance of gradients to the weights at the end.
    """
    runs = [loop(disturbance(np.random.default_rng(k), dtype)) for k in range(DISTURBANCES)]
    return tuple(np.max([abs(W - e) for W in Ws], axis=0) for *Ws, e in zip(*runs, exact, strict=True))
