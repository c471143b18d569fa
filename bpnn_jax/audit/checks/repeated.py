"""Two runs agree to the bit."""

from collections.abc import Iterator

import numpy as np

from bpnn_jax.audit._leaves import numbers
from bpnn_jax.audit._report import Finding
from bpnn_jax.audit.checks._seen import Seen


def findings(seen: Seen) -> Iterator[Finding]:
    """Two runs agree to the bit."""
    execute, judged = seen.execute, seen.last
    one, two = execute.hand(judged.drawn), execute.hand(judged.drawn)
    for name, a, b in zip(execute.subject.arguments.names, one, two, strict=True):
        if a is not None and not np.array_equal(numbers(a), numbers(b), equal_nan=True):
            apart = float(np.nanmax(abs(numbers(a) - numbers(b))))
            sentence = f"two runs on the same input differ by up to {apart:.3g} in {name}"
            yield Finding("nondeterministic", "inconclusive", sentence, leaf=name, numbers={"size": apart})
