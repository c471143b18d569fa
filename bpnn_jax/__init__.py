"""Back-propagation derived by hand, held against JAX: networks, training, and the ladder of trust.

``import bpnn_jax`` is cheap: a name is imported from its module when it is first used, so that ``bpnn --help`` needs no JAX.
"""

import importlib

from bpnn_jax import _xla

__version__ = "0.1.0"

_HOME = {
    "Network": "network",
    "apply": "network",
    "init": "network",
    "half_squared_error": "objective",
    "previous_gradient": "momentum",
    "DivergedError": "training",
    "TrainResult": "training",
    "train": "training",
    "Patterns": "patterns",
    "load_patterns": "patterns",
    "load_network": "storage",
    "save_network": "storage",
}

__all__ = [
    "DivergedError",
    "Network",
    "Patterns",
    "TrainResult",
    "apply",
    "half_squared_error",
    "init",
    "load_network",
    "load_patterns",
    "previous_gradient",
    "save_network",
    "train",
]

_xla.set_small_loop_option()


def __getattr__(name: str):
    if name not in _HOME:
        raise AttributeError(f"module 'bpnn_jax' has no attribute {name!r}")
    return getattr(importlib.import_module(f"bpnn_jax.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
