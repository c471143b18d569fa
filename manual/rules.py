"""How the gradient moves the weights: three things that are all called momentum, (13) to (15), Quickprop (21) and RPROP (22).

One array at a time, each a pure function. Weight decay (20) comes before them.

They differ in what is carried from step to step: the last *gradient*, a *velocity* that sums all gradients, or with (21) and (22) two
arrays. The last two are meant for the whole batch, whose gradient changes only as the weights do.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

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


GROWTH = 1.75  # Quickprop's μ: a step is at most so many times the one before, but for the linear term
GROW, SHRINK, SHORTEST, LONGEST = 1.2, 0.5, 1e-6, 50.0  # RPROP's η+, η-, Δmin, Δmax


def quickprop(
    W: Array, g: Array, carried: tuple[Array, Array], learning_rate: Array, momentum: Array = 0.0
) -> tuple[Array, tuple[Array, Array]]:
    """W ← W + d, equation (21), Quickprop. Returns (W, (g, d)); all of W's shape.

    Each weight has a parabola of its own, through the slopes before and after its last step d: d g / (g_(t-1) - g) leads to its
    lowest point. Where that is more than μ = ``GROWTH`` steps on, or behind, the step is μ d. Where the slope still falls the way of
    d, and where d = 0, the linear term -η g joins. ``momentum`` is for the other rules' form: (21) has none.

    Fahlman 1988, CMU-CS-88-162, in the form of his program: the linear term is left out after a change of sign.

    >>> import numpy as np
    >>> W = np.array([1.0])                         # of E = W², whose slope is 2 W
    >>> W, carried = quickprop(W, 2 * W, (0 * W, 0 * W), 0.25)
    >>> W, quickprop(W, 2 * W, carried, 0.0)[0]     # one step by the slope, and one to the bottom
    (array([0.5]), array([0.]))
    """
    g_before, d = carried
    xp = g.__array_namespace__()
    way = xp.sign(d)
    falls, fell = -way * g, -way * g_before  # along d, now and before: fell > 0 unless d = 0
    far = falls >= GROWTH / (1.0 + GROWTH) * fell
    parabola = d * falls / xp.where(far, xp.ones_like(g), fell - falls)
    linear = xp.where((falls > 0) | (way == 0), -learning_rate * g, xp.zeros_like(g))
    d = xp.where(far, GROWTH * d, parabola) + linear
    return W + d, (g, d)


def rprop(
    W: Array, g: Array, carried: tuple[Array, Array], learning_rate: Array = 0.0, momentum: Array = 0.0
) -> tuple[Array, tuple[Array, Array]]:
    """W ← W - Δ sign g, equation (22), RPROP. Returns (W, (sign g, Δ)); all of W's shape.

    Each weight has a step size Δ of its own, at first the learning rate, from ``SHORTEST`` to ``LONGEST``. Two gradients of one sign
    make it η+ = ``GROW`` times, of opposite signs η- = ``SHRINK`` times as large; then the weight stays, and 0 is carried as the sign,
    so that Δ stays at the next step. ``learning_rate`` and ``momentum`` are for the other rules' form: a step uses neither.

    Riedmiller and Braun 1993, in the form without backtracking that Igel and Hüsken 2003 call iRprop-.

    >>> import numpy as np
    >>> W, carried = np.array([1.0]), (np.array([0.0]), np.array([0.5]))
    >>> for g in (3.0, 0.1, -0.2, -0.2):
    ...     W, carried = rprop(W, np.array([g]), carried)
    ...     print(W.round(3), carried[1])
    [0.5] [0.5]
    [-0.1] [0.6]
    [-0.1] [0.3]
    [0.2] [0.3]
    """
    sign_before, size = carried
    xp = g.__array_namespace__()
    sign = xp.sign(g)
    same = sign * sign_before
    changed = xp.clip(xp.where(same > 0, GROW * size, SHRINK * size), SHORTEST, LONGEST)
    size = xp.where(same == 0, size, changed)
    sign = xp.where(same < 0, xp.zeros_like(sign), sign)
    return W - size * sign, (sign, size)


def _zeros(W: Array, learning_rate: Array) -> Array:
    return W.__array_namespace__().zeros_like(W)


def _two_zeros(W: Array, learning_rate: Array) -> tuple[Array, Array]:
    return _zeros(W, learning_rate), _zeros(W, learning_rate)


def _zero_and_rate(W: Array, learning_rate: Array) -> tuple[Array, Array]:
    return _zeros(W, learning_rate), _zeros(W, learning_rate) + learning_rate


class Rule(NamedTuple):
    """A rule, and all that is true of it. A new one is its function and a line of ``RULES``.

    step:     (W, g, carried, learning_rate, momentum) -> (W, carried).
    equation: the number of the equation that it is.
    start:    (W, learning_rate) -> what is carried into the first step: an array of W's shape, or several in a tuple.
    momentum: whether it has one. Then it carries one array, and is linear in the gradients.

    >>> RULES["heavy-ball"].step(1.0, 0.5, 1.0, 0.1, 0.5), RULES["heavy-ball"].equation, RULES["rprop"].momentum
    ((0.9, 1.0), 14, False)
    """

    name: str
    step: Callable[[Array, Array, Any, Array, Array], tuple[Array, Any]]
    equation: int
    start: Callable[[Array, Array], Any] = _zeros
    momentum: bool = True


RULES = {
    rule.name: rule
    for rule in (
        Rule("previous-gradient", previous_gradient, 13),
        Rule("heavy-ball", heavy_ball, 14),
        Rule("nesterov", nesterov, 15),
        Rule("quickprop", quickprop, 21, _two_zeros, momentum=False),
        Rule("rprop", rprop, 22, _zero_and_rate, momentum=False),
    )
}
