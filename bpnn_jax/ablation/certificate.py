"""The gradient certificate of an arm: what the ladder says of exactly its network, its order and its rule, as they run."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import numpy as np

import manual
from bpnn_jax.ablation.chunk import Lane, Program
from bpnn_jax.ablation.plan import Plan
from bpnn_jax.network import init_paired
from bpnn_jax.settings import patterns_per_update
from bpnn_jax.training import _engines
from bpnn_jax.training._loop import Rates, Settings
from bpnn_jax.training._many import run_block
from bpnn_jax.training._orders import of_seeds, permutation
from bpnn_jax.training._step import functions
from bpnn_jax.verify import complex_step, equations, loops
from bpnn_jax.verify.bound import UNIT
from bpnn_jax.verify.checks import Check, Comparison, summarise
from bpnn_jax.verify.reference import draw

VERDICTS = GRADIENT, NO_GRADIENT, WRONG = "gradient", "not a gradient", "wrong"
MOST_PATTERNS = 64  # in the epoch that is run beside NumPy's loop
NETWORKS = 4  # in that epoch; the other lanes repeat them
ANGLE_SEEDS = 16
SMALL = 5  # nodes in the widest layer of the networks that ``loops.ROUNDINGS`` was counted for


@dataclass(frozen=True)
class Certificate:
    """verdict: ``gradient``: each equation agrees with JAX and with the complex step, and an epoch by the arm's own program, order
             and rule is that of the hand derivation. ``not a gradient``: the same, but for the article's order, whose step is
             none. ``wrong``: a check failed; ``checks`` says which.
    angle:   of the article's order, the median angle in degrees between its first step and the gradient, over 16 seeds and the
             first 64 patterns; None for the other.
    checks:  the rows of the ladder: rung, equation, witness, worst error and what was allowed.
    step_checked: whether the rule's own arithmetic is among them; optax's own rules are taken as they are.
    """

    verdict: str
    angle: float | None
    step_checked: bool
    checks: tuple[Check, ...]


def certificates(plan: Plan, checks: Mapping[tuple, Sequence[Check]]) -> dict[str, Certificate]:
    """The certificate of each arm of a plan. ``checks`` are those of each structure of its programs (``run_checks``)."""
    pairs = zip(plan.programs, plan.lanes, strict=True)
    return {lane.arm: certify(program, lane, checks[program.structure]) for program, lane in pairs}


def certify(program: Program, lane: Lane, checks: Sequence[Check]) -> Certificate:
    """The certificate of the arm that has this program with these checks, and this lane's rates and first weights."""
    rows = tuple(checks)
    by_hand = program.settings.rule in loops.RULES
    article = program.settings.order == "article"
    verdict = NO_GRADIENT if article else GRADIENT
    if not rows or any(row.verdict != "correct" for row in rows):
        verdict = WRONG
    return Certificate(verdict, _angle(program, lane) if article and by_hand else None, by_hand, rows)


def run_checks(program: Program, seed: int = 0) -> list[Check]:
    """Rungs 2, 3 and 5 for one program. A program so broken that it raises is wrong."""
    settings = program.settings
    try:
        rows = [*_equations(program, seed)]
        if settings.rule in loops.RULES:
            witness = f"NumPy loop, {settings.rule}, {settings.mode}, {settings.order}"
            equation = loops.equation_of(str(settings.rule), settings.order)
            rows += summarise(5, witness, NETWORKS, _epoch(program, equation, seed))
    except (ArithmeticError, TypeError, ValueError) as error:
        return [Check(5, "all", "", 0, math.inf, 0.0, WRONG, f"raised {type(error).__name__}: {error}")]
    return rows


def from_dict(given: dict[str, Any]) -> Certificate:
    """The certificate that ``dataclasses.asdict`` made a dict of."""
    return Certificate(**{**given, "checks": tuple(Check(**row) for row in given["checks"])})


def _equations(program: Program, seed: int) -> list[Check]:
    """Rungs 2 and 3: every equation against JAX in float64, the gradient against the complex step, saturated or not."""
    rng = np.random.default_rng(seed)
    found, independent = [], []
    for saturated in (False, True):
        d = draw(program.network, rng, patterns=4, saturated=saturated, objective=program.settings.objective)
        exact, allowed = equations.reference_and_bound(d)
        found += equations.compare(d, exact, allowed)
        if sum(W.size for W in d.weights) <= 1000:  # a forward pass a weight
            independent += complex_step.compare(d, allowed)
    return summarise(2, "complex step", 2, independent) + summarise(3, "JAX float64", 2, found)


