"""Training: one network or thousands, each a single compiled program."""

from bpnn_jax.training._loop import Rates, Settings
from bpnn_jax.training._many import ManyResult, train_many
from bpnn_jax.training._one import DivergedError, TrainResult, predict, train

__all__ = ["DivergedError", "ManyResult", "Rates", "Settings", "TrainResult", "predict", "train", "train_many"]
