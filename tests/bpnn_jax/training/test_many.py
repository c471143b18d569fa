"""train_many: each network is what ``train`` makes of its seed; which engine serves; when it is solved; what is refused."""

import re

import jax
import numpy as np
import optax
import pytest

from bpnn_jax.errors import InputError
from bpnn_jax.network import Network
from bpnn_jax.patterns import load as load_patterns
from bpnn_jax.training import _engines, _many, train
from bpnn_jax.training._settings import Settings
from tests.bpnn_jax.training.several import ALLOWED, RATES, SEEDS, SMALL, problem, starts

pytestmark = pytest.mark.quick_xla
train_many = _many.train_many

ON_LANES = [
    {},
    {"shuffle": True, "measure": "last-pattern"},
    {"order": "article", "rule": "nesterov", "measure": "last-output"},
    {"mode": "minibatch", "batch_size": 3, "rule": "heavy-ball"},
    {"mode": "batch", "rule": "sgd", "shuffle": True},
    {"mode": "minibatch", "batch_size": 3, "rule": "adam", "weight_decay": 0.01},
]
VMAPPED = [{"rule": "rmsprop", "mode": "batch"}, {"mode": "batch", "order": "article"}, {"gradient": "autodiff"}]
MAPPED = "generic, vmapped"
BOTH = {"rule": "rmsprop", "mode": "batch", "order": "article"}
FURTHER = ON_LANES[
    3:5
]  # rules that the ladder's rung 5 has on the lanes, in modes that Adam and test_objectives.py have there


# --- which engine serves ---


@pytest.mark.parametrize(
    ("given", "path"), [*((g, "lanes") for g in ON_LANES), *((g, MAPPED) for g in VMAPPED)], ids=str
)
def test_what_the_lanes_do_not_serve_is_left_to_jax(given, path):
    assert _engines.block(SMALL, Settings(**given), "float64")[0] == path


def test_wide_networks_are_left_to_jax():
    for inputs, path in ((_engines.WIDEST, "lanes"), (_engines.WIDEST + 1, MAPPED)):
        assert _engines.block(Network((inputs, 1)), Settings(), "float32")[0] == path


def test_batches_of_larger_networks_have_matrix_products():
    large, small = Network((40, 16, 4)), Network((30, 12, 3))
    for network, mode, path in (
        (large, "online", "lanes"),
        (large, "minibatch", MAPPED),
        (large, "batch", MAPPED),
        (small, "minibatch", "lanes"),
        (small, "batch", MAPPED),
        (Network((20, 8, 3)), "batch", "lanes"),
    ):
        assert _engines.block(network, Settings(mode=mode), "float32")[0] == path
    assert _engines.block(Network((20, 8, 3)), Settings(mode="minibatch"), "float64")[0] == MAPPED
    for size, many, one in ((127, "lanes", "fused batches"), (128, MAPPED, "generic")):
        settings = Settings(mode="minibatch", batch_size=size)
        assert _engines.block(small, settings, "float32")[0] == many
        assert _engines.engine_for(small, settings, "float32").name == one


def test_blocks_of_products_stay_in_the_cache_of_a_cpu(monkeypatch):
    large, small = Network((64, 32, 10)), Network((40, 16, 4))
    for mode in ("minibatch", "batch"):
        assert _engines.block(large, Settings(mode=mode), "float32") == (MAPPED, 16)
        assert _engines.block(small, Settings(mode=mode), "float32") == (MAPPED, 64)
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert _engines.block(large, Settings(mode="batch"), "float32") == (MAPPED, 64)


def test_larger_networks_online_are_trained_one_at_a_time_on_a_cpu(monkeypatch):
    larger, wide = Network((64, 64, 64, 10)), Network((784, 32, 10))
    for network in (larger, wide):
        assert _engines.block(network, Settings(), "float32") == ("one at a time", 4)
        assert _engines.block(network, Settings(mode="minibatch"), "float32")[0] == MAPPED
    assert _engines.block(Network((20, 64, 3)), Settings(), "float32")[0] == "lanes"
    assert _engines.block(Network((20, 64, 3)), Settings(), "float64")[0] == "one at a time"
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")  # where each line is a launch
    assert _engines.block(wide, Settings(), "float32")[0] == MAPPED


# --- each network is what train makes of it ---


