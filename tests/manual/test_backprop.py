"""Equations (7) to (12): each on its own against sums by index in longdouble, and all together against JAX and complex step."""

from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy
from hypothesis import example, given
from hypothesis import strategies as st

import manual
from bpnn_jax.network import Network, half_squared_error
from bpnn_jax.training._step import functions
from bpnn_jax.verify.bound import UNIT, bound
from bpnn_jax.verify.equations import reference_and_bound
from bpnn_jax.verify.reference import draw, float64, target_range
from bpnn_jax.verify.symbols import entries, symbols
from manual.backprop import bias_gradient, hidden_delta, output_delta, weight_gradient
from tests.witnesses import ACTIVATIONS, LONG, NAMES

pytestmark = pytest.mark.quick_xla
NETWORKS = (
    Network((3, 2), "sigmoid"),
    Network((3, 4, 2), ("tanh", "linear")),
    Network((3, 3, 2), "lecun_tanh", input_bias=False),
    Network((2, 3, 3, 2), ("sigmoid", "tanh", "sigmoid"), hidden_bias=False),
    Network((1, 2, 1), "tanh", input_bias=False, hidden_bias=False),
    Network((2, 3, 1, 4, 2), ("linear", "lecun_tanh", "sigmoid", "tanh")),
)


@pytest.fixture(params=NETWORKS, ids=str)
def drawn(request):
    """A draw, JAX's float64 intermediates as a pass to feed each equation with, the same as they are, and the error bound."""
    d = draw(request.param, np.random.default_rng(11), patterns=3)
    exact, allowed = reference_and_bound(d)
    return d, manual.as_pass(d.weights, d.x, exact.z, exact.a, functions(d.network), skip=False), exact, allowed


def forward(d):
    return manual.forward(d.weights, d.x, functions(d.network))


def hand(d):
    return manual.gradient(forward(d), d.t)


# --- each equation on its own ---


def test_half_squared_error(drawn, assert_within):
    """(7): ½, and a sum over outputs and patterns."""
    d, _, exact, allowed = drawn
    total = LONG(0)
    for p in range(d.t.shape[0]):
        for k in range(d.t.shape[1]):
            total += (LONG(exact.a[-1][p, k]) - LONG(d.t[p, k])) ** 2 / 2
    assert_within(manual.half_squared_error(exact.a[-1], d.t), total, allowed.error)
    parts = [manual.half_squared_error(a, t) for a, t in zip(exact.a[-1], d.t, strict=True)]
    assert_within(sum(parts), total, 2 * allowed.error)


def test_output_delta(drawn, assert_within):
    """(8)"""
    d, net, exact, allowed = drawn
    layer = net.layers[-1]
    z, a, expected = exact.z[-1].astype(LONG), exact.a[-1].astype(LONG), np.zeros(d.t.shape, LONG)
    for p, k in np.ndindex(*d.t.shape):
        expected[p, k] = (a[p, k] - d.t[p, k]) * ACTIVATIONS[layer.f.name].slope(z[p, k], a[p, k])
    assert_within(output_delta(layer, d.t), expected, allowed.delta[-1])
    assert_within(output_delta(layer._replace(z=layer.z[0], a=layer.a[0]), d.t[0]), expected[0], allowed.delta[-1][0])


def test_hidden_delta(drawn, assert_within):
    """(9): δ_i = f'(a_i) Σ_j δ_j W_ij over the nodes j of the layer just above; the bias node's row takes no part."""
    d, net, exact, allowed = drawn
    for l in range(len(d.weights) - 1):
        z, a, W, delta = (v.astype(LONG) for v in (exact.z[l], exact.a[l], d.weights[l + 1], exact.delta[l + 1]))
        expected = np.zeros(a.shape, LONG)
        for p, i in np.ndindex(*a.shape):
            for j in range(W.shape[1]):
                slope = ACTIVATIONS[d.network.activations[l]].slope(z[p, i], a[p, i])
                expected[p, i] += delta[p, j] * W[i, j] * slope
        found = hidden_delta(net.layers[l], net.layers[l + 1], exact.delta[l + 1])
        assert_within(found, expected, allowed.delta[l])


