"""One audit from start to end: draws, judgement, contract, differences, stages, power."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from bpnn_jax.audit import (
    _contract,
    _differences,
    _mutate,
    _programs,
    _second_opinion,
    _second_order,
    _stages,
    _values,
)
from bpnn_jax.audit._draws import Drawn, as_jax, inputs
from bpnn_jax.audit._explain import Explanations
from bpnn_jax.audit._judge import Judged, judge, loosened, ratio
from bpnn_jax.audit._leaves import UNIT
from bpnn_jax.audit._report import Finding, Power, Report
from bpnn_jax.audit._rules import Rule
from bpnn_jax.audit._run import Runner, wide
from bpnn_jax.errors import InputError

MUTANTS = 120  # wrong versions tried; more of them say little more about the same draws


def audit(
    rule: Rule,
    *,
    draws: int = 6,
    seed: int = 0,
    ranges: Any = None,
    special: bool = False,
    stages: Mapping[str, Callable] | None = None,
    order: int = 1,
    mutate: bool = True,
    explain: bool = True,
) -> Report:
    began = time.perf_counter()
    if not isinstance(draws, int) or draws < 1:
        raise InputError(f"expected draws as a whole number from 1 up, got {draws!r}")
    if order not in (1, 2):
        raise InputError(f"expected order 1 or 2, got {order!r}")
    runner = Runner(rule, seed)
    drawn = inputs(rule.arguments, draws, seed, ranges, special)
    findings: list[Finding] = []
    judged: list[Judged] = []
    for d in drawn:
        judged.append(judge(runner, d))
    if any(map(_values.off, judged)):
        runner.find_unit(drawn[0])
        judged = [loosened(runner, j) for j in judged]
    value = _differences.scalar(runner)
    findings += _values.findings(runner, judged, value, Explanations(runner) if explain else None)
    usable = [j for j in judged if all(np.isfinite(e).all() for e in j.exact)] or judged
    if not _any_wrong(findings):  # what came through is held to what rounding leaves of it
        usable = [_values.rounded(runner, j) if _values.off(j) else j for j in usable]
    contract, usable = _promises(runner, usable, drawn[0], _any_wrong(findings))
    said = {(f.code, f.leaf) for f in findings}
    findings += [f for f in contract if (f.code, f.leaf) not in said]
    findings += _second_opinion.reference(runner, usable[:3], value, seed)
    found_stages: list = []
    if stages:
        found_stages = _stages.judge(_stages.Tapped(runner), stages, [j.drawn for j in usable])
        for s in found_stages:
            if s.verdict == "wrong":
                sentence = f"stage {s.name} is wrong by {s.error:.3g}, given right cotangents from above"
                findings.append(Finding("wrong-stage", "wrong", sentence, leaf=s.name))
    if order == 2:
        findings += _second_order.findings(runner, usable[:2], seed)
    power = Power(smallest=_mutate.smallest_shown(runner, usable))
    if mutate and not _any_wrong(findings):
        power = _mutate.power(runner, usable, MUTANTS)
    return Report(
        name=rule.name,
        kind=rule.kind,
        dtype=runner.own.name,
        draws=len(drawn),
        findings=tuple(_weightiest_first(findings)),
        power=power,
        stages=tuple(found_stages),
        leaves=tuple(_leaf(runner, usable, i) for i in range(len(rule.arguments.names))),
        nested=_nested(runner, drawn[0]),
        seconds=time.perf_counter() - began,
    )


def _any_wrong(findings: list[Finding]) -> bool:
    return any(f.weight == "wrong" for f in findings)


def _promises(runner: Runner, usable: list[Judged], example: Drawn, wrong: bool) -> tuple[list[Finding], list[Judged]]:
    """The contract at the last draw; if it is broken, once more with rounding and then with casts that are meant allowed for."""
    found = list(_contract.findings(runner, usable[-1]))
    if _any_wrong(found) and not wrong:
        usable = [*usable[:-1], _values.rounded(runner, usable[-1])]
        found = list(_contract.findings(runner, usable[-1]))
    if _any_wrong(found) and runner.unit == UNIT["float64"] and not runner.narrowed:
        runner.find_unit(example)
        if runner.unit > UNIT["float64"]:
            usable = [loosened(runner, j) for j in usable]
            found = list(_contract.findings(runner, usable[-1]))
    return found, usable


def _nested(runner: Runner, drawn: Drawn) -> tuple[str, ...]:
    with wide(jnp.float64):
        live = as_jax(drawn.live, runner.arguments, jnp.float64)
        return _programs.flatten(jax.make_jaxpr(lambda *a: runner.rule.fun(*runner.args(list(a))))(*live)).nested


def _leaf(runner: Runner, judged: list[Judged], i: int) -> dict[str, Any]:
    def worst(rows):
        _, error, allowed = max(rows, key=lambda row: row[0], default=(0.0, 0.0, 0.0))
        return float(error), float(allowed)

    def row(hand, exact, allowed):
        r, index = ratio(hand, exact, allowed)
        fits = hand.shape == exact.shape and exact.size
        return r, abs(hand - exact)[index] if fits else (0.0 if not exact.size else float("inf")), allowed

    error, allowed = worst([row(j.hand[i], j.exact[i], j.allowed[i]) for j in judged])
    found = {"name": runner.arguments.names[i], "error": error, "allowed": allowed}
    if runner.own != jnp.float64:
        low_error, low_allowed = worst([row(j.low[i], j.exact[i], j.low_allowed[i]) for j in judged])
        found |= {"dtype": runner.own.name, "low_error": low_error, "low_allowed": low_allowed}
    return found


def _weightiest_first(findings: list[Finding]) -> list[Finding]:
    weights = ("wrong", "inconclusive", "imprecise", "note")
    return sorted(findings, key=lambda f: weights.index(f.weight))
