"""One audit from start to end: draws, judgement, checks, power."""

import contextlib
import time
from dataclasses import replace
from typing import Any

import jax
import numpy as np

from bpnn_jax.audit import _mutate, _programs, _stages
from bpnn_jax.audit._branches import Coverage
from bpnn_jax.audit._domains import is_diagonal, is_meant, looks, of_leaves
from bpnn_jax.audit._draws import Drawn, between, bounds, inputs
from bpnn_jax.audit._executor import Executor
from bpnn_jax.audit._judge import Judged, judge, loosened, off, ratio, rounded, together, tolerated
from bpnn_jax.audit._leaves import UNIT, is_double
from bpnn_jax.audit._options import Options
from bpnn_jax.audit._precision import judging, symmetric_only
from bpnn_jax.audit._report import ORDER, Finding, Power, Report
from bpnn_jax.audit._rules import Rule, names_of
from bpnn_jax.audit._subject import subject, wide
from bpnn_jax.audit._variants import Varied, carried_out
from bpnn_jax.audit.checks import CHECKS, PROMISES, Seen, vacuous, values

MUTANTS = 120  # wrong versions tried; more of them say little more about the same draws


def audit(rule: Rule, options: Options) -> Report:
    """The report on a rule. One that is wrong only off the set that its example lies on is not called wrong for that."""
    report = _audited(rule, options)
    if report.verdict != "wrong" or options.domain is not None or options.ranges is not None or not report.draws:
        return report
    kinds = {name: looks(e) for name, e in zip(rule.arguments.names, rule.arguments.examples, strict=True)}
    by_chance = {name for name, e in zip(rule.arguments.names, rule.arguments.examples, strict=True) if is_diagonal(e)}
    if by_chance and not symmetric_only(rule):
        kinds = {name: kind for name, kind in kinds.items() if name not in by_chance}
    kinds = {name: kind for name, kind in kinds.items() if kind}
    if not kinds or any(f.draw == "the example" for f in report.findings if f.weight == "wrong"):
        return report
    on_set = _audited(rule, replace(options, domain=kinds))
    if on_set.verdict == "wrong":
        return report
    worst = report.findings[0]
    said = ", ".join(f"{name} is {kind}" for name, kind in kinds.items())
    sentence = f"right where {said}, as in the example, and wrong elsewhere ({worst.sentence}); domain={kinds} says that it is meant"
    meant = all(
        is_meant(kind, e) for kind, e in zip(map(looks, rule.arguments.examples), rule.arguments.examples, strict=True)
    )
    finding = Finding("holds-on-a-set", "note" if meant else "inconclusive", sentence, leaf=worst.leaf, draw=worst.draw)
    findings = tuple(_weightiest_first([finding, *on_set.findings]))
    return replace(on_set, findings=findings, seconds=report.seconds + on_set.seconds)


def _audited(rule: Rule, options: Options) -> Report:
    began, cpu = time.perf_counter(), time.process_time()
    execute = Executor(replace(subject(rule, options.seed), domains=tuple(of_leaves(rule.arguments, options.domain))))
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
        if check not in (values, vacuous, *PROMISES):
            findings += check.findings(seen)
    execute, usable = seen.execute, list(seen.usable)
    varied = Varied([], [], [], [])
    coverage = Coverage(execute)
    with contextlib.suppress(Exception):  # the function raises outside its domain
        coverage.add([j.drawn for j in seen.judged])
    if options.variants and not _any_wrong(findings) and not any(f.code == "surrogate" for f in findings):
        varied = carried_out(execute, options, cpu, coverage)
        findings += varied.findings
        usable += [j for j in varied.judged if all(np.isfinite(e).all() for e in j.exact) and not off(j)]
    findings += vacuous.findings(replace(seen, judged=(*seen.judged, *varied.judged), usable=tuple(usable)))
    power = Power(smallest=_mutate.smallest_shown(execute, usable))
    if options.mutate and not _any_wrong(findings):
        power = _mutate.power(execute, usable, MUTANTS, {(s.name, s.where) for s in coverage.missing})
    return Report(
        name=rule.name,
        kind=rule.kind,
        dtype=execute.subject.own.name,
        draws=len(seen.judged),
        findings=tuple(_weightiest_first(findings)),
        power=power,
        stages=seen.stages,
        arguments=names_of(rule.body, rule.arguments.args),
        varied=tuple(varied.varied),
        not_varied=tuple(varied.kept),
        leaves=tuple(_leaf(execute, usable, i) for i in range(len(rule.arguments.names))),
        branches=(int(coverage.taken.sum()), len(coverage.sides)),
        not_exercised=tuple(map(str, coverage.missing)),
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
    judged, findings = _at_draws(execute, options)
    if any(map(off, judged)):
        execute = judging(execute, judged)
        judged = [loosened(execute, j) for j in judged]
    findings += values.findings(Seen(execute, options, tuple(judged), tuple(judged)))
    usable = [j for j in judged if all(np.isfinite(e).all() for e in j.exact)] or judged
    if not _any_wrong(findings):  # what came through is held to what rounding leaves of it
        usable = [tolerated(rounded(execute, j)) if off(j) else j for j in usable]
    return Seen(execute, options, tuple(judged), tuple(usable)), findings


def _at_draws(execute: Executor, options: Options) -> tuple[list[Judged], list[Finding]]:
    """The draws; one at which the function itself is not finite is drawn once more from within the example's own range."""
    arguments = execute.subject.arguments
    within = bounds(arguments, options.ranges, options.domain)
    judged: list[Judged] = []
    outside = ""
    for n, drawn in enumerate(inputs(arguments, options.draws, options.seed, within, options.special)):
        try:
            inside = bool(np.isfinite(execute.value(drawn)(drawn.live)))
        except Exception:  # it raises outside its domain
            inside = False
        if not inside and n and n < options.draws and options.ranges is None:
            drawn = between(arguments, within, drawn, options.seed + n)
        elif not inside:
            outside = outside or drawn.name
        try:
            judged.append(judge(execute, drawn))
        except Exception:
            if not n:
                raise
    found = []
    if outside:
        sentence = f"the function itself is not finite at {outside}: nothing can be said there"
        found.append(Finding("nan-in-function", "inconclusive", sentence, draw=outside))
    return together(judged, execute.subject), found


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
        coarser = judging(seen.execute, seen.judged)
        seen = replace(seen, execute=coarser)
        if coarser.subject.unit > UNIT["float64"]:
            seen = replace(seen, usable=tuple(loosened(coarser, j) for j in seen.usable))
            found = kept(seen)
    return found, seen


def _nested(execute: Executor, drawn: Drawn) -> tuple[str, ...]:
    def named() -> tuple[str, ...]:
        with wide(execute.subject.widest):
            subject, live, _ = execute.subject.at(drawn, execute.subject.widest)
            return _programs.flatten(jax.make_jaxpr(subject.function)(*live)).nested

    return execute.traced("rules in the function", (execute.subject.rule.fun,), drawn, named)


def _leaf(execute: Executor, judged: list[Judged], i: int) -> dict[str, Any]:
    def worst(rows):
        _, error, allowed = max(rows, key=lambda row: row[0], default=(0.0, 0.0, 0.0))
        return float(abs(error)), float(allowed)

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
