"""What a function costs at other shapes, told from its jaxpr before it is run."""

import math
from collections.abc import Callable

import jax
import numpy as np
from jax.extend.core import ClosedJaxpr, Jaxpr

from bpnn_jax.audit._executor import Executor
from bpnn_jax.audit._leaves import UNIT, unit_of
from bpnn_jax.audit._subject import wide

MOST = 2e7  # operations on numbers: a tenth of a second or so
LINES = 400  # equations of a jaxpr: more of them are compiled for seconds


class Costs:
    """Whether a rule may be run at a large sibling: its program must not grow with the lengths, nor cost too much."""

    def __init__(self, execute: Executor):
        example = _cost(execute) if execute.subject.mode == "reverse" else None
        self._lines = example[0] if example else None

    def grow(self, smaller: Callable[[], Executor | None]) -> bool:
        """Whether the program is another one at a longer length (a Python loop over it), which is traced to see; or cannot be told."""
        if self._lines is None or self._lines > LINES:
            return True
        there = smaller()
        found = None if there is None else _cost(there)
        return found is None or found[0] != self._lines

    def admit(self, there: Executor) -> bool:
        found = _cost(there)
        return found is not None and found[0] == self._lines and found[1] <= MOST


def _cost(execute: Executor) -> tuple[int, float] | None:
    """(equations, operations) of rule and reference; None where the rule is not traced or cannot be."""
    if not execute.traceable:
        return None
    try:
        with wide(execute.subject.widest):
            subject, live, c = execute.subject.at(execute.subject.example, execute.subject.widest)
            found = [jax.make_jaxpr(subject.function)(*live).jaxpr, jax.make_jaxpr(subject.pull_hand)(live, c).jaxpr]
    except Exception:
        return None
    # On CPUs a loop in half precision converts all that it collects, at every turn.
    copied = unit_of(execute.subject.own) > UNIT["float32"]
    return sum(map(_lines, found)), sum(_operations(body) + copied * _collected(body) for body in found)


def _inner(eqn: object) -> list[Jaxpr]:
    params = jax.tree.leaves(list(eqn.params.values()), is_leaf=lambda a: isinstance(a, Jaxpr | ClosedJaxpr))  # type: ignore[attr-defined]
    bodies = [a.jaxpr if isinstance(a, ClosedJaxpr) else a for a in params]
    return [body for body in bodies if isinstance(body, Jaxpr)]


def _lines(jaxpr: Jaxpr) -> int:
    return sum(1 + sum(map(_lines, _inner(eqn))) for eqn in jaxpr.eqns)


def _shape(atom: object) -> tuple[int, ...]:
    return getattr(atom.aval, "shape", ())  # type: ignore[attr-defined]


def _collected(jaxpr: Jaxpr) -> float:
    """For each scan, how many numbers it reads and writes, times its turns."""
    total = 0.0
    for eqn in jaxpr.eqns:
        if eqn.primitive.name == "scan":
            total += eqn.params["length"] * sum(float(np.prod(_shape(v), dtype=float)) for v in eqn.outvars)
        total += sum(map(_collected, _inner(eqn)))
    return total


def _operations(jaxpr: Jaxpr) -> float:
    total = 0.0
    for eqn in jaxpr.eqns:
        size = sum(float(np.prod(_shape(v), dtype=float)) for v in eqn.outvars)
        if eqn.primitive.name == "dot_general":
            ((contracted, _), _) = eqn.params["dimension_numbers"]
            size *= math.prod(_shape(eqn.invars[0])[a] for a in contracted)
        if eqn.primitive.name in (
            "sort",
            "cholesky",
            "lu",
            "qr",
            "eigh",
            "svd",
            "triangular_solve",
            "while",
            "pallas_call",
        ):
            size *= max([1, *(n for v in eqn.invars for n in _shape(v))])
        times = float(eqn.params.get("length", 1)) * 20 if eqn.primitive.name == "scan" else 1.0
        total += size + times * sum(map(_operations, _inner(eqn)))
    return total
