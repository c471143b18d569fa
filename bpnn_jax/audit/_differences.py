"""Central differences with Richardson's extrapolation: a third opinion where autodiff is no authority, and a look at kinks."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from bpnn_jax.audit._draws import Drawn

STEP = 1e-3
UNIT64 = 2.0**-53


class Slope(NamedTuple):
    """A directional derivative, and how far off it may be."""

    value: Any
    error: float


def slope(
    value: Callable[[list], float],
    at: list[np.ndarray],
    leaf: int,
    direction: np.ndarray,
    unit: float,
    size: float | None = None,
) -> Slope:
    """D* = (4 D(h) - D(2h))/3 with central differences D; error |D(h) - D(2h)|/3 + 8u|f|/h. ``direction`` has unit length."""

    def moved(step: float) -> float:
        live = [a + step * direction if i == leaf else a for i, a in enumerate(at)]
        return value(live)

    if size is None:
        size = max(1.0, float(np.sqrt(np.mean(abs(at[leaf]) ** 2))) if at[leaf].size else 1.0)
    h = STEP * (size or 1.0)
    near, far = (moved(h) - moved(-h)) / (2 * h), (moved(2 * h) - moved(-2 * h)) / (4 * h)
    f = abs(value(at))
    return Slope((4 * near - far) / 3, abs(near - far) / 3 + 8 * unit * f / h)


def agrees(
    value: Callable, drawn: Drawn, exact: list[np.ndarray], leaf: int, seed: int, unit: float = UNIT64
) -> bool | None:
    """Whether autodiff's gradient of one leaf agrees with a difference in a random direction; None where that cannot be told."""
    rng = np.random.default_rng((seed, leaf, 5))
    direction = rng.standard_normal(exact[leaf].shape)
    if np.iscomplexobj(exact[leaf]):
        direction = direction + 1j * rng.standard_normal(exact[leaf].shape)
    direction /= np.sqrt((abs(direction) ** 2).sum()) or 1.0
    found = slope(value, drawn.live, leaf, direction, unit)
    expected = float((direction * exact[leaf]).sum().real)
    if not (np.isfinite(found.value) and np.isfinite(expected)):
        return None
    size = float(np.sqrt((abs(exact[leaf]) ** 2).sum()))
    if found.error > 0.01 * max(size, abs(found.value)):
        return None  # the difference is too rough here to say anything: a kink within the step, or a steep curve
    return abs(found.value - expected) <= 10.0 * found.error + max(1e-7, 64 * unit) * size


def element(value: Callable, drawn: Drawn, leaf: int, index: tuple[int, ...], unit: float = UNIT64) -> "Slope":
    """The derivative with respect to one element, in steps that follow its own size where the leaf's are too long."""
    found: list[Slope] = []
    for turn in (1.0, 1j) if np.iscomplexobj(drawn.live[leaf]) else (1.0,):
        direction = np.zeros(drawn.live[leaf].shape, np.complex128 if turn == 1j else np.float64)
        direction[index] = turn
        best = slope(value, drawn.live, leaf, direction, unit)
        if not np.isfinite(best.value) or best.error > 1e-6 * abs(best.value):
            shorter = slope(value, drawn.live, leaf, direction, unit, abs(drawn.live[leaf][index]))
            if np.isfinite(shorter.value) and not best.error < shorter.error:
                best = shorter
        found.append(best)
    real = found[0]
    return real if len(found) == 1 else Slope(real.value - 1j * found[1].value, real.error + found[1].error)


def gradient(value: Callable, drawn: Drawn, unit: float = UNIT64) -> tuple[list[np.ndarray], list[float]]:
    """(every leaf by differences, how far off each may be): what is left where JAX has no derivative."""
    leaves, errors = [], []
    for i, leaf in enumerate(drawn.live):
        slopes = [element(value, drawn, i, index, unit) for index in np.ndindex(leaf.shape)]
        leaves.append(np.array([s.value for s in slopes], leaf.dtype).reshape(leaf.shape))
        errors.append(max((s.error for s in slopes if np.isfinite(s.error)), default=0.0))
    return leaves, errors


class Sides(NamedTuple):
    """The slopes on both sides of a point in one element; ``kink`` where they stay apart as the step shrinks."""

    left: float
    right: float
    kink: bool


def sides(value: Callable, drawn: Drawn, leaf: int, index: tuple[int, ...], unit: float = UNIT64) -> Sides | None:
    """The one-sided slopes with respect to one element; None where they are not finite or do not settle."""
    direction = np.zeros(drawn.live[leaf].shape)
    direction[index] = 1.0
    return sides_along(value, drawn, leaf, direction, unit)


def sides_along(value: Callable, drawn: Drawn, leaf: int, direction: np.ndarray, unit: float = UNIT64) -> Sides | None:
    """The one-sided slopes where several elements of a leaf move at once, by as much as ``direction`` says."""
    if np.iscomplexobj(drawn.live[leaf]):
        return None
    here = value(drawn.live)

    def one_sided(sign: float, h: float) -> float:
        live = [a + sign * h * direction if i == leaf else a for i, a in enumerate(drawn.live)]
        return sign * (value(live) - here) / h

    x = float(abs(drawn.live[leaf][direction != 0]).max(initial=0.0))
    h = max(1e-6, 30 * unit**0.5) * max(1.0, x)
    right, left = one_sided(1.0, h), one_sided(-1.0, h)
    far_right, far_left = one_sided(1.0, 8 * h), one_sided(-1.0, 8 * h)
    gap = abs(right - left)
    scale = max(abs(right), abs(left), 1e-12)
    if not np.isfinite([right, left, far_right, far_left]).all():
        return None
    if abs(right - far_right) + abs(left - far_left) > 0.1 * max(scale, 64 * unit * abs(here) / h):
        return None  # a slope that grows without bound, as a square root's at 0
    rounding = 64 * unit * abs(here) / h
    # A smooth function's one-sided differences come together linearly as h shrinks; a kink's do not.
    kink = gap >= max(1e-4 * scale, rounding) and gap >= 0.5 * abs(far_right - far_left)
    return Sides(left, right, kink)


def is_kink(value: Callable, drawn: Drawn, leaf: int, index: tuple[int, ...], hand: Any, unit: float = UNIT64) -> bool:
    """Whether the one-sided derivatives differ at this element, with the rule's value between them (or equal to one)."""
    found = sides(value, drawn, leaf, index, unit)
    return found is not None and found.kink and between(found, hand)


def between(found: Sides, hand: Any) -> bool:
    """Whether a slope is one of those that a kink allows."""
    low, high = min(found.left, found.right), max(found.left, found.right)
    slack = 1e-3 * max(abs(low), abs(high), 1e-12)
    return bool(low - slack <= hand <= high + slack)


def supports(
    value: Callable, drawn: Drawn, leaf: int, index: tuple[int, ...], hand: Any, exact: float, unit: float = UNIT64
) -> bool:
    """Whether at this element differences agree with the rule and not with autodiff: then autodiff is what is wrong."""
    found = element(value, drawn, leaf, index, unit)
    near = 10.0 * found.error + max(1e-7, 64 * unit) * abs(found.value)
    return bool(np.isfinite(near) and abs(found.value - hand) <= near < 0.01 * abs(exact - hand))
