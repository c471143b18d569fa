"""Eager and vmapped runs give what the compiled run gave, to rounding."""

from collections.abc import Iterator
from typing import Any

import jax
import numpy as np

from bpnn_jax.audit._executor import Executor
from bpnn_jax.audit._judge import Judged, cotangent_of, ratio, ulps
from bpnn_jax.audit._report import Finding
from bpnn_jax.audit._subject import Subject, wide
from bpnn_jax.audit.checks._seen import Seen


def findings(seen: Seen) -> Iterator[Finding]:
    """Eager and vmapped runs give what the compiled run gave, to rounding."""
    execute, judged = seen.execute, seen.last
    if not execute.traceable:
        return
    width = execute.subject.widest
    with wide(width):
        live, c, carried = execute.subject.inputs(judged.drawn, width)
        yield from _agree("eager", execute, judged, lambda: execute.eager(judged.drawn, width).leaves)

        def batched() -> list:
            two = jax.tree.map(lambda a: np.stack([a, 0.5 * np.asarray(a)]), (live, c))
            kept = iter(jax.device_get(execute.compiled("vmap", _vmapped, execute.subject.rule.source)(*two, carried)))
            return execute.subject.on_set([None if gone else next(kept)[0] for gone in judged.absent], judged.drawn)

        yield from _agree("vmap", execute, judged, batched)


def _vmapped(subject: Subject, live: list, c: Any) -> list:
    return jax.vmap(lambda a, b: [p for p in subject.pull_hand(a, b) if p is not None])(live, c)


def _agree(how: str, execute: Executor, judged: Judged, run: Any) -> Iterator[Finding]:
    try:
        found = run()
    except Exception as error:
        first = str(error).splitlines()[0] if str(error) else ""
        yield Finding(f"{how}-fails", "note", f"the rule cannot be run by {how}: {type(error).__name__}: {first}")
        return
    for name, got, once, allowed in zip(
        execute.subject.arguments.names, found, judged.hand, judged.allowed, strict=True
    ):
        if got is None:
            continue
        r, index = ratio(cotangent_of(got, once), once, allowed + ulps(once))
        if r > 1:
            sentence = f"{name} comes out differently by {how} than compiled"
            yield Finding(f"{how}-differs", "wrong", sentence, leaf=name, index=index, draw=judged.drawn.name)
            return
