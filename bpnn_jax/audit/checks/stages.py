"""Each hand-written stage, given the reference's cotangents from above."""

from collections.abc import Iterator

from bpnn_jax.audit._report import Finding
from bpnn_jax.audit.checks._seen import Seen


def findings(seen: Seen) -> Iterator[Finding]:
    """The stages that are wrong, from the output down."""
    for s in seen.stages:
        if s.verdict == "wrong":
            sentence = f"stage {s.name} is wrong by {s.error:.3g}, given right cotangents from above"
            yield Finding("wrong-stage", "wrong", sentence, leaf=s.name)
