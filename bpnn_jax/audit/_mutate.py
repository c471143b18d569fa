"""Wrong versions of the very rule under audit: one operation of its jaxpr changed at a time, and audited the same way."""

import contextlib
from collections.abc import Callable, Iterator, Set
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from bpnn_jax.audit import _bounded, _inner, _programs
from bpnn_jax.audit._executor import Executor
from bpnn_jax.audit._judge import Judged, cotangent_of, ratio
from bpnn_jax.audit._programs import Constant, Operation, Program
from bpnn_jax.audit._report import Power, Survivor
from bpnn_jax.audit._subject import wide

# What only moves or converts numbers is changed together with whatever made them.
MOVES = {"convert_element_type", "copy", "broadcast_in_dim", "reshape", "squeeze", "expand_dims", "stop_gradient"}

Change = Callable[[Operation, list], list]
SAME = 64 * 2.0**-53  # relative to the leaf's largest element: no difference but rounding


def changes(operation: Operation, shapes: list[tuple], out: Any) -> Iterator[tuple[str, Change]]:
    """(what is changed, the changed operation) for one operation; ``shapes`` of its inputs, ``out`` an output to look at."""
    name = operation.name
    if name in MOVES:
        return
    if not (isinstance(out, jax.Array | np.ndarray) and jnp.issubdtype(out.dtype, jnp.inexact)):
        return
    yield f"{name}: sign", lambda op, v: [_times(o, -1.0) for o in _programs.computed(op, v)]
    yield f"{name}: 1% too large", lambda op, v: [_times(o, 1.01) for o in _programs.computed(op, v)]
    if name == "mul":
        yield "mul: first factor left out", lambda op, v: [_as(v[1], out)]
        yield "mul: second factor left out", lambda op, v: [_as(v[0], out)]
    if name in ("add", "sub", "add_any"):
        yield f"{name}: second term left out", lambda op, v: [_as(v[0], out)]
        yield f"{name}: first term left out", lambda op, v: [_as(v[1], out) * (-1.0 if name == "sub" else 1.0)]
    if name == "div":
        yield "div: not divided", lambda op, v: [_as(v[0], out)]
    if name == "reduce_sum":
        axes = operation.params["axes"]
        count = int(np.prod([shapes[0][a] for a in axes])) or 1
        if count > 1:
            yield "reduce_sum: only the last term", lambda op, v: [_last(v[0], axes)]
            yield (
                "reduce_sum: a mean for a sum",
                lambda op, v: [np.asarray(o) / count for o in _programs.computed(op, v)],
            )
    if name == "transpose" and shapes[0] == out.shape:
        yield "transpose: left out", lambda op, v: [v[0]]
    if name == "dot_general":
        for side in (0, 1):
            if len(shapes[side]) == 2 and shapes[side][0] == shapes[side][1]:
                yield (
                    f"dot_general: operand {side} transposed",
                    lambda op, v, side=side: _programs.computed(
                        op, [np.asarray(a).T if i == side else a for i, a in enumerate(v)]
                    ),
                )
    if name == "select_n" and len(shapes) == 3:
        yield "select_n: always the first case", lambda op, v: [_as(v[1], out)]
        yield "select_n: always the second case", lambda op, v: [_as(v[2], out)]
    if name in ("max", "min", "clamp"):
        yield f"{name}: left out", lambda op, v: [_as(v[1] if name == "clamp" else v[0], out)]
    for i, atom in enumerate(operation.inputs):
        if isinstance(atom, Constant) and np.ndim(atom.value) == 0 and isinstance(atom.value, float | np.floating):
            yield (
                f"{name}: constant {float(atom.value):.4g} moved by 1%",
                lambda op, v, i=i: _bounded.apply(op, [a * 1.01 if j == i else a for j, a in enumerate(v)]),
            )


