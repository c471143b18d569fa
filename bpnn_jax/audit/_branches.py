"""Which sides of each select, maximum, limit, cond and while were taken, over all draws: a side never taken says nothing of itself."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import jax
import jax.extend.core
import jax.numpy as jnp
import numpy as np

from bpnn_jax.audit import _constants, _programs
from bpnn_jax.audit._draws import Bounds, Drawn, exactly, wide_values
from bpnn_jax.audit._executor import Executor
from bpnn_jax.audit._leaves import Arguments
from bpnn_jax.audit._programs import Constant, Operation, Program
from bpnn_jax.audit._subject import Subject, wide

SCALES = (0.01, 0.1, 1.0, 10.0, 100.0)  # of further draws, when some side has not been taken
FINE = (1e-3, 1e-5, 0.0)  # of one leaf alone: a branch for small angles, or for zeros
TRIES = 24
NAMES = {
    "select_n": ("the first case", "the second case"),
    "max": ("its first operand", "its second operand"),
    "min": ("its first operand", "its second operand"),
    "clamp": ("below", "inside", "above"),
    "while": ("a turn",),
}


class Side(NamedTuple):
    """One way through one operation."""

    name: str
    where: str
    side: str

    def __str__(self) -> str:
        return f"{self.side} of {self.name} at {self.where}"


class Coverage:
    """The sides that a rule and its reference have, and those that some draw took."""

    def __init__(self, execute: Executor):
        self.execute = execute
        self.sides: list[Side] = []
        self.taken: np.ndarray = np.zeros(0, bool)
        try:
            self.sides = _sides(execute)
        except Exception:  # carried arrays are read while it is traced: then nothing is known
            self.sides = []
        self.taken = np.zeros(len(self.sides), bool)

    def of(self, drawn: Drawn) -> np.ndarray:
        """For each side whether this draw takes it."""
        if not self.sides:
            return self.taken
        source = (*self.execute.subject.rule.source, self.execute.subject.rule.fun)
        width = self.execute.subject.widest
        with wide(width):
            run = self.execute.compiled("branches", _flags, source)
            return np.asarray(run(*self.execute.subject.inputs(drawn, width)))

    def add(self, drawn: Sequence[Drawn]) -> None:
        for d in drawn:
            if self.taken.all():
                return
            self.taken = self.taken | self.of(d)

    @property
    def missing(self) -> list[Side]:
        return list(dict.fromkeys(s for s, taken in zip(self.sides, self.taken, strict=True) if not taken))

    def further(self, arguments: Arguments, within: Bounds, seed: int, most: int) -> list[Drawn]:
        """Draws that take a side which none took yet, of random ones of many scales and of one sign."""
        found: list[Drawn] = []
        fine = [(k, scale) for scale in FINE for k in range(len(arguments.live))][:TRIES]
        for n in range(TRIES + len(fine) if self.sides else 0):
            if self.taken.all() or len(found) >= most:
                break
            rng = np.random.default_rng((seed, 37, n))
            scales = [SCALES[n % len(SCALES)] if n < TRIES else 1.0] * len(arguments.live)
            live = [wide_values(arguments, within, k, rng, scale) for k, scale in enumerate(scales)]
            if n >= TRIES:
                k, scale = fine[n - TRIES]
                live[k] = exactly(live[k] * (scale or float(within.positive[k])), arguments.examples[k])
            elif n % 3 and not any(within.domains) and within.ranges == [None] * len(live):
                live = [
                    x if np.iscomplexobj(x) or p else (3 - 2 * (n % 3)) * abs(x)
                    for x, p in zip(live, within.positive, strict=True)
                ]
            drawn = Drawn(f"for a branch, {n + 1}", within.kept(live), placed=True)
            taken = self.of(drawn)
            if (taken & ~self.taken).any() and np.isfinite(self.execute.value(drawn)(drawn.live)):
                self.taken = self.taken | taken
                found.append(drawn)
        return found


def _sides(execute: Executor) -> list[Side]:
    rule, example, width = execute.subject.rule, execute.subject.example, execute.subject.widest

    def sides(program_of: Callable[..., Program]) -> list[Side]:
        with wide(width):
            program = program_of(*execute.subject.at(example, width))
            return [Side(o.name, o.where, side) for o in _branching(program) for side in _named(o)]

    found = execute.traced("sides of the function", (rule.fun,), example, lambda: sides(_of_function))
    return [*found, *(sides(_of_rule) if execute.traceable else ())]


def _of_function(at: Subject, live: list, c: Any) -> Program:
    return _programs.flatten(jax.make_jaxpr(lambda live, c: at.function(*live))(live, c))


def _of_rule(at: Subject, live: list, c: Any) -> Program:
    pulled = lambda live, c: [p for p in at.pull_hand(live, c) if p is not None]  # noqa: E731
    return _programs.flatten(jax.make_jaxpr(pulled)(live, c))


def _branching(program: Program) -> list[Operation]:
    """The operations that have sides and depend on the draw; how an index is counted from the end is none of them."""
    wrapped = _constants.wrapping(program)
    live = set(_programs.live_operations(program))
    found = []
    for at, operation in enumerate(program.operations):
        if at not in live or operation.name not in {*NAMES, "cond"}:
            continue
        first = operation.inputs[0]
        if operation.name in ("select_n", "cond") and (isinstance(first, Constant) or first in wrapped):
            continue
        limits = [np.asarray(a.value) for a in operation.inputs if isinstance(a, Constant)]
        if operation.name in ("max", "min") and any(v.dtype.kind in "iub" or not np.isfinite(v).all() for v in limits):
            continue  # the -inf from which a maximum starts
        found.append(operation)
    return found


def _named(operation: Operation) -> Sequence[str]:
    if operation.name == "cond":
        return [f"branch {n}" for n in range(len(operation.params["branches"]))]
    if operation.name == "select_n" and len(operation.inputs) != 3:
        return [f"case {n}" for n in range(len(operation.inputs) - 1)]
    return NAMES[operation.name]


def _flags(subject: Subject, live: list, c: Any) -> jax.Array:
    """Which sides are taken, in the order of ``_sides``. Traceable."""
    programs = [_of_function(subject, live, c)]
    with suppress(Exception):  # a rule of NumPy's
        programs.append(_of_rule(subject, live, c))
    flags: list = []
    for program in programs:
        slots = _programs.run(program, jax.tree.leaves((live, c)))
        for operation in _branching(program):
            flags += _taken(operation, [_programs.value_of(a, slots) for a in operation.inputs])
    return jnp.stack([jnp.asarray(f) for f in flags])


def _taken(operation: Operation, values: list) -> list:
    first = values[0]
    if operation.name in ("select_n", "cond"):
        return [jnp.any(jnp.asarray(first, jnp.int32) == n) for n in range(len(_named(operation)))]
    if operation.name == "clamp":
        low, x, high = values
        return [jnp.any(x < low), jnp.any((x >= low) & (x <= high)), jnp.any(x > high)]
    if operation.name == "while":
        return _turns(operation, values)
    greater, less = jnp.any(values[0] > values[1]), jnp.any(values[0] < values[1])
    return [greater, less] if operation.name == "max" else [less, greater]


def _turns(operation: Operation, values: list) -> list:
    count = operation.params["cond_nconsts"]
    skipped = count + operation.params["body_nconsts"]
    going: Callable = jax.extend.core.jaxpr_as_fun(operation.params["cond_jaxpr"])
    (first,) = going(*values[:count], *values[skipped:])
    return [jnp.any(first)]
