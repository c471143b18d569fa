"""The forward pass of the rule computes the function itself."""

from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np

from bpnn_jax.audit._draws import as_jax
from bpnn_jax.audit._judge import ratio
from bpnn_jax.audit._report import Finding
from bpnn_jax.audit._subject import wide
from bpnn_jax.audit.checks._seen import Seen


def findings(seen: Seen) -> Iterator[Finding]:
    """The forward pass of the rule computes the function itself."""
    execute, judged = seen.execute, seen.last
    forward = execute.subject.rule.primal
    if forward is None:
        return
    with wide(jnp.float64):
        args = execute.subject.args(as_jax(judged.drawn.live, execute.subject.arguments, jnp.float64))
        got, expected = forward(*args), execute.subject.rule.fun(*args)
    if jax.tree.structure(got) != jax.tree.structure(expected):
        sentence = f"expected fwd's output like {jax.tree.structure(expected)}, got {jax.tree.structure(got)}"
        yield Finding("primal-differs", "wrong", sentence)
        return
    for a, b in zip(jax.tree.leaves(got), jax.tree.leaves(expected), strict=True):
        a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
        size = abs(b[np.isfinite(b)]).max(initial=0.0)
        # Two ways to compute one function in float64, each good to some hundreds of ulp of the largest output.
        r, index = ratio(a, b, max(1e-12, 64 * execute.subject.unit) * size)
        if r > 1:
            shown = (
                f"{a[index]:.6g} against {b[index]:.6g}" if a.shape == b.shape else f"shape {a.shape} against {b.shape}"
            )
            yield Finding("primal-differs", "wrong", f"fwd's output is not the function's: {shown}", index=index)
            return
