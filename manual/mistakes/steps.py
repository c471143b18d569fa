"""Wrong steps: (20) to (22), weight decay and the rules, each the right function with one thing changed."""

from manual.activations import Array
from manual.mistakes.catalogue import mistake
from manual.rules import GROW, GROWTH, SHRINK, decayed, quickprop, rprop

# (20): weight decay ----------------------------------------------------------------------------------------------------


@mistake("decay on the bias row", 20, "all of W is taken, and not W̄")
def _decay_on_the_bias(g: Array, W: Array, n: int, weight_decay: Array, patterns: int) -> Array:
    return g + weight_decay * W


@mistake("decay divided by the batch", 20, "it joins the sum before the mean is taken")
def _decay_over_the_batch(g: Array, W: Array, n: int, weight_decay: Array, patterns: int) -> Array:
    return decayed(g, W, n, weight_decay / patterns)


@mistake("decay twice too large", 20, "the ½ of ½ λ Σ W̄² is forgotten")
def _decay_without_half(g: Array, W: Array, n: int, weight_decay: Array, patterns: int) -> Array:
    return decayed(g, W, n, 2.0 * weight_decay)


# (21): Quickprop -------------------------------------------------------------------------------------------------------


@mistake(
    "parabola's denominator reversed", 21, "g - g_before for g_before - g: the step leads away from the lowest point"
)
def _quickprop_reversed(W: Array, g: Array, carried: tuple, learning_rate: Array, momentum: Array) -> tuple:
    g_before, d = carried
    xp = g.__array_namespace__()
    far = g * xp.sign(g_before) >= GROWTH / (1.0 + GROWTH) * abs(g_before)
    linear = xp.where((g * g_before > 0) | (d == 0), -learning_rate * g, xp.zeros_like(g))
    parabola = d * g / xp.where(g == g_before, xp.ones_like(g), g - g_before)
    d = xp.where(far, GROWTH * d, parabola) + linear
    return W + d, (g, d)


@mistake("parabola without limit", 21, "μ is forgotten: two slopes that are nearly equal make a huge step")
def _quickprop_without_limit(W: Array, g: Array, carried: tuple, learning_rate: Array, momentum: Array) -> tuple:
    g_before, d = carried
    xp = g.__array_namespace__()
    linear = xp.where(g * d > 0, xp.zeros_like(g), -learning_rate * g)
    d = d * g / xp.where(g_before == g, xp.ones_like(g), g_before - g) + linear
    return W + d, (g, d)


@mistake("linear term after a change of sign", 21, "it joins always, though the parabola has already come back")
def _quickprop_always_linear(W: Array, g: Array, carried: tuple, learning_rate: Array, momentum: Array) -> tuple:
    _, (g, d) = quickprop(W, g, carried, learning_rate)
    d = g.__array_namespace__().where(g * carried[1] > 0, d - learning_rate * g, d)
    return W + d, (g, d)


# (22): RPROP -----------------------------------------------------------------------------------------------------------


@mistake(
    "RPROP's sign reversed", 22, "the step grows where the gradient changes its sign, and shrinks where it does not"
)
def _rprop_reversed(W: Array, g: Array, carried: tuple, learning_rate: Array, momentum: Array) -> tuple:
    return rprop(W, g, (-carried[0], carried[1]))


@mistake("RPROP's step without limits", 22, "Δ is never clipped: it grows and shrinks without end")
def _rprop_without_limits(W: Array, g: Array, carried: tuple, learning_rate: Array, momentum: Array) -> tuple:
    xp = g.__array_namespace__()
    same = xp.sign(g) * carried[0]
    factor = xp.where(same > 0, GROW, xp.where(same < 0, SHRINK, 1.0))
    size, sign = factor * carried[1], xp.where(same < 0, xp.zeros_like(g), xp.sign(g))
    return W - size * sign, (sign, size)


@mistake("RPROP's sign kept", 22, "the sign is carried, not 0: the step after a change of sign grows")
def _rprop_sign_kept(W: Array, g: Array, carried: tuple, learning_rate: Array, momentum: Array) -> tuple:
    moved, (_, size) = rprop(W, g, carried)
    return moved, (g.__array_namespace__().sign(g), size)


@mistake("RPROP by the gradient's size", 22, "Δ g for Δ sign g: a step size taken for a learning rate")
def _rprop_by_size(W: Array, g: Array, carried: tuple, learning_rate: Array, momentum: Array) -> tuple:
    _, (sign, size) = rprop(W, g, carried)
    return W - size * abs(sign) * g, (sign, size)
