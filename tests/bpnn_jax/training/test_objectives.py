"""Objectives, weight decay and the mean in every engine, beside a loop in NumPy that takes nothing from ``manual``."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bpnn_jax.errors import InputError
from bpnn_jax.network import Network
from bpnn_jax.training import _engines, run_epochs, train, train_many
from bpnn_jax.training._loop import GENERIC
from bpnn_jax.training._settings import Settings
from bpnn_jax.training.gpu import block

pytestmark = pytest.mark.quick_xla

SOFTMAX = Network((3, 4, 3), ("tanh", "softmax"))
SIGMOID = Network((3, 4, 3), ("tanh", "sigmoid"), hidden_bias=False)
RATE, EPOCHS = 0.1, 3
ROUNDINGS = 2000 * 2.0**-53  # of some 20 updates of 60 roundings, of numbers up to 2, on each side


def drawn(network, patterns=5):
    """Five patterns, so that the last of the minibatches of three has two: its mean is over these two."""
    rng = np.random.default_rng(11)
    weights = tuple(rng.uniform(-1, 1, shape) for shape in network.shapes)
    return weights, rng.uniform(-1, 1, (patterns, 3)), rng.dirichlet(np.ones(3), patterns)


def in_numpy(network, weights, x, t, size, objective, decay, mean):
    """sgd, written out for one tanh layer and the output, with what the error of each epoch was."""
    W1, W2 = (W.copy() for W in weights)
    b2, errors = network.hidden_bias, []
    for _ in range(EPOCHS):
        errors.append(0.0)
        for at in range(0, len(x), size):
            X, T = x[at : at + size], t[at : at + size]
            n = len(X)
            x1 = np.hstack([X, np.ones((n, 1))])
            h = np.tanh(x1 @ W1)
            h1 = np.hstack([h, np.ones((n, 1))]) if b2 else h
            z = h1 @ W2
            if network.activations[-1] == "softmax":
                a = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
                E, squared = -(T * np.log(a)).sum(), a * ((a - T) - ((a - T) * a).sum(axis=1, keepdims=True))
            else:
                a = 1 / (1 + np.exp(-z))
                E, squared = -(T * np.log(a) + (1 - T) * np.log(1 - a)).sum(), (a - T) * a * (1 - a)
            d2 = a - T if objective == "cross-entropy" else squared
            errors[-1] += E if objective == "cross-entropy" else 0.5 * ((a - T) ** 2).sum()
            d1 = (1 - h * h) * (d2 @ W2[:4].T)
            g1, g2 = x1.T @ d1, h1.T @ d2
            if mean:
                g1, g2 = g1 / n, g2 / n
            g1[:3] += decay * W1[:3]
            g2[:4] += decay * W2[:4]
            W1, W2 = W1 - RATE * g1, W2 - RATE * g2
    return (W1, W2), errors


CASES = [
    (SOFTMAX, "cross-entropy", 0.0, "sum"),
    (SIGMOID, "cross-entropy", 0.25, "mean"),
    (SOFTMAX, "half-squared-error", 0.25, "mean"),
]
MODES = [({"mode": "online"}, 1), ({"mode": "minibatch", "batch_size": 3}, 3), ({"mode": "batch"}, 5)]


# Each objective, each mode, and each pair of them at length: who cuts batches knows nothing of the objective.
QUICK = {(0, 0), (2, 0), (1, 1), (2, 2)}
PAIRS = [
    pytest.param(*case, *mode, marks=() if (c, m) in QUICK else pytest.mark.deep)
    for c, case in enumerate(CASES)
    for m, mode in enumerate(MODES)
]


@pytest.mark.parametrize(("network", "objective", "decay", "reduction", "mode", "size"), PAIRS, ids=str)
def test_every_engine_is_the_loop_of_matrices(network, objective, decay, reduction, mode, size, assert_within):
    weights, x, t = drawn(network)
    expected, errors = in_numpy(network, weights, x, t, size, objective, decay, reduction == "mean")
    given = {"objective": objective, "weight_decay": decay, "reduction": reduction, "rule": "sgd", **mode}
    given |= {"weights": weights, "learning_rate": RATE, "epochs": EPOCHS, "dtype": "float64"}
    one = train(network, x, t, **given)
    auto = train(network, x, t, gradient="autodiff", **given)
    many = train_many(network, x, t, seeds=2, **given)
    assert (one.engine, auto.engine) == ("fused loop" if size == 1 else "fused batches", "generic")
    assert many.engine == "lanes"
    for found, history in (
        (one.weights, one.history[:, 1]),
        (auto.weights, auto.history[:, 1]),
        (tuple(W[1] for W in many.weights), many.history[:, 1]),
    ):
        assert_within(found, expected, ROUNDINGS)
        assert_within(history, np.array(errors), 10 * ROUNDINGS)  # of numbers up to 10
    with jax.enable_x64(True):
        del given["dtype"]
        traced = run_epochs(network, x, t, **{**given, "weights": tuple(map(jnp.asarray, weights))})
    assert_within(traced.weights, expected, ROUNDINGS)


@pytest.mark.parametrize("rule", ["previous-gradient", "rmsprop"])
def test_the_mean_and_the_decay_are_there_for_every_rule(rule, assert_within, monkeypatch):
    """A mean over one pattern is its gradient, so online nothing moves; and the decay is in the gradient of optax's rules too."""
    weights, x, t = drawn(SOFTMAX)
    given = {"weights": weights, "rule": rule, "learning_rate": 0.01, "epochs": 2, "dtype": "float64"}
    plain, mean = (train(SOFTMAX, x, t, reduction=r, **given) for r in ("sum", "mean"))
    assert_within(mean.weights, plain.weights, 0)
    decayed = train(SOFTMAX, x, t, weight_decay=0.25, **given)
    assert max(abs(a - b).max() for a, b in zip(decayed.weights, plain.weights, strict=True)) > 1e-4
    monkeypatch.setattr(_engines, "engine_for", lambda *given: GENERIC)
    assert_within(train(SOFTMAX, x, t, weight_decay=0.25, **given).weights, decayed.weights, ROUNDINGS)


