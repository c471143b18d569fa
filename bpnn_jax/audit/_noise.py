"""Monte Carlo arithmetic: what rounding in float64 does to a computation, seen by making every rounding at random.

The jaxpr is run a few times over, each rounded result of an operation moved by one unit in the last place, up or down at random
(Parker, "Monte Carlo Arithmetic", 1997). The spread of the results measures rounding error; a real mistake does not move.
"""

from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from bpnn_jax.audit import _programs
from bpnn_jax.audit._compiling import quick
from bpnn_jax.audit._draws import Drawn
from bpnn_jax.audit._executor import Executor
from bpnn_jax.audit._leaves import UNIT, numbers, unit_of
from bpnn_jax.audit._subject import wide

RUNS = 4
NARROW_FACTOR = 2.0  # in half precision, where 16 units in the last place are 6% of a leaf
FACTOR = 16.0  # an error is laid to rounding up to this many times the largest scatter of RUNS runs
# These move or compare numbers and round none.
EXACT = {"broadcast_in_dim", "reshape", "squeeze", "expand_dims", "transpose", "rev", "copy", "copy_p", "real", "imag"}
EXACT |= {"slice", "dynamic_slice", "gather", "scatter", "concatenate", "pad", "split", "select_n", "sort", "iota"}
EXACT |= {"neg", "abs", "sign", "max", "min", "reduce_max", "reduce_min", "argmax", "clamp", "floor", "ceil", "round"}
EXACT |= {"stop_gradient", "convert_element_type"}
# Their terms are rounded one by one, so the operands are moved, too.
SUMS = {"dot_general", "reduce_sum", "cumsum", "conv_general_dilated", "scatter-add", "scan", "while", "cond"}
SUMS |= {"reduce_window_sum"}


def scatter(
    execute: Executor, name: str, function: Callable, drawn: Drawn, dtype: Any = np.float64
) -> list[float] | None:
    """FACTOR times the spread of each leaf of ``function(subject, live, c)``; None where it cannot be run so.

    In float64, or with ``dtype`` None in the leaves' own dtypes. Computed once per draw, since every leaf that is off needs it.
    """
    cache, key = execute.shared(
        f"scatter of {name}", execute.subject.rule.source if name == "hand" else (execute.subject.rule.fun,)
    )
    numbers = jax.tree.leaves((drawn.live, execute.subject.cotangent, drawn.carried))
    key = (key, dtype, *(np.asarray(leaf).tobytes() for leaf in numbers))
    if key not in cache:
        cache[key] = _scatter(execute, function, drawn, dtype)
    return cache[key]


def _scatter(execute: Executor, function: Callable, drawn: Drawn, dtype: Any) -> list[float] | None:
    dtype = execute.subject.widest if dtype is np.float64 else dtype
    with wide(dtype or execute.subject.own):
        subject, live, c = execute.subject.at(drawn, dtype)
        try:
            program = _programs.flatten(jax.make_jaxpr(lambda live, c: function(subject, live, c))(live, c))
            flat, shapes = jax.tree.leaves((live, c)), []
            jax.eval_shape(lambda flat: _one_run(program, flat, lambda v: _noted(v, shapes)), flat)

            def run(flat: list, signs: list) -> list:
                given = iter(signs)
                return _one_run(program, flat, lambda v: _moved(v, next(given)))

            compiled = jax.jit(run, compiler_options=quick())
            plain, *moved = (compiled(flat, signs) for signs in _signs(shapes))
        except Exception:  # a primitive that cannot be called by itself: then nothing is known
            return None
    factor = NARROW_FACTOR if unit_of(live[0].dtype) > 2.0**-12 else FACTOR
    return [factor * max(_apart(run[i], leaf) for run in moved) for i, leaf in enumerate(plain)]


def _one_run(program: _programs.Program, flat: list, move: Callable[[Any], Any]) -> list:
    """The outputs, with every number that an operation rounds put through ``move``. Traceable."""

    def moved(values: list, rounded: bool) -> list:
        return [move(v) if rounded and str(getattr(v, "dtype", "")) in UNIT else v for v in values]

    slots = dict(enumerate(flat))
    for operation in program.operations:
        values = moved([_programs.value_of(a, slots) for a in operation.inputs], operation.name in SUMS)
        found = moved(_programs.apply(operation, values), operation.name not in EXACT)
        slots.update(zip(operation.outputs, found, strict=True))
    return _programs.outputs(program, slots)


def _noted(value: Any, shapes: list[tuple[int, ...]]) -> Any:
    shapes.append(np.shape(value))
    return value


def _signs(shapes: list[tuple[int, ...]]) -> Iterator[list[np.ndarray]]:
    """By how many units in the last place each number is moved: by none in the plain run, by 1 or -1 in each of ``RUNS`` others."""
    yield [np.zeros(shape, np.int8) for shape in shapes]
    for seed in range(RUNS):
        rng = np.random.default_rng((seed, 3))
        yield [rng.choice(np.array([-1, 1], np.int8), shape) for shape in shapes]


def _moved(value: Any, signs: Any) -> Any:
    whole = value == jnp.round(value)  # a counter, a count, a constant such as 2: no rounding made it
    unit = jnp.asarray(2.0 * UNIT[str(value.dtype)], value.dtype)
    return jnp.where(whole, value, value * (1 + unit * signs.astype(value.dtype)))


def _apart(moved: Any, plain: Any) -> float:
    apart = abs(numbers(moved) - numbers(plain))
    return float(apart.max(initial=0.0))
