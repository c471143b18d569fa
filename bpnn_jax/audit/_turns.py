"""How far off an iteration is where it stops: its loops run for one turn less and for twice as many."""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax.extend.core import ClosedJaxpr, jaxpr_as_fun

from bpnn_jax.audit import _bounded, _programs
from bpnn_jax.audit._programs import Operation, Program


def at_other_turns(program: Program, inputs: list) -> list[tuple[list, list]]:
    """(outputs, outputs with the loops run for other turns), for one turn less and for twice as many; none without such a loop.

    Of a loop of unknown length, or one of a fixed number of turns that only carries its result along.
    """
    if not any(map(_iterates, program.operations)):
        return []
    plain = _programs.outputs(program, _programs.run(program, inputs, _programs.computed))
    found = []
    for other in (lambda n: jnp.maximum(n - 1, 0), lambda n: 2 * n):
        slots = dict(enumerate(inputs))
        for operation in program.operations:
            values = [_programs.value_of(a, slots) for a in operation.inputs]
            run = _for_turns if _iterates(operation) else None
            out = run(operation, values, other) if run else _programs.computed(operation, values)
            slots.update(zip(operation.outputs, out, strict=True))
        found.append((plain, _programs.outputs(program, slots)))
    return found


def _iterates(operation: Operation) -> bool:
    if operation.name == "scan":
        params = operation.params
        return params["num_consts"] + params["num_carry"] == len(operation.inputs) and bool(params["num_carry"])
    return operation.name == "while"


def _for_turns(operation: Operation, values: list, other: Callable) -> list:
    params = operation.params
    if operation.name == "scan":
        constants = params["num_consts"]
        turns = other(jnp.int32(params["length"]))
        carried = _repeated(params["jaxpr"], constants, params["num_carry"])(
            values[:constants], values[constants:], turns
        )
        whole = _programs.computed(operation, values)
        return [*carried, *whole[len(carried) :]]
    turns, _ = _bounded.counted(*_bounded.loop_of(params))(values)
    start = params["cond_nconsts"], params["cond_nconsts"] + params["body_nconsts"]
    carry = values[start[1] :]
    return list(
        _repeated(params["body_jaxpr"], params["body_nconsts"], len(carry))(
            values[start[0] : start[1]], carry, other(turns)
        )
    )


@functools.lru_cache(maxsize=64)
def _repeated(body: ClosedJaxpr, constants: int, carried: int) -> Callable:
    """``body`` run for a number of turns, as a compiled function of (constants, carry, turns)."""
    turn = jaxpr_as_fun(body)

    def run(fixed: list, carry: list, turns: jax.Array) -> list:
        assert len(fixed) == constants
        return jax.lax.fori_loop(0, turns, lambda _, c: list(turn(*fixed, *c))[:carried], list(carry))

    return jax.jit(run)
