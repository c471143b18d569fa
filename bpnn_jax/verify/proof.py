"""Rung 1: proof. On symbols, the hand derivation minus ``sympy.diff`` of E is 0, for every small network and any activation.

(1) to (4), (17) and each f'' are proved for each activation on one symbol z, on each side of 0 and at 0; (18) and (19), whose
functions are given, on the z of an output layer. (5) to (12) and (16) are proved once for all of them: each layer has a function f
of its own, of which nothing is known but that it has a derivative f', and that one a derivative f''. E is written here once more, by
index, with these. After differentiation every f(z) is given its name a, the z in every f'(z) and f''(z) its name, and what is left of
(hand - diff) is a polynomial in these that must expand to 0.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import sympy

import manual
from bpnn_jax.network import Network
from bpnn_jax.verify.symbols import Symbols, each, entries, of, on_side, rational, symbols


class Proof(NamedTuple):
    """One identity: its equation, whether the difference vanished, and where."""

    equation: int
    proved: bool
    where: str


# Each activation, on one symbol ------------------------------------------------------------------------------------------

z_ = sympy.Symbol("z", real=True)

# f as SymPy knows it: the other side of the proof, not a copy of ``manual``. A pair is f left of 0, and 0 itself, and f right of 0.
GELU_SLOPE = rational(0.7978845608028654)  # sqrt(2/π) as a double: (17) is proved with what is computed
EXPLICIT = {
    "sigmoid": 1 / (1 + sympy.exp(-z_)),
    "tanh": sympy.tanh(z_),
    "linear": z_,
    "lecun_tanh": sympy.Rational(17159, 10000) * sympy.tanh(2 * z_ / 3),
    "relu": (sympy.Integer(0), z_),
    "leaky_relu": (z_ / 100, z_),
    "elu": (sympy.exp(z_) - 1, z_),
    "softplus": sympy.log(1 + sympy.exp(z_)),
    "softsign": (z_ / (1 - z_), z_ / (1 + z_)),
    "silu": z_ / (1 + sympy.exp(-z_)),
    "gelu": z_ / 2 * (1 + sympy.tanh(GELU_SLOPE * (z_ + sympy.Rational(44715, 1000000) * z_**3))),
}


def explicit(name: str, side: str) -> sympy.Expr:
    """f on that side of 0; at a kink, 0 counts to the left.

    >>> explicit("relu", ">"), explicit("relu", "="), explicit("linear", "<")
    (z, 0, z)
    """
    found: Any = EXPLICIT[name]
    return found[side == ">"] if isinstance(found, tuple) else found


def activations() -> Iterator[Proof]:
    """(1) to (4), (17), and the second derivatives of (16), on one symbol z: left of 0, at 0, and right of 0."""
    for name, f in manual.ACTIVATIONS.items():
        value, derivative = f.equations
        for side in ("<", "=", ">"):
            wanted = [sympy.diff(explicit(name, side), z_, order) for order in range(3)]
            at = z_
            if side == "=":
                at, wanted = sympy.Integer(0), [w.subs(z_, 0) for w in wanted]
            z, a = of(np.array([at])), of(np.array([wanted[0]]))
            with on_side(side):
                found = [entries(hand)[0] for hand in (f.value(z), f.derivative(z, a), f.second(z, a))]
            where = f"{name}, z {side} 0"
            for equation, hand, exact in zip((value, derivative, 16), found, wanted, strict=True):
                yield Proof(equation, is_zero(hand - exact), f"f'' of {where}" if equation == 16 else where)
    two_sigmoid = 2 * EXPLICIT["sigmoid"].subs(z_, 2 * z_) - 1
    yield Proof(2, is_zero(sympy.tanh(z_) - two_sigmoid), "tanh z = 2 sigmoid(2z) - 1")


def softmax(n: int = 3) -> Iterator[Proof]:
    """(18), its Jacobian and second derivatives, for n outputs."""
    z = symbols("z", (n,))
    explicit = of([sympy.exp(zk) / sum(sympy.exp(zj) for zj in z) for zk in z])
    f = manual.SOFTMAX
    a, J, H = f.value(z), f.derivative(z, explicit), f.second(z, explicit)
    for j, k, m in np.ndindex(n, n, n):
        slope = sympy.diff(explicit[j], z[k])
        if k == m == 0:
            yield Proof(18, _vanishes(a[j] - explicit[j]), f"softmax, output {j}")
        if m == 0:
            yield Proof(18, _vanishes(J[j, k] - slope), f"Jacobian of softmax, {j}, {k}")
        yield Proof(16, _vanishes(H[j, k, m] - sympy.diff(slope, z[m])), f"second derivative of softmax, {j}, {k}, {m}")


def objectives() -> Iterator[Proof]:
    """(19), and (8) with softmax, on a pattern of two outputs: E from z is E as it is defined, δ its derivative, R{δ} that of δ."""
    z, t, R_z = symbols("z", (2,)), symbols("t", (2,)), symbols("v", (2,))
    sigmoids = of([1 / (1 + sympy.exp(-zk)) for zk in z])
    softmaxes = of([sympy.exp(zk) / sum(sympy.exp(zj) for zj in z) for zk in z])
    shares = of([t[0], 1 - t[0]])  # whose sum is 1
    squared = sum((softmaxes - t) ** 2) / 2
    two_sided = -sum(tk * sympy.log(ak) + (1 - tk) * sympy.log(1 - ak) for tk, ak in zip(t, sigmoids, strict=True))
    one_sided = -sum(tk * sympy.log(ak) for tk, ak in zip(shares, softmaxes, strict=True))
    half, cross = manual.HALF_SQUARED_ERROR, manual.CROSS_ENTROPY
    yield from _objective(half, manual.Layer(z, z, z, softmaxes, manual.SOFTMAX), t, squared, R_z)
    yield from _objective(cross, manual.Layer(z, z, z, sigmoids, manual.SIGMOID), t, two_sided, R_z)
    yield from _objective(cross, manual.Layer(z, z, z, softmaxes, manual.SOFTMAX), shares, one_sided, R_z)


def _objective(objective: manual.Objective, layer: manual.Layer, t: Symbols, E: Any, R_z: Symbols) -> Iterator[Proof]:
    z, (of_the_error, of_the_delta), where = layer.z, objective.numbers, f"{objective.name} of {layer.f.name}"
    for side in ("<", ">"):
        with on_side(side):
            (by_hand,) = entries(objective.error(layer, t))
        difference = by_hand - E  # 0 at one point, and so is its derivative everywhere
        at_one = sympy.expand_log(difference.subs(dict.fromkeys(z, 0)), force=True)
        same = all(_vanishes(sympy.diff(difference, zk)) for zk in z) and sympy.simplify(at_one) == 0
        yield Proof(of_the_error, same, f"{where}, z {side} 0")
    slopes = [sympy.diff(E, zk) for zk in z]
    bends = [sum(sympy.diff(slope, zm) * v for zm, v in zip(z, R_z, strict=True)) for slope in slopes]
    for hand, slope in zip(entries(objective.equations.output_delta(layer, t)), slopes, strict=True):
        yield Proof(of_the_delta, _vanishes(hand - slope), f"δ, {where}")
    for hand, bend in zip(entries(objective.delta_along(layer, t, R_z)), bends, strict=True):
        yield Proof(16, _vanishes(hand - bend), f"R{{δ}}, {where}")


def decay() -> Iterator[Proof]:
    """(20): what joins the gradient is the derivative of ½ λ Σ W̄², with a bias row and without; and λV̄ that of λW̄, in (16)."""
    W, g, V = (symbols(name, (3, 2)) for name in ("W", "g", "V"))
    rate = sympy.Symbol("lambda", real=True)
    for n in (2, 3):
        term = rate * sum(w**2 for w in np.asarray(W[:n]).ravel()) / 2
        slopes = [sympy.diff(term, w) for w in np.asarray(W).ravel()]
        along = [sum(sympy.diff(slope, w) * v for w, v in zip(entries(W), entries(V), strict=True)) for slope in slopes]
        for equation, direction, added in ((20, W, slopes), (16, V, along)):
            hand = entries(manual.decayed(g, direction, n, rate))
            proved = all(sympy.expand(h - gi - more) == 0 for h, gi, more in zip(hand, entries(g), added, strict=True))
            yield Proof(equation, proved, f"weight decay, {3 - n} bias rows")


def is_zero(expression: sympy.Expr) -> bool:
    """Whether SymPy proves that ``expression``, in z alone, is 0. With a logarithm: its derivative is, and it is at z = 0."""
    by_exp = sympy.sympify(expression).rewrite(sympy.atanh, sympy.log).rewrite(sympy.tanh, sympy.exp)
    if not by_exp.has(z_):
        return sympy.simplify(by_exp) == 0
    if by_exp.has(sympy.log):
        return is_zero(sympy.diff(by_exp, z_)) and is_zero(by_exp.subs(z_, 0))
    return sympy.expand(sympy.fraction(sympy.together(_rational_function(by_exp)))[0]) == 0


def _rational_function(by_exp: sympy.Expr) -> sympy.Expr:
    """With e^(g z), e^(g z³) and so on as symbols of their own, each g the largest of which all coefficients are multiples."""
    powers: dict[int, list[sympy.Expr]] = {}
    exponents = {e: sympy.Poly(e.args[0], z_).terms() for e in by_exp.atoms(sympy.exp)}
    for terms in exponents.values():
        for (power,), coefficient in terms:
            powers.setdefault(power, []).append(coefficient)
    unit = {power: sympy.gcd_list(found) for power, found in powers.items()}
    names = {
        e: sympy.prod(sympy.Symbol(f"e{power}", positive=True) ** (c / unit[power]) for (power,), c in terms)
        for e, terms in exponents.items()
    }
    found: Any = by_exp.xreplace(names)
    return found


def _vanishes(expression: Any) -> bool:
    """The same for what is rational in exponentials: over one denominator its numerator is 0. Quicker than ``simplify``."""
    inside = {z for e in expression.atoms(sympy.exp) for z in e.free_symbols}
    named = expression.subs({z: sympy.log(sympy.Dummy(positive=True)) for z in inside})
    return sympy.expand(sympy.fraction(sympy.together(sympy.expand(named, power_exp=True)))[0]) == 0


# Networks, with any activation -------------------------------------------------------------------------------------------


@cache
def any_function(name: str) -> tuple[Any, Any, Any]:
    """(f, f', f''): functions of which SymPy knows nothing but that each is the derivative of the one before.

    >>> f, _, _ = any_function("f")
    >>> f(z_**2).diff(z_)
    2*z*f'(z**2)
    """

    def differentiable(name: str, derivative: Any) -> Any:
        parts = {"nargs": 1, "fdiff": lambda self, argindex=1: derivative(*self.args)}
        return type(sympy.Function)(name, (sympy.Function,), parts)

    second = sympy.Function(f"{name}''")
    first = differentiable(f"{name}'", second)
    return differentiable(name, first), first, second


class _Written(NamedTuple):
    """A network written out by index: E, its symbols, and the names of every f(z), f'(z) and f''(z).

    A tap τ is added to each z, so that ∂E/∂τ is δ. It stands only inside z, so naming f(z) removes it again.
    """

    E: sympy.Expr
    weights: tuple[Symbols, ...]
    x: Symbols
    t: Symbols
    taps: list[Symbols]
    z: list[Symbols]  # named
    a: list[Symbols]  # named; the input is not among them
    z_of: list[Symbols]  # each z in terms of the named a below it
    a_of: list[Symbols]  # each a in terms of weights and inputs alone
    functions: tuple[manual.Activation, ...]
    names: dict[sympy.Expr, sympy.Expr]

    def named(self, expression: sympy.Expr) -> sympy.Expr:
        """With each f(z) replaced by its a, and the z in each f'(z) and f''(z) by its name."""
        named: Any = expression.xreplace(self.names)
        return named

    def hand(self, skip: bool) -> manual.Pass:
        """The named values, for the hand derivation to look at."""
        return manual.as_pass(self.weights, self.x, self.z, self.a, self.functions, skip)


def _activation(f: Any, first: Any, second: Any) -> manual.Activation:
    inside, slope, bend = each(f), each(first), each(second)
    return manual.Activation("f", inside, lambda z, a: slope(z), lambda z, a: bend(z), (-np.inf, np.inf), (6, 6))


def _write(network: Network, patterns: int) -> _Written:
    shapes = [(patterns, n) for n in network.sizes[1:]]
    weights = tuple(symbols(f"W{l}_", shape) for l, shape in enumerate(network.shapes, 1))
    x, t = symbols("x", (patterns, network.sizes[0])), symbols("t", shapes[-1])
    taps, z, a = ([symbols(f"{kind}{l}_", shape) for l, shape in enumerate(shapes, 1)] for kind in ("tau", "z", "a"))
    functions = [any_function(f"f{l}") for l in range(1, len(shapes) + 1)]
    names, z_of, nested, named = {}, [], [x], [x, *a]
    for l, (W, (f, first, second), bias) in enumerate(zip(weights, functions, network.biases, strict=True)):
        inner, outer = np.empty(shapes[l], dtype=object), np.empty(shapes[l], dtype=object)
        for p, j in np.ndindex(*shapes[l]):
            inner[p, j] = whole = W[-1, j] if bias else sympy.Integer(0)
            whole += taps[l][p, j]
            sources = [(k, i) for k in network.below[l] for i in range(network.sizes[k])]
            for row, (k, i) in enumerate(sources):
                whole += nested[k][p, i] * W[row, j]
                inner[p, j] += named[k][p, i] * W[row, j]
            outer[p, j] = f(whole)
            names |= {f(whole): a[l][p, j], first(whole): first(z[l][p, j]), second(whole): second(z[l][p, j])}
        nested.append(of(outer))
        z_of.append(of(inner))
    E = sum(((nested[-1][i] - t[i]) ** 2 for i in np.ndindex(*t.shape)), sympy.Integer(0)) / 2
    by_hand = tuple(_activation(*f) for f in functions)
    return _Written(E, weights, x, t, taps, z, a, z_of, nested[1:], by_hand, names)


def network(net: Network, patterns: int = 2) -> Iterator[Proof]:
    """(5) to (12) for one network and any activations, with as many patterns, each equation fed the named values from above."""
    written = _write(net, patterns)
    x, weights, t = written.x, written.weights, written.t

    def same(equation: int, hand, others) -> Proof:
        pairs = zip(entries(hand), others, strict=True)
        return Proof(equation, all(sympy.expand(h - o) == 0 for h, o in pairs), _shape(net))

    @cache
    def derivative(variable: sympy.Symbol) -> sympy.Expr:
        return written.named(sympy.diff(written.E, variable))

    def diff(variables) -> list[sympy.Expr]:
        return [derivative(v) for v in np.asarray(variables).ravel()]

    hand = written.hand(net.skip)
    for l, layer in enumerate(hand.layers):
        yield same(5, manual.forward((layer.W,), layer.below, (manual.LINEAR,)).outputs, written.z_of[l].ravel())
    without_taps = {tau: 0 for taps in written.taps for tau in taps.ravel()}
    whole = manual.forward(weights, x, written.functions, net.skip)
    for found, wanted in zip(whole.activations[1:], written.a_of, strict=True):
        yield same(6, found, [w.xreplace(without_taps) for w in wanted.ravel()])
    yield same(7, manual.half_squared_error(hand.outputs, t), [written.named(written.E)])
    deltas, gradient, each = manual.deltas(hand, t), manual.gradient(hand, t), manual.per_pattern_gradients(hand, t)
    for l, delta in enumerate(deltas):
        yield same(8 if l == len(weights) - 1 else 9, delta, diff(written.taps[l]))
    for l, (g, bias) in enumerate(zip(gradient, net.biases, strict=True)):
        n = g.shape[0] - bias
        wanted = diff(weights[l])
        yield same(10, g[:n], wanted[: n * g.shape[1]])
        yield same(10, sum(each[l]), wanted)
        if bias:
            yield same(11, g[n:], wanted[n * g.shape[1] :])
    if all(net.biases) and not net.skip:
        g_bars, g_thetas = manual.gradient_with_bias_vectors(hand.with_weights(W[:-1] for W in weights), t)
        for l, (g_bar, g_theta) in enumerate(zip(g_bars, g_thetas, strict=True)):
            yield same(10, g_bar, diff(weights[l][:-1]))
            yield same(11, g_theta, diff(weights[l][-1]))
    yield same(12, manual.gradient_of_input(hand, deltas), diff(x))


def curvature(net: Network) -> Iterator[Proof]:
    """(16) for one network, any activations and one pattern: H V by the R-operator, and by differentiating E twice."""
    written = _write(net, 1)
    weights = [w for W in written.weights for w in np.asarray(W).ravel()]
    V = tuple(symbols(f"V{l}_", W.shape) for l, W in enumerate(written.weights, 1))
    directions = [v for part in V for v in np.asarray(part).ravel()]
    hand = manual.hessian_vector_product(written.hand(net.skip), V, written.t)
    products = [h for part in hand for h in entries(part)]
    for w, h in zip(weights, products, strict=True):
        g = sympy.diff(written.E, w)
        product = sum(written.named(sympy.diff(g, other)) * v for other, v in zip(weights, directions, strict=True))
        yield Proof(16, sympy.expand(h - product) == 0, f"{_shape(net)}, {w}")


def _shape(net: Network) -> str:
    return str(net).replace(f" {net.activations[0]}", ", any f")
