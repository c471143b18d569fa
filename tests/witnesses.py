"""What the tests know of each activation and each rule, from textbooks: nothing here is taken from ``manual`` or ``bpnn_jax``.

A new activation or rule is one entry; every test of its kind then runs on it.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import mpmath
import numpy as np
import optax
import sympy

LONG = np.longdouble
C = LONG(17159) / 10000
z_ = sympy.Symbol("z", real=True)


class Activation(NamedTuple):
    """f in several forms.

    closed:   f(z), by exponentials, for SymPy; at a kink a pair, left of 0 (and at 0) and right of it.
    value:    f(z) in NumPy, in longdouble and complex numbers too.
    slope:    f'(z) in terms of z and a, otherwise written than in ``manual``.
    ends:     f(-1000) and f(1000).
    rounding: roundings of constants, relative to float64's: 1.7159 is a double in ``manual``.
    relative: whether f' keeps its digits far out on the left.
    """

    closed: sympy.Expr | tuple[sympy.Expr, sympy.Expr]
    value: Callable[[Any], Any]
    slope: Callable[[Any, Any], Any]
    ends: tuple[float, float]
    rounding: float = 0.0
    relative: bool = False


GELU_SLOPE = sympy.nsimplify(0.7978845608028654, rational=True)  # sqrt(2/π) as a double


def _gelu_argument(z: Any) -> tuple[Any, Any]:
    """v and v' of gelu(z) = z sigmoid(v)."""
    k, c = 2 * LONG(0.7978845608028654), LONG(44715) / 10**6
    return k * (z + c * z**3), k * (1 + 3 * c * z**2)


def _gelu_slope(z: Any, v: Any, slope: Any) -> Any:
    e = np.exp(-v)
    return (1 + (1 + z * slope) * e) / (1 + e) ** 2


ACTIVATIONS = {
    "sigmoid": Activation(
        closed=1 / (1 + sympy.exp(-z_)),
        value=lambda z: 1 / (1 + np.exp(-z)),
        slope=lambda z, a: a - a * a,
        ends=(0.0, 1.0),
        relative=True,
    ),
    "tanh": Activation(
        closed=1 - 2 / (sympy.exp(2 * z_) + 1),
        value=lambda z: np.expm1(2 * z) / (np.exp(2 * z) + 1),
        slope=lambda z, a: (1 - a) * (1 + a),
        ends=(-1.0, 1.0),
    ),
    "linear": Activation(
        closed=z_,
        value=lambda z: z,
        slope=lambda z, a: a * 0 + 1,
        ends=(-1000.0, 1000.0),
        relative=True,
    ),
    "lecun_tanh": Activation(
        closed=sympy.Rational(17159, 10000) * (1 - 2 / (sympy.exp(4 * z_ / 3) + 1)),
        value=lambda z: C * np.expm1(4 * z / 3) / (np.exp(4 * z / 3) + 1),
        slope=lambda z, a: 2 * (C - a) * (C + a) / (3 * C),
        ends=(-1.7159, 1.7159),
        rounding=2.0**-53,
    ),
    "relu": Activation(
        closed=(sympy.Integer(0), z_),
        value=lambda z: z * (z.real > 0),
        slope=lambda z, a: np.sign(a),
        ends=(0.0, 1000.0),
        relative=True,
    ),
    "leaky_relu": Activation(
        closed=(z_ / 100, z_),
        value=lambda z: z * np.where(z.real > 0, LONG(1), LONG(1) / 100),
        slope=lambda z, a: (99 * np.sign(a) + 101) / 200,
        ends=(-10.0, 1000.0),
        rounding=2.0**-53,
        relative=True,
    ),
    "elu": Activation(
        closed=(sympy.exp(z_) - 1, z_),
        value=lambda z: np.expm1(z * (z.real < 0)) + z * (z.real > 0),
        slope=lambda z, a: 1 + a * (a < 0),
        ends=(-1.0, 1000.0),
        relative=True,
    ),
    "softplus": Activation(
        closed=sympy.log(1 + sympy.exp(z_)),
        value=lambda z: np.log1p(np.exp(z)),
        slope=lambda z, a: 1 - np.exp(-a),
        ends=(0.0, 1000.0),
        relative=True,
    ),
    "softsign": Activation(
        closed=(z_ / (1 - z_), z_ / (1 + z_)),
        value=lambda z: z / (1 + z * np.sign(z.real)),
        slope=lambda z, a: 1 - 2 * abs(a) + a * a,
        ends=(-1000 / 1001, 1000 / 1001),
        relative=True,
    ),
    "silu": Activation(
        closed=z_ / (1 + sympy.exp(-z_)),
        value=lambda z: z / (1 + np.exp(-z)),
        slope=lambda z, a: (1 + (1 + z) * np.exp(-z)) / (1 + np.exp(-z)) ** 2,
        ends=(0.0, 1000.0),
        relative=True,
    ),
    "gelu": Activation(
        closed=z_ / (1 + sympy.exp(-2 * GELU_SLOPE * (z_ + sympy.Rational(44715, 10**6) * z_**3))),
        value=lambda z: z / (1 + np.exp(-_gelu_argument(z)[0])),
        slope=lambda z, a: _gelu_slope(z, *_gelu_argument(z)),
        ends=(0.0, 1000.0),
        rounding=2.0**-53,
    ),
}
NAMES = tuple(ACTIVATIONS)


