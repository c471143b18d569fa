"""A whole training run as one traced function, ``run``: jit it, vmap it over seeds, rates or initial weights."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from bpnn_jax import rules
from bpnn_jax._runtime import products
from bpnn_jax.network import Network, Weights, apply
from bpnn_jax.training import _columns, _outputs, _step
from bpnn_jax.training._orders import in_order
from bpnn_jax.training._settings import Settings, points

RUNNING, CUTOFF, SOLVED, DIVERGED = range(4)


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
    epoch: (network, settings, (weights, what the rule remembers, zero), patterns, rates) -> the same after all patterns, and the
           error of the epoch in place of the zero
    cut:   (network, settings, x, t) -> the patterns as ``epoch`` takes them: once for all epochs, unless they are shuffled
    """

    name: str
    start: Callable[..., Any]
    epoch: Callable[..., tuple]
    cut: Callable[..., Any]


def start(
    settings: Settings, weights: Weights, rates: Rates, network: Network | None = None, engine: Engine | None = None
) -> State:
    """The state before the first epoch. A rule may keep its rates in its state (rprop does), so they are needed here too."""
    dtype = weights[0].dtype
    xp = weights[0].__array_namespace__()  # NumPy's for what is not traced: it compiles nothing
    return State(
        weights=weights,
        rule=(engine or GENERIC).start(network, settings, weights, rates),
        epoch=xp.zeros((), dtype=xp.int32),
        error=xp.full((), xp.nan, dtype=dtype),
        status=xp.full((), RUNNING, dtype=xp.int32),
        history=xp.full(points(settings), xp.nan, dtype=dtype),
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
    """Train from ``state`` until epoch ``until``, or until the run stops; several calls give bit for bit what one call gives."""
    by = engine or GENERIC
    as_they_are = None if settings.shuffle else by.cut(network, settings, x, t)

    def epoch(state: State) -> State:
        patterns = as_they_are
        if patterns is None:
            patterns = by.cut(network, settings, *in_order(True, key, state.epoch, x, t))
        return _after(
            network, settings, state, x, t, rates, lambda *on: by.epoch(network, settings, on[0], patterns, on[1])
        )

    return jax.lax.while_loop(lambda state: goes_on(state, until), epoch, state)


def goes_on(state: State, until: Any) -> Any:
    """Whether a run, or each of several, has an epoch before it."""
    return (state.status == RUNNING) & (state.epoch < until)


def generic_epoch(
    network: Network, settings: Settings, state: State, rates: Rates, x: Any, t: Any, patterns: Any, at: Any
) -> State:
    """An epoch of ``run`` by ``GENERIC`` for one of many networks, to rounding.

    patterns: as ``GENERIC`` cuts them; None with ``at``, their order (patterns,), in which they are taken batch by batch.
    """

    def taken(of: Any) -> Any:
        return _columns.batch(x[of], t[of]) if _apart(network, settings) else (x[of], t[of])

    def train(carry: tuple, now: Rates) -> tuple:
        if at is None:
            return _generic_epoch(network, settings, carry, patterns, now)
        return _generic_epoch(network, settings, carry, [of for (of,) in batches(settings, at)], now, taken)

    return _after(network, settings, state, x, t, rates, train)


def _after(
    network: Network,
    settings: Settings,
    state: State,
    x: Any,
    t: Any,
    rates: Rates,
    train: Callable[[tuple, Rates], tuple],
) -> State:
    """The state after an epoch of ``train``, from (weights, what the rule carries, error so far) and the epoch's rates."""
    carry = state.weights, state.rule, jnp.zeros_like(state.error)
    weights, rule, error = train(carry, scheduled(settings, rates, state.epoch))
    finite = jnp.isfinite(error)
    for leaf in jax.tree.leaves(weights):
        finite = finite & jnp.isfinite(leaf).all()
    miss = jnp.abs(apply(network, weights, x) - t).max() if settings.stop_solved else None
    history = with_error(settings, state.history, state.epoch, error)
    return State(weights, rule, state.epoch + 1, error, status_after(error, finite, miss, rates), history)


def _generic_start(network: Network | None, settings: Settings, weights: Weights, rates: Rates) -> Any:
    rule = rules.rule(settings.rule, rates.learning_rate, rates.momentum)
    if network is not None and _apart(network, settings):
        return _step.init_rule(rule, _columns.apart(network, weights), settings.order)
    return _step.init_rule(rule, weights, settings.order)


def _apart(network: Network, settings: Settings) -> bool:
    """Whether an epoch is one of ``_columns``: in batches, by hand, with a rule that treats every weight alike."""
    by_hand = settings.gradient == "manual" and settings.order == "simultaneous" and isinstance(settings.rule, str)
    return settings.mode != "online" and by_hand and not network.skip


def _generic_cut(network: Network, settings: Settings, x: Any, t: Any) -> list:
    parts = batches(settings, x, t)
    return [_columns.batch(*part) for part in parts] if _apart(network, settings) else parts


def _generic_epoch(
    network: Network, settings: Settings, carry: tuple, patterns: list, rates: Rates, taken: Callable | None = None
) -> tuple:
    """taken: a function from what ``patterns`` has of an update to its patterns."""
    rule, columns = rules.rule(settings.rule, rates.learning_rate, rates.momentum), _apart(network, settings)

    def update(carry, given):
        weights, rule_state, error = carry
        given = given if taken is None else taken(given)
        if columns:
            weights, rule_state, (z, a) = _step.by_columns(network, settings, rule, weights, rule_state, given)
            t = given.t
        else:
            step = _step.article_order if settings.order == "article" else _step.simultaneous
            weights, rule_state, (z, a) = step(network, settings, rule, weights, rule_state, *given)
            z, a, t = z.T, a.T, given[1].T
        return (weights, rule_state, _outputs.measured_batch(network, settings, error, z, a, t)), None

    if columns:
        carry = (_columns.apart(network, carry[0]), *carry[1:])
    with products.exact():
        for part in patterns:
            carry, _ = jax.lax.scan(update, carry, part)
    return (_columns.joined(carry[0]), *carry[1:]) if columns else carry


GENERIC = Engine("generic", _generic_start, _generic_epoch, _generic_cut)


def scheduled(settings: Settings, rates: Rates, epoch: Any) -> Rates:
    """The rates of an epoch: the learning rate times the schedule's multiple."""
    if settings.schedule is None:
        return rates
    rate = jnp.asarray(rates.learning_rate)
    return rates._replace(learning_rate=rate * jnp.asarray(settings.schedule.multiple(epoch), rate.dtype))


def status_after(error: Any, finite: Any, miss: Any, rates: Rates) -> Any:
    """The status after an epoch. ``miss`` is the largest distance of an output from its target, None without ``stop_solved``."""
    status = jnp.where(error < rates.cutoff, CUTOFF, RUNNING)
    if miss is not None:
        status = jnp.where(miss <= rates.tolerance, SOLVED, status)
    return jnp.where(finite, status, DIVERGED).astype(jnp.int32)


def with_error(settings: Settings, history: Any, epoch: Any, error: Any) -> Any:
    """The history with the error of one more epoch. Epochs that are not recorded get an index out of bounds, which "drop" discards."""
    at, between = jnp.divmod(epoch, settings.history_every)
    return history.at[jnp.where(between == 0, at, history.shape[0])].set(error, mode="drop")


def batches(settings: Settings, *arrays: Any) -> list[tuple]:
    """Patterns and targets, or their order, cut for ``scan``: whole batches, then the smaller last one. Online keeps them single."""
    if settings.mode == "online":
        return [arrays]
    n = arrays[0].shape[0]
    size = n if settings.mode == "batch" else min(settings.batch_size, n)
    whole = n // size * size
    cut = [tuple(v[:whole].reshape(-1, size, *v.shape[1:]) for v in arrays)]
    return cut + ([tuple(v[None, whole:] for v in arrays)] if whole < n else [])
