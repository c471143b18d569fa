"""Training a block of many networks in stretches, with a look at the weights between them."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import numpy as np

from bpnn_jax.network import Network, Weights
from bpnn_jax.training import _engines
from bpnn_jax.training._loop import Rates, Settings

# Of the numbers of some networks (k,), an epoch counted from 0, and L arrays (k, n_in + bias, n_out).
Look = Callable[[np.ndarray, int, Weights], None]
# Of an epoch, which lanes ran it, and the weights of all lanes.
Seen = Callable[[int, np.ndarray, Weights], None]


def of_lanes(look: Look, chunk: np.ndarray) -> Seen:
    """``look`` for the first lanes of a block, which are the networks ``chunk``; the others are copies."""

    def seen(epoch: int, ran: np.ndarray, weights: Weights) -> None:
        which = np.flatnonzero(ran[: len(chunk)])
        if len(which):
            look(chunk[which], epoch, tuple(W[which] for W in weights))

    return seen


def run(
    engine: str,
    looks: Sequence[int],
    seen: Seen,
    network: Network,
    settings: Settings,
    dtype: str,
    weights: Weights,
    rates: Rates,
    *args: Any,
) -> Any:
    """``_many.run_block`` with a look after each of some epochs, rising from 0."""
    x, t, seeds, until = args
    begin, go_on, ended = _engines.STRETCHES[engine]
    with jax.enable_x64(dtype == "float64"):
        state = _begin(begin, network, settings, weights, rates, x, seeds)
        for epoch in looks:
            state = _go_on(go_on, network, settings, state, rates, x, t, seeds, epoch + 1)
            now = _ended(ended, state)
            ran = np.asarray(now.epochs) == epoch + 1
            if not ran.any():  # all have stopped
                break
            seen(epoch, ran, jax.device_get(now.weights))
        state = _go_on(go_on, network, settings, state, rates, x, t, seeds, until)
        return jax.device_get(_ended(ended, state))


@partial(jax.jit, static_argnums=(0, 1, 2))
def _begin(
    begin: Callable, network: Network, settings: Settings, weights: Weights, rates: Rates, x: Any, seeds: Any
) -> Any:
    return begin(network, settings, weights, rates, x, _keys(seeds))


@partial(jax.jit, static_argnums=(0, 1, 2))
def _go_on(go_on: Callable, network: Network, settings: Settings, state: Any, *args: Any) -> Any:
    rates, x, t, seeds, until = args
    return go_on(network, settings, state, rates, x, t, _keys(seeds), until)


@partial(jax.jit, static_argnums=0)
def _ended(ended: Callable, state: Any) -> Any:
    return ended(state)


def _keys(seeds: Any) -> Any:
    """One for each lane, or one for all."""
    return jax.vmap(jax.random.key)(seeds) if seeds.ndim else jax.random.key(seeds)
