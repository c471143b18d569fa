"""Softmax (18), cross-entropy (19) and weight decay (20), beside JAX's and optax's own and beside long arithmetic."""

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import optax
import pytest

import manual
from bpnn_jax.network import Network, cross_entropy, half_squared_error
from bpnn_jax.training._step import functions
from manual.objective import sigmoid_cross_entropy, softmax, softmax_cross_entropy, softmax_jacobian

pytestmark = pytest.mark.quick_xla
U = 2.0**-53
FAR = np.array([[-1000.0, 0.0, 1000.0], [800.0, 801.0, 799.0], [-745.0, -746.0, -800.0], [1e-300, 0.0, -1e-300]])
SHARES = np.array([[0.25, 0.5, 0.25], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.125, 0.875, 0.0]])


def exact_softmax(z):
    with mpmath.workdps(1000):
        rows = []
        for row in z.tolist():
            e = [mpmath.exp(value) for value in row]
            rows.append([float(value / sum(e)) for value in e])
        return np.array(rows)


def test_softmax_is_right_to_a_few_roundings_however_far_out(assert_within):
    # The exponent z - m is rounded, which moves e^(z - m) by |z - m| of its roundings; then three operations.
    exact, below = exact_softmax(FAR), FAR.max(axis=1, keepdims=True) - FAR
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        assert_within(softmax(FAR), exact, (below + 8) * U * exact)
    np.testing.assert_allclose(softmax(FAR), jax.nn.softmax(jnp.asarray(FAR, jnp.float32)), atol=1e-7)  # float32's


@pytest.mark.parametrize("shift", [-300.0, 0.5, 64.0])
def test_a_number_added_to_all_z_changes_no_softmax(shift, assert_within):
    z = np.random.default_rng(1).uniform(-3, 3, (5, 4))
    assert_within(softmax(z + shift), softmax(z), 2 * (abs(shift) + 8) * U)


def test_the_jacobian_s_rows_sum_to_0_and_it_is_jax_s(assert_within, x64):
    z = np.random.default_rng(2).uniform(-5, 5, (6, 4))
    J = softmax_jacobian(z, softmax(z))
    assert_within(J.sum(axis=-1), np.zeros((6, 4)), 8 * U)
    assert_within(J, np.asarray(jax.jit(jax.vmap(jax.jacfwd(jax.nn.softmax)))(z)), 8 * U)
    assert_within(softmax_jacobian(z[0], softmax(z[0])), J[0], 0)


def test_cross_entropy_with_softmax_keeps_its_digits_far_out(assert_within):
    with mpmath.workdps(1000):
        terms = [
            -mpmath.mpf(tk) * mpmath.log(mpmath.exp(zk) / sum(mpmath.exp(v) for v in z))
            for z, t in zip(FAR.tolist(), SHARES.tolist(), strict=True)
            for zk, tk in zip(z, t, strict=True)
        ]
        exact = float(sum(terms))
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        assert_within(softmax_cross_entropy(FAR, SHARES), exact, 16 * U * exact)
    rows = optax.softmax_cross_entropy(jnp.asarray(FAR, jnp.float32), jnp.asarray(SHARES, jnp.float32))
    np.testing.assert_allclose(rows.sum(), exact, rtol=1e-6)  # float32's


def test_cross_entropy_with_sigmoid_keeps_its_digits_far_out(assert_within):
    t = np.array([[1.0, 0.5, 1.0], [0.25, 0.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.5]])
    with mpmath.workdps(1000):
        terms = []
        for zk, tk in zip(FAR.ravel().tolist(), t.ravel().tolist(), strict=True):
            e = mpmath.exp(-mpmath.mpf(zk))
            terms.append(tk * mpmath.log(1 + e) + (1 - tk) * (zk + mpmath.log(1 + e)))
        exact = float(sum(terms))
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        assert_within(sigmoid_cross_entropy(FAR, t), exact, 16 * U * exact)
    rows = optax.sigmoid_binary_cross_entropy(jnp.asarray(FAR, jnp.float32), jnp.asarray(t, jnp.float32))
    np.testing.assert_allclose(rows.sum(), exact, rtol=1e-6)  # float32's


@pytest.mark.parametrize("output", ["sigmoid", "softmax"])
@pytest.mark.parametrize("objective", manual.OBJECTIVES)
@pytest.mark.parametrize("skip", [False, True])
def test_gradient_and_curvature_are_those_of_optax_s_loss(output, objective, skip, assert_within, x64):
    """The witness is written here once more, from the outputs' z: neither ``manual`` nor ``bpnn_jax.network`` has a part in it."""
    network = Network((3, 4, 3), ("tanh", output), skip=skip)
    rng = np.random.default_rng(3)
    weights, V = (tuple(rng.uniform(-1, 1, shape) for shape in network.shapes) for _ in range(2))
    x, t = rng.uniform(-2, 2, (5, 3)), rng.dirichlet(np.ones(3), 5)

    def loss(weights):
        hidden = jnp.tanh(jnp.concatenate([x, np.ones((5, 1))], axis=1) @ weights[0])
        below = [hidden, x] if skip else [hidden]
        z = jnp.concatenate([*below, np.ones((5, 1))], axis=1) @ weights[1]
        if objective == "half-squared-error":
            return jnp.sum(optax.l2_loss({"sigmoid": jax.nn.sigmoid, "softmax": jax.nn.softmax}[output](z), t))
        one = optax.softmax_cross_entropy if output == "softmax" else optax.sigmoid_binary_cross_entropy
        return jnp.sum(one(z, t))

    net, by_hand = manual.forward(weights, x, functions(network), skip), manual.OBJECTIVES[objective]
    witness = {"half-squared-error": half_squared_error, "cross-entropy": cross_entropy}[objective]

    @jax.jit
    def by_jax(weights, V):
        curved = jax.jvp(jax.grad(loss), (weights,), (V,))[1]
        return *jax.value_and_grad(loss)(weights), curved, witness(network, weights, x, t)

    value, exact, curved, witnessed = by_jax(weights, V)
    assert_within(by_hand.error(net.layers[-1], t), value, 100 * U * (1 + abs(value)))
    # Sums of a few dozen products of numbers up to 10.
    assert_within(manual.gradient(net, t, by_hand.equations), exact, 2000 * U)
    assert_within(manual.hessian_vector_product(net, V, t, by_hand), curved, 4000 * U)
    assert_within(np.asarray(witnessed), value, 100 * U * (1 + abs(value)))


def test_a_saturated_output_that_is_wrong_still_learns_with_cross_entropy():
    z, t = np.array([[-40.0]]), np.array([[1.0]])
    layer = manual.Layer(z, z, z, manual.SIGMOID.value(z), manual.SIGMOID)
    squared, cross = (objective.equations.output_delta(layer, t) for objective in manual.OBJECTIVES.values())
    assert abs(squared.item()) < 1e-16
    assert cross.item() == -1.0


def test_decay_leaves_the_bias_row_alone_and_is_the_gradient_of_its_term(x64):
    rng = np.random.default_rng(4)
    g, W = rng.uniform(-1, 1, (2, 4, 3))
    for n in (3, 4):  # with a bias row and without
        term = jax.jit(jax.grad(lambda W, n=n: 0.25 * jnp.sum(jnp.square(W[:n]))))(W)
        np.testing.assert_allclose(manual.decayed(g, W, n, 0.5) - g, term, atol=4 * U)
        np.testing.assert_array_equal(manual.decayed(g, W, n, 0.5)[n:], g[n:])
        np.testing.assert_array_equal(manual.decayed(g, W, n, 0.0), g)
