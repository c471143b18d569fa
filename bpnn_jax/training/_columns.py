"""Batches by matrix products, with patterns as columns: equations (5) to (11), each matrix transposed.

A layer of few nodes is then a matrix of few long rows, which vectors fill; of one row per pattern, 10 outputs leave most of a vector
empty. And (5), (9) and (10) are products without a transposed activation, or with one of a narrow layer.
``python -m benchmarks.blocks`` prints what many networks take; docs/speed.md has it beside a pattern to a row.

Bias weights are vectors, (5) with θ added to z, (11): [a, 1] would cost a copy of every layer's activations, twice per update.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

import manual
from bpnn_jax.network import Network, Weights
from bpnn_jax.training import _outputs

MANY, WIDE = 256, 128  # patterns in a batch, and inputs


class Apart(NamedTuple):
    """Weights with their bias rows apart: W̄ᵀ of shape (n_out, n_in), and θᵀ (n_out, 1) or None, for each layer."""

    W_bar: tuple
    theta: tuple


class Batch(NamedTuple):
    """Patterns: x (patterns, n0), as columns (n0, patterns), t as columns (nL, patterns); or several batches, on an axis in front."""

    x: Any
    columns: Any
    t: Any


def apart(network: Network, weights: Weights) -> Apart:
    """The weights of a network without skip connections, taken apart."""
    pairs = [(W[:-1].T, W[-1:].T) if bias else (W.T, None) for W, bias in zip(weights, network.biases, strict=True)]
    return Apart(*zip(*pairs, strict=True))


def joined(weights: Apart) -> Weights:
    """What ``apart`` took apart, bit for bit."""
    xp = weights.W_bar[0].__array_namespace__()
    return tuple(
        W.T if theta is None else xp.concat([W.T, theta.T])
        for W, theta in zip(weights.W_bar, weights.theta, strict=True)
    )


def remembered_whole(kept: Any) -> Any:
    """What a rule remembers, of whole weights: as every other loop has it, and a checkpoint."""
    return jax.tree.map(lambda of: joined(of) if isinstance(of, Apart) else of, kept, is_leaf=_is_apart)


def remembered_as(network: Network, like: Any, kept: Any) -> Any:
    """The inverse of ``remembered_whole``. like: what the rule remembers before a first update, which says what is apart."""
    return jax.tree.map(
        lambda of, whole: apart(network, whole) if isinstance(of, Apart) else whole, like, kept, is_leaf=_is_apart
    )


def _is_apart(of: Any) -> bool:
    return isinstance(of, Apart)


def batch(x: Any, t: Any) -> Batch:
    """Of x (..., patterns, n0) and t (..., patterns, nL)."""
    return Batch(x, *_in_memory((jnp.swapaxes(x, -2, -1), jnp.swapaxes(t, -2, -1))))


def forward(network: Network, weights: Apart, columns: Any) -> list[manual.Layer]:
    """The layers, z, a and what is below them as columns (n, patterns), W as it lies. See ``manual.forward_with_bias_vectors``."""
    a, layers = columns, []
    for W, theta, name in zip(weights.W_bar, weights.theta, network.activations, strict=True):
        z = W @ a if theta is None else W @ a + theta  # (5) zᵀ = W̄ᵀ aᵀ + θᵀ
        f = manual.OUTPUT_ACTIVATIONS[name]
        below, a = a, f.value(z) if f.elementwise else jax.nn.softmax(z, axis=0)  # (6), or (18)
        layers.append(manual.Layer(below, W, z, a, f))
    return layers


def gradient(network: Network, weights: Apart, patterns: Batch, objective: str) -> tuple[Apart, tuple[Any, Any]]:
    """(∂E/∂W̄ᵀ and ∂E/∂θᵀ for each layer, z^L and a^L as columns), summed over patterns, by hand. See ``manual.gradient``."""
    layers = forward(network, weights, patterns.columns)
    # (8) δ^L
    delta, steps, by_theta = _outputs.output_delta(layers[-1], patterns.t, objective), [], []
    for l in range(len(layers) - 1, -1, -1):
        # (10) (∂E/∂W̄)ᵀ = δᵀ a, summed over patterns, and (11)
        steps.append(delta @ layers[l].below.T if l else _first_step(patterns, delta))
        by_theta.append(jnp.sum(delta, axis=1, keepdims=True) if network.biases[l] else None)
        if l:
            # (9) δᵀ = f'(zᵀ) ⊙ (W̄ δᵀ)
            delta = layers[l - 1].derivative * (_in_memory(layers[l].W.T) @ delta)
    return Apart(tuple(steps[::-1]), tuple(by_theta[::-1])), (layers[-1].z, layers[-1].a)


def _first_step(patterns: Batch, delta: Any) -> Any:
    """(10) of the first layer, as ``gradient`` has it.

    Of many patterns with many inputs the transposed product is quicker: 784-32-10 and 784-128-10 in one batch of 1000 take 0.91 of
    the time. In minibatches of 32 it takes 1.3 times as long.
    """
    if patterns.x.shape[0] < MANY or patterns.x.shape[1] < WIDE:
        return delta @ patterns.x
    return _in_memory(patterns.columns @ delta.T).T


def _in_memory(transposed: Any) -> Any:
    """As it is, laid out so: XLA's product of many pairs of matrices, the first of which it has to transpose, takes longer.

    Measured factor by factor: of W̄ here and of a batch's patterns it saves 3 to 7%; of the activations in (10) it costs 2%.
    """
    return jax.lax.optimization_barrier(transposed)
