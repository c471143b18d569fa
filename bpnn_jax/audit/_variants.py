"""The plan of variants carried out: draws at the example's shapes, further examples, sibling shapes."""

import contextlib
import time
from dataclasses import replace
from typing import NamedTuple

import jax
import numpy as np

from bpnn_jax.audit import _constants, _programs, _vary
from bpnn_jax.audit._draws import Drawn, bounds, inputs
from bpnn_jax.audit._executor import Executor
from bpnn_jax.audit._judge import Judged, cotangent_of, judge, loosened, off, together
from bpnn_jax.audit._leaves import Arguments
from bpnn_jax.audit._options import Options
from bpnn_jax.audit._precision import judging
from bpnn_jax.audit._report import Finding
from bpnn_jax.audit._rules import Rule
from bpnn_jax.audit._siblings import shapes, siblings
from bpnn_jax.audit._subject import Subject, sibling, subject, wide
from bpnn_jax.audit.checks import Seen, values

NEAR = (
    1e-9  # a sibling's leaf this near, relative to its largest element, is right; what is further off is judged in full
)


class Varied(NamedTuple):
    """What the variants found, and what was and was not varied, in words."""

    findings: list[Finding]
    judged: list[Judged]
    varied: list[str]
    kept: list[str]


def carried_out(execute: Executor, options: Options, began: float) -> Varied:
    """Everything that ``options`` allows, until something is wrong."""
    late = None if options.seconds is None else began + options.seconds
    own = _at_own_shapes(execute, options, late)
    kept = [*own.kept, *_kept(execute, options)]
    if _wrong(own.findings):
        return own._replace(kept=kept)
    given = _at_examples(execute.subject.rule, options)
    own = own._replace(findings=[*own.findings, *given])
    if _wrong(given):
        return own._replace(kept=kept)
    found, varied, also_kept = _at_siblings(execute, options, max(0, options.variants - len(own.judged)), late)
    return Varied([*own.findings, *found], own.judged, [*own.varied, *varied], [*kept, *also_kept])


def _wrong(findings: list[Finding]) -> bool:
    return any(f.weight == "wrong" for f in findings)


def programs(execute: Executor) -> list[_programs.Program]:
    """The reference's and, where it can be traced, the rule's."""
    start, width = execute.subject, execute.subject.widest
    with wide(width):
        at = start.inputs(start.example, width)
        found = [
            _programs.flatten(jax.make_jaxpr(lambda live, c, carried: start.carrying(carried).function(*live))(*at))
        ]
        if execute.traceable:
            pulled = lambda live, c, carried: [p for p in start.carrying(carried).pull_hand(live, c) if p is not None]  # noqa: E731
            with contextlib.suppress(Exception):  # carried arrays are read while it is traced
                found.append(_programs.flatten(jax.make_jaxpr(pulled)(*at)))
    return found


def _at_own_shapes(execute: Executor, options: Options, late: float | None) -> Varied:
    arguments = execute.subject.arguments
    within = bounds(arguments, options.ranges, options.domain)
    try:
        read = programs(execute)
    except Exception:  # nothing can be read out of a program that cannot be traced
        read = []
    loops = any(operation.name == "while" for program in read for operation in program.operations)
    plan = _vary.plan(arguments, within, _constants.of(*read), options.seed, execute.how.carried, loops)
    chosen = plan.draws[: options.variants]
    judged, lost = [], 0
    for drawn in chosen:
        if late is not None and time.process_time() > late:
            plan.kept.append(f"{len(chosen) - len(judged) - lost} of {len(chosen)} draws, for want of time")
            break
        try:
            if not np.isfinite(execute.value(drawn)(drawn.live)):
                lost += 1
                continue
            judged.append(judge(execute, drawn))
        except Exception:  # the function raises outside its domain: that costs this draw
            lost += 1
    if any(map(off, judged)) and execute.subject.unit == Subject.unit:
        execute = judging(execute, judged)
        judged = [loosened(execute, j) for j in judged]
    judged = together(judged, execute.subject.cotangent)
    found = list(values.findings(Seen(execute, options, tuple(judged), tuple(judged)))) if judged else []
    varied = list(plan.varied)
    if lost:
        varied.append(f"{lost} of {len(chosen)} such draws lie outside the function's domain")
    return Varied(found, judged, varied, plan.kept)


def _at_examples(rule: Rule, options: Options) -> list[Finding]:
    found: list[Finding] = []
    for n, args in enumerate(options.examples, 1):
        assert rule.again is not None
        other = Executor(subject(rule.again(args), options.seed))
        found += _in_full(other, options, f"example {n}", 2)
    return found


def _in_full(execute: Executor, options: Options, where: str, draws: int) -> list[Finding]:
    """Judged as the first example is, at a few draws."""
    if execute.how.failure:
        return [Finding("rule-fails", "wrong", f"the rule fails at {where}: {execute.how.failure}", draw=where)]
    arguments = execute.subject.arguments
    within = bounds(arguments, options.ranges, options.domain)
    drawn = inputs(arguments, draws, options.seed, within)
    drawn = [d._replace(name=where if d.name == "the example" else f"{where}, {d.name}") for d in drawn]
    judged = together([judge(execute, d) for d in drawn], execute.subject.cotangent)
    if any(map(off, judged)):
        execute = judging(execute, judged)
        judged = [loosened(execute, j) for j in judged]
    return list(values.findings(Seen(execute, options, tuple(judged), tuple(judged))))


