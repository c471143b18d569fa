"""Wrong gradients of a network's error: those of manual.mistakes, and more, as functions ``(weights, x, t) -> gradient``.

Each runs on NumPy and on JAX arrays. E is half the squared error, summed over outputs and patterns; a bias node is on everywhere.
"""

from collections.abc import Callable
from functools import cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from manual.activations import ACTIVATIONS, Array
from manual.backprop import CORRECT, deltas, gradient, hidden_delta, input_gradient, weight_gradient
from manual.mistakes import MISTAKES, Mistake
from manual.network import forward
from manual.objective import HALF_SQUARED_ERROR, OUTPUT_ACTIVATIONS

PATTERNS = 8
AFTER_THE_GRADIENT = (20, 21, 22)  # weight decay, and the rules of an update


class Net(NamedTuple):
    """A network with one activation in every layer."""

    sizes: tuple[int, ...]
    activation: str

    @property
    def name(self) -> str:
        return f"{'-'.join(map(str, self.sizes))} {self.activation}"

    @property
    def functions(self) -> tuple:
        return (ACTIVATIONS[self.activation],) * (len(self.sizes) - 1)

    @property
    def equal_hidden(self) -> bool:
        return self.sizes[1] == self.sizes[2]


NETS = tuple(Net(sizes, f) for sizes in ((4, 5, 5, 3), (64, 64, 64, 10)) for f in ("sigmoid", "tanh"))


def example(net: Net, seed: int, dtype: str) -> tuple:
    """(weights, x, t) as NumPy arrays: weights of variance 1/fan-in, targets within the activation's range."""
    rng = np.random.default_rng((seed, *net.sizes))
    pairs = zip(net.sizes[:-1], net.sizes[1:], strict=True)
    weights = tuple((rng.standard_normal((n + 1, m)) / np.sqrt(n + 1)).astype(dtype) for n, m in pairs)
    x = rng.standard_normal((PATTERNS, net.sizes[0])).astype(dtype)
    low = 0.0 if net.activation == "sigmoid" else -1.0
    return weights, x, rng.uniform(low, 1.0, (PATTERNS, net.sizes[-1])).astype(dtype)


@cache
def loss(net: Net) -> Callable:
    """The error, written apart from manual/ and in JAX."""
    f = {"sigmoid": jax.nn.sigmoid, "tanh": jnp.tanh}[net.activation]

    def error(weights, x, t):
        a = x
        for W in weights:
            a = f(a @ W[:-1] + W[-1])
        return 0.5 * jnp.sum((a - t) ** 2)

    return error


def numpy_loss(net: Net, weights: tuple, x: Array, t: Array) -> Any:
    return 0.5 * ((forward(weights, x, net.functions).outputs - t) ** 2).sum()


class Wrong(NamedTuple):
    """``make(net)`` is the wrong gradient for argument ``argnum``; ``reason(net)`` says why it does not apply, or nothing."""

    name: str
    make: Callable[[Net], Callable]
    reason: Callable[[Net], str] = lambda net: ""
    argnum: int = 0


# Those of manual.mistakes -------------------------------------------------------------------------------------------


def _by_equations(mistake: Mistake, net: Net) -> Callable:
    functions = mistake.functions((net.activation,) * (len(net.sizes) - 1))

    def weights_gradient(weights, x, t):
        return gradient(forward(weights, x, functions), t, mistake.equations)

    def x_gradient(weights, x, t):
        a = forward(weights, x, functions)
        return mistake.equations.input_gradient(a.layers[0], deltas(a, t, mistake.equations)[0])

    return x_gradient if mistake.equation == 12 else weights_gradient


def _elsewhere(mistake: Mistake, net: Net) -> str:
    """Why the mistake does not show in the gradient of this network's error, or nothing."""
    if mistake.objective != HALF_SQUARED_ERROR.name or mistake.equation in AFTER_THE_GRADIENT:
        return f"equation ({mistake.equation}) is not part of it"
    changed = [name for name, f in mistake.activations.items() if f is not OUTPUT_ACTIVATIONS[name]]
    named = [*changed, *([mistake.output] if mistake.output else [])]
    return f"the network has no {named[0]}" if named and net.activation not in named else ""


def _of_manual(mistake: Mistake) -> Wrong:
    argnum = 1 if mistake.equation == 12 else 0
    return Wrong(mistake.name, partial(_by_equations, mistake), partial(_elsewhere, mistake), argnum)


# More: the whole gradient, or one of its equations ------------------------------------------------------------------


class Pass(NamedTuple):
    """A right backward pass, for a wrong one to start from."""

    g: tuple
    net: tuple
    delta: tuple
    t: Array


def _whole(change: Callable[[Pass], tuple]) -> Callable[[Net], Callable]:
    def make(net: Net) -> Callable:
        def wrong(weights, x, t):
            a = forward(weights, x, net.functions)
            return change(Pass(gradient(a, t), a.layers, deltas(a, t), t))

        return wrong

    return make


def _output(delta: Callable) -> Callable[[Net], Callable]:
    return lambda net: _by_equations(Mistake("", 8, "", CORRECT._replace(output_delta=delta)), net)


def _one_element(leaf: int, factor: float) -> Callable[[Pass], tuple]:
    def change(p: Pass) -> tuple:
        g = list(p.g)
        xp = g[leaf].__array_namespace__()
        times = np.ones(g[leaf].shape)
        times[1, 2] = factor
        g[leaf] = g[leaf] * xp.asarray(times, dtype=g[leaf].dtype)
        return tuple(g)

    return change


