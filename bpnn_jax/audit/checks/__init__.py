"""One file per check: ``findings(seen)`` yields what it found. A new check is a file here and a name in one of the two lists."""

from bpnn_jax.audit.checks import (
    compiled,
    in_place,
    layout,
    linearity,
    primal,
    reference,
    repeated,
    second_order,
    stages,
    types,
    vacuous,
    values,
)
from bpnn_jax.audit.checks._seen import Seen

PROMISES = (types, linearity, primal, repeated, compiled, in_place, layout)  # of every rule, whatever it computes
CHECKS = (values, *PROMISES, reference, vacuous, stages, second_order)

__all__ = ["CHECKS", "PROMISES", "Seen", "vacuous", "values"]
