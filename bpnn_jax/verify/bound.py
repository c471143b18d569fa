"""How far a correct gradient may be from the exact one: a running error analysis, elementwise.

Each bound follows the operations of equations (5) to (12), with u the unit roundoff (2^-24 in float32, 2^-53 in float64): a sum
of n products is off by at most (n+1)u times the sum of their magnitudes (Higham, "Accuracy and Stability of Numerical
Algorithms", section 3.1), and the error of every operand is carried on, to first order; of products in (9) and (10) to second, for
both factors may come out as 0 and be none, where a gelu is far out. An activation is taken to be right to 6u.
A bound is therefore no tolerance: it is small where the numbers are small.
"""

from typing import Any, NamedTuple

from bpnn_jax.network import Network, Weights
from bpnn_jax.verify.reference import Reference

# Largest relative error in 5 million float32 arguments, in u: 4.84 XLA's tanh on the CPU, 4.5 the sigmoid of manual/ on NumPy,
# 3.4 and 4.4 the sigmoid and the tanh of the written-out loops (``python -m benchmarks.activations``).
ACTIVATION_ERROR = 6.0

UNIT = {"float32": 2.0**-24, "float64": 2.0**-53}


class Bound(NamedTuple):
    """For each part of a Reference, how far off a correct computation with unit roundoff u may be; the same shapes."""

    z: list[Any]
    a: list[Any]
    derivative: list[Any]
    error: Any
    delta: list[Any]
    gradient: Weights
    input: Any


# How far f' jumps at z = 0. Where z is within its own error of 0, a correct computation may be on the other side.
JUMP = {"relu": 1.0, "leaky_relu": 0.99}
# The largest |f''|, where f' is written in terms of z, or has a kink: by how much an error of z moves f' at the most.
BEND = {"elu": 1.0, "silu": 0.5, "gelu": 0.8}


def jump(name: str, z: Any, E_z: Any) -> Any:
    """By how much f' may be off because z has the other sign; 0 where z is exact, at z = 0 too."""
    return z.__array_namespace__().where(abs(z) < E_z, JUMP.get(name, 0.0) + 0.0 * z, 0.0 * z)


def value_error(name: str, z: Any, a: Any, slope: Any, E_z: Any, u: float) -> Any:
    """How far a = f(z) may be off where z is off by E_z: arrays of z's shape; ``slope`` is |f'(z)|."""
    E_a = (slope + jump(name, z, E_z)) * E_z + ACTIVATION_ERROR * u * abs(a)
    if name == "linear":
        return E_z
    if name == "lecun_tanh":  # two more products: 2z/3 inside, 1.7159 outside
        return E_a + slope * 3.0 * u * abs(z) + 2.0 * u * abs(a)
    if name == "gelu":  # 1 + tanh cancels on the left, in JAX's form
        return E_a + ACTIVATION_ERROR * u * abs(z)
    return E_a


def derivative_error(name: str, z: Any, a: Any, slope: Any, E_z: Any, E_a: Any, u: float) -> Any:
    """How far f'(z) may be off where z and a are off by E_z and E_a: arrays of z's shape; ``slope`` is |f'(z)|."""
    if name == "sigmoid":
        return abs(1.0 - 2.0 * a) * E_a + u * (a + 2.0 * slope)
    if name == "tanh":
        return 2.0 * abs(a) * E_a + u * (a * a + slope)
    if name == "lecun_tanh":
        return 4.0 / 3.0 / 1.7159 * abs(a) * E_a + u * (2.0 * a * a / 1.7159 + 4.0 * slope)
    if name == "elu":  # a + 1 on the left
        left = E_a + (ACTIVATION_ERROR + 1.0) * u * slope
        return BEND[name] * E_z + a.__array_namespace__().where(a < E_a, left, 0.0 * a)
    if name == "softplus":  # JAX's form is e^(z-a)
        return (1.0 - slope) * E_a + (2.0 * ACTIVATION_ERROR + abs(z) + abs(a)) * u * slope
    if name == "softsign":
        return 2.0 * (1.0 - abs(a)) * (E_a + u) + 2.0 * ACTIVATION_ERROR * u * slope
    if name == "silu":  # 1 - s cancels in JAX's form
        return BEND[name] * E_z + 2.0 * ACTIVATION_ERROR * u * (slope + abs(a))
    if name == "gelu":  # and 1 - tanh²; its factor is z/2 times that of the argument's slope
        inside = 0.7978845608028654 * (1.0 + 3.0 * 0.044715 * z * z)
        return BEND[name] * E_z + 4.0 * ACTIVATION_ERROR * u * (1.0 + 0.5 * abs(z) * inside)
    return 0.0 * a + jump(name, z, E_z)


