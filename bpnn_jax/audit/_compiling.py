"""Programs that run a few times: compiling them is what they cost, so XLA leaves out what makes a program run fast."""

import functools
from typing import Any

import jax

# A fifth of the time to compile; and up to ten times that to run, which is some microseconds.
QUICK = {"xla_backend_optimization_level": 0, "xla_cpu_use_fusion_emitters": False}


@functools.cache
def quick() -> dict[str, Any]:
    """``compiler_options`` of ``jax.jit``: those of ``QUICK`` that the installed XLA has, since their names are its own affair.

    >>> import numpy as np
    >>> float(jax.jit(lambda x: 2 * x, compiler_options=quick())(np.float32(3.0)))
    6.0
    """
    return {name: value for name, value in QUICK.items() if _has(name, value)}


def _has(name: str, value: Any) -> bool:
    try:
        jax.jit(lambda: 0, compiler_options={name: value}).lower().compile()
    except Exception:  # of whichever class: XLA's own
        return False
    return True
