"""Leaf by leaf: the algebra in float64, and the precision in the rule's own dtype. How large an error may be is measured, not set.

Both bounds come from the same reasoning. Autodiff of the same function, run in a precision with unit roundoff u, is off by some
e = max|autodiff_u - autodiff_64| in this leaf; a rule that is algebraically right and no worse conditioned is off by a small
multiple of that. Over correct rules the largest multiple seen is 3.1, so ``FACTOR`` 6 is allowed, plus 4 ulp of the leaf.
"""

from typing import Any, NamedTuple

import jax
import numpy as np

from bpnn_jax.audit import _differences, _noise
from bpnn_jax.audit._draws import Drawn
from bpnn_jax.audit._executor import Executor
from bpnn_jax.audit._leaves import UNIT, dtype_of, is_double, numbers, unit_of
from bpnn_jax.audit._subject import Subject

FACTOR = 6.0
# In float64 there is room for rules that sum in another order than autodiff; what is wrong is wrong by far more.
ALGEBRA_FACTOR = 64.0
NARROW, NARROW_FACTOR = 2.0**-12, 4.0  # half precisions
ZERO_LIKE = 1e-9  # of the largest leaf: what is smaller on every draw is 0 but for rounding


class Judged(NamedTuple):
    """One draw: what the reference and the rule gave, and how far apart they may be. Lists have an entry a live leaf."""

    drawn: Drawn
    exact: list[np.ndarray]
    hand: list[np.ndarray]  # the rule in float64; zeros where it returned None
    absent: list[bool]  # where it returned None
    allowed: list[float]
    low: list[np.ndarray]  # the rule in its own dtype
    low_allowed: list[float]
    low_reference: list[np.ndarray]
    ceilings: tuple[float, ...] = ()  # no allowance is larger: see ``together``


def judge(execute: Executor, drawn: Drawn) -> Judged:
    """Run rule and reference at one draw in both precisions."""
    subject = execute.subject
    own, widest, low_raw = subject.own, subject.widest, None
    if subject.mode == "differences":
        raw = execute.hand(drawn, widest)
        exact, errors = _differences.gradient(execute.value(drawn), drawn, subject.unit)
        allowed = [10.0 * e + 1e-7 * _max(g) for e, g in zip(errors, exact, strict=True)]
        low_reference = exact
    else:
        raw, exact = execute.pulled(drawn, widest)
        probe = np.dtype(np.float32) if unit_of(own) < UNIT["float32"] else own
        if all(dtype_of(e) == probe for e in subject.arguments.examples):
            low_raw, low_reference = execute.pulled(drawn)
        else:
            low_reference = execute.reference(drawn, probe)
        allowed = [bound_float64(g, low, unit_of(probe)) for g, low in zip(exact, low_reference, strict=True)]
        if unit_of(own) > UNIT["float32"] and any(map(_lost, exact, low_reference)):
            # All digits gone in bfloat16 says little about float64: float32 is compared too.
            finer = execute.reference(drawn, np.float32)
            finer = [bound_float64(g, low, UNIT["float32"]) for g, low in zip(exact, finer, strict=True)]
            allowed = list(map(max, allowed, finer))
        if probe != own:
            low_raw, low_reference = execute.pulled(drawn)
    absent = [h is None for h in raw]
    hand = [cotangent_of(h, g) for h, g in zip(raw, exact, strict=True)]
    if is_double(own):
        return loosened(execute, Judged(drawn, exact, hand, absent, allowed, hand, allowed, exact))
    low_allowed = [bound_own(g, low, unit_of(own)) for g, low in zip(exact, low_reference, strict=True)]
    low_allowed = list(map(max, low_allowed, allowed))
    low_raw = execute.hand(drawn) if low_raw is None else low_raw
    low = [cotangent_of(h, g) for h, g in zip(low_raw, exact, strict=True)]
    return loosened(execute, Judged(drawn, exact, hand, absent, allowed, low, low_allowed, low_reference))


