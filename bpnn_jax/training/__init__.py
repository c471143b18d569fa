"""Training: one network or thousands, each a single compiled program; and a run for transformations of one's own."""

import bpnn_jax._runtime.own_manual  # noqa: F401 - an ImportError if another ``manual`` comes first
from bpnn_jax.training._epochs import EpochsRun, run_epochs
from bpnn_jax.training._loop import Rates
from bpnn_jax.training._many import ManyResult, train_many
from bpnn_jax.training._one import Checkpoint, DivergedError, TrainResult, predict, train
from bpnn_jax.training._schedule import Schedule, schedule
from bpnn_jax.training._settings import Settings
from bpnn_jax.training._watch import Curve, Watch

__all__ = [
    "Checkpoint",
    "Curve",
    "DivergedError",
    "EpochsRun",
    "ManyResult",
    "Rates",
    "Schedule",
    "Settings",
    "TrainResult",
    "Watch",
    "predict",
    "run_epochs",
    "schedule",
    "train",
    "train_many",
]
