"""bwd(0) = 0, and bwd(-2c) = -2 bwd(c): what clips, normalises or adds a constant breaks one of them."""

from collections.abc import Iterator

import numpy as np

from bpnn_jax.audit._judge import cotangent_of, ratio, scalar, told_apart, ulps
from bpnn_jax.audit._report import Finding
from bpnn_jax.audit.checks._seen import Seen

LOOSE = 1e-6  # of a leaf: an algorithm of many steps (a matrix exponential) rounds another way at another scale


def findings(seen: Seen) -> Iterator[Finding]:
    """bwd(0) = 0, and bwd(-2c) = -2 bwd(c): what clips, normalises or adds a constant breaks one of them."""
    execute, judged = seen.execute, seen.last
    if not execute.subject.rule.linear:
        return
    for scale, code, sentence in (
        (0.0, "nonzero-at-zero", "a zero cotangent gives {got}, not 0, in {name}"),
        (
            -2.0,
            "not-linear",
            "the rule is not linear in the cotangent: {name} is {got} where linearity says {expected}",
        ),
        (
            2.0**13,  # a power of two: most rounding stays the same, digit for digit
            "not-linear",
            "the rule is not linear in the cotangent: {name} is {got} where linearity says {expected}",
        ),
    ):
        found = execute.hand(judged.drawn, execute.subject.widest, scale)
        for name, got, once, allowed in zip(
            execute.subject.arguments.names, found, judged.hand, judged.allowed, strict=True
        ):
            if got is None or not np.isfinite(once).all():
                continue
            room = allowed + ulps(once) + (LOOSE * abs(once).max(initial=0.0) if scale else 0.0)
            r, index = ratio(cotangent_of(got, once), scale * once, max(abs(scale), 1.0) * room)
            if r > 1 and cotangent_of(got, once).shape == once.shape:
                seen_numbers = {"got": scalar(cotangent_of(got, once)[index]), "expected": scalar(scale * once[index])}
                shown = told_apart(seen_numbers["got"], seen_numbers["expected"])
                said = sentence.format(name=name, got=shown[0], expected=shown[1])
                yield Finding(code, "wrong", said, leaf=name, index=index, numbers=seen_numbers, draw=judged.drawn.name)
                return
