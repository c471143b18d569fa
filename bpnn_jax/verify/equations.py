"""Rung 3: every equation on its own, each fed the reference from above, so that one mistake does not hide in the next.

Rung 6 hands in a wrong derivation instead of the right one: the first equation that fails is where it goes wrong.
"""

from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np

import manual
from bpnn_jax.network import ACTIVATIONS, OBJECTIVES, Network, Weights
from bpnn_jax.verify.bound import UNIT, Bound, bound, derivative_error, value_error
from bpnn_jax.verify.checks import Comparison
from bpnn_jax.verify.compiling import quickly
from bpnn_jax.verify.reference import Draw, Reference, float64
from manual.mistakes import Mistake

DECAY = 0.25  # λ: a power of two, and so large that a term of it shows
CORRECT = Mistake("none", 0, "the derivation as it stands")


def reference_and_bound(draw: Draw) -> tuple[Reference, Bound]:
    """JAX's float64 values at a draw, and how far two correct float64 computations may be apart there."""
    exact = float64(draw.network, draw.weights, draw.x, draw.t, draw.objective)
    # Twice the bound, since the reference is rounded as well.
    return exact, bound(draw.network, draw.weights, draw.x, draw.t, exact, 2 * UNIT["float64"], draw.objective)


def compare(draw: Draw, exact: Reference, allowed: Bound, derivation: Mistake = CORRECT) -> Iterator[Comparison]:
    """Equations (1) to (12) and (18) to (20) at one draw: each value by hand beside the reference."""
    network, weights, x, t, name, _ = draw
    functions, equations = derivation.functions(network.activations), derivation.of(draw.objective)
    of_the_error, of_the_delta = draw.by_hand.numbers
    net = manual.as_pass(weights, x, exact.z, exact.a, functions, network.skip)

    def at(l):
        return f"layer {l + 1} of {name}"

    for l, (layer, f) in enumerate(zip(net.layers, functions, strict=True)):
        value, derivative = f.equations
        yield Comparison(value, f.value(layer.z), exact.a[l], allowed.a[l], at(l))
        yield Comparison(derivative, layer.derivative, exact.derivative[l], allowed.derivative[l], at(l))
        z = manual.forward((layer.W,), layer.below, (manual.LINEAR,)).outputs
        yield Comparison(5, z, exact.z[l], allowed.z[l], at(l))
    for l, a in enumerate(manual.forward(weights, x, functions, network.skip).activations[1:]):
        yield Comparison(6, a, exact.a[l], allowed.a[l], at(l))
    yield Comparison(of_the_error, draw.by_hand.error(net.layers[-1], t), exact.error, allowed.error, name)

    delta = equations.output_delta(net.layers[-1], t)
    yield Comparison(of_the_delta, delta, exact.delta[-1], allowed.delta[-1], at(len(weights) - 1))
    for l in range(1, len(weights)):
        delta = manual.delta_below(net, l, tuple(exact.delta[l:]), equations)
        yield Comparison(9, delta, exact.delta[l - 1], allowed.delta[l - 1], at(l - 1))
    for l, layer in enumerate(net.layers):
        n = layer.below.shape[-1]
        g, g_exact, g_allowed = equations.weight_gradient(layer, exact.delta[l]), exact.gradient[l], allowed.gradient[l]
        yield Comparison(10, g[:n], g_exact[:n], g_allowed[:n], at(l))
        if network.biases[l]:
            yield Comparison(11, g[n:], g_exact[n:], g_allowed[n:], at(l))
            theta = equations.bias_gradient(layer, exact.delta[l])
            yield Comparison(11, theta, g_exact[-1], g_allowed[-1], at(l))
        bars = np.concatenate([layer.W[:n], 0.0 * layer.W[n:]])  # by the words of the page: the bias row has none
        decayed = derivation.decay(g_exact, layer.W, n, DECAY, len(x))
        # A product and a sum, each rounded once.
        yield Comparison(20, decayed, g_exact + DECAY * bars, 4 * UNIT["float64"] * (abs(g_exact) + abs(bars)), at(l))
    found = manual.gradient_of_input(net, tuple(exact.delta), equations)
    yield Comparison(12, found, exact.input, allowed.input, at(0))


def _by_jax(names: tuple[str, ...], z) -> tuple:
    """(f(z), f'(z)) of each activation."""
    return tuple(jax.jvp(ACTIVATIONS[name], (z,), (jnp.ones_like(z),)) for name in names)


_values_and_slopes = quickly(_by_jax, static=(0,))


def compare_extremes() -> Iterator[Comparison]:
    """(1) to (4) and (17) at 0 and far out: a kink has its one value, nothing overflows, a small sigmoid keeps its digits."""
    z = np.array([-1000.0, -40.0, -1e-300, -0.0, 0.0, 1e-300, 40.0, 1000.0])
    with jax.enable_x64(True):
        pairs = jax.device_get(_values_and_slopes(tuple(manual.ACTIVATIONS), z))
    for f, (exact, slope) in zip(manual.ACTIVATIONS.values(), pairs, strict=True):
        name = f.name
        with np.errstate(over="raise", invalid="raise", divide="raise"):
            a = f.value(z)
            slope_by_hand = f.derivative(z, a)
        u = 2 * UNIT["float64"]
        E_a = value_error(name, z, exact, abs(slope), 0.0 * z, u)
        yield Comparison(f.equations[0], a, exact, E_a, f"{name}, |z| up to 1000")
        E_slope = derivative_error(name, z, exact, abs(slope), 0.0 * z, E_a, u)
        yield Comparison(f.equations[1], slope_by_hand, slope, E_slope, f"{name}, |z| up to 1000")


