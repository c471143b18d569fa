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

    closed:   f(z), by exponentials, for SymPy.
    value:    f(z) in NumPy, in longdouble and complex numbers too.
    slope:    f'(z) in terms of a, otherwise written than in ``manual``.
    ends:     f(-1000) and f(1000).
    rounding: roundings of constants, relative to float64's: 1.7159 is a double in ``manual``.
    relative: whether f' keeps its digits far out on the left.
    """

    closed: sympy.Expr
    value: Callable[[Any], Any]
    slope: Callable[[Any], Any]
    ends: tuple[float, float]
    rounding: float = 0.0
    relative: bool = False


ACTIVATIONS = {
    "sigmoid": Activation(
        closed=1 / (1 + sympy.exp(-z_)),
        value=lambda z: 1 / (1 + np.exp(-z)),
        slope=lambda a: a - a * a,
        ends=(0.0, 1.0),
        relative=True,
    ),
    "tanh": Activation(
        closed=1 - 2 / (sympy.exp(2 * z_) + 1),
        value=lambda z: np.expm1(2 * z) / (np.exp(2 * z) + 1),
        slope=lambda a: (1 - a) * (1 + a),
        ends=(-1.0, 1.0),
    ),
    "linear": Activation(
        closed=z_,
        value=lambda z: z,
        slope=lambda a: a * 0 + 1,
        ends=(-1000.0, 1000.0),
        relative=True,
    ),
    "lecun_tanh": Activation(
        closed=sympy.Rational(17159, 10000) * (1 - 2 / (sympy.exp(4 * z_ / 3) + 1)),
        value=lambda z: C * np.expm1(4 * z / 3) / (np.exp(4 * z / 3) + 1),
        slope=lambda a: 2 * (C - a) * (C + a) / (3 * C),
        ends=(-1.7159, 1.7159),
        rounding=2.0**-53,
    ),
}
NAMES = tuple(ACTIVATIONS)


@cache
def _differentiated(name: str, order: int) -> Callable:
    closed = ACTIVATIONS[name].closed
    return sympy.lambdify(z_, sympy.diff(closed, z_, order) if order else closed, "mpmath")


def exact(name: str, z: Any, order: int = 0) -> mpmath.mpf:
    """f, f' or f'' at z, by differentiating the closed form in terms of z: not by way of a.

    Differentiating cancels: at |z| = 700 all but e^-700 of it, which 1000 digits survive.
    """
    with mpmath.workdps(1000):
        return _differentiated(name, order)(mpmath.mpf(z))


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
