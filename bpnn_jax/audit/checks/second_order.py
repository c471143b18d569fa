"""The rule differentiated once more."""

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
    """The rule differentiated once more, against the reference differentiated twice, in a random direction."""
    if seen.options.order == 1:
        return
    execute, seed = seen.execute, seen.options.seed
    with wide(jnp.float64):
        c = execute.subject.typed(jnp.float64)

        def along(pull):
            def product(live, v):
                def inner(live):
                    found = pull(live, c)
                    return sum(jnp.vdot(a, b) for a, b in zip(v, found, strict=True) if b is not None)

                return jax.grad(inner)(live)

            return jax.jit(product)

        of_rule, of_reference = (
            along(execute.subject.pull_hand),
            along(lambda live, c: execute.subject.pull_reference(live, c)[1]),
        )
        for j in seen.usable[:2]:
            live = as_jax(j.drawn.live, execute.subject.arguments, jnp.float64)
            rng = np.random.default_rng((seed, 2))
            v = [jnp.asarray(rng.standard_normal(a.shape)) for a in live]
            try:
                got = [np.asarray(a) for a in of_rule(live, v)]
            except Exception as error:
                first = str(error).splitlines()[0] if str(error) else ""
                yield Finding("second-order-fails", "wrong", f"the rule cannot be differentiated again: {first}")
                return
            expected = [np.asarray(a) for a in of_reference(live, v)]
            for name, g, e in zip(execute.subject.arguments.names, got, expected, strict=True):
                size = abs(e[np.isfinite(e)]).max(initial=0.0)
                # Twice differentiated: rounding is amplified, a mistake is not this small.
                r, index = ratio(g, e, max(1e-9, 64 * execute.subject.unit) * size)
                if r > 1:
                    numbers = {"got": float(g[index]), "expected": float(e[index])}
                    sentence = (
                        f"second derivative along {name}: {numbers['got']:.6g} where {numbers['expected']:.6g} is right"
                    )
                    yield Finding("second-order", "wrong", sentence, leaf=name, index=index, numbers=numbers)
                    return
