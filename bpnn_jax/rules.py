"""Update rules as optax transformations, by name. Learning rate and momentum may be traced values.

Three of them are called momentum elsewhere: ``previous-gradient`` (13), ``heavy-ball`` (14) and ``nesterov`` (15). ``quickprop`` (21)
and ``rprop`` (22) give each weight a step of its own.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from bpnn_jax.errors import InputError, unknown


class PreviousGradientState(NamedTuple):
    """The gradient of the step before, shaped like the weights; zeros at first."""

    gradient: Any


def previous_gradient(learning_rate: Any, momentum: Any) -> optax.GradientTransformation:
    """W ← W - N g_t - M g_(t-1), equation (13): the article's momentum, with no velocity.

    >>> rule = previous_gradient(0.5, 0.1)
    >>> state = rule.init(jnp.array(0.0))
    >>> update, state = rule.update(jnp.array(1.0), state)
    >>> update, state = rule.update(jnp.array(2.0), state)
    >>> round(float(update), 6)
    -1.1
    """

    def init(params):
        return PreviousGradientState(jax.tree.map(jnp.zeros_like, params))

    def update(updates, state, params=None):
        del params
        step = jax.tree.map(lambda g, before: -(learning_rate * g + momentum * before), updates, state.gradient)
        return step, PreviousGradientState(updates)

    return optax.GradientTransformation(init, update)


class QuickpropState(NamedTuple):
    """The gradient of the step before and the step, each shaped like the weights; zeros at first."""

    gradient: Any
    step: Any


def quickprop(learning_rate: Any, growth: float = 1.75) -> optax.GradientTransformation:
    """Fahlman's Quickprop, equation (21): for each weight the secant step to the zero of its slope, at most ``growth`` times the last.

    >>> rule = quickprop(0.25)
    >>> state = rule.init(jnp.array(0.0))
    >>> update, state = rule.update(jnp.array(2.0), state)  # of W², at 1
    >>> update, state = rule.update(jnp.array(-1.0), state)  # at -0.5
    >>> round(float(update), 6)
    0.166667
    """

    def one(g, before, step):
        onward = g * jnp.sign(before) > 0
        limited = onward & (jnp.abs(g) * (1 + growth) >= growth * jnp.abs(before))
        apart = jnp.where(limited | (g == before), 1, before - g)
        secant = jnp.where(limited, growth * step, step * g / apart)
        return secant - jnp.where(onward | (step == 0), learning_rate * g, 0)

    def init(params):
        zeros = jax.tree.map(jnp.zeros_like, params)
        return QuickpropState(zeros, zeros)

    def update(updates, state, params=None):
        del params
        step = jax.tree.map(one, updates, state.gradient, state.step)
        return step, QuickpropState(updates, step)

    return optax.GradientTransformation(init, update)


def rprop(learning_rate: Any) -> optax.GradientTransformation:
    """RPROP, equation (22): the step that optax's ``scale_by_rprop`` keeps. It returns that of the call before (0.2.8; its pull
    request 1725), so that every step of ``optax.rprop`` belongs to the gradient before.

    >>> rule = rprop(0.5)
    >>> state = rule.init(jnp.array(0.0))
    >>> update, state = rule.update(jnp.array(3.0), state)
    >>> float(update)
    -0.5
    """
    kept = optax.scale_by_rprop(learning_rate)

    def update(updates, state, params=None):
        _, moved = kept.update(updates, state, params)
        return jax.tree.map(jnp.negative, moved.prev_updates), moved  # pyright: ignore[reportAttributeAccessIssue]

    return optax.GradientTransformation(kept.init, update)


def _optax(optimiser: Callable) -> Callable:
    """One of optax's own, without a momentum, under any setting of ``jax_numpy_dtype_promotion``."""

    def make(learning_rate, momentum):
        del momentum
        made = optimiser(learning_rate)

        def update(updates, state, params=None):
            with jax.numpy_dtype_promotion("standard"):  # its arithmetic mixes whole numbers with floats
                return made.update(updates, state, params)

        return optax.GradientTransformation(made.init, update)

    return make


WITH_MOMENTUM: dict[str, Callable] = {
    "previous-gradient": previous_gradient,
    "heavy-ball": lambda learning_rate, momentum: optax.sgd(learning_rate, momentum),
    "nesterov": lambda learning_rate, momentum: optax.sgd(learning_rate, momentum, nesterov=True),
}
BY_HAND: dict[str, Callable] = {  # these too stand in ``manual``
    **WITH_MOMENTUM,
    "quickprop": lambda learning_rate, momentum: quickprop(learning_rate),
    "rprop": lambda learning_rate, momentum: rprop(learning_rate),
}
RULES: dict[str, Callable] = {
    **BY_HAND,
    "sgd": _optax(optax.sgd),
    "adam": _optax(optax.adam),
    "adamw": _optax(optax.adamw),
    "nadam": _optax(optax.nadam),
    "adagrad": _optax(optax.adagrad),
    "adadelta": _optax(optax.adadelta),
    "rmsprop": _optax(optax.rmsprop),
    "lion": _optax(optax.lion),
}
DECAYING = ("adamw", "lion")  # with a weight decay of their own

Rule = str | optax.GradientTransformation | Callable[[Any, Any], optax.GradientTransformation]


def rule(which: Rule, learning_rate: Any, momentum: Any) -> optax.GradientTransformation:
    """The transformation for a name, for a function of (learning_rate, momentum), or the transformation itself."""
    if isinstance(which, optax.GradientTransformation):
        return which
    if isinstance(which, str):
        if which not in RULES:
            raise unknown("rule", which, RULES)
        return RULES[which](learning_rate, momentum)
    if not callable(which):
        raise InputError(
            f"expected a rule by name, an optax transformation or a function that makes one, got {which!r}"
        )
    return which(learning_rate, momentum)
