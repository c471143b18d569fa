"""Batches with patterns as columns: the gradient is JAX's, the error is what its measure says, and no bit is lost."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bpnn_jax.network import OBJECTIVES, Network
from bpnn_jax.training import _columns, _outputs
from bpnn_jax.training._settings import Settings


def drawn(network, patterns, dtype="float64"):
    rng = np.random.default_rng(patterns)
    weights = tuple(rng.normal(size=shape).astype(dtype) for shape in network.shapes)
    x = rng.uniform(0, 1, (patterns, network.sizes[0])).astype(dtype)
    t = rng.dirichlet(np.ones(network.sizes[-1]), patterns).astype(dtype)
    return weights, x, t


@pytest.mark.parametrize("patterns", [1, 40])
@pytest.mark.parametrize(
    ("network", "objective"),
    [
        (Network((7, 5, 4, 3), ("tanh", "sigmoid", "softmax")), "cross-entropy"),
        (Network((7, 5, 4, 3), ("gelu", "tanh", "softmax"), hidden_bias=False), "half-squared-error"),
        (Network((7, 5, 4, 3), "sigmoid", input_bias=False), "half-squared-error"),
    ],
    ids=str,
)
def test_the_gradient_of_a_batch_is_that_of_jax(network, objective, patterns, assert_within):

    @jax.jit
    def both(weights, x, t):
        apart = _columns.apart(network, weights)
        g, (_, a) = _columns.gradient(network, apart, _columns.batch(x, t), objective)
        return _columns.joined(g), a, jax.grad(OBJECTIVES[objective], argnums=1)(network, weights, x, t)

    with jax.enable_x64(True):
        joined, a, expected = both(*drawn(network, patterns))
    assert a.shape == (3, patterns)
    # Sums of up to 40 patterns of numbers below 10, and 2^-53 of that for each of some 40 roundings, on either side.
    assert_within(joined, expected, 2 * 40 * 10 * 40 * 2.0**-53)


def test_of_many_patterns_with_many_inputs_the_gradient_is_the_same(assert_within):
    """Another product from so many on; one pattern less, or one input, and it is the usual one."""
    network = Network((_columns.WIDE, 3, 2))
    weights, x, t = drawn(network, _columns.MANY)

    @jax.jit
    def found(weights, x, t):
        g, _ = _columns.gradient(network, _columns.apart(network, weights), _columns.batch(x, t), "half-squared-error")
        return _columns.joined(g)

    with jax.enable_x64(True):
        whole = found(weights, x, t)
        parts = [found(weights, x[at], t[at]) for at in (slice(0, 1), slice(1, None))]
        text = [str(jax.make_jaxpr(found)(weights, x[at:], t[at:])) for at in (0, 1)]
        summed = jax.tree.map(lambda a, b: a + b, *parts)
    assert [one.count("optimization_barrier") for one in text] == [3, 2]
    # Sums of 256 patterns of numbers below 1, and 2^-53 of that for each of some 256 roundings, on either side.
    assert_within(whole, summed, 2 * 256 * 256 * 2.0**-53)


def test_what_is_taken_apart_is_joined_to_the_bit():
    network = Network((4, 3, 2), hidden_bias=False)
    weights, x, t = drawn(network, 5, "float32")
    again = _columns.joined(_columns.apart(network, tuple(map(jnp.asarray, weights))))
    assert [W.tolist() for W in again] == [W.tolist() for W in weights]
    batch = _columns.batch(jnp.asarray(x), jnp.asarray(t))
    assert (batch.x.tolist(), batch.columns.T.tolist(), batch.t.T.tolist()) == (x.tolist(), x.tolist(), t.tolist())


@pytest.mark.parametrize("patterns", [1, 31, 160])
def test_the_error_of_a_batch_is_what_the_measure_says(patterns, assert_within):
    network = Network((3, 10))
    _, _, t = drawn(network, patterns)
    a = np.random.default_rng(0).uniform(0, 1, t.shape)
    squares = 0.5 * np.square(a - t)
    expected = {
        "sum": 3 + squares.sum(),
        "last-output": 3 + squares[:, -1].sum(),
        "last-pattern": squares[-1, -1],
    }

    @jax.jit
    def measured(a, t):
        return {
            measure: _outputs.measured_batch(network, Settings(measure=measure), 3.0, None, a, t)
            for measure in expected
        }

    with jax.enable_x64(True):
        found = measured(a.T, t.T)
    # Up to 1600 numbers up to ½, whose sum is below 300.
    assert_within(found, expected, 1600 * 300 * 2.0**-53)


def test_an_order_of_nodes_is_kept_through_every_layer():
    """Layers of one size, where a matrix that is not transposed would fit too."""
    network = Network((4, 4, 4), ("sigmoid", "linear"), input_bias=False, hidden_bias=False)
    first = np.zeros((4, 4))
    first[0, 2] = 1.0  # from input 0 to hidden node 2
    second = np.zeros((4, 4))
    second[2, 1] = 1.0  # and on to output 1
    x = np.eye(4)[:1]

    @jax.jit
    def gradient(weights, x, t):
        apart = _columns.apart(network, weights)
        g, (z, _) = _columns.gradient(network, apart, _columns.batch(x, t), "half-squared-error")
        return z, *_columns.joined(g)

    with jax.enable_x64(True):
        z, *joined = jax.device_get(gradient((first, second), x, np.zeros((1, 4))))
    a = 1 / (1 + np.exp(-1.0))
    assert np.flatnonzero(z[:, 0]).tolist() == [1]
    assert np.argwhere(joined[0]).tolist() == [[0, 2]]  # one input that is not 0, and one node that output 1 looks at
    assert abs(joined[0][0, 2] - a * a * (1 - a)) < 1e-15  # δ of output 1 is a; a few roundings of numbers below 1
    assert np.argwhere(joined[1]).tolist() == [[i, 1] for i in range(4)]
