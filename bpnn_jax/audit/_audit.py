"""One audit from start to end: draws, judgement, contract, differences, stages, power."""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from bpnn_jax.audit import _cause, _contract, _differences, _mutate, _programs, _stages
from bpnn_jax.audit._draws import Drawn, as_jax, inputs
from bpnn_jax.audit._judge import Judged, judge, loosened, ratio, reference_rounding, rounding
from bpnn_jax.audit._leaves import UNIT
from bpnn_jax.audit._report import Finding, Power, Report
from bpnn_jax.audit._rules import Rule
from bpnn_jax.audit._run import Runner, wide
from bpnn_jax.errors import InputError

MUTANTS = 120  # wrong versions tried; more of them say little more about the same draws
SHRINKS = 12


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
    if any(map(_off, judged)):
        runner.find_unit(drawn[0])
        judged = [loosened(runner, j) for j in judged]
    value = _differences.scalar(runner)
    known = _intermediates(runner, drawn[0])
    findings += _values(runner, judged, value, known)
    usable = [j for j in judged if all(np.isfinite(e).all() for e in j.exact)] or judged
    if not any(f.weight == "wrong" for f in findings):  # what came through is held to what rounding leaves of it
        usable = [_rounded(runner, j) if _off(j) else j for j in usable]
    contract = list(_contract.findings(runner, usable[-1]))
    if any(f.weight == "wrong" for f in contract) and not any(f.weight == "wrong" for f in findings):
        usable = [*usable[:-1], _rounded(runner, usable[-1])]
        contract = list(_contract.findings(runner, usable[-1]))
    if any(f.weight == "wrong" for f in contract) and runner.unit == UNIT["float64"] and not runner.narrowed:
        runner.find_unit(drawn[0])
        if runner.unit > UNIT["float64"]:
            usable = [loosened(runner, j) for j in usable]
            contract = list(_contract.findings(runner, usable[-1]))
    said = {(f.code, f.leaf) for f in findings}
    findings += [f for f in contract if (f.code, f.leaf) not in said]
    findings += _reference(runner, usable[:3], value, seed)
    found_stages: list = []
    if stages:
        found_stages = _stages.judge(_stages.Tapped(runner), stages, [j.drawn for j in usable])
        for s in found_stages:
            if s.verdict == "wrong":
                sentence = f"stage {s.name} is wrong by {s.error:.3g}, given right cotangents from above"
                findings.append(Finding("wrong-stage", "wrong", sentence, leaf=s.name))
    if order == 2:
        findings += _second_order(rule, runner, usable[:2], seed)
    right = not any(f.weight == "wrong" for f in findings)
    power = Power(smallest=_mutate.smallest_shown(runner, usable))
    if mutate and right:
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


