"""A pass says what it saw: leaves whose gradient is 0 on every draw, allowances as large as the leaf, arrays without elements."""

from collections.abc import Iterator

import numpy as np

from bpnn_jax.audit import _differences
from bpnn_jax.audit._report import Finding
from bpnn_jax.audit.checks._seen import Seen


def findings(seen: Seen) -> Iterator[Finding]:
    """A note for each leaf that shows nothing; inconclusive where none shows anything."""
    names = seen.execute.subject.arguments.names
    blind: list[str] = []
    for i, name in enumerate(names):
        reason = _reason(seen, i)
        if reason:
            blind.append(name)
            yield Finding("nothing-seen", "note", f"{name}: {reason}", leaf=name)
        yield from _allowed_anything(seen, i, name)
    if len(blind) == len(names):
        sentence = (
            "no draw can tell this rule from another: its gradient is 0, or has no elements, wherever it was looked at"
        )
        yield Finding("nothing-seen", "inconclusive", sentence)


def _reason(seen: Seen, i: int) -> str:
    if all(j.exact[i].size == 0 for j in seen.judged):
        return "has no elements"
    known = [j for j in seen.usable if np.isfinite(j.exact[i]).all()]
    if known and not any(j.exact[i].any() or j.hand[i].any() for j in known):
        return "its gradient is 0 on every draw, by the rule and by the reference"
    return ""


def _allowed_anything(seen: Seen, i: int, name: str) -> Iterator[Finding]:
    """Where the allowance reaches its ceiling on every draw, half of the leaf could be wrong: differences must side with the rule."""
    judged = [j for j in seen.judged if j.ceilings and np.isfinite(j.exact[i]).all()]
    if not judged or not all(j.allowed[i] >= j.ceilings[i] for j in judged):
        return
    said = [
        _differences.agrees(
            seen.execute.value(j.drawn), j.drawn, j.hand, i, seen.options.seed, seen.execute.subject.unit
        )
        for j in judged[:3]
        if j.hand[i].shape == j.exact[i].shape
    ]
    if True in said and False not in said:
        return
    sentence = (
        f"{name}: autodiff of the reference loses all its digits on every draw, and differences are too rough to tell"
    )
    yield Finding("allowance-too-large", "inconclusive", sentence, leaf=name)
