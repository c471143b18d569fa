"""A block of networks, trained by the engine that was chosen for it: in one go, or in stretches."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import numpy as np

from bpnn_jax.network import Network, Weights
from bpnn_jax.training import _engines, _loop, _settings
from bpnn_jax.training._loop import Rates
from bpnn_jax.training._orders import Drawn, Orders
from bpnn_jax.training._settings import Settings


def run_block(
    engine: str,
    network: Network,
    settings: Settings,
    dtype: str,
    weights: Weights,
    rates: Rates,
    x: Any,
    t: Any,
    *,
    until: int,
    orders: Orders | None = None,
    wanted: int | None = None,
    looks: Sequence[int] = (),
    look: Callable[[int, np.ndarray, Weights], None] | None = None,
) -> Any:
    """One block as ``_engines.block`` has it, up to epoch ``until``: its ``Ended`` in NumPy.

    wanted: how many networks are not there to fill it up; otherwise all.
    look:   called after each of the epochs ``looks`` with it, (width,) which networks ran it, and their weights.
    """
    on_cpu, (program, decay) = engine in (_engines.LANES, _engines.INTERPRETED), _shaping(settings, dtype)
    how = _engines.stretches(engine)
    limit = until
    if engine == _engines.ALONE:  # which trains no copies
        width = len(weights[0])
        limit = np.where(np.arange(width) < (width if wanted is None else wanted), np.int32(until), np.int32(0))
    with jax.enable_x64(dtype == "float64"), _engines.placed(on_cpu):  # both belong to a thread
        if orders is None and look is None:
            return jax.device_get(_run(how, network, program, decay, weights, rates, x, t, limit))
        run = _Stretched(how, network, program, decay, rates, x, t, orders, until, limit)
        state, at = run.begin(weights), 0
        for epoch in looks:
            if epoch >= until or look is None:
                break
            state, at = run.go_on(state, at, epoch + 1), epoch + 1
            now = run.ended(state)
            ran = np.asarray(now.epochs) == epoch + 1
            if not ran.any():  # all have stopped
                break
            look(epoch, ran, now.weights)
        return run.ended(run.go_on(state, at, until))


@dataclass
class _Stretched:
    """A block that is trained in stretches up to epoch ``last``: for looks between its epochs, or with orders drawn on the way.

    limits: the epoch up to which each network trains, ``last`` or 0, where it is not one for all.
    """

    how: _engines.Stretches
    network: Network
    program: Settings
    decay: np.ndarray | None
    rates: Rates
    x: Any
    t: Any
    orders: Orders | None
    last: int
    limits: Any
    drawn: Drawn | None = None
    drawn_until: int = 0

    def begin(self, weights: Weights) -> Any:
        own_inputs = np.ndim(self.x) == 3 or (self.orders is not None and self.orders.of is not None)
        return _begin(self.how.begin, self.network, self.program, weights, self.rates, own_inputs)

    def go_on(self, state: Any, at: int, until: int) -> Any:
        """The block of epoch ``at`` at epoch ``until``, or where all its networks have stopped."""
        while True:
            end = until if self.orders is None else min(until, self._draw(self.orders, at))
            given = self.rates, self.x, self.t, self.drawn, np.minimum(self.limits, np.int32(end))
            state, at = _go_on(self.how.go_on, self.network, self.program, self.decay, state, *given), end
            stopped = np.asarray(self.how.status(state)) != _loop.RUNNING
            if at >= until or (stopped | (np.asarray(self.limits) < at)).all():
                return state

    def ended(self, state: Any) -> Any:
        """In NumPy, which compiles nothing."""
        return self.how.ended(jax.device_get(state))

    def _draw(self, orders: Orders, at: int) -> int:
        """The epoch up to which orders are drawn, that of ``at`` among them."""
        if self.drawn is None or self.drawn_until <= at < self.last:
            patterns = np.shape(self.x)[-2]
            room = orders.room(self.program.epochs, patterns)
            self.drawn_until = min(self.last, at + room)
            self.drawn = orders.drawn(at, self.drawn_until, room, patterns)
        return self.drawn_until


def _shaping(settings: Settings, dtype: str) -> tuple[Settings, np.ndarray | None]:
    """What shapes a program, and its weight decay, if it has one, in ``dtype``."""
    program, decay = _settings.shaping(settings)
    return program, None if decay is None else np.asarray(decay, dtype)


@partial(jax.jit, static_argnums=(0, 1, 2))
def _run(
    how: _engines.Stretches,
    network: Network,
    settings: Settings,
    weight_decay: Any,
    weights: Weights,
    rates: Rates,
    x: Any,
    t: Any,
    until: Any,
) -> Any:
    """In one go: of patterns in the order of the arrays, (patterns, n) for all networks or with the networks in front."""
    settings = _settings.decaying(settings, weight_decay)
    block = how.begin(network, settings, weights, rates, x.ndim == 3)
    return how.ended(how.go_on(network, settings, block, rates, x, t, None, until))


@partial(jax.jit, static_argnums=(0, 1, 2, 5))
def _begin(begin: Callable, network: Network, settings: Settings, weights: Weights, rates: Rates, own: bool) -> Any:
    return begin(network, settings, weights, rates, own)


@partial(jax.jit, static_argnums=(0, 1, 2))
def _go_on(go_on: Callable, network: Network, settings: Settings, weight_decay: Any, state: Any, *args: Any) -> Any:
    return go_on(network, _settings.decaying(settings, weight_decay), state, *args)
