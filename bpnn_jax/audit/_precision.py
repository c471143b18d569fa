"""The precision that a subject leaves to judge in: casts, buffers of a fixed dtype, and what an iteration's own result is off by."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import numpy as np
from jax.extend.core import ClosedJaxpr, Jaxpr

from bpnn_jax.audit import _programs, _turns
from bpnn_jax.audit._executor import Executor
from bpnn_jax.audit._judge import Judged, ratio
from bpnn_jax.audit._leaves import UNIT, numbers, unit_of
from bpnn_jax.audit._programs import narrowest
from bpnn_jax.audit._rules import Rule
from bpnn_jax.audit._subject import Subject, wide

LOOPS = {"while", "scan"}
SYMMETRIC = {"cholesky", "eigh", "tridiagonal"}  # they read half of a matrix, and are told nothing of the other
OPAQUE = {"pure_callback", "io_callback", "custom_call", "ffi_call"}
COARSEST = 1e-3  # an iteration whose result is further off than that is no solver


def judging(execute: Executor, judged: Sequence[Judged]) -> Executor:
    """The executor with the precision to judge in, found when something is off in float64."""
    unit, narrowed = _casts(execute, judged[0])
    unit = max(unit, _buffers(execute, judged), _iteration(execute, judged))
    return execute.judging_in(unit, narrowed)


def of_reference(execute: Executor, j: Judged) -> float:
    """The unit roundoff that the casts inside the reference leave of float64."""
    reference, _ = _jaxprs(execute, j)
    return max(execute.subject.unit, UNIT[narrowest(reference) or "float64"])


def _casts(execute: Executor, j: Judged) -> tuple[float, str]:
    """(unit roundoff to judge the algebra in, a dtype that the rule narrows to by mistake or ""), from the casts in the programs.

    No float64 run undoes a cast to less. As coarse as the arguments or as the reference itself, and that is the precision to judge
    in; coarser, and it is a mistake.
    """
    subject = execute.subject
    reference, hand = (None if jaxpr is None else narrowest(jaxpr) for jaxpr in _jaxprs(execute, j))
    unit = UNIT[reference or "float64"]
    if hand and UNIT[hand] <= max(unit, unit_of(subject.own)):
        return max(unit, UNIT[hand]), ""
    return unit, hand or ""


def _jaxprs(execute: Executor, j: Judged) -> tuple[Jaxpr, Jaxpr | None]:
    rule, mode = execute.subject.rule, execute.subject.mode

    def jaxpr(of: Callable[[Subject], Callable]) -> Jaxpr:
        with wide(execute.subject.widest):
            subject, live, c = execute.subject.at(j.drawn, execute.subject.widest)
            return jax.make_jaxpr(of(subject))(live, c).jaxpr

    def reference() -> Jaxpr:
        return jaxpr(lambda subject: subject.pull_reference if mode != "differences" else subject.weighed)

    def hand() -> Jaxpr | None:
        return jaxpr(lambda subject: subject.pull_hand) if execute.traceable else None

    return (
        execute.traced("jaxpr of the reference", (rule.fun,), j.drawn, reference),
        execute.traced("jaxpr of the rule", rule.source, j.drawn, hand),
    )


def _buffers(execute: Executor, judged: Sequence[Judged]) -> float:
    """What runs outside of JAX may work in a dtype of its own, whatever comes in: then it is judged in the arguments' own."""
    _, hand = _jaxprs(execute, judged[0])
    if hand is not None and not OPAQUE & set(_primitives(hand)):
        return 0.0
    rows = [row for j in judged for row in zip(j.hand, j.exact, j.low_allowed, strict=True)]
    return unit_of(execute.subject.own) if all(ratio(*row)[0] <= 1 for row in rows) else 0.0


def _iteration(execute: Executor, judged: Sequence[Judged]) -> float:
    """How far off the function's own value is where a loop ends before it has converged: a solver's tolerance.

    Told by a better reference where one is given, else by other numbers of turns.
    """
    rule = execute.subject.rule
    if rule.primal is None or rule.kind == "gradient":
        return 0.0
    found = 0.0
    with wide(execute.subject.widest):
        for j in judged[:3]:
            subject, live, _ = execute.subject.at(j.drawn, execute.subject.widest)
            args = subject.args(live)
            try:
                closed = jax.make_jaxpr(lambda *live, at=subject: rule.body(*at.args(list(live))))(*live)
                if not (LOOPS | OPAQUE) & set(_primitives(closed.jaxpr)):
                    return 0.0
                if rule.fun is rule.body:
                    pairs = _turns.at_other_turns(_programs.flatten(closed), list(live))
                else:
                    pairs = [(rule.primal(*args), rule.fun(*args))]
            except Exception:
                return 0.0
            if not pairs or any(jax.tree.structure(a) != jax.tree.structure(b) for a, b in pairs):
                return 0.0
            found = max(found, *(_apart(a, b) for a, b in pairs))
            if found > COARSEST:
                return 0.0
    return found


def symmetric_only(rule: Rule) -> bool:
    """Whether a function treats some matrix as symmetric, or cannot be traced to see."""
    arguments = rule.arguments
    try:
        closed = jax.make_jaxpr(lambda *live: rule.fun(*arguments.join(live)))(*map(np.asarray, arguments.examples))
    except Exception:
        return True
    return bool(SYMMETRIC & set(_primitives(closed.jaxpr)))


def _apart(got: Any, right: Any) -> float:
    worst = 0.0
    for a, b in zip(map(numbers, jax.tree.leaves(got)), map(numbers, jax.tree.leaves(right)), strict=True):
        if a.shape != b.shape or not np.isfinite(a).all() or not np.isfinite(b).all():
            return np.inf
        worst = max(worst, float(abs(a - b).max(initial=0.0) / max(abs(b).max(initial=0.0), 1e-300)))
    return worst


def _primitives(jaxpr: Jaxpr) -> Iterator[str]:
    for eqn in jaxpr.eqns:
        yield eqn.primitive.name
        for inner in jax.tree.leaves(list(eqn.params.values()), is_leaf=lambda a: isinstance(a, Jaxpr | ClosedJaxpr)):
            body = inner.jaxpr if isinstance(inner, ClosedJaxpr) else inner
            if isinstance(body, Jaxpr):
                yield from _primitives(body)