def _values(runner: Runner, judged: list[Judged], value: Callable, known: Mapping[str, Any]) -> Iterator[Finding]:
    """A finding for each leaf that is wrong, imprecise, not a number, or at a kink: the worst draw speaks for it."""
    sizes = _sizes(runner)
    for i, name in enumerate(runner.arguments.names):
        wrong = [(*ratio(j.hand[i], j.exact[i], j.allowed[i]), j) for j in judged]
        bad = [j for j in judged if not np.isfinite(j.exact[i]).all()]
        if bad:
            many = f"{len(bad)} of {len(judged)} draws, the first {bad[0].drawn.name}"
            both = not any(np.isfinite(j.hand[i]).all() for j in bad)
            own = "the rule's too" if both else "the rule's is finite there"
            sentence = f"{name}: the reference's gradient is not finite on {many}; {own}"
            yield Finding("nan-in-reference", "inconclusive", sentence, leaf=name, draw=bad[0].drawn.name)
        failing = [w for w in wrong if w[0] > 1]
        kinks = [w for w in failing if _kink(runner, w[2], i, value)]
        failing = [w for w in failing if not any(w is k for k in kinks)]
        if kinks:
            r, index, j = max(kinks, key=lambda w: w[0])
            sentence = f"{name}{list(index)} lies on a kink of the function ({j.drawn.name}): any value between the slopes will do"
            numbers = {"got": float(j.hand[i][index]), "expected": float(j.exact[i][index])}
            yield Finding("kink", "inconclusive", sentence, leaf=name, index=index, numbers=numbers, draw=j.drawn.name)
        unresolved = [w for w in failing if _autodiff_wrong(runner, w[2], i, value)]
        failing = [w for w in failing if not any(w is u for u in unresolved)]
        if unresolved:
            r, index, j = max(unresolved, key=lambda w: w[0])
            got, expected = float(j.hand[i][index]), float(j.exact[i][index])
            sentence = (
                f"{name}{list(index)}: central differences agree with the rule, {got:.6g}, and not with autodiff of the reference, "
                f"{expected:.6g} ({j.drawn.name})"
            )
            numbers = {"got": got, "expected": expected}
            yield Finding(
                "unresolved-reference",
                "inconclusive",
                sentence,
                leaf=name,
                index=index,
                numbers=numbers,
                draw=j.drawn.name,
            )
        rounded = bool(failing) and all(_like_rounding(runner, w[2], i) for w in failing)
        if rounded:  # what autodiff itself loses is not held against the rule
            failing = [
                w for w in failing if ratio(w[2].hand[i], w[2].exact[i], reference_rounding(runner, w[2])[i])[0] > 1
            ]
        if failing and rounded:
            r, index, j = max(failing, key=lambda w: w[0])
            got, expected = float(j.hand[i][index]), float(j.exact[i][index])
            sentence = (
                f"{name}{list(index)}: loses so many digits that even in float64 it is {abs(got - expected):.2g} off "
                f"{expected:.6g}, {r:.3g} times what is allowed ({j.drawn.name})"
            )
            numbers = {"got": got, "expected": expected, "ratio": r, "allowed": j.allowed[i]}
            yield Finding(
                "imprecise", "imprecise", sentence, leaf=name, index=index, numbers=numbers, draw=j.drawn.name
            )
            continue
        if failing:
            yield _wrong(runner, i, max(failing, key=lambda w: (np.isfinite(w[0]), w[0])), failing, sizes, known)
            continue
        told = runner.own != jnp.float64 and not kinks and not unresolved
        low = [(*_low_ratio(j, i, j.low_allowed[i]), j) for j in judged if told]
        low = [w for w in low if w[0] > 1 and _low_ratio(w[2], i, reference_rounding(runner, w[2], None)[i])[0] > 1]
        if low:
            r, index, j = max(low, key=lambda w: w[0])
            got, expected = float(j.low[i][index]), float(j.exact[i][index])
            sentence = (
                f"{name}{list(index)}: right in float64, but {got:.6g} in {runner.own.name} where {expected:.6g} is right; "
                f"autodiff in {runner.own.name} is {r:.3g} times closer than allowed"
            )
            numbers = {"got": got, "expected": expected, "ratio": r, "allowed": j.low_allowed[i]}
            yield Finding(
                "imprecise", "imprecise", sentence, leaf=name, index=index, numbers=numbers, draw=j.drawn.name
            )


def _off(j: Judged) -> bool:
    return any(ratio(*row)[0] > 1 for row in zip(j.hand, j.exact, j.allowed, strict=True))


def _rounded(runner: Runner, j: Judged) -> Judged:
    return j._replace(allowed=[max(pair) for pair in zip(j.allowed, rounding(runner, j), strict=True)])


def _like_rounding(runner: Runner, j: Judged, i: int) -> bool:
    return bool(np.isfinite(j.hand[i]).all()) and ratio(j.hand[i], j.exact[i], rounding(runner, j)[i])[0] <= 1


def _low_ratio(j: Judged, i: int, allowed: float) -> tuple[float, tuple[int, ...]]:
    """In the rule's own dtype, and only where autodiff stayed finite too."""
    if j.low[i].shape != j.exact[i].shape:
        return 0.0, ()
    exact = np.where(np.isfinite(j.low_reference[i]), j.exact[i], np.nan)
    return ratio(j.low[i], exact, allowed)


def _wrong(runner: Runner, i: int, worst: tuple, failing: list, sizes: Mapping, known: Mapping) -> Finding:
    _, index, j = worst
    name, exact, hand = runner.arguments.names[i], j.exact[i], j.hand[i]
    first = next((w for w in failing if w[2].drawn.name == "the example"), worst)[2]
    if j.absent[i]:
        return Finding(
            "none-for-live", "wrong", f"{name} got None where its gradient is not 0", leaf=name, draw=j.drawn.name
        )
    if hand.shape != exact.shape:
        sentence = f"{name}: expected a gradient of shape {exact.shape}, got {hand.shape}"
        cause = _cause.guess(hand, exact, sizes, {})
        return Finding("wrong-shape", "wrong", sentence, leaf=name, draw=j.drawn.name, cause=cause)
    got, expected = float(hand[index]), float(exact[index])
    if not np.isfinite(got):
        sentence = f"{name}{list(index)} is {got} where {expected:.6g} is right ({j.drawn.name})"
        return Finding(
            "nan-in-rule", "wrong", sentence, leaf=name, index=index, numbers={"expected": expected}, draw=j.drawn.name
        )
    relative = abs(got - expected) / max(abs(expected), 1e-300)
    many = int((abs(hand - exact) > j.allowed[i]).sum())
    sentence = (
        f"{name}{list(index)} is {got:.6g} where {expected:.6g} is right: relative error {relative:.3g} ({j.drawn.name}; "
        f"{many} of {exact.size} elements)"
    )
    return Finding(
        "wrong-value",
        "wrong",
        sentence,
        leaf=name,
        index=index,
        numbers={
            "got": got,
            "expected": expected,
            "relative_error": relative,
            "allowed": j.allowed[i],
            "ratio": got / expected if expected else float("inf"),
        },
        draw=j.drawn.name,
        smallest=_shrink(runner, i, j),
        cause=_narrowed(runner, i, j)
        or _swapped(runner, i, first)
        or _cause.guess(first.hand[i], first.exact[i], sizes, known)
        or _cause.guess(hand, exact, sizes, {})
        or _forgotten(runner, i, j),
    )


