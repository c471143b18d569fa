"""What shapes a training program: ``Settings``, checked as they are made."""

import copy
import inspect
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import jax
import optax

from bpnn_jax import rules
from bpnn_jax.errors import InputError, finite, switch, unknown, whole_number
from bpnn_jax.network import OBJECTIVES
from bpnn_jax.training import _step
from bpnn_jax.training._schedule import Schedule

MODES = ("online", "minibatch", "batch")
REDUCTIONS = ("sum", "mean")
MEASURES = ("sum", "last-output", "last-pattern")
HISTORY_LIMIT = 10_000_000  # points
FEWEST_POINTS = 1024  # that a program of ``train`` has room for
MOST_EPOCHS = 2**31 - 1  # they are counted in int32


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
