"""One audit from start to end: draws, judgement, checks, power."""

import time
from dataclasses import replace
from typing import Any

import jax
import numpy as np

from bpnn_jax.audit import _mutate, _programs, _stages
from bpnn_jax.audit._draws import Drawn, inputs
from bpnn_jax.audit._executor import Executor, precision
from bpnn_jax.audit._judge import Judged, judge, loosened, off, ratio, rounded
from bpnn_jax.audit._leaves import UNIT, is_double
from bpnn_jax.audit._options import Options
from bpnn_jax.audit._report import ORDER, Finding, Power, Report
from bpnn_jax.audit._rules import Rule
from bpnn_jax.audit._subject import subject, wide
from bpnn_jax.audit.checks import CHECKS, PROMISES, Seen, values

MUTANTS = 120  # wrong versions tried; more of them say little more about the same draws


def audit(rule: Rule, options: Options) -> Report:
    """The report on a rule."""
    began = time.perf_counter()
    execute = Executor(subject(rule, options.seed))
    if execute.how.failure:
        return _failed(execute, time.perf_counter() - began)
    seen, findings = _judged(execute, options)
    contract, seen = _promises(seen, _any_wrong(findings))
    said = {(f.code, f.leaf) for f in findings}
    findings += [f for f in contract if (f.code, f.leaf) not in said]
    if options.stages:
        hands = [j.drawn for j in seen.usable]
        seen = replace(seen, stages=tuple(_stages.judge(_stages.Tapped(seen.execute), options.stages, hands)))
    for check in CHECKS:
        if check is not values and check not in PROMISES:
            findings += check.findings(seen)
    execute, usable = seen.execute, list(seen.usable)
    power = Power(smallest=_mutate.smallest_shown(execute, usable))
    if options.mutate and not _any_wrong(findings):
        power = _mutate.power(execute, usable, MUTANTS)
    return Report(
        name=rule.name,
        kind=rule.kind,
        dtype=execute.subject.own.name,
        draws=len(seen.judged),
        findings=tuple(_weightiest_first(findings)),
        power=power,
        stages=seen.stages,
        leaves=tuple(_leaf(execute, usable, i) for i in range(len(rule.arguments.names))),
        nested=_nested(execute, seen.judged[0].drawn),
        seconds=time.perf_counter() - began,
    )


def _failed(execute: Executor, seconds: float) -> Report:
    """Of a rule that does not run at its own example."""
    rule, said = execute.subject.rule, f"the rule fails at the example: {execute.how.failure}"
    finding = Finding("rule-fails", "wrong", said, draw="the example")
    return Report(rule.name, rule.kind, execute.subject.own.name, 0, (finding,), Power(), seconds=seconds)


def _judged(execute: Executor, options: Options) -> tuple[Seen, list[Finding]]:
    """Every draw judged, and what the numbers themselves say."""
    drawn = inputs(execute.subject.arguments, options.draws, options.seed, options.ranges, options.special)
    judged = [judge(execute, d) for d in drawn]
    if any(map(off, judged)):
        execute = execute.judging_in(*precision(execute, drawn[0]))
        judged = [loosened(execute, j) for j in judged]
    findings = list(values.findings(Seen(execute, options, tuple(judged), tuple(judged))))
    usable = [j for j in judged if all(np.isfinite(e).all() for e in j.exact)] or judged
    if not _any_wrong(findings):  # what came through is held to what rounding leaves of it
        usable = [rounded(execute, j) if off(j) else j for j in usable]
    return Seen(execute, options, tuple(judged), tuple(usable)), findings


def _any_wrong(findings: list[Finding]) -> bool:
    return any(f.weight == "wrong" for f in findings)


def _promises(seen: Seen, wrong: bool) -> tuple[list[Finding], Seen]:
    """The contract at the last draw; if it is broken, once more with rounding and then with casts that are meant allowed for."""

    def kept(seen: Seen) -> list[Finding]:
        return [f for check in PROMISES for f in check.findings(seen)]

    found = kept(seen)
    if _any_wrong(found) and not wrong:
        seen = replace(seen, usable=(*seen.usable[:-1], rounded(seen.execute, seen.last)))
        found = kept(seen)
    subject = seen.execute.subject
    if _any_wrong(found) and subject.unit == UNIT["float64"] and not subject.narrowed:
        coarser = seen.execute.judging_in(*precision(seen.execute, seen.judged[0].drawn))
        seen = replace(seen, execute=coarser)
        if coarser.subject.unit > UNIT["float64"]:
            seen = replace(seen, usable=tuple(loosened(coarser, j) for j in seen.usable))
            found = kept(seen)
    return found, seen


def _nested(execute: Executor, drawn: Drawn) -> tuple[str, ...]:
    with wide(execute.subject.widest):
        subject, live, _ = execute.subject.at(drawn, execute.subject.widest)
        return _programs.flatten(jax.make_jaxpr(subject.function)(*live)).nested


def _leaf(execute: Executor, judged: list[Judged], i: int) -> dict[str, Any]:
    def worst(rows):
        _, error, allowed = max(rows, key=lambda row: row[0], default=(0.0, 0.0, 0.0))
        return float(error), float(allowed)

    def row(hand, exact, allowed):
        r, index = ratio(hand, exact, allowed)
        fits = hand.shape == exact.shape and exact.size
        return r, abs(hand - exact)[index] if fits else (0.0 if not exact.size else float("inf")), allowed

    error, allowed = worst([row(j.hand[i], j.exact[i], j.allowed[i]) for j in judged])
    found = {"name": execute.subject.arguments.names[i], "error": error, "allowed": allowed}
    if not is_double(execute.subject.own):
        low_error, low_allowed = worst([row(j.low[i], j.exact[i], j.low_allowed[i]) for j in judged])
        found |= {"dtype": execute.subject.own.name, "low_error": low_error, "low_allowed": low_allowed}
    return found


def _weightiest_first(findings: list[Finding]) -> list[Finding]:
    weights = (*ORDER, "note")
    return sorted(findings, key=lambda f: weights.index(f.weight))
