"""Values at which a program changes its ways: what it compares with, clamps to, or takes a maximum with."""

from typing import NamedTuple

import numpy as np

from bpnn_jax.audit._programs import Constant, Program

ORDERS = frozenset({"gt", "lt", "ge", "le"})
COMPARES = ORDERS | {"eq", "ne"}
MOVES = {"broadcast_in_dim", "reshape", "squeeze", "expand_dims", "convert_element_type", "copy", "slice", "transpose"}
LIMITS = frozenset({"max", "min", "clamp"})
FLOATS, WHOLES = 12, 8  # more of either are left alone


class Constants(NamedTuple):
    """``wholes``: integers that labels are compared with, and for an order what lies just below and above."""

    floats: tuple[float, ...]
    wholes: tuple[int, ...]


def of(*programs: Program) -> Constants:
    """The constants of some programs, in the order in which they occur."""
    floats: dict[float, None] = {}
    wholes: dict[int, None] = {}
    for program in programs:
        wrapped = wrapping(program)
        for operation in program.operations:
            if operation.name not in COMPARES | LIMITS:
                continue
            for atom in operation.inputs:
                value = atom.value if isinstance(atom, Constant) else None
                if value is None or np.ndim(value) != 0 or np.iscomplexobj(value):
                    continue
                number, dtype = float(value), np.asarray(value).dtype
                if (
                    dtype.kind == "i"
                    and operation.name in COMPARES
                    and not any(o in wrapped for o in operation.outputs)
                ):
                    beside = (0,) if operation.name in ("eq", "ne") else (-1, 0, 1)
                    wholes.update(dict.fromkeys(int(number) + k for k in beside))
                elif dtype.kind not in "iub" and np.isfinite(number) and abs(number) < 1e6:
                    floats.setdefault(number)
    return Constants(tuple(floats)[:FLOATS], tuple(wholes)[:WHOLES])


def crossed(count: int, *programs: Program, by: frozenset[str] = ORDERS | LIMITS) -> set[int]:
    """Those of the first ``count`` inputs that a program compares with a number from 0 down: there they may be negative.

    ``by`` which operations; ``COMPARES`` has equality, too, which says that an input may be 0.
    """
    found = set()
    for program in programs:
        origin = {n: n for n in range(count)}
        for operation in program.operations:
            first = operation.inputs[0] if operation.inputs else None
            if operation.name in MOVES and isinstance(first, int) and first in origin:
                origin[operation.outputs[0]] = origin[first]
            if operation.name not in by:
                continue
            limits = [a.value for a in operation.inputs if isinstance(a, Constant)]
            if any(np.ndim(v) == 0 and not np.iscomplexobj(v) and -np.inf < float(v) <= 0 for v in limits):
                found |= {origin[a] for a in operation.inputs if not isinstance(a, Constant) and a in origin}
    return found


def wrapping(program: Program) -> set[int]:
    """Outputs of the comparison with which indexing itself counts a negative index from the end: i < 0 ? i + n : i."""
    added = {}
    for operation in program.operations:
        if operation.name == "add" and operation.outputs:
            added[operation.outputs[0]] = {a for a in operation.inputs if not isinstance(a, Constant)}
    found = set()
    for operation in program.operations:
        if operation.name == "select_n" and len(operation.inputs) == 3:
            which, plain, wrapped = operation.inputs
            if isinstance(which, int) and isinstance(wrapped, int) and plain in added.get(wrapped, ()):
                found.add(which)
    return found
