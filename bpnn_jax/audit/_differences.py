"""Central differences with Richardson's extrapolation: a third opinion where autodiff is no authority, and a look at kinks."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from bpnn_jax.audit._draws import Drawn
from bpnn_jax.audit._executor import Executor
from bpnn_jax.audit._judge import Judged
from bpnn_jax.audit._subject import Subject, wide

STEP = 1e-3
UNIT64 = 2.0**-53


class Slope(NamedTuple):
    """A directional derivative, and how far off it may be."""

    value: float
    error: float


def slope(value: Callable[[list], float], at: list[np.ndarray], leaf: int, direction: np.ndarray, unit: float) -> Slope:
    """D* = (4 D(h) - D(2h))/3 with central differences D; error |D(h) - D(2h)|/3 + 8u|f|/h. ``direction`` has unit length."""

    def moved(step: float) -> float:
        live = [a + step * direction if i == leaf else a for i, a in enumerate(at)]
        return value(live)

    size = float(np.sqrt(np.mean(at[leaf] ** 2))) if at[leaf].size else 1.0
    h = STEP * max(1.0, size)
    near, far = (moved(h) - moved(-h)) / (2 * h), (moved(2 * h) - moved(-2 * h)) / (4 * h)
    f = abs(value(at))
    return Slope((4 * near - far) / 3, abs(near - far) / 3 + 8 * unit * f / h)


def agrees(
    value: Callable, drawn: Drawn, exact: list[np.ndarray], leaf: int, seed: int, unit: float = UNIT64
) -> bool | None:
    """Whether autodiff's gradient of one leaf agrees with a difference in a random direction; None where that cannot be told."""
    rng = np.random.default_rng((seed, leaf, 5))
    direction = rng.standard_normal(exact[leaf].shape)
    direction /= np.sqrt((direction**2).sum()) or 1.0
    found = slope(value, drawn.live, leaf, direction, unit)
    expected = float((direction * exact[leaf]).sum())
    if not (np.isfinite(found.value) and np.isfinite(expected)):
        return None
    size = float(np.sqrt((exact[leaf] ** 2).sum()))
    if found.error > 0.01 * max(size, abs(found.value)):
        return None  # the difference is too rough here to say anything: a kink within the step, or a steep curve
    return abs(found.value - expected) <= 10.0 * found.error + max(1e-7, 64 * unit) * size


def is_kink(
    value: Callable, drawn: Drawn, leaf: int, index: tuple[int, ...], hand: float, unit: float = UNIT64
) -> bool:
    """Whether the one-sided derivatives differ at this element, with the rule's value between them (or equal to one)."""
    direction = np.zeros(drawn.live[leaf].shape)
    direction[index] = 1.0
    here = value(drawn.live)

    def one_sided(sign: float, h: float) -> float:
        live = [a + sign * h * direction if i == leaf else a for i, a in enumerate(drawn.live)]
        return sign * (value(live) - here) / h

    x = abs(float(drawn.live[leaf][index]))
    h = max(1e-6, 30 * unit**0.5) * max(1.0, x)
    right, left = one_sided(1.0, h), one_sided(-1.0, h)
    gap = abs(right - left)
    scale = max(abs(right), abs(left), 1e-12)
    rounding = 64 * unit * abs(here) / h
    if not np.isfinite([right, left]).all() or gap < max(1e-4 * scale, rounding):
        return False
    # A smooth function's one-sided differences come together linearly as h shrinks; a kink's do not.
    if gap < 0.5 * abs(one_sided(1.0, 8 * h) - one_sided(-1.0, 8 * h)):
        return False
    low, high = min(left, right), max(left, right)
    return low - 1e-3 * scale <= hand <= high + 1e-3 * scale


def supports(
    value: Callable, drawn: Drawn, leaf: int, index: tuple[int, ...], hand: float, exact: float, unit: float = UNIT64
) -> bool:
    """Whether at this element differences agree with the rule and not with autodiff: then autodiff is what is wrong."""
    direction = np.zeros(drawn.live[leaf].shape)
    direction[index] = 1.0
    found = slope(value, drawn.live, leaf, direction, unit)
    near = 10.0 * found.error + max(1e-7, 64 * unit) * abs(found.value)
    return bool(np.isfinite(near) and abs(found.value - hand) <= near < 0.01 * abs(exact - hand))


def weighed(subject: Subject, live: list, c: Any) -> jax.Array:
    """<cotangent, f(live)>: what the cotangents are the gradient of. Traceable."""
    out = subject.rule.fun(*subject.args(live))
    pairs = zip(jax.tree.leaves(c), jax.tree.leaves(out), strict=True)
    return sum((jnp.vdot(jnp.asarray(a, jnp.float64), b) for a, b in pairs), jnp.zeros(()))


def scalar(execute: Executor) -> Callable[[list], float]:
    """The same in float64, as a function of the live leaves."""
    jitted = execute.compiled("value", weighed, (execute.subject.rule.fun,))

    def value(live: list) -> float:
        with wide(jnp.float64):
            return float(jitted([np.asarray(a, np.float64) for a in live], execute.subject.cotangent))

    return value


def at_kink(execute: Executor, j: Judged, i: int, value: Callable) -> bool:
    """Whether every element that is wrong lies on a kink, looked at one by one (at most eight of them)."""
    hand, exact = j.hand[i], j.exact[i]
    if hand.shape != exact.shape or not np.isfinite(hand).all():
        return False
    wrong = np.argwhere(abs(hand - exact) > j.allowed[i])
    if len(wrong) == 0:
        return False
    chosen = wrong[:: max(1, len(wrong) // 8)][:8]
    indices = (tuple(int(n) for n in index) for index in chosen)
    return all(is_kink(value, j.drawn, i, index, float(hand[index]), execute.subject.unit) for index in indices)


def autodiff_wrong(execute: Executor, j: Judged, i: int, value: Callable) -> bool:
    """Whether differences side with the rule at every element that is wrong, looked at one by one (at most eight of them)."""
    hand, exact = j.hand[i], j.exact[i]
    if hand.shape != exact.shape or not np.isfinite(hand).all():
        return False
    indices = [tuple(int(n) for n in index) for index in np.argwhere(abs(hand - exact) > j.allowed[i])]
    return bool(indices) and all(
        supports(value, j.drawn, i, index, float(hand[index]), float(exact[index]), execute.subject.unit)
        for index in indices[:: max(1, len(indices) // 8)][:8]
    )
