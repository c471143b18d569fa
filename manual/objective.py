"""The objective, E: half the squared error, equation (7), or the cross-entropy, equation (19), with the softmax (18) that it may need.

``z`` and ``a`` are those of the output layer and ``t`` the targets: all of shape (n_out,) for one pattern, or (patterns, n_out).
Each E is a sum over outputs and over patterns, never a mean.
"""

from collections.abc import Callable
from typing import NamedTuple

from manual.activations import ACTIVATIONS, Activation, Array
from manual.backprop import CORRECT, Equations
from manual.network import Layer


def half_squared_error(a: Array, t: Array) -> Array:
    """E = ½ Σ_patterns Σ_k (a_k - t_k)², a scalar: a sum over outputs and over patterns, never a mean. Equation (7).

    ``a`` and ``t`` have the same shape, (n_out,) for one pattern or (patterns, n_out).

    >>> import numpy as np
    >>> float(half_squared_error(np.array([[1.0, 0.0], [0.5, 0.0]]), np.zeros((2, 2))))
    0.625
    """
    e = a - t
    return 0.5 * e.__array_namespace__().sum(e * e)


def softmax(z: Array) -> Array:
    """a_k = e^(z_k) / Σ_j e^(z_j), equation (18): positive numbers whose sum is 1. Of the last axis.

    Any number may be taken from all z. The largest is, so that no exponential overflows.

    >>> import numpy as np
    >>> softmax(np.array([1000.0, 1000.0, -1000.0]))
    array([0.5, 0.5, 0. ])
    """
    xp = z.__array_namespace__()
    e = xp.exp(z - xp.max(xp.real(z), axis=-1, keepdims=True))
    return e / xp.sum(e, axis=-1, keepdims=True)


def softmax_jacobian(z: Array, a: Array) -> Array:
    """∂a_j/∂z_k = a_j ([j = k] - a_k), equation (18). Shape (..., n, n): j before k.

    >>> import numpy as np
    >>> softmax_jacobian(np.zeros(2), np.array([0.5, 0.5]))
    array([[ 0.25, -0.25],
           [-0.25,  0.25]])
    """
    return a[..., :, None] * (_identity(a) - a[..., None, :])


def softmax_second(z: Array, a: Array) -> Array:
    """∂²a_j/∂z_k∂z_m = J_jm ([j = k] - a_k) - a_j J_km with J the Jacobian (18). Shape (..., n, n, n): j, k, m.

    The product rule on (18); equation (16) needs it, with the half squared error only.
    """
    J = softmax_jacobian(z, a)
    first = J[..., :, None, :] * (_identity(a) - a[..., None, :])[..., :, :, None]
    return first - a[..., :, None, None] * J[..., None, :, :]


def _identity(a: Array) -> Array:
    """[j = k] for the last axis of ``a``, of shape (1, ..., 1, n, n)."""
    xp, n = a.__array_namespace__(), a.shape[-1]
    return xp.reshape(xp.eye(n, dtype=a.dtype), (1,) * (a.ndim - 1) + (n, n))


SOFTMAX = Activation("softmax", softmax, softmax_jacobian, softmax_second, (0.0, 1.0), (18, 18), elementwise=False)

# What an output layer may have. A hidden softmax would need (9) with a Jacobian in place of f'.
OUTPUT_ACTIVATIONS = {**ACTIVATIONS, SOFTMAX.name: SOFTMAX}


def sigmoid_cross_entropy(z: Array, t: Array) -> Array:
    """E = -Σ [t log a + (1-t) log(1-a)] with a = sigmoid(z), a scalar. Equation (19), for targets from 0 to 1.

    From z: -log a = log(1 + e^-z) and -log(1-a) = z + log(1 + e^-z), where log(1 + e^-z) is max(-z, 0) + log(1 + e^-|z|). No
    logarithm of a rounded 0, no overflow.

    >>> import numpy as np
    >>> float(sigmoid_cross_entropy(np.array([1000.0, -1000.0]), np.array([1.0, 1.0])))
    1000.0
    """
    xp = z.__array_namespace__()
    negative = xp.real(z) < 0
    towards = xp.where(negative, z, -z)  # -|z|, analytic
    return xp.sum(xp.where(negative, -z * t, z * (1.0 - t)) + xp.log1p(xp.exp(towards)))