def _softmax_error(z: Any, a: Any, J: Any, E_z: Any, u: float) -> Any:
    """Of (18). e^(z - m) is off by the rounding of z - m, and relatively by 6u, and so is the sum of the exponentials."""
    xp = z.__array_namespace__()
    exponent = u * (abs(z - xp.max(z, axis=-1, keepdims=True)) + ACTIVATION_ERROR)
    of_the_sum = xp.sum(a * exponent, axis=-1, keepdims=True)
    return xp.sum(J * E_z[..., None, :], axis=-1) + a * (exponent + of_the_sum + (a.shape[-1] + 1) * u)


def _jacobian_error(a: Any, J: Any, E_a: Any, u: float) -> Any:
    """Of a_j ([j = k] - a_k), where the difference rounds once, and the product."""
    xp, n = a.__array_namespace__(), a.shape[-1]
    one = xp.reshape(xp.eye(n, dtype=a.dtype), (1,) * (a.ndim - 1) + (n, n))
    rest = abs(one - a[..., None, :])
    return E_a[..., :, None] * rest + a[..., :, None] * (E_a[..., None, :] + u * rest) + u * J


def _cross_entropy_error(z: Any, E_z: Any, t: Any, slope: Any, softmax: bool, u: float) -> Any:
    """Of (19) as a scalar: dE/dz is a - t, of size ``slope``, and each of the terms is a few roundings of numbers up to |z|."""
    xp = z.__array_namespace__()
    if softmax:
        below = abs(z - xp.max(z, axis=-1, keepdims=True))
        log = xp.log(xp.sum(xp.exp(-below), axis=-1, keepdims=True))
        # E_z, the roundings of z - m, and those of the logarithm, whose argument is at least 1 and a sum of n exponentials
        terms = slope * (E_z + u * below) + t * (
            (ACTIVATION_ERROR + z.shape[-1] + 1) * u * (1.0 + log) + 2.0 * u * below
        )
    else:
        terms = slope * E_z + u * ((ACTIVATION_ERROR + 4.0) * xp.log1p(xp.exp(-abs(z))) + 4.0 * abs(z))
    size = xp.where(z > 0, z, 0.0) + 1.0 if not softmax else t * (1.0 + below + log)
    return xp.sum(terms) + (z.size + 2) * u * xp.sum(size + (0.0 if softmax else abs(z * t)))


