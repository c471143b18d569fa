"""run_epochs: what ``train`` does in that many epochs, and what JAX's transformations make of it."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from bpnn_jax import InputError, Network, apply, init, predict, run_epochs, train, train_many

pytestmark = pytest.mark.quick_xla

SMALL = Network((2, 2, 2), ("tanh", "sigmoid"))
EPOCHS = 5
# 5 epochs of at most 4 updates, some 60 roundings of numbers up to 2 in each: 2^-52 apiece in float64.
ALLOWED = EPOCHS * 4 * 60 * 2.0**-52
rng = np.random.default_rng(51)
X, T = rng.uniform(-1, 1, (4, 2)), rng.uniform(0, 1, (4, 2))
FIRST = tuple(rng.uniform(-1, 1, shape) for shape in SMALL.shapes)

WAYS = [
    {"order": "article"},  # the fused loop
    {
        "mode": "minibatch",
        "batch_size": 3,
        "rule": lambda rate, mu: optax.sgd(rate, mu, nesterov=True),
    },  # the generic one
]


def errors(rate, momentum=0.1, weights=FIRST, **given):
    return run_epochs(
        SMALL, X, T, weights=weights, learning_rate=rate, momentum=momentum, epochs=EPOCHS, **given
    ).errors


@pytest.mark.parametrize("given", WAYS, ids=["fused", "generic"])
def test_it_is_train_and_its_derivatives_are_differences(given, x64, assert_within):
    found = run_epochs(SMALL, X, T, weights=FIRST, learning_rate=0.3, key=5, epochs=EPOCHS, **given)
    alone = train(SMALL, X, T, weights=FIRST, learning_rate=0.3, seed=5, epochs=EPOCHS, dtype="float64", **given)
    assert_within(found.weights, alone.weights, ALLOWED)
    assert_within(found.errors, alone.history[:, 1], ALLOWED)

    def end(rate, momentum, *weights):
        return errors(rate, momentum, weights, key=5, **given)[-1]

    at = tuple(map(jnp.asarray, (0.3, 0.1, *FIRST)))
    direction = (jnp.asarray(1.0), jnp.asarray(-2.0), *(jnp.ones(W.shape) for W in FIRST))
    backwards = jax.jit(jax.grad(end, argnums=(0, 1, 2, 3)))(*at)
    ahead = jax.jit(lambda *at: jax.jvp(end, at, direction)[1])(*at)
    along = sum((g * d).sum() for g, d in zip(backwards, direction, strict=True))
    # The two modes multiply the same factors in another order: 20 updates of some 100 roundings each, of numbers up to 2.
    assert_within(ahead, along, 20 * 100 * 2.0**-52)

    def moved(h):
        return float(end(*(v + h * d for v, d in zip(at, direction, strict=True))))

    near, far = ((moved(h) - moved(-h)) / (2 * h) for h in (1e-4, 2e-4))
    # Richardson; its error is below the difference of the two, and rounding of E costs 8u|E|/h for each of 20 updates.
    assert_within((4 * near - far) / 3, ahead, abs(near - far) / 3 + 20 * 8 * 2.0**-53 * abs(moved(0.0)) / 1e-4)
    assert abs(ahead) > 0.01


def test_many_runs_in_one_compiled_function(x64, assert_within):
    """vmap over seeds and rates inside jit: each network is as alone, from the first weights of its seed."""
    rates, seeds = np.array([0.1, 0.3, 0.5]), np.array([4, 0, 7])

    def one(rate, seed):
        first = init(SMALL, jax.random.key(seed), dtype=jnp.float64)
        return errors(rate, weights=first, key=seed, shuffle=True)

    together = jax.jit(jax.vmap(one))(jnp.asarray(rates), jnp.asarray(seeds))
    for found, rate, seed in zip(together, rates, seeds.tolist(), strict=True):
        alone = train(SMALL, X, T, seed=seed, learning_rate=rate, epochs=EPOCHS, dtype="float64", shuffle=True)
        assert_within(found, alone.history[:, 1], ALLOWED)


def test_its_own_first_weights_and_targets_that_are_traced():
    def run(t):
        return run_epochs(SMALL, X, t, key=3, epochs=EPOCHS, mode="batch")

    (weights, found), slope = jax.jit(lambda t: (run(t), jax.grad(lambda t: run(t).errors[-1])(t)))(np.float32(T))
    alone = train(SMALL, X, T, seed=3, epochs=EPOCHS, mode="batch")
    # As ALLOWED, in float32.
    assert abs(np.asarray(found) - alone.history[:, 1]).max() <= ALLOWED * 2.0**29
    assert {leaf.dtype.name for leaf in (*weights, found)} == {"float32"}
    assert (np.asarray(slope) != 0).all()


# --- what it says ---


def says(text):
    return pytest.raises(InputError, match=re.escape(text))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"tolerance": 0.1}, "unknown option of run_epochs 'tolerance'"),
        ({"stop_solved": True}, "expected a tolerance to stop at when solved"),
        ({"history_every": 2}, "expected history_every=1 for run_epochs, which returns every error, got 2"),
        ({"learning_rate": -1.0}, "expected learning_rate as a finite number from 0 up, got -1.0"),
        ({"momentum": [0.1, 0.2]}, "expected momentum as a finite number from 0 up, got an array of shape (2,)"),
        ({"weights": FIRST[:1]}, "expected weights of shapes ((3, 2), (3, 2)) for 2-2-2 tanh/sigmoid, got ((3, 2),)"),
        ({"weights": tuple(W.astype(int) for W in FIRST)}, "expected floating-point weights, got int64, int64"),
        ({"key": -1}, "expected seed as a whole number from 0 up, got -1"),
    ],
    ids=str,
)
def test_what_it_cannot_use(given, message):
    with says(message):
        run_epochs(SMALL, X, T, **{"epochs": 3, **given})


def test_what_it_cannot_use_and_is_traced():
    with says("expected learning_rate as one number, got shape (2,); jax.vmap runs several"):
        jax.jit(errors)(jnp.ones(2))
    with says("got (4,); whole-number classes from 0 become targets by np.eye(2)[t]"):
        jax.jit(lambda t: run_epochs(SMALL, X, t, epochs=3))(jnp.ones(4, jnp.int32))


@pytest.mark.parametrize(
    "call",
    [
        lambda v: train(SMALL, X, T, learning_rate=v),
        lambda v: train(SMALL, X * v, T),
        lambda v: train(SMALL, X, T, weights=tuple(W * v for W in FIRST)),
        lambda v: train(SMALL, X, T),  # no traced argument, and yet all that it computes would be
        lambda v: train_many(SMALL, X, T, seeds=3, cutoff=v),
    ],
)
def test_training_inside_a_transformation_names_what_serves_there(call):
    with says("got a traced value; bpnn_jax.run_epochs trains a given number of epochs inside all of them"):
        jax.jit(call)(1.0)


def test_predict_inside_a_transformation_names_apply():
    with says(
        "expected predict outside jit, vmap, grad and scan, with numbers and arrays, got a traced value; bpnn_jax.apply("
    ):
        jax.jit(lambda x: predict(SMALL, FIRST, x))(X)
    with says("got a traced value"):
        jax.grad(lambda v: predict(SMALL, tuple(W * v for W in FIRST), X).sum())(1.0)
    outputs = jax.jit(lambda x: apply(SMALL, tuple(np.float32(W) for W in FIRST), x))(np.float32(X))
    assert abs(np.asarray(outputs) - predict(SMALL, tuple(np.float32(W) for W in FIRST), X)).max() <= 40 * 2.0**-24
