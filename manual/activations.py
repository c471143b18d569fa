"""The activations, and their derivatives written in terms of the output where that can be: equations (1) to (4) and (17).

``z`` is a layer's pre-activation and ``a = f(z)`` its activation; both have shape ``(..., n)`` and every function here is
elementwise. A derivative is given both. Those of this file look at ``a`` alone, since the forward pass has already paid for the
exponential; silu's and gelu's look at ``z`` too.
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


# Equation (17). Some have a kink at 0, in f or in f': each side has a formula of its own, and 0 counts to the left one. So
# relu'(0) = 0, leaky relu'(0) = 0.01, elu''(0) = 1, softsign''(0) = 2, here and in ``bpnn_jax.network``.


def _by_side(of: Array, right: Array, left: Array) -> Array:
    """``right`` where ``of`` > 0, ``left`` elsewhere: at 0 too. By the real part, which keeps both sides analytic."""
    xp = of.__array_namespace__()
    return xp.where(xp.real(of) > 0, right, left)


def _constant(a: Array, value: float) -> Array:
    """``value`` in the shape and kind of ``a``, for an infinite ``a`` too."""
    return a.__array_namespace__().ones_like(a) * value


def relu(z: Array) -> Array:
    """f(z) = z for z > 0, otherwise 0, equation (17)."""
    return _by_side(z, z, _constant(z, 0.0))


def relu_derivative(z: Array, a: Array) -> Array:
    """f'(z) = 1 for a > 0, otherwise 0, equation (17)."""
    return _by_side(a, _constant(a, 1.0), _constant(a, 0.0))


def relu_second(z: Array, a: Array) -> Array:
    """f''(z) = 0."""
    return _constant(a, 0.0)


LEAK = 0.01


def leaky_relu(z: Array) -> Array:
    """f(z) = z for z > 0, otherwise 0.01 z, equation (17)."""
    return _by_side(z, z, LEAK * z)


def leaky_relu_derivative(z: Array, a: Array) -> Array:
    """f'(z) = 1 for a > 0, otherwise 0.01, equation (17)."""
    return _by_side(a, _constant(a, 1.0), _constant(a, LEAK))


def elu(z: Array) -> Array:
    """f(z) = z for z > 0, otherwise e^z - 1, equation (17): Clevert and others 2016, with alpha 1."""
    return _by_side(z, z, z.__array_namespace__().expm1(_by_side(z, _constant(z, 0.0), z)))


def elu_derivative(z: Array, a: Array) -> Array:
    """f'(z) = 1 for a > 0, otherwise a + 1, equation (17)."""
    return _by_side(a, _constant(a, 1.0), a + 1.0)


def elu_second(z: Array, a: Array) -> Array:
    """f''(z) = 0 for a > 0, otherwise a + 1, the derivative of (17)."""
    return _by_side(a, _constant(a, 0.0), a + 1.0)


def softplus(z: Array) -> Array:
    """f(z) = log(1 + e^z), equation (17).

    Computed as max(z, 0) + log(1+e) with e = e^-|z|, so that nothing overflows. log(1+e) is spelt 2 artanh(e/(2+e)), which keeps
    the digits of a small e for complex numbers too, as NumPy's log1p does not.

    >>> import numpy as np
    >>> softplus(np.array([-1000.0, 0.0, 1000.0])).round(6).tolist()
    [0.0, 0.693147, 1000.0]
    """
    xp = z.__array_namespace__()
    e = xp.exp(_by_side(z, -z, z))
    return relu(z) + 2.0 * xp.atanh(e / (2.0 + e))


def softplus_derivative(z: Array, a: Array) -> Array:
    """f'(z) = 1 - e^-a, equation (17): the sigmoid. By expm1, since 1 - e^-a cancels where a is small."""
    return -a.__array_namespace__().expm1(-a)


def softplus_second(z: Array, a: Array) -> Array:
    """f''(z) = (1 - e^-a) e^-a, the derivative of (17)."""
    xp = a.__array_namespace__()
    return -xp.expm1(-a) * xp.exp(-a)


def softsign(z: Array) -> Array:
    """f(z) = z/(1+|z|), equation (17)."""
    return z / (1.0 + _by_side(z, z, -z))


def softsign_derivative(z: Array, a: Array) -> Array:
    """f'(z) = (1-|a|)², equation (17)."""
    s = 1.0 - _by_side(a, a, -a)
    return s * s


