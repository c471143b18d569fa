"""The activations, and their derivatives written in terms of the output: equations (1) to (4).

``z`` is a layer's pre-activation and ``a = f(z)`` its activation; both have shape ``(..., n)`` and every function here is
elementwise. A derivative is given both. Those of this file look at ``a`` alone: the forward pass has already paid for the
exponential.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

Array = Any  # whatever follows the array API: NumPy, JAX (tracers too), or an object array of symbols


def sigmoid(z: Array) -> Array:
    """f(z) = 1/(1+e^-z), equation (1).

    Computed from e^-|z|, so that no argument overflows. |z| is spelt with ``where``, which unlike ``abs`` stays analytic
    when z is complex (the complex step needs that).

    >>> import numpy as np
    >>> sigmoid(np.array([-1000.0, 0.0, 1000.0]))
    array([0. , 0.5, 1. ])
    """
    xp = z.__array_namespace__()
    negative = xp.real(z) < 0
    e = xp.exp(xp.where(negative, z, -z))
    return xp.where(negative, e, 1.0) / (1.0 + e)


def sigmoid_derivative(z: Array, a: Array) -> Array:
    """f'(z) = a(1-a), equation (3)."""
    return a * (1.0 - a)


def sigmoid_second(z: Array, a: Array) -> Array:
    """f''(z) = a(1-a)(1-2a), the derivative of (3); equation (16) needs it."""
    return a * (1.0 - a) * (1.0 - 2.0 * a)


def tanh(z: Array) -> Array:
    """f(z) = tanh z = 2 sigmoid(2z) - 1, equation (2)."""
    return z.__array_namespace__().tanh(z)


def tanh_derivative(z: Array, a: Array) -> Array:
    """f'(z) = 1-a², equation (4)."""
    return 1.0 - a * a


def tanh_second(z: Array, a: Array) -> Array:
    """f''(z) = -2a(1-a²), the derivative of (4)."""
    return -2.0 * a * (1.0 - a * a)


def linear(z: Array) -> Array:
    """f(z) = z: a linear output layer is plain least squares."""
    return z


def linear_derivative(z: Array, a: Array) -> Array:
    """f'(z) = 1, equation (4)."""
    return a * 0.0 + 1.0  # not ones_like: symbols and tracers keep their kind


def linear_second(z: Array, a: Array) -> Array:
    """f''(z) = 0."""
    return a * 0.0


def lecun_tanh(z: Array) -> Array:
    """f(z) = 1.7159 tanh(2z/3), equation (2) stretched.

    LeCun, Bottou, Orr, Müller, "Efficient BackProp" (1998), section 4.4: f(±1) = ±1, near where |f''| is largest.
    Multiplied by 2 and divided by 3, not by a rounded 2/3: on symbols it must be exact.
    """
    return 1.7159 * z.__array_namespace__().tanh(z * 2.0 / 3.0)


def lecun_tanh_derivative(z: Array, a: Array) -> Array:
    """f'(z) = (2/3)(1.7159 - a²/1.7159), equation (4) stretched."""
    return (1.7159 - a * a / 1.7159) * 2.0 / 3.0


def lecun_tanh_second(z: Array, a: Array) -> Array:
    """f''(z) = -2 (2/3) (a/1.7159) f'(z)."""
    return a * (1.7159 - a * a / 1.7159) * (-8.0) / 9.0 / 1.7159


class Activation(NamedTuple):
    """One activation, and all that is true of it. A new one is its functions and a line of ``ACTIVATIONS``.

    value:        f(z), from z of shape (..., n).
    derivative:   f'(z), from z and a = f(z), each of shape (..., n); it may look at either.
    second:       f''(z), likewise.
    output_range: the infimum and the supremum of f: no output is outside.
    equations:    the numbers of the equations that are value and derivative.
    elementwise:  whether a_k depends on z_k alone. Softmax (18) is not: its derivative is the Jacobian, of shape (..., n, n), and its
                  second derivative of shape (..., n, n, n).

    >>> import numpy as np
    >>> z = np.array([0.0])
    >>> TANH.value(z), TANH.derivative(z, TANH.value(z)), TANH.output_range, TANH.equations
    (array([0.]), array([1.]), (-1.0, 1.0), (2, 4))
    """

    name: str
    value: Callable[[Array], Array]
    derivative: Callable[[Array, Array], Array]
    second: Callable[[Array, Array], Array]
    output_range: tuple[float, float]
    equations: tuple[int, int]
    elementwise: bool = True


INFINITY = float("inf")
SIGMOID = Activation("sigmoid", sigmoid, sigmoid_derivative, sigmoid_second, (0.0, 1.0), (1, 3))
TANH = Activation("tanh", tanh, tanh_derivative, tanh_second, (-1.0, 1.0), (2, 4))
LINEAR = Activation("linear", linear, linear_derivative, linear_second, (-INFINITY, INFINITY), (6, 4))
LECUN_TANH = Activation("lecun_tanh", lecun_tanh, lecun_tanh_derivative, lecun_tanh_second, (-1.7159, 1.7159), (2, 4))

# What everything else reads: choices, checks, warnings, rows of the ladder.
ACTIVATIONS = {f.name: f for f in (SIGMOID, TANH, LINEAR, LECUN_TANH)}