def _narrowed(runner: Runner, i: int, j: Judged) -> str:
    size = abs(j.exact[i][np.isfinite(j.exact[i])]).max(initial=0.0)
    small = runner.narrowed and ratio(j.hand[i], j.exact[i], 64 * UNIT[runner.narrowed] * size)[0] <= 1
    return f"a cast to {runner.narrowed} in the rule" if small else ""


def _swapped(runner: Runner, i: int, j: Judged) -> str:
    for k, name in enumerate(runner.arguments.names):
        if k != i and ratio(j.hand[i], j.exact[k], j.allowed[k])[0] <= 1 and j.exact[k].any():
            return f"it is the gradient of {name}"
    return ""


def _forgotten(runner: Runner, i: int, j: Judged) -> str:
    """Whether leaf ``i`` is right as soon as some leaf is all ones: then a factor of that leaf is forgotten."""
    for k, name in enumerate(runner.arguments.names):
        live = [np.ones_like(a) if n == k else a for n, a in enumerate(j.drawn.live)]
        tried = judge(runner, Drawn("ones", live))
        live_still = abs(tried.exact[i]).max(initial=0.0) > 1e-6 * abs(j.exact[i]).max(initial=0.0)
        if live_still and ratio(tried.hand[i], tried.exact[i], tried.allowed[i])[0] <= 1:
            return f"right only where {name} is all ones: a factor of it is forgotten, or stands where it should not"
    return ""


def _shrink(runner: Runner, i: int, j: Judged) -> dict[str, Any]:
    """Halve, then zero, leaf after leaf, as long as leaf ``i`` stays wrong: the smallest draw that shows the mistake."""
    best = j
    for k in range(len(j.drawn.live)):
        for change in (lambda a: a * 0.0, np.round, lambda a: np.round(a, 1)):
            live = [change(a) if n == k else a for n, a in enumerate(best.drawn.live)]
            tried = judge(runner, Drawn(f"{j.drawn.name}, made smaller", live))
            r, _ = ratio(tried.hand[i], tried.exact[i], tried.allowed[i])
            if np.isfinite(r) and r > 1:
                best = tried
                break
    shown = {}
    for name, a in zip(runner.arguments.names, best.drawn.live, strict=True):
        shown[name] = np.array2string(a, threshold=8, precision=4) if a.size <= 12 else f"{a.shape}, {_describe(a)}"
    return {"draw": best.drawn.name, "values": shown}


def _describe(a: np.ndarray) -> str:
    return "all 0" if not a.any() else f"from {a.min():.4g} to {a.max():.4g}"


