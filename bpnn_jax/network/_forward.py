"""The forward pass (5), (6) and the objectives (7), (19) in JAX's words: their gradient is JAX's own."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from bpnn_jax._runtime import products
from bpnn_jax._runtime.arrays import real_array
from bpnn_jax.errors import InputError
from bpnn_jax.network._activations import OUTPUT_ACTIVATIONS
from bpnn_jax.network._network import Network, Weights


def apply(network: Network, weights: Weights, x: Any) -> jax.Array:
    """The outputs a^L, shape (nL,), of one pattern ``x`` of shape (n0,); or (patterns, nL) of a batch (patterns, n0).

    Equations (5) and (6), with the bias as a vector. Pure JAX: it works inside ``jit``, ``vmap`` and ``grad``, and checks nothing.

    >>> apply(Network((1, 1), "linear"), (jnp.array([[2.0], [1.0]]),), jnp.array([3.0]))
    Array([7.], dtype=float32)
    """
    return intermediates(network, weights, x)[1][-1]


def intermediates(
    network: Network, weights: Weights, x: Any, z_taps: Sequence[Any] | None = None
) -> tuple[list[jax.Array], list[jax.Array]]:
    """Every z^l and every a^l. ``z_taps``, zeros added to each z, make the gradient with respect to them the reference δ^l."""
    outputs, zs = [jnp.asarray(x)], []
    for l, (W, name, bias) in enumerate(zip(weights, network.activations, network.biases, strict=True)):
        # A product for each layer below, each with its own rows of W.
        with products.exact():
            z, *more = (jnp.dot(outputs[k], W[network.rows(l, k)]) for k in network.below[l])
        for part in more:
            z = z + part
        if bias:
            z = z + jnp.broadcast_to(W[-1], z.shape)
        if z_taps is not None:
            z = z + z_taps[l]
        zs.append(z)
        outputs.append(OUTPUT_ACTIVATIONS[name](z))
    return zs, outputs[1:]


def check_weights(network: Network, weights: Weights) -> None:
    """Raise InputError unless ``weights`` are L arrays of real numbers, of the network's shapes."""
    shapes = tuple(real_array(f"weights of layer {l}", W).shape for l, W in enumerate(weights, 1))
    if shapes != network.shapes:
        raise InputError(f"expected weights of shapes {network.shapes} for {network}, got {shapes}")


def half_squared_error(network: Network, weights: Weights, x: Any, t: Any) -> jax.Array:
    """E = ½ Σ_patterns Σ_k (a_k - t_k)², a scalar. A sum over outputs and over patterns, with the ½. Equation (7).

    ``x`` has shape (n0,) or (patterns, n0), ``t`` the same with nL. Pure JAX, like ``apply``.

    >>> net = Network((1, 1), "linear")
    >>> float(half_squared_error(net, (jnp.array([[2.0], [1.0]]),), jnp.array([[3.0]]), jnp.array([[5.0]])))
    2.0
    """
    return 0.5 * jnp.sum(jnp.square(apply(network, weights, x) - jnp.asarray(t)))


def cross_entropy(network: Network, weights: Weights, x: Any, t: Any) -> jax.Array:
    """E = -Σ t log a with softmax outputs, E = -Σ [t log a + (1-t) log(1-a)] with sigmoid outputs, a scalar. Equation (19).

    A sum over outputs and over patterns. ``x`` has shape (n0,) or (patterns, n0), ``t`` the same with nL. Pure JAX, like ``apply``.

    >>> net = Network((1, 2), "softmax")
    >>> E = cross_entropy(net, (jnp.zeros((2, 2)),), jnp.array([[3.0]]), jnp.array([[1.0, 0.0]]))
    >>> bool(jnp.isclose(E, jnp.log(2.0)))
    True
    """
    z, a = intermediates(network, weights, x)
    return jnp.sum(error_terms(network, "cross-entropy", z[-1], a[-1], jnp.asarray(t)))


def error_terms(network: Network, objective: str, z: Any, a: Any, t: Any, axis: int = -1) -> Any:
    """The terms of E, one per output, whose sum is (7) or (19); ``z`` and ``a`` are the output layer's, its nodes along ``axis``."""
    if objective == "half-squared-error":
        e = a - t
        return 0.5 * e * e
    if network.activations[-1] == "softmax":
        return -t * jax.nn.log_softmax(z, axis=axis)
    return jax.nn.softplus(-z) * t + jax.nn.softplus(z) * (1.0 - t)


OBJECTIVES: dict[str, Callable] = {"half-squared-error": half_squared_error, "cross-entropy": cross_entropy}


def check_objective(network: Network, objective: str) -> None:
    """Raise InputError where the objective is not for the network's outputs."""
    serving = {"half-squared-error": tuple(OUTPUT_ACTIVATIONS), "cross-entropy": ("sigmoid", "softmax")}[objective]
    if network.activations[-1] not in serving:
        raise InputError(
            f"expected {' or '.join(serving)} outputs for {objective}, got {network.activations[-1]}: half-squared-error serves "
            "every output activation"
        )