def closed(name: str, right: bool) -> sympy.Expr:
    """f(z) as a formula: right of 0, or left of 0 and at 0."""
    found = ACTIVATIONS[name].closed
    return found[right] if isinstance(found, tuple) else found


@cache
def _differentiated(name: str, order: int, right: bool) -> Callable:
    f = closed(name, right)
    return sympy.lambdify(z_, sympy.diff(f, z_, order) if order else f, "mpmath")


def exact(name: str, z: Any, order: int = 0) -> mpmath.mpf:
    """f, f' or f'' at z, by differentiating the closed form in terms of z: not by way of a.

    Differentiating cancels: at |z| = 700 all but e^-700 of it, which 1000 digits survive.
    """
    with mpmath.workdps(1000):
        return mpmath.mpf(_differentiated(name, order, z > 0)(mpmath.mpf(z)))


class Rule(NamedTuple):
    """A rule with momentum in other forms.

    moved:  the sum of all moves after the gradients given, each written out: (gradients, learning rate, momentum) -> W before - W.
    steady: what a constant gradient of 1 moves W by per step in the end.
    optax:  the rule from optax's parts; None where optax has none.
    """

    moved: Callable[[list, Any, Any], Any]
    steady: Callable[[Any, Any], Any]
    optax: Callable[[Any, Any], optax.GradientTransformation] | None


def _velocity(weight: Callable[[int, Any], Any]) -> Callable[[list, Any, Any], Any]:
    """η Σ_t Σ_(s <= t) weight(t - s, μ) g_s."""

    def moved(gradients: list, learning_rate: Any, mu: Any) -> Any:
        n = len(gradients)
        return sum(learning_rate * weight(t - s, mu) * gradients[s] for t in range(n) for s in range(t + 1))

    return moved


RULES = {
    "previous-gradient": Rule(
        moved=lambda g, learning_rate, mu: sum(learning_rate * v for v in g) + sum(mu * v for v in g[:-1]),
        steady=lambda learning_rate, mu: learning_rate + mu,
        optax=None,
    ),
    "heavy-ball": Rule(
        moved=_velocity(lambda age, mu: mu**age),
        steady=lambda learning_rate, mu: learning_rate / (1 - mu),
        optax=lambda rate, mu: optax.chain(optax.trace(mu), optax.scale(-rate)),
    ),
    "nesterov": Rule(
        moved=_velocity(lambda age, mu: mu ** (age + 1) + (age == 0)),
        steady=lambda learning_rate, mu: learning_rate / (1 - mu),
        optax=lambda rate, mu: optax.chain(optax.trace(mu, nesterov=True), optax.scale(-rate)),
    ),
}


def parabola_step(W_before: Any, W: Any, slope_before: Any, slope: Any, rate: Any, growth: Any) -> Any:
    """Where (21) leads from ``W``: by the parabola's curvature and its lowest point, and not by a quotient of slopes."""
    d = W - W_before
    if d == 0:
        return W - rate * slope
    curvature = (slope - slope_before) / d
    lowest = W - slope / curvature if curvature > 0 else None
    reached = lowest is not None and (lowest - W) / d <= growth
    linear = rate * slope if slope * slope_before > 0 else 0
    return (lowest if reached else W + growth * d) - linear


def rprop_path(W: Any, slopes: list, size: Any) -> list:
    """The weights of (22): iRprop- as Igel and Hüsken write it down, with a gradient that is set to 0 after a change of sign."""
    path, before = [], 0
    for g in slopes:
        if g * before > 0:
            size = min(size * 6 / 5, 50)
        elif g * before < 0:
            size, g = max(size / 2, 1e-6), 0
        W = W - size if g > 0 else W + size if g < 0 else W
        path.append(W)
        before = g
    return path