@pytest.mark.parametrize(
    ("given", "path"),
    [
        *((given, "lanes") for given in ON_LANES if given not in FURTHER),
        (BOTH, MAPPED),
        *(pytest.param(given, "lanes", marks=pytest.mark.deep) for given in FURTHER),
        *(pytest.param(given, MAPPED, marks=pytest.mark.deep) for given in VMAPPED),
    ],
    ids=str,
)
def test_each_network_is_that_of_train(given, path, assert_within):
    """Its own first weights, rates, order of the patterns and error; on the lanes and where JAX batches the loop of train."""
    x, t = problem()
    rates, momenta = RATES
    rates = rates / 50 if given.get("rule") in ("rmsprop", "adam") else rates  # they divide by the gradient's size
    given = {"dtype": "float64", "epochs": 12, "history_every": 5, **given}
    found = train_many(SMALL, x, t, seeds=SEEDS, learning_rate=rates, momentum=momenta, **given)
    assert found.engine == path
    assert found.seeds.tolist() == list(SEEDS)
    assert found.history_epochs.tolist() == [0, 5, 10]
    for i, seed in enumerate(SEEDS):
        alone = train(SMALL, x, t, seed=seed, learning_rate=rates[i], momentum=momenta[i], **given)
        assert_within([W[i] for W in found.weights], alone.weights, ALLOWED)
        assert_within((found.error[i], found.history[:, i]), (alone.error, alone.history[:, 1]), ALLOWED)
        assert (found.iterations[i], found.stopped[i]) == (alone.iterations, alone.stopped)


@pytest.mark.parametrize(
    ("given", "order_seed"),
    [
        ({"mode": "online"}, None),
        pytest.param({"mode": "online"}, 17, marks=pytest.mark.deep),
        pytest.param(ON_LANES[-1], None, marks=pytest.mark.deep),  # whoever shuffles knows nothing of batches
        (ON_LANES[-1], 17),
        (BOTH, None),  # not shuffled
    ],
    ids=str,
)
def test_each_network_may_have_patterns_of_its_own(given, order_seed, assert_within):
    """Those of ``train`` on them, in its own order or in that of one seed for all."""
    (x, t), (rates, momenta) = zip(*(problem(seed=s) for s in range(4)), strict=True), RATES
    rates = rates / 50 if "rule" in given else rates  # rmsprop and adam divide by the gradient's size
    given = {"dtype": "float64", "epochs": 12, "shuffle": given is not BOTH, "tolerance": 0.01, **given}
    weights = starts(SMALL, 4)
    given = {**given, "history_every": 1}
    own = {"learning_rate": rates, "momentum": momenta, "weights": weights}
    found = train_many(SMALL, np.stack(x), np.stack(t), seeds=SEEDS, order_seed=order_seed, **own, **given)
    for i, seed in enumerate(SEEDS):
        rate = {"learning_rate": rates[i], "momentum": momenta[i], "seed": seed if order_seed is None else order_seed}
        alone = train(SMALL, x[i], t[i], weights=[W[i] for W in weights], **rate, **given)
        assert_within([W[i] for W in found.weights], alone.weights, ALLOWED)
        assert_within(found.error[i], alone.error, ALLOWED)


def test_patterns_of_each_network_are_as_many_and_one_order_is_shuffled():
    x, t = problem()
    with pytest.raises(
        InputError, match=re.escape("expected inputs and targets of the same patterns for all, or (4, patterns, n)")
    ):
        train_many(SMALL, np.stack([x] * 3), np.stack([t] * 3), seeds=4)
    with pytest.raises(InputError, match=re.escape("got shapes (4, 7, 3) and (7, 2)")):
        train_many(SMALL, np.stack([x] * 4), t, seeds=4)
    with pytest.raises(InputError, match=re.escape("expected order_seed with shuffle=True, got 3")):
        train_many(SMALL, x, t, seeds=4, order_seed=3)
    with pytest.raises(InputError, match="the same patterns for all networks with device='gpu'"):
        train_many(SMALL, np.stack([x] * 4), np.stack([t] * 4), seeds=4, device="gpu")


# --- how runs end ---


