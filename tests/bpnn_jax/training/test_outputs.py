"""The output layer of the generic engine: several patterns to a row change no number, and the error is that of (7)."""

from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import manual
from bpnn_jax.network import Network
from bpnn_jax.training import _outputs, _step
from bpnn_jax.training._loop import Settings

HALF = manual.OBJECTIVES["half-squared-error"].equations


def drawn(patterns, sizes=(7, 5, 10), dtype="float32"):
    rng = np.random.default_rng(patterns)
    weights = tuple(rng.normal(size=(n_in + 1, n_out)).astype(dtype) for n_in, n_out in pairwise(sizes))
    x, t = (rng.uniform(0, 1, (patterns, n)).astype(dtype) for n in (sizes[0], sizes[-1]))
    return weights, x, t


@pytest.mark.parametrize(
    ("patterns", "rows", "biases"), [(160, (20, 80), True), (160, (20, 80), False), (161, (161, 10), True)]
)
def test_several_patterns_to_a_row_change_no_bit(patterns, rows, biases):
    """Beside manual's own lines, operation by operation, so that nothing is fused."""
    weights, x, t = drawn(patterns)
    W_bar = tuple(jnp.asarray(W[:-1]) for W in weights)
    theta = tuple(jnp.asarray(W[-1:]) for W in weights) if biases else (0.0, 0.0)
    given = W_bar, theta, jnp.asarray(x), (manual.TANH, manual.SIGMOID)
    with jax.disable_jit():
        here, usual = _outputs.forward(*given), manual.forward_with_bias_vectors(*given)
        assert _outputs.in_rows(here.layers[-1].a).shape == rows
        for ours, theirs in zip(here.layers, usual.layers, strict=True):
            assert (ours.z.tolist(), ours.a.tolist(), ours.f) == (theirs.z.tolist(), theirs.a.tolist(), theirs.f)
        delta = _outputs.equations(HALF).output_delta(here.layers[-1], jnp.asarray(t))
        assert delta.tolist() == HALF.output_delta(usual.layers[-1], jnp.asarray(t)).tolist()


@pytest.mark.parametrize(("output", "patterns"), [("sigmoid", 160), ("softmax", 160), ("sigmoid", 32)])
def test_the_gradient_of_a_batch_is_that_of_the_weights_with_bias_rows(output, patterns, assert_within):
    network = Network((7, 5, 10), ("tanh", output))
    with jax.enable_x64(True):
        weights, x, t = drawn(patterns, dtype="float64")
        gradient = jax.jit(_step.gradient, static_argnums=(0, 4))
        parts, (_, a) = gradient(network, _step.apart(network, weights), x, t, "manual")
        whole, (_, b) = gradient(network, weights, x, t, "autodiff")
        joined = _step.joined(parts)
    # Sums of up to 160 patterns, below 20, and 2^-53 of that for each rounding, on either side.
    assert_within((*joined, a), (*whole, b), 2 * 160 * 20 * 2.0**-53)


@pytest.mark.parametrize("patterns", [1, 31, 160, 161])
def test_the_error_is_half_the_sum_of_squares(patterns, assert_within):
    _, a, t = drawn(patterns, (10, 5, 10), "float64")
    a, t = (v[0] if patterns == 1 else v for v in (a, t))
    with jax.enable_x64(True):
        found = _outputs.measured(Network((3, 10)), Settings(), 3.0, None, jnp.asarray(a), jnp.asarray(t))
    # 1610 numbers up to 1, whose sum is below 300.
    assert_within(found, 3 + 0.5 * np.square(a - t).sum(), 1610 * 300 * 2.0**-53)
