"""The auditor on derivative rules that no one here wrote: every custom_jvp and custom_vjp function of jax and optax.

    python -m benchmarks.auditor.real_rules [--json FILE] [--only NAME]      some minutes

The rules are found, not listed: every module-level rule of the modules below, public or behind a public function (``_softmax`` is
what ``jax.nn.softmax`` runs). Each is audited at ordinary points, then at each special point alone. The witness is the rule's own
undecorated body, differentiated by JAX. Where that body cannot be differentiated (loops, primitives without a derivative) or is
singular on its own account, it is another formula, or central differences alone. A rule without an example here is printed as
"no example": a newer JAX shows its new rules that way.
"""

import functools
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.nn
import jax.numpy as jnp
import jax.scipy.special
import jax.scipy.stats
import numpy as np
import optax
import optax.projections
import tyro
from rich.console import Console
from rich.progress import track
from rich.table import Table

from bpnn_jax import audit

MODULES = (
    "jax._src.nn",
    "jax._src.numpy",
    "jax._src.scipy",
    "jax._src.third_party",
    "jax._src.lax",
    "jax._src.ops",
    "optax",
)
DRAWS = 4


class Example(NamedTuple):
    """Arguments at ordinary points, ranges for the draws around them, and special points (a value for each float argument)."""

    args: tuple
    ranges: Any = None
    special: tuple = ()
    reference: Callable | None = None
    argnums: Any = None


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng((seed, *shape)).standard_normal(shape).astype(np.float32)


def between(low: float, high: float, n: int = 4) -> np.ndarray:
    return np.linspace(low, high, n, dtype=np.float32)


def square_root_by_root(x):
    """jax.lax.custom_root, whose rule cannot be called by itself."""
    step = lambda f, y0: jax.lax.fori_loop(0, 60, lambda _, y: 0.5 * (y + x / y), y0)  # noqa: E731
    return jax.lax.custom_root(lambda y: y * y - x, jnp.ones_like(x), step, lambda g, y: y / g(jnp.ones_like(y)))


def sinc_near_zero(x):
    """Twelve terms of the series: exact to float64 for |x| < 1."""
    terms = [(-1.0) ** k * (jnp.pi * x) ** (2 * k) / float(np.prod(np.arange(1.0, 2 * k + 2))) for k in range(14)]
    return sum(terms)


def simplex_projection(x):
    """By bisection of the threshold, unrolled: no sorting."""
    low, high = x.min() - 1.0, x.max()
    for _ in range(60):
        middle = jax.lax.stop_gradient((low + high) / 2)
        above = jnp.maximum(x - middle, 0).sum() > 1
        low, high = jnp.where(above, middle, low), jnp.where(above, high, middle)
    support = jax.lax.stop_gradient((x > high).astype(x.dtype))
    return support * (x - ((support * x).sum() - 1) / support.sum())


LINES = np.array([[1, 2, 3], [2, 4, 6], [0, 1, 1]], np.float32)  # of rank 2
OUTER = np.outer([1, 2, 3], [1, 0, 2]).astype(np.float32)  # of rank 1
MATRICES = ((np.eye(3, dtype=np.float32),), (LINES,), (OUTER,), (np.zeros((3, 3), np.float32),))
PAIRS = ((0.0, 0.0), (30.0, -30.0), (-500.0, 500.0), (-np.inf, 0.0))
PRODUCTS = ((0.0, 1.0), (0.0, 0.0), (1.0, 0.0), (0.0, 1e-30), (2.0, 1e30))

