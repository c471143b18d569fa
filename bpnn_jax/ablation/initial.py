"""First weights that are the same for a seed in every arm: where one arm has a bias node and another has none, the rest is equal."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from bpnn_jax.network import Network, Weights, init


@partial(jax.jit, static_argnums=(0, 1, 2, 3))
def _with_biases(sizes: tuple[int, ...], skip: bool, initial: str, ranges: tuple[float, ...], seeds: Any) -> Weights:
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

    return jax.vmap(one)(seeds)


def weights(
    network: Network, initial: str, ranges: Sequence[float], seeds: np.ndarray, width: int | None = None
) -> Weights:
    """The first weights of each seed, arrays (n, n_in + bias, n_out) in float32, the precision in which ``init`` draws.

    They are drawn for the network with all bias nodes, and the rows of those that it does not have are left out. The rows of skip
    connections come on top: the others are the weights of the same network without, where ``initial`` is uniform (the other kinds
    depend on how many nodes feed a layer, and are drawn anew).
    width: seeds are filled up to a multiple of it, so that other numbers of seeds compile nothing anew.

    >>> with_node, without = Network((2, 2, 1)), Network((2, 2, 1), hidden_bias=False)
    >>> a, b = (weights(n, "uniform", (0.2, 2.0), np.array([7]))[1][0].tolist() for n in (with_node, without))
    >>> len(a), len(b), a[:2] == b
    (3, 2, True)
    """
    n, width = len(seeds), width or len(seeds)
    found = []
    with jax.enable_x64(False):
        for at in range(0, n, width):
            full = np.resize(np.asarray(seeds[at : at + width], np.uint32), width)
            found.append(jax.device_get(_with_biases(network.sizes, network.skip, initial, tuple(ranges), full)))
    drawn = (np.concatenate(layer)[:n] for layer in zip(*found, strict=True))
    return tuple(W if bias else W[:, :-1] for W, bias in zip(drawn, network.biases, strict=True))
