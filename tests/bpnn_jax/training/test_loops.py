"""train beside loops in NumPy: modes, rules, measures, optax's optimisers, shuffling, and many runs by vmap."""

from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import manual
from bpnn_jax.network import Network, init
from bpnn_jax.training import _loop, _settings, train
from bpnn_jax.training._loop import Rates
from bpnn_jax.training._settings import Settings
from bpnn_jax.training._step import functions
from tests.bpnn_jax.training.single import ALLOWED, SMALL, problem, same, sized

pytestmark = pytest.mark.quick_xla


def by_hand(weights, batches, epochs, rate=0.5, mu=0.1, rule=manual.previous_gradient, network=SMALL):
    """The run as a NumPy loop: weights and errors an epoch. ``batches(epoch)`` are the (x, t) of its updates, in order."""
    f, carried, errors = functions(network), [np.zeros_like(W) for W in weights], []
    for epoch in range(epochs):
        error = 0.0
        for x, t in batches(epoch):
            net = manual.forward(weights, x, f)
            error += manual.half_squared_error(net.outputs, t)
            g = manual.gradient(net, t)
            moved = [rule(*three, rate, mu) for three in zip(weights, g, carried, strict=True)]
            weights, carried = tuple(m[0] for m in moved), [m[1] for m in moved]
        errors.append(error)
    return weights, errors


CUTS = [
    ("online", 32, [(i, i + 1) for i in range(7)]),
    ("minibatch", 3, [(0, 3), (3, 6), (6, 7)]),
    ("minibatch", 7, [(0, 7)]),
    ("minibatch", 100, [(0, 7)]),
    ("batch", 3, [(0, 7)]),
]


@pytest.mark.parametrize(
    ("mode", "batch_size", "cuts", "gradient"),
    [
        *((*cut, "manual") for cut in CUTS),
        *((*cut, "autodiff") for cut in CUTS[:2]),  # of one pattern, and of several; what is cut is the mode's alone
        *(pytest.param(*cut, "autodiff", marks=pytest.mark.deep) for cut in CUTS[2:]),
    ],
)
def test_each_mode_is_a_numpy_loop(mode, batch_size, cuts, gradient, assert_within):
    x, t, weights = problem()
    expected, errors = by_hand(weights, lambda _: [(x[a:b], t[a:b]) for a, b in cuts], 12)
    kwargs = {**sized(mode, batch_size), "gradient": gradient}
    found = train(SMALL, x, t, weights=weights, dtype="float64", epochs=12, **kwargs)
    assert_within(found.weights, expected, ALLOWED)
    assert_within(found.history, np.stack([np.arange(12), errors], axis=1), ALLOWED)
    assert (found.iterations, found.stopped, found.error) == (11, "epochs", found.history[-1, 1])


@pytest.mark.parametrize(("name", "step"), [("heavy-ball", manual.heavy_ball), ("nesterov", manual.nesterov)])
def test_the_other_rules_are_numpy_loops(name, step, assert_within):
    x, t, weights = problem()
    expected, _ = by_hand(weights, lambda _: [(x, t)], 12, rate=0.1, mu=0.8, rule=step)
    kwargs = {"learning_rate": 0.1, "momentum": 0.8, "mode": "batch", "dtype": "float64", "epochs": 12}
    assert_within(train(SMALL, x, t, weights=weights, rule=name, **kwargs).weights, expected, ALLOWED)


# "sum" and each mode are compared above; a batch is one minibatch.
MEASURED = [("online", "last-output"), ("online", "last-pattern"), ("minibatch", "last-output")]
MEASURED += [("minibatch", "last-pattern")]
MEASURES = [
    pytest.param(*pair, marks=() if pair in MEASURED else pytest.mark.deep)
    for pair in product(_settings.MODES, _settings.MEASURES)
]


@pytest.mark.parametrize(("mode", "measure"), MEASURES)
def test_measures(mode, measure, assert_within):
    """With a learning rate of 0 nothing moves: the error can be written down from the outputs."""
    x, t, weights = problem()
    e = manual.forward(weights, x, functions(SMALL)).outputs - t
    expected = {"sum": (e**2).sum() / 2, "last-output": (e[:, -1] ** 2).sum() / 2, "last-pattern": e[-1, -1] ** 2 / 2}
    kwargs = {"learning_rate": 0.0, "momentum": 0.0, "epochs": 2, "dtype": "float64", **sized(mode, 3)}
    found = train(SMALL, x, t, weights=weights, measure=measure, **kwargs)
    assert_within(found.history[:, 1], np.full(2, expected[measure]), 100 * 2.0**-53)
    assert_within(found.weights, weights, 0.0)


def test_any_optax_optimiser(assert_within, x64):
    """As an object, with state and clipping of all weights together, against optax in a loop of its own."""
    x, t, weights = problem()
    own = optax.chain(optax.clip_by_global_norm(0.25), optax.adam(1e-2))
    with jax.numpy_dtype_promotion("standard"):  # optax's Adam counts its steps in int32
        found = train(SMALL, x, t, weights=weights, rule=own, mode="batch", dtype="float64", epochs=12)
        W = tuple(map(jnp.asarray, weights))
        state, move = own.init(W), jax.jit(own.update)
        for _ in range(12):
            numpy = tuple(map(np.asarray, W))
            g = manual.gradient(manual.forward(numpy, x, functions(SMALL)), t)
            assert sum((v**2).sum() for v in g) ** 0.5 > 0.25  # it does clip
            updates, state = move(g, state, W)
            W = tuple(w + np.asarray(u) for w, u in zip(numpy, updates, strict=True))
        made = train(SMALL, x, t, weights=weights, rule=lambda rate, mu: optax.adam(rate), dtype="float64", epochs=3)
        named = train(SMALL, x, t, weights=weights, rule="adam", dtype="float64", epochs=3)
    assert_within(found.weights, W, 100 * ALLOWED)  # Adam divides by the root of small numbers
    assert (made.engine, named.engine) == (
        "generic",
        "fused loop",
    )  # by its name it is written out, and rounds otherwise
    assert_within(made.weights, named.weights, 100 * ALLOWED)