# What stands behind verdicts that are not "correct", once somebody looked.
WHAT: dict[str, str] = {
    "lax.logaddexp": "by design: the body's |x - y| has a kink where x = y, the rule knows the slope",
    "lax.logaddexp2": "by design: as logaddexp",
    "nn.log1mexp": "the slope is infinite at 0, on both sides",
    "nn.relu": "by design: a kink at 0, the rule says 0",
    "nn.relu6": "by design: kinks at 0 and 6, the rule says 0",
    "numpy._i0": "by design: the body's |x| has a kink at 0, the rule knows the slope",
    "numpy._det": "by design: the body divides by a pivot of 0, the rule does not",
    "numpy._pinv": "by design: the body's SVD has no derivative at equal singular values, the rule has one",
    "numpy._slogdet_lu": "no derivative where the determinant is 0",
    "numpy._slogdet_qr": "no derivative where the determinant is 0",
    "numpy._slogdet_small": "no derivative where the determinant is 0",
    "numpy._sinc_maclaurin": "known (jax issues 34139, 10750, 40629): cancellation near 0, in float32 4 times too large at 1e-4",
    "scipy._dawsn": "new: 1 - 2x dawsn(x) cancels for large x; at 0 the body is not differentiable, the rule is right",
    "scipy._erfcx": "new: 2x erfcx(x) - 2/√π cancels for large x; at 0 the body is not differentiable, the rule is right",
    "scipy._owens_t_impl": "by design: the body's |a| and |h| have kinks; at (9, 2) its gradient is only rounding",
    "scipy._xlogx": "the slope is infinite at 0, on both sides",
    "scipy._wofz": "complex arguments only: not audited",
    "scipy.expi": "the slope is infinite at 0, on both sides",
    "scipy.expn": "the slope is infinite at 0, on both sides",
    "scipy.log_ndtr": "new: exp(-x²/2 - log_ndtr(x)), 5e-4 off at -200 in float32; at -30 two series are cut off differently",
    "scipy.logit": "the slope is infinite at 0 and 1, on both sides",
    "scipy.poch": "by design: the body branches on m = 0, the rule knows the slope; at z = 0 it has a pole",
    "scipy.sici": "0/0 at 0, on both sides: the slopes there are 1 and, of Ci, infinite",
    "scipy.xlog1py": "by design: the body branches on x = 0, the rule knows the slope; a pole at y = -1",
    "scipy.xlogy": "by design: the body branches on x = 0, the rule knows the slope; a pole at y = 0",
    "third_party.fresnel": "new, of the body: autodiff of it is wrong at |x| = 3, that one point; the rule is right",
    "optax._scale_gradient": "by design: it scales the gradient",
    "optax.weighted_logsoftmax": "by design: the body branches on weight = 0, the rule knows the slope",
}

