"""The rule's numbers beside the reference's: a finding for each leaf that is wrong, imprecise, not a number, or at a kink."""

from collections.abc import Iterator

import jax.numpy as jnp
import numpy as np

from bpnn_jax.audit import _approximate, _differences, _opinion, _singular
from bpnn_jax.audit._draws import ALIKE, Drawn
from bpnn_jax.audit._executor import Executor
from bpnn_jax.audit._explain import Explanations
from bpnn_jax.audit._judge import (
    NARROW,
    ZERO_LIKE,
    Judged,
    cotangent_of,
    ratio,
    reference_rounding,
    rounding,
    scalar,
    scale_of,
    told_apart,
)
from bpnn_jax.audit._leaves import UNIT, is_double, unit_of
from bpnn_jax.audit._report import Finding
from bpnn_jax.audit.checks._seen import Seen

GROSS = 1e-3  # of a leaf's largest element: an error that is looked at in float32 before random roundings are run
SMALLER = 0.01  # of every argument: where nothing is saturated
DIGITS = 16  # times the smallest number of a half precision: what is smaller may round to 0
APPROXIMATE = (
    "{at}: {got:.9g} by the rule and {expected:.9g} by autodiff of the reference ({draw}): two approximations, apart by what float32 "
    "does not resolve; float64 arguments have it judged further"
)
Worst = tuple[float, tuple[int, ...], Judged]  # (error / allowed, index, draw)


def findings(seen: Seen) -> Iterator[Finding]:
    """For each leaf the worst draw speaks."""
    execute, judged = seen.execute, list(seen.judged)
    explanations = Explanations(execute) if seen.options.explain else None
    for i, name in enumerate(execute.subject.arguments.names):
        yield from _singular.findings(execute, judged, i, name)
        failing: list[Worst] = [(*ratio(j.hand[i], j.exact[i], j.allowed[i]), j) for j in judged]
        failing = [w for w in failing if w[0] > 1]
        agreed = any(not j.drawn.placed and not any(j is w[2] for w in failing) for j in judged)
        kinks = [w for w in failing if _opinion.at_kink(execute, w[2], i)]
        failing = [w for w in failing if not any(w is k for k in kinks)]
        unresolved = [w for w in failing if _opinion.autodiff_wrong(execute, w[2], i)]
        failing = [w for w in failing if not any(w is u for u in unresolved)]
        if kinks:
            yield _kink(kinks, i, name)
        if unresolved:
            yield _unresolved(unresolved, i, name, agreed)
        rounded = bool(failing) and all(_like_rounding(execute, w[2], i) for w in failing)
        if rounded:  # what autodiff itself loses is not held against the rule
            failing = [w for w in failing if _ratio_to_reference_rounding(execute, w[2], i) > 1]
            if is_double(execute.subject.own):  # of a leaf that is 0 but for rounding there are no digits to lose
                failing = [w for w in failing if not _is_zero(w[2], i, scale_of(judged, execute.subject))]
            # Digits that the rule's own dtype does not have are none to lose.
            failing = [] if _approximate.is_fine(execute, [w[2] for w in failing], i) else failing
        if failing and rounded and not _is_multiple(failing, i):
            yield _lost(failing, i, name)
        elif failing and _approximate.is_approximate(execute, [w[2] for w in failing], i, judged):
            yield _told(failing, i, name, "approximate", "note", APPROXIMATE, True)
        elif failing and _is_flat(execute, judged, i):
            yield _surrogate(failing, i, name)
        elif failing:
            yield _wrong(execute, i, failing, len(judged), explanations)
        elif not is_double(execute.subject.own) and (gone := _vanished(execute, judged, i, name)):
            yield gone
        elif not is_double(execute.subject.own) and not kinks and not unresolved:
            yield from _imprecise(execute, judged, i, name)