def bound(
    network: Network,
    weights: Weights,
    x: Any,
    t: Any,
    exact: Reference,
    u: float,
    objective: str = "half-squared-error",
) -> Bound:
    """The bounds at one network and batch; ``exact`` is its Reference in float64. On NumPy, or traced.

    Measured here (``bpnn verify``): correct float32 runs stay below their bound, and a derivation that is 1% off does not.
    """
    xp = x.__array_namespace__()
    B = x.shape[0]
    W = [abs(w) for w in weights]
    outputs, E_outputs = [x, *exact.a], [0.0 * x]
    slopes = [abs(d) for d in exact.derivative]

    def all_below(arrays: list, l: int) -> Any:
        """What feeds weight layer l, in the order of its rows."""
        return arrays[l] if not network.skip else xp.concat([arrays[k] for k in network.below[l]], axis=-1)

    E_z, E_slope = [], []
    for l, name in enumerate(network.activations):
        below = all_below(outputs, l)
        n = below.shape[-1]
        row = xp.broadcast_to(W[l][-1], exact.z[l].shape) if network.biases[l] else 0.0
        fan_in = n + network.biases[l]
        E_z.append((fan_in + 1) * u * (abs(below) @ W[l][:n] + row) + all_below(E_outputs, l) @ W[l][:n])
        if name == "softmax":
            E_outputs.append(_softmax_error(exact.z[l], exact.a[l], slopes[l], E_z[l], u))
            E_slope.append(_jacobian_error(exact.a[l], slopes[l], E_outputs[-1], u))
            continue
        E_outputs.append(value_error(name, exact.z[l], exact.a[l], slopes[l], E_z[l], u))
        E_slope.append(derivative_error(name, exact.z[l], exact.a[l], slopes[l], E_z[l], E_outputs[-1], u))
    E_a = E_outputs[1:]

    e, delta = abs(exact.a[-1] - t), [abs(d) for d in exact.delta]
    softmax, top = network.activations[-1] == "softmax", (exact.z[-1], E_z[-1])
    if objective == "cross-entropy":
        E_error = _cross_entropy_error(*top, t, e, softmax, u)
        # By hand δ is a - t. The reference's for softmax is a Σt - t: targets are rounded, and so is the sum of their shares. For
        # sigmoid it is (1-t) a - t (1-a), and the derivative of softplus the exponential of a difference of numbers up to |z|.
        if softmax:
            off = abs(xp.sum(t, axis=-1, keepdims=True) - 1.0) * exact.a[-1]
        else:
            off = u * (abs(exact.z[-1]) + 3.0) * (abs(1.0 - t) * exact.a[-1] + abs(t) * (1.0 - exact.a[-1]))
        E_delta = [E_a[-1] + u * (e + delta[-1]) + off]
    else:
        E_e, squared = E_a[-1] + u * e, xp.sum(e * e)
        E_error = xp.sum(e * E_e) + (e.size + 2) * u * 0.5 * squared
        if softmax:  # a sum over the outputs, each product as below
            terms = E_e[..., :, None] * slopes[-1] + e[..., :, None] * (
                E_slope[-1] + (e.shape[-1] + 1) * u * slopes[-1]
            )
            E_delta = [xp.sum(terms, axis=-2) + u * delta[-1]]
        else:
            E_delta = [E_e * slopes[-1] + e * E_slope[-1] + u * delta[-1]]

    def back(k: int) -> tuple[Any, Any]:
        """|Σ δ W̄ᵀ| at the outputs of layer k, over all layers that they feed, and how far off it may be."""
        s, E_s = 0.0, 0.0
        above = network.above(k)
        terms = sum(network.sizes[l + 1] for l in above)
        for l, E_d in zip(above, E_delta, strict=False):  # E_delta begins with that of layer k
            rows = network.rows(l, k)
            s = s + exact.delta[l] @ weights[l][rows].T
            E_s = E_s + E_d @ W[l][rows].T + (terms + 1) * u * (delta[l] @ W[l][rows].T)
        return abs(s), E_s

    for l in range(len(W) - 2, -1, -1):
        s, E_s = back(l + 1)
        E_delta.insert(0, E_s * slopes[l] + (s + E_s) * E_slope[l] + u * delta[l])

    gradient = []
    for l in range(len(W)):
        a, E = abs(all_below(outputs, l)), all_below(E_outputs, l)
        E_g = (a + E).T @ E_delta[l] + E.T @ delta[l] + (B + 1) * u * (a.T @ delta[l])
        if network.biases[l]:
            E_bias = xp.sum(E_delta[l], axis=0) + (B + 1) * u * xp.sum(delta[l], axis=0)
            E_g = xp.concat([E_g, E_bias[None, :]], axis=0)
        gradient.append(E_g)
    return Bound(E_z, E_a, E_slope, E_error, E_delta, tuple(gradient), back(0)[1])
