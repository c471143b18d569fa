"""The activations in JAX's words, which JAX differentiates: (1), (2), (17), and (18) for the output layer."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

ACTIVATIONS: dict[str, Callable] = {
    "sigmoid": jax.nn.sigmoid,  # (1)
    "tanh": jnp.tanh,  # (2)
    "linear": lambda z: z,
    "lecun_tanh": lambda z: 1.7159 * jnp.tanh(2.0 / 3.0 * z),
    # (17). At a kink, in f or in f', z = 0 counts to the left side, as in jax.nn.relu and jax.nn.elu. In jax.nn.leaky_relu it
    # counts to the right one, and jax.nn.soft_sign takes the mean of both: these two are written here.
    "relu": jax.nn.relu,
    "leaky_relu": lambda z: jnp.where(z > 0, z, 0.01 * z),
    "elu": jax.nn.elu,
    "softplus": jax.nn.softplus,
    "softsign": lambda z: z / (1.0 + jnp.where(z > 0, z, -z)),
    "silu": jax.nn.silu,
    "gelu": jax.nn.gelu,  # by tanh
}
OUTPUT_ACTIVATIONS: dict[str, Callable] = {**ACTIVATIONS, "softmax": jax.nn.softmax}  # (18): of the output layer alone
