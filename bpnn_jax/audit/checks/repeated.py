"""Runs on the same input agree to the bit, and do not depend on what was run before."""

from collections.abc import Iterator

import numpy as np

from bpnn_jax.audit._leaves import numbers
from bpnn_jax.audit._report import Finding
from bpnn_jax.audit.checks._seen import Seen

RUNS = 3


def findings(seen: Seen) -> Iterator[Finding]:
    """The first and the last draw run again, and again."""
    execute = seen.execute
    for drawn in (seen.usable[0].drawn, seen.last.drawn):
        runs = [execute.hand(drawn) for _ in range(RUNS)]
        for k, name in enumerate(execute.subject.arguments.names):
            found = [numbers(run[k]) for run in runs if run[k] is not None]
            if any(not np.array_equal(found[0], other, equal_nan=True) for other in found[1:]):
                apart = max(float(np.nanmax(abs(found[0] - other))) for other in found[1:])
                sentence = f"two runs on the same input differ by up to {apart:.3g} in {name}"
                yield Finding("nondeterministic", "inconclusive", sentence, leaf=name, numbers={"size": apart})
                return