def test_an_article_s_order_has_them_too_and_is_the_same_in_both_loops(assert_within, monkeypatch):
    weights, x, t = drawn(SOFTMAX)
    given = {"weights": weights, "order": "article", "epochs": 2, "dtype": "float64", "learning_rate": RATE}
    given |= {"objective": "cross-entropy", "weight_decay": 0.25}
    fused = train(SOFTMAX, x, t, **given)
    monkeypatch.setattr(_engines, "engine_for", lambda *given: GENERIC)
    assert_within(fused.weights, train(SOFTMAX, x, t, **given).weights, ROUNDINGS)


@pytest.mark.parametrize("measure", ["last-output", "last-pattern"])
def test_other_measures_are_of_the_same_objective(measure, monkeypatch, assert_within):
    weights, x, t = drawn(SOFTMAX)
    given = {"weights": weights, "learning_rate": 0.0, "momentum": 0.0, "epochs": 1, "objective": "cross-entropy"}
    z = np.hstack([np.tanh(np.hstack([x, np.ones((5, 1))]) @ weights[0]), np.ones((5, 1))]) @ weights[1]
    terms = -t[:, -1] * np.log(np.exp(z[:, -1]) / np.exp(z).sum(axis=1))
    expected = terms.sum() if measure == "last-output" else terms[-1]
    found = train(SOFTMAX, x, t, measure=measure, dtype="float64", **given).error
    many = train_many(SOFTMAX, x, t, seeds=1, measure=measure, dtype="float64", **given).error[0]
    monkeypatch.setattr(_engines, "engine_for", lambda *given: GENERIC)
    generic = train(SOFTMAX, x, t, measure=measure, dtype="float64", **given).error
    assert_within([found, many, generic], [expected] * 3, 100 * 2.0**-53)


