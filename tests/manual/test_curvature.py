"""Equation (16): the Hessian-vector product against JAX's, against complex step, and against what is known of any Hessian."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import manual
from bpnn_jax.network import Network, half_squared_error
from bpnn_jax.training._step import functions
from bpnn_jax.verify.reference import draw

pytestmark = pytest.mark.quick_xla

NETWORKS = (
    Network((3, 2), "sigmoid"),
    Network((3, 4, 2), ("lecun_tanh", "linear")),
    Network((2, 3, 3, 2), ("sigmoid", "tanh", "lecun_tanh"), hidden_bias=False),
    Network((2, 3, 2, 2, 1), "tanh", input_bias=False),
)
U = 2.0**-53


def product(d, V, x=None, t=None):
    f = functions(d.network)
    x, t = (d.x, d.t) if x is None else (x, t)
    return manual.hessian_vector_product(manual.forward(d.weights, x, f), V, t)


def dot(U, V):
    return sum((u * v).sum() for u, v in zip(U, V, strict=True))


def by_complex_step(d, V, dtype=np.clongdouble, h=1e-100):
    """Im ∂E/∂W(W + ihV)/h, with the hand gradient on complex numbers: the R-operator by arithmetic."""
    f = functions(d.network)
    weights = tuple(W.astype(dtype) + 1j * dtype(h) * v.astype(dtype) for W, v in zip(d.weights, V, strict=True))
    g = manual.gradient(manual.forward(weights, d.x.astype(dtype), f), d.t.astype(dtype))
    return [(leaf.imag / h) for leaf in g]


@pytest.fixture(params=[(n, s) for n in NETWORKS for s in (False, True)], ids=lambda p: f"{p[0]}{'!' * p[1]}")
def drawn(request):
    """A draw, ordinary and saturated, and a direction."""
    network, saturated = request.param
    rng = np.random.default_rng(21)
    d = draw(network, rng, patterns=4, saturated=saturated)
    return d, tuple(rng.uniform(-1, 1, W.shape) for W in d.weights)


def test_against_jvp_of_grad_and_complex_step(drawn, assert_within, x64):
    d, V = drawn
    x, t, weights, direction = jax.tree.map(jnp.asarray, (d.x, d.t, d.weights, V))
    gradient = jax.grad(lambda w: half_squared_error(d.network, w, x, t))
    automatic = jax.jit(lambda w, v: jax.jvp(gradient, (w,), (v,))[1])(weights, direction)
    exact = by_complex_step(d, V)
    # For a black box (docs/auditor.md): six times what autodiff itself loses in this leaf, and 4 ulp of the leaf.
    allowed = [
        6 * (abs(np.asarray(low) - e).max() + 4 * U * abs(e).max()) for low, e in zip(automatic, exact, strict=True)
    ]
    assert_within(product(d, V), exact, allowed)
    # Two computations of 300 roundings at most, of numbers no larger than the leaf's sums of magnitudes.
    assert_within(automatic, exact, [600 * U * abs(e).max() + 600 * U for e in exact])


def test_complex_step_in_float64_agrees_as_well(drawn, assert_within):
    d, V = drawn
    found = product(d, V)
    assert_within(by_complex_step(d, V, np.complex128), found, [600 * U * (1 + abs(p).max()) for p in found])


def test_hessian_is_symmetric_and_linear(drawn):
    d, V = drawn
    rng = np.random.default_rng(22)
    other = tuple(rng.uniform(-1, 1, W.shape) for W in d.weights)
    HV, HU = product(d, V), product(d, other)
    size = dot([abs(p) for p in HV], [abs(v) for v in other]) + dot([abs(p) for p in HU], [abs(v) for v in V])
    assert abs(dot(HV, other) - dot(HU, V)) <= 600 * U * (1 + size)
    both = product(d, tuple(2 * v - 3 * u for v, u in zip(V, other, strict=True)))
    for b, v, u in zip(both, HV, HU, strict=True):
        assert (abs(b - (2 * v - 3 * u)) <= 600 * U * (1 + 2 * abs(v).max() + 3 * abs(u).max())).all()
    assert all((p == 0).all() for p in product(d, tuple(0 * v for v in V)))


def test_one_linear_layer_has_the_hessian_of_least_squares(assert_within):
    """H V = [x,1]ᵀ[x,1] V, whatever the weights and targets."""
    d = draw(Network((3, 2), "linear"), np.random.default_rng(23))
    V = np.arange(8.0).reshape(4, 2)
    X = np.concatenate([d.x, np.ones((len(d.x), 1))], axis=1)
    assert_within(product(d, (V,)), X.T @ (X @ V), 1e-13)  # integers up to 7, eight patterns: some 50 roundings of 28


def test_one_sigmoid_unit_has_the_second_derivative_of_the_textbook(assert_within):
    """E'' = (f'² + (a - t) f'') x², at one weight."""
    w, x, t = 0.7, -1.3, 0.2
    a = 1 / (1 + np.exp(-w * x))
    expected = ((a * (1 - a)) ** 2 + (a - t) * a * (1 - a) * (1 - 2 * a)) * x * x
    weights, xs = (np.array([[w]]),), np.array([[x]])
    net = manual.forward(weights, xs, (manual.SIGMOID,))
    found = manual.hessian_vector_product(net, (np.ones((1, 1)),), np.array([[t]]))
    assert_within(found, np.array([[expected]]), 50 * U)


def test_patterns_add_up_and_one_pattern_is_a_batch_of_one(drawn, assert_within):
    d, V = drawn
    found = product(d, V)
    single = [product(d, V, x, t) for x, t in zip(d.x, d.t, strict=True)]
    alone = [product(d, V, d.x[p : p + 1], d.t[p : p + 1]) for p in range(len(d.x))]
    # In the leaf of a batch the patterns may cancel: the sum of their magnitudes is what is rounded.
    size = [600 * U * (sum(abs(s[l]).max() for s in single) + 1) for l in range(len(found))]
    assert_within([sum(s[l] for s in single) for l in range(len(found))], found, size)
    for one, batch in zip(single, alone, strict=True):
        assert_within(one, batch, size)


def test_jit_and_vmap_over_directions(assert_within, x64):
    d = draw(Network((2, 3, 1), "tanh"), np.random.default_rng(24))
    rng = np.random.default_rng(25)
    many = tuple(rng.uniform(-1, 1, (5, *W.shape)) for W in d.weights)
    f = functions(d.network)
    weights, x, t, directions = jax.tree.map(jnp.asarray, (d.weights, d.x, d.t, many))

    @jax.jit
    def all_of_them(weights, x, t, directions):
        net = manual.forward(weights, x, f)
        return jax.vmap(lambda V: manual.hessian_vector_product(net, V, t))(directions)

    found = all_of_them(weights, x, t, directions)
    for i in range(5):
        expected = product(d, tuple(V[i] for V in many))
        assert_within([p[i] for p in found], expected, [600 * U * (1 + abs(e).max()) for e in expected])
