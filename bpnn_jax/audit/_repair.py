"""The line of a rule that is wrong, where one change of one operation makes the rule right on every draw that fails."""

from collections.abc import Callable, Iterator, Sequence

import jax
import jax.numpy as jnp
import numpy as np

from bpnn_jax.audit import _bounded, _mutate, _programs
from bpnn_jax.audit._executor import Executor
from bpnn_jax.audit._judge import Judged, cotangent_of, ratio
from bpnn_jax.audit._programs import Operation, Program
from bpnn_jax.audit._subject import Subject, wide

MOST = 60  # changes tried
OPERATIONS = 150  # of a program: a longer one is not looked through

SAID = {
    "sign": "with the other sign",
    "first factor left out": "without its first factor",
    "second factor left out": "without its second factor",
    "second term left out": "without its second term",
    "first term left out": "without its first term",
    "not divided": "without the division",
    "a mean for a sum": "with a mean for the sum",
    "left out": "without it",
    "operand 0 transposed": "with its first operand transposed",
    "operand 1 transposed": "with its second operand transposed",
    "second operand squared": "with its second operand squared, 1 - a² for 1 - a",
}


def told(execute: Executor, i: int, failing: Sequence[Judged]) -> str:
    """A sentence about leaf ``i``, or nothing."""
    if not execute.traceable or (len(failing) < 2 and failing[0].exact[i].size < 2):
        return ""
    subject = execute.subject
    with wide(subject.widest):
        example = subject.inputs(failing[0].drawn, subject.widest)

        def pulled(live, c, carried):
            return [p for p in subject.carrying(carried).pull_hand(live, c) if p is not None]

        program = _programs.flatten(jax.make_jaxpr(pulled)(*example))
        if len(program.operations) > OPERATIONS or failing[0].absent[i]:
            return ""
        inputs = [jax.tree.leaves(subject.inputs(j.drawn, subject.widest)) for j in failing]
        slots = [_programs.run(program, flat, _programs.computed) for flat in inputs]
        for n, (at, what, change) in enumerate(_changes(program, slots[0])):
            if n >= MOST:
                break
            if all(_is_right(subject, program, at, change, j, s, i) for j, s in zip(failing, slots, strict=True)):
                operation = program.operations[at]
                return f"right {SAID[what]} at {operation.where} ({operation.name})"
    return ""


def _changes(program: Program, slots: dict) -> Iterator[tuple[int, str, Callable]]:
    for at in _programs.live_operations(program):
        operation = program.operations[at]
        shapes = [jnp.shape(_programs.value_of(a, slots)) for a in operation.inputs]
        if operation.name == "sub":
            yield at, "second operand squared", _squared
        for what, change in _mutate.changes(operation, shapes, slots[operation.outputs[0]]):
            known = what.partition(": ")[2]
            if known in SAID:
                yield at, known, change


def _squared(operation: Operation, values: list) -> list:
    return _bounded.apply(operation, [values[0], np.square(values[1])])


def _is_right(subject: Subject, program: Program, at: int, change: Callable, j: Judged, slots: dict, i: int) -> bool:
    """Whether leaf ``i`` becomes right, and no leaf that was right becomes wrong."""
    try:
        found = iter(_programs.outputs(program, _bounded.rerun(program, slots, at, change)))
        whole = [None if gone else next(found) for gone in j.absent]
        rows = list(zip(subject.on_set(whole, j.drawn), j.hand, j.exact, j.allowed, strict=True))
        for k, (leaf, hand, exact, allowed) in enumerate(rows):
            was_right = ratio(hand, exact, allowed)[0] <= 1
            if (k == i or was_right) and ratio(cotangent_of(leaf, exact), exact, allowed)[0] > 1:
                return False
    except Exception:  # a change that cannot be run
        return False
    return True
