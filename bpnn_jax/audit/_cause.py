"""A guess at what went wrong, from the way in which a wrong leaf differs from the right one. Only ever a guess."""

from collections.abc import Mapping
from itertools import combinations

import numpy as np

CLOSE = 1e-6  # a factor is recognised to this relative error: far above rounding, far below a 1% mistake


def guess(hand: np.ndarray, exact: np.ndarray, sizes: Mapping[int, str], known: Mapping[str, np.ndarray]) -> str:
    """A sentence, or nothing. ``sizes`` are lengths that occur in the arguments, ``known`` named intermediates.

    >>> g = np.array([[1.0, 2.0], [3.0, -4.0]])
    >>> guess(2 * g, g, {}, {})
    'twice too large'
    >>> guess(g.T, g, {}, {})
    'transposed'
    """
    if hand.shape != exact.shape:
        if hand.shape == exact.shape[::-1] and _close(hand.T, exact):
            return "transposed"
        return _unsummed(hand, exact) or "another shape"
    if not np.isfinite(hand).all() or not exact.size or not np.isfinite(exact).all():
        return ""
    if not hand.any():
        return "zero: this leaf's gradient is missing"
    whole = _factor(hand, exact)
    if whole is not None:
        return _name_factor(whole, sizes)
    if np.iscomplexobj(exact) and _close(hand, np.conj(exact)):
        return "conjugated"
    if exact.ndim == 2 and exact.shape[0] == exact.shape[1] and _close(hand, exact.T):
        return "transposed"
    if exact.ndim >= 2 and _close(hand, exact.reshape(exact.shape[::-1]).T):
        return "transposed, or reshaped in place of a transpose"
    known = {name: value for name, value in known.items() if np.isfinite(value).all()}
    for name, value in known.items():
        if value.shape == exact.shape and _close(exact, hand * value):
            return f"a missing factor: {name}"
        if value.shape == exact.shape and _close(hand, exact * value):
            return f"a factor too many: {name}"
    if _close(abs(hand), abs(exact)):
        return f"the {'phase' if np.iscomplexobj(exact) else 'sign'} of some elements"
    wrong = abs(hand - exact) > CLOSE * abs(exact).max()
    if wrong.sum() == 1:
        return f"a single element, {tuple(int(i) for i in np.argwhere(wrong)[0])}"
    for axis in range(exact.ndim):
        lines = np.flatnonzero(wrong.any(axis=tuple(a for a in range(exact.ndim) if a != axis)))
        if exact.ndim > 1 and len(lines) == 1:
            part, right = (np.take(a, lines[0], axis) for a in (hand, exact))
            inner = guess(part, right, sizes, {})
            where = f"index {int(lines[0])} of axis {axis}" + (
                ", the last" if lines[0] == exact.shape[axis] - 1 else ""
            )
            return f"only {where}" + (f": {inner}" if inner else "")
    if summed := _summed_too_far(hand, exact):
        return summed
    added = hand - exact
    if abs(added - added.flat[0]).max() <= CLOSE * abs(added).max():
        return f"the constant {added.flat[0]:.4g} is added to every element"
    for name, value in known.items():
        if value.shape == exact.shape and value.any() and _factor(added, value) is not None:
            return f"{_factor(added, value):.4g} times {name} is added"
    for axis in range(exact.ndim):
        if exact.shape[axis] > 1 and _close(hand, np.roll(exact, 1, axis)):
            return f"shifted by one along axis {axis}"
        if exact.shape[axis] > 1 and _close(hand, np.roll(exact, -1, axis)):
            return f"shifted by one along axis {axis}"
    limit = abs(hand).max()
    if np.isclose(limit, abs(hand[wrong])).all() and _close(hand, np.clip(exact, -limit, limit)):
        return f"clipped to ±{limit:.4g}"
    return ""


def _summed_too_far(hand: np.ndarray, exact: np.ndarray) -> str:
    """Whether the leaf is the right one summed over axes of its own, the same along them."""
    for count in range(1, exact.ndim + 1):
        for axes in combinations(range(exact.ndim), count):
            total = exact.sum(axis=axes, keepdims=True)
            if total.size < exact.size and _close(hand, np.broadcast_to(total, exact.shape)):
                return f"summed over axis {', '.join(map(str, axes))} too: all its elements are alike along it"
    return ""


def _unsummed(hand: np.ndarray, exact: np.ndarray) -> str:
    """Whether the leaf is right once summed over the axes along which its argument was broadcast."""
    extra = hand.ndim - exact.ndim
    if extra < 0:
        return ""
    kept = [n == 1 < hand.shape[extra + axis] for axis, n in enumerate(exact.shape)]
    axes = tuple(range(extra)) + tuple(extra + axis for axis, broadcast in enumerate(kept) if broadcast)
    summed = hand.sum(axis=axes)
    fits = summed.size == exact.size and _close(summed.reshape(exact.shape), exact)
    return f"not summed over axis {', '.join(map(str, axes))}, along which it is broadcast" if fits else ""


def _close(a: np.ndarray, b: np.ndarray) -> bool:
    return a.shape == b.shape and bool((abs(a - b) <= CLOSE * max(abs(b).max(), 1e-300)).all()) and bool(b.any())


def _factor(hand: np.ndarray, exact: np.ndarray) -> float | None:
    """The one number by which a leaf is multiplied, if there is one."""
    square = float((abs(exact) ** 2).sum())
    if not square:
        return None
    factor = float((hand * np.conj(exact)).sum().real) / square
    return factor if _close(hand, factor * exact) else None


def _name_factor(factor: float, sizes: Mapping[int, str]) -> str:
    named = {2.0: "twice too large", 0.5: "half as large as it should be", -1.0: "the sign"}
    for value, name in named.items():
        if np.isclose(factor, value, rtol=CLOSE):
            return name
    for n, what in sizes.items():
        if n > 1 and np.isclose(factor, 1.0 / n, rtol=CLOSE):
            return f"divided by {n}, {what}"
        if n > 1 and np.isclose(factor, float(n), rtol=CLOSE):
            return f"multiplied by {n}, {what}"
    if abs(factor - 1) < 1e-4:
        return f"a relative {factor - 1:.3g} of it"
    return f"{factor:.6g} times what it should be"
