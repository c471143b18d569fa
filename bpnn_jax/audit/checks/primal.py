"""The forward pass of the rule computes the function itself."""

import contextlib
import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import jax
import numpy as np

from bpnn_jax.audit._draws import Drawn
from bpnn_jax.audit._executor import Executor
from bpnn_jax.audit._judge import ratio
from bpnn_jax.audit._leaves import numbers
from bpnn_jax.audit._report import Finding
from bpnn_jax.audit._subject import Subject, wide
from bpnn_jax.audit.checks._seen import Seen

EDGE = 1e-4  # beside the largest output: an eps under a root is no other function
STANDS_FOR_INFINITY = 1e20  # a kernel may start its maxima from -1e30


def findings(seen: Seen) -> Iterator[Finding]:
    """The forward pass of the rule computes the function itself: its body, or the reference where one is given."""
    execute = seen.execute
    rule = execute.subject.rule
    if rule.primal is None:
        return
    for drawn in dict.fromkeys(j.drawn.name for j in (seen.usable[0], seen.last)):
        judged = next(j for j in seen.usable if j.drawn.name == drawn)
        try:
            got, known = _outputs(execute, judged.drawn)
        except Exception:  # NumPy in the rule, say: there is nothing to compare
            return
        apart = [_apart(got, expected, execute.subject.unit) for expected in known]
        if apart[0] is not None and all(apart):
            yield replace(apart[0], draw=drawn)
            return
    yield from itertools.islice(_at_edges(execute, seen.usable[0].drawn), 1)


def _at_edges(execute: Executor, example: Drawn) -> Iterator[Finding]:
    """Where a leaf has a row of zeros, or of -inf as a mask leaves it, and neither of the two is NaN."""
    for drawn in _edges(example, execute.subject.domains):
        with contextlib.suppress(Exception):  # the function raises there
            got, known = _outputs(execute, drawn)
            if all(jax.tree.structure(got) == jax.tree.structure(e) for e in known):
                apart = [_other_number(got, expected, execute.subject.unit) for expected in known]
                if apart[0] is not None and all(apart):
                    yield replace(apart[0], draw=drawn.name)


def _edges(example: Drawn, domains: tuple) -> Iterator[Drawn]:
    for name, value in (("with a row of zeros", 0.0), ("with a row of -inf", -np.inf)):
        live = list(example.live)
        for k, leaf in enumerate(live):
            if leaf.size and leaf.ndim and not np.iscomplexobj(leaf) and not any(domains) and not (leaf > 0).all():
                live[k] = leaf.copy()
                live[k].reshape(-1, leaf.shape[-1])[0] = value
                yield example._replace(name=name, live=live)
                break


def _other_number(got: Any, expected: Any, unit: float) -> Finding | None:
    for a, b in zip(map(numbers, jax.tree.leaves(got)), map(numbers, jax.tree.leaves(expected)), strict=True):
        if a.shape != b.shape or np.iscomplexobj(b):
            continue
        size = abs(b[np.isfinite(b)]).max(initial=0.0)
        both = np.isfinite(a) & np.isfinite(b)
        apart = both & (abs(np.where(both, a, 0.0) - np.where(both, b, 0.0)) > max(EDGE, 64 * unit) * max(size, 1.0))
        apart |= (abs(a) < STANDS_FOR_INFINITY) & np.isinf(b)
        if apart.any():
            index = tuple(int(n) for n in np.argwhere(apart)[0])
            shown = f"{a[index]:.6g} against {b[index]:.6g}"
            return Finding("primal-differs", "wrong", f"fwd's output is not the function's: {shown}", index=index)
    return None


def _outputs(execute: Executor, drawn: Drawn) -> tuple[Any, list]:
    """What the rule's forward pass gives, and what its body and its reference give."""
    width = execute.subject.widest
    with wide(width):
        if not execute.traceable:
            return _forward(*execute.subject.at(drawn, width))
        run = execute.compiled("primal", _forward, (*execute.subject.rule.source, execute.subject.rule.fun))
        return run(*execute.subject.inputs(drawn, width))


def _forward(subject: Subject, live: list, c: Any) -> tuple[Any, list]:
    del c
    rule, args = subject.rule, subject.args(live)
    assert rule.primal is not None
    return rule.primal(*args), [f(*args) for f in dict.fromkeys((rule.body, rule.fun))]


def _apart(got: Any, expected: Any, unit: float) -> Finding | None:
    if jax.tree.structure(got) != jax.tree.structure(expected):
        sentence = f"expected fwd's output like {jax.tree.structure(expected)}, got {jax.tree.structure(got)}"
        return Finding("primal-differs", "wrong", sentence)
    for a, b in zip(jax.tree.leaves(got), jax.tree.leaves(expected), strict=True):
        a, b = numbers(a), numbers(b)
        size = abs(b[np.isfinite(b)]).max(initial=0.0)
        # Two ways to compute one function in float64, each good to some hundreds of ulp of the largest output.
        r, index = ratio(a, b, max(1e-12, 64 * unit) * size)
        if r > 1:
            shapes = f"shape {a.shape} against {b.shape}"
            shown = f"{a[index]:.6g} against {b[index]:.6g}" if a.shape == b.shape else shapes
            return Finding("primal-differs", "wrong", f"fwd's output is not the function's: {shown}", index=index)
    return None
