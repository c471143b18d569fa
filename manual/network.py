"""The forward pass: equations (5) and (6). It keeps every layer's z and a, which is all that the backward pass needs.

A weight matrix ``W`` of shape ``(n_in + 1, n_out)`` has a bias node below it, whose weights are the last row; of shape
``(n_in, n_out)`` it has none. Nothing else says whether a bias node is on.

With ``skip`` connections a layer looks at all layers below, not at the nearest alone: a^(l-1) stands for [a^(l-1), ..., a^0], the
nearest first, and n_in for their nodes together. Every equation stays as it is; (9) and (12) sum over all layers that a node feeds.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from manual.activations import Activation, Array


class Layer(NamedTuple):
    """A layer after the forward pass: all that its equations may look at. f'(z^l) is ``derivative``, f''(z^l) is ``second``."""

    below: Array  # a^(l-1), shape (..., n_in); with skip connections [a^(l-1), ..., a^0]
    W: Array  # W^l, shape (n_in + bias, n_out)
    z: Array  # z^l, shape (..., n_out)
    a: Array  # a^l = f(z^l), shape (..., n_out)
    f: Activation

    @property
    def derivative(self) -> Array:
        """f'(z^l), shape (..., n_out): by (3) and (4) from a^l, where the activation allows it."""
        return self.f.derivative(self.z, self.a)

    @property
    def second(self) -> Array:
        """f''(z^l), shape (..., n_out)."""
        return self.f.second(self.z, self.a)

    def along(self, R_z: Array) -> Array:
        """R{a^l} = f'(z^l) ⊙ R{z^l}, shape (..., n_out); for softmax the product with its Jacobian (18)."""
        if self.f.elementwise:
            return self.derivative * R_z
        return R_z.__array_namespace__().sum(self.derivative * R_z[..., None, :], axis=-1)

    @property
    def with_bias_node(self) -> Array:
        """[a^(l-1), 1] of shape (..., n_in + bias): the input with the bias node appended, if there is one."""
        return with_bias_node(self.below, self.W)

    @property
    def W_bar(self) -> Array:
        """W̄^l of shape (n_in, n_out): the weights without the bias node's row."""
        return self.W[: self.below.shape[-1]]


class Pass(NamedTuple):
    """What the forward pass returns and the backward pass takes: the layers, and which of them each layer feeds.

    x:      a^0, shape (n0,) or (patterns, n0).
    layers: L layers, from the first hidden layer to the output.
    fed_by: for a^0, ..., a^(L-1) the layers that it feeds: the one just above, and with skip connections all above, the nearest
            first, each as if that a alone were below it.
    skip:   whether there are skip connections.
    """

    x: Array
    layers: tuple[Layer, ...]
    fed_by: tuple[tuple[Layer, ...], ...]
    skip: bool

    @property
    def activations(self) -> tuple:
        """(a^0, ..., a^L), of shapes (..., n0) to (..., nL)."""
        return (self.x, *(layer.a for layer in self.layers))

    @property
    def outputs(self) -> Array:
        """a^L, shape (nL,) or (patterns, nL)."""
        return self.layers[-1].a

    def with_weights(self, weights: Iterable[Array]) -> "Pass":
        """The same z and a, and other weights of the same shapes: what the article's order looks at once a layer has moved."""
        moved = [layer._replace(W=W) for layer, W in zip(self.layers, weights, strict=True)]
        return connect(self.x, moved, self.skip)


def with_bias_node(a: Array, W: Array) -> Array:
    """[a, 1], shape (n + bias) along the last axis: the bias node is a node whose output is always 1.

    Raises ValueError where ``W`` has neither n rows nor n + 1.
    """
    if W.shape[0] == a.shape[-1]:
        return a
    if W.shape[0] != a.shape[-1] + 1:
        raise ValueError(
            f"expected weights with {a.shape[-1]} rows, or one more for a bias node, got shape {tuple(W.shape)}"
        )
    xp = a.__array_namespace__()
    return xp.concat([a, xp.ones_like(a[..., :1])], axis=-1)


def all_below(activations: Sequence[Array], skip: bool) -> Array:
    """What the next layer looks at, of (a^0, ..., a^(l-1)): a^(l-1), or with ``skip`` [a^(l-1), ..., a^0], the nearest first."""
    if len(activations) == 1 or not skip:
        return activations[-1]
    return activations[0].__array_namespace__().concat(list(activations[::-1]), axis=-1)


def forward(weights: tuple, x: Array, functions: tuple[Activation, ...], skip: bool = False) -> Pass:
    """All z and all a, for one pattern ``x`` of shape (n0,) or a batch of shape (patterns, n0). Equations (5) and (6).

    ``weights`` holds L matrices of shape (n_in + bias, n_out), ``functions`` an Activation for each.
    With ``skip`` every layer is fed by all layers below it, and its n_in counts the nodes of them all.
    Raises ValueError where weights do not fit what is below them, or functions are not as many as weights.

    >>> import numpy as np
    >>> from manual import LINEAR
    >>> forward((np.array([[2.0], [1.0]]),), np.array([3.0]), (LINEAR,)).outputs   # one input, the bias node, one output
    array([7.])
    """
    activations, layers = [x], []  # (6) a^0 = x
    for W, f in zip(weights, functions, strict=True):
        below = all_below(activations, skip)
        z = with_bias_node(below, W) @ W  # (5) z^l = [a^(l-1), 1] W^l
        a = f.value(z)  # (6) a^l = f(z^l)
        activations.append(a)
        layers.append(Layer(below, W, z, a, f))
    return connect(x, layers, skip)


def forward_with_bias_vectors(weights: tuple, biases: tuple, x: Array, functions: tuple[Activation, ...]) -> Pass:
    """The same with the bias as a vector θ of shape (n_out,) added to z, in place of a bias node: z^l = a^(l-1) W̄^l + θ^l."""
    below, layers = x, []
    for W, theta, f in zip(weights, biases, functions, strict=True):
        z = below @ W + theta  # (5), the last row of W written apart
        a = f.value(z)  # (6)
        layers.append(Layer(below, W, z, a, f))
        below = a
    return connect(x, layers)


def as_pass(
    weights: tuple,
    x: Array,
    zs: Sequence[Array],
    outputs: Sequence[Array],
    functions: tuple[Activation, ...],
    skip: bool,
) -> Pass:
    """A pass with every z and a given: a check feeds an equation the values of its reference.

    weights: L arrays (n_in + bias, n_out).
    x, zs, outputs: the inputs (patterns, n0), and L arrays (patterns, n_out) each of z and of a.
    """
    below = [all_below((x, *outputs[:l]), skip) for l in range(len(outputs))]
    return connect(x, [Layer(*parts) for parts in zip(below, weights, zs, outputs, functions, strict=True)], skip)


def connect(x: Array, layers: Sequence[Layer], skip: bool = False) -> Pass:
    """The pass of these layers, with whom each of them feeds."""
    return Pass(x, tuple(layers), tuple(_fed_by(x, layers, l, skip) for l in range(len(layers))), skip)


def _fed_by(x: Array, layers: Sequence[Layer], l: int, skip: bool) -> tuple[Layer, ...]:
    """The layers that a^l feeds. In the rows of layer m, a^l comes after the layers in between."""
    if not skip:
        return tuple(layers[l : l + 1])
    a, found, before = layers[l - 1].a if l else x, [], 0
    for above in layers[l:]:
        found.append(above._replace(below=a, W=above.W[before : before + a.shape[-1]]))
        before += above.a.shape[-1]
    return tuple(found)
