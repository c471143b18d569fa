"""The plan of variants carried out: draws at the example's shapes, further examples, sibling shapes."""

import contextlib
import time
from typing import NamedTuple

import jax
import numpy as np

from bpnn_jax.audit import _constants, _elsewhere, _programs, _uses, _vary
from bpnn_jax.audit._branches import Coverage
from bpnn_jax.audit._draws import between, bounds, inputs
from bpnn_jax.audit._executor import Executor
from bpnn_jax.audit._judge import Judged, judge, loosened, off, together
from bpnn_jax.audit._options import Options
from bpnn_jax.audit._precision import judging
from bpnn_jax.audit._report import Finding
from bpnn_jax.audit._rules import Rule
from bpnn_jax.audit._subject import Subject, subject, wide
from bpnn_jax.audit.checks import Seen, values


class Varied(NamedTuple):
    """What the variants found, and what was and was not varied, in words."""

    findings: list[Finding]
    judged: list[Judged]
    varied: list[str]
    kept: list[str]


def carried_out(execute: Executor, options: Options, began: float, coverage: Coverage) -> Varied:
    """Everything that ``options`` allows, until something is wrong."""
    late = None if options.seconds is None else began + options.seconds
    own = _at_own_shapes(execute, options, late, coverage)
    kept = [*own.kept, *_kept(execute, options)]
    if _wrong(own.findings):
        return own._replace(kept=kept)
    given = _at_examples(execute.subject.rule, options)
    own = own._replace(findings=[*own.findings, *given])
    if _wrong(given):
        return own._replace(kept=kept)
    other = _elsewhere.carried_out(execute, options, max(0, options.variants - len(own.judged)), late)
    kept += [*_static(execute.subject.rule, other.tried), *other.kept]
    return own._replace(findings=[*own.findings, *other.findings], varied=[*own.varied, *other.varied], kept=kept)


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


def _at_own_shapes(execute: Executor, options: Options, late: float | None, coverage: Coverage) -> Varied:
    arguments = execute.subject.arguments
    within = bounds(arguments, options.ranges, options.domain)
    try:
        read = programs(execute)
    except Exception:  # nothing can be read out of a program that cannot be traced
        read = []
    count = len(arguments.live)
    lifted = _constants.crossed(count, *read)
    within = within._replace(positive=[p and k not in lifted for k, p in enumerate(within.positive)])
    loops = any(operation.name == "while" for program in read for operation in program.operations)
    zeros = lifted | _constants.crossed(count, *read, by=_constants.COMPARES)
    free = _uses.of(execute.subject, read)
    known = _vary.Known(_constants.of(*read), execute.how.carried, loops, frozenset(zeros), free)
    plan = _vary.plan(arguments, within, known, options.seed)
    chosen = plan.draws[: options.variants]
    with contextlib.suppress(Exception):  # the function raises outside its domain
        coverage.add(
            [drawn for drawn in chosen if drawn.name != _vary.ZERO_ROW]
        )  # 0 takes a side as no other number does
        chosen += coverage.further(arguments, within, options.seed, 0 if loops else options.variants // 6)
        coverage.add(chosen)
    judged, lost = [], 0
    for drawn in chosen:
        if late is not None and time.process_time() > late:
            plan.kept.append(f"{len(chosen) - len(judged) - lost} of {len(chosen)} draws, for want of time")
            break
        try:
            if not np.isfinite(execute.value(drawn)(drawn.live)):
                inside = between(arguments, within, drawn, options.seed)
                if drawn.placed or not np.isfinite(execute.value(inside)(inside.live)):
                    lost += 1
                    continue
                drawn = inside
            judged.append(judge(execute, drawn))
        except Exception:  # the function raises outside its domain: that costs this draw
            lost += 1
    if any(map(off, judged)) and execute.subject.unit == Subject.unit:
        execute = judging(execute, judged)
        judged = [loosened(execute, j) for j in judged]
    judged = together(judged, execute.subject)
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
    judged = together([judge(execute, d) for d in drawn], execute.subject)
    if any(map(off, judged)):
        execute = judging(execute, judged)
        judged = [loosened(execute, j) for j in judged]
    return list(values.findings(Seen(execute, options, tuple(judged), tuple(judged))))


def _kept(execute: Executor, options: Options) -> list[str]:
    """What no variant looks at."""
    rule = execute.subject.rule
    within = bounds(rule.arguments, options.ranges, options.domain)
    found = [
        f"{name} (positive as in the example; ranges= says otherwise)"
        for name in _vary.stays_positive(rule.arguments, within)
    ]
    if options.order == 1:
        found.append("second derivatives (order=2)")
    return found


def _static(rule: Rule, tried: list[str]) -> list[str]:
    """What no variant changed of the settings."""
    static = [
        f"argument {i} ({a!r:.20})"
        for i, a in enumerate(rule.arguments.args)
        if (i in rule.static or a is None or (isinstance(a, bool | int | float | str) and not _is_live(rule, i)))
        and not any(what.startswith((f"argument {i} ", f"argument {i}[")) for what in tried)
    ]
    return [f"{', '.join(static)}, static: examples= takes others"] if static else []


def _is_live(rule: Rule, number: int) -> bool:
    return any(name.split("[")[0].split(".")[0] == f"argument {number}" for name in rule.arguments.names)
