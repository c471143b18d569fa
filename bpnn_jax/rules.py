"""Update rules as optax transformations, by name. Learning rate and momentum may be traced values.

Three of them are called momentum elsewhere: ``previous-gradient`` (13), ``heavy-ball`` (14) and ``nesterov`` (15).
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
RULES: dict[str, Callable] = {
    **WITH_MOMENTUM,
    "sgd": _optax(optax.sgd),
    "adam": _optax(optax.adam),
    "adamw": _optax(optax.adamw),
    "nadam": _optax(optax.nadam),
    "adagrad": _optax(optax.adagrad),
    "adadelta": _optax(optax.adadelta),
    "rmsprop": _optax(optax.rmsprop),
    "lion": _optax(optax.lion),
    "rprop": _optax(optax.rprop),
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