# By the qualified name of the undecorated function, without its package's private part.
EXAMPLES: dict[str, Example] = {
    "lax.logaddexp": Example((normal(4), normal(4, seed=1)), special=PAIRS),
    "lax.logaddexp2": Example((normal(4), normal(4, seed=1)), special=PAIRS),
    "lax._custom_root": Example((between(0.5, 3),), special=((1.0,), (1e-6,), (1e6,)), reference=jnp.sqrt),
    "nn._softmax": Example((normal(3, 4), -1, None, -np.inf), special=((0.0,), (30.0,), (-500.0,))),
    "nn.log1mexp": Example((between(0.1, 3),), special=((0.0,), (1e-6,), (0.6931472,), (100.0,))),
    "nn.relu": Example((normal(4),), special=((0.0,), (-0.0,), (1e-30,))),
    "nn.relu6": Example((normal(4) * 4,), special=((0.0,), (6.0,), (1e-30,))),
    "numpy._i0": Example((normal(4),), ranges=(-8, 8), special=((0.0,), (1e-6,), (30.0,), (-80.0,))),
    "numpy._det": Example((normal(3, 3),), special=MATRICES),
    "numpy._pinv": Example((normal(3, 3), None, False), special=MATRICES),
    "numpy._slogdet_lu": Example((normal(3, 3),), special=MATRICES),
    "numpy._slogdet_qr": Example((normal(3, 3),), special=MATRICES),
    "numpy._slogdet_small": Example((normal(2, 2),), special=tuple((m[0][:2, :2],) for m in MATRICES)),
    "numpy._frexp": Example((between(0.3, 5),), ranges=(0.3, 50), special=((0.0,), (1.0,), (-4.0,), (1e-30,))),
    "numpy._sinc_maclaurin": Example(
        (between(0.01, 0.2),), ranges=(-0.3, 0.3), special=((0.0,), (1e-20,)), reference=sinc_near_zero
    ),
    "scipy._dawsn": Example((normal(4),), ranges=(-8, 8), special=((0.0,), (1e-6,), (-5.0,), (30.0,), (1e4,))),
    "scipy._erfcx": Example((normal(4),), ranges=(-3, 8), special=((0.0,), (1e-6,), (-5.0,), (30.0,), (1e4,))),
    "scipy._owens_t_impl": Example(
        (normal(4), normal(4, seed=1)), special=((0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0), (9.0, 2.0))
    ),
    "scipy._xlogx": Example((between(0.1, 3),), special=((0.0,), (1.0,), (1e-30,))),
    "scipy.expi": Example((between(0.2, 5),), ranges=(0.2, 20), special=((0.0,), (1e-6,), (-1.0,), (30.0,), (-30.0,))),
    "scipy.expn": Example((2, between(0.2, 5)), ranges=(0.2, 20), special=((0.0,), (1e-6,), (1.0,), (30.0,))),
    "scipy.hyp1f1": Example(
        (between(0.5, 2), between(1.5, 3), between(-2, 2)), ranges=(0.5, 3), special=((1.0, 2.0, 0.0), (0.0, 2.0, 1.0))
    ),
    "scipy.hyp2f1": Example(
        (between(0.5, 2), between(0.5, 1.5), between(2.5, 4), between(-0.4, 0.4)),
        ranges={0: (0.5, 2), 1: (0.5, 2), 2: (2.5, 5), 3: (-0.4, 0.4)},
        special=((1.0, 1.0, 2.0, 0.0), (0.0, 1.0, 2.0, 0.3), (1.0, 1.0, 3.0, 0.9)),
    ),
    "scipy.log_ndtr": Example(
        (normal(4), 3), ranges=(-8, 8), special=((0.0,), (5.0,), (-5.0,), (30.0,), (-30.0,), (-200.0,))
    ),
    "scipy.logit": Example((between(0.1, 0.9),), ranges=(0.01, 0.99), special=((0.0,), (1.0,), (0.5,), (1e-6,))),
    "scipy.poch": Example(
        (between(0.5, 3), between(1, 2)), ranges=(0.5, 5), special=((1.0, 0.0), (0.0, 1.0), (2.0, 3.0), (30.0, 2.0))
    ),
    "scipy.sici": Example((between(0.2, 5),), ranges=(0.2, 20), special=((0.0,), (1e-6,), (4.0,), (30.0,), (-2.0,))),
    "scipy.xlog1py": Example(
        (between(0.2, 2), between(0.3, 3)), special=((0.0, 1.0), (0.0, -1.0), (0.0, 0.0), (1.0, 0.0), (1.0, 1e-6))
    ),
    "scipy.xlogy": Example((between(0.2, 2), between(0.3, 3)), special=PRODUCTS),
    "scipy.zeta": Example(
        (between(2, 5), between(0.5, 3)), ranges=(1.5, 5), special=((2.0, 1.0), (30.0, 0.5)), argnums=1
    ),
    "third_party.fresnel": Example((between(0.2, 3),), ranges=(0.1, 5), special=((0.0,), (1e-6,), (-1.0,), (30.0,))),
    "optax._scale_gradient": Example((normal(4), np.float32(0.5)), argnums=0, special=((0.0,),)),
    "optax.weighted_logsoftmax": Example(
        (normal(4), between(0.2, 1)), special=((0.0, 1.0), (30.0, 0.0), (-500.0, 0.5))
    ),
    "optax._projection_unit_simplex": Example((normal(4),), special=((0.0,), (1.0,)), reference=simplex_projection),
}


@dataclass(frozen=True)
class Row:
    """One rule. ``special`` maps a point to its verdict; ``findings`` the ordinary or special point to its sentences."""

    name: str
    kind: str
    witness: str
    ordinary: str
    special: dict[str, str]
    what: str
    findings: dict[str, list[str]]


@dataclass(frozen=True)
class Options:
    """Where the rows go as JSON, and which rules (part of a name)."""

    json: Path | None = None
    only: str = ""


