"""The output layer with its nodes on the first axis, for one pattern, for lanes and for patterns as columns: δ^L and the error."""

from typing import Any

import jax.numpy as jnp

import manual
from bpnn_jax.network import Network, error_terms


def output_delta(layer: manual.Layer, t: Any, objective: str) -> Any:
    """δ^L, of the shape of a^L."""
    if objective == "half-squared-error" and not layer.f.elementwise:
        e = layer.a - t
        return layer.a * (e - jnp.sum(e * layer.a, axis=0, keepdims=True))  # (8) with the Jacobian (18) multiplied out
    # (8) δ^L = (a^L - t) ⊙ f'(z^L), or (19) δ^L = a^L - t
    return manual.OBJECTIVES[objective].equations.output_delta(layer, t)


def measured(network: Network, settings: Any, error: Any, z: Any, a: Any, t: Any) -> Any:
    """The error of the epoch so far, with one more pattern's, of each lane: its z^L, a^L and t, (nL,) or (nL, lanes)."""
    if settings.objective == "half-squared-error":
        e = a - t
        whole, last = 0.5 * jnp.sum(e * e, axis=0), 0.5 * e[-1] * e[-1]  # (7)
    else:
        terms = error_terms(network, settings.objective, z, a, t, axis=0)
        whole, last = jnp.sum(terms, axis=0), terms[-1]  # (19)
    if settings.measure == "sum":
        return error + whole
    return error + last if settings.measure == "last-output" else last


def measured_batch(network: Network, settings: Any, error: Any, z: Any, a: Any, t: Any) -> Any:
    """The same with one more pattern's, (nL,), or those of a batch, (nL, patterns).

    >>> from bpnn_jax.training import Settings
    >>> a, t = jnp.array([[1.0, 3.0], [0.0, 2.0]]), jnp.zeros((2, 2))
    >>> float(measured_batch(Network((1, 2)), Settings(), 10.0, a, a, t))      # ½ (1 + 9 + 4)
    17.0
    """
    each = measured(network, settings, 0.0, z, a, t)
    return each.reshape(-1)[-1] if settings.measure == "last-pattern" else error + jnp.sum(each)
