"""The rule differentiated once more."""

from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from bpnn_jax.audit._judge import ratio, scalar
from bpnn_jax.audit._report import Finding
from bpnn_jax.audit._subject import wide
from bpnn_jax.audit.checks._seen import Seen


def findings(seen: Seen) -> Iterator[Finding]:
    """The rule differentiated once more, against the reference differentiated twice, in a random direction."""
    if seen.options.order == 1:
        return
    execute, seed = seen.execute, seen.options.seed
    width, start = execute.subject.widest, execute.subject
    with wide(width):

        def along(pull: Callable) -> Callable:
            def product(live: list, c: Any, carried: list, v: list) -> list:
                def inner(live: list) -> Any:
                    pairs = zip(v, pull(start.carrying(carried), live, c), strict=True)
                    return sum(jnp.sum(a * b).real for a, b in pairs if b is not None)

                return jax.grad(inner)(live)

            return jax.jit(product)

        of_rule = along(lambda subject, live, c: subject.pull_hand(live, c))
        of_reference = along(lambda subject, live, c: subject.pull_reference(live, c)[1])
        for j in seen.usable[:2]:
            inputs = start.inputs(j.drawn, width)
            rng = np.random.default_rng((seed, 2))
            v = [jnp.asarray(rng.standard_normal(a.shape)) for a in inputs[0]]
            try:
                got = [np.asarray(a) for a in of_rule(*inputs, v)]
            except Exception as error:
                first = str(error).splitlines()[0] if str(error) else ""
                yield Finding("second-order-fails", "wrong", f"the rule cannot be differentiated again: {first}")
                return
            expected = [np.asarray(a) for a in of_reference(*inputs, v)]
            for name, g, e in zip(execute.subject.arguments.names, got, expected, strict=True):
                size = abs(e[np.isfinite(e)]).max(initial=0.0)
                # Twice differentiated: rounding is amplified, a mistake is not this small.
                r, index = ratio(g, e, max(1e-9, 64 * execute.subject.unit) * size)
                if r > 1:
                    numbers = {"got": scalar(g[index]), "expected": scalar(e[index])}
                    sentence = (
                        f"second derivative along {name}: {numbers['got']:.6g} where {numbers['expected']:.6g} is right"
                    )
                    yield Finding("second-order", "wrong", sentence, leaf=name, index=index, numbers=numbers)
                    return
