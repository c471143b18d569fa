"""bwd(0) = 0, and bwd(-2c) = -2 bwd(c): what clips, normalises or adds a constant breaks one of them."""

from collections.abc import Iterator

import numpy as np

from bpnn_jax.audit._judge import cotangent_of, ratio, scalar, ulps
from bpnn_jax.audit._report import Finding
from bpnn_jax.audit.checks._seen import Seen


def findings(seen: Seen) -> Iterator[Finding]:
    """bwd(0) = 0, and bwd(-2c) = -2 bwd(c): what clips, normalises or adds a constant breaks one of them."""
    execute, judged = seen.execute, seen.last
    if not execute.subject.rule.linear:
        return
    for scale, code, sentence in (
        (0.0, "nonzero-at-zero", "a zero cotangent gives {got:.3g}, not 0, in {name}"),
        (
            -2.0,
            "not-linear",
            "the rule is not linear in the cotangent: {name} is {got:.6g} where linearity says {expected:.6g}",
        ),
        (
            2.0**13,  # a power of two: the rounding stays the same, digit for digit
            "not-linear",
            "the rule is not linear in the cotangent: {name} is {got:.6g} where linearity says {expected:.6g}",
        ),
    ):
        found = execute.hand(judged.drawn, execute.subject.widest, scale)
        for name, got, once, allowed in zip(
            execute.subject.arguments.names, found, judged.hand, judged.allowed, strict=True
        ):
            if got is None or not np.isfinite(once).all():
                continue
            r, index = ratio(cotangent_of(got, once), scale * once, max(abs(scale), 1.0) * (allowed + ulps(once)))
            if r > 1 and cotangent_of(got, once).shape == once.shape:
                seen_numbers = {"got": scalar(cotangent_of(got, once)[index]), "expected": scalar(scale * once[index])}
                said = sentence.format(name=name, **seen_numbers)
                yield Finding(code, "wrong", said, leaf=name, index=index, numbers=seen_numbers, draw=judged.drawn.name)
                return
