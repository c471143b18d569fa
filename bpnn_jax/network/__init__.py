"""The network in JAX, written apart from ``manual``: its gradient is JAX's own, so that the two can be held together."""

from bpnn_jax.network._activations import ACTIVATIONS, OUTPUT_ACTIVATIONS
from bpnn_jax.network._first import INITIAL, init, init_paired
from bpnn_jax.network._forward import (
    OBJECTIVES,
    apply,
    check_objective,
    check_weights,
    cross_entropy,
    error_terms,
    half_squared_error,
    intermediates,
)
from bpnn_jax.network._network import Network, Weights

__all__ = [
    "ACTIVATIONS",
    "INITIAL",
    "OBJECTIVES",
    "OUTPUT_ACTIVATIONS",
    "Network",
    "Weights",
    "apply",
    "check_objective",
    "check_weights",
    "cross_entropy",
    "error_terms",
    "half_squared_error",
    "init",
    "init_paired",
    "intermediates",
]
