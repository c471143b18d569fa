"""Autodiff of the reference against central differences: disagreeing twice is no accident."""

from collections.abc import Iterator

from bpnn_jax.audit import _differences, _precision
from bpnn_jax.audit._report import Finding
from bpnn_jax.audit.checks._seen import Seen

DRAWS = 3


def findings(seen: Seen) -> Iterator[Finding]:
    """The leaves in which the reference's own gradient cannot be trusted."""
    subject = seen.execute.subject
    if subject.mode == "differences" or any(subject.domains):  # a difference would step off the set
        return
    judged = seen.usable[:DRAWS]
    for i, name in enumerate(subject.arguments.names):

        def agree(unit: float, i: int = i) -> list[bool | None]:
            return [
                _differences.agrees(seen.execute.value(j.drawn), j.drawn, j.exact, i, seen.options.seed, unit)
                for j in judged
            ]

        said = agree(subject.unit)
        if said.count(False) >= 2 and (unit := _precision.of_reference(seen.execute, judged[0])) > subject.unit:
            said = agree(unit)  # a cast inside makes steps of the function, and differences of those are rough
        if said.count(False) >= 2:
            sentence = (
                f"{name}: autodiff of the reference disagrees with central differences on {said.count(False)} of {len(said)} draws; "
                "a stop_gradient or a custom rule inside it may be meant, so nothing is proved either way"
            )
            yield Finding("unresolved-reference", "inconclusive", sentence, leaf=name)
