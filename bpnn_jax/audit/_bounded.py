"""While loops that end: a changed operation, or numbers that one made, may keep a loop from ending."""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import ClosedJaxpr, Jaxpr, Literal, Var, jaxpr_as_fun

from bpnn_jax.audit import _programs
from bpnn_jax.audit._programs import Operation, Program

TURNS = 2000
BODIES = {
    "scan": "jaxpr",
    "cond": "branches",
    **_programs.CALLS,
}  # what runs other jaxprs, and the parameter that holds them


def apply(operation: Operation, values: list) -> list:
    """The operation's outputs; a while loop is stopped after ``TURNS`` turns, and raises. One inside gives NaN where it is stopped."""
    if operation.name == "while":
        turns, found = counted(*loop_of(operation.params))(values)
        if int(turns) >= TURNS:
            raise RuntimeError(f"the loop at {operation.where} took {TURNS} turns and had not ended")
        return list(found)
    if operation.name in BODIES and loops_inside(operation.params):
        operation = operation._replace(params=_bounded(operation.name, operation.params))
    return _programs.computed(operation, values)


def rerun(
    program: Program, slots: Mapping[int, Any], at: int, change: Callable[[Operation, list], list]
) -> dict[int, Any]:
    """``_programs.rerun`` with every loop bounded."""
    return _programs.rerun(program, slots, at, change, apply)


def loop_of(params: dict) -> tuple[ClosedJaxpr, ClosedJaxpr, int, int]:
    """(test, body, constants of the test, constants of the body) of a while loop."""
    return params["cond_jaxpr"], params["body_jaxpr"], params["cond_nconsts"], params["body_nconsts"]


@functools.lru_cache(maxsize=64)  # by the loop's own jaxprs: each is compiled once for all mutants and draws
def counted(test: ClosedJaxpr, body: ClosedJaxpr, tests: int, constants: int) -> Callable:
    """A while loop as a compiled function of its values, which returns (turns, at most ``TURNS``; what it carries)."""
    going, turn = jaxpr_as_fun(test), jaxpr_as_fun(body)

    def loop(values: list) -> tuple:
        first, second, carry = values[:tests], values[tests : tests + constants], values[tests + constants :]
        return jax.lax.while_loop(
            lambda state: going(*first, *state[1])[0] & (state[0] < TURNS),
            lambda state: (state[0] + 1, turn(*second, *state[1])),
            (jnp.int32(0), list(carry)),
        )

    return jax.jit(loop)


def loops_inside(params: Mapping[str, Any]) -> bool:
    return any(
        eqn.primitive.name == "while" or loops_inside(eqn.params) for body in _bodies(params) for eqn in body.eqns
    )


def _bodies(params: Mapping[str, Any]) -> list[Jaxpr]:
    leaves = jax.tree.leaves(list(params.values()), is_leaf=lambda a: isinstance(a, Jaxpr | ClosedJaxpr))
    return [a.jaxpr if isinstance(a, ClosedJaxpr) else a for a in leaves if isinstance(a, Jaxpr | ClosedJaxpr)]


def _bounded(name: str, params: dict) -> dict:
    key = BODIES[name]
    bodies = params[key]
    return {**params, key: tuple(map(_traced, bodies)) if isinstance(bodies, tuple) else _traced(bodies)}


@functools.lru_cache(maxsize=64)
def _traced(closed: ClosedJaxpr) -> ClosedJaxpr:
    """The same program with the loops inside it bounded."""
    shapes = [jax.ShapeDtypeStruct(v.aval.shape, v.aval.dtype) for v in closed.jaxpr.invars]
    found = jax.make_jaxpr(lambda *values: _run(closed, list(values)))(*shapes)
    if found.consts:  # scan and cond take no constants of a body's own
        raise RuntimeError("a loop inside a body with constants of its own is not bounded")
    return found


def _run(closed: ClosedJaxpr, values: list) -> list:
    env: dict[Var, Any] = dict(zip(closed.jaxpr.constvars, closed.consts, strict=True))
    env.update(zip(closed.jaxpr.invars, values, strict=True))

    def read(atom: Any) -> Any:
        return atom.val if isinstance(atom, Literal) else env[atom]

    for eqn in closed.jaxpr.eqns:
        taken = list(map(read, eqn.invars))
        operation = Operation(eqn.primitive, eqn.params, (), (), "")
        if operation.name == "while":
            turns, carried = counted(*loop_of(eqn.params))(taken)
            found = [_nan_unless(turns < TURNS, c) for c in carried]
        else:
            if operation.name in BODIES and loops_inside(eqn.params):
                operation = operation._replace(params=_bounded(operation.name, eqn.params))
            found = _programs.apply(operation, taken)
        env.update(zip(eqn.outvars, found, strict=True))
    return list(map(read, closed.jaxpr.outvars))


def _nan_unless(ended: jax.Array, value: jax.Array) -> jax.Array:
    return jnp.where(ended, value, jnp.nan).astype(value.dtype) if jnp.issubdtype(value.dtype, jnp.inexact) else value