def softsign_second(z: Array, a: Array) -> Array:
    """f''(z) = -2 (1-|a|)³ for a > 0, otherwise 2 (1-|a|)³, the derivative of (17)."""
    s = 1.0 - _by_side(a, a, -a)
    return _by_side(a, -2.0 * s * s * s, 2.0 * s * s * s)


# Those that need z: f is not monotone, so a alone does not say where on the curve it is.


def silu(z: Array) -> Array:
    """f(z) = z s with s = sigmoid(z), equation (17)."""
    return z * sigmoid(z)


def silu_derivative(z: Array, a: Array) -> Array:
    """f'(z) = s + a (1-s) with s = sigmoid(z), equation (17). 1-s is sigmoid(-z), which does not cancel."""
    return sigmoid(z) + a * sigmoid(-z)


def silu_second(z: Array, a: Array) -> Array:
    """f''(z) = s (1-s) (2 + z (1-2s)), the derivative of (17)."""
    s = sigmoid(z)
    return s * sigmoid(-z) * (2.0 + z * (1.0 - 2.0 * s))


GELU_SLOPE, GELU_CUBE = 0.7978845608028654, 0.044715  # sqrt(2/π), and Hendrycks and Gimpel's constant (2016)


def _gelu_argument(z: Array) -> Array:
    """v(z) = 2 sqrt(2/π) (z + 0.044715 z³)."""
    return (z + z * z * z * GELU_CUBE) * GELU_SLOPE * 2.0  # a constant at a time: on symbols each must stay exact


def _times_gelu_slope(w: Array, z: Array) -> Array:
    """w v'(z) with v'(z) = 2 sqrt(2/π) (1 + 3 · 0.044715 z²), where w falls faster than any power of z.

    Far out w is 0, and so is each product from the left, while v'(z) on its own would overflow.
    """
    return (w + w * z * z * GELU_CUBE * 3.0) * GELU_SLOPE * 2.0


def gelu(z: Array) -> Array:
    """f(z) = z s with s = sigmoid(v(z)) = (1 + tanh(v/2))/2, v = 2 sqrt(2/π) (z + 0.044715 z³), equation (17).

    Hendrycks and Gimpel's approximation by tanh, which is JAX's default.
    """
    return z * sigmoid(_gelu_argument(z))


def gelu_derivative(z: Array, a: Array) -> Array:
    """f'(z) = s + a (1-s) v'(z) with s = sigmoid(v(z)), equation (17).

    >>> import numpy as np
    >>> z = np.array([-1e30, 0.0, 1e30])
    >>> gelu_derivative(z, gelu(z)).tolist()
    [0.0, 0.5, 1.0]
    """
    v = _gelu_argument(z)
    return sigmoid(v) + _times_gelu_slope(a * sigmoid(-v), z)


def gelu_second(z: Array, a: Array) -> Array:
    """f''(z) = s (1-s) (2 v' + z ((1-2s) v'² + v'')), the derivative of (17), where v'' = 12 sqrt(2/π) 0.044715 z."""
    v = _gelu_argument(z)
    s = sigmoid(v)
    q = s * sigmoid(-v)
    squared = _times_gelu_slope(_times_gelu_slope(q * z, z), z)
    return _times_gelu_slope(q * 2.0, z) + (1.0 - 2.0 * s) * squared + q * z * z * GELU_CUBE * GELU_SLOPE * 12.0


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
RELU = Activation("relu", relu, relu_derivative, relu_second, (0.0, INFINITY), (17, 17))
LEAKY_RELU = Activation("leaky_relu", leaky_relu, leaky_relu_derivative, relu_second, (-INFINITY, INFINITY), (17, 17))
ELU = Activation("elu", elu, elu_derivative, elu_second, (-1.0, INFINITY), (17, 17))
SOFTPLUS = Activation("softplus", softplus, softplus_derivative, softplus_second, (0.0, INFINITY), (17, 17))
SOFTSIGN = Activation("softsign", softsign, softsign_derivative, softsign_second, (-1.0, 1.0), (17, 17))
SILU = Activation("silu", silu, silu_derivative, silu_second, (-0.2784645427610738, INFINITY), (17, 17))
GELU = Activation("gelu", gelu, gelu_derivative, gelu_second, (-0.17004075057125406, INFINITY), (17, 17))

# What everything else reads: choices, checks, warnings, rows of the ladder.
ACTIVATIONS = {
    f.name: f for f in (SIGMOID, TANH, LINEAR, LECUN_TANH, RELU, LEAKY_RELU, ELU, SOFTPLUS, SOFTSIGN, SILU, GELU)
}