def rules() -> Iterator[tuple[str, Any]]:
    """(short name, rule) of every module-level rule, unwrapped from jit and its like, each once."""
    seen = set()
    for module in sorted(name for name in sys.modules if name.startswith(MODULES)):
        for _, thing in sorted(vars(sys.modules[module]).items()):
            rule = thing
            while callable(rule) and not isinstance(rule, jax.custom_jvp | jax.custom_vjp):
                rule = getattr(rule, "__wrapped__", None)
            if not isinstance(rule, jax.custom_jvp | jax.custom_vjp) or id(rule) in seen:
                continue
            seen.add(id(rule))
            parts = rule.fun.__module__.removeprefix("jax._src.").split(".")
            yield f"{parts[0]}.{rule.fun.__name__}", rule


@functools.cache
def wrapped(public: Callable) -> Any:
    """A public function as a rule: its body and its derivative are what JAX makes of it."""
    rule = jax.custom_jvp(public)
    rule.defjvp(lambda primals, tangents: jax.jvp(public, primals, tangents))
    return rule


def mantissa(x):
    return jnp.frexp(x)[0]


# Rules that cannot be called by themselves, audited through a function that runs them.
PUBLIC = {"lax._custom_root": square_root_by_root, "numpy._sinc_maclaurin": jnp.sinc, "numpy._frexp": mantissa}


def audited(name: str, rule: Any, args: tuple, **options: Any) -> tuple[str, audit.Report]:
    """(witness, report). A body that JAX cannot differentiate backwards gives way to differences."""
    example = EXAMPLES[name]
    rule = wrapped(PUBLIC[name]) if name in PUBLIC else rule
    options = {"mutate": False, "argnums": example.argnums, **options}
    face = audit.custom_jvp if isinstance(rule, jax.custom_jvp) else audit.custom_vjp
    if example.reference:
        return "a formula", face(rule, *args, reference=example.reference, **options)
    try:
        return "its body", face(rule, *args, **options)
    except Exception:  # whatever JAX says of a loop or a primitive without a derivative
        return "differences", face(rule, *args, reference=rule, **options)


def at(example: Example, point: tuple) -> tuple:
    """The example's arguments with the point's values, spread over arrays of the same shape, for its floating ones."""
    values = iter(point)
    given = lambda a: isinstance(a, np.ndarray | np.floating)  # noqa: E731
    return tuple(np.full(np.shape(a), next(values, a), a.dtype) if given(a) else a for a in example.args)


def shown(point: tuple) -> str:
    return ", ".join(f"matrix of rank {np.linalg.matrix_rank(a)}" if np.ndim(a) else f"{a:g}" for a in point)


def examine(name: str, rule: Any) -> Row:
    """One rule at ordinary and at special points."""
    kind = type(rule).__name__
    if name not in EXAMPLES:
        return Row(name, kind, "", "no example", {}, WHAT.get(name, ""), {})
    example = EXAMPLES[name]
    witness, report = audited(name, rule, example.args, draws=DRAWS, ranges=example.ranges)
    reports = {"ordinary": report}
    for point in example.special:
        reports[shown(point)] = audited(name, rule, at(example, point), draws=1)[1]
    verdicts = {where: r.verdict for where, r in reports.items()}
    findings = {w: [f"[{f.code}] {f.sentence}" for f in r.findings if f.weight != "note"] for w, r in reports.items()}
    ordinary = verdicts.pop("ordinary")
    return Row(name, kind, witness, ordinary, verdicts, WHAT.get(name, ""), {w: f for w, f in findings.items() if f})


def main(options: Options) -> None:
    console = Console()
    rows = []
    with audit.reusing():
        for name, rule in track([r for r in rules() if options.only in r[0]], "auditing", console=console):
            rows.append(examine(name, rule))
    table = Table(title=f"jax {jax.__version__}, optax {optax.__version__}: {len(rows)} rules")
    for heading in ("rule", "kind", "witness", "ordinary", "special points", "what it is"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        points = [f"{where}: {verdict}" for where, verdict in row.special.items() if verdict != "correct"]
        special = f"{len(row.special) - len(points)} of {len(row.special)} correct" + "".join(f"; {p}" for p in points)
        table.add_row(row.name, row.kind, row.witness, row.ordinary, special if row.special else "", row.what)
    console.print(table)
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in rows], indent=1))


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
