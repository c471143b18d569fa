"""The kernel as an engine of ``train_many``: a block of networks up to any epoch, with the errors of some on the way.

The kernel itself keeps no history, so it is launched up to the next epoch that is recorded, and on. A launch begins with the bits that
the last one ended with.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from bpnn_jax.network import Network
from bpnn_jax.training import _loop, _settings
from bpnn_jax.training._loop import Rates
from bpnn_jax.training._settings import Settings
from bpnn_jax.training.fused.lanes import Ended
from bpnn_jax.training.gpu import block
from bpnn_jax.training.gpu.block import Running


@partial(jax.tree_util.register_dataclass, data_fields=["running", "epoch", "history"], meta_fields=[])
@dataclass(frozen=True)
class Stretched:
    """A block between two launches. ``epoch``: how many it has run; ``history``: (points, networks), NaN where not reached."""

    running: Running
    epoch: Any
    history: Any


def begin(network: Network, settings: Settings, weights: tuple, rates: Rates, own_inputs: bool) -> Stretched:
    """A block before its first epoch, from weights (networks, n_in + bias, n_out)."""
    running = block.begin(network, settings, tuple(jnp.moveaxis(W, 0, -1) for W in weights))
    history = jnp.full((_settings.points(settings), running.networks), jnp.nan, jnp.float32)
    return Stretched(running, jnp.int32(0), history)


def go_on(
    network: Network,
    settings: Settings,
    now: Stretched,
    rates: Rates,
    x: Any,
    t: Any,
    orders: None,
    until: Any,
    *,
    interpret: bool = False,
) -> Stretched:
    """A block up to epoch ``until``, or until all its networks have stopped. Patterns keep their order: ``orders`` is None."""
    given, every = block.given(now.running, x, t, rates), settings.history_every

    def goes_on(now: Stretched) -> Any:
        return (now.running.status == _loop.RUNNING).any() & (now.epoch < until)

    def stretch(now: Stretched) -> Stretched:
        length = _length(now.epoch, until, every)
        running, end = block.advance(settings, now.running, given, length, interpret=interpret), now.epoch + length
        error = jnp.where(running.epochs == end, running.errors[0, 0, : running.networks], jnp.nan)
        return Stretched(running, end, _loop.with_error(settings, now.history, end - 1, error))

    return jax.lax.while_loop(goes_on, stretch, now)


def _length(epoch: Any, until: Any, every: int) -> Any:
    """How many epochs it is to the end of the next that is recorded, or to ``until``; within int32, however large they are.

    >>> [int(_length(jnp.int32(epoch), 11, every=4)) for epoch in (0, 1, 5, 9)]
    [1, 4, 4, 2]
    >>> int(_length(jnp.int32(1), 2**31 - 1, every=2**31 - 1)) == 2**31 - 2
    True
    """
    return jnp.minimum(-epoch % every, until - epoch - 1).astype(jnp.int32) + 1


interpreted = partial(go_on, interpret=True)  # once: what is compiled is kept by it


def ended(now: Stretched) -> Ended:
    """Where the networks are, weights (networks, n_in + bias, n_out)."""
    found = block.ended(now.running)
    xp = now.history.__array_namespace__()
    weights = tuple(xp.moveaxis(W, -1, 0) for W in found.weights)
    return Ended(weights, now.running.epochs, found.error, found.status, now.history)


def status(now: Stretched) -> Any:
    return now.running.status
