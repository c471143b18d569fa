"""A forked child has its parent's JAX without the threads that carry its programs out: what it runs would wait for ever."""

import contextlib
import os

from bpnn_jax._runtime.xla import jax_is_running
from bpnn_jax.errors import InputError

_forked = False  # this process, after JAX had started in its parent


def watch() -> None:
    """From now on, know of forks; and whether this process is itself a fork's child with a JAX that had started before."""
    global _forked
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_in_child)
    with contextlib.suppress(OSError):  # no Linux: only forks from now on are known
        _forked = jax_is_running() and len(os.listdir("/proc/self/task")) == 1


def check_not_forked(function: str) -> None:
    """Raise InputError in a child that was forked from a process whose JAX had started."""
    if _forked:
        raise InputError(
            f"expected {function} in a process whose JAX has its threads, got a child that was forked after JAX had started, where it "
            "would wait for ever: multiprocessing.get_context('spawn') makes children that train, so does a fork before JAX is used"
        )


def _in_child() -> None:
    global _forked
    _forked = _forked or jax_is_running()