def test_an_error_far_out_is_finite_and_its_run_goes_on():
    """a is 0 to rounding and its logarithm would be infinite."""
    network = Network((1, 2), "softmax", input_bias=False)
    given = {"weights": (np.array([[-500.0, 500.0]]),), "objective": "cross-entropy", "epochs": 1, "momentum": 0.0}
    found = train(network, [[1.0]], [[1.0, 0.0]], learning_rate=1.0, **given)
    assert found.error == 1000.0
    np.testing.assert_array_equal(found.weights[0], [[-499.0, 499.0]])


REFUSED = [
    (Network((2, 3), "tanh"), np.eye(3)[:2], {}, "expected sigmoid or softmax outputs for cross-entropy, got tanh"),
    (Network((2, 1)), [[1.0], [-1.0]], {}, "got -1 in pattern 1, column 0; (t + 1) / 2 makes 0 and 1 of -1 and 1"),
    (Network((2, 1)), [[1.0], [1.5]], {}, "expected targets from 0 to 1 for cross-entropy, got 1.5 in pattern 1"),
    (Network((2, 3), "softmax"), [[0, 1, 0], [0, 1, 1]], {}, "expected targets whose sum is 1"),
    (Network((2, 3), "softmax"), [[0, 1, 0], [0, 0, 0]], {}, "got 0 in pattern 1; sigmoid outputs take several"),
    (Network((2, 1)), [[1], [0]], {"weight_decay": 0.1, "rule": "lion"}, "expected no weight_decay with lion"),
    (Network((2, 1)), [[1], [0]], {"weight_decay": -1}, "expected weight_decay as a finite number from 0 up, got -1"),
    (Network((2, 1)), [[1], [0]], {"objective": "cross"}, "unknown objective 'cross'; did you mean 'cross-entropy'"),
    (Network((2, 1)), [[1], [0]], {"reduction": "average"}, "unknown reduction 'average'"),
]


@pytest.mark.parametrize(("network", "t", "given", "message"), REFUSED, ids=[case[3] for case in REFUSED])
def test_what_does_not_go_together_is_refused_by_all_three(network, t, given, message):
    given = {"objective": "cross-entropy", "epochs": 1, **given}
    for function, more in ((train, {}), (train_many, {"seeds": 1}), (run_epochs, {})):
        with pytest.raises(InputError, match=re.escape(message)):
            function(network, [[0.0, 1.0], [1.0, 0.0]], t, **more, **given)


def test_shares_that_float32_rounds_are_taken():
    t = np.full((2, 3), 1 / 3, np.float32)
    found = train(Network((2, 3), "softmax"), np.eye(2), t, objective="cross-entropy", epochs=1, dtype="float64")
    assert np.isfinite(found.error)


def test_traced_patterns_are_checked_for_their_outputs_too():
    with pytest.raises(InputError, match="expected sigmoid or softmax outputs for cross-entropy, got linear"):
        jax.jit(lambda x, t: run_epochs(Network((2, 1), "linear"), x, t, objective="cross-entropy").errors)(
            np.eye(2), np.ones((2, 1))
        )


@pytest.mark.parametrize(
    ("network", "given", "message"),
    [
        (Network((2, 3, 2), ("tanh", "softmax")), {}, "softmax outputs"),
        (Network((2, 3, 1)), {"objective": "cross-entropy"}, "objective='cross-entropy'"),
        (Network((2, 3, 1)), {"weight_decay": 0.5}, "no weight decay; got weight_decay=0.5"),
    ],
)
def test_the_gpu_kernel_refuses_them(network, given, message):
    assert message in block.supports(network, Settings(**given))
    assert block.supports(Network((2, 3, 1)), Settings(reduction="mean")) == ""  # of one pattern it is the gradient


def test_a_softmax_below_the_output_or_of_one_output_is_refused():
    with pytest.raises(
        InputError, match="of the output layer alone, got it in layer 1 of 2: each of its outputs depends"
    ):
        Network((2, 3, 2), ("softmax", "sigmoid"))
    with pytest.raises(InputError, match="softmax with two outputs or more, got one, which would always be 1"):
        Network((2, 3, 1), ("tanh", "softmax"))
