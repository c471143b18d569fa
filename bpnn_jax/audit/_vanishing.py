"""Whether a program's numbers vanish: a product of very many factors that is 0 although none of them is."""

import jax
import jax.numpy as jnp
import numpy as np

from bpnn_jax.audit import _programs
from bpnn_jax.audit._draws import Drawn
from bpnn_jax.audit._executor import Executor
from bpnn_jax.audit._subject import wide

ELEMENTWISE = {"mul", "div", "exp", "exp2", "pow", "integer_pow", "square"}
LONG = {"scan", "while", "reduce_prod", "cumprod"}


def vanishes(execute: Executor, drawn: Drawn) -> bool:
    """Whether the rule, with its forward pass, computes a 0 out of numbers that are not, or a loop leaves nothing but zeros.

    A rule that divides by what its forward pass has multiplied up is right up to a length, and no rule of so many factors is then.
    """
    if not execute.traceable:
        return False
    with wide(execute.subject.widest):
        subject, live, c = execute.subject.at(drawn, execute.subject.widest)
        pulled = lambda live, c: [p for p in subject.pull_hand(live, c) if p is not None]  # noqa: E731
        program = _programs.flatten(jax.make_jaxpr(pulled)(live, c))
        slots = _programs.run(program, jax.tree.leaves((live, c)), _programs.computed)
        return any(
            _vanished(
                operation,
                [_programs.value_of(a, slots) for a in operation.inputs],
                [slots[o] for o in operation.outputs],
            )
            for operation in program.operations
        )


def _vanished(operation: _programs.Operation, inputs: list, outputs: list) -> bool:
    floats = [np.asarray(out) for out in outputs if jnp.issubdtype(jnp.asarray(out).dtype, jnp.inexact)]
    if operation.name in ELEMENTWISE:
        whole = operation.name.startswith("exp") or all(np.asarray(value).all() for value in inputs)
        return whole and any(not out.all() for out in floats)
    if operation.name in LONG:
        return any(out.size > 0 and (not out.any() or (out.ndim > 0 and not out[-1].any())) for out in floats)
    return False
