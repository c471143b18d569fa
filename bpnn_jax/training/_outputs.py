"""The output layer of the generic engine: its activation in batches, and the error of an epoch.

A narrow output layer is a matrix of many short rows, and XLA's loop over a short row is hardly vectorised. In large batches its z,
a and δ^L are therefore made with several patterns to a row: the same numbers at the same places of memory.
"""

from math import gcd
from typing import Any

import jax.numpy as jnp

import manual
from bpnn_jax.network import Network, error_terms

VECTOR = 16  # float32 in 512 bits
MANY = 128  # patterns: in smaller batches the copies of the bias vector take longer than they save


def in_rows(v: Any) -> Any:
    """Outputs (patterns, n) with several patterns to a row, of a multiple of ``VECTOR``; as they are where that cannot be.

    >>> in_rows(jnp.zeros((512, 10))).shape, in_rows(jnp.zeros((512, 32))).shape, in_rows(jnp.zeros((300, 10))).shape
    ((64, 80), (512, 32), (300, 10))
    """
    if v.ndim != 2 or v.shape[0] < MANY:
        return v
    together = VECTOR // gcd(v.shape[1], VECTOR)
    return v if v.shape[0] % together else v.reshape(-1, together * v.shape[1])


def forward(W_bar: tuple, theta: tuple, x: Any, functions: tuple[manual.Activation, ...]) -> manual.Pass:
    """``manual.forward_with_bias_vectors``, with an elementwise output activation ``in_rows``. θ^L is (1, nL), or 0.0 for none."""
    f, bias = functions[-1], theta[-1]
    if f.elementwise:
        net = manual.forward_with_bias_vectors(W_bar, (*theta[:-1], 0.0), x, (*functions[:-1], manual.LINEAR))
        top = net.layers[-1]
        z = in_rows(top.z)
        if z is not top.z:
            z = z if isinstance(bias, float) else z + jnp.tile(bias, z.shape[1] // bias.shape[1])  # (5)
            a = f.value(z)  # (6)
            layer = top._replace(z=z.reshape(top.z.shape), a=a.reshape(top.z.shape), f=f)
            return net._replace(layers=(*net.layers[:-1], layer))
    return manual.forward_with_bias_vectors(W_bar, theta, x, functions)


def equations(of: manual.Equations) -> manual.Equations:
    """An objective's equations, with (8) ``in_rows`` where the activation is elementwise."""

    def output_delta(layer: manual.Layer, t: Any) -> Any:
        if not layer.f.elementwise:
            return of.output_delta(layer, t)
        rows = layer._replace(z=in_rows(layer.z), a=in_rows(layer.a))
        return of.output_delta(rows, in_rows(t)).reshape(t.shape)

    return of._replace(output_delta=output_delta)


def measured(network: Network, settings: Any, error: Any, z: Any, a: Any, t: Any) -> Any:
    """The error of the epoch so far, with one more pattern or batch: of the output layer's z and a."""
    if settings.objective != "half-squared-error":
        terms = error_terms(network, settings.objective, z, a, t)
        if settings.measure == "sum":
            return error + jnp.sum(terms)
        last = terms[..., -1]
        return error + jnp.sum(last) if settings.measure == "last-output" else last.reshape(-1)[-1]
    if settings.measure == "sum":
        return error + _half_squared(a, t)
    last = a[..., -1] - t[..., -1]
    if settings.measure == "last-output":
        return error + 0.5 * jnp.sum(last * last)
    last = last.reshape(-1)[-1]
    return 0.5 * last * last


def _half_squared(a: Any, t: Any) -> Any:
    """½ Σ (a - t)². Of a small batch it is summed over patterns first: in one sum, each addition waits for the one before."""
    e = in_rows(a) - in_rows(t)
    if e.ndim == 1 or len(a) >= MANY:  # XLA hands a long sum to a library
        return 0.5 * jnp.sum(e * e)
    return jnp.sum(0.5 * jnp.sum(e * e, axis=0))  # with the ½ in between, or XLA would make one sum of both
