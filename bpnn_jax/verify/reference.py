"""Networks with numbers in them, and what JAX says of them in float64: every z, a, δ and gradient, by automatic differentiation."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

import manual
from bpnn_jax.network import OUTPUT_ACTIVATIONS, Network, Weights, error_terms, intermediates
from bpnn_jax.verify.compiling import quickly

FARTHEST = 2.0  # a target, where the activation's range ends farther out or not at all


class Draw(NamedTuple):
    """A network with numbers in it, float64."""

    network: Network
    weights: tuple[np.ndarray, ...]
    x: np.ndarray
    t: np.ndarray
    name: str
    objective: str = "half-squared-error"

    @property
    def by_hand(self) -> manual.Objective:
        """The objective as ``manual`` has it."""
        return manual.OBJECTIVES[self.objective]


def draw(
    network: Network,
    rng: np.random.Generator,
    *,
    patterns: int = 8,
    saturated: bool = False,
    objective: str = "half-squared-error",
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
    if objective == "cross-entropy" and network.activations[-1] == "softmax":
        t = t / t.sum(axis=1, keepdims=True)  # shares
    name = (
        f"{network}{', saturated' if saturated else ''}{'' if objective == 'half-squared-error' else ', ' + objective}"
    )
    return Draw(network, weights, x, t, name, objective)


def target_range(network: Network) -> tuple[float, float]:
    """Between what numbers targets are drawn: the range of the output activation, cut off at ±2."""
    low, high = manual.OUTPUT_ACTIVATIONS[network.activations[-1]].output_range
    return max(low, -FARTHEST), min(high, FARTHEST)


class Reference(NamedTuple):
    """By JAX, from weights, ``x`` (patterns, n0) and ``t`` (patterns, nL). Lists have an entry for each weight layer."""

    z: list[Any]  # (patterns, n_out)
    a: list[Any]
    derivative: list[Any]  # f'(z); of softmax the Jacobian, (patterns, n_out, n_out)
    error: Any  # E, a scalar
    delta: list[Any]  # ∂E/∂z: the gradient with respect to a zero-valued tap added to z
    gradient: Weights  # ∂E/∂W
    input: Any  # ∂E/∂x


def reference(network: Network, weights: Weights, x: Any, t: Any, objective: str = "half-squared-error") -> Reference:
    """Everything that equations (1) to (12), (18) and (19) compute. Traceable; the caller chooses the precision."""

    def error(weights, x, taps):
        z, a = intermediates(network, weights, x, taps)
        return jnp.sum(error_terms(network, objective, z[-1], a[-1], t)), (z, a)

    taps = [jnp.zeros((x.shape[0], n), x.dtype) for n in network.sizes[1:]]
    value_and_grad = jax.value_and_grad(error, argnums=(0, 1, 2), has_aux=True)
    (value, (z, a)), (gradient, input_gradient, deltas) = value_and_grad(weights, x, taps)
    derivative = [_derivative(name, zl) for name, zl in zip(network.activations, z, strict=True)]
    return Reference(z, a, derivative, value, deltas, gradient, input_gradient)


def _derivative(name: str, z: Any) -> Any:
    f = OUTPUT_ACTIVATIONS[name]
    if name == "softmax":
        return jax.vmap(jax.jacfwd(f))(z)
    return jax.jvp(f, (z,), (jnp.ones_like(z),))[1]


def _ordered(network, objective, weights, x, t):
    return reference(network, weights, x, t, objective)


_compiled = quickly(_ordered, static=(0, 1))


def float64(network: Network, weights: Weights, x: Any, t: Any, objective: str = "half-squared-error") -> Reference:
    """The reference as NumPy float64 arrays, from inputs of any precision."""
    with jax.enable_x64(True):
        args = jax.tree.map(lambda a: np.asarray(a, np.float64), (tuple(weights), x, t))
        return jax.tree.map(np.asarray, _compiled(network, objective, *args))