def loosened(execute: Executor, j: Judged) -> Judged:
    """What is allowed where rule or reference cast to ``execute.subject.unit`` on purpose, so that no float64 is left to judge in."""
    if execute.subject.unit <= UNIT["float64"]:
        return j
    u = unit_of(execute.subject.own)
    bounds = [
        execute.subject.unit / u * bound_own(g, low, u) + 4.0 * FACTOR * execute.subject.unit * _max(g)
        for g, low in zip(j.exact, j.low_reference, strict=True)
    ]
    if execute.subject.mode == "differences":  # of a value that is known no better than that
        _, errors = _differences.gradient(execute.value(j.drawn), j.drawn, execute.subject.unit)
        bounds = [max(b, 10.0 * e) for b, e in zip(bounds, errors, strict=True)]
    allowed = capped(j, [max(pair) for pair in zip(j.allowed, bounds, strict=True)])
    if execute.subject.unit <= u:
        return j._replace(allowed=allowed)
    # An iteration that stops short of its own dtype's digits does so in that dtype too.
    return j._replace(allowed=allowed, low_allowed=[max(pair) for pair in zip(j.low_allowed, bounds, strict=True)])


def together(judged: list[Judged], subject: Subject) -> list[Judged]:
    """Draws of one subject, with a ceiling for each leaf: half of the largest element that any of them has.

    Where autodiff of the reference is garbage in float32, the allowance that is measured by it may be as large as the leaf and more,
    and anything would pass. A leaf that is 0 but for rounding, in the scale of the others and of the cotangent, has no ceiling.
    """
    if not judged:
        return judged
    sizes = [max(_max(j.exact[i]) for j in judged) for i in range(len(judged[0].exact))]
    scale = scale_of(judged, subject)
    ceilings = tuple(0.5 * size if size > ZERO_LIKE * scale else np.inf for size in sizes)
    found = []
    for j in judged:
        j = j._replace(ceilings=ceilings)
        found.append(
            j._replace(
                allowed=capped(j, j.allowed), low_allowed=_floored(j, FACTOR * unit_of(subject.own) * scale, scale)
            )
        )
    return found


def scale_of(judged: list[Judged], subject: Subject) -> float:
    """The largest element of any leaf on any draw, or of the cotangent."""
    leaves = [g for j in judged for g in j.exact] + [np.asarray(c) for c in jax.tree.leaves(subject.cotangent)]
    return max(map(_max, leaves), default=0.0)


def _floored(j: Judged, floor: float, scale: float) -> list[float]:
    """In its own dtype a leaf that is 0 but for rounding, in the scale of the others and the cotangent, may be off by its rounding.

    A saturated network's gradient is 0 to the last bit by autodiff, and 1e-22 by a right derivation.
    """
    return [max(b, floor) if _max(g) <= ZERO_LIKE * scale else b for b, g in zip(j.low_allowed, j.exact, strict=True)]


def capped(j: Judged, bounds: list[float]) -> list[float]:
    """The bounds, none above its ceiling."""
    return [min(pair) for pair in zip(bounds, j.ceilings, strict=True)] if j.ceilings else bounds


def off(j: Judged) -> bool:
    """Whether any leaf is further from the reference than allowed."""
    return any(ratio(*row)[0] > 1 for row in zip(j.hand, j.exact, j.allowed, strict=True))


def rounded(execute: Executor, j: Judged) -> Judged:
    """With what rounding does to rule and reference allowed, too."""
    return j._replace(allowed=[max(pair) for pair in zip(j.allowed, rounding(execute, j), strict=True)])


def tolerated(j: Judged) -> Judged:
    """With the error that the rule has allowed, where no finding is wrong: what is told from the rule is told by more than that."""
    errors = [_max(h - g) if h.shape == g.shape else 0.0 for h, g in zip(j.hand, j.exact, strict=True)]
    return j._replace(allowed=[max(pair) for pair in zip(j.allowed, errors, strict=True)])


def rounding(execute: Executor, j: Judged) -> list[float]:
    """What rounding in float64 can do to rule and reference: an error below it is lost precision, not wrong algebra.

    Judged by what rounding did to the rule in a coarser dtype (a mistake does not shrink with the roundoff as that does), and by
    random roundings: float32 saturates before float64 does, and then shows nothing.
    """
    probe, low = UNIT["float32"], j.low
    if unit_of(execute.subject.own) != probe:
        low = [cotangent_of(h, g) for h, g in zip(execute.hand(j.drawn, np.float32), j.exact, strict=True)]
    fits = [a.shape == g.shape and np.isfinite(a).all() for a, g in zip(low, j.exact, strict=True)]
    off = [_max(a - g) if fit else _max(g) for a, g, fit in zip(low, j.exact, fits, strict=True)]
    coarser = [ALGEBRA_FACTOR * UNIT["float64"] / probe * e for e in off]
    random = [0.0] * len(coarser)
    if execute.traceable:
        found = iter(_noise.scatter(execute, "hand", _pulled, j.drawn) or random)
        random = [0.0 if gone else next(found) for gone in j.absent]
    return capped(j, [max(a, b + c) for a, b, c in zip(coarser, random, reference_rounding(execute, j), strict=True)])


