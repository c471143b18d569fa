"""Equations (5) and (6): the forward pass against loops by index, in longdouble, and in every other kind of number."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy

import manual
from bpnn_jax.network import Network
from bpnn_jax.training._step import functions
from bpnn_jax.verify.equations import reference_and_bound
from bpnn_jax.verify.reference import draw
from bpnn_jax.verify.symbols import entries, symbols
from tests.witnesses import ACTIVATIONS, LONG

pytestmark = pytest.mark.quick_xla

NETWORKS = (
    Network((3, 2), "sigmoid"),
    Network((3, 4, 2), ("tanh", "linear")),
    Network((3, 4, 2), "lecun_tanh", input_bias=False),
    Network((2, 3, 3, 2), ("sigmoid", "tanh", "sigmoid"), hidden_bias=False),
    Network((1, 2, 1), "tanh", input_bias=False, hidden_bias=False),
)


def by_index(network, weights, x):
    """z and a of every layer for a batch, node by node in longdouble: z_j = Σ_i a_i W_ij, and W_nj for the bias node."""
    zs, activations = [], [np.asarray(x, LONG)]
    for W, name, bias in zip(weights, network.activations, network.biases, strict=True):
        below = activations[-1]
        z = np.zeros((len(x), W.shape[1]), LONG)
        for p in range(len(x)):
            for j in range(W.shape[1]):
                for i in range(below.shape[1]):
                    z[p, j] += below[p, i] * LONG(W[i, j])
                if bias:
                    z[p, j] += LONG(W[below.shape[1], j])
        zs.append(z)
        activations.append(ACTIVATIONS[name].value(z))
    return zs, activations


@pytest.fixture(params=NETWORKS, ids=str)
def drawn(request):
    d = draw(request.param, np.random.default_rng(5), patterns=3)
    return d, functions(d.network), *by_index(d.network, d.weights, d.x), reference_and_bound(d)[1]


def test_each_pre_activation(drawn, assert_within):
    """(5): a linear function hands z through; each layer is fed the exact activations of the one below."""
    d, _, zs, activations, allowed = drawn
    for l, W in enumerate(d.weights):
        below = activations[l].astype(np.float64)
        net = manual.forward((W,), below, (manual.LINEAR,))
        assert net.x is below
        assert_within([net.outputs, net.layers[0].z], [zs[l]] * 2, [allowed.z[l]] * 2)


def test_every_activation_is_kept(drawn, assert_within):
    """(6)"""
    d, f, zs, activations, allowed = drawn
    net = manual.forward(d.weights, d.x, f)
    assert len(net.activations) == len(d.weights) + 1
    assert net.activations[0] is d.x
    assert net.outputs is net.activations[-1]
    assert_within(net.activations[1:], activations[1:], allowed.a)
    assert_within([layer.z for layer in net.layers], zs, allowed.z)


def test_one_pattern_is_a_batch_of_one_is_vmap(drawn, assert_within, x64):
    d, f, _, _, allowed = drawn
    batch = manual.forward(d.weights, d.x, f).activations
    for p, x in enumerate(d.x):
        one, alone = (manual.forward(d.weights, some, f).activations for some in (x, d.x[p : p + 1]))
        assert [a.shape for a in one] == [(n,) for n in d.network.sizes]
        for found in (list(one[1:]), [a[0] for a in alone[1:]]):
            assert_within(found, [a[p] for a in batch[1:]], [E[p] for E in allowed.a])
    weights = tuple(map(jnp.asarray, d.weights))
    mapped = jax.vmap(lambda x: manual.forward(weights, x, f).activations)(jnp.asarray(d.x))
    assert_within(mapped[1:], batch[1:], allowed.a)


def test_bias_node_and_bias_vector_agree(assert_within):
    d = draw(Network((3, 4, 2), ("sigmoid", "tanh")), np.random.default_rng(6))
    allowed, f = reference_and_bound(d)[1], functions(d.network)
    node = manual.forward(d.weights, d.x, f).activations
    bars, thetas = tuple(W[:-1] for W in d.weights), tuple(W[-1] for W in d.weights)
    assert_within(manual.forward_with_bias_vectors(bars, thetas, d.x, f).activations[1:], node[1:], allowed.a)
    one = manual.forward_with_bias_vectors(bars, thetas, d.x[0], f).activations
    assert_within(one[1:], [a[0] for a in node[1:]], [E[0] for E in allowed.a])
    moved = manual.forward_with_bias_vectors(bars, (thetas[0], thetas[1] + 1.0), d.x, f).outputs
    assert_within(
        np.arctanh(moved), np.arctanh(node[-1]) + 1.0, 1e-12
    )  # θ is added to z, whole: arctanh undoes the tanh


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.longdouble, np.complex128])
def test_the_dtype_is_kept(dtype, assert_within):
    network = Network((2, 3, 2), ("sigmoid", "lecun_tanh"))
    d = draw(network, np.random.default_rng(7))
    weights, x = tuple(W.astype(dtype) for W in d.weights), d.x.astype(dtype)
    net = manual.forward(weights, x, functions(network))
    assert {a.dtype for layer in net.layers for a in (layer.z, *net.activations)} == {np.dtype(dtype)}
    # A dozen operations on numbers of size 2; float64's own constant 1.7159 is in all of them.
    assert_within(net.outputs, by_index(network, d.weights, d.x)[1][-1], 64 * max(np.finfo(dtype).eps, 1e-16))
    bars, thetas = tuple(W[:-1] for W in weights), tuple(W[-1] for W in weights)
    assert manual.forward_with_bias_vectors(bars, thetas, x, functions(network)).outputs.dtype == dtype


def test_scan_runs_the_same_lines(assert_within, x64):
    """A recurrent use: the outputs are the next inputs, three times over."""
    network = Network((2, 3, 2), "tanh")
    d, f = draw(network, np.random.default_rng(8), patterns=1), functions(network)
    weights, x = tuple(map(jnp.asarray, d.weights)), jnp.asarray(d.x)
    last, every = jax.lax.scan(lambda a, _: (manual.forward(weights, a, f).outputs,) * 2, x, length=3)
    expected = d.x
    for step in range(3):
        expected = manual.forward(d.weights, expected, f).outputs
        assert_within(every[step], expected, 1e-14)  # three times some 50 roundings of numbers below 1
    assert_within(last, expected, 1e-14)


def test_on_symbols():
    W1, W2, x = symbols("W", (3, 2)), symbols("V", (2, 1)), symbols("x", (1, 2))
    output = manual.forward((W1, W2), x, (manual.TANH, manual.LINEAR)).outputs
    w, v, (x0, x1) = np.asarray(W1), np.asarray(W2), entries(x)
    wanted = sum(v[j, 0] * sympy.tanh(x0 * w[0, j] + x1 * w[1, j] + w[2, j]) for j in range(2))
    assert sympy.expand(entries(output)[0] - wanted) == 0


def test_layers_give_the_backward_pass_what_it_may_look_at(drawn):
    d, f, *_ = drawn
    net = manual.forward(d.weights, d.x, f)
    activations = net.activations
    assert len(net.layers) == len(d.weights)
    for l, layer in enumerate(net.layers):
        n, bias = d.network.sizes[l], d.network.biases[l]
        assert layer.below is activations[l]
        assert layer.f is f[l]
        assert layer.derivative.tolist() == f[l].derivative(layer.z, layer.a).tolist()
        assert layer.second.tolist() == f[l].second(layer.z, layer.a).tolist()
        assert net.fed_by[l] == (layer,)
        assert layer.W_bar.tolist() == d.weights[l][:n].tolist()
        assert layer.with_bias_node.tolist() == [[*row, *[1.0] * bias] for row in activations[l].tolist()]


def test_a_derivative_may_look_at_z(assert_within):
    """f(z) = z² from z < 0 and from z > 0: the same a, another f'. Each equation gets the one of its z."""
    parabola = manual.Activation(
        "parabola", lambda z: z * z, lambda z, a: 2.0 * z, lambda z, a: 2.0 + 0.0 * z, (0.0, np.inf), (6, 6)
    )
    W, x, t = np.array([[3.0]]), np.array([[-1.0], [1.0]]), np.array([[1.0], [1.0]])
    net = manual.forward((W,), x, (parabola,))
    assert net.outputs.tolist() == [[9.0], [9.0]]
    assert manual.deltas(net, t)[0].tolist() == [[8.0 * -6.0], [8.0 * 6.0]]
    (product,) = manual.hessian_vector_product(net, (np.array([[1.0]]),), t)
    assert product.tolist() == [[2 * (6.0 * 6.0 + 8.0 * 2.0)]]  # Σ (f'² + (a - t) f'') x²


def test_other_weights_at_the_same_activations(drawn):
    d, f, *_ = drawn
    net = manual.forward(d.weights, d.x, f)
    moved = net.with_weights([2.0 * W for W in d.weights])
    assert moved.activations == net.activations
    for l, layer in enumerate(moved.layers):
        assert layer.W.tolist() == (2.0 * d.weights[l]).tolist()
        assert layer._replace(W=net.layers[l].W) == net.layers[l]
        assert moved.fed_by[l][0].W is layer.W


@pytest.mark.parametrize("rows", [1, 2, 5])
def test_weights_that_do_not_fit_are_refused(rows):
    with pytest.raises(ValueError, match=rf"expected weights with 3 rows, .* a bias node, got shape \({rows}, 2\)"):
        manual.forward((np.ones((rows, 2)),), np.ones((4, 3)), (manual.TANH,))


def test_as_many_functions_as_weights():
    with pytest.raises(ValueError, match="zip"):
        manual.forward((np.ones((2, 2)),), np.ones(2), (manual.TANH, manual.TANH))
    assert math.isclose(manual.forward((np.ones((2, 1)),), np.ones(2), (manual.LINEAR,)).outputs[0], 2.0)
