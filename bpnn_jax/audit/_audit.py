"""One audit from start to end: draws, judgement, checks, power."""

import time
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from bpnn_jax.audit import _mutate, _programs, _stages
from bpnn_jax.audit._draws import Drawn, as_jax, inputs
from bpnn_jax.audit._executor import Executor
from bpnn_jax.audit._judge import Judged, judge, loosened, off, ratio, rounded
from bpnn_jax.audit._leaves import UNIT
from bpnn_jax.audit._options import Options
from bpnn_jax.audit._report import ORDER, Finding, Power, Report
from bpnn_jax.audit._rules import Rule
from bpnn_jax.audit._subject import subject, wide
from bpnn_jax.audit.checks import CHECKS, PROMISES, Seen, values

MUTANTS = 120  # wrong versions tried; more of them say little more about the same draws


def audit(rule: Rule, options: Options) -> Report:
    """The report on a rule."""
    began = time.perf_counter()
    seen, findings = _judged(Executor(subject(rule, options.seed)), options)
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


def _judged(execute: Executor, options: Options) -> tuple[Seen, list[Finding]]:
    """Every draw judged, and what the numbers themselves say."""
    drawn = inputs(execute.subject.arguments, options.draws, options.seed, options.ranges, options.special)
    judged = [judge(execute, d) for d in drawn]
    if any(map(off, judged)):
        execute = execute.judging_in(drawn[0])
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
        coarser = seen.execute.judging_in(seen.judged[0].drawn)
        seen = replace(seen, execute=coarser)
        if coarser.subject.unit > UNIT["float64"]:
            seen = replace(seen, usable=tuple(loosened(coarser, j) for j in seen.usable))
            found = kept(seen)
    return found, seen


def _nested(execute: Executor, drawn: Drawn) -> tuple[str, ...]:
    with wide(jnp.float64):
        live = as_jax(drawn.live, execute.subject.arguments, jnp.float64)
        return _programs.flatten(
            jax.make_jaxpr(lambda *a: execute.subject.rule.fun(*execute.subject.args(list(a))))(*live)
        ).nested


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
    if execute.subject.own != jnp.float64:
        low_error, low_allowed = worst([row(j.low[i], j.exact[i], j.low_allowed[i]) for j in judged])
        found |= {"dtype": execute.subject.own.name, "low_error": low_error, "low_allowed": low_allowed}
    return found


def _weightiest_first(findings: list[Finding]) -> list[Finding]:
    weights = (*ORDER, "note")
    return sorted(findings, key=lambda f: weights.index(f.weight))