def test_weight_gradient_and_bias_gradient(drawn, assert_within):
    """(10) and (11): Σ_p a_pi δ_pj, and Σ_p δ_pj for the bias, as the last row and as a vector."""
    d, net, exact, allowed = drawn
    for l, layer in enumerate(net.layers):
        below, delta = layer.below.astype(LONG), exact.delta[l].astype(LONG)
        expected = np.zeros(layer.W.shape, LONG)
        for p in range(len(below)):
            for i, j in np.ndindex(*layer.W.shape):
                expected[i, j] += delta[p, j] * (below[p, i] if i < below.shape[1] else 1)
        assert_within(weight_gradient(layer, exact.delta[l]), expected, allowed.gradient[l])
        if d.network.biases[l]:
            assert_within(bias_gradient(layer, exact.delta[l]), expected[-1], allowed.gradient[l][-1])


def test_input_gradient(drawn, assert_within):
    """(12): Σ_j δ_j W_ij, and no f'."""
    d, net, exact, allowed = drawn
    delta, expected = exact.delta[0].astype(LONG), np.zeros(d.x.shape, LONG)
    for p, i in np.ndindex(*d.x.shape):
        for j in range(delta.shape[1]):
            expected[p, i] += delta[p, j] * LONG(d.weights[0][i, j])
    assert_within(manual.input_gradient(net.layers[0], exact.delta[0]), expected, allowed.input)


def test_all_deltas_in_order(drawn, assert_within):
    d, net, exact, allowed = drawn
    assert_within(manual.deltas(net, d.t), exact.delta, allowed.delta)
    found = manual.deltas(forward(d), d.t)
    assert_within(found, exact.delta, allowed.delta)


# --- the gradient as a whole ---


def test_gradient_is_that_of_complex_step(drawn, assert_within):
    """Im E(W + ih)/h on a forward pass written here, by index: no JAX and no line of ``manual`` on this side."""
    d, _, _, allowed = drawn
    for l, W in enumerate(d.weights):
        expected = np.zeros(W.shape)
        for index in np.ndindex(*W.shape):
            weights = [V.astype(complex) for V in d.weights]
            weights[l][index] += 1e-100j
            expected[index] = error_by_index(d.network, weights, d.x, d.t).imag / 1e-100
        assert_within(hand(d)[l], expected, allowed.gradient[l])


def error_by_index(network, weights, x, t):
    total = 0j
    for p in range(len(x)):
        a = list(x[p])
        for W, name, bias in zip(weights, network.activations, network.biases, strict=True):
            z = [sum(a[i] * W[i, j] for i in range(len(a))) + (W[len(a), j] if bias else 0) for j in range(W.shape[1])]
            a = [ACTIVATIONS[name].value(v) for v in z]
        total += sum((a[k] - t[p, k]) ** 2 for k in range(len(a))) / 2
    return total


@cache
def networks(count=10):
    """Random networks: up to four layers of up to six nodes, each activation, bias nodes on and off. Fixed, so compiled once."""
    rng = np.random.default_rng(2)
    return [
        (
            Network(
                tuple(int(n) for n in rng.integers(1, 7, layers + 1)),
                tuple(rng.choice(NAMES, layers).tolist()),
                bool(rng.integers(2)),
                bool(rng.integers(2)),
            ),
            int(rng.integers(1, 6)),
        )
        for layers in (1 + i % 4 for i in range(count))
    ]


@given(
    st.sampled_from(range(len(networks()))),
    st.integers(0, 2**32 - 1),
    st.sampled_from([0.1, 1.0, 3.0]),
    st.sampled_from([0.01, 1.0, 10.0, 1000.0]),
    st.sampled_from(["float32", "float64"]),
)
@example(0, 0, 3.0, 1000.0, "float64")
def test_gradient_is_that_of_jax(which, seed, weight_scale, x_scale, dtype):
    """Random sizes, activations, biases and batches, ordinary to saturated: within the bound, in float32 and float64."""
    network, patterns = networks()[which]
    rng = np.random.default_rng(seed)
    weights = tuple(rng.uniform(-weight_scale, weight_scale, shape).astype(dtype) for shape in network.shapes)
    x = rng.uniform(-x_scale, x_scale, (patterns, network.sizes[0])).astype(dtype)
    t = rng.uniform(*target_range(network), (patterns, network.sizes[-1])).astype(dtype)
    f = functions(network)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        net = manual.forward(weights, x, f)
        found = manual.gradient(net, t)
        x_gradient = manual.input_gradient(net.layers[0], manual.deltas(net, t)[0])
    exact = float64(network, weights, x, t)
    wide = tuple(W.astype(np.float64) for W in weights), x.astype(np.float64), t.astype(np.float64)
    allowed = bound(network, *wide, exact, UNIT[dtype] * (2 if dtype == "float64" else 1))
    # The bound is of first order and knows no underflow: a hundred of the smallest normal numbers are allowed on top.
    tiny = 100 * float(np.finfo(dtype).tiny) * max(1.0, x_scale)
    pairs = [*zip(found, exact.gradient, allowed.gradient, strict=True), (x_gradient, exact.input, allowed.input)]
    for g, e, limit in pairs:
        assert g.dtype == dtype
        assert g.shape == e.shape
        assert (abs(g - e) <= limit + tiny).all()


