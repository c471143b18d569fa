"""Training: one network or thousands, each a single compiled program; and a run for transformations of one's own."""

import bpnn_jax._runtime.own_manual  # noqa: F401 - an ImportError if another ``manual`` comes first
from bpnn_jax.training._epochs import EpochsRun, run_epochs
from bpnn_jax.training._loop import Rates, Settings
from bpnn_jax.training._many import ManyResult, train_many
from bpnn_jax.training._one import DivergedError, TrainResult, predict, train

__all__ = [
    "DivergedError",
    "EpochsRun",
    "ManyResult",
    "Rates",
    "Settings",
    "TrainResult",
    "predict",
    "run_epochs",
    "train",
    "train_many",
]
