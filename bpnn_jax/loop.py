"""A whole training run as one traced function, ``run``: jit it, vmap it over seeds, rates or initial weights."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from bpnn_jax import momentum, step
from bpnn_jax.errors import InputError, unknown, whole
from bpnn_jax.network import Network, Weights, apply

MODES = ("online", "minibatch", "batch")
MEASURES = ("sum", "last-output", "last-pattern")
HISTORY_LIMIT = 10_000_000
RUNNING, CUTOFF, SOLVED, DIVERGED = range(4)


@dataclass(frozen=True)
class Settings:
    """What shapes the program: hashable, static under ``jit``. A change here compiles anew.

    epochs:        the limit, and with ``history_every`` the length of the history.
    rule:          a name in ``momentum.RULES``, an optax transformation, or a function of (learning_rate, momentum).
    mode:          ``online`` (after each pattern), ``minibatch`` (after ``batch_size``; the last may be smaller), ``batch``.
    order:         ``simultaneous``, or ``article`` (the layers above move first; not a gradient).
    gradient:      ``manual`` or ``autodiff``.
    shuffle:       another order of the patterns each epoch; otherwise that of the file.
    measure:       what is called the error of an epoch: E summed as in (7), each pattern's just before its own update;
                   ``last-output``, the same for the last output only; ``last-pattern``, that of the last pattern only.
    stop_solved:   stop when all outputs are within a tolerance of their targets after an epoch.
    """

    epochs: int = 1000
    rule: momentum.Rule = "previous-gradient"
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
        step.check(self.gradient, self.order)
        momentum.rule(self.rule, 0.0, 0.0)


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


def start(settings: Settings, weights: Weights, rates: Rates) -> State:
    """The state before the first epoch. A rule may keep its rates in its state (rprop does), so they are needed here too."""
    dtype = weights[0].dtype
    rule = momentum.rule(settings.rule, rates.learning_rate, rates.momentum)
    return State(
        weights=weights,
        rule=step.init_rule(rule, weights, settings.order),
        epoch=jnp.zeros((), jnp.int32),
        error=jnp.full((), jnp.nan, dtype),
        status=jnp.full((), RUNNING, jnp.int32),
        history=jnp.full(-(-settings.epochs // settings.history_every), jnp.nan, dtype),
    )


def run(
    network: Network, settings: Settings, state: State, x: Any, t: Any, rates: Rates, key: Any, until: Any
) -> State:
    """Train from ``state`` until epoch ``until``, or until the run stops. ``x`` has shape (patterns, n0), ``t`` (patterns, nL).

    Several calls with growing ``until`` give bit for bit what one call gives: that is how a progress bar looks in.
    """
    rule = momentum.rule(settings.rule, rates.learning_rate, rates.momentum)

    def update(carry, pattern):
        (weights, rule_state, error), (xb, tb) = carry, pattern
        if settings.order == "article":
            weights, rule_state, outputs = step.article_order(network, rule, weights, rule_state, xb, tb)
        else:
            which = settings.gradient
            weights, rule_state, outputs = step.simultaneous(network, rule, weights, rule_state, xb, tb, which)
        return (weights, rule_state, _measure(settings.measure, error, outputs - tb)), None

    def epoch(state: State) -> State:
        xs, ts = x, t
        if settings.shuffle:
            order = jax.random.permutation(jax.random.fold_in(key, state.epoch), x.shape[0])
            xs, ts = x[order], t[order]
        carry = (state.weights, state.rule, jnp.zeros_like(state.error))
        for part in _parts(settings, xs, ts):
            carry, _ = jax.lax.scan(update, carry, part)
        weights, rule_state, error = carry
        finite = jnp.isfinite(error)
        for leaf in jax.tree.leaves(weights):
            finite = finite & jnp.isfinite(leaf).all()
        status = jnp.where(error < rates.cutoff, CUTOFF, RUNNING)
        if settings.stop_solved:
            miss = jnp.abs(apply(network, weights, x) - t).max()
            status = jnp.where(miss <= rates.tolerance, SOLVED, status)
        status = jnp.where(finite, status, DIVERGED).astype(jnp.int32)
        # Epochs between two points of the history write beside the array, which drops them.
        at, between = jnp.divmod(state.epoch, settings.history_every)
        at = jnp.where(between == 0, at, state.history.shape[0])
        history = state.history.at[at].set(error, mode="drop")
        return State(weights, rule_state, state.epoch + 1, error, status, history)

    return jax.lax.while_loop(lambda s: (s.status == RUNNING) & (s.epoch < until), epoch, state)


def _parts(settings: Settings, x: Any, t: Any) -> list[tuple[Any, Any]]:
    """The patterns cut for ``scan``: whole batches, then the smaller last one. Online keeps single patterns, of shape (n,)."""
    if settings.mode == "online":
        return [(x, t)]
    n = x.shape[0]
    size = n if settings.mode == "batch" else min(settings.batch_size, n)
    whole = n // size * size
    cut = [(x[:whole].reshape(-1, size, x.shape[1]), t[:whole].reshape(-1, size, t.shape[1]))]
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
