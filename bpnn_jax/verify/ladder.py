"""The six rungs in order, each a few rows of the table."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass

import numpy as np

from bpnn_jax import audit
from bpnn_jax.errors import seed, unknown, whole
from bpnn_jax.network import Network
from bpnn_jax.verify import as_it_runs, at_scale, auditor, complex_step, equations, proof
from bpnn_jax.verify.bound import Bound
from bpnn_jax.verify.checks import Caught, Check, Comparison, summarise
from bpnn_jax.verify.reference import Draw, Reference, draw
from manual import ACTIVATIONS
from manual.mistakes import MISTAKES, Mistake

PROVED_SIZES = ((1, 1), (2, 1), (2, 2, 1), (3, 2, 2), (2, 2, 2, 1), (3, 3, 2, 2))
PROVABLE = 30  # weights; above that a proof takes minutes
PROVED_SKIPPING = ((2, 1, 1), (2, 1, 1, 2))  # with skip connections
CURVED_SIZES = (2, 2, 1)
DRAWN_SIZES = (4, 5, 5, 3)
SCALE_SIZES = (20, 8, 3)
GPU_SIZES = (3, 3, 2, 2, 2)  # written out weight by weight, and interpreted
# One network that exercises every activation, has a square weight matrix, and more than one output.
MISTAKEN = Network((4, *(5,) * (len(ACTIVATIONS) - 1), 3), tuple(ACTIVATIONS))


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
        whole("networks", self.networks, 1)
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


def run(options: Options | None = None, progress: Callable[[int, int, str], None] | None = None) -> Report:
    """Climb the ladder. ``progress(done, total, what)`` is called before each piece of work."""
    options = options or Options()
    work = list(_work(options))
    checks: list[Check] = []
    for done, (what, piece) in enumerate(work):
        if progress:
            progress(done, len(work) + 1, what)
        checks += piece()
    if progress:
        progress(len(work), len(work) + 1, "rung 6: mistakes")
    caught = tuple(mistakes(options.seed))
    return Report((*_merged(checks), *_caught(caught)), caught)


def _work(options: Options) -> Iterator[tuple[str, Callable[[], list[Check]]]]:
    def piece(rung: int, witness: str, networks: int, comparisons: Callable[[], Iterable[Comparison]]):
        return f"rung {rung}: {witness}", lambda: _rows(rung, witness, networks, comparisons)

    yield piece(1, "SymPy", 0, lambda: _proofs(proof.activations()))
    for net in _proved(options):
        yield piece(
            1, "SymPy", 1, lambda net=net: _proofs(proof.network(net, patterns=2 if _weights(net) <= 15 else 1))
        )
    for net in (Network(CURVED_SIZES), Network(PROVED_SKIPPING[0], skip=True)):
        yield piece(1, "SymPy", 1, lambda net=net: _proofs(proof.curvature(net)))
    yield piece(3, "JAX float64", 0, equations.compare_extremes)
    sizes = options.sizes or DRAWN_SIZES
    drawn = [Network(sizes, name, *bias) for name in options.activations for bias in options.bias_choices()]
    mixed, skipping = _mixed(options, sizes), _mixed(options, sizes, skip=True)
    drawn += [skipping] if len(sizes) > 2 else []  # without a hidden layer there is nothing to skip
    rng = np.random.default_rng(options.seed)
    for net in drawn:
        for saturated in (False, True):
            d = draw(net, rng, saturated=saturated)
            yield piece(2, "complex step", 1, lambda d=d: complex_step.compare(d, equations.reference_and_bound(d)[1]))
            yield piece(3, "JAX float64", 1, lambda d=d: _equations(d))
    for net in [*(Network(sizes, name) for name in options.activations), *([skipping] if len(sizes) > 2 else [])]:
        d = draw(net, rng)
        yield piece(3, "JAX float64", 1, lambda d=d: equations.compare_curvature(d, rng))
    broad = _mixed(options, options.sizes or MISTAKEN.sizes)
    for net in (broad, *([skipping] if len(sizes) > 2 else [])):
        d = draw(net, rng)
        yield piece(3, "auditor, float64", auditor.DRAWS, lambda d=d: auditor.compare(d, equations.CORRECT))
    yield piece(3, "closed form", 0, lambda: equations.compare_previous_gradient(rng))
    yield piece(3, "optax", 0, lambda: equations.compare_momentum(rng))
    for name in options.activations:
        net = Network(options.sizes or SCALE_SIZES, name, hidden_bias=options.hidden_bias is not False)
        yield f"rung 4: {name}", lambda net=net: _at_scale(net, options)
    for name in options.activations:
        net = Network(sizes, name, hidden_bias=options.hidden_bias is not False)
        for path in as_it_runs.PATHS:
            yield piece(5, f"float32 {path}", 20, lambda n=net, p=path: as_it_runs.compare_paths(n, rng, p))
        for step in as_it_runs.STEPS:
            yield piece(5, f"train {step}", 10, lambda n=net, s=step: as_it_runs.compare_step(n, rng, s))
        yield piece(5, "train_many online", 20, lambda n=net: as_it_runs.compare_many_step(n, rng, "online"))
    for mode in ("minibatch", "batch"):
        yield piece(5, f"train_many {mode}", 20, lambda m=mode: as_it_runs.compare_many_step(mixed, rng, m))
    for run in as_it_runs.RUNS:
        yield piece(5, f"{run}, N = 0", 10, lambda r=run: as_it_runs.compare_second_tap(mixed, rng, r))
        for loop in (
            as_it_runs.LOOPS if run == "train_many" else as_it_runs.ONLINE_LOOPS
        ):  # train leaves batches to matrix products
            yield piece(5, f"{run}, NumPy loop", 10, lambda r=run, l=loop: as_it_runs.compare_loop(mixed, rng, r, *l))
        if len(sizes) > 2:
            for loop in as_it_runs.SKIPPING_LOOPS[run]:
                witness = f"{run}, skip connections"
                yield piece(5, witness, 10, lambda r=run, l=loop: as_it_runs.compare_loop(skipping, rng, r, *l))
    yield piece(5, "auditor, float32", 4, lambda: as_it_runs.compare_audit(broad, rng))
    small = _mixed(options, GPU_SIZES)
    yield piece(5, "GPU kernel, interpreted", 20, lambda: as_it_runs.compare_gpu_kernel(small, rng))
    article = Network((4, 5, 3), hidden_bias=options.hidden_bias is not False)
    yield piece(5, "article's loops", 10, lambda: as_it_runs.compare_article_order(article, rng))
    for hidden_bias in (False, True):
        yield piece(5, "article's loops", 1, lambda b=hidden_bias: as_it_runs.compare_article_program(b))


def _mixed(options: Options, sizes: tuple[int, ...], skip: bool = False) -> Network:
    """One network with all the activations, in turn, for what takes too long to do for each of them."""
    names = [options.activations[l % len(options.activations)] for l in range(len(sizes) - 1)]
    return Network(sizes, names, hidden_bias=options.hidden_bias is not False, skip=skip)


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


def _equations(d) -> Iterator[Comparison]:
    exact, allowed = equations.reference_and_bound(d)
    yield from equations.compare(d, exact, allowed)
    yield from equations.compare_forms(d, exact, allowed)


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


def _at_scale(net: Network, options: Options) -> list[Check]:
    share = -(-options.networks // len(options.activations))
    try:
        worst, networks = at_scale.worst_of(net, share, seed=options.seed)
    except Exception as error:
        where = f"raised {type(error).__name__}: {error}"
        return [Check(4, "(10)", "JAX grad, vmap", share, float("inf"), 0.0, "wrong", where)]
    verdict = "correct" if worst.ratio <= 1 else "wrong"
    where = f"network {worst.network} of {net}, seed {options.seed}"
    return [Check(4, "(10)", "JAX grad, vmap", networks, worst.error, worst.allowed, verdict, where)]


def _merged(checks: list[Check]) -> Iterator[Check]:
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
        yield from _mistakes(seed)


def _mistakes(seed: int) -> Iterator[Caught]:
    judged = judged_draws(seed)
    for m in MISTAKES:
        first = first_wrong(m, judged)
        yield Caught(m.name, bool(first), first, f"({m.equation})", m.why, _named_by_the_auditor(judged[0][0], m))


def judged_draws(seed: int = 0) -> list[tuple[Draw, Reference, Bound]]:
    """The network that every mistake is tried on, with every activation: an ordinary draw and a saturated one."""
    rng = np.random.default_rng(seed)
    draws = [draw(MISTAKEN, rng), draw(MISTAKEN, rng, saturated=True)]
    return [(d, *equations.reference_and_bound(d)) for d in draws]


def first_wrong(mistake: Mistake, judged: list[tuple[Draw, Reference, Bound]]) -> str:
    """The first equation that differs from JAX's by more than rounding, as ``(9)``; empty if all agree."""
    rows: list[Check] = []
    for d, exact, allowed in judged:
        rows += _rows(6, mistake.name, 1, lambda d=d, e=exact, b=allowed: equations.compare(d, e, b, mistake))
    return min((r.equation for r in rows if r.verdict == "wrong"), key=_number, default="")


def _named_by_the_auditor(d: Draw, m: Mistake) -> str:
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
