"""Each cotangent has its primal's shape and dtype, and a live input gets one."""

from collections.abc import Iterator

import numpy as np

from bpnn_jax.audit._leaves import dtype_of
from bpnn_jax.audit._report import Finding
from bpnn_jax.audit.checks._seen import Seen


def findings(seen: Seen) -> Iterator[Finding]:
    """Each cotangent has its primal's shape and dtype, and a live input gets one."""
    execute, judged = seen.execute, seen.last
    raw = execute.returned(judged.drawn)
    rows = zip(execute.subject.arguments.names, execute.subject.arguments.examples, raw, judged.exact, strict=True)
    for name, example, got, exact in rows:
        if got is None:
            if abs(exact).max(initial=0.0) > 0:
                sentence = f"{name} got None, which stands for zero; its gradient is up to {abs(exact).max():.3g}"
                yield Finding("none-for-live", "wrong", sentence, leaf=name)
            continue
        if np.shape(got) != np.shape(example):
            sentence = f"{name}: expected a cotangent of shape {np.shape(example)}, got {np.shape(got)}"
            yield Finding("wrong-shape", "wrong", sentence, leaf=name)
        dtype = getattr(got, "dtype", np.dtype(type(got)))
        if dtype != dtype_of(example) and execute.traceable:
            sentence = f"{name}: expected a cotangent of dtype {dtype_of(example)}, got {dtype}"
            complex_for_real = np.iscomplexobj(np.zeros(0, dtype)) and not np.iscomplexobj(
                np.zeros(0, dtype_of(example))
            )
            yield Finding("wrong-dtype", "note" if complex_for_real else "wrong", sentence, leaf=name)
