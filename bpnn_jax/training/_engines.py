"""Chooses the training loop for a network and its settings.

The measurements behind the limits are in docs/speed.md, under "Written out, or matrix products".
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from threading import RLock
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from bpnn_jax.network import Network
from bpnn_jax.training import _loop
from bpnn_jax.training._loop import GENERIC, Engine, Rates
from bpnn_jax.training._orders import Drawn
from bpnn_jax.training._settings import Settings
from bpnn_jax.training.fused import epoch, lanes, patterns
from bpnn_jax.training.fused.equations import ONE

LANES_WIDTH = {"float32": 64, "float64": 64}  # of 16, 32, 48, 64, 96 and 128 the fastest, or as fast as the fastest
PRODUCTS_WIDTH = 16  # of large networks, in batches, on a CPU: so they stay in L2; benchmarks/blocks.py
LARGE = 1200  # weights
ALONE_WIDTH = 4  # networks in a call, which takes 0.3 ms; more would leave cores idle, where there are few networks
LANES, MAPPED, ALONE = "lanes", "generic, vmapped", "one at a time"
KERNEL, INTERPRETED = "GPU kernel", "GPU kernel, interpreted"
KERNELS = {"gpu": KERNEL, "interpret": INTERPRETED}  # by the device of ``train_many``
TURN = RLock()  # whose turn it is on the GPU
WIDEST = 256  # nodes in a layer: a sum is written out term by term, which compiles ever longer; benchmarks/widest.py
LANES_WEIGHTS = {"float32": 2500, "float64": 1000}  # of each of many online: above, one at a time is faster
FUSED_WEIGHTS = 4000  # of one network online: above, matrix products are faster
# In batches, of one network and of each of many: above, matrix products are faster. Batches of ``MANY`` patterns are like one of all.
BATCH_WEIGHTS = {"float32": {"minibatch": 600, "batch": 250}, "float64": {"minibatch": 240, "batch": 150}}
LANES_BATCH_WEIGHTS = {"float32": {"minibatch": 600, "batch": 250}, "float64": {"minibatch": 160, "batch": 130}}
MANY = 128
FUSED = Engine(
    "fused loop",
    epoch.memory,
    lambda network, settings, carry, given, rates: epoch.run(network, settings, ONE, carry, given[0], given[1], rates),
    lambda network, settings, x, t: (x, t),
)
FUSED_BATCHES = Engine("fused batches", epoch.memory, patterns.run, lambda _, *given: patterns.blocks(*given))
WRITTEN_OUT = (FUSED, FUSED_BATCHES)


def fits_fused(network: Network, settings: Settings) -> bool:
    """Whether ``equations`` serves: small layers, the gradient by hand, a rule of ``epoch.STEPS``."""
    by_hand = settings.gradient == "manual" and isinstance(settings.rule, str) and settings.rule in epoch.STEPS
    widest = max(*network.sizes, *(sum(network.sizes[k] for k in below) for below in network.below))
    return by_hand and widest <= WIDEST


def weights(network: Network) -> int:
    """How many weights a network has.

    >>> weights(Network((20, 8, 3)))
    195
    """
    return sum(rows * columns for rows, columns in network.shapes)


def engine_for(network: Network, settings: Settings, dtype: str) -> Engine:
    """For one network: written out while it is small, otherwise matrix products."""
    if not fits_fused(network, settings):
        return GENERIC
    if settings.mode == "online":
        return FUSED if weights(network) <= FUSED_WEIGHTS else GENERIC
    sums = settings.order == "simultaneous" and settings.measure != "last-pattern"
    return FUSED_BATCHES if sums and weights(network) <= BATCH_WEIGHTS[dtype][_kind(settings)] else GENERIC


def _kind(settings: Settings) -> str:
    return "batch" if settings.mode == "batch" or settings.batch_size >= MANY else "minibatch"


def block(network: Network, settings: Settings, dtype: str, backend: str | None = None) -> tuple[str, int]:
    """For many networks: the engine's name, and how many it trains in a block. backend: where that is, if not here."""
    backend = backend or jax.default_backend()
    engine = _of_many(network, settings, dtype, backend)
    return engine, width(engine, network, settings, dtype, backend)


def _of_many(network: Network, settings: Settings, dtype: str, backend: str) -> str:
    batches = settings.mode != "online"
    if not batches and weights(network) > LANES_WEIGHTS[dtype] and backend == "cpu":
        return ALONE
    if batches and (settings.order == "article" or weights(network) > LANES_BATCH_WEIGHTS[dtype][_kind(settings)]):
        return MAPPED
    return LANES if fits_fused(network, settings) else MAPPED


def width(engine: str, network: Network, settings: Settings, dtype: str, backend: str | None = None) -> int:
    """How many networks are a block of this engine.

    >>> width(LANES, Network((2, 3, 1)), Settings(), "float32")
    64
    """
    if engine == ALONE:
        return ALONE_WIDTH
    large = engine == MAPPED and settings.mode != "online" and weights(network) > LARGE
    on_cpu = (backend or jax.default_backend()) == "cpu"
    return PRODUCTS_WIDTH if large and on_cpu else LANES_WIDTH[dtype]


