"""A jaxpr as a flat list of operations that can be run one by one, with calls inlined: to read its values, and to change one."""

import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import jax
from jax._src import source_info_util  # where an equation of a jaxpr was written: nothing public tells
from jax.extend.core import ClosedJaxpr, Jaxpr, Literal, Var

from bpnn_jax.audit._compiling import quick
from bpnn_jax.audit._leaves import UNIT

CALLS = {"jit": "jaxpr", "pjit": "jaxpr", "closed_call": "call_jaxpr", "core_call": "call_jaxpr"}
CUSTOM = {"custom_jvp_call": "call_jaxpr", "custom_vjp_call": "call_jaxpr", "custom_vjp_call_jaxpr": "fun_jaxpr"}
REMAT = {"remat2": "jaxpr", "checkpoint": "jaxpr", "remat": "jaxpr"}


class Operation(NamedTuple):
    """One primitive. Inputs are slots (int) or constants wrapped in ``Constant``."""

    primitive: Any
    params: dict
    inputs: tuple
    outputs: tuple[int, ...]
    where: str

    @property
    def name(self) -> str:
        return self.primitive.name


class Constant(NamedTuple):
    value: Any


class Program(NamedTuple):
    """Slots 0..n-1 hold the inputs; ``outputs`` are slots or constants."""

    inputs: int
    operations: tuple[Operation, ...]
    outputs: tuple
    nested: tuple[str, ...]  # names of custom rules that were inlined


def flatten(closed: ClosedJaxpr) -> Program:
    """Inline every call. Loops and branches (scan, while, cond) stay single operations."""
    operations: list[Operation] = []
    nested: list[str] = []
    slots = iter(range(10**9))

    def walk(jaxpr: Jaxpr, env: dict[Var, Any], outside: str) -> list:
        def read(atom):
            return Constant(atom.val) if isinstance(atom, Literal) else env[atom]

        for eqn in jaxpr.eqns:
            name = eqn.primitive.name
            key = CALLS.get(name) or CUSTOM.get(name) or REMAT.get(name)
            inner = eqn.params.get(key) if key else None
            inputs = [read(v) for v in eqn.invars]
            if inner is None:
                outputs = tuple(next(slots) for _ in eqn.outvars)
                operations.append(Operation(eqn.primitive, eqn.params, tuple(inputs), outputs, where(eqn) or outside))
            else:
                if name in CUSTOM:
                    nested.append(f"{eqn.params.get('name', name)} ({name.split('_call')[0]})")
                body, consts = (inner.jaxpr, inner.consts) if isinstance(inner, ClosedJaxpr) else (inner, [])
                scope = dict(zip(body.constvars, map(Constant, consts), strict=True))
                scope.update(zip(body.invars, inputs, strict=True))
                outputs = walk(body, scope, where(eqn) or outside)
            env.update(zip(eqn.outvars, outputs, strict=True))
        return [read(v) for v in jaxpr.outvars]

    env: dict[Var, Any] = dict(zip(closed.jaxpr.constvars, map(Constant, closed.consts), strict=True))
    first = [next(slots) for _ in closed.jaxpr.invars]
    env.update(zip(closed.jaxpr.invars, first, strict=True))
    outputs = walk(closed.jaxpr, env, "an unknown line")
    return Program(len(first), tuple(operations), tuple(outputs), tuple(dict.fromkeys(nested)))


def apply(operation: Operation, values: list) -> list:
    """The operation's outputs, always a list. Traceable."""
    bound = operation.primitive.get_bind_params(operation.params)
    subfuns, params = bound if isinstance(bound, tuple) else ((), bound)  # jax before 0.10 kept functions apart
    out = operation.primitive.bind(*subfuns, *values, **params)
    return list(out) if operation.primitive.multiple_results else [out]


def computed(operation: Operation, values: list) -> list:
    """``apply`` outside of any trace, by a program that is compiled in half the time that JAX takes for a single operation."""
    try:
        run = _compiled(operation.primitive, tuple(operation.params.items()))
    except TypeError:  # a parameter without a hash
        return apply(operation, values)
    return run(values)


@functools.lru_cache(maxsize=1024)
def _compiled(primitive: Any, params: tuple) -> Callable[[list], list]:
    operation = Operation(primitive, dict(params), (), (), "")
    if "callback" in operation.name:  # the author's Python, and what it raises
        return functools.partial(apply, operation)
    return jax.jit(functools.partial(apply, operation), compiler_options=quick())


def value_of(atom: Any, slots: Mapping[int, Any]) -> Any:
    return atom.value if isinstance(atom, Constant) else slots[atom]


def run(program: Program, inputs: list, by: Callable[[Operation, list], list] = apply) -> dict[int, Any]:
    """Every slot's value, each operation carried out ``by`` ``apply`` or ``computed``."""
    slots = dict(enumerate(inputs))
    for operation in program.operations:
        found = by(operation, [value_of(a, slots) for a in operation.inputs])
        slots.update(zip(operation.outputs, found, strict=True))
    return slots


def rerun(
    program: Program,
    slots: Mapping[int, Any],
    at: int,
    change: Callable[[Operation, list], list],
    again: Callable[[Operation, list], list] = apply,
) -> dict[int, Any]:
    """The slots as they are when operation ``at`` is changed: only what depends on it is run again, by ``again``."""
    changed = dict(slots)
    operation = program.operations[at]
    found = change(operation, [value_of(a, slots) for a in operation.inputs])
    changed.update(zip(operation.outputs, found, strict=True))
    stale = set(operation.outputs)
    for later in program.operations[at + 1 :]:
        if any(not isinstance(a, Constant) and a in stale for a in later.inputs):
            found = again(later, [value_of(a, changed) for a in later.inputs])
            changed.update(zip(later.outputs, found, strict=True))
            stale.update(later.outputs)
    return changed


def outputs(program: Program, slots: Mapping[int, Any]) -> list:
    return [value_of(a, slots) for a in program.outputs]


def live_operations(program: Program) -> Iterator[int]:
    """Positions of the operations on which an output depends."""
    wanted = {a for a in program.outputs if not isinstance(a, Constant)}
    live = []
    for at in range(len(program.operations) - 1, -1, -1):
        operation = program.operations[at]
        if wanted & set(operation.outputs):
            live.append(at)
            wanted |= {a for a in operation.inputs if not isinstance(a, Constant)}
    return reversed(live)


def narrowest(jaxpr: Jaxpr) -> str | None:
    """The least precise floating dtype that a wider value is turned into on the way, in every call, loop and kernel of it."""
    found = []
    for eqn in jaxpr.eqns:
        taken, given = ([UNIT[n] for n in map(_dtype_name, v) if n in UNIT] for v in (eqn.invars, eqn.outvars))
        found += [u for u in given if taken and u > min(taken)]
        for inner in jax.tree.leaves(list(eqn.params.values()), is_leaf=lambda a: isinstance(a, Jaxpr | ClosedJaxpr)):
            body = inner.jaxpr if isinstance(inner, ClosedJaxpr) else inner
            name = narrowest(body) if isinstance(body, Jaxpr) else None
            found += [UNIT[name]] if name else []
    return next((name for name, u in UNIT.items() if found and u == max(found)), None)


def _dtype_name(atom: Any) -> str:
    return str(getattr(atom.aval, "dtype", ""))


def where(eqn: Any) -> str:
    trace = eqn.source_info.traceback
    frame = source_info_util.user_frame(trace) if trace else None
    return f"{frame.file_name.rsplit('/', 1)[-1]}:{frame.start_line}" if frame else ""
