"""Two approximations of one derivative: a rule by another formula than its body's, both as good as the dtype they are meant for."""

from collections.abc import Sequence

import numpy as np

from bpnn_jax.audit._executor import Executor
from bpnn_jax.audit._judge import Judged, cotangent_of
from bpnn_jax.audit._leaves import UNIT, unit_of

ROOM = 16.0  # times the unit roundoff of float32, relative to each element
UNSEEN = 1.0  # times the unit roundoff of float32, relative to the leaf's largest element
FAR_ROOM = 64.0  # where the arguments are far smaller or larger than the example
SCALES = (1e-8, 1e-6, 1e-4, 1e-2, 1e2)
STEADY = 0.1  # of the largest relative error: what varies by less is one factor throughout, and no approximation


def is_approximate(execute: Executor, failing: Sequence[Judged], i: int, judged: Sequence[Judged] = ()) -> bool:
    """Whether leaf ``i`` of a rule for float32 or less differs from the reference by what float32 does not resolve, and always does.

    An eps that the rule forgets, or a factor that is a little off, is no such thing: the first shows where the arguments are small,
    the second is the same on every draw of ``judged``. What shows in one branch alone is an approximation only if no run in float32
    could tell (a series cut off where another formula takes over), and then it is looked at near every such draw.
    """
    ordinary = any(not j.drawn.placed for j in failing)
    if not is_fine(execute, failing, i, ROOM if ordinary else 0.0) or any(execute.subject.domains):
        return False
    relative: list[float] = []
    for j in judged or failing:
        some = np.isfinite(j.exact[i]) & (j.exact[i] != 0)
        relative += list(((j.hand[i] - j.exact[i])[some] / j.exact[i][some]).real)
    if not relative or np.ptp(relative) <= STEADY * max(map(abs, relative)):
        return False
    around = failing[:1] if ordinary else failing
    near = [found for j in around for scale in SCALES if (found := _near_at(execute, j, i, scale)) is not None]
    return len(near) > 1 and all(near)


def is_fine(execute: Executor, failing: Sequence[Judged], i: int, room: float = ROOM) -> bool:
    """Whether leaf ``i`` is off by no more than float32 resolves, in a rule for float32 or less.

    Each element by ``room`` units of its own size, or by one unit of the leaf's largest element.
    """
    u = UNIT["float32"]

    def near(hand: np.ndarray, exact: np.ndarray) -> bool:
        allowed = u * np.maximum(room * abs(exact), UNSEEN * abs(exact).max(initial=0.0))
        return hand.shape == exact.shape and bool((abs(hand - exact) <= allowed).all())

    return unit_of(execute.subject.own) >= u and all(near(j.hand[i], j.exact[i]) for j in failing)


def _near_at(execute: Executor, j: Judged, i: int, scale: float) -> bool | None:
    """Whether rule and reference agree where every argument is ``scale`` times as large; None where nothing can be said."""
    drawn = j.drawn._replace(live=[scale * leaf for leaf in j.drawn.live])
    exact = execute.reference(drawn, np.float64)[i]
    hand = cotangent_of(execute.hand(drawn, np.float64)[i], exact)
    size = abs(exact).max(initial=0.0)
    if scale > 1:  # a tail, which is next to nothing beside the leaf
        size = max(size, abs(j.exact[i]).max(initial=0.0))
    if not np.isfinite(exact).all() or not exact.any():
        return None
    return bool((abs(hand - exact) <= FAR_ROOM * UNIT["float32"] * size).all())
