"""The activations of the written-out loops: the sigmoid (1) and tanh (2) of this file, and the others as JAX has them.

An online update waits for each layer's activation (docs/speed.md, "What an update waits for"), so what counts is how many operations
follow one another. XLA's exponential is a polynomial of degree 7 by Horner's rule, and the sigmoid divides after it; in float64 the
exponential has a division of its own. Here the exponential is a fraction, and its division is the activation's:

    w = n ln 2 + f, n whole, |f| ≤ ln 2 / 2:    e^w = 2^n (A + B)/(A - B), where B/A = tanh(f/2), B odd in f and A even
    (1) sigmoid, w = -z:    f(z) = (A - B) / ((A - B) + 2^n (A + B))
    (2) tanh, w = 2z:       f(z) = (2^n (A + B) - (A - B)) / (2^n (A + B) + (A - B))

The coefficients of A and B make the largest error of B/A least: 2^-34 in float32, 2^-61 in float64. What is left is rounding. A CPU
without a multiply-add (before 2013) rounds n ln 2 too, which is as if z had been rounded once more.
``python -m benchmarks.activations`` prints the error of both functions, over every float32, beside that of JAX's own.

The division is the last operation, and z is clamped before it: had they a cheaper last operation, XLA would compute a layer's sums
again in each loop that uses its activations.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from bpnn_jax.network import OUTPUT_ACTIVATIONS


class Constants(NamedTuple):
    """What depends on the dtype.

    even:     A = 1 + even[0] f² + even[1] f⁴ ...
    odd:      B = f (odd[0] + odd[1] f² + odd[2] f⁴ ...)
    ln_2:     ln 2, rounded.
    lost:     (ln_2 - ln 2) · 0.496, which is B's slope: n · lost is what B lacks because of the rounding.
    one:      above it tanh is 1, rounded.
    integers: as wide as the dtype.
    """

    even: tuple[float, ...]
    odd: tuple[float, ...]
    ln_2: float
    lost: float
    one: float
    integers: Any


CONSTANTS = {
    "float32": Constants(
        even=(0.09997485161306243,),
        odd=(0.4999999990635955, 0.008320821740754792),
        ln_2=0.6931471824645996,
        lost=0.496 * 1.9046543e-09,
        one=10.0,
        integers=jnp.int32,
    ),
    "float64": Constants(
        even=(0.1111077956058441, 0.0009917319891895938),
        odd=(0.5, 0.013887231136257612, 0.000033041177580611375),
        ln_2=0.6931471805599453,
        lost=0.496 * -2.3190468138462996e-17,
        one=20.0,
        integers=jnp.int64,
    ),
}


def sigmoid(z: Any) -> Any:
    """f(z) = 1/(1+e^-z), equation (1), elementwise, at most 2.7 units in the last place off in float32, 3.5 in float64.

    What is below the smallest normal number is 0, as it is in XLA.

    >>> sigmoid(jnp.array([-jnp.inf, 0.0, jnp.inf])).tolist()
    [0.0, 0.5, 1.0]
    """
    constants, most = CONSTANTS[z.dtype.name], jnp.finfo(z.dtype).maxexp
    # From 2^most, which is infinite, to 2^(1-most), which is 0 as ``_power_of_two`` has it
    z = _clamped(z, (0.2 - most) * constants.ln_2, (most - 1) * constants.ln_2)
    n, f, A, slope = _exponential(z, -1.0, constants)
    B = f * slope + n * constants.lost
    below, above = A - B, A + B
    return below / (below + _power_of_two(n, constants) * above)


def tanh(z: Any) -> Any:
    """f(z) = tanh z, equation (2), elementwise, at most 3.5 units in the last place off in float32 and float64.

    >>> tanh(jnp.array([-jnp.inf, 0.0, jnp.inf])).tolist()
    [-1.0, 0.0, 1.0]
    """
    constants = CONSTANTS[z.dtype.name]
    n, f, A, slope = _exponential(_clamped(z, -constants.one, constants.one), 2.0, constants)
    B, power = f * slope, _power_of_two(n, constants)
    # Near z = 0, where 2^n is 1, there is no difference of two numbers that are almost equal
    more, less = power + 1.0, power - 1.0
    return (A * less + B * more) / (A * more + B * less)


ACTIVATIONS: dict[str, Callable] = {
    **OUTPUT_ACTIVATIONS,
    "sigmoid": sigmoid,
    "tanh": tanh,
    "lecun_tanh": lambda z: 1.7159 * tanh(2.0 / 3.0 * z),
}


def _clamped(z: Any, low: float, high: float) -> Any:
    """NaN where z is."""
    return jax.lax.clamp(z.dtype.type(low), z, z.dtype.type(high))


def _exponential(z: Any, factor: float, constants: Constants) -> tuple[Any, Any, Any, Any]:
    """n, f, A and B/f, with e^(factor z) = 2^n (A + B)/(A - B). ``factor`` is -1 or 2: the product is exact."""
    n = jax.lax.round(z * (factor / constants.ln_2), jax.lax.RoundingMethod.TO_NEAREST_EVEN)
    f = factor * z - n * constants.ln_2  # a multiply-add: rounded once
    return n, f, _polynomial((1.0, *constants.even), f * f), _polynomial(constants.odd, f * f)


def _polynomial(coefficients: Sequence[float], v: Any) -> Any:
    found = coefficients[-1]
    for c in coefficients[-2::-1]:
        found = c + v * found
    return found


def _power_of_two(n: Any, constants: Constants) -> Any:
    """2^n for a whole number n, by its digits: with the exponent's bias, n is in the last digits of a sum, and goes to the exponent.

    >>> _power_of_two(jnp.array([-127.0, -126.0, 0.0, 128.0]), CONSTANTS["float32"]).tolist() == [0, 2.0**-126, 1, float("inf")]
    True
    """
    info = jnp.finfo(n.dtype)
    digits = jax.lax.bitcast_convert_type(n + (1.5 * 2.0**info.nmant + info.maxexp - 1), constants.integers)
    return jax.lax.bitcast_convert_type(digits << info.nmant, n.dtype)
