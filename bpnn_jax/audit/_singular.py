"""Where autodiff of the reference is not a number although the function is: differences decide, element by element."""

from collections.abc import Iterator

import numpy as np

from bpnn_jax.audit import _differences
from bpnn_jax.audit._executor import Executor
from bpnn_jax.audit._judge import Judged, scalar
from bpnn_jax.audit._report import Finding

ELEMENTS = 8  # looked at on each draw
DRAWS = 3


def findings(execute: Executor, judged: list[Judged], i: int, name: str) -> Iterator[Finding]:
    """About one leaf: what the rule gives where autodiff gives none, and how often nothing can be said."""
    bad = [j for j in judged if not np.isfinite(j.exact[i]).all()]
    unknown = []
    for j in bad:
        if j.hand[i].shape != j.exact[i].shape:
            continue
        places = np.argwhere(~np.isfinite(j.exact[i]))
        said = [
            _element(execute, j, i, tuple(map(int, at)), name)
            for at in places[:: max(1, len(places) // ELEMENTS)][:ELEMENTS]
        ]
        wrong = next((f for f in said if isinstance(f, Finding) and f.weight == "wrong"), None)
        if wrong is not None:
            yield wrong
            return
        if "unknown" in said and not j.drawn.placed:
            unknown.append(j)
        elif note := next((f for f in said if isinstance(f, Finding)), None):
            yield note
    if unknown:
        many = f"{len(unknown)} of {len(judged)} draws, the first {unknown[0].drawn.name}"
        both = not any(np.isfinite(j.hand[i]).all() for j in unknown)
        own = "the rule's too" if both else "the rule's is finite there"
        sentence = f"{name}: the reference's gradient is not finite on {many}; {own}"
        yield Finding("nan-in-reference", "inconclusive", sentence, leaf=name, draw=unknown[0].drawn.name)


def _element(execute: Executor, j: Judged, i: int, index: tuple[int, ...], name: str) -> Finding | str:
    """A finding, "fine", or "unknown"."""
    value, unit = execute.value(j.drawn), execute.subject.unit
    found = _differences.sides(value, j.drawn, i, index, unit)
    if found is None:
        return "unknown"
    got, at, draw = scalar(j.hand[i][index]), f"{name}{list(index)}", j.drawn.name
    slopes = f"slopes are {found.left:.4g} and {found.right:.4g}"
    if not np.isfinite(got):
        would = (
            "any value between them would do" if found.kink else "autodiff of the reference is no number there either"
        )
        sentence = f"{at} is {got} where the function's {slopes}: {would} ({draw})"
        numbers = {"left": found.left, "right": found.right}
        return Finding("nan-in-rule", "wrong", sentence, leaf=name, index=index, numbers=numbers, draw=draw)
    if found.kink:
        if not _differences.between(found, got):
            return "unknown"
        sentence = f"{at} lies on a kink where autodiff is no number ({draw}): {got:.4g} is between the slopes"
        return Finding("kink", "note", sentence, leaf=name, index=index, numbers={"got": got}, draw=draw)
    slope = _differences.element(value, j.drawn, i, index, unit)
    if not np.isfinite(slope.value) or slope.error > 1e-3 * max(abs(slope.value), 1e-12):
        return "unknown"
    if abs(got - slope.value) <= 10 * slope.error + 1e-5 * max(1.0, abs(slope.value)):
        return "fine"
    sentence = (
        f"{at} is {got:.6g} where differences give {slope.value:.6g}, and autodiff of the reference no number ({draw})"
    )
    numbers = {"got": got, "expected": float(slope.value)}
    return Finding("wrong-value", "wrong", sentence, leaf=name, index=index, numbers=numbers, draw=draw)
