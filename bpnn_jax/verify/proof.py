"""Rung 1: proof. On symbols, the hand derivation minus ``sympy.diff`` of E is 0, for every small network.

E is written here once more, by index, with each activation as a SymPy function whose derivative (``fdiff``) is known: those of
(3) and (4), which are themselves proved from the exponential first. After differentiation every f(z) is given its name a, and what
is left of (hand - diff) is a polynomial that must expand to 0.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import sympy

import manual
from bpnn_jax.network import Network
from bpnn_jax.verify.symbols import Namespace, Symbols, entries, of, symbols

z_ = sympy.Symbol("z", real=True)
LECUN = sympy.Rational(17159, 10000)

# f, f' in terms of f, as SymPy knows them: the other side of the proof, not a copy of ``manual``.
EXPLICIT = {
    "sigmoid": 1 / (1 + sympy.exp(-z_)),
    "tanh": sympy.tanh(z_),
    "linear": z_,
    "lecun_tanh": LECUN * sympy.tanh(2 * z_ / 3),
}


class _F(sympy.Function):
    nargs = 1


class sigmoid(_F):  # noqa: N801 - SymPy prints the class's name
    def fdiff(self, argindex=1):
        return self * (1 - self)


class tanh(_F):  # noqa: N801
    def fdiff(self, argindex=1):
        return 1 - self**2


class linear(_F):  # noqa: N801
    def fdiff(self, argindex=1):
        return sympy.Integer(1)


class lecun_tanh(_F):  # noqa: N801
    def fdiff(self, argindex=1):
        return sympy.Rational(2, 3) * (LECUN - self**2 / LECUN)


FUNCTIONS = {f.__name__: f for f in (sigmoid, tanh, linear, lecun_tanh)}


class Proof(NamedTuple):
    """One identity: its equation, whether the difference vanished, and where."""

    equation: int
    proved: bool
    where: str


def _is_zero(expression: sympy.Expr) -> bool:
    return sympy.simplify(expression.rewrite(sympy.exp)) == 0


def activations() -> Iterator[Proof]:
    """(1) to (4), and the second derivatives of (16), on one symbol z."""
    for name, explicit in EXPLICIT.items():
        f = manual.ACTIVATIONS[name]
        a = of(np.array([explicit]))
        slope, second = sympy.diff(explicit, z_), sympy.diff(explicit, z_, 2)
        for branch in (False, True):
            Namespace.branch = branch
            try:
                (value,) = entries(f.value(of(np.array([z_]))))
            finally:
                Namespace.branch = False
            equation = {"sigmoid": 1, "linear": 6}.get(name, 2)
            yield Proof(equation, _is_zero(value - explicit), f"{name}, z {'<' if branch else '>='} 0")
        equation = 3 if name == "sigmoid" else 4
        yield Proof(equation, _is_zero(entries(f.derivative(a))[0] - slope), name)
        yield Proof(16, _is_zero(entries(f.second(a))[0] - second), f"f'' of {name}")
        # What fdiff claims below, from the exponential as well.
        claimed = sympy.diff(FUNCTIONS[name](z_), z_).xreplace({FUNCTIONS[name](z_): explicit})
        yield Proof(equation, _is_zero(claimed - slope), f"{name}, the other side")
    two_sigmoid = 2 * EXPLICIT["sigmoid"].subs(z_, 2 * z_) - 1
    yield Proof(2, _is_zero(sympy.tanh(z_) - two_sigmoid), "tanh z = 2 sigmoid(2z) - 1")


class _Written(NamedTuple):
    """A network written out by index: E, its symbols, and the name a of every f(z).

    A tap τ is added to each z, so that ∂E/∂τ is δ. It stands only inside z, so naming f(z) removes it again.
    """

    E: sympy.Expr
    weights: tuple[Symbols, ...]
    x: Symbols
    t: Symbols
    taps: list[Symbols]
    a: tuple[Symbols, ...]
    z: list[np.ndarray]
    names: dict[sympy.Expr, sympy.Symbol]

    def named(self, expression: sympy.Expr) -> sympy.Expr:
        """With each f(z) replaced by its a."""
        named: Any = expression.xreplace(self.names)
        return named


def _write(network: Network, patterns: int) -> _Written:
    weights = tuple(symbols(f"W{l + 1}_", shape) for l, shape in enumerate(network.shapes))
    x, t = symbols("x", (patterns, network.sizes[0])), symbols("t", (patterns, network.sizes[-1]))
    taps = [symbols(f"tau{l + 1}_", (patterns, n)) for l, n in enumerate(network.sizes[1:])]
    named, names, zs = [x], {}, []
    nested: list[np.ndarray] = [x]
    for l, (W, name, bias) in enumerate(zip(weights, network.activations, network.biases, strict=True)):
        above = np.empty((patterns, W.shape[1]), dtype=object)
        z_named = np.empty_like(above)
        a = symbols(f"a{l + 1}_", above.shape)
        for p in range(patterns):
            for j in range(W.shape[1]):
                z = taps[l][p, j] + (W[-1, j] if bias else 0)
                z_named[p, j] = W[-1, j] if bias else sympy.Integer(0)
                sources = [(k, i) for k in network.below[l] for i in range(network.sizes[k])]
                for row, (k, i) in enumerate(sources):
                    z += nested[k][p, i] * W[row, j]
                    z_named[p, j] += named[k][p, i] * W[row, j]
                above[p, j] = FUNCTIONS[name](z)
                names[above[p, j]] = a[p, j]
        nested.append(above)
        named.append(a)
        zs.append(z_named)
    E = sum(((nested[-1][i] - t[i]) ** 2 for i in np.ndindex(*t.shape)), sympy.Integer(0)) / 2
    return _Written(E, weights, x, t, taps, tuple(named), zs, names)


def network(net: Network, patterns: int = 2) -> Iterator[Proof]:
    """(5) to (12) for one network, with as many patterns, each equation fed the named values from above."""
    written = _write(net, patterns)
    functions = tuple(manual.ACTIVATIONS[name] for name in net.activations)
    x, weights, t, a = written.x, written.weights, written.t, written.a

    def same(equation: int, hand, others) -> Proof:
        pairs = zip(entries(hand), others, strict=True)
        return Proof(equation, all(sympy.expand(h - o) == 0 for h, o in pairs), str(net))

    @cache
    def derivative(variable: sympy.Symbol) -> sympy.Expr:
        return written.named(sympy.diff(written.E, variable))

    def diff(variables) -> list[sympy.Expr]:
        return [derivative(v) for v in np.asarray(variables).ravel()]

    layers = manual.layers(weights, a, functions, net.skip)
    for l, W in enumerate(weights):
        z = manual.forward((W,), layers[l].below, (manual.LINEAR,))[-1]
        yield same(5, z, written.z[l].ravel())
    yield same(7, manual.half_squared_error(a[-1], t), [written.named(written.E)])
    deltas = manual.deltas(weights, a, t, functions, skip=net.skip)
    for l, delta in enumerate(deltas):
        yield same(8 if l == len(weights) - 1 else 9, delta, diff(written.taps[l]))
    gradient = manual.gradient(weights, a, t, functions, skip=net.skip)
    each = manual.per_pattern_gradients(weights, a, t, functions, net.skip)
    for l, (g, bias) in enumerate(zip(gradient, net.biases, strict=True)):
        n = g.shape[0] - bias
        wanted = diff(weights[l])
        yield same(10, g[:n], wanted[: n * g.shape[1]])
        yield same(10, sum(each[l]), wanted)
        if bias:
            yield same(11, g[n:], wanted[n * g.shape[1] :])
    if all(net.biases) and not net.skip:
        bars = tuple(W[:-1] for W in weights)
        g_bars, g_thetas = manual.gradient_with_bias_vectors(bars, a, t, functions)
        for l, (g_bar, g_theta) in enumerate(zip(g_bars, g_thetas, strict=True)):
            yield same(10, g_bar, diff(weights[l][:-1]))
            yield same(11, g_theta, diff(weights[l][-1]))
    yield same(12, manual.gradient_of_input(layers, deltas, skip=net.skip), diff(x))


def curvature(net: Network) -> Iterator[Proof]:
    """(16) for one network and one pattern: H V by the R-operator, and by differentiating E twice."""
    written = _write(net, 1)
    functions = tuple(manual.ACTIVATIONS[name] for name in net.activations)
    weights = [w for W in written.weights for w in np.asarray(W).ravel()]
    V = tuple(symbols(f"V{l + 1}_", W.shape) for l, W in enumerate(written.weights))
    directions = [v for part in V for v in np.asarray(part).ravel()]
    hand = manual.hessian_vector_product(written.weights, V, written.a, written.t, functions, net.skip)
    products = [h for part in hand for h in entries(part)]
    for w, h in zip(weights, products, strict=True):
        g = sympy.diff(written.E, w)
        product = sum(written.named(sympy.diff(g, other)) * v for other, v in zip(weights, directions, strict=True))
        yield Proof(16, sympy.expand(h - product) == 0, f"{net}, {w}")
