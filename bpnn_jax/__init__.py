"""Back-propagation derived by hand, held against JAX: networks, training, and the ladder of trust.

``import bpnn_jax`` is cheap: a name is imported from its module when it is first used, so that ``bpnn --help`` needs no JAX.
"""

import importlib
from typing import TYPE_CHECKING

from bpnn_jax._runtime import xla

if TYPE_CHECKING:
    from bpnn_jax._runtime.progress import progress_bar
    from bpnn_jax.errors import InputError
    from bpnn_jax.network import Network, apply, half_squared_error, init, init_paired
    from bpnn_jax.patterns import Patterns
    from bpnn_jax.patterns import load as load_patterns
    from bpnn_jax.rules import previous_gradient
    from bpnn_jax.storage import load_network, save_network
    from bpnn_jax.training import DivergedError, TrainResult, predict, train
    from bpnn_jax.training._loop import Settings
    from bpnn_jax.training._many import ManyResult, train_many

__version__ = "0.1.0"

_HOME = {
    "DivergedError": "training",
    "InputError": "errors",
    "ManyResult": "training",
    "Network": "network",
    "Patterns": "patterns",
    "Settings": "training",
    "TrainResult": "training",
    "apply": "network",
    "half_squared_error": "network",
    "init": "network",
    "init_paired": "network",
    "load_network": "storage",
    "load_patterns": "patterns",
    "predict": "training",
    "previous_gradient": "rules",
    "progress_bar": "_runtime.progress",
    "save_network": "storage",
    "train": "training",
    "train_many": "training",
}

__all__ = [
    "DivergedError",
    "InputError",
    "ManyResult",
    "Network",
    "Patterns",
    "Settings",
    "TrainResult",
    "apply",
    "half_squared_error",
    "init",
    "init_paired",
    "load_network",
    "load_patterns",
    "predict",
    "previous_gradient",
    "progress_bar",
    "save_network",
    "train",
    "train_many",
]

xla.set_small_loop_option()


def __getattr__(name: str):
    if name not in _HOME:
        raise AttributeError(f"module 'bpnn_jax' has no attribute {name!r}")
    module = importlib.import_module(f"bpnn_jax.{_HOME[name]}")
    return getattr(module, "load" if name == "load_patterns" else name)


def __dir__() -> list[str]:
    return __all__