def compare_forms(draw: Draw, exact: Reference, allowed: Bound) -> Iterator[Comparison]:
    """The other ways in which ``manual`` writes the same thing: biases as vectors, a gradient for each pattern."""
    network, weights, x, t, name, _ = draw
    functions, equations = CORRECT.functions(network.activations), draw.by_hand.equations
    net = manual.as_pass(weights, x, exact.z, exact.a, functions, network.skip)
    if all(network.biases) and not network.skip:
        bars, thetas = tuple(W[:-1] for W in weights), tuple(W[-1] for W in weights)
        vectors = manual.forward_with_bias_vectors(bars, thetas, x, functions)
        for a, a_exact, E in zip(vectors.activations[1:], exact.a, allowed.a, strict=True):
            yield Comparison(6, a, a_exact, E, f"bias vectors of {name}")
        parts = manual.gradient_with_bias_vectors(net.with_weights(bars), t, equations)
        for g_bar, g_theta, g, E in zip(*parts, exact.gradient, allowed.gradient, strict=True):
            yield Comparison(10, g_bar, g[:-1], E[:-1], f"bias vectors of {name}")
            yield Comparison(11, g_theta, g[-1], E[-1], f"bias vectors of {name}")
    each, whole = manual.per_pattern_gradients(net, t, equations), manual.gradient(net, t, equations)
    first = [z[0] for z in exact.z], [a[0] for a in exact.a]
    one = manual.gradient(manual.as_pass(weights, x[0], *first, functions, network.skip), t[0], equations)
    for l, (g, E) in enumerate(zip(exact.gradient, allowed.gradient, strict=True)):
        yield Comparison(10, whole[l], g, E, f"layer {l + 1} of {name}, all layers at once")
        yield Comparison(10, each[l].sum(axis=0), g, E, f"layer {l + 1} of {name}, pattern by pattern")
        yield Comparison(10, each[l][0], one[l], E, f"layer {l + 1} of {name}, one pattern")
    deltas = manual.deltas(net, t, equations)
    yield Comparison(12, manual.gradient_of_input(net, deltas), exact.input, allowed.input, name)


def _products(network: Network, objective: str, weights: Weights, direction: Weights, x, t) -> tuple:
    """The gradient and the Hessian times the direction, of E and the weight decay's ½ λ Σ W̄² of ``DECAY``."""

    def error(weights):
        bars = (W[:-1] if bias else W for W, bias in zip(weights, network.biases, strict=True))
        decay = sum(jnp.sum(jnp.square(W_bar)) for W_bar in bars)
        return OBJECTIVES[objective](network, weights, x, t) + 0.5 * DECAY * decay

    return jax.jvp(jax.grad(error), (weights,), (direction,))


_curvature = quickly(_products, static=(0, 1))


def compare_curvature(draw: Draw, rng: np.random.Generator) -> Iterator[Comparison]:
    """Equation (16) against JAX's forward-over-reverse product, in a random direction."""
    network, weights, x, t, name, objective = draw
    functions = CORRECT.functions(network.activations)
    direction = tuple(rng.uniform(-1.0, 1.0, W.shape) for W in weights)

    def by_hand(x, t):
        net = manual.forward(weights, x, functions, network.skip)
        return (
            decayed(network, manual.gradient(net, t, draw.by_hand.equations), weights),
            decayed(network, manual.hessian_vector_product(net, direction, t, draw.by_hand), direction),
        )

    def product(dtype):
        with jax.enable_x64(dtype == np.float64):
            args = jax.tree.map(lambda a: np.asarray(a, dtype), (weights, direction, x, t))
            return jax.tree.map(lambda p: np.asarray(p, np.float64), _curvature(network, objective, *args))

    hand = by_hand(x, t)
    for equation, *three in zip((20, 16), hand, product(np.float64), product(np.float32), strict=True):
        for l, (h, e, f32) in enumerate(zip(*three, strict=True)):
            # No closed bound is at hand. What float32 costs autodiff here says how much rounding this leaf suffers; float64 suffers
            # 2^-29 of that. Six times as much is allowed, and 4 ulp of the leaf, as for every black box (docs/auditor.md).
            scale = UNIT["float64"] / UNIT["float32"]
            allowed = 6.0 * (scale * abs(f32 - e).max() + 4.0 * UNIT["float64"] * abs(e).max())
            yield Comparison(equation, h, e, allowed, f"layer {l + 1} of {name}")
    # One pattern of shape (n,) is a batch of one: the same operations, so the same bits but for the order of a sum.
    for l, (one, row) in enumerate(zip(by_hand(x[0], t[0])[1], by_hand(x[:1], t[:1])[1], strict=True)):
        yield Comparison(16, one, row, 64 * UNIT["float64"] * abs(row).max(), f"layer {l + 1} of {name}, one pattern")


def decayed(network: Network, parts: tuple, weights: Weights) -> tuple:
    """(20) for each layer, with ``DECAY``."""
    layers = zip(parts, weights, network.biases, strict=True)
    return tuple(manual.decayed(part, W, len(W) - bias, DECAY) for part, W, bias in layers)
