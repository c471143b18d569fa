"""Where autodiff is no authority on an element that is wrong: kinks of the function, and references that differences contradict."""

import numpy as np

from bpnn_jax.audit import _differences
from bpnn_jax.audit._executor import Executor
from bpnn_jax.audit._judge import Judged

SMOOTH = 1e-3  # of a slope: how near one-sided differences come to it


def at_kink(execute: Executor, j: Judged, i: int) -> bool:
    """Whether every element that is wrong lies on a kink, looked at one by one (at most eight of them), and all at once on none.

    Each of two tied maxima may have the whole slope or none of it, and not both the whole: where they move together the function
    is smooth.
    """
    hand, exact = j.hand[i], j.exact[i]
    if hand.shape != exact.shape or not np.isfinite(hand).all():
        return False
    wrong = np.argwhere(abs(hand - exact) > j.allowed[i])
    if len(wrong) == 0:
        return False
    chosen = wrong[:: max(1, len(wrong) // 8)][:8]
    indices = (tuple(int(n) for n in index) for index in chosen)
    value, unit = execute.value(j.drawn), execute.subject.unit
    one_by_one = all(_differences.is_kink(value, j.drawn, i, index, hand[index], unit) for index in indices)
    return one_by_one and not _wrong_at_once(execute, j, i)


def _wrong_at_once(execute: Executor, j: Judged, i: int) -> bool:
    """Whether the function is smooth where all wrong elements move together, with autodiff's slope and not the rule's."""
    together = (abs(j.hand[i] - j.exact[i]) > j.allowed[i]).astype(float)
    found = _differences.sides_along(execute.value(j.drawn), j.drawn, i, together, execute.subject.unit)
    if found is None or found.kink:
        return False
    slope, hand, exact = (found.left + found.right) / 2, (j.hand[i] * together).sum(), (j.exact[i] * together).sum()
    room = SMOOTH * max(abs(hand), abs(exact))
    return bool(abs(slope - exact) <= room < abs(slope - hand))


def autodiff_wrong(execute: Executor, j: Judged, i: int) -> bool:
    """Whether differences side with the rule at every element that is wrong, looked at one by one (at most eight of them)."""
    hand, exact = j.hand[i], j.exact[i]
    if hand.shape != exact.shape or not np.isfinite(hand).all():
        return False
    indices = [tuple(int(n) for n in index) for index in np.argwhere(abs(hand - exact) > j.allowed[i])]
    return bool(indices) and all(
        _differences.supports(
            execute.value(j.drawn), j.drawn, i, index, hand[index], exact[index], execute.subject.unit
        )
        for index in indices[:: max(1, len(indices) // 8)][:8]
    )