def _at_siblings(
    execute: Executor, options: Options, most: int, late: float | None
) -> tuple[list[Finding], list[str], list[str]]:
    rule = execute.subject.rule
    if rule.again is None or most == 0 or isinstance(options.domain, type(lambda: 0)):
        return [], [], ["shapes"] if most == 0 else []
    tried: list[str] = []
    failed: dict[str, str] = {}
    cut = 0
    for other_shape in siblings(rule.arguments, rule.kind != "gradient"):
        if len(tried) >= most:
            break
        if late is not None and time.process_time() > late:
            cut += 1
            continue
        other = _accepted(execute, other_shape.args, options.seed)
        if other is None:
            continue
        try:
            found = _at_sibling(other, rule.arguments, options, shapes(other_shape.args))
        except Exception as error:  # the function takes these shapes, and the rule does not
            failed.setdefault(
                other_shape.what, f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
            )
            continue
        if found is None:
            continue
        tried.append(other_shape.what)
        if found:
            return found, [f"shapes ({', '.join(tried)})"], []
    kept = [f"lengths above {_vary.largest_length(rule.arguments)}"] if not any("131" in t for t in tried) else []
    if cut:
        kept.append("further shapes, for want of time")
    kept += [f"{what} (the rule fails there: {why[:80]})" for what, why in list(failed.items())[:2]]
    if not tried:
        kept.append("shapes (the function takes no other)")
    return [], [f"shapes ({', '.join(tried)})"] if tried else [], kept


def _accepted(execute: Executor, args: tuple, seed: int) -> Executor | None:
    rule = execute.subject.rule
    try:
        assert rule.again is not None
        other = rule.again(args)
        if len(other.arguments.live) != len(rule.arguments.live):
            return None
        return execute.at(sibling(execute.subject, other, seed))
    except Exception:  # the function does not take these shapes
        return None


def _at_sibling(execute: Executor, parent: Arguments, options: Options, where: str) -> list[Finding] | None:
    """Findings at another shape; None where the function is not finite there."""
    arguments = execute.subject.arguments
    within = bounds(arguments, None, None) if options.ranges is None else bounds(arguments, options.ranges, None)
    within = within._replace(domains=bounds(arguments, None, options.domain).domains)
    drawn = inputs(arguments, 2, options.seed, within)[1]._replace(name=where, placed=True)
    hand, exact = execute.both(drawn)
    if not all(np.isfinite(g).all() for g in exact):
        return None
    for h, g, example in zip(hand, exact, arguments.examples, strict=True):
        if h is not None and np.shape(h) != np.shape(example):
            return None  # JAX itself refuses a cotangent of another shape
        difference = abs(cotangent_of(h, g) - g)
        if not (difference <= NEAR * abs(g).max(initial=0.0)).all():
            break
    else:
        return []
    gone = _lengths(parent) - _lengths(arguments) - {1, 2}
    if gone & _inside(execute, drawn):
        return (
            None  # a length of the example is written into the function, which takes these shapes by broadcasting alone
        )
    found = _judged_at(execute, options, drawn)
    return [f for f in found if f.weight in ("wrong", "imprecise")]


def _lengths(arguments: Arguments) -> set[int]:
    return {n for leaf in arguments.leaves if hasattr(leaf, "dtype") for n in np.shape(leaf)}


def _inside(execute: Executor, drawn: Drawn) -> set[int]:
    """Every length that occurs while the reference is computed."""
    with wide(execute.subject.widest):
        subject, live, _ = execute.subject.at(drawn, execute.subject.widest)
        closed = jax.make_jaxpr(subject.function)(*live)
    shapes = [np.shape(c) for c in closed.consts]
    for eqn in closed.jaxpr.eqns:
        shapes += [getattr(out.aval, "shape", ()) for out in eqn.outvars]
    return {n for shape in shapes for n in shape}


def _judged_at(execute: Executor, options: Options, drawn: Drawn) -> list[Finding]:
    judged = together([judge(execute, drawn)], execute.subject.cotangent)
    if off(judged[0]):
        execute = judging(execute, judged)
        judged = [loosened(execute, j) for j in judged]
    return list(values.findings(Seen(execute, replace(options, explain=False), tuple(judged), tuple(judged))))


def _kept(execute: Executor, options: Options) -> list[str]:
    """What no variant looks at."""
    rule = execute.subject.rule
    within = bounds(rule.arguments, options.ranges, options.domain)
    found = [
        f"{name} (positive as in the example; ranges= says otherwise)"
        for name in _vary.stays_positive(rule.arguments, within)
    ]
    arrays = {*rule.arguments.live, *rule.arguments.carried}
    static = [
        f"argument {i} ({a!r:.20})"
        for i, a in enumerate(rule.arguments.args)
        if i in rule.static or (isinstance(a, bool | int | float | str) and not _is_live(rule, i))
    ]
    del arrays
    if static:
        found.append(f"{', '.join(static)}, static: examples= takes others")
    if options.order == 1:
        found.append("second derivatives (order=2)")
    return found


def _is_live(rule: Rule, number: int) -> bool:
    return any(name.split("[")[0].split(".")[0] == f"argument {number}" for name in rule.arguments.names)
