"""Equations (5) to (10) for one pattern, as products and sums: the same lines for one network and for a block of them.

Two layouts of a weight matrix W of n_in rows (with the bias node's, the last) and n_out columns:

    ONE     (n_in, n_out): a network alone. A node's outgoing weights lie side by side, so the nodes above are a vector.
    LANES   (n_out, n_in, lanes): a block of networks, which are the vector. The weights that meet in a node lie together.

What is said about speed here was measured on 20-8-3, online, float32, on an AMD EPYC (Zen 3, 32 kB of L1 data cache a core).

Why not ``manual.forward`` and ``manual.hidden_delta`` themselves: they say ``@``, which XLA compiles into calls and copies that
cost more than the arithmetic of so small a layer (one update: 1.6 times as long), and a batch of lanes has no matrix product.
What has no ``@`` is ``manual``'s: the derivatives (3) and (4), the output delta (8), the steps (14) and (15).
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

import manual
from bpnn_jax.network import OUTPUT_ACTIVATIONS, Network

# XLA puts the sum in (9) into the loop over the weights below, once per weight. From so many terms on that loop is no longer
# vectorised, and an update takes 5 to 40 times as long; the sum is then written down first. ``python -m benchmarks.outputs``
MANY_ABOVE = 4  # in LANES
MANY_ABOVE_ONE = 8  # in ONE, where fewer terms are quicker in the loop


def total(terms: Sequence[Any]) -> Any:
    """The sum of ``terms``, pairwise: in a chain each addition depends on the one before (one network: 10% longer).

    >>> total([1.0, 2.0, 4.0])
    7.0
    """
    while len(terms) > 1:
        pairs = [a + b for a, b in zip(terms[::2], terms[1::2], strict=False)]
        terms = pairs + list(terms[len(pairs) * 2 :])
    return terms[0]


class Layout(NamedTuple):
    """How a weight matrix lies in memory, and the four things that depend on it."""

    pre_activation: Callable[[Any, Any], Any]  # (5)
    back: Callable[[Any, Any, slice], Any]  # the sum in (9), for the nodes below that have these rows
    gradient: Callable[[Any, Any], Any]  # (10)
    along_rows: Callable[[Any], Any]  # a number for each of its rows, of a shape to multiply it by


def _one_pre_activation(a: Any, W: Any) -> Any:
    return total([a_i * W_i for a_i, W_i in zip(a, W, strict=False)] + list(W[a.shape[0] :]))  # (5) z = [a, 1] W


def _one_back(W: Any, delta: Any, rows: slice) -> Any:
    if len(delta) >= MANY_ABOVE_ONE:
        return jnp.sum(delta[None, :] * W[rows], axis=1)
    return total([delta[k] * W[rows, k] for k in range(delta.shape[0])])  # Σ_k δ_k W̄_ik for each node i below


def _one_gradient(below: Any, delta: Any) -> Any:
    return below[:, None] * delta[None, :]  # (10) [a, 1]ᵀ δ


def _lanes_pre_activation(a: Any, W: Any) -> Any:
    n = a.shape[0]

    def node(j, z):
        return z.at[j].set(total([a[i] * W[j, i] for i in range(n)] + [W[j, i] for i in range(n, W.shape[1])]))  # (5)

    # A node at a time, in a loop: it keeps XLA from putting the activation function into the same loop as the sum, where the
    # exponentials of all nodes run one after another (10% longer).
    lanes = jnp.broadcast_shapes(a.shape[1:], W.shape[2:])
    return jax.lax.fori_loop(0, W.shape[0], node, jnp.zeros((W.shape[0], *lanes), W.dtype))


def _lanes_back(W: Any, delta: Any, rows: slice) -> Any:
    if len(delta) < MANY_ABOVE:
        return total([delta[k][None] * W[k, rows] for k in range(len(delta))])  # Σ_k δ_k W̄_ik for each node i below
    first, last, _ = rows.indices(W.shape[1])

    def node(i, found):
        return found.at[i].set(total([delta[k] * W[k, first + i] for k in range(len(delta))]))

    return jax.lax.fori_loop(0, last - first, node, jnp.zeros((last - first, *delta.shape[1:]), W.dtype))


def _lanes_gradient(below: Any, delta: Any) -> Any:
    return (below if below.ndim == 2 else below[:, None])[None] * delta[:, None]  # (10) [a, 1]ᵀ δ, transposed


ONE = Layout(_one_pre_activation, _one_back, _one_gradient, lambda numbers: numbers[:, None])
LANES = Layout(_lanes_pre_activation, _lanes_back, _lanes_gradient, lambda numbers: numbers[None, :, None])


def all_below(network: Network, activations: Sequence[Any], l: int) -> Any:
    """What feeds weight layer ``l``: a^l (counted from 0), or with skip connections [a^l, ..., a^0]; (n_in,) or (n_in, lanes)."""
    if not network.skip:
        return activations[l]
    lanes = activations[l].shape[1:]  # an input may be the same for all lanes
    parts = [activations[k].reshape(-1, *activations[k].shape[1:] or (1,) * len(lanes)) for k in network.below[l]]
    return jnp.concatenate([jnp.broadcast_to(part, (len(part), *lanes)) for part in parts])


def forward(layout: Layout, network: Network, weights: tuple, x: Any) -> list[manual.Layer]:
    """The layers for one pattern ``x`` of shape (n0,), or (n0, lanes): z and a of shape (n,) or (n, lanes), W as it lies."""
    activations, layers = [x], []  # (6) a^0 = x
    for l, (W, name) in enumerate(zip(weights, network.activations, strict=True)):
        below = all_below(network, activations, l)
        z = layout.pre_activation(below, W)  # (5) z^l = [a^(l-1), 1] W^l
        # (6) a^l = f(z^l), by JAX's own sigmoid and tanh; a softmax (18) is that of the nodes, which are the first axis
        a = jax.nn.softmax(z, axis=0) if name == "softmax" else OUTPUT_ACTIVATIONS[name](z)
        activations.append(a)
        layers.append(manual.Layer(below, W, z, a, manual.OUTPUT_ACTIVATIONS[name]))
    return layers


def hidden_delta(layout: Layout, layer: manual.Layer, above: Sequence[tuple[Any, Any, slice]]) -> Any:
    """δ^l, of the shape of a^l. ``above``: W, δ, and the rows of W that a^l meets, of each layer that a^l feeds."""
    # (9) δ^l = f'(z^l) ⊙ (δ^(l+1) W̄^(l+1)ᵀ)
    return layer.derivative * total([layout.back(W, delta, rows) for W, delta, rows in above])


def with_bias_node(a: Any, bias: bool) -> Any:
    """[a, 1], of shape (n + bias,) or (n + bias, lanes)."""
    return jnp.concatenate([a, jnp.ones_like(a[:1])]) if bias else a