def _first_delta(p: Pass, delta: Array) -> tuple:
    return weight_gradient(p.net[0], delta), *p.g[1:]


def _small_errors_ignored(layer, t):
    xp = layer.a.__array_namespace__()
    e = layer.a - t
    return xp.where(abs(e) < 0.01, e * 0.0, e) * layer.derivative


def _half(p: Pass) -> tuple:
    cut = [d.astype("float16").astype(d.dtype) for d in p.delta]
    return tuple(weight_gradient(layer, d) for layer, d in zip(p.net, cut, strict=True))


def _dead_last_node(p: Pass) -> tuple:
    xp = p.g[0].__array_namespace__()
    return _first_delta(p, xp.concat([p.delta[0][:, :-1], p.delta[0][:, -1:] * 0.0], axis=1))


def _slopes_exchanged(p: Pass) -> tuple:
    one, two, out = p.net
    d2 = hidden_delta(two._replace(z=one.z, a=one.a), out, p.delta[2])
    d1 = hidden_delta(one._replace(z=two.z, a=two.a), two, d2)
    return weight_gradient(one, d1), weight_gradient(two, d2), p.g[2]


def _transposed(p: Pass) -> tuple:
    xp = p.g[0].__array_namespace__()
    return p.g[0], xp.concat([p.g[1][:-1].T, p.g[1][-1:]], axis=0), p.g[2]


def _bias_of_the_layer_above(p: Pass) -> tuple:
    xp = p.g[0].__array_namespace__()
    return xp.concat([p.g[0][:-1], p.g[1][-1:]], axis=0), *p.g[1:]


def _first_pattern(p: Pass, i: int) -> Array:
    return weight_gradient(p.net[i]._replace(below=p.net[i].below[:1]), p.delta[i][:1])


def _centred(p: Pass) -> tuple:
    x = p.net[0].below
    return weight_gradient(p.net[0]._replace(below=x - x.mean(axis=0)), p.delta[0]), *p.g[1:]


def _clip(p: Pass) -> tuple:
    return tuple(g.__array_namespace__().clip(g, -0.1, 0.1) for g in p.g)


def _needs_equal(net: Net) -> str:
    return "" if net.equal_hidden else "the two hidden layers differ in size"


def _needs_equal_leaves(net: Net) -> str:
    return "" if net.sizes[0] == net.sizes[1] == net.sizes[2] else "the first two matrices differ in shape"


OTHERS = (
    Wrong("one weight 1% off", _whole(_one_element(2, 1.01))),
    Wrong("one weight 0.1% off", _whole(_one_element(1, 1.001))),
    Wrong("the sign of one weight", _whole(_one_element(0, -1.0))),
    Wrong("everything 0.01% too large", _whole(lambda p: tuple(g * 1.0001 for g in p.g))),
    Wrong("two matrices exchanged", _whole(lambda p: (p.g[1], p.g[0], p.g[2])), _needs_equal_leaves),
    Wrong("a square gradient transposed", _whole(_transposed), _needs_equal),
    Wrong(
        "the input of the layer above",
        _whole(lambda p: (p.g[0], weight_gradient(p.net[2], p.delta[1]), p.g[2])),
        _needs_equal,
    ),
    Wrong(
        "the output's δ for every hidden layer",
        _whole(lambda p: _first_delta(p, hidden_delta(p.net[0], p.net[2], p.delta[2]))),
        _needs_equal,
    ),
    Wrong("slopes of the hidden layers exchanged", _whole(_slopes_exchanged), _needs_equal),
    Wrong("the bias of the layer above", _whole(_bias_of_the_layer_above), _needs_equal),
    Wrong("first layer frozen", _whole(lambda p: (p.g[0] * 0.0, *p.g[1:]))),
    Wrong("last layer counted twice", _whole(lambda p: (*p.g[:-1], 2.0 * p.g[-1]))),
    Wrong("clipped to ±0.1", _whole(_clip)),
    Wrong("δ in half precision", _whole(_half)),
    Wrong("errors below 0.01 ignored", _output(_small_errors_ignored)),
    Wrong("f' of the target", _output(lambda layer, t: (layer.a - t) * layer.f.derivative(layer.z, t))),
    Wrong("0.1 added to f'", _output(lambda layer, t: (layer.a - t) * (layer.derivative + 0.1))),
    Wrong(
        "only the error's sign",
        _output(lambda layer, t: layer.a.__array_namespace__().sign(layer.a - t) * layer.derivative),
    ),
    Wrong("last hidden node dead in backward", _whole(_dead_last_node)),
    Wrong("momentum left in", _whole(lambda p: tuple(g + 0.1 * _first_pattern(p, i) for i, g in enumerate(p.g)))),
    Wrong("first pattern counted twice", _whole(lambda p: tuple(g + _first_pattern(p, i) for i, g in enumerate(p.g)))),
    Wrong("input centred in backward only", _whole(_centred)),
)
WRONG = (*map(_of_manual, MISTAKES), *OTHERS)


# And the right ones, to see what each checker says of them -----------------------------------------------------------


def _right_input(net: Net) -> Callable:
    def x_gradient(weights, x, t):
        a = forward(weights, x, net.functions)
        return input_gradient(a.layers[0], deltas(a, t)[0])

    return x_gradient


RIGHT = (Wrong("right", _whole(lambda p: p.g)), Wrong("right, for the input", _right_input, argnum=1))
