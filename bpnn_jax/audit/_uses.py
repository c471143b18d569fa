"""What the reference does with the integers that are carried along: an index stays what it is, a number may be any other."""

from typing import Any

import jax

from bpnn_jax.audit import _constants
from bpnn_jax.audit._leaves import dtype_of
from bpnn_jax.audit._programs import Constant, Operation, Program
from bpnn_jax.audit._subject import Subject

ARITHMETIC = _constants.MOVES | {"add", "sub", "mul", "neg", "max", "min", "clamp", "select_n", "concatenate", "rem"}


def free(subject: Subject, program: Program) -> frozenset[int]:
    """The integer leaves, by their number among all leaves, whose order and repeats mean nothing to the reference.

    Those that it only turns into floats (positions), and those that only say where it adds (segments): neither need each
    number once, nor rise. ``program`` takes live leaves, cotangent and carried arrays.
    """
    arguments = subject.arguments
    first = program.inputs - len(arguments.carried)
    return frozenset(
        k
        for n, k in enumerate(arguments.carried)
        if dtype_of(arguments.leaves[k]).kind == "i" and _is_free(program, first + n)
    )


def _is_free(program: Program, slot: int) -> bool:
    """Whether what is computed from one input in whole numbers ends as a float, or as the place of an addition, and nowhere else."""
    wrapped, whole, ends = _constants.wrapping(program), {slot}, False
    for operation in program.operations:
        taken = [n for n, atom in enumerate(operation.inputs) if not isinstance(atom, Constant) and atom in whole]
        if not taken or any(out in wrapped for out in operation.outputs):
            continue
        if _ends(operation, taken):
            ends = True
        elif operation.name in ARITHMETIC and not (operation.name == "select_n" and 0 in taken):
            whole |= set(operation.outputs)
        else:
            return False
    return ends and not any(not isinstance(a, Constant) and a in whole for a in program.outputs)


def _ends(operation: Operation, taken: list[int]) -> bool:
    if operation.name == "convert_element_type":
        return jax.numpy.issubdtype(operation.params["new_dtype"], jax.numpy.floating)
    return operation.name in ("scatter-add", "scatter_add") and taken == [1]


def of(subject: Subject, programs: list[Any]) -> frozenset[int]:
    """The same for the first of some programs; none where nothing could be traced."""
    return free(subject, programs[0]) if programs else frozenset()