# --- one pattern, a batch, vmap; node and vector; per pattern ---


def test_per_pattern_gradients_sum_to_the_gradient(drawn, assert_within):
    d, _, exact, allowed = drawn
    each = manual.per_pattern_gradients(forward(d), d.t)
    assert [g.shape for g in each] == [(len(d.x), *W.shape) for W in d.weights]
    assert_within([g.sum(axis=0) for g in each], exact.gradient, allowed.gradient)
    for p in range(len(d.x)):  # a pattern's own gradient: as one pattern, and as a batch of one
        alone = draw_of(d, p)
        own, own_allowed = reference_and_bound(alone)
        one = manual.gradient(forward(d._replace(x=d.x[p])), d.t[p])
        for found in ([g[p] for g in each], one, hand(alone)):
            assert_within(found, own.gradient, own_allowed.gradient)
    single = manual.per_pattern_gradients(forward(d._replace(x=d.x[0])), d.t[0])
    assert_within(single, [g[:1] for g in each], [E[None] for E in allowed.gradient])


def draw_of(d, p):
    return d._replace(x=d.x[p : p + 1], t=d.t[p : p + 1])


def test_vmap_over_patterns_is_the_batch(drawn, assert_within, x64):
    d, _, exact, allowed = drawn
    weights = tuple(map(jnp.asarray, d.weights))

    def one(x, t):
        return manual.gradient(manual.forward(weights, x, functions(d.network)), t)

    each = jax.jit(jax.vmap(one))(jnp.asarray(d.x), jnp.asarray(d.t))
    assert_within([g.sum(axis=0) for g in each], exact.gradient, allowed.gradient)


@pytest.mark.parametrize("one", [False, True])
def test_bias_node_and_bias_vector_agree(one, assert_within):
    d = draw(Network((3, 4, 2), ("lecun_tanh", "sigmoid")), np.random.default_rng(12), patterns=1 if one else 4)
    exact, allowed = reference_and_bound(d)
    f, x, t = functions(d.network), *((d.x[0], d.t[0]) if one else (d.x, d.t))
    bars, thetas = tuple(W[:-1] for W in d.weights), tuple(W[-1] for W in d.weights)
    g_bars, g_thetas = manual.gradient_with_bias_vectors(manual.forward_with_bias_vectors(bars, thetas, x, f), t)
    assert_within(g_bars, [g[:-1] for g in exact.gradient], [E[:-1] for E in allowed.gradient])
    assert_within(g_thetas, [g[-1] for g in exact.gradient], [E[-1] for E in allowed.gradient])


# --- the same lines on other kinds of number ---


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.longdouble, np.complex128])
def test_the_dtype_is_kept(dtype):
    network = Network((2, 3, 2, 2), ("sigmoid", "lecun_tanh", "linear"))
    d, f = draw(network, np.random.default_rng(13)), functions(network)
    weights, x, t = tuple(W.astype(dtype) for W in d.weights), d.x.astype(dtype), d.t.astype(dtype)
    net = manual.forward(weights, x, f)
    deltas = manual.deltas(net, t)
    found = [
        *manual.gradient(net, t),
        *manual.per_pattern_gradients(net, t),
        *manual.hessian_vector_product(net, weights, t),
        *sum(manual.gradient_with_bias_vectors(net.with_weights(W[:-1] for W in weights), t), ()),
        *deltas,
        manual.input_gradient(net.layers[0], deltas[0]),
        manual.half_squared_error(net.outputs, t),
        manual.previous_gradient(weights[0], weights[0], weights[0], 0.5, 0.1)[0],
    ]
    assert {g.dtype for g in found} == {np.dtype(dtype)}


