"""Two options for XLA's CPU backend, set before JAX starts it.

Small loops are compiled into a single function. Without that the runtime dispatches every fused operation of a loop body on its own,
which costs an online update of a 20-8-3 network several times its arithmetic (``benchmarks/article.py`` prints both).

Vectors are as wide as the CPU has them, up to 512 bits; LLVM's usual choice is 256. docs/speed.md has what that gives.
Last digits may differ with the width: of 32 cells of the benchmark one did, 64-64-64-10 online.

``BPNN_XLA_OPTION=off`` leaves XLA alone, and an option that the user's own ``XLA_FLAGS`` has stays as it is there. A file of flags
that the variable names is left alone too. A study's place (``ablation.chunk.place``) has the ``XLA_FLAGS`` of its runs.
"""

import os
import sys
import warnings

SMALL_LOOPS = "--xla_backend_extra_options=xla_cpu_small_while_loop_byte_threshold=100000000"
WIDE_VECTORS = "--xla_cpu_prefer_vector_width=512"
too_late = False  # the options were to be set, and JAX had its backend already


class SpeedWarning(UserWarning):
    """A run is right, and slower than it could be."""


def set_options() -> None:
    """Add the options to ``XLA_FLAGS``, except those that it has."""
    global too_late
    if os.environ.get("BPNN_XLA_OPTION", "on") == "off":
        return
    flags = os.environ.get("XLA_FLAGS", "").strip()
    if flags and not flags.startswith("--"):
        return  # the name of a file with flags
    missing = [option for option in (SMALL_LOOPS, WIDE_VECTORS) if option.split("=")[0].lstrip("-") not in flags]
    os.environ["XLA_FLAGS"] = " ".join([*flags.split(), *missing])
    too_late = SMALL_LOOPS in missing and jax_is_running()


def warn_if_too_late(stacklevel: int = 3) -> None:
    """Warn, once per process, if the options could not be set before JAX started its backend."""
    global too_late
    if too_late:
        too_late = False
        warnings.warn(
            "JAX had started its backend before bpnn_jax was imported, so XLA's option for small loops could not be set: online "
            "training takes about five times as long. Import bpnn_jax before the first use of JAX, or set BPNN_XLA_OPTION=off "
            "if this is meant.",
            SpeedWarning,
            stacklevel=stacklevel,
        )


def jax_is_running() -> bool:
    """Whether JAX has started its backend."""
    bridge = sys.modules.get("jax._src.xla_bridge")  # JAX has no public way to ask without starting it
    return bool(bridge and getattr(bridge, "backends_are_initialized", lambda: False)())
