"""The backward pass: equations (8) to (12), for any number of layers and for one pattern or a batch.

``delta`` is dE/dz of a layer and nothing else, of shape (..., n_out). Each function is one equation; ``deltas`` and
``gradient`` only put them in order, and with skip connections add (9) and (12) up over the layers that a layer feeds.
f'(z) is ``layer.derivative``, which the code gets from a by (3) and (4).
"""

from collections.abc import Callable
from typing import NamedTuple

from manual.activations import Array
from manual.network import Layer, Pass


def output_delta(layer: Layer, t: Array) -> Array:
    """δ^L = (a^L - t) ⊙ f'(z^L), equation (8); where a_j depends on every z_k, δ_k = Σ_j (a_j - t_j) ∂a_j/∂z_k."""
    if layer.f.elementwise:
        return (layer.a - t) * layer.derivative  # (8), node by node
    e = layer.a - t
    return e.__array_namespace__().sum(e[..., :, None] * layer.derivative, axis=-2)  # (8), softmax


def hidden_delta(layer: Layer, above: Layer, delta_above: Array) -> Array:
    """δ^l = f'(z^l) ⊙ (δ^(l+1) W̄^(l+1)ᵀ), equation (9). The δ of the layer just above, whatever the depth."""
    return layer.derivative * (delta_above @ above.W_bar.T)


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
    """Equations (8) to (12) as functions. An objective has its own output delta, and ``manual.mistakes`` replaces one of them."""

    output_delta: Callable = output_delta
    hidden_delta: Callable = hidden_delta
    weight_gradient: Callable = weight_gradient
    bias_gradient: Callable = bias_gradient
    input_gradient: Callable = input_gradient


CORRECT = Equations()


def delta_below(pass_: Pass, l: int, deltas_above: tuple, equations: Equations = CORRECT) -> Array:
    """δ^l, from (δ^(l+1), ..., δ^L): (9), summed over the layers that layer l feeds. Without skip connections that is one."""
    layer = pass_.layers[l - 1]
    fed = zip(pass_.fed_by[l], deltas_above, strict=False)
    return _sum([equations.hidden_delta(layer, above, delta) for above, delta in fed])


def gradient_of_input(pass_: Pass, deltas: tuple, equations: Equations = CORRECT) -> Array:
    """∂E/∂x, from (δ^1, ..., δ^L): (12), summed over the layers that the input feeds. Without skip connections that is one."""
    fed = zip(pass_.fed_by[0], deltas, strict=False)
    return _sum([equations.input_gradient(above, delta) for above, delta in fed])


def deltas(pass_: Pass, t: Array, equations: Equations = CORRECT) -> tuple:
    """(δ^1, ..., δ^L), from the output down: (8), then (9) for each hidden layer. Shapes (..., n_out); ``t`` has that of a^L."""
    found = (equations.output_delta(pass_.layers[-1], t),)
    for l in range(len(pass_.layers) - 1, 0, -1):
        found = (delta_below(pass_, l, found, equations), *found)
    return found


def gradient(pass_: Pass, t: Array, equations: Equations = CORRECT) -> tuple:
    """∂E/∂W^1, ..., ∂E/∂W^L, each of its matrix's shape, summed over patterns. Equations (8), (9), (10).

    ``pass_`` is what ``forward`` returned; ``t`` has the shape of its outputs, (nL,) or (patterns, nL). For another objective than
    half the squared error, ``equations`` are that objective's.

    >>> import numpy as np
    >>> from manual import LINEAR, forward
    >>> weights = (np.array([[2.0], [1.0]]),)
    >>> gradient(forward(weights, np.array([[3.0]]), (LINEAR,)), np.array([[5.0]]))     # a = 7, so δ = 2, for inputs 3 and 1
    (array([[6.],
           [2.]]),)
    """
    found = deltas(pass_, t, equations)
    return tuple(equations.weight_gradient(layer, delta) for layer, delta in zip(pass_.layers, found, strict=True))


def gradient_with_bias_vectors(pass_: Pass, t: Array, equations: Equations = CORRECT) -> tuple[tuple, tuple]:
    """(∂E/∂W̄^1, ...) and (∂E/∂θ^1, ...) for biases kept as vectors. Equations (8) to (11).

    ``pass_`` is what ``forward_with_bias_vectors`` returned: its weights have no bias rows.
    """
    pairs = list(zip(pass_.layers, deltas(pass_, t, equations), strict=True))
    return (
        tuple(equations.weight_gradient(layer, delta) for layer, delta in pairs),
        tuple(equations.bias_gradient(layer, delta) for layer, delta in pairs),
    )


def per_pattern_gradients(pass_: Pass, t: Array, equations: Equations = CORRECT) -> tuple:
    """Equation (10) before its sum: for each pattern its own gradient, of shape (patterns, n_in + bias, n_out)."""
    return tuple(
        _rows(layer.with_bias_node)[:, :, None] * _rows(delta)[:, None, :]
        for layer, delta in zip(pass_.layers, deltas(pass_, t, equations), strict=True)
    )


def _sum(parts: list) -> Array:
    return sum(parts[1:], parts[0])


def _rows(a: Array) -> Array:
    """One pattern of shape (n,) as a batch of one, (1, n); a batch as it is."""
    return a.__array_namespace__().reshape(a, (-1, a.shape[-1]))
