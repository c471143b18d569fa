"""The backward pass: equations (8) to (12), for any number of layers and for one pattern or a batch.

``delta`` is dE/dz of a layer and nothing else, of shape (..., n_out). Each function is one equation; ``deltas`` and
``gradient`` only put them in order.
"""

from collections.abc import Callable
from typing import NamedTuple

from manual.activations import Activation, Array
from manual.network import Layer, layers


def output_delta(layer: Layer, t: Array) -> Array:
    """δ^L = (a^L - t) ⊙ f'(a^L), equation (8)."""
    return (layer.a - t) * layer.f.derivative(layer.a)


def hidden_delta(layer: Layer, above: Layer, delta_above: Array) -> Array:
    """δ^l = f'(a^l) ⊙ (δ^(l+1) W̄^(l+1)ᵀ), equation (9). The δ of the layer just above, whatever the depth."""
    return layer.f.derivative(layer.a) * (delta_above @ above.W_bar.T)


def weight_gradient(layer: Layer, delta: Array) -> Array:
    """∂E/∂W^l = [a^(l-1), 1]ᵀ δ^l summed over patterns, equation (10). Shape (n_in + bias, n_out)."""
    return _rows(layer.with_bias_node).T @ _rows(delta)


def bias_gradient(layer: Layer, delta: Array) -> Array:
    """∂E/∂θ^l = Σ_patterns δ^l, equation (11): the last row of (10), for a bias kept as a vector. Shape (n_out,)."""
    rows = _rows(delta)
    return rows.__array_namespace__().sum(rows, axis=0)


def input_gradient(first: Layer, delta: Array) -> Array:
    """∂E/∂x = δ^1 W̄^1ᵀ, equation (12). Shape of x."""
    return delta @ first.W_bar.T


class Equations(NamedTuple):
    """Equations (8) to (12) as functions. ``manual.mistakes`` replaces one of them; nothing else should."""

    output_delta: Callable = output_delta
    hidden_delta: Callable = hidden_delta
    weight_gradient: Callable = weight_gradient
    bias_gradient: Callable = bias_gradient
    input_gradient: Callable = input_gradient


CORRECT = Equations()


def deltas(
    weights: tuple,
    activations: tuple,
    t: Array,
    functions: tuple[Activation, ...],
    equations: Equations = CORRECT,
) -> tuple:
    """(δ^1, ..., δ^L), from the output down: (8), then (9) for each hidden layer."""
    net = layers(weights, activations, functions)
    found = [equations.output_delta(net[-1], t)]
    for layer, above in zip(net[-2::-1], net[:0:-1], strict=True):
        found.append(equations.hidden_delta(layer, above, found[-1]))
    return tuple(found[::-1])


def gradient(
    weights: tuple,
    activations: tuple,
    t: Array,
    functions: tuple[Activation, ...],
    equations: Equations = CORRECT,
) -> tuple:
    """∂E/∂W^1, ..., ∂E/∂W^L, each of its matrix's shape, summed over patterns. Equations (8), (9), (10).

    ``activations`` is what ``forward(weights, x, functions)`` returned; ``t`` has the shape of its last.

    >>> import numpy as np
    >>> from manual import LINEAR, forward
    >>> weights = (np.array([[2.0], [1.0]]),)
    >>> a = forward(weights, np.array([[3.0]]), (LINEAR,))
    >>> gradient(weights, a, np.array([[5.0]]), (LINEAR,))     # a = 7, so δ = 2, for inputs 3 and 1
    (array([[6.],
           [2.]]),)
    """
    found = deltas(weights, activations, t, functions, equations)
    net = layers(weights, activations, functions)
    return tuple(equations.weight_gradient(layer, delta) for layer, delta in zip(net, found, strict=True))


def gradient_with_bias_vectors(
    weights: tuple,
    activations: tuple,
    t: Array,
    functions: tuple[Activation, ...],
    equations: Equations = CORRECT,
) -> tuple[tuple, tuple]:
    """(∂E/∂W̄^1, ...) and (∂E/∂θ^1, ...) for biases kept as vectors: ``weights`` without bias rows. Equations (8) to (11)."""
    found = deltas(weights, activations, t, functions, equations)
    pairs = list(zip(layers(weights, activations, functions), found, strict=True))
    return (
        tuple(equations.weight_gradient(layer, delta) for layer, delta in pairs),
        tuple(equations.bias_gradient(layer, delta) for layer, delta in pairs),
    )


def per_pattern_gradients(weights: tuple, activations: tuple, t: Array, functions: tuple[Activation, ...]) -> tuple:
    """Equation (10) before its sum: for each pattern its own gradient, of shape (patterns, n_in + bias, n_out)."""
    found = deltas(weights, activations, t, functions)
    net = layers(weights, activations, functions)
    return tuple(
        _rows(layer.with_bias_node)[:, :, None] * _rows(delta)[:, None, :]
        for layer, delta in zip(net, found, strict=True)
    )


def _rows(a: Array) -> Array:
    """One pattern of shape (n,) as a batch of one, (1, n); a batch as it is."""
    return a.__array_namespace__().reshape(a, (-1, a.shape[-1]))
