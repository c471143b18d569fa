"""Experiment 7: its quick run, the deltas it measures, and that the page says what the committed results say."""

import jax
import numpy as np
import pytest

from bpnn_jax import Network, load_patterns
from bpnn_jax.network import half_squared_error, init_paired
from experiments import depth

pytestmark = pytest.mark.quick_xla


@pytest.fixture(scope="module")
def found(quick_run):
    return quick_run("depth")


def test_the_answer_has_intervals(found):
    assert found["details"].count("[") >= 6


def test_sigmoid_s_delta_vanishes_and_tanh_s_does_not(found):
    """From Glorot's weights a sum of squares is kept on average, so what is left per layer is f': at most 1/4 under sigmoid."""
    assert 10 ** found["factor"]["sigmoid"]["Glorot × 1"]["high"] < 0.25
    assert 10 ** found["factor"]["tanh"]["Glorot × 1"]["low"] > 0.5
    assert found["comparisons"]["factor"]["Glorot × 1"]["low"] > 0


def test_four_times_the_weights_keep_more_of_the_delta(found):
    """Under sigmoid f' is 1/4 at small sums, so four times as large weights would keep all of it if the sums stayed small."""
    small, large = (10 ** found["factor"]["sigmoid"][start]["value"] for start in ("Glorot × 1", "Glorot × 4"))
    assert 1.5 * small < large < 4 * small


def test_a_start_is_glorot_s_weights_times_its_gain():
    network = Network((4, 3, 1), "tanh")
    once, four = (depth.first_weights(network, start, [5]) for start in ("Glorot × 1", "Glorot × 4"))
    for W, larger in zip(once, four, strict=True):
        np.testing.assert_array_equal(4 * W, larger)  # a power of two: to multiply by it rounds nothing


def test_the_deltas_are_those_of_jax(x64):
    """∂E/∂θ of a layer is its delta summed over patterns (11); of a single pattern it is the delta."""
    network = Network((4, 3, 2, 1), "tanh")
    weights = init_paired(network, "glorot", (), np.arange(2))
    x, t = load_patterns("parity-4").x[5:6], np.array([[1.0]])
    sizes = depth.delta_sizes(network, weights, x, t)
    gradient = jax.jit(jax.grad(half_squared_error, argnums=1), static_argnums=0)
    for i in range(2):
        own = tuple(W[i].astype(np.float64) for W in weights)
        g = gradient(network, own, x, t)
        expected = [float(np.sqrt(np.mean(np.square(W[-1])))) for W in g]
        np.testing.assert_allclose(sizes[i], expected, rtol=1e-12)  # a dozen operations in float64
