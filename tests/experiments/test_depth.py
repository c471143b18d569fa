"""Experiment 7: its quick run, the deltas it measures, and that the page says what the committed results say."""

import jax
import numpy as np
import pytest

from bpnn_jax import Network, load_patterns
from bpnn_jax.network import half_squared_error, init_paired
from experiments import depth


@pytest.fixture(scope="module")
def found(quick_run):
    return quick_run("depth")


def test_the_answer_has_intervals(found):
    assert found["details"].count("[") >= 6


def test_sigmoid_s_delta_vanishes_and_tanh_s_does_not(found):
    """From Glorot's weights a sum of squares is kept on average, so what is left a layer is f': at most 1/4 under sigmoid."""
    kept = {name: 10 ** e["high"] for name, e in found["comparisons"]["factor"].items()}
    assert kept["sigmoid, glorot"] < 0.25
    low = 10 ** found["comparisons"]["factor"]["tanh, glorot"]["low"]
    assert low > 0.5
    assert found["comparisons"]["tanh - sigmoid"]["glorot"]["low"] > 0


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


def test_the_factor_a_layer_is_counted_from_the_output_down():
    run = {"deltas": np.array([[[1e-3, 1e-2, 1e-1, 1.0]]])}
    assert depth.step_down(run).tolist() == pytest.approx([-1.0])
