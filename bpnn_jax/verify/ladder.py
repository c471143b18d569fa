"""The six rungs in order, each a few rows of the table."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import count
from typing import Any

import numpy as np

from bpnn_jax import audit
from bpnn_jax.errors import seed, unknown, whole_number
from bpnn_jax.network import Network
from bpnn_jax.training.gpu import block
from bpnn_jax.verify import as_it_runs, at_scale, auditor, complex_step, equations, proof, rules
from bpnn_jax.verify.bound import JUMP, Bound
from bpnn_jax.verify.checks import Caught, Check, Comparison, summarise
from bpnn_jax.verify.helpers import Rows, shared
from bpnn_jax.verify.reference import Draw, Reference, draw
from manual import ACTIVATIONS
from manual.mistakes import MISTAKES, Mistake

PROVED_SIZES = ((1, 1), (2, 1), (2, 2, 1), (3, 2, 2), (2, 2, 2, 1), (3, 3, 2, 2))
PROVABLE = 30  # weights; above that a proof takes minutes
PROVED_SKIPPING = ((2, 1, 1), (2, 1, 1, 2))  # with skip connections
CURVED_SIZES = (2, 2, 1)
DRAWN_SIZES = (4, 5, 5, 3)
SCALE_SIZES = (20, 8, 3)
LOOP_SIZES = (3, 2, 2, 2)  # of the training loops, which are written out weight by weight: what compiles soon
KERNEL_SIZES = (3, 2, 2, 2, 2)  # as many layers as the GPU kernel has activations
OBJECTIVE_SIZES = (4, 5, 3)  # the shapes of the mistakes' networks: operations are compiled for a shape
DRAWS = 4  # of numbers for a network, in a row of rungs 2 and 3
FURTHER = tuple(name for name, f in ACTIVATIONS.items() if f.equations[1] == 17)
# The networks of the mistakes: one with the activations of (1) to (4), one with those of (17). Both have a square weight matrix, and
# more than one output.
MISTAKEN, MISTAKEN_FURTHER = (
    Network((4, *(5,) * (len(names) - 1), 3), names)
    for names in (tuple(name for name in ACTIVATIONS if name not in FURTHER), FURTHER)
)
# What else there is to minimise, with the output that it is for: (objective, output activation).
OBJECTIVES = (("half-squared-error", "softmax"), ("cross-entropy", "sigmoid"), ("cross-entropy", "softmax"))


@dataclass(frozen=True)
class Options:
    """What to check. ``sizes`` None means the ladder's own: small ones to prove, 4-5-5-3 to compare, 20-8-3 at scale."""

    sizes: tuple[int, ...] | None = None
    activations: tuple[str, ...] = tuple(ACTIVATIONS)
    hidden_bias: bool | None = None  # None: on and off
    networks: int = 100_000
    seed: int = 0

    def __post_init__(self):
        for name in self.activations:
            if name not in ACTIVATIONS:
                raise unknown("activation", name, ACTIVATIONS)
        whole_number("networks", self.networks, 1)
        seed(self.seed)
        if self.sizes is not None:
            Network(self.sizes)

    def bias_choices(self) -> list[tuple[bool, bool]]:
        """(input bias, hidden bias) pairs."""
        if self.hidden_bias is not None:
            return [(True, self.hidden_bias)]
        return [(True, True), (False, False), (True, False), (False, True)]


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
    order = [m.name for m in MISTAKES]
    caught = tuple(sorted((row for row in rows if isinstance(row, Caught)), key=lambda row: order.index(row.name)))
    return Report((*_merged(row for row in rows if isinstance(row, Check)), *_caught(caught)), caught)


def pieces(options: Options) -> list[tuple[str, Callable[[], Rows]]]:
    """(what it is, the work) of every piece. Each has random numbers of its own: any order will do."""
    return [*_rung_6(options), *_work(options)]


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
        yield f"rung {rung}: {witness}", partial(_rows, rung, witness, networks, partial(compare, rng))


# (rung, witness, networks, what it compares, given random numbers)
Piece = tuple[int, str, int, Callable[[np.random.Generator], Iterable[Comparison]]]


def _pieces(options: Options) -> Iterator[Piece]:
    yield from _rung_1(options)
    yield from _rungs_2_and_3(options)
    yield from _rung_4(options)
    yield from _rung_5(options)