def test_optax_sgd_has_the_two_rates_in_our_order():
    x, t, weights = problem()
    kwargs = {
        "weights": weights,
        "epochs": 3,
        "mode": "batch",
        "learning_rate": 0.1,
        "momentum": 0.5,
        "measure": "last-pattern",
    }  # by products
    same(train(SMALL, x, t, rule=optax.sgd, **kwargs), train(SMALL, x, t, rule="heavy-ball", **kwargs))


def test_a_rule_that_keeps_its_rate_in_its_state_moves():
    x, t, weights = problem()
    found = train(SMALL, x, t, weights=weights, rule="rprop", mode="batch", learning_rate=0.05, epochs=3)
    assert not np.array_equal(found.weights[0], weights[0])


def test_vmap_over_seeds_and_rates(assert_within, x64):
    """Four runs at once, each as alone: other weights, other shuffling, other rates, another length."""
    x, t, _ = problem()
    settings = Settings(epochs=12, shuffle=True)
    rates = np.array([0.5, 0.25, 0.1, 0.5]), np.array([0.1, 0.0, 0.3, 0.9]), np.array([0.0, 1.0, 0.0, 1.1])

    @jax.jit
    @jax.vmap
    def together(seed, rate, mu, cutoff):
        key = jax.random.key(seed)
        rates = Rates(rate, mu, cutoff, 0.0)
        state = _loop.start(settings, init(SMALL, key, dtype=jnp.float64), rates)
        return _loop.run(SMALL, settings, state, jnp.asarray(x), jnp.asarray(t), rates, key, settings.epochs)

    found = together(jnp.arange(4), *map(jnp.asarray, rates))
    ends = set()
    for i, (rate, mu, cutoff) in enumerate(zip(*rates, strict=True)):
        kwargs = {"learning_rate": rate, "momentum": mu, "cutoff": cutoff, "seed": i, "dtype": "float64"}
        alone = train(SMALL, x, t, settings=settings, **kwargs)
        assert int(found.epoch[i]) == alone.iterations + 1
        # Momentum 0.9 of the gradient before doubles the steps.
        assert_within([np.asarray(W)[i] for W in found.weights], alone.weights, 2 * ALLOWED)
        history = np.asarray(found.history)[i]
        assert_within(history[: alone.iterations + 1], alone.history[:, 1], 2 * ALLOWED)
        assert np.isnan(history[alone.iterations + 1 :]).all()
        ends.add(alone.iterations)
    assert len(ends) > 1


# --- shuffling ---


POWERS = 2.0 ** np.arange(6)[:, None]
NOTHING = {"weights": (np.zeros((2, 1)),), "learning_rate": 0.0, "momentum": 0.0, "epochs": 20, "shuffle": True}


@pytest.mark.parametrize("mode", ["online", "minibatch", pytest.param("batch", marks=pytest.mark.deep)])
def test_shuffled_patterns_are_a_permutation_each_epoch(mode):
    """Targets that are powers of two, outputs 0: the sum of the squares is right only if each pattern comes once."""
    result = train(Network((1, 1), "linear"), np.ones((6, 1)), POWERS, **sized(mode, 4), **NOTHING)
    assert set(result.history[:, 1]) == {0.5 * sum(4.0**i for i in range(6))}


def test_shuffled_patterns_are_in_another_order_each_epoch():
    network, t, kwargs = Network((1, 1), "linear"), POWERS, NOTHING
    last = train(network, np.ones((6, 1)), t, measure="last-pattern", **kwargs).history[:, 1]
    assert set(last) <= {0.5 * 4.0**i for i in range(6)}
    assert len(set(last)) > 2  # another order each epoch
    in_file_order = train(network, np.ones((6, 1)), t, measure="last-pattern", **{**kwargs, "shuffle": False})
    assert set(in_file_order.history[:, 1]) == {0.5 * 4.0**5}


def test_shuffling_keeps_inputs_and_targets_together():
    network, x = Network((1, 1), "linear"), np.arange(6.0)[:, None]
    kwargs = {"weights": (np.array([[1.0], [0.0]]),), "epochs": 20}
    assert train(network, x, x, shuffle=True, **kwargs).history[:, 1].tolist() == [0.0] * 20


def test_shuffling_matters_online_and_not_in_a_batch(assert_within):
    x, t, weights = problem()
    kwargs = {"weights": weights, "dtype": "float64", "epochs": 12}
    for mode, differs in (("online", True), ("batch", False)):
        plain, shuffled = (train(SMALL, x, t, mode=mode, shuffle=s, seed=1, **kwargs) for s in (False, True))
        same(shuffled, train(SMALL, x, t, mode=mode, shuffle=True, seed=1, **kwargs))
        gap = max(abs(a - b).max() for a, b in zip(plain.weights, shuffled.weights, strict=True))
        assert (gap > 1e-6) if differs else (gap <= ALLOWED)
    other = train(SMALL, x, t, mode="online", shuffle=True, seed=2, **kwargs)
    again = train(SMALL, x, t, mode="online", shuffle=True, seed=1, **kwargs)
    assert any((a != b).any() for a, b in zip(other.weights, again.weights, strict=True))
