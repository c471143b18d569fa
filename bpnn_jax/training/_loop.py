"""A whole training run as one traced function, ``run``: jit it, vmap it over seeds, rates or initial weights."""

import copy
import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from bpnn_jax import rules
from bpnn_jax._runtime import products
from bpnn_jax.errors import InputError, finite, switch, unknown, whole_number
from bpnn_jax.network import OBJECTIVES, Network, Weights, apply
from bpnn_jax.training import _columns, _outputs, _step
from bpnn_jax.training._orders import in_order
from bpnn_jax.training._schedule import Schedule

MODES = ("online", "minibatch", "batch")
REDUCTIONS = ("sum", "mean")
MEASURES = ("sum", "last-output", "last-pattern")
HISTORY_LIMIT = 10_000_000  # points
FEWEST_POINTS = 1024  # that a program of ``train`` has room for
MOST_EPOCHS = 2**31 - 1  # they are counted in int32
RUNNING, CUTOFF, SOLVED, DIVERGED = range(4)


@dataclass(frozen=True)
class Settings:
    """What shapes the program: hashable, static under ``jit``. A change here, but for ``epochs``, compiles anew; so does none of
    ``weight_decay`` from one number above 0 to another.

    epochs:        the limit, from 1 up.
    rule:          a name in ``rules.RULES``, an optax transformation, or a function of (learning_rate, momentum) that makes one.
    mode:          ``online`` (update after each pattern), ``minibatch`` (after ``batch_size``), ``batch`` (after all).
    batch_size:    patterns per update with mode ``minibatch``, and only there; the last batch of an epoch may be smaller.
    order:         ``simultaneous``, or ``article`` (the layers above move first; not a gradient).
    gradient:      ``manual`` (the hand derivation) or ``autodiff`` (JAX's): the same to rounding.
    shuffle:       another order of the patterns each epoch; otherwise that of the file.
    measure:       what is called the error of an epoch. ``sum``: E as in (7), with the ½, or (19), summed over outputs and
                   patterns, each pattern's just before its own update. ``last-output``: the same for the last output only.
                   ``last-pattern``: that of the last output of the last pattern only.
    stop_solved:   stop when all outputs are within a tolerance of their targets after an epoch.
    history_every: epochs between two points of the history.
    objective:     ``half-squared-error`` (7), or ``cross-entropy`` (19), for sigmoid or softmax outputs.
    weight_decay:  λ of (20): λW̄ joins the gradient, once per update; bias rows have none, and E is reported without it.
    reduction:     the gradient of a batch, ``sum`` over its patterns or their ``mean``: over as many as it really has.
    schedule:      what multiplies the learning rate in each epoch, None for 1 in all.

    Raises InputError for a field that cannot be used, and for fields that contradict each other.

    >>> Settings(epochs=100, mode="minibatch", batch_size=8).rule
    'previous-gradient'
    >>> Settings(batch_size=8)
    Traceback (most recent call last):
    bpnn_jax.errors.InputError: expected batch_size with mode='minibatch', got batch_size=8 with mode='online'
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
    objective: str = "half-squared-error"
    weight_decay: float = 0.0
    reduction: str = "sum"
    schedule: Schedule | None = None

    def __post_init__(self):
        for what in ("epochs", "batch_size", "history_every"):
            object.__setattr__(self, what, whole_number(what, getattr(self, what), 1))
        for what in ("shuffle", "stop_solved"):
            object.__setattr__(self, what, switch(what, getattr(self, what)))
        if self.epochs // self.history_every > HISTORY_LIMIT:
            raise InputError(
                f"expected a history of at most {HISTORY_LIMIT} points, got {self.epochs} epochs and one every "
                f"{self.history_every}: a larger history_every keeps it short"
            )
        if self.mode not in MODES:
            raise unknown("mode", self.mode, MODES)
        if self.mode != "minibatch" and self.batch_size != Settings.batch_size:
            raise InputError(
                f"expected batch_size with mode='minibatch', got batch_size={self.batch_size} with mode={self.mode!r}"
            )
        if self.measure not in MEASURES:
            raise unknown("measure", self.measure, MEASURES)
        if self.objective not in OBJECTIVES:
            raise unknown("objective", self.objective, OBJECTIVES)
        if self.reduction not in REDUCTIONS:
            raise unknown("reduction", self.reduction, REDUCTIONS)
        object.__setattr__(self, "weight_decay", finite("weight_decay", self.weight_decay))
        if self.weight_decay and self.rule in rules.DECAYING:
            raise InputError(
                f"expected no weight_decay with {self.rule}, which decays the weights by itself, got {self.weight_decay:g}: "
                "adam or sgd take it"
            )
        _step.check(self.gradient, self.order)
        _check_rule(self.rule)
        _check_schedule(self.schedule, self.rule)

    @property
    def decays(self) -> bool:
        """Whether there is a weight decay, be its value known or traced (``decaying``)."""
        return isinstance(self.weight_decay, jax.Array) or self.weight_decay != 0


def shaping(settings: Settings) -> tuple[Settings, float | None]:
    """The settings with what shapes a program, and the value of the weight decay, which does not: None where there is none.

    >>> shaping(Settings(weight_decay=0.01)) == (Settings(weight_decay=1.0), 0.01)
    True
    >>> shaping(Settings())[1] is None
    True
    """
    if not settings.weight_decay:
        return settings, None
    return replace(settings, weight_decay=1.0), settings.weight_decay


def decaying(settings: Settings, weight_decay: Any) -> Settings:
    """Inside a program: its settings with the traced value of the weight decay, or with none."""
    if weight_decay is None:
        return settings
    found = copy.copy(settings)
    object.__setattr__(found, "weight_decay", weight_decay)  # a checked number, which is traced
    return found


def _check_rule(rule: rules.Rule) -> None:
    """Raise InputError for what makes no optax transformation of a learning rate and a momentum."""
    if not isinstance(rule, str) and callable(rule):
        function = rule.func if isinstance(rule, partial) else rule
        name = getattr(function, "__qualname__", repr(function))
        try:
            taken = list(inspect.signature(rule).bind(0.0, 0.0).arguments)
        except TypeError:
            raise InputError(
                f"expected as rule a function of (learning_rate, momentum), got {name}: not these two"
            ) from None
        if getattr(function, "__module__", "").startswith("optax") and taken != ["learning_rate", "momentum"]:
            named = f", or name it, rule={name!r}" if name in rules.RULES else ""
            raise InputError(
                "expected a rule by name, an optax transformation, or a function of (learning_rate, momentum), got optax's "
                f"{name} itself, of ({', '.join(taken)}): call it, rule=optax.{name}(0.01){named}"
            )
    made: Any = rules.rule(rule, 0.0, 0.0)
    if not isinstance(made, optax.GradientTransformation):
        raise InputError(f"expected a rule that makes an optax transformation, got one that makes {made!r:.80}")


def _check_schedule(schedule: Schedule | None, rule: rules.Rule) -> None:
    """Raise InputError for what is no schedule, and for one beside a rule on whose steps it would have no effect."""
    if schedule is None:
        return
    if not isinstance(schedule, Schedule):
        raise InputError(f"expected schedule as a Schedule, or None, got {schedule!r:.80}")
    if rule == "rprop" or isinstance(rule, optax.GradientTransformation):
        name = "an optax transformation, which has its own" if rule != "rprop" else "rprop, which only begins with it"
        raise InputError(f"expected a schedule with a rule that follows the learning rate, got {name}")


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


def points(settings: Settings) -> int:
    """The length of the history."""
    return -(-settings.epochs // settings.history_every)


def with_room(settings: Settings) -> Settings:
    """The settings with a history as long as a power of two, so that other limits of ``epochs`` compile nothing anew.

    The limit shapes a program by that length alone: ``run`` stops at ``until``, which is traced.

    >>> with_room(Settings(epochs=7)) == with_room(Settings(epochs=900))
    True
    """
    room = min(max(FEWEST_POINTS, 1 << (points(settings) - 1).bit_length()), HISTORY_LIMIT)
    return replace(settings, epochs=max(settings.epochs, min(room * settings.history_every, MOST_EPOCHS)))


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