def _rung_1(options: Options) -> Iterator[Piece]:
    yield 1, "SymPy", 0, lambda rng: _proofs(proof.activations())
    for net in _proved(options):
        patterns = 2 if _weights(net) <= 15 else 1
        yield 1, "SymPy", 1, lambda rng, net=net, n=patterns: _proofs(proof.network(net, patterns=n))
    for net in (Network(CURVED_SIZES), Network(PROVED_SKIPPING[0], skip=True)):
        yield 1, "SymPy", 1, lambda rng, net=net: _proofs(proof.curvature(net))
    for given in (proof.softmax, proof.objectives, proof.decay):
        yield 1, "SymPy", 0, lambda rng, given=given: _proofs(given())


def _rungs_2_and_3(options: Options) -> Iterator[Piece]:
    yield 3, "JAX float64", 0, lambda rng: equations.compare_extremes()
    sizes = options.sizes or DRAWN_SIZES
    skipping = (
        [_mixed(options, sizes, skip=True)] if len(sizes) > 2 else []
    )  # without a hidden layer there is nothing to skip
    for net in [*_in_turn(options, sizes), *skipping]:
        for saturated in (False, True):
            yield 2, "complex step", DRAWS, partial(_draws, _by_complex_step, net, saturated)
            yield 3, "JAX float64", DRAWS, partial(_draws, _equations, net, saturated)
    for net in [_mixed(options, sizes), *skipping]:
        yield 3, "JAX float64", 1, partial(_curved, net, "half-squared-error")
    for net in [_mixed(options, options.sizes or MISTAKEN.sizes), *skipping]:
        compare = lambda rng, net=net: auditor.compare(draw(net, rng), equations.CORRECT)  # noqa: E731
        yield 3, "auditor, float64", auditor.DRAWS, compare
    for objective, net in _with_objectives(options):
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
        net = _mixed(options, sizes, first)
        yield 4, "JAX grad, vmap", share, lambda rng, net=net: at_scale.compare(net, share, options.seed)
    *_, (objective, net) = _with_objectives(options, SCALE_SIZES)
    few = at_scale.whole_blocks(options.networks // 20)
    yield 4, "JAX grad, vmap", few, lambda rng: at_scale.compare(net, few, options.seed, objective)


def _rung_5(options: Options) -> Iterator[Piece]:
    """Each piece on one network with some of the activations, since a loop is compiled for each network; they take turns."""
    sizes = options.sizes or LOOP_SIZES
    turn = count(step=len(sizes) - 1)

    def on_next(compare: Callable, *what: object, skip: bool = False) -> Callable[..., Iterator[Comparison]]:
        net = _mixed(options, sizes, next(turn), skip)
        return lambda rng: compare(net, rng, *what)

    for path in as_it_runs.PATHS:
        yield 5, f"float32 {path}", 40, on_next(as_it_runs.compare_paths, path)
    for step in as_it_runs.STEPS:
        yield 5, f"train {step}", 20, on_next(as_it_runs.compare_step, step)
    for mode in ("online", "minibatch", "batch"):
        yield 5, f"train_many {mode}", 20, on_next(as_it_runs.compare_many_step, mode)
    for run in as_it_runs.RUNS:
        yield 5, f"{run}, N = 0", 10, on_next(as_it_runs.compare_second_tap, run)
        for loop in as_it_runs.MANY_LOOPS if run == "train_many" else as_it_runs.ONE_LOOPS:
            yield 5, f"{run}, NumPy loop", 10, on_next(as_it_runs.compare_loop, run, *loop)
        if len(sizes) > 2:
            for loop in as_it_runs.SKIPPING_LOOPS[run]:
                yield 5, f"{run}, skip connections", 10, on_next(as_it_runs.compare_loop, run, *loop, skip=True)
    *_, (objective, net) = _with_objectives(options)
    compare = lambda rng: as_it_runs.compare_paths(net, rng, "jit + vmap", objective=objective)  # noqa: E731
    yield 5, "float32 jit + vmap", 40, compare
    for run, output, loop, equation, given in as_it_runs.OBJECTIVE_LOOPS:
        net = with_output(output, hidden_bias=options.hidden_bias is not False)
        compare = partial(_loop, net, run, loop, equation, given)
        yield 5, f"{run}, NumPy loop", 10, compare
    # A linear output: where one saturates, the whole gradient is no larger than the roundings of f' in terms of a, of which the
    # auditor, to whom it is a black box, knows nothing.
    broad = _mixed(options, options.sizes or MISTAKEN.sizes, -1)
    broad = replace(broad, activations=(*broad.activations[:-1], "linear"))
    yield 5, "auditor, float32", 4, lambda rng: as_it_runs.compare_audit(broad, rng)
    on_gpu = tuple(name for name in options.activations if name in block.ACTIVATIONS)
    if on_gpu:  # written out weight by weight, and interpreted
        small = _mixed(replace(options, activations=on_gpu), KERNEL_SIZES)
        yield 5, "GPU kernel, interpreted", 20, lambda rng: as_it_runs.compare_gpu_kernel(small, rng)
    article = Network((4, 5, 3), hidden_bias=options.hidden_bias is not False)
    yield 5, "article's loops", 10, lambda rng: as_it_runs.compare_article_order(article, rng)
    for bias in (False, True):
        yield 5, "article's loops", 1, lambda rng, b=bias: as_it_runs.compare_article_program(b)


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
    return as_it_runs.compare_loop(net, rng, run, *loop, equation=equation, **given)


def _with_objectives(options: Options, sizes: tuple[int, ...] = OBJECTIVE_SIZES) -> list[tuple[str, Network]]:
    """Each objective of ``OBJECTIVES`` with a network for it. A single output has no softmax: then the ladder's own sizes serve."""
    sizes = options.sizes if options.sizes and options.sizes[-1] > 1 else sizes
    bias = options.hidden_bias is not False
    return [(objective, with_output(output, sizes, bias)) for objective, output in OBJECTIVES]


def _by_complex_step(d: Draw) -> Iterator[Comparison]:
    return complex_step.compare(d, equations.reference_and_bound(d)[1])


def _equations(d: Draw) -> Iterator[Comparison]:
    exact, allowed = equations.reference_and_bound(d)
    yield from equations.compare(d, exact, allowed)
    yield from equations.compare_forms(d, exact, allowed)


def _mixed(options: Options, sizes: tuple[int, ...], first: int = 0, skip: bool = False) -> Network:
    """One network with the activations in turn, from the one numbered ``first``."""
    names = [options.activations[(first + l) % len(options.activations)] for l in range(len(sizes) - 1)]
    return Network(sizes, names, hidden_bias=options.hidden_bias is not False, skip=skip)


def _in_turn(options: Options, sizes: tuple[int, ...]) -> Iterator[Network]:
    """Networks in which each layer has each activation once; the choices of bias nodes take turns with them."""
    biases = options.bias_choices()
    for i in range(max(len(options.activations), len(biases))):
        input_bias, hidden_bias = biases[i % len(biases)]
        yield replace(_mixed(options, sizes, i), input_bias=input_bias, hidden_bias=hidden_bias)


def _proved(options: Options) -> Iterator[Network]:
    """The networks that are proved, each for any activation: theirs say nothing."""
    small = options.sizes and _weights(Network(options.sizes)) <= PROVABLE
    for sizes in (options.sizes,) if options.sizes and small else PROVED_SIZES:
        for bias in options.bias_choices():
            # The mixed choices of bias are proved where that is cheap; the larger networks take both or none.
            if bias[0] == bias[1] or options.hidden_bias is not None or sizes == CURVED_SIZES:
                yield Network(sizes, "sigmoid", *bias)
    for sizes in (options.sizes,) if options.sizes and small else PROVED_SKIPPING:
        if len(sizes) > 2:
            yield Network(sizes, hidden_bias=options.hidden_bias is not False, skip=True)


def _weights(net: Network) -> int:
    return sum(rows * columns for rows, columns in net.shapes)


def _proofs(proofs: Iterable[proof.Proof]) -> Iterator[Comparison]:
    for equation, proved, where in proofs:
        yield Comparison(equation, 0.0 if proved else np.inf, 0.0, 0.0, where)


def _rows(rung: int, witness: str, networks: int, comparisons: Callable[[], Iterable[Comparison]]) -> list[Check]:
    """The rows of one piece. A derivation so broken that it raises is wrong, not a crash of the verifier."""
    found: list[Comparison] = []
    try:
        with np.errstate(all="ignore"):
            found.extend(comparisons())
    except Exception as error:
        where = f"raised {type(error).__name__}: {error}"
        return [Check(rung, "all", witness, networks, float("inf"), 0.0, "wrong", where)]
    return summarise(rung, witness, networks, found)


def _merged(checks: Iterable[Check]) -> Iterator[Check]:
    """One row for each rung, witness and equation: the worst, with the networks added up."""
    groups: dict[tuple, list[Check]] = {}
    for check in checks:
        groups.setdefault((check.rung, check.witness, check.equation), []).append(check)

    def badness(check: Check) -> float:
        return check.worst / check.allowed if check.allowed else (np.inf if check.worst else 0.0)

    for (rung, witness, equation), rows in sorted(groups.items(), key=lambda item: (*item[0][:2], _number(item[0][2]))):
        worst = max(rows, key=badness)
        verdict = "wrong" if any(r.verdict == "wrong" for r in rows) else "correct"
        networks = sum(r.networks for r in rows)
        yield Check(rung, equation, witness, networks, worst.worst, worst.allowed, verdict, worst.where)


def mistakes(seed: int = 0) -> Iterator[Caught]:
    """Rung 6: each wrong derivation put through rung 3 in place of the right one, equation by equation and before the auditor."""
    with audit.reusing():
        for network in dict.fromkeys(map(mistaken, MISTAKES)):
            yield from _mistakes(seed, network)


def _rung_6(options: Options) -> Iterator[tuple[str, Callable[[], Rows]]]:
    for network in dict.fromkeys(map(mistaken, MISTAKES)):
        yield "rung 6: mistakes", lambda network=network: list(_mistakes(options.seed, network))


def _mistakes(seed: int, network: Network) -> Iterator[Caught]:
    """Those that this network shows."""
    judged = judged_draws(seed)
    for m in MISTAKES:
        if mistaken(m) != network:
            continue
        tried = judged[m.objective, network]
        first = first_wrong(m, tried)
        # λW̄ is the same in any network, and the auditor is quicker with a small one.
        shown = judged[OBJECTIVES[0][0], with_output(OBJECTIVES[0][1])] if m.equation == 20 else tried
        yield Caught(m.name, bool(first), first, f"({m.equation})", m.why, _named_by_the_auditor(shown[0][0], m))


def mistaken(mistake: Mistake) -> Network:
    """The network that shows a mistake: with the output that it is about, or with the activation whose derivative is wrong."""
    wrong = [name for name in FURTHER if mistake.activations[name] is not ACTIVATIONS[name]]
    return with_output(mistake.output) if mistake.output else MISTAKEN_FURTHER if wrong else MISTAKEN


def judged_draws(seed: int = 0) -> dict[tuple[str, Network], list[tuple[Draw, Reference, Bound]]]:
    """What mistakes are tried on, by objective and network: an ordinary draw, but for a node at each kink, and a saturated one."""
    rng = np.random.default_rng(seed)
    squared = "half-squared-error"
    kinds = [
        (squared, MISTAKEN),
        (squared, MISTAKEN_FURTHER),
        *((kind[0], with_output(kind[1])) for kind in OBJECTIVES),
    ]
    return {
        (objective, network): [
            (d, *equations.reference_and_bound(d))
            for d in (
                draw(network, rng, objective=objective, at_zero=tuple(JUMP)),
                draw(network, rng, objective=objective, saturated=True),
            )
        ]
        for objective, network in kinds
    }


def with_output(output: str, sizes: tuple[int, ...] = OBJECTIVE_SIZES, hidden_bias: bool = True) -> Network:
    """A network with that output activation, tanh below."""
    return Network(sizes, (*("tanh",) * (len(sizes) - 2), output), hidden_bias=hidden_bias)


def first_wrong(mistake: Mistake, judged: list[tuple[Draw, Reference, Bound]]) -> str:
    """The first equation that differs from its witness by more than rounding, as ``(9)``; empty if all agree."""
    rows: list[Check] = []
    for d, exact, allowed in judged:
        rows += _rows(6, mistake.name, 1, lambda d=d, e=exact, b=allowed: equations.compare(d, e, b, mistake))
    if mistake.equation in rules.NUMBERS:
        rows += _rows(6, mistake.name, 0, lambda: rules.compare(np.random.default_rng(0), mistake.rules))
    return min((r.equation for r in rows if r.verdict == "wrong"), key=_place, default="")


def _named_by_the_auditor(d: Draw, m: Mistake) -> str:
    if m.equation in rules.NUMBERS:  # it judges derivatives, and a rule's step is none
        return ""
    try:
        with np.errstate(all="ignore"):
            return auditor.names(d, m)
    except Exception as error:  # a derivation so broken that it raises
        return f"raised {type(error).__name__}"


def _caught(found: tuple[Caught, ...]) -> Iterator[Check]:
    """Rung 6 as rows: for each equation how many mistakes were not caught there, of which none is allowed."""
    for equation in sorted({m.expected for m in found}, key=_number):
        here = [m for m in found if m.expected == equation]
        missed = [m.name for m in here if not m.right]
        verdict = "wrong" if missed else "correct"
        yield Check(
            6, equation, f"{len(here)} mistakes", 2 * len(here), float(len(missed)), 0.0, verdict, ", ".join(missed)
        )


def _number(equation: str) -> int:
    return int(equation.strip("()")) if equation.startswith("(") else 0


def _place(equation: str) -> float:
    """Where an equation comes when a network is gone through: the activations, the forward pass, E and its δ, then back."""
    number = _number(equation)
    return {17: 4.2, 18: 4.5, 19: 8.5}.get(number, number)
