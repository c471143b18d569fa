"""Where autodiff is no authority on an element that is wrong: kinks of the function, and references that differences contradict."""

import numpy as np

from bpnn_jax.audit import _differences
from bpnn_jax.audit._executor import Executor
from bpnn_jax.audit._judge import Judged


def at_kink(execute: Executor, j: Judged, i: int) -> bool:
    """Whether every element that is wrong lies on a kink, looked at one by one (at most eight of them)."""
    hand, exact = j.hand[i], j.exact[i]
    if hand.shape != exact.shape or not np.isfinite(hand).all():
        return False
    wrong = np.argwhere(abs(hand - exact) > j.allowed[i])
    if len(wrong) == 0:
        return False
    chosen = wrong[:: max(1, len(wrong) // 8)][:8]
    indices = (tuple(int(n) for n in index) for index in chosen)
    return all(
        _differences.is_kink(execute.value(j.drawn), j.drawn, i, index, hand[index], execute.subject.unit)
        for index in indices
    )


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
