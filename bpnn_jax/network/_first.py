"""First weights, by the name of their kind, and the same ones for networks that share them."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from bpnn_jax.errors import InputError, seed, unknown
from bpnn_jax.network._network import Network, Weights

INITIAL = ("uniform", "glorot", "lecun", "he", "nguyen-widrow")


def init(
    network: Network,
    key: Any = 0,
    *,
    initial: str = "uniform",
    ranges: Sequence[float] = (0.2, 2.0),
    dtype: Any = jnp.float32,
) -> Weights:
    """Random weights, a tuple of L matrices: W[l] of shape ``network.shapes[l]``, the bias node's weights last.

    initial: ``uniform``, U(-r, r) with r from ``ranges``, the last of which serves all later layers (the article's are 0.2
             and 2); ``glorot``, U(±sqrt(6/(n_in + n_out))), biases 0 (Glorot and Bengio 2010); ``lecun``, normal with
             variance 1/n_in, biases 0 (LeCun and others 1998); ``he``, normal with variance 2/n_in, biases 0 (He and others
             2015); ``nguyen-widrow``, in each layer but the last the weights into a node U(±1), scaled to the length
             β = 0.7 n_out^(1/n_in), and its bias U(±β); in the last U(±0.5), biases too (Nguyen and Widrow 1990).
             n_in counts the nodes below without the bias node.
    key:     a seed (0 to 2^32 - 1), or a JAX key. Drawn in float32 whatever ``dtype``: a seed means the same weights in both.

    Raises InputError for an unknown ``initial``, and for ranges or a seed that are no such numbers.

    >>> [W.shape for W in init(Network((2, 2, 1)), 0)]
    [(3, 2), (3, 1)]
    """
    if initial not in INITIAL:
        raise unknown("initial weights", initial, INITIAL)
    if initial == "uniform" and (not ranges or not all(0 <= r < float("inf") for r in ranges)):
        raise InputError(f"expected ranges as finite numbers from 0 up, got {tuple(ranges)!r}")
    keys = jax.random.split(key if isinstance(key, jax.Array) else jax.random.key(seed(key)), len(network.shapes))
    weights = []
    for l, (k, (rows, n_out), bias) in enumerate(zip(keys, network.shapes, network.biases, strict=True)):
        n_in = rows - bias
        if initial == "uniform":
            r = ranges[min(l, len(ranges) - 1)]
            W = jax.random.uniform(k, (rows, n_out), jnp.float32, -r, r)
        else:
            W, theta = _drawn(initial, k, n_in, n_out, last=l == len(network.shapes) - 1)
            W = jnp.concatenate([W, jnp.broadcast_to(theta[None], (rows - n_in, n_out))])
        weights.append(W.astype(dtype))
    return tuple(weights)


def _drawn(initial: str, key: jax.Array, n_in: int, n_out: int, *, last: bool) -> tuple[jax.Array, jax.Array]:
    """(W̄ of shape (n_in, n_out), θ of shape (n_out,)): the weights do not depend on whether there is a bias node."""
    if initial == "glorot":
        r = (6.0 / (n_in + n_out)) ** 0.5
        return jax.random.uniform(key, (n_in, n_out), jnp.float32, -r, r), jnp.zeros(n_out, jnp.float32)
    if initial in ("lecun", "he"):
        variance = {"lecun": 1.0, "he": 2.0}[initial] / n_in
        return jax.random.normal(key, (n_in, n_out), jnp.float32) * variance**0.5, jnp.zeros(n_out, jnp.float32)
    for_weights, for_biases = jax.random.split(key)
    W = jax.random.uniform(for_weights, (n_in, n_out), jnp.float32, -1.0, 1.0)
    theta = jax.random.uniform(for_biases, (n_out,), jnp.float32, -1.0, 1.0)
    if last:
        return 0.5 * W, 0.5 * theta
    beta = 0.7 * n_out ** (1.0 / n_in)
    return beta * W / jnp.sqrt(jnp.sum(W * W, axis=0, keepdims=True)), beta * theta


@partial(jax.jit, static_argnums=(0, 1, 2, 3))
def _draw_with_biases(
    sizes: tuple[int, ...], skip: bool, initial: str, ranges: tuple[float, ...], seeds: Any
) -> Weights:
    plain, skipping = Network(sizes), Network(sizes, skip=True)  # with every bias node; the activations do not matter

    def one(seed: Any) -> Weights:
        key = jax.random.key(seed)
        if skip and initial != "uniform":  # whose spread depends on how many nodes are below
            return init(skipping, key, initial=initial)
        drawn = init(plain, key, initial=initial, ranges=ranges)
        if not skip:
            return drawn
        more = init(skipping, jax.random.fold_in(key, 0), ranges=ranges)
        return tuple(jnp.concatenate([W[:-1], S[len(W) - 1 : -1], W[-1:]]) for W, S in zip(drawn, more, strict=True))

    return jax.lax.map(one, seeds)  # which compiles in a third of the time of ``vmap``, and runs as fast


def init_paired(
    network: Network, initial: str, ranges: Sequence[float], seeds: np.ndarray, width: int | None = None
) -> Weights:
    """First weights of each seed, equal in all networks that share them: arrays (n, n_in + bias, n_out) in float32.

    They are drawn for the network with all bias nodes, and the rows of those that it does not have are left out. The rows of skip
    connections come on top: the others are the weights of the same network without, where ``initial`` is uniform (the other kinds
    depend on how many nodes feed a layer, and are drawn anew).
    initial, ranges: as for ``init``.
    seeds: n whole numbers from 0 to 2^32 - 1.
    width: seeds are filled up to a multiple of it, so that other numbers of seeds compile nothing anew.

    Raises InputError for an unknown ``initial``, and for ranges that are no such numbers.

    >>> with_node, without = Network((2, 2, 1)), Network((2, 2, 1), hidden_bias=False)
    >>> a, b = (init_paired(n, "uniform", (0.2, 2.0), np.array([7]))[1][0].tolist() for n in (with_node, without))
    >>> len(a), len(b), a[:2] == b
    (3, 2, True)
    """
    n, width = len(seeds), width or len(seeds)
    found = []
    with jax.enable_x64(False):
        for at in range(0, n, width):
            full = np.resize(np.asarray(seeds[at : at + width], np.uint32), width)
            found.append(jax.device_get(_draw_with_biases(network.sizes, network.skip, initial, tuple(ranges), full)))
    drawn = (np.concatenate(layer)[:n] for layer in zip(*found, strict=True))
    return tuple(W if bias else W[:, :-1] for W, bias in zip(drawn, network.biases, strict=True))
