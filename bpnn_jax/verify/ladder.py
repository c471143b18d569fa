"""The six rungs in order, each a few rows of the table."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from bpnn_jax import audit
from bpnn_jax.network import Network
from bpnn_jax.training.gpu import block
from bpnn_jax.verify import as_it_runs, at_scale, auditor, complex_step, equations, loops, mistakes, proof, rules
from bpnn_jax.verify.checks import Caught, Check, Comparison, compared, merged
from bpnn_jax.verify.helpers import Rows, shared
from bpnn_jax.verify.networks import (
    CURVED_SIZES,
    DRAWN_SIZES,
    KERNEL_SIZES,
    LARGER_SIZES,
    LOOP_SIZES,
    MISTAKEN,
    PROVED_SKIPPING,
    RULE_SIZES,
    SCALE_SIZES,
    Options,
    in_turn,
    mixed,
    proved,
    taking_turns,
    weights,
    with_objectives,
    with_output,
)
from bpnn_jax.verify.reference import Draw, draw

DRAWS = 4  # of numbers for a network, in a row of rungs 2 and 3


@dataclass(frozen=True)
class Report:
    """Every row, every mistake, and the verdict: ``correct`` only if no row is wrong and every mistake was caught and named."""

    checks: tuple[Check, ...]
    mistakes: tuple[Caught, ...]

    @property
    def verdict(self) -> str:
        right = all(c.verdict == "correct" for c in self.checks) and all(m.right for m in self.mistakes)
        return "correct" if right and self.checks and self.mistakes else "wrong"

    def to_json(self) -> dict:
        return {
            "verdict": self.verdict,
            "checks": [asdict(c) for c in self.checks],
            "mistakes": [asdict(m) for m in self.mistakes],
        }


def run(
    options: Options | None = None, progress: Callable[[int, int, str], None] | None = None, processes: int = 1
) -> Report:
    """Climb the ladder. ``progress(begun, total, what)`` is called before each piece of work, from its thread.

    processes: how many share the work. With more than one, the others take the derivation as it is on the disk: functions that were
    replaced in this process are checked in this process alone.
    """
    options = options or Options()
    work = pieces(options)
    with audit.reusing():
        found = shared(work, _groups(work), asdict(options), processes, progress)
    rows = [row for number in range(len(work)) for row in found[number]]
    caught = mistakes.in_order(row for row in rows if isinstance(row, Caught))
    checks = merged(row for row in rows if isinstance(row, Check))
    return Report((*checks, *mistakes.as_checks(caught)), caught)


def pieces(options: Options) -> list[tuple[str, Callable[[], Rows]]]:
    """(what it is, the work) of every piece. Each has random numbers of its own: any order will do."""
    return [*mistakes.pieces(options.seed), *_work(options)]


def _groups(work: Sequence[tuple[str, Any]]) -> Iterable[list[int]]:
    """The numbers of the pieces that go to one process, the longest first: those that share what is compiled for a network."""
    groups: dict[Any, list[int]] = {}
    for number, (what, _) in enumerate(work):
        drawn = what in ("rung 2: complex step", "rung 3: JAX float64")
        alone = what.startswith(("rung 5", "rung 6"))
        groups.setdefault("drawn" if drawn else number if alone else what, []).append(number)
    return groups.values()


def _work(options: Options) -> Iterator[tuple[str, Callable[[], list[Check]]]]:
    """Every piece up to rung 5."""
    for number, (rung, witness, networks, compare) in enumerate(_pieces(options)):
        rng = np.random.default_rng((options.seed, number))
        yield f"rung {rung}: {witness}", partial(compared, rung, witness, networks, partial(compare, rng))


# (rung, witness, networks, what it compares, given random numbers)
Piece = tuple[int, str, int, Callable[[np.random.Generator], Iterable[Comparison]]]


def _pieces(options: Options) -> Iterator[Piece]:
    yield from _rung_1(options)
    yield from _rungs_2_and_3(options)
    yield from _rung_4(options)
    yield from _rung_5(options)


def _rung_1(options: Options) -> Iterator[Piece]:
    yield 1, "SymPy", 0, lambda rng: _proofs(proof.activations())
    for net in proved(options):
        patterns = 2 if weights(net) <= 15 else 1
        yield 1, "SymPy", 1, lambda rng, net=net, n=patterns: _proofs(proof.network(net, patterns=n))
    for net in (Network(CURVED_SIZES), Network(PROVED_SKIPPING[0], skip=True)):
        yield 1, "SymPy", 1, lambda rng, net=net: _proofs(proof.curvature(net))
    for given in (proof.softmax, proof.objectives, proof.decay):
        yield 1, "SymPy", 0, lambda rng, given=given: _proofs(given())


def _rungs_2_and_3(options: Options) -> Iterator[Piece]:
    yield 3, "JAX float64", 0, lambda rng: equations.compare_extremes()
    sizes = options.sizes or DRAWN_SIZES
    skipping = (
        [mixed(options, sizes, skip=True)] if len(sizes) > 2 else []
    )  # without a hidden layer there is nothing to skip
    for net in [*in_turn(options, sizes), *skipping]:
        for saturated in (False, True):
            yield 2, "complex step", DRAWS, partial(_draws, _by_complex_step, net, saturated)
            yield 3, "JAX float64", DRAWS, partial(_draws, _equations, net, saturated)
    for net in [mixed(options, sizes), *skipping]:
        yield 3, "JAX float64", 1, partial(_curved, net, "half-squared-error")
    for net in [mixed(options, options.sizes or MISTAKEN.sizes), *skipping]:
        compare = lambda rng, net=net: auditor.compare(draw(net, rng), equations.CORRECT)  # noqa: E731
        yield 3, "auditor, float64", auditor.DRAWS, compare
    for objective, net in with_objectives(options):
        for saturated in (False, True):
            yield 2, "complex step", DRAWS, partial(_draws, _by_complex_step, net, saturated, objective=objective)
            yield 3, "JAX float64", DRAWS, partial(_draws, _equations, net, saturated, objective=objective)
        if (
            net.activations[-1] == "softmax"
        ):  # with sigmoid, (16) has one line less than it has for half the squared error
            yield 3, "JAX float64", 1, partial(_curved, net, objective)
    yield 3, "closed form", 0, rules.compare_previous_gradient
    yield 3, "optax", 0, rules.compare_optax
    yield 3, "branch by branch", 0, rules.compare_quickprop


def _rung_4(options: Options) -> Iterator[Piece]:
    sizes = options.sizes or SCALE_SIZES
    firsts = range(0, len(options.activations), len(sizes) - 1)  # as many networks as hold every activation
    share = at_scale.whole_blocks(-(-options.networks // len(firsts)))
    for first in firsts:
        net = mixed(options, sizes, first)
        yield 4, "JAX grad, vmap", share, lambda rng, net=net: at_scale.compare(net, share, options.seed)
    *_, (objective, net) = with_objectives(options, SCALE_SIZES)
    few = at_scale.whole_blocks(options.networks // 20)
    yield 4, "JAX grad, vmap", few, lambda rng: at_scale.compare(net, few, options.seed, objective)


def _rung_5(options: Options) -> Iterator[Piece]:
    """Each piece on one network with some of the activations, since a loop is compiled for each network; they take turns."""
    sizes = options.sizes or LOOP_SIZES
    smaller = taking_turns(options, options.sizes or RULE_SIZES)
    networks = taking_turns(options, sizes)

    def on_next(
        compare: Callable, *what: object, skip: bool = False, of: Iterator[Network] = networks
    ) -> Callable[..., Iterator[Comparison]]:
        net = replace(next(of), skip=skip)
        return lambda rng: compare(net, rng, *what)

    for path in as_it_runs.PATHS:
        yield 5, f"float32 {path}", 40, on_next(as_it_runs.compare_paths, path)
    for step in as_it_runs.STEPS:
        yield 5, f"train {step}", 20, on_next(as_it_runs.compare_step, step)
    for mode in ("online", "minibatch", "batch"):
        yield 5, f"train_many {mode}", 20, on_next(as_it_runs.compare_many_step, mode)
    large = mixed(options, LARGER_SIZES)
    yield 5, "train_many, larger", 20, lambda rng: as_it_runs.compare_many_step(large, rng, "online")
    for run in loops.RUNS:
        yield 5, f"{run}, N = 0", 10, on_next(loops.compare_second_tap, run)
        of = smaller if run == "train_many" else networks
        for loop in loops.MANY_LOOPS if run == "train_many" else loops.ONE_LOOPS:
            yield 5, f"{run}, NumPy loop", 10, on_next(loops.compare_loop, run, *loop, of=of)
        if len(sizes) > 2:
            for loop in loops.SKIPPING_LOOPS[run]:
                yield 5, f"{run}, skip connections", 10, on_next(loops.compare_loop, run, *loop, skip=True)
    *_, (objective, net) = with_objectives(options)
    compare = lambda rng: as_it_runs.compare_paths(net, rng, "jit + vmap", objective=objective)  # noqa: E731
    yield 5, "float32 jit + vmap", 40, compare
    for run, output, loop, equation, given in loops.OBJECTIVE_LOOPS:
        net = with_output(output, RULE_SIZES, options.hidden_bias is not False)
        compare = partial(_loop, net, run, loop, equation, given)
        yield 5, f"{run}, NumPy loop", 10, compare
    # A linear output: where one saturates, the whole gradient is no larger than the roundings of f' in terms of a, of which the
    # auditor, to whom it is a black box, knows nothing.
    broad = mixed(options, options.sizes or MISTAKEN.sizes, -1)
    broad = replace(broad, activations=(*broad.activations[:-1], "linear"))
    yield 5, "auditor, float32", 4, lambda rng: as_it_runs.compare_audit(broad, rng)
    on_gpu = tuple(name for name in options.activations if name in block.ACTIVATIONS)
    if on_gpu:  # written out weight by weight, and interpreted
        small = mixed(replace(options, activations=on_gpu), KERNEL_SIZES)
        yield 5, "GPU kernel, interpreted", 20, lambda rng: as_it_runs.compare_gpu_kernel(small, rng)
    article = Network((4, 5, 3), hidden_bias=options.hidden_bias is not False)
    yield 5, "article's loops", 10, lambda rng: as_it_runs.compare_article_order(article, rng)
    for bias in (False, True):
        yield 5, "article's loops", 1, lambda rng, b=bias: loops.compare_article_program(b)


def _draws(
    compare: Callable[[Draw], Iterable[Comparison]],
    net: Network,
    saturated: bool,
    rng: np.random.Generator,
    objective: str = "half-squared-error",
) -> Iterator[Comparison]:
    for _ in range(DRAWS):
        yield from compare(draw(net, rng, saturated=saturated, objective=objective))


def _curved(net: Network, objective: str, rng: np.random.Generator) -> Iterator[Comparison]:
    return equations.compare_curvature(draw(net, rng, objective=objective), rng)


def _loop(
    net: Network, run: str, loop: tuple[str, str, str], equation: int, given: dict[str, Any], rng: np.random.Generator
) -> Iterator[Comparison]:
    return loops.compare_loop(net, rng, run, *loop, equation=equation, **given)


def _by_complex_step(d: Draw) -> Iterator[Comparison]:
    return complex_step.compare(d, equations.reference_and_bound(d)[1])


def _equations(d: Draw) -> Iterator[Comparison]:
    exact, allowed = equations.reference_and_bound(d)
    yield from equations.compare(d, exact, allowed)
    yield from equations.compare_forms(d, exact, allowed)


def _proofs(proofs: Iterable[proof.Proof]) -> Iterator[Comparison]:
    for equation, holds, where in proofs:
        yield Comparison(equation, 0.0 if holds else np.inf, 0.0, 0.0, where)