def reference_rounding(execute: Executor, j: Judged, dtype: Any = np.float64) -> list[float]:
    """What random roundings do to autodiff of the reference, in float64 or (None) in the leaves' own dtypes."""
    if execute.subject.mode == "differences":
        return [0.0] * len(j.exact)
    found = _noise.scatter(execute, "reference", _pulled_by_autodiff, j.drawn, dtype) or [0.0] * len(j.exact)
    return found if dtype is None else capped(j, found)


def _pulled_by_autodiff(subject: Subject, live: list, c: Any) -> list:
    return subject.pull_reference(live, c)[1]


def _pulled(subject: Subject, live: list, c: Any) -> list:
    return [leaf for leaf in subject.pull_hand(live, c) if leaf is not None]


def cotangent_of(leaf: Any, exact: np.ndarray) -> np.ndarray:
    """What a rule returned for a leaf as numbers: None is 0."""
    if leaf is None:
        return np.zeros_like(exact)
    # JAX hands a complex cotangent of a real argument on; its real part counts.
    real = np.iscomplexobj(leaf) and not np.iscomplexobj(exact)
    return numbers(leaf.real if real else leaf)


def bound_float64(exact: np.ndarray, low: np.ndarray, u: float) -> float:
    """What rounding in float64 can do to this leaf, judged by what rounding with unit roundoff ``u`` did to autodiff."""
    size = _max(exact)
    suffered = _max(low - exact) if np.isfinite(low).all() else size
    return ALGEBRA_FACTOR * (UNIT["float64"] / u * suffered + 4.0 * UNIT["float64"] * size)


def _lost(exact: np.ndarray, low: np.ndarray) -> bool:
    return not np.isfinite(low).all() or 16.0 * _max(low - exact) > _max(exact)


def bound_own(exact: np.ndarray, low: np.ndarray, u: float) -> float:
    """What rounding with unit roundoff ``u`` may do to a rule's leaf: 6 (max|autodiff_u - exact| + 4u max|exact|).

    In half precision that is 9% of the leaf and would hide a narrow accumulator, which loses 3% and more: there it is
    4 max|autodiff_u - exact| + 1.5u max|exact|.
    """
    both = np.isfinite(low) & np.isfinite(exact)
    if u > NARROW:
        return NARROW_FACTOR * _max(low[both] - exact[both]) + 1.5 * u * _max(exact[both])
    return FACTOR * (_max(low[both] - exact[both]) + 4.0 * u * _max(exact[both]))


def ratio(hand: np.ndarray, exact: np.ndarray, allowed: Any) -> tuple[float, tuple[int, ...]]:
    """(largest error / allowed, its index). A wrong shape, or a number that is not finite where it should be, is infinite."""
    if hand.shape != exact.shape:
        return np.inf, ()
    known = np.isfinite(exact)
    with np.errstate(divide="ignore", invalid="ignore"):
        error = abs(hand - exact)
        ratios = np.where(known, np.where(error == 0, 0.0, np.where(np.isfinite(hand), error / allowed, np.inf)), 0.0)
    ratios = np.where(np.isnan(ratios), np.inf, ratios)  # an allowance that is no number allows nothing
    if ratios.size == 0:
        return 0.0, ()
    worst = np.unravel_index(int(np.argmax(ratios)), ratios.shape)
    return float(ratios[worst]), tuple(int(i) for i in worst)


def ulps(leaf: np.ndarray) -> float:
    """Rounding of the rule's own numbers: all there is to go by where the reference's are 0 or not finite."""
    return 64 * 2.0**-53 * float(abs(leaf[np.isfinite(leaf)]).max(initial=0.0))


def scalar(value: Any) -> Any:
    """A number for a report: a float, or a complex."""
    return complex(value) if np.iscomplexobj(value) else float(value)


def told_apart(got: Any, expected: Any) -> tuple[str, str]:
    """Two numbers with as many digits as it takes to see that they differ.

    >>> told_apart(0.5, 0.25), told_apart(1.0, 1.0 + 1e-9)
    (('0.5', '0.25'), ('1', '1.000000001'))
    """
    for digits in range(6, 18):
        shown = f"{got:.{digits}g}", f"{expected:.{digits}g}"
        if shown[0] != shown[1]:
            break
    return shown


def _max(a: np.ndarray) -> float:
    a = a[np.isfinite(a)] if a.size else a
    return float(abs(a).max()) if a.size else 0.0