def placed(written_out: bool) -> AbstractContextManager:
    """Where an engine runs: loops that are written out on the CPU, unless the user set ``jax_default_device``; else where JAX would.

    On a GPU each line of such a loop is a launch: 4000 networks of 2-3-1 that train in a second on a CPU took over 40 s on an H100.
    Its kernel, ``device="gpu"``, took 0.01 s.
    """
    if not written_out or jax.default_backend() == "cpu" or getattr(jax.config, "jax_default_device", None) is not None:
        return nullcontext()
    try:
        return jax.default_device(jax.local_devices(backend="cpu")[0])
    except RuntimeError:  # JAX_PLATFORMS leaves the CPU out
        return nullcontext()


def turn(engine: str) -> AbstractContextManager:
    """While a block of this engine trains: on a GPU one launch at a time, so that the seconds of each are its own."""
    return TURN if engine == KERNEL else nullcontext()


class Stretches(NamedTuple):
    """What trains a block, in one go or in several stretches.

    begin: (network, settings, weights, rates, own inputs) -> the block before its first epoch; own inputs: each lane has some
    go_on: (network, settings, block, rates, x, t, orders or None, until) -> the block at epoch ``until``
    ended: block -> ``lanes.Ended``
    status: block -> (networks,), whether and how each has stopped
    """

    begin: Callable[..., Any]
    go_on: Callable[..., Any]
    ended: Callable[..., lanes.Ended]
    status: Callable[..., Any]


def _begin(
    network: Network, settings: Settings, weights: tuple, rates: Rates, own_inputs: bool, *, alone: bool = False
) -> _loop.State:
    engine = engine_for(network, settings, str(weights[0].dtype)) if alone else GENERIC
    return jax.vmap(lambda weights, rates: _loop.start(settings, weights, rates, network, engine))(weights, rates)


def _go_on(
    network: Network,
    settings: Settings,
    state: _loop.State,
    rates: Rates,
    x: Any,
    t: Any,
    orders: Drawn | None,
    until: Any,
) -> _loop.State:
    """The loop of ``train``, batched by JAX: for every rule and size."""
    own, shuffled = (0 if x.ndim == 3 else None), (None if orders is None else 0)
    cut = partial(_loop.GENERIC.cut, network, settings)
    given = None if orders is not None else cut(x, t) if own is None else jax.vmap(cut)(x, t)
    each = jax.vmap(partial(_loop.generic_epoch, network, settings), in_axes=(0, 0, own, own, own, shuffled))
    shape = len(rates.learning_rate), x.shape[-2]  # of the orders, were they one for all or not

    def one_epoch(state: _loop.State) -> _loop.State:
        epoch = state.epoch.max()  # that of all that go on
        at = None if orders is None else jnp.broadcast_to(orders.at(epoch), shape)
        going = _loop.goes_on(state, until)

        def kept(new: Any, old: Any) -> Any:
            return jnp.where(going.reshape(-1, *[1] * (new.ndim - 1)), new, old)

        return jax.tree.map(kept, each(state, rates, x, t, given, at), state)

    return jax.lax.while_loop(lambda state: _loop.goes_on(state, until).any(), one_epoch, state)


def _ended(state: _loop.State) -> lanes.Ended:
    return lanes.Ended(state.weights, state.epoch, state.error, state.status, state.history.T)


def _go_on_alone(
    network: Network,
    settings: Settings,
    state: _loop.State,
    rates: Rates,
    x: Any,
    t: Any,
    orders: Drawn | None,
    until: Any,
) -> _loop.State:
    """The loop of ``train`` for one network, then for the next. No bit depends on the block's width.

    XLA's product of many pairs of a vector and a matrix is a loop that is not vectorised. until: an epoch for all, or (networks,).
    """
    engine, networks = engine_for(network, settings, str(x.dtype)), len(rates.learning_rate)

    def one(lane: tuple) -> _loop.State:
        state, rates, number, until, own = lane
        xs, ts = own or (x, t)
        order = None if orders is None else partial(orders.of_network, number)
        return _loop.run(network, settings, state, xs, ts, rates, order, until, engine)

    until = jnp.broadcast_to(until, networks)
    return jax.lax.map(one, (state, rates, jnp.arange(networks), until, (x, t) if x.ndim == 3 else ()))


STRETCHES = {
    LANES: Stretches(lanes.begin, lanes.go_on, lanes.ended, lambda block: block.ended.status),
    MAPPED: Stretches(_begin, _go_on, _ended, lambda state: state.status),
    ALONE: Stretches(partial(_begin, alone=True), _go_on_alone, _ended, lambda state: state.status),
}


def stretches(engine: str) -> Stretches:
    """What trains a block of this engine. The kernel is imported here, where it is wanted: it brings Pallas."""
    if engine not in KERNELS.values():
        return STRETCHES[engine]
    from bpnn_jax.training.gpu import stretches as gpu

    go_on = gpu.interpreted if engine == INTERPRETED else gpu.go_on
    return Stretches(gpu.begin, go_on, gpu.ended, gpu.status)
