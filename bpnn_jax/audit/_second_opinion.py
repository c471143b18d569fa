"""Where autodiff is no authority: kinks of the function, and references that central differences contradict."""

from collections.abc import Callable, Iterator

import numpy as np

from bpnn_jax.audit import _differences
from bpnn_jax.audit._judge import Judged
from bpnn_jax.audit._report import Finding
from bpnn_jax.audit._run import Runner


def at_kink(runner: Runner, j: Judged, i: int, value: Callable) -> bool:
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


def autodiff_wrong(runner: Runner, j: Judged, i: int, value: Callable) -> bool:
    """Whether differences side with the rule at every element that is wrong, looked at one by one (at most eight of them)."""
    hand, exact = j.hand[i], j.exact[i]
    if hand.shape != exact.shape or not np.isfinite(hand).all():
        return False
    indices = [tuple(int(n) for n in index) for index in np.argwhere(abs(hand - exact) > j.allowed[i])]
    return bool(indices) and all(
        _differences.supports(value, j.drawn, i, index, float(hand[index]), float(exact[index]), runner.unit)
        for index in indices[:: max(1, len(indices) // 8)][:8]
    )


def reference(runner: Runner, judged: list[Judged], value: Callable, seed: int) -> Iterator[Finding]:
    """Autodiff of the reference against central differences: disagreeing twice is no accident."""
    for i, name in enumerate(runner.arguments.names):
        said = [_differences.agrees(value, j.drawn, j.exact, i, seed, runner.unit) for j in judged]
        if said.count(False) >= 2:
            sentence = (
                f"{name}: autodiff of the reference disagrees with central differences on {said.count(False)} of {len(said)} draws; "
                "a stop_gradient or a custom rule inside it may be meant, so nothing is proved either way"
            )
            yield Finding("unresolved-reference", "inconclusive", sentence, leaf=name)
