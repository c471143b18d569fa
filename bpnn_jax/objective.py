"""The objective in JAX, to be differentiated: half the squared error, equation (7)."""

from typing import Any

import jax
import jax.numpy as jnp

from bpnn_jax.network import Network, Weights, apply


def half_squared_error(network: Network, weights: Weights, x: Any, t: Any) -> jax.Array:
    """E = ½ Σ_patterns Σ_k (a_k - t_k)², a scalar. A sum over outputs and over patterns, with the ½. Equation (7).

    ``x`` has shape (n0,) or (patterns, n0), ``t`` the same with nL.

    >>> net = Network((1, 1), "linear")
    >>> float(half_squared_error(net, (jnp.array([[2.0], [1.0]]),), jnp.array([[3.0]]), jnp.array([[5.0]])))
    2.0
    """
    return 0.5 * jnp.sum(jnp.square(apply(network, weights, x) - jnp.asarray(t)))
