"""Networks with numbers in them, and what JAX says of them in float64: every z, a, δ and gradient, by automatic differentiation."""

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

import manual
from bpnn_jax.network import ACTIVATIONS, Network, Weights, intermediates

FARTHEST = 2.0  # a target, where the activation's range ends farther out or not at all


class Draw(NamedTuple):
    """A network with numbers in it, float64."""

    network: Network
    weights: tuple[np.ndarray, ...]
    x: np.ndarray
    t: np.ndarray
    name: str


def draw(
    network: Network,
    rng: np.random.Generator,
    *,
    patterns: int = 8,
    saturated: bool = False,
    at_zero: Sequence[str] = (),
) -> Draw:
    """Weights from ±1 and inputs from ±1, or from ±10 where activations are to saturate (inputs in ±1 rarely get there).

    ``at_zero``: activations in whose layers the first node has weights 0, and so z = 0, which no random number hits.
    """
    reach = 10.0 if saturated else 1.0
    weights = tuple(rng.uniform(-1.0, 1.0, shape) for shape in network.shapes)
    for W, name in zip(weights, network.activations, strict=True):
        if name in at_zero:
            W[:, 0] = 0.0
    x = rng.uniform(-reach, reach, (patterns, network.sizes[0]))
    t = rng.uniform(*target_range(network), (patterns, network.sizes[-1]))
    return Draw(network, weights, x, t, f"{network}{', saturated' if saturated else ''}")


def target_range(network: Network) -> tuple[float, float]:
    """Between what numbers targets are drawn: the range of the output activation, cut off at ±2."""
    low, high = manual.ACTIVATIONS[network.activations[-1]].output_range
    return max(low, -FARTHEST), min(high, FARTHEST)


class Reference(NamedTuple):
    """By JAX, from weights, ``x`` (patterns, n0) and ``t`` (patterns, nL). Lists have an entry for each weight layer."""

    z: list[Any]  # (patterns, n_out)
    a: list[Any]
    derivative: list[Any]  # f'(z)
    error: Any  # E, a scalar
    delta: list[Any]  # ∂E/∂z: the gradient with respect to a zero-valued tap added to z
    gradient: Weights  # ∂E/∂W
    input: Any  # ∂E/∂x


def reference(network: Network, weights: Weights, x: Any, t: Any) -> Reference:
    """Everything that equations (1) to (12) compute. Traceable; the caller chooses the precision."""

    def error(weights, x, taps):
        z, a = intermediates(network, weights, x, taps)
        return 0.5 * jnp.sum(jnp.square(a[-1] - t)), (z, a)

    taps = [jnp.zeros((x.shape[0], n), x.dtype) for n in network.sizes[1:]]
    value_and_grad = jax.value_and_grad(error, argnums=(0, 1, 2), has_aux=True)
    (value, (z, a)), (gradient, input_gradient, deltas) = value_and_grad(weights, x, taps)
    derivative = [
        jax.jvp(ACTIVATIONS[name], (zl,), (jnp.ones_like(zl),))[1]
        for name, zl in zip(network.activations, z, strict=True)
    ]
    return Reference(z, a, derivative, value, deltas, gradient, input_gradient)


@partial(jax.jit, static_argnums=0)
def _jitted(network, weights, x, t):
    return reference(network, weights, x, t)


def float64(network: Network, weights: Weights, x: Any, t: Any) -> Reference:
    """The reference as NumPy float64 arrays, from inputs of any precision."""
    with jax.enable_x64(True):
        args = jax.tree.map(lambda a: jnp.asarray(np.asarray(a, np.float64)), (tuple(weights), x, t))
        return jax.tree.map(np.asarray, _jitted(network, *args))
