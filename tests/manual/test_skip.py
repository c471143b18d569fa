"""Skip connections: each layer is fed by all layers below it. Against sums over single connections, JAX, and plain networks."""

import jax
import numpy as np
import pytest

import manual
from bpnn_jax.network import Network, half_squared_error
from bpnn_jax.training._step import functions
from bpnn_jax.verify.equations import reference_and_bound
from bpnn_jax.verify.reference import draw
from manual.curvature import hessian_vector_product

pytestmark = pytest.mark.quick_xla

NETWORKS = (
    Network((2, 1, 1), "sigmoid", skip=True),
    Network((2, 3, 1, 4, 2), ("tanh", "lecun_tanh", "sigmoid", "linear"), hidden_bias=False, skip=True),
)


@pytest.fixture(params=NETWORKS, ids=str)
def drawn(request):
    d = draw(request.param, np.random.default_rng(17), patterns=3)
    return d, functions(d.network), *reference_and_bound(d)


def connections(network):
    """(weight layer, row, layer below, node) of every row that is no bias node's, from the definition: nearest layer first."""
    for l in range(len(network.sizes) - 1):
        row = 0
        for k in reversed(range(l + 1)):
            for node in range(network.sizes[k]):
                yield l, row, k, node
                row += 1


def test_a_node_is_fed_by_every_node_below(drawn, assert_within):
    d, f, exact, allowed = drawn
    a = manual.forward(d.weights, d.x, f, skip=True).activations
    outputs = [d.x, *exact.a]
    for l, W in enumerate(d.weights):
        z = np.array([W[-1] if d.network.biases[l] else 0 * W[-1]] * len(d.x))
        for layer, row, k, node in connections(d.network):
            if layer == l:
                z = z + outputs[k][:, node, None] * W[row]
        assert_within(z, exact.z[l], allowed.z[l])
        assert_within(a[l + 1], exact.a[l], allowed.a[l])


def test_delta_sums_over_every_node_above(drawn, assert_within):
    """(9) and (12), each a sum over single connections, fed JAX's own δ."""
    d, f, exact, allowed = drawn
    net = manual.as_pass(d.weights, d.x, exact.z, exact.a, f, skip=True)
    back = [np.zeros((len(d.x), n)) for n in d.network.sizes]
    for l, row, k, node in connections(d.network):
        back[k][:, node] += exact.delta[l] @ d.weights[l][row]
    for l in range(1, len(net.layers)):
        found = manual.delta_below(net, l, tuple(exact.delta[l:]))
        assert_within(found, exact.derivative[l - 1] * back[l], allowed.delta[l - 1])
        assert_within(found, exact.delta[l - 1], allowed.delta[l - 1])
    found = manual.gradient_of_input(net, tuple(exact.delta))
    assert_within(found, back[0], allowed.input)
    assert_within(found, exact.input, allowed.input)


def test_gradient_is_jax_s(drawn, assert_within):
    d, f, exact, allowed = drawn
    net = manual.forward(d.weights, d.x, f, skip=True)
    assert_within(manual.gradient(net, d.t), exact.gradient, allowed.gradient)
    each = manual.per_pattern_gradients(net, d.t)
    assert_within([g.sum(axis=0) for g in each], exact.gradient, allowed.gradient)


def test_without_weights_on_them_they_change_nothing(drawn):
    """Rows of zeros: the network without."""
    d, f, _, _ = drawn
    plain = Network(d.network.sizes, d.network.activations, d.network.input_bias, d.network.hidden_bias)
    near = [
        np.concatenate([W[:n], W[len(W) - bias :]])
        for W, n, bias in zip(d.weights, d.network.sizes, d.network.biases, strict=False)
    ]
    assert tuple(W.shape for W in near) == plain.shapes
    without = [W.copy() for W in d.weights]
    for l, row, k, _ in connections(d.network):
        if k < l:
            without[l][row] = 0.0
    net, net_plain = manual.forward(without, d.x, f, skip=True), manual.forward(near, d.x, f)
    for one, other in zip(net.activations, net_plain.activations, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=8 * 2.0**-53)  # a sum in another order, of numbers up to 8
    for one, other in zip(manual.deltas(net, d.t), manual.deltas(net_plain, d.t), strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=64 * 2.0**-53)


def test_curvature_is_jvp_of_grad(drawn, x64):
    d, f, _, _ = drawn
    V = tuple(np.random.default_rng(3).uniform(-1, 1, W.shape) for W in d.weights)
    hand = hessian_vector_product(manual.forward(d.weights, d.x, f, skip=True), V, d.t)
    g = jax.grad(lambda w: half_squared_error(d.network, w, d.x, d.t))
    exact = jax.jvp(g, (d.weights,), (V,))[1]
    for one, other in zip(hand, exact, strict=True):
        # Some 100 roundings on each side, of numbers up to the largest of the layer and 1.
        np.testing.assert_allclose(one, other, rtol=0, atol=200 * 2.0**-53 * max(1.0, abs(np.asarray(other)).max()))
