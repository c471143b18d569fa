"""Whole runs of a block of networks, each with its own rates, start and stop, as one program: the networks are the last axis."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from bpnn_jax.network import Network
from bpnn_jax.training import _loop, _settings
from bpnn_jax.training._loop import Rates
from bpnn_jax.training._orders import Drawn
from bpnn_jax.training._settings import Settings
from bpnn_jax.training.fused import epoch, equations
from bpnn_jax.training.fused.equations import LANES


class Block(NamedTuple):
    """A block between two epochs. Once a network has stopped, its lane of ``ended`` no longer changes."""

    weights: tuple  # of shape (n_out, n_in, lanes); a stopped network's lane goes on: these are ignored
    kept: Any  # what the rule remembers
    epoch: Any
    ended: "Ended"


class Ended(NamedTuple):
    """How the runs of a block ended, or where they are: one lane per network."""

    weights: tuple  # of shape (n_out, n_in, lanes)
    epochs: Any
    error: Any
    status: Any
    history: Any  # (points, lanes): NaN where not reached


def begin(network: Network, settings: Settings, weights: tuple, rates: Rates, own_inputs: bool) -> Block:
    """A block before its first epoch, from weights (lanes, n_in, n_out). ``own_inputs``: as ``epoch.memory`` has it."""
    weights = tuple(jnp.transpose(W, (2, 1, 0)) for W in weights)
    kept = epoch.memory(network, settings, weights, rates, own_inputs)
    return Block(weights, kept, jnp.zeros((), jnp.int32), _not_begun(settings, weights))


def go_on(
    network: Network, settings: Settings, block: Block, rates: Rates, x: Any, t: Any, orders: Drawn | None, until: Any
) -> Block:
    """A block up to epoch ``until``; in several stretches it comes to the same bits as in one. ``orders`` where they are shuffled."""
    if x.ndim == 3:
        x, t = jnp.moveaxis(x, 0, -1), jnp.moveaxis(t, 0, -1)

    def running(block: Block) -> Any:
        return (block.ended.status == _loop.RUNNING).any() & (block.epoch < until)

    def one_epoch(block: Block) -> Block:
        xs, ts = (x, t) if orders is None else _shuffled(orders.at(block.epoch), x, t)
        carry = (block.weights, block.kept, block.ended.error)
        now = _loop.scheduled(settings, rates, block.epoch)
        weights, kept, error = epoch.run(network, settings, LANES, carry, xs, ts, now)
        miss = _miss(network, weights, x, t) if settings.stop_solved else None
        ended = _noted(settings, block.ended, block.epoch, weights, error, miss, rates)
        return Block(weights, kept, block.epoch + 1, ended)

    return jax.lax.while_loop(running, one_epoch, block)


def ended(block: Block) -> Ended:
    """Where the networks are, weights (lanes, n_in, n_out)."""
    return block.ended._replace(weights=tuple(W.transpose(2, 1, 0) for W in block.ended.weights))


def _not_begun(settings: Settings, weights: tuple) -> Ended:
    lanes, dtype = weights[0].shape[2], weights[0].dtype
    return Ended(
        weights=weights,
        epochs=jnp.zeros(lanes, jnp.int32),
        error=jnp.full(lanes, jnp.nan, dtype),
        status=jnp.full(lanes, _loop.RUNNING, jnp.int32),
        history=jnp.full((_settings.points(settings), lanes), jnp.nan, dtype),
    )


def _noted(settings: Settings, ended: Ended, epoch: Any, weights: tuple, error: Any, miss: Any, rates: Rates) -> Ended:
    """After an epoch: what there is to say of the networks that were still running. Of the others nothing changes."""
    running = ended.status == _loop.RUNNING
    finite = jnp.isfinite(error)
    for W in weights:
        finite = finite & jnp.isfinite(W).all(axis=(0, 1))
    return Ended(
        weights=tuple(
            jnp.where(running[None, None], new, old) for new, old in zip(weights, ended.weights, strict=True)
        ),
        epochs=jnp.where(running, epoch + 1, ended.epochs),
        error=jnp.where(running, error, ended.error),
        status=jnp.where(running, _loop.status_after(error, finite, miss, rates), ended.status),
        history=_loop.with_error(settings, ended.history, epoch, jnp.where(running, error, jnp.nan)),
    )


def _miss(network: Network, weights: tuple, x: Any, t: Any) -> Any:
    """The largest distance of an output from its target, over all patterns: one per lane."""

    def worse(miss: Any, pattern: tuple) -> tuple[Any, None]:
        x, t = pattern
        outputs = equations.forward(LANES, network, weights, x)[-1].a
        return jnp.maximum(miss, abs(outputs - (t if t.ndim == 2 else t[:, None])).max(axis=0)), None

    return jax.lax.scan(worse, jnp.zeros(weights[0].shape[2:], x.dtype), (x, t))[0]


def _shuffled(order: Any, x: Any, t: Any) -> tuple[Any, Any]:
    """The patterns in the order of ``train``: (patterns, n, lanes), or as they came where all networks have one."""
    if order.ndim == 1:
        return x[order], t[order]
    order = order.T  # (patterns, lanes)
    if x.ndim == 3:
        return jnp.take_along_axis(x, order[:, None], axis=0), jnp.take_along_axis(t, order[:, None], axis=0)
    return jnp.swapaxes(x[order], 1, 2), jnp.swapaxes(t[order], 1, 2)
