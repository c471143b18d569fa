"""The three things that are all called momentum: equations (13), (14), (15); and weight decay, (20), which comes before them.

One array at a time, each a pure function.

They differ in what is carried from step to step: the last *gradient*, or a *velocity* that sums all of them.
"""

from collections.abc import Callable
from typing import NamedTuple

from manual.activations import Array


def decayed(g: Array, W: Array, n: int, weight_decay: Array) -> Array:
    """∂E/∂W + λ W̄, equation (20): coupled weight decay. The bias row has none: ``n`` rows of W are W̄, without a bias node all.

    Once per update, after any mean over patterns. ``g`` and ``W`` have one shape, (n + bias, n_out). It is the gradient of E plus
    ½ λ Σ W̄², and E is reported without that. The same line with V for W adds λV̄ to HV (16).

    >>> import numpy as np
    >>> decayed(np.zeros((2, 1)), np.array([[3.0], [5.0]]), 1, 0.5)
    array([[1.5],
           [0. ]])
    """
    return g.__array_namespace__().concat([g[:n] + weight_decay * W[:n], g[n:]], axis=0)


def previous_gradient(
    W: Array, g: Array, g_before: Array, learning_rate: Array, momentum: Array
) -> tuple[Array, Array]:
    """W ← W - N g_t - M g_(t-1), equation (13): the article's rule, a two-tap filter. Returns (W, g to carry).

    A constant gradient moves W by (N + M) g a step.

    >>> previous_gradient(1.0, 0.2, 0.4, 0.5, 0.1)
    (0.86, 0.2)
    """
    return W - learning_rate * g - momentum * g_before, g


def heavy_ball(W: Array, g: Array, v: Array, learning_rate: Array, momentum: Array) -> tuple[Array, Array]:
    """v ← μ v + g, W ← W - η v, equation (14). Returns (W, v). A constant gradient moves W by η g/(1-μ) a step in the end.

    The learning rate multiplies the velocity when it is used, not when it is stored (optax's convention, and PyTorch's).

    >>> heavy_ball(1.0, 0.5, 1.0, 0.1, 0.5)
    (0.9, 1.0)
    """
    v = momentum * v + g
    return W - learning_rate * v, v


def nesterov(W: Array, g: Array, v: Array, learning_rate: Array, momentum: Array) -> tuple[Array, Array]:
    """v ← μ v + g, W ← W - η (μ v + g), equation (15). Returns (W, v).

    optax's form of the look-ahead: the gradient is taken at W itself, and W is the point that Nesterov calls looked-ahead.

    >>> nesterov(1.0, 0.5, 1.0, 0.1, 0.5)
    (0.9, 1.0)
    """
    v = momentum * v + g
    return W - learning_rate * (momentum * v + g), v


class Rule(NamedTuple):
    """A rule with momentum, and all that is true of it. A new one is its function and a line of ``RULES``.

    step:     (W, g, carried, learning_rate, momentum) -> (W, carried), all but the rates of W's shape; carried is zeros at first.
    equation: the number of the equation that it is.

    >>> RULES["heavy-ball"].step(1.0, 0.5, 1.0, 0.1, 0.5), RULES["heavy-ball"].equation
    ((0.9, 1.0), 14)
    """

    name: str
    step: Callable[[Array, Array, Array, Array, Array], tuple[Array, Array]]
    equation: int


RULES = {
    rule.name: rule
    for rule in (
        Rule("previous-gradient", previous_gradient, 13),
        Rule("heavy-ball", heavy_ball, 14),
        Rule("nesterov", nesterov, 15),
    )
}