def _like_rounding(execute: Executor, j: Judged, i: int) -> bool:
    if not np.isfinite(j.hand[i]).all() or _steady(execute, j, i):
        return False
    return ratio(j.hand[i], j.exact[i], rounding(execute, j)[i])[0] <= 1


def _steady(execute: Executor, j: Judged, i: int) -> bool:
    """Whether a gross error is the same in float32, and differences side with the reference: no rounding in float64 made it.

    Three cheap looks, in place of eight runs with random roundings, one operation at a time.
    """
    hand, exact = j.hand[i], j.exact[i]
    if hand.shape != exact.shape or not np.isfinite(exact).all() or execute.subject.unit > UNIT["float64"]:
        return False
    index = np.unravel_index(int(np.argmax(abs(hand - exact))), hand.shape)
    error = abs(hand - exact)[index]
    if error <= GROSS * abs(exact).max(initial=0.0):
        return False
    low = cotangent_of(execute.hand(j.drawn, np.float32)[i], exact)
    reference = exact if execute.subject.mode == "differences" else execute.reference(j.drawn, np.float32)[i]
    moved = max(abs(low - hand)[index], abs(reference - exact)[index])
    # A number that is 0 in both may have saturated in both.
    if not moved < 0.01 * min(error, abs(hand[index]), abs(exact[index])):
        return False
    at = tuple(int(n) for n in index)
    value, unit = execute.value(j.drawn), execute.subject.unit
    return _differences.supports(value, j.drawn, i, at, exact[index], hand[index], unit)


def _is_zero(j: Judged, i: int, scale: float) -> bool:
    """Whether a leaf is 0 but for rounding, by the reference and by the rule, beside what it or another is on some draw."""
    return all(bool((abs(g) <= ZERO_LIKE * scale).all()) for g in (j.exact[i], j.hand[i]))


def _ratio_to_reference_rounding(execute: Executor, j: Judged, i: int) -> float:
    return ratio(j.hand[i], j.exact[i], reference_rounding(execute, j)[i])[0]


def _is_multiple(failing: list[Worst], i: int) -> bool:
    """Whether the leaf is one and the same multiple of the right one on every draw: rounding does not do that."""
    factors = []
    for _, _, j in failing:
        square = float((abs(j.exact[i]) ** 2).sum())
        if not square or (j.exact[i].size < 2 and len(failing) < 2):
            return False
        factors.append(complex((j.hand[i] * np.conj(j.exact[i])).sum() / square))
        if (abs(j.hand[i] - factors[-1] * j.exact[i]) > 1e-6 * abs(j.exact[i]).max()).any():
            return False
    spread = max(abs(f - factors[0]) for f in factors)
    return spread <= 1e-6 * abs(factors[0]) and abs(factors[0] - 1) > 1e-3 and abs(factors[0]) > 1e-3


def _is_flat(execute: Executor, judged: list[Judged], i: int) -> bool:
    """Whether the function is piecewise constant in a leaf: it changes with it, and its slope is 0 wherever it was looked at."""
    known = [j for j in judged if np.isfinite(j.exact[i]).all() and j.hand[i].shape == j.exact[i].shape]
    if len(known) < 2 or any(j.exact[i].any() for j in known) or execute.subject.mode == "differences":
        return False
    first = known[0]
    value = execute.value(first.drawn)
    here = value(first.drawn.live)
    others = ([j.drawn.live[i] if k == i else a for k, a in enumerate(first.drawn.live)] for j in known[1:])
    slopes = [_differences.agrees(value, first.drawn, first.exact, i, n) for n in range(2)]
    return any(value(live) != here for live in others) and False not in slopes


def _surrogate(failing: list[Worst], i: int, name: str) -> Finding:
    _, index, j = max(failing, key=lambda w: w[0])
    got = scalar(j.hand[i][index])
    sentence = (
        f"{name}{list(index)}: the function is flat here, its slope is 0, and the rule gives {got:.6g} ({j.drawn.name}): a surrogate "
        "gradient; reference= takes the smooth function whose gradient it is"
    )
    numbers = {"got": got, "expected": 0.0}
    return Finding("surrogate", "inconclusive", sentence, leaf=name, index=index, numbers=numbers, draw=j.drawn.name)