def _autodiff_wrong(runner: Runner, j: Judged, i: int, value: Callable) -> bool:
    """Whether differences side with the rule at every element that is wrong, looked at one by one (at most eight of them)."""
    hand, exact = j.hand[i], j.exact[i]
    if hand.shape != exact.shape or not np.isfinite(hand).all():
        return False
    indices = [tuple(int(n) for n in index) for index in np.argwhere(abs(hand - exact) > j.allowed[i])]
    return bool(indices) and all(
        _differences.supports(value, j.drawn, i, index, float(hand[index]), float(exact[index]), runner.unit)
        for index in indices[:: max(1, len(indices) // 8)][:8]
    )


def _kink(runner: Runner, j: Judged, i: int, value: Callable) -> bool:
    """Whether every element that is wrong lies on a kink, looked at one by one (at most eight of them)."""
    hand, exact = j.hand[i], j.exact[i]
    if hand.shape != exact.shape or not np.isfinite(hand).all():
        return False
    wrong = np.argwhere(abs(hand - exact) > j.allowed[i])
    if len(wrong) == 0:
        return False
    chosen = wrong[:: max(1, len(wrong) // 8)][:8]
    indices = (tuple(int(n) for n in index) for index in chosen)
    return all(_differences.is_kink(value, j.drawn, i, index, float(hand[index]), runner.unit) for index in indices)


def _reference(runner: Runner, judged: list[Judged], value: Callable, seed: int) -> Iterator[Finding]:
    """Autodiff of the reference against central differences: disagreeing twice is no accident."""
    for i, name in enumerate(runner.arguments.names):
        said = [_differences.agrees(value, j.drawn, j.exact, i, seed, runner.unit) for j in judged]
        if said.count(False) >= 2:
            sentence = (
                f"{name}: autodiff of the reference disagrees with central differences on {said.count(False)} of {len(said)} draws; "
                "a stop_gradient or a custom rule inside it may be meant, so nothing is proved either way"
            )
            yield Finding("unresolved-reference", "inconclusive", sentence, leaf=name)


def _second_order(rule: Rule, runner: Runner, judged: list[Judged], seed: int) -> Iterator[Finding]:
    """The rule differentiated once more, against the reference differentiated twice, in a random direction."""
    with wide(jnp.float64):
        c = runner._typed(runner.cotangent, jnp.float64)

        def along(pull):
            def product(live, v):
                def inner(live):
                    found = pull(live, c)
                    return sum(jnp.vdot(a, b) for a, b in zip(v, found, strict=True) if b is not None)

                return jax.grad(inner)(live)

            return jax.jit(product)

        of_rule, of_reference = along(runner.pull_hand), along(lambda live, c: runner.pull_reference(live, c)[1])
        for j in judged:
            live = as_jax(j.drawn.live, runner.arguments, jnp.float64)
            rng = np.random.default_rng((seed, 2))
            v = [jnp.asarray(rng.standard_normal(a.shape)) for a in live]
            try:
                got = [np.asarray(a) for a in of_rule(live, v)]
            except Exception as error:
                first = str(error).splitlines()[0] if str(error) else ""
                yield Finding("second-order-fails", "wrong", f"the rule cannot be differentiated again: {first}")
                return
            expected = [np.asarray(a) for a in of_reference(live, v)]
            for name, g, e in zip(runner.arguments.names, got, expected, strict=True):
                size = abs(e[np.isfinite(e)]).max(initial=0.0)
                # Twice differentiated: rounding is amplified, a mistake is not this small.
                r, index = ratio(g, e, max(1e-9, 64 * runner.unit) * size)
                if r > 1:
                    numbers = {"got": float(g[index]), "expected": float(e[index])}
                    sentence = (
                        f"second derivative along {name}: {numbers['got']:.6g} where {numbers['expected']:.6g} is right"
                    )
                    yield Finding("second-order", "wrong", sentence, leaf=name, index=index, numbers=numbers)
                    return


def _intermediates(runner: Runner, drawn: Drawn) -> dict[str, np.ndarray]:
    """Named values that a missing factor may equal: stages first, then what the reference's own pullback computes."""
    found: dict[str, np.ndarray] = {}
    with wide(jnp.float64):
        live = as_jax(drawn.live, runner.arguments, jnp.float64)
        c = runner._typed(runner.cotangent, jnp.float64)
        program = _programs.flatten(jax.make_jaxpr(lambda a, b: runner.pull_reference(a, b)[1])(live, c))
        shapes = {np.shape(a) for a in live}
        slots = _programs.run(program, jax.tree.leaves((live, c)))
        for name, a in zip(runner.arguments.names, live, strict=True):
            found[name] = np.asarray(a, np.float64)
        for operation in program.operations:
            out = slots[operation.outputs[0]]
            if np.shape(out) in shapes and jnp.issubdtype(jnp.result_type(out), jnp.floating) and len(found) < 200:
                found.setdefault(f"the {operation.name} of {operation.where}", np.asarray(out, np.float64))
    return found


def _nested(runner: Runner, drawn: Drawn) -> tuple[str, ...]:
    with wide(jnp.float64):
        live = as_jax(drawn.live, runner.arguments, jnp.float64)
        return _programs.flatten(jax.make_jaxpr(lambda *a: runner.rule.fun(*runner.args(list(a))))(*live)).nested


def _sizes(runner: Runner) -> dict[int, str]:
    """Lengths by which a gradient is divided by mistake: every axis of every array among the arguments."""
    found: dict[int, str] = {}
    for number, argument in enumerate(runner.arguments.args):
        for leaf in jax.tree.leaves(argument):
            for axis, n in enumerate(np.shape(leaf)):
                found.setdefault(int(n), f"the length of axis {axis} of argument {number}")
    return found


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
