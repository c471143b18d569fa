"""The forward pass: equations (5) and (6). It keeps every activation, which is all that the backward pass needs.

A weight matrix ``W`` of shape ``(n_in + 1, n_out)`` has a bias node below it, whose weights are the last row; of shape
``(n_in, n_out)`` it has none. Nothing else says whether a bias node is on.

With ``skip`` connections a layer looks at all layers below, not at the nearest alone: a^(l-1) stands for [a^(l-1), ..., a^0], the
nearest first, and n_in for their nodes together. Every equation stays as it is; (9) and (12) sum over all layers that a node feeds.
"""

from typing import NamedTuple

from manual.activations import Activation, Array


class Layer(NamedTuple):
    """What a layer's backward pass may look at: its input, its weights, its output, its activation function."""

    below: Array  # a^(l-1), shape (..., n_in); with skip connections [a^(l-1), ..., a^0]
    W: Array  # W^l, shape (n_in + bias, n_out)
    a: Array  # a^l, shape (..., n_out)
    f: Activation

    @property
    def with_bias_node(self) -> Array:
        """[a^(l-1), 1] of shape (..., n_in + bias): the input with the bias node appended, if there is one."""
        return with_bias_node(self.below, self.W)

    @property
    def W_bar(self) -> Array:
        """W̄^l of shape (n_in, n_out): the weights without the bias node's row."""
        return self.W[: self.below.shape[-1]]


def with_bias_node(a: Array, W: Array) -> Array:
    """[a, 1], shape (..., n + bias): the bias node is a node whose output is always 1."""
    if W.shape[0] == a.shape[-1]:
        return a
    if W.shape[0] != a.shape[-1] + 1:
        raise ValueError(
            f"expected weights with {a.shape[-1]} rows, or one more for a bias node, got shape {tuple(W.shape)}"
        )
    xp = a.__array_namespace__()
    return xp.concat([a, xp.ones_like(a[..., :1])], axis=-1)


def all_below(activations: list | tuple) -> Array:
    """[a^(l-1), ..., a^0] of (a^0, ..., a^(l-1)), the nearest layer first: what a layer with skip connections looks at."""
    if len(activations) == 1:
        return activations[0]
    return activations[0].__array_namespace__().concat(list(activations[::-1]), axis=-1)


def forward(weights: tuple, x: Array, functions: tuple[Activation, ...], skip: bool = False) -> tuple:
    """All activations (a^0, ..., a^L), for one pattern ``x`` of shape (n0,) or a batch of shape (patterns, n0).

    Equations (5) and (6). ``weights`` holds L matrices of shape (n_in + bias, n_out), ``functions`` an Activation for each.
    With ``skip`` every layer is fed by all layers below it, and its n_in counts the nodes of them all.

    >>> import numpy as np
    >>> from manual import LINEAR
    >>> forward((np.array([[2.0], [1.0]]),), np.array([3.0]), (LINEAR,))   # one input, the bias node, one output
    (array([3.]), array([7.]))
    """
    activations = [x]  # (6) a^0 = x
    for W, f in zip(weights, functions, strict=True):
        below = all_below(activations) if skip else activations[-1]
        z = with_bias_node(below, W) @ W  # (5) z^l = [a^(l-1), 1] W^l
        activations.append(f.value(z))  # (6) a^l = f(z^l)
    return tuple(activations)


def forward_with_bias_vectors(weights: tuple, biases: tuple, x: Array, functions: tuple[Activation, ...]) -> tuple:
    """The same with the bias as a vector θ of shape (n_out,) added to z, in place of a bias node: z^l = a^(l-1) W̄^l + θ^l."""
    activations = [x]
    for W, theta, f in zip(weights, biases, functions, strict=True):
        z = activations[-1] @ W + theta  # (5), the last row of W written apart
        activations.append(f.value(z))  # (6)
    return tuple(activations)


def layers(weights: tuple, activations: tuple, functions: tuple[Activation, ...], skip: bool = False) -> list[Layer]:
    """A forward pass as a list of L layers, from the first hidden layer to the output."""
    below = [all_below(activations[:l]) for l in range(1, len(activations))] if skip else activations[:-1]
    return [Layer(*parts) for parts in zip(below, weights, activations[1:], functions, strict=True)]


def fed_by(net: list[Layer], l: int, skip: bool = False) -> list[Layer]:
    """The layers that a^l feeds: the one just above, and with ``skip`` all above, each as if a^l alone were below it.

    In the rows of layer m, a^l comes after the layers in between.
    """
    if not skip:
        return net[l : l + 1]
    a, found, before = net[l - 1].a if l else net[0].below, [], 0
    for above in net[l:]:
        found.append(above._replace(below=a, W=above.W[before : before + a.shape[-1]]))
        before += above.a.shape[-1]
    return found
