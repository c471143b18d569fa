"""One option for XLA's CPU backend, set before JAX starts it: small loops are compiled into a single function.

Without it the runtime dispatches every fused operation of a loop body on its own, which costs an online update of a 20-8-3
network several times its arithmetic (``benchmarks/article.py`` prints both). ``BPNN_XLA_OPTION=off`` leaves XLA alone, and
so does any ``xla_backend_extra_options`` of the user's own.
"""

import os
import sys
import warnings

OPTION = "--xla_backend_extra_options=xla_cpu_small_while_loop_byte_threshold=100000000"
too_late = False  # the option was to be set, and JAX had its backend already


class SpeedWarning(UserWarning):
    """A run is right, and slower than it could be."""


def set_small_loop_option() -> None:
    global too_late
    flags = os.environ.get("XLA_FLAGS", "")
    if os.environ.get("BPNN_XLA_OPTION", "on") != "off" and "xla_backend_extra_options" not in flags:
        os.environ["XLA_FLAGS"] = f"{flags} {OPTION}".strip()
        too_late = jax_is_running()


def warn_if_too_late(stacklevel: int = 3) -> None:
    """Warn, once per process, if the option could not be set before JAX started its backend."""
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
