"""A rule that JAX does not trace leaves its arguments as they were."""

from collections.abc import Iterator

from bpnn_jax.audit._report import Finding
from bpnn_jax.audit.checks._seen import Seen


def findings(seen: Seen) -> Iterator[Finding]:
    """The arguments that the rule changed."""
    if seen.execute.traceable:  # JAX's arrays cannot be changed
        return
    for name in seen.execute.eager(seen.last.drawn).mutated:
        yield Finding("mutates-input", "wrong", f"{name} was changed in place by the rule", leaf=name)