def _told(failing: list[Worst], i: int, name: str, code: str, weight: str, sentence: str, allowed: bool) -> Finding:
    """A finding about the worst of some draws; the sentence has its numbers by name."""
    r, index, j = max(failing, key=lambda w: w[0])
    numbers = {"got": scalar(j.hand[i][index]), "expected": scalar(j.exact[i][index])}
    said = sentence.format(at=f"{name}{list(index)}", draw=j.drawn.name, ratio=r, **numbers)
    if allowed:
        numbers |= {"ratio": r, "allowed": j.allowed[i]}
    return Finding(code, weight, said, leaf=name, index=index, numbers=numbers, draw=j.drawn.name)


def _kink(failing: list[Worst], i: int, name: str) -> Finding:
    sentence = "{at} lies on a kink of the function ({draw}): any value between the slopes will do"
    weight = "note" if all(w[2].drawn.placed for w in failing) else "inconclusive"
    return _told(failing, i, name, "kink", weight, sentence, False)


def _unresolved(failing: list[Worst], i: int, name: str, agreed: bool) -> Finding:
    """``agreed``: on another draw autodiff sides with the rule, so that the reference is at fault at a point and not everywhere."""
    sentence = (
        "{at}: central differences agree with the rule, {got:.6g}, and not with autodiff of the reference, "
        "{expected:.6g} ({draw})"
    )
    weight = "note" if agreed or all(w[2].drawn.placed for w in failing) else "inconclusive"
    return _told(failing, i, name, "unresolved-reference", weight, sentence, False)


def _lost(failing: list[Worst], i: int, name: str) -> Finding:
    sentence = (
        "{at}: loses so many digits that even in float64 it is {got:.6g} where {expected:.6g} is right, "
        "{ratio:.3g} times as far off as allowed ({draw})"
    )
    return _told(failing, i, name, "imprecise", "imprecise", sentence, True)


def _imprecise(execute: Executor, judged: list[Judged], i: int, name: str) -> Iterator[Finding]:
    """Right in float64; in the rule's own dtype worse than autodiff, and worse than random roundings of autodiff."""
    low = [(*_low_ratio(j, i, j.low_allowed[i]), j) for j in judged]
    low = [w for w in low if w[0] > 1 and _low_ratio(w[2], i, reference_rounding(execute, w[2], None)[i])[0] > 1]
    if low:
        r, index, j = max(low, key=lambda w: w[0])
        got, expected = scalar(j.low[i][index]), scalar(j.exact[i][index])
        shown, right = told_apart(got, expected)
        own = execute.subject.own.name
        far = (
            f"{r:.3g} times as far off as autodiff in {own} allows for"
            if np.isfinite(r)
            else f"autodiff in {own} is finite there"
        )
        sentence = f"{name}{list(index)}: right in float64, but {shown} in {own} where {right} is right; {far} ({j.drawn.name})"
        numbers = {"got": got, "expected": expected, "ratio": r, "allowed": j.low_allowed[i]}
        yield Finding("imprecise", "imprecise", sentence, leaf=name, index=index, numbers=numbers, draw=j.drawn.name)