def softmax_cross_entropy(z: Array, t: Array) -> Array:
    """E = -Σ t log a with a = softmax(z), a scalar. Equation (19), for targets from 0 to 1 whose sum is 1.

    From z: -log a_k = log Σ_j e^(z_j) - z_k, the largest z taken from all of them first. No logarithm of a rounded 0, no overflow.

    >>> import numpy as np
    >>> float(softmax_cross_entropy(np.array([0.0, 1000.0]), np.array([1.0, 0.0])))
    1000.0
    """
    xp = z.__array_namespace__()
    z = z - xp.max(xp.real(z), axis=-1, keepdims=True)
    return xp.sum(t * (xp.log(xp.sum(xp.exp(z), axis=-1, keepdims=True)) - z))


def cross_entropy(layer: Layer, t: Array) -> Array:
    """(19) for an output layer of either kind, a scalar."""
    return (sigmoid_cross_entropy if layer.f.elementwise else softmax_cross_entropy)(layer.z, t)


def cross_entropy_delta(layer: Layer, t: Array) -> Array:
    """δ^L = a^L - t, equation (19): the logarithm has cancelled f'. For sigmoid, and for softmax where Σ_k t_k = 1."""
    return layer.a - t


def half_squared_delta_along(layer: Layer, t: Array, R_z: Array) -> Array:
    """R{δ^L} = f'(z^L) ⊙ R{a^L} + (a^L - t) ⊙ f''(z^L) ⊙ R{z^L}: the product rule on (8)."""
    R_a, e = layer.along(R_z), layer.a - t
    if layer.f.elementwise:
        return layer.derivative * R_a + e * layer.second * R_z
    xp = e.__array_namespace__()
    R_J = xp.sum(layer.second * R_z[..., None, None, :], axis=-1)  # R{∂a_j/∂z_k}
    return xp.sum(R_a[..., :, None] * layer.derivative + e[..., :, None] * R_J, axis=-2)


def cross_entropy_delta_along(layer: Layer, t: Array, R_z: Array) -> Array:
    """R{δ^L} = R{a^L}: t is constant in (19)."""
    return layer.along(R_z)


class Objective(NamedTuple):
    """One objective, and all that is true of it.

    error:       E, a scalar, from the output layer and t.
    equations:   (8) to (12) with its output delta.
    delta_along: R{δ^L} from the output layer, t and R{z^L}; equation (16) needs it.
    numbers:     the numbers of the equations that are E and δ^L.
    outputs:     the output activations that it serves; empty for all.

    >>> HALF_SQUARED_ERROR.numbers, CROSS_ENTROPY.numbers, CROSS_ENTROPY.outputs
    ((7, 8), (19, 19), ('sigmoid', 'softmax'))
    """

    name: str
    error: Callable[[Layer, Array], Array]
    equations: Equations
    delta_along: Callable[[Layer, Array, Array], Array]
    numbers: tuple[int, int]
    outputs: tuple[str, ...] = ()


HALF_SQUARED_ERROR = Objective(
    "half-squared-error",
    lambda layer, t: half_squared_error(layer.a, t),
    CORRECT,
    half_squared_delta_along,
    (7, 8),
)
CROSS_ENTROPY = Objective(
    "cross-entropy",
    cross_entropy,
    CORRECT._replace(output_delta=cross_entropy_delta),
    cross_entropy_delta_along,
    (19, 19),
    ("sigmoid", "softmax"),
)

# What everything else reads: choices, checks, rows of the ladder.
OBJECTIVES = {objective.name: objective for objective in (HALF_SQUARED_ERROR, CROSS_ENTROPY)}