def test_longdouble_is_nearer_than_float64(assert_within):
    """That its digits are used, and not lost on the way: float64's error is its own, as the bound says."""
    if np.finfo(LONG).eps == np.finfo(np.float64).eps:
        pytest.skip("longdouble is float64 on this machine")
    d = draw(Network((4, 5, 3), "sigmoid"), np.random.default_rng(14))
    exact, twice = reference_and_bound(d)
    long = hand(d._replace(weights=tuple(W.astype(LONG) for W in d.weights), x=d.x.astype(LONG), t=d.t.astype(LONG)))
    assert_within(hand(d), long, [E / 2 for E in twice.gradient])
    assert any((g != h).any() for g, h in zip(hand(d), long, strict=True))
    del exact


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_scan_inside_jit(dtype, assert_within, x64):
    """Three plain steps of batch training, one compiled scan, against the same steps in NumPy."""
    network = Network((2, 3, 1), "sigmoid")
    d, f = draw(network, np.random.default_rng(15)), functions(network)
    weights, x, t = tuple(W.astype(dtype) for W in d.weights), d.x.astype(dtype), d.t.astype(dtype)

    def step(weights, x, t):
        g = manual.gradient(manual.forward(weights, x, f), t)
        return tuple(W - 0.5 * gl for W, gl in zip(weights, g, strict=True))

    @jax.jit
    def run(weights, x, t):
        return jax.lax.scan(lambda w, _: (step(w, x, t), None), weights, length=3)[0]

    found = run(*jax.tree.map(jnp.asarray, (weights, x, t)))
    for _ in range(3):
        weights = step(weights, x, t)
    assert {W.dtype.name for W in found} == {dtype}
    assert_within(found, weights, 100 * np.finfo(dtype).eps)  # three steps of some 30 roundings of numbers of size 1


def test_on_symbols():
    """One hidden layer, one pattern: (9) and (10) are sympy.diff of E, which is written out by index."""
    W1, W2, x, t = symbols("W", (2, 2)), symbols("V", (3, 1)), symbols("x", (1, 1)), symbols("t", (1, 1))
    f = (manual.TANH, manual.SIGMOID)
    w, v, (x0,), (t0,) = np.asarray(W1), np.asarray(W2), entries(x), entries(t)
    z = sum(v[j, 0] * sympy.tanh(x0 * w[0, j] + w[1, j]) for j in range(2)) + v[2, 0]
    E = (1 / (1 + sympy.exp(-z)) - t0) ** 2 / 2
    found = manual.gradient(manual.forward((W1, W2), x, f), t)
    draw = np.random.default_rng(16)
    values = {s: sympy.Rational(int(draw.integers(-20, 20)), 10) for s in [*w.ravel(), *v.ravel(), x0, t0]}
    for W, g in zip((w, v), found, strict=True):
        for variable, got in zip(W.ravel(), entries(g), strict=True):
            difference = (got - sympy.diff(E, variable)).subs(values)
            assert abs(difference.evalf(50, chop=True)) < 1e-45  # exact on both sides: only the evaluation rounds


@partial(jax.jit, static_argnums=0)
def jax_gradient(network, weights, x, t):
    return jax.grad(half_squared_error, argnums=1)(network, weights, x, t)


def test_saturated_units_learn_nothing_and_make_no_nan(assert_within, x64):
    network = Network((1, 1, 1), ("sigmoid", "linear"), hidden_bias=False)
    weights, x, t = (np.array([[1000.0], [0.0]]), np.array([[3.0]])), np.array([[-1.0], [1.0]]), np.zeros((2, 1))
    f = functions(network)
    with np.errstate(all="raise", under="ignore"):
        found = manual.gradient(manual.forward(weights, x, f), t)
    assert_within(found, (np.zeros((2, 1)), np.array([[3.0]])), 0.0)
    assert_within(jax_gradient(network, *jax.tree.map(jnp.asarray, (weights, x, t))), found, 0.0)