def _epoch(program: Program, equation: int, seed: int) -> list[Comparison]:
    """Rung 5: one epoch by the program that the study runs, in its precision, beside the same loop in NumPy.

    Other numbers, but the same shapes, so that nothing is compiled for it: random patterns, and rates so small that the errors of
    its updates merely add up.
    """
    network, settings, dtype = program.network, program.settings, program.dtype
    _, block, width = _engines.block(network, settings, dtype)
    rng = np.random.default_rng(seed)
    count = min(len(program.x), MOST_PATTERNS)
    draws = [draw(network, rng, patterns=count, objective=settings.objective) for _ in range(NETWORKS)]
    x, t = (np.asarray(v, dtype) for v in (draws[0].x, draws[0].t))
    start = [tuple(W.astype(dtype) for W in d.weights) for d in draws]
    batch = patterns_per_update(settings.mode, settings.batch_size, count)
    slower = (1 if settings.reduction == "mean" else batch) * max(1.0, settings.weight_decay)
    learning_rate, momentum = (float(np.asarray(rate / slower, dtype)) for rate in loops.PACE.values())

    lanes = np.resize(np.arange(NETWORKS), width)
    own = tuple(np.stack([start[i][l] for i in lanes]) for l in range(len(network.shapes)))
    rates = Rates(*(np.full(width, rate, dtype) for rate in (learning_rate, momentum, 0.0, -1.0)))
    ended = run_block(
        block, network, settings, dtype, own, rates, x, t, of_seeds(settings.shuffle, lanes.astype(np.uint32)), 1
    )

    updates, fan = -(-count // batch), max(rows for rows, _ in network.shapes) / SMALL
    # As in loops.compare_loop, in either precision; a wider layer has longer sums, and a batch one of all its patterns.
    allowed = updates * loops.ROUNDINGS * max(1.0, fan) * max(1.0, batch / SMALL) * 2 * UNIT[dtype]
    found = []
    for i in range(NETWORKS):
        at = _order(i, count) if settings.shuffle else slice(None)
        loop = partial(
            loops.in_numpy,
            network,
            tuple(W.astype(np.float64) for W in start[i]),
            x[at].astype(np.float64),
            t[at].astype(np.float64),
            str(settings.rule),
            settings.mode,
            settings.order,
            rates=(learning_rate, momentum),
            batch=batch,
            epochs=1,
            **_of_the_update(settings),
        )
        limits = loops.more_for_branches(loop, str(settings.rule), dtype)
        for l, (W, limit) in enumerate(zip(loop(), limits, strict=True)):
            found.append(Comparison(equation, ended.weights[l][i], W, allowed + limit, f"layer {l + 1} of {network}"))
    return found


def _of_the_update(settings: Settings) -> dict[str, Any]:
    """What a program's update has beside its rule, mode and order."""
    return {name: getattr(settings, name) for name in ("objective", "weight_decay", "reduction")}


def _order(seed: int, count: int) -> np.ndarray:
    return np.asarray(permutation(jax.random.key(seed), 0, count))


def _angle(program: Program, lane: Lane) -> float:
    """Median angle in degrees between the first step in the article's order and the gradient at the same weights."""
    network, settings, f = program.network, program.settings, functions(program.network)
    equations = manual.OBJECTIVES[settings.objective].equations
    seeds = np.arange(ANGLE_SEEDS, dtype=np.uint32)
    drawn = init_paired(network, lane.initial, lane.ranges, seeds)
    one = patterns_per_update(settings.mode, settings.batch_size, len(program.x))
    angles = []
    for i in range(ANGLE_SEEDS):
        weights = tuple(W[i].astype(np.float64) for W in drawn)
        for at in range(0, min(len(program.x), max(one, MOST_PATTERNS)), one):
            x, t = program.x[at : at + one], program.t[at : at + one]
            rates = lane.learning_rate, lane.momentum
            rule, mode = str(settings.rule), settings.mode
            more = {"rates": rates, "batch": one, "epochs": 1, **_of_the_update(settings)}
            moved = loops.in_numpy(network, weights, x, t, rule, mode, "article", **more)
            step = _flat(tuple(before - after for before, after in zip(weights, moved, strict=True)))
            gradient = manual.gradient(manual.forward(weights, x, f, network.skip), t, equations)
            share = 1 / len(x) if settings.reduction == "mean" else 1.0
            layers = zip(gradient, weights, network.biases, strict=True)
            g = _flat([manual.decayed(share * g, W, len(W) - bias, settings.weight_decay) for g, W, bias in layers])
            angles.append(_between(step, g))
    return float(np.median(angles))


def _between(a: np.ndarray, b: np.ndarray) -> float:
    """The angle of two vectors in degrees; by the half-angle form, which keeps its digits where the angle is small."""
    a, b = a / (np.linalg.norm(a) or 1.0), b / (np.linalg.norm(b) or 1.0)
    return math.degrees(2 * math.atan2(np.linalg.norm(a - b), np.linalg.norm(a + b)))


def _flat(arrays: Any) -> np.ndarray:
    return np.concatenate([np.ravel(a) for a in arrays])
