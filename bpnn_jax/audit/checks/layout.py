"""A NumPy rule gives the same on arrays that lie in memory in another way."""

from collections.abc import Iterator

import numpy as np

from bpnn_jax.audit._judge import cotangent_of, ratio, ulps
from bpnn_jax.audit._report import Finding
from bpnn_jax.audit.checks._seen import Seen


def strided(a: np.ndarray) -> np.ndarray:
    """Every other element of an array twice as long."""
    if not a.ndim:
        return a
    wide = np.repeat(a, 2, axis=-1)
    wide[..., 1::2] = 0
    return wide[..., ::2]


LAYOUTS = {"transposed in memory": np.asfortranarray, "strided": strided}


def findings(seen: Seen) -> Iterator[Finding]:
    """The leaf that comes out differently."""
    execute, judged = seen.execute, seen.last
    if execute.traceable or execute.how.arrays != "numpy":
        return
    for how, layout in LAYOUTS.items():
        try:
            found = execute.eager(judged.drawn, execute.subject.widest, layout=layout).leaves
        except Exception as error:
            said = str(error).splitlines()[0] if str(error) else ""
            yield Finding("layout-fails", "note", f"the rule fails on arrays {how}: {type(error).__name__}: {said}")
            continue
        for name, got, once, allowed in zip(
            execute.subject.arguments.names, found, judged.hand, judged.allowed, strict=True
        ):
            if got is None:
                continue
            r, index = ratio(cotangent_of(got, once), once, allowed + ulps(once))
            if r > 1:
                sentence = f"{name} comes out differently where the arguments are {how}"
                yield Finding("layout-differs", "wrong", sentence, leaf=name, index=index, draw=judged.drawn.name)
                return
