"""The gradient certificate of an arm: what the ladder says of exactly its network, its order and its rule, as they run."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import jax
import numpy as np

import manual
from bpnn_jax.ablation.chunk import KERNEL_RUNS, Lane, Program, place
from bpnn_jax.ablation.plan import Plan
from bpnn_jax.network import Network, Weights, init_paired
from bpnn_jax.settings import patterns_per_update
from bpnn_jax.training import _engines
from bpnn_jax.training._blocks import run_block
from bpnn_jax.training._loop import Rates
from bpnn_jax.training._orders import of_seeds
from bpnn_jax.training._settings import Settings
from bpnn_jax.training._step import functions
from bpnn_jax.training.gpu import block
from bpnn_jax.verify import as_it_runs, complex_step, equations, loops
from bpnn_jax.verify.bound import JUMP, UNIT
from bpnn_jax.verify.checks import Check, Comparison, summarise
from bpnn_jax.verify.reference import draw

VERDICTS = GRADIENT, NO_GRADIENT, WRONG = "gradient", "not a gradient", "wrong"
MOST_UPDATES, MOST_WORK = (
    512,
    10**8,
)  # of the epoch that is run beside NumPy's loop, which takes half a second then; or else
MOST_PATTERNS = 64
ROUNDED = 64  # of some 300 programs drawn at random (BPNN_DEEP draws some) none was off by a tenth of what this allows
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


def run_checks(program: Program, where: Mapping[str, str], seed: int = 0) -> list[Check]:
    """Rungs 2, 3 and 5 for one program, by what trains it at the place ``where``. A program so broken that it raises is wrong."""
    settings, (engine, width) = program.settings, program.engine(where)
    if engine == _engines.KERNEL and "kernel" not in place():  # a cluster trains it: here its body is interpreted
        engine = _engines.INTERPRETED
    try:
        rows = [*_equations(program, seed)]
        if settings.rule in loops.RULES:
            witness = f"NumPy loop, {settings.rule}, {settings.mode}, {settings.order}"
            witness += f", {engine}" if engine in _engines.KERNELS.values() else ""
            equation = loops.equation_of(str(settings.rule), settings.order)
            rows += summarise(5, witness, NETWORKS, _epoch(program, engine, width, equation, seed))
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


def _epoch(program: Program, engine: str, width: int, equation: int, seed: int) -> list[Comparison]:
    """Rung 5: one epoch by the engine that the study runs, in its precision, beside the same loop in NumPy.

    Other numbers, but the same shapes, so that nothing is compiled for it: random patterns, and rates so small that the errors of
    its updates merely add up. Of a study whose epoch would take NumPy seconds, another program has its first patterns alone.
    """
    network, settings, dtype = program.network, program.settings, program.dtype
    rng = np.random.default_rng(seed)
    count = _patterns(program)
    draws = [draw(network, rng, patterns=count, objective=settings.objective) for _ in range(NETWORKS)]
    x, t = (np.asarray(v, dtype) for v in (draws[0].x, draws[0].t))
    start = [tuple(W.astype(dtype) for W in d.weights) for d in draws]
    batch = patterns_per_update(settings.mode, settings.batch_size, count)
    # No farther than in a short epoch of a narrow network: with wide layers a step of the same rate goes too far, and grows.
    steps = max(1.0, count / batch / MOST_PATTERNS) * _fan(network)
    slower = (1 if settings.reduction == "mean" else batch) * max(1.0, settings.weight_decay) * steps
    learning_rate, momentum = (float(np.asarray(rate / slower, dtype)) for rate in loops.PACE.values())

    lanes = np.resize(np.arange(NETWORKS), width)
    own = tuple(np.stack([start[i][l] for i in lanes]) for l in range(len(network.shapes)))
    rates = Rates(*(np.full(width, rate, dtype) for rate in (learning_rate, momentum, 0.0, -1.0)))
    orders = of_seeds(lanes.astype(np.uint32)) if settings.shuffle else None
    order = [slice(None)] * NETWORKS if orders is None else orders.of_epoch(0, settings.epochs, count)
    if engine == _engines.INTERPRETED:
        weights = _interpreted(network, settings, own, rates, x, t)
    else:
        look = (lambda *_: None) if program.looks else None  # a study that looks has another program
        ran = run_block(engine, network, settings, dtype, own, rates, x, t, until=1, orders=orders, look=look)
        weights = ran.weights

    def loop_of(i: int, precision: str) -> Callable[..., Weights]:
        at = order[i]
        return partial(
            loops.in_numpy,
            network,
            tuple(W.astype(precision) for W in start[i]),
            x[at].astype(precision),
            t[at].astype(precision),
            str(settings.rule),
            settings.mode,
            settings.order,
            rates=(learning_rate, momentum),
            batch=batch,
            epochs=1,
            **_of_the_update(settings),
        )

    exact = [loop_of(i, "float64")() for i in range(NETWORKS)]
    allowed = _allowed(program, batch, count, exact, lambda i: loop_of(i, "float32")())
    found = []
    for i in range(NETWORKS):
        limits = loops.more_for_branches(loop_of(i, "float64"), str(settings.rule), dtype)
        for l, (W, limit) in enumerate(zip(exact[i], limits, strict=True)):
            where = f"layer {l + 1} of {network}"
            found.append(Comparison(equation, weights[l][i], W, allowed[l] + limit, where))
    return found


def _interpreted(network: Network, settings: Settings, weights: Weights, rates: Rates, x: Any, t: Any) -> Weights:
    """The first ``NETWORKS`` by the GPU kernel's body on this CPU, laid out as a study has it."""
    threads = block.threads_for(network, str(settings.rule), KERNEL_RUNS)
    start = tuple(np.moveaxis(W[:NETWORKS], 0, -1) for W in weights)
    rates = Rates(*(rate[:NETWORKS] for rate in rates))
    with jax.enable_x64(False):
        moved = as_it_runs.interpreted(
            network, replace(settings, epochs=1, history_every=1), threads, start, x, t, rates
        )
        return tuple(np.moveaxis(W, -1, 0) for W in jax.device_get(moved))


