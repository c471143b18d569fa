"""The activations, and their derivatives written in terms of the output: equations (1) to (4).

``z`` is a layer's pre-activation and ``a = f(z)`` its activation; both have shape ``(..., n)`` and every function here is
elementwise. A derivative takes ``a``, not ``z``: the forward pass has already paid for the exponential.
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


def sigmoid_derivative(a: Array) -> Array:
    """f'(z) = a(1-a), equation (3)."""
    return a * (1.0 - a)


def sigmoid_second(a: Array) -> Array:
    """f''(z) = a(1-a)(1-2a), the derivative of (3); equation (16) needs it."""
    return a * (1.0 - a) * (1.0 - 2.0 * a)


def tanh(z: Array) -> Array:
    """f(z) = tanh z = 2 sigmoid(2z) - 1, equation (2)."""
    return z.__array_namespace__().tanh(z)


def tanh_derivative(a: Array) -> Array:
    """f'(z) = 1-a², equation (4)."""
    return 1.0 - a * a


def tanh_second(a: Array) -> Array:
    """f''(z) = -2a(1-a²), the derivative of (4)."""
    return -2.0 * a * (1.0 - a * a)


def linear(z: Array) -> Array:
    """f(z) = z: a linear output layer is plain least squares."""
    return z


def linear_derivative(a: Array) -> Array:
    """f'(z) = 1, equation (4)."""
    return a * 0.0 + 1.0  # not ones_like: symbols and tracers keep their kind


def linear_second(a: Array) -> Array:
    """f''(z) = 0."""
    return a * 0.0


def lecun_tanh(z: Array) -> Array:
    """f(z) = 1.7159 tanh(2z/3), equation (2) stretched.

    LeCun, Bottou, Orr, Müller, "Efficient BackProp" (1998), section 4.4: f(±1) = ±1, near where |f''| is largest.
    Multiplied by 2 and divided by 3, not by a rounded 2/3: on symbols it must be exact.
    """
    return 1.7159 * z.__array_namespace__().tanh(z * 2.0 / 3.0)


def lecun_tanh_derivative(a: Array) -> Array:
    """f'(z) = (2/3)(1.7159 - a²/1.7159), equation (4) stretched."""
    return (1.7159 - a * a / 1.7159) * 2.0 / 3.0


def lecun_tanh_second(a: Array) -> Array:
    """f''(z) = -2 (2/3) (a/1.7159) f'(z)."""
    return a * (1.7159 - a * a / 1.7159) * (-8.0) / 9.0 / 1.7159


class Activation(NamedTuple):
    """One activation: its value from z, and its first and second derivative from a."""

    name: str
    value: Callable[[Array], Array]
    derivative: Callable[[Array], Array]
    second: Callable[[Array], Array]


SIGMOID = Activation("sigmoid", sigmoid, sigmoid_derivative, sigmoid_second)
TANH = Activation("tanh", tanh, tanh_derivative, tanh_second)
LINEAR = Activation("linear", linear, linear_derivative, linear_second)
LECUN_TANH = Activation("lecun_tanh", lecun_tanh, lecun_tanh_derivative, lecun_tanh_second)

ACTIVATIONS = {f.name: f for f in (SIGMOID, TANH, LINEAR, LECUN_TANH)}