def _vanished(execute: Executor, judged: list[Judged], i: int, name: str) -> Finding | None:
    """A leaf of nothing but zeros in half precision, at ordinary numbers, where the right one has digits: a count that overflows.

    Where all elements are alike autodiff may do the same: that it is no better excuses lost digits, and not a gradient that is gone.
    Among ordinary numbers it does. What is 0 but for rounding has not gone, nor what is back where the arguments are small: a network
    that is saturated in half precision.
    """
    own = execute.subject.own
    if unit_of(own) <= NARROW:
        return None
    zero_like = ZERO_LIKE * scale_of(judged, execute.subject)
    least = max(zero_like, DIGITS * float(jnp.finfo(own).smallest_subnormal))
    for j in judged:
        alike = j.drawn.name.endswith(ALIKE) or all(not np.ptp(leaf) for leaf in j.drawn.live if np.size(leaf))
        ordinary = alike or (j.drawn.name == "the example" and j.low_reference[i].any())
        size = abs(j.exact[i][np.isfinite(j.exact[i])]).max(initial=0.0)
        gone = ordinary and not j.low[i].any() and j.hand[i].any() and size > least
        if gone and not cotangent_of(execute.hand(_smaller(j.drawn))[i], j.exact[i]).any():
            sentence = (
                f"{name}: right in float64, but 0 throughout in {own.name}, where {size:.6g} is right ({j.drawn.name})"
            )
            numbers = {"got": 0.0, "expected": float(size)}
            return Finding("imprecise", "imprecise", sentence, leaf=name, numbers=numbers, draw=j.drawn.name)
    return None


def _smaller(drawn: Drawn) -> Drawn:
    return drawn._replace(live=[SMALLER * leaf for leaf in drawn.live])


def _low_ratio(j: Judged, i: int, allowed: float) -> tuple[float, tuple[int, ...]]:
    """In the rule's own dtype, and only where autodiff stayed finite too."""
    if j.low[i].shape != j.exact[i].shape:
        return 0.0, ()
    exact = np.where(np.isfinite(j.low_reference[i]), j.exact[i], np.nan)
    return ratio(j.low[i], exact, allowed)


def _wrong(execute: Executor, i: int, failing: list[Worst], of: int, explanations: Explanations | None) -> Finding:
    worst = max(failing, key=lambda w: (np.isfinite(w[0]), w[0]))
    _, index, j = worst
    name, exact, hand, draw = execute.subject.arguments.names[i], j.exact[i], j.hand[i], j.drawn.name
    if j.absent[i]:
        sentence = f"{name} got None where its gradient is not 0"
        return Finding("none-for-live", "wrong", sentence, leaf=name, draw=draw)
    if hand.shape != exact.shape:
        sentence = f"{name}: expected a gradient of shape {exact.shape}, got {hand.shape}"
        cause = explanations.shape(hand, exact) if explanations else ""
        return Finding("wrong-shape", "wrong", sentence, leaf=name, draw=draw, cause=cause)
    got, expected = scalar(hand[index]), scalar(exact[index])
    if not np.isfinite(got):
        sentence = f"{name}{list(index)} is {got} where {expected:.6g} is right ({draw})"
        numbers = {"expected": expected}
        return Finding("nan-in-rule", "wrong", sentence, leaf=name, index=index, numbers=numbers, draw=draw)
    size = abs(got - expected)
    error = f"relative error {size / abs(expected):.3g}" if expected else f"absolute error {size:.3g}"
    many = int((abs(hand - exact) > j.allowed[i]).sum())
    shown, right = told_apart(got, expected)
    draws = f"; on {len(failing)} of {of} draws" if of > 1 else ""
    too = (
        ", the example too" if draw != "the example" and any(w[2].drawn.name == "the example" for w in failing) else ""
    )
    sentence = f"{name}{list(index)} is {shown} where {right} is right: {error} ({draw}; {many} of {exact.size} elements{draws}{too})"
    numbers = {"got": got, "expected": expected, "absolute_error": size, "allowed": j.allowed[i]}
    if expected:
        numbers |= {"relative_error": size / abs(expected), "ratio": got / expected}
    first = next((w for w in failing if w[2].drawn.name == "the example"), worst)[2]
    return Finding(
        "wrong-value",
        "wrong",
        sentence,
        leaf=name,
        index=index,
        numbers=numbers,
        draw=draw,
        smallest=explanations.smallest(i, j) if explanations else {},
        cause=explanations.cause(i, j, first, [w[2] for w in failing]) if explanations else "",
    )
