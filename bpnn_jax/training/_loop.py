"""A whole training run as one traced function, ``run``: jit it, vmap it over seeds, rates or initial weights."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from bpnn_jax import rules
from bpnn_jax.errors import InputError, unknown, whole
from bpnn_jax.network import Network, Weights, apply
from bpnn_jax.training import _step

MODES = ("online", "minibatch", "batch")
MEASURES = ("sum", "last-output", "last-pattern")
HISTORY_LIMIT = 10_000_000
RUNNING, CUTOFF, SOLVED, DIVERGED = range(4)


@dataclass(frozen=True)
class Settings:
    """What shapes the program: hashable, static under ``jit``. A change here compiles anew.

    epochs:        the limit, and with ``history_every`` the length of the history.
    rule:          a name in ``rules.RULES``, an optax transformation, or a function of (learning_rate, momentum).
    mode:          ``online`` (after each pattern), ``minibatch`` (after ``batch_size``; the last may be smaller), ``batch``.
    order:         ``simultaneous``, or ``article`` (the layers above move first; not a gradient).
    gradient:      ``manual`` or ``autodiff``.
    shuffle:       another order of the patterns each epoch; otherwise that of the file.
    measure:       what is called the error of an epoch: E summed as in (7), each pattern's just before its own update;
                   ``last-output``, the same for the last output only; ``last-pattern``, that of the last pattern only.
    stop_solved:   stop when all outputs are within a tolerance of their targets after an epoch.
    """

    epochs: int = 1000
    rule: rules.Rule = "previous-gradient"
    mode: str = "online"
    batch_size: int = 32
    order: str = "simultaneous"
    gradient: str = "manual"
    shuffle: bool = False
    measure: str = "sum"
    stop_solved: bool = False
    history_every: int = 1

    def __post_init__(self):
        for what in ("epochs", "batch_size", "history_every"):
            object.__setattr__(self, what, whole(what, getattr(self, what), 1))
        if self.epochs // self.history_every > HISTORY_LIMIT:
            raise InputError(
                f"expected a history of at most {HISTORY_LIMIT} points, got {self.epochs} epochs and one every "
                f"{self.history_every}: a larger history_every keeps it short"
            )
        if self.mode not in MODES:
            raise unknown("mode", self.mode, MODES)
        if self.measure not in MEASURES:
            raise unknown("measure", self.measure, MEASURES)
        _step.check(self.gradient, self.order)
        rules.rule(self.rule, 0.0, 0.0)


class Rates(NamedTuple):
    """What does not shape the program: traced scalars. ``cutoff`` 0 never stops a run."""

    learning_rate: Any
    momentum: Any
    cutoff: Any
    tolerance: Any


class State(NamedTuple):
    """A run between two epochs. ``history[i]`` is the error of epoch i * history_every, NaN where not reached."""

    weights: Weights
    rule: Any
    epoch: Any
    error: Any
    status: Any
    history: Any


class Engine(NamedTuple):
    """What carries out an epoch: ``generic`` below, or a fast loop of ``bpnn_jax.training.fused``.

    start: (network, settings, weights, rates) -> what the rule remembers before the first update
    epoch: (network, settings, (weights, what the rule remembers, zero), x, t, rates) -> the same after all patterns, and the
           error of the epoch in place of the zero
    """

    name: str
    start: Callable[..., Any]
    epoch: Callable[..., tuple]


def start(
    settings: Settings, weights: Weights, rates: Rates, network: Network | None = None, engine: Engine | None = None
) -> State:
    """The state before the first epoch. A rule may keep its rates in its state (rprop does), so they are needed here too."""
    dtype = weights[0].dtype
    return State(
        weights=weights,
        rule=(engine or GENERIC).start(network, settings, weights, rates),
        epoch=jnp.zeros((), jnp.int32),
        error=jnp.full((), jnp.nan, dtype),
        status=jnp.full((), RUNNING, jnp.int32),
        history=jnp.full(points(settings), jnp.nan, dtype),
    )


def run(
    network: Network,
    settings: Settings,
    state: State,
    x: Any,
    t: Any,
    rates: Rates,
    key: Any,
    until: Any,
    engine: Engine | None = None,
) -> State:
    """Train from ``state`` until epoch ``until``, or until the run stops. ``x`` has shape (patterns, n0), ``t`` (patterns, nL).

    Several calls with growing ``until`` give bit for bit what one call gives: that is how a progress bar looks in.
    """

    def epoch(state: State) -> State:
        xs, ts = x, t
        if settings.shuffle:
            at = order(key, state.epoch, x.shape[0])
            xs, ts = x[at], t[at]
        carry = (state.weights, state.rule, jnp.zeros_like(state.error))
        weights, rule, error = (engine or GENERIC).epoch(network, settings, carry, xs, ts, rates)
        finite = jnp.isfinite(error)
        for leaf in jax.tree.leaves(weights):
            finite = finite & jnp.isfinite(leaf).all()
        miss = jnp.abs(apply(network, weights, x) - t).max() if settings.stop_solved else None
        history = recorded(settings, state.history, state.epoch, error)
        return State(weights, rule, state.epoch + 1, error, judged(error, finite, miss, rates), history)

    return jax.lax.while_loop(lambda s: (s.status == RUNNING) & (s.epoch < until), epoch, state)


def _generic_start(network: Network | None, settings: Settings, weights: Weights, rates: Rates) -> Any:
    rule = rules.rule(settings.rule, rates.learning_rate, rates.momentum)
    return _step.init_rule(rule, weights, settings.order)


def _generic_epoch(network: Network, settings: Settings, carry: tuple, x: Any, t: Any, rates: Rates) -> tuple:
    rule = rules.rule(settings.rule, rates.learning_rate, rates.momentum)

    def update(carry, pattern):
        (weights, rule_state, error), (xb, tb) = carry, pattern
        if settings.order == "article":
            weights, rule_state, outputs = _step.article_order(network, rule, weights, rule_state, xb, tb)
        else:
            which = settings.gradient
            weights, rule_state, outputs = _step.simultaneous(network, rule, weights, rule_state, xb, tb, which)
        return (weights, rule_state, _measure(settings.measure, error, outputs - tb)), None

    for part in parts(settings, x, t):
        carry, _ = jax.lax.scan(update, carry, part)
    return carry


GENERIC = Engine("generic", _generic_start, _generic_epoch)


def points(settings: Settings) -> int:
    """The length of the history."""
    return -(-settings.epochs // settings.history_every)


def order(key: Any, epoch: Any, patterns: int) -> Any:
    """The order of the patterns in an epoch, shape (patterns,), if they are shuffled."""
    return jax.random.permutation(jax.random.fold_in(key, epoch), patterns)


def judged(error: Any, finite: Any, miss: Any, rates: Rates) -> Any:
    """The status after an epoch. ``miss`` is the largest distance of an output from its target, None if nobody asked."""
    status = jnp.where(error < rates.cutoff, CUTOFF, RUNNING)
    if miss is not None:
        status = jnp.where(miss <= rates.tolerance, SOLVED, status)
    return jnp.where(finite, status, DIVERGED).astype(jnp.int32)


def recorded(settings: Settings, history: Any, epoch: Any, error: Any) -> Any:
    """The history with the error of one more epoch. Epochs between two of its points write beside the array, which drops them."""
    at, between = jnp.divmod(epoch, settings.history_every)
    return history.at[jnp.where(between == 0, at, history.shape[0])].set(error, mode="drop")


def parts(settings: Settings, x: Any, t: Any) -> list[tuple[Any, Any]]:
    """The patterns cut for ``scan``: whole batches, then the smaller last one. Online keeps single patterns, of shape (n,)."""
    if settings.mode == "online":
        return [(x, t)]
    n = x.shape[0]
    size = n if settings.mode == "batch" else min(settings.batch_size, n)
    whole = n // size * size
    cut = [(x[:whole].reshape(-1, size, *x.shape[1:]), t[:whole].reshape(-1, size, *t.shape[1:]))]
    return cut + ([(x[None, whole:], t[None, whole:])] if whole < n else [])


def _measure(measure: str, error: Any, e: Any) -> Any:
    """The error of the epoch so far, with the misses ``e`` of one more pattern or batch."""
    if measure == "sum":
        return error + 0.5 * jnp.sum(e * e)
    last = e[..., -1]
    if measure == "last-output":
        return error + 0.5 * jnp.sum(last * last)
    last = last.reshape(-1)[-1]
    return 0.5 * last * last