def power(execute: Executor, judged: list[Judged], limit: int, untaken: Set[tuple[str, str]] = frozenset()) -> Power:
    """How many of at most ``limit`` wrong versions these draws tell from the right one; ``untaken``: with a side no draw took."""
    smallest = smallest_shown(execute, judged)
    if not execute.traceable:
        return Power(smallest=smallest)
    subject = execute.subject
    with wide(subject.widest):

        def pulled(live: list, c: Any, carried: list) -> list:
            return [p for p in subject.carrying(carried).pull_hand(live, c) if p is not None]

        program = _programs.flatten(jax.make_jaxpr(pulled)(*subject.inputs(judged[0].drawn, subject.widest)))
        missing = judged[0].absent
        runs: list[tuple[Judged, dict]] = []

        def slots(n: int) -> tuple[Judged, dict]:
            while len(runs) <= n:  # a draw is run when a mutant first gets that far
                j = judged[len(runs)]
                flat = jax.tree.leaves(subject.inputs(j.drawn, subject.widest))
                runs.append((j, _programs.run(program, flat, _programs.computed)))
            return runs[n]

        todo = list(_mutants(program, slots(0)[1]))
        step = max(1, -(-len(todo) // limit))
        caught, survivors, tried = 0, [], 0
        for at, what, where, change in todo[::step]:
            try:
                seen, harmless = _told_apart(program, at, change, judged, slots, missing, subject.on_set)
            except Exception:  # a change that cannot be run: no mutant after all
                continue
            tried += 1
            caught += seen
            if not seen:
                changed = program.operations[at]
                exercised = (changed.name, changed.where) not in untaken
                survivors.append(Survivor(what, where, harmless, exercised))
    return Power(tried, caught, tuple(survivors), smallest)


def _told_apart(
    program: Program,
    at: int,
    change: Change,
    judged: list[Judged],
    slots: Callable,
    missing: list[bool],
    on_set: Callable,
) -> tuple[bool, bool]:
    """(whether some draw tells the mutant from the reference, whether it gave the right rule's numbers on every draw)."""
    harmless = True
    for n in range(len(judged)):
        j, values = slots(n)
        found = iter(_programs.outputs(program, _bounded.rerun(program, values, at, change)))
        whole = [None if gone else next(found) for gone in missing]
        leaves = [cotangent_of(f, e) for f, e in zip(on_set(whole, j.drawn), j.exact, strict=True)]
        pairs = zip(leaves, j.exact, j.allowed, strict=True)
        if any(ratio(leaf, exact, allowed)[0] > 1 for leaf, exact, allowed in pairs):
            return True, False
        harmless = harmless and _same(leaves, j.hand)
    return False, harmless


def smallest_shown(execute: Executor, judged: list[Judged]) -> dict[str, float]:
    """For each leaf the smallest error, relative to its largest element, that would have been called wrong."""
    found = {}
    for i, name in enumerate(execute.subject.arguments.names):
        sizes = [float(abs(j.exact[i]).max(initial=0.0)) for j in judged]
        shown = [j.allowed[i] / s for j, s in zip(judged, sizes, strict=True) if np.isfinite(s) and s > 0]
        found[name] = min(shown, default=float("inf"))
    return found


def _mutants(program: Program, slots: dict) -> Iterator[tuple[int, str, str, Change]]:
    for at in _programs.live_operations(program):
        operation = program.operations[at]
        shapes = [tuple(np.shape(_programs.value_of(a, slots))) for a in operation.inputs]
        for what, change in changes(operation, shapes, slots[operation.outputs[0]]):
            yield at, what, operation.where, change
        inner: list[_inner.Changed] = []
        with contextlib.suppress(Exception):  # a body of a kind that is not known here: then it is left alone
            inner += _inner.changed(operation)
        for inside in inner:
            yield (
                at,
                inside.what,
                inside.where,
                lambda op, v, p=inside.params: _bounded.apply(op._replace(params=p), v),
            )


# A change is NumPy's to make, which has nothing to compile.


def _times(out: Any, factor: float) -> Any:
    """What is whole or Boolean beside it (a factorisation's pivots) stays as it is."""
    return np.asarray(out) * np.asarray(factor, out.dtype) if jnp.issubdtype(out.dtype, jnp.inexact) else out


def _as(value: Any, out: Any) -> np.ndarray:
    return np.broadcast_to(np.asarray(value, out.dtype), out.shape)


def _last(value: Any, axes: tuple[int, ...]) -> np.ndarray:
    index = tuple(-1 if a in axes else slice(None) for a in range(value.ndim))
    return np.asarray(value)[index]


def _same(leaves: list[np.ndarray], hand: list[np.ndarray]) -> bool:
    pairs = zip(leaves, hand, strict=True)
    return all(bool((abs(a - b) <= SAME * max(abs(b).max(initial=0.0), 1e-300)).all()) for a, b in pairs)