def test_a_block_ends_with_its_last_network_and_its_history_is_bounded():
    """All stop after one epoch: the epochs that are left, more than a lifetime of them, are not run."""
    network = Network((1, 1))
    kwargs = {"seeds": 3, "weights": starts(network, 3), "cutoff": 1e9}
    found = train_many(network, [[1.0]], [[1.0]], epochs=2_000_000_000, **kwargs)
    assert (found.iterations == 0).all()
    assert (found.stopped == "cutoff").all()
    assert found.history.shape == (_many.POINTS, 3)
    every = 2_000_000_000 // _many.POINTS
    assert found.history_epochs.tolist() == list(range(0, 2_000_000_000, every))
    with pytest.raises(InputError, match=r"got 1000000 points of 51 networks: a larger history_every"):
        train_many(network, [[1.0]], [[1.0]], epochs=1_000_000, history_every=1, seeds=51)


def test_solved_means_every_output_within_the_networks_own_tolerance():
    xor = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([[0.0], [1], [1], [0]])
    network, tolerance = Network((2, 3, 1), "tanh"), np.array([0.1, 0.2, 0.4, 0.0])
    W = starts(network, 4)
    found = train_many(network, *xor, seeds=4, weights=W, epochs=3000, tolerance=tolerance, dtype="float64")
    assert found.stopped.tolist() == ["solved", "solved", "solved", "epochs"]
    for i in range(3):
        own = [layer[i] for layer in W]
        alone = train(network, *xor, weights=own, epochs=3000, tolerance=tolerance[i], dtype="float64")
        assert (alone.stopped, alone.iterations) == ("solved", found.iterations[i])


# --- what it says ---


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"seeds": 0}, "expected seeds as a whole number from 1 up, got 0"),
        ({"seeds": []}, "expected at least one seed, got none"),
        ({"seeds": [1, 2, 1]}, "expected seeds that are all different, got 1 more than once"),
        ({"seeds": [-1]}, "expected seed as a whole number from 0 up, got -1"),
        ({"seeds": 2.5}, "expected seeds as a number of networks or a sequence of seeds, got 2.5"),
        ({"learning_rate": [0.1, 0.2]}, "from 0 up, or an array of 3, one per network, got an array of shape (2,)"),
        (
            {"momentum": "high"},
            "expected momentum as a finite number from 0 up, or an array of 3, one per network, got 'high'",
        ),
        (
            {"cutoff": [0.1, np.nan, 0.2]},
            "expected cutoff as a finite number from 0 up, or an array of 3, one per network, got nan",
        ),
        ({"tolerance": -1.0}, "or an array of 3, one per network, got -1.0"),
        ({"learning_rate": 1e39}, "one per network, got 1e+39, which is beyond float32"),
        ({"learning_rate": ["0.1", "0.2", "0.3"]}, "one per network, got ['0.1', '0.2', '0.3']"),
        ({"rule": optax.sgd(0.1), "momentum": [0.1, 0.2, 0.3]}, "expected no momentum beside an optax transformation"),
        ({"batch_size": 32}, "expected batch_size with mode='minibatch', got batch_size=32 with mode='online'"),
        ({"lanes": 24}, "expected lanes as a multiple of 16, got 24"),
        ({"lanes": 0}, "expected lanes as a whole number from 16 up, got 0"),
        ({"cores": 0}, "expected cores as a whole number from 1 up, got 0"),
        ({"epoch": 5}, "unknown option of train_many 'epoch'; did you mean 'epochs'?"),
        ({"epochs": 0}, "expected epochs as a whole number from 1 up, got 0"),
        ({"dtype": "float23"}, "unknown dtype 'float23'; did you mean 'float32'"),
        ({"stop_solved": True}, "expected a tolerance to stop at when solved"),
        (
            {"weights": (np.zeros((2, 4, 2)), np.zeros((2, 3, 2)))},
            "or the same with 3 networks in front, got ((2, 4, 2), (2, 3, 2))",
        ),
    ],
)
def test_what_cannot_be(given, message):
    x, t = problem()
    with pytest.raises(InputError, match=re.escape(message)):
        train_many(SMALL, x, t, **{"seeds": 3, **given})


@pytest.mark.parametrize(
    ("looks", "look", "said"),
    [
        ((3,), None, "expected look with looks"),
        ((5, 2), print, r"rising epochs, from 0 to 9, got \[5, 2\]"),
        ((10,), print, "rising epochs, from 0 to 9"),
    ],
)
def test_looks_that_cannot_be_are_refused(looks, look, said):
    xor = load_patterns("xor")
    with pytest.raises(InputError, match=said):
        train_many(Network((2, 3, 1)), xor.x, xor.t, seeds=2, epochs=10, looks=looks, look=look)
