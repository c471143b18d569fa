"""One online update of many networks at once, as the GPU kernel runs it: the hand derivation on one value a unit and lane.

Every weight, activation and delta is an array of its own, with networks along its last axis, so that on the chip it is a
register of the thread that trains the network. Nothing here knows of a GPU: the same lines run on any JAX arrays.

The previous-gradient rule is carried in a form that costs one multiply-add a weight, where equation (13) as it stands costs
two and needs the gradient of the step before. Keep U = W - M g_before, the weights with the next step's momentum already
taken. Then (13) is U ← U - (N+M) g, and since g_before = [b,1]ᵀ d has rank one, W = U + [b,1]ᵀ M d is had where it is needed:

    [a,1] W = [a,1] U + ([a,1]·[b,1]) M d         in (5): one scalar product a layer, for the first layer one a pattern
    δ W̄ᵀ   = δ Ūᵀ   + (δ·M d) b                  in (9): another

Several threads may share a network: arrays then have shape (threads, networks), the units of a hidden layer are dealt out along
the first axis, and a sum over those units ends in ``total``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax.numpy as jnp

import manual
from bpnn_jax.network import ACTIVATIONS, Network

Row = tuple[Any, ...]


class Layer(NamedTuple):
    """What a weight layer carries from one update to the next. Arrays of one shape; rows as in W, the bias node's last.

    W:      rows of weights; within an epoch those of U for the previous-gradient rule (see above).
    owed:   previous-gradient: M d, the momentum times the delta of the step before, a value an output unit.
    before: previous-gradient: b, the input of the step before; empty for the first layer, whose input is the pattern.
    v:      heavy ball and Nesterov: the velocity, rows like W's.
    """

    W: tuple[Row, ...]
    owed: Row
    before: Row
    v: tuple[Row, ...]


@dataclass(frozen=True)
class Update:
    """What is fixed when the kernel is traced.

    threads: how many threads share a network; 1, or a divisor of the hidden units of a network with one hidden layer.
    spread:  (networks,) as an array of a shape (threads, networks); on the chip it says which thread gets which.
    """

    network: Network
    rule: str = "previous-gradient"
    order: str = "simultaneous"
    threads: int = 1
    spread: Callable[[Any, tuple], Any] = jnp.broadcast_to

    def dealt(self, layer: int) -> int:
        """Over how many threads the units below weight layer ``layer`` are dealt out."""
        return self.threads if layer == 1 else 1

    def total(self, layer: int, partial: Any) -> Any:
        """A sum over the units below a layer, from each thread's share of it; every thread gets the whole."""
        if self.dealt(layer) == 1:
            return partial
        return self.spread(jnp.sum(partial, axis=0), partial.shape)

    @property
    def folded(self) -> bool:
        return self.rule == "previous-gradient"

    def __call__(
        self, layers: tuple[Layer, ...], x: Row, t: Row, overlap: Any, learning_rate: Any, momentum: Any
    ) -> tuple[tuple[Layer, ...], Row]:
        """(the layers moved by one pattern, the outputs of before the move).

        x, t:    the pattern, a scalar an input and a scalar an output.
        overlap: the scalar product of this pattern's input and the last one's, the bias node's 1 counted.
        """
        zs, activations = self.forward(layers, x, overlap)
        return self.backward(layers, zs, activations, t, learning_rate, momentum), activations[-1]

    def forward(self, layers: tuple[Layer, ...], x: Row, overlap: Any) -> tuple[list[Row], list[Row]]:
        """Every z^1, ..., z^L and every a^0, ..., a^L. Without an ``overlap`` the layers hold W itself."""
        zs, activations = [], [x]
        leans = self.folded and overlap is not None
        for l, (layer, name) in enumerate(zip(layers, self.network.activations, strict=True)):
            a, bias = activations[-1], self.network.biases[l]
            z = [self.total(l, dot(a, column)) for column in zip(*layer.W[: len(a)], strict=True)]
            if bias:
                z = [z_j + theta for z_j, theta in zip(z, layer.W[-1], strict=True)]  # (5) z = [a,1] W
            if leans:
                overlap = self.total(l, dot(a, layer.before)) + float(bias) if l else overlap
                z = [z_j + overlap * d for z_j, d in zip(z, layer.owed, strict=True)]  # (5), what U lacks of W
            zs.append(tuple(z))
            activations.append(tuple(value(name, z_j) for z_j in z))  # (6) a = f(z)
        return zs, activations

    def backward(
        self,
        layers: tuple[Layer, ...],
        zs: list[Row],
        activations: list[Row],
        t: Row,
        learning_rate: Any,
        momentum: Any,
    ) -> tuple[Layer, ...]:
        """From the output down: a layer's delta, then its move; the delta below it comes from the weights of before, or of after."""
        f = [manual.ACTIVATIONS[name].derivative for name in self.network.activations]
        moved = list(layers)
        # (8) δ = (a - t) ⊙ f'(z)
        delta = tuple((a - t_k) * f[-1](z, a) for z, a, t_k in zip(zs[-1], activations[-1], t, strict=True))
        for l in range(len(layers) - 1, -1, -1):
            below = activations[l]
            moved[l] = self.move(layers[l], below, delta, self.network.biases[l], learning_rate, momentum)
            if l:
                seen = moved[l] if self.order == "article" else layers[l]
                back = [dot(delta, row) for row in seen.W[: len(below)]]
                if self.folded:  # (9), what U lacks of W
                    lacking = dot(delta, seen.owed)
                    back = [s + lacking * b for s, b in zip(back, seen.before, strict=True)]
                # (9) δ = f'(z) ⊙ (δ W̄ᵀ)
                delta = tuple(f[l - 1](z, a) * s for z, a, s in zip(zs[l - 1], below, back, strict=True))
        return tuple(moved)

    def move(self, layer: Layer, below: Row, delta: Row, bias: bool, learning_rate: Any, momentum: Any) -> Layer:
        """The rule's step along g = [a,1]ᵀ δ, equations (10) and (11): of rank one, and never stored."""
        if self.folded:
            # (13) U ← U - (N+M) g, g = aᵀ δ (10) and δ itself in the bias node's row (11)
            step = tuple((learning_rate + momentum) * d for d in delta)
            rows = zip(layer.W, below, strict=False)  # without the bias node's row
            W = tuple(tuple(w - a * s for w, s in zip(row, step, strict=True)) for row, a in rows)
            if bias:
                W += (tuple(theta - s for theta, s in zip(layer.W[-1], step, strict=True)),)
            return Layer(W, tuple(momentum * d for d in delta), below if layer.before else (), ())
        # (14) or (15), of g = aᵀ δ (10) and δ itself in the bias node's row (11)
        rule = manual.RULES[self.rule].step
        g = [[a * d for d in delta] for a in below] + [list(delta)] * bias
        moved = [
            [rule(w, g_ij, v, learning_rate, momentum) for w, g_ij, v in zip(*rows, strict=True)]
            for rows in zip(layer.W, g, layer.v, strict=True)
        ]
        W, v = (tuple(tuple(pair[which] for pair in row) for row in moved) for which in (0, 1))
        return Layer(W, (), (), v)

    def lean(self, layers: tuple[Layer, ...], last: Row, sign: float) -> tuple[Layer, ...]:
        """From W to U (``sign`` -1) or back (+1): plus or minus [b,1]ᵀ M d. ``last`` is the first layer's b, the last pattern."""
        if not self.folded:
            return layers
        found = []
        for layer, bias in zip(layers, self.network.biases, strict=True):
            owed = tuple(sign * d for d in layer.owed)
            W = tuple(
                tuple(w + b * d for w, d in zip(row, owed, strict=True))
                for row, b in zip(layer.W, layer.before or last, strict=False)
            )
            W += (tuple(theta + d for theta, d in zip(layer.W[-1], owed, strict=True)),) * bias
            found.append(layer._replace(W=W))
        return tuple(found)


def dot(a: Row, b: Row) -> Any:
    """Σ a_i b_i, in the order of the units."""
    found = a[0] * b[0]
    for a_i, b_i in zip(a[1:], b[1:], strict=True):
        found = found + a_i * b_i
    return found


def value(name: str, z: Any) -> Any:
    """f(z), equations (1) and (2). e^-z may overflow to infinity, which gives the sigmoid's 0; so no branch is needed."""
    return 1.0 / (1.0 + jnp.exp(-z)) if name == "sigmoid" else ACTIVATIONS[name](z)