def _patterns(program: Program) -> int:
    """In that epoch: all, unless NumPy's loop would take long, or a single rounding may move what follows as a whole."""
    settings, count = program.settings, len(program.x)
    updates = -(-count // patterns_per_update(settings.mode, settings.batch_size, count))
    work = count * sum(rows * columns for rows, columns in program.network.shapes)
    whole = updates <= MOST_UPDATES and work <= MOST_WORK and not _jumps(program)
    return count if whole else min(count, MOST_PATTERNS)


def _fan(network: Network) -> float:
    """How much wider its widest sum is than those that ``loops`` counts, at least 1."""
    return max(1.0, max(rows for rows, _ in network.shapes) / SMALL)


def _jumps(program: Program) -> bool:
    """Whether an f' of the network jumps."""
    return bool(set(program.network.activations) & set(JUMP))


def _allowed(
    program: Program, batch: int, count: int, exact: Sequence[Weights], in_float32: Callable[[int], Weights]
) -> list[float]:
    """How far the program's weights may be from NumPy's, for each layer.

    As in ``loops.compare_loop``, in either precision; a wider layer has longer sums, and a batch one of all its patterns. Of a long
    epoch of a wide network that bound is so large that it would pass a mistake. What rounding comes to is measured then: by so much
    is NumPy's own loop in float32 off, and the program by less than ``ROUNDED`` times that. Where f' jumps the bound stays.
    """
    network, unit = program.network, UNIT[program.dtype]
    bound = -(-count // batch) * loops.ROUNDINGS * _fan(network) * max(1.0, batch / SMALL) * 2 * unit
    if _jumps(program):
        return [bound] * len(network.shapes)
    off = [[abs(W - r).max() for W, r in zip(exact[i], in_float32(i), strict=True)] for i in range(NETWORKS)]
    measured = ROUNDED * (np.max(off, axis=0) + UNIT["float32"]) * unit / UNIT["float32"]
    return [min(bound, most) for most in measured]


def _of_the_update(settings: Settings) -> dict[str, Any]:
    """What a program's update has beside its rule, mode and order."""
    return {name: getattr(settings, name) for name in ("objective", "weight_decay", "reduction")}


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
