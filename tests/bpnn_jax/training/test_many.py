"""train_many: each network is what ``train`` makes of its seed, whoever is trained beside it; how runs end; what is refused."""

import os
import re

import jax
import numpy as np
import optax
import pytest

from bpnn_jax._runtime import xla
from bpnn_jax.errors import InputError
from bpnn_jax.network import Network, init
from bpnn_jax.patterns import load as load_patterns
from bpnn_jax.training import DivergedError, _blocks, _engines, _many, train
from bpnn_jax.training._loop import Settings

train_many = _many.train_many
SMALL = Network((3, 4, 2), ("tanh", "sigmoid"))
SEEDS = (5, 0, 2**32 - 1, 17)
RATES = np.array([0.5, 0.25, 0.1, 0.0]), np.array([0.1, 0.0, 0.3, 0.9])
# 12 epochs of 7 updates, some 60 roundings of numbers up to 2 in each on either side: 2^-52 apiece in float64.
ALLOWED = 2 * 12 * 7 * 60 * 2.0**-52


def problem(patterns=7, seed=51):
    rng = np.random.default_rng(seed)
    return rng.uniform(-1, 1, (patterns, 3)), rng.uniform(0, 1, (patterns, 2))


def starts(network, n, seed=52):
    """First weights that need not be those of ``init``: to draw another number of them compiles a program of its own."""
    rng = np.random.default_rng(seed)
    return tuple(rng.uniform(-1, 1, (n, *shape)) for shape in network.shapes)


# One program for every test that does not need another; a tolerance of 0 stops nothing.
PROGRAM = {"epochs": 12, "shuffle": True, "lanes": 16, "tolerance": 0.0}


def bits(result, order=slice(None)):
    """All that a run says, in the order of its seeds."""
    parts = (*result.weights, result.iterations, result.error, result.stopped, result.history.T)
    return [np.asarray(part)[order].tobytes() for part in parts]  # bytes, so that NaN is NaN


# --- each network is what train makes of it ---


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


@pytest.mark.parametrize(
    ("given", "path"),
    [
        *((given, "lanes") for given in ON_LANES),
        (BOTH, MAPPED),
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


@pytest.mark.parametrize(("dtype", "at_once"), [("float32", 40), ("float64", 4)])
def test_first_weights_are_those_of_init(dtype, at_once, monkeypatch):
    """Bit for bit, and more of them than are drawn in one call, of as many as in other tests."""
    monkeypatch.setattr(_many, "DRAW_BATCH", at_once)
    with jax.enable_x64(dtype == "float64"):
        found = _many._drawn(SMALL, np.array([*SEEDS, *range(100, 100 + at_once)], np.uint32), dtype)
        assert len(found[0]) == 4 + at_once
        for i, seed in ((0, 5), (2, 2**32 - 1), (4, 100), (3 + at_once, 99 + at_once)):
            assert [W[i].tolist() for W in found] == [np.asarray(W).tolist() for W in init(SMALL, seed, dtype=dtype)]


@pytest.mark.parametrize("order_seed", [None, 17])
def test_one_at_a_time_each_network_is_that_of_train(order_seed, monkeypatch, assert_within):
    """Its own first weights, rates, patterns, order and stop; the same bits with others beside it, and with looks."""
    monkeypatch.setattr(_engines, "LANES_WEIGHTS", {"float64": 0})
    (x, t), (rates, momenta) = zip(*(problem(seed=s) for s in range(4)), strict=True), RATES
    weights = starts(SMALL, 4)
    given = {"dtype": "float64", "epochs": 12, "shuffle": True, "history_every": 1}
    many = {**given, "learning_rate": rates, "momentum": momenta, "weights": weights, "cutoff": (0.0, 0.9, 0.0, 0.0)}
    many |= {"order_seed": order_seed, "seeds": SEEDS}
    seen = {}

    def look(runs, epoch, weights):
        seen.update({(int(run), epoch): [W[k].tolist() for W in weights] for k, run in enumerate(runs)})

    found = train_many(SMALL, np.stack(x), np.stack(t), cores=2, **many)
    assert (found.engine, found.lanes) == ("one at a time", 4)
    looked = train_many(SMALL, np.stack(x), np.stack(t), looks=(3, 11), look=look, **many)
    assert bits(looked) == bits(found)
    assert bits(train_many(SMALL, np.stack(x), np.stack(t), lanes=16, **many)) == bits(found)
    stops = set()
    for i, seed in enumerate(SEEDS):
        own = {"learning_rate": rates[i], "momentum": momenta[i], "cutoff": many["cutoff"][i]}
        own["seed"] = seed if order_seed is None else order_seed
        one = train(SMALL, x[i], t[i], weights=[W[i] for W in weights], **own, **given)
        assert_within([W[i] for W in found.weights], one.weights, ALLOWED)
        assert_within(found.history[: one.iterations + 1, i], one.history[:, 1], ALLOWED)
        assert (found.iterations[i], found.stopped[i]) == (one.iterations, one.stopped)
        assert ((i, 11) in seen) == (one.iterations == 11)
        stops.add(one.stopped)
    assert len(stops) == 2
    assert seen[0, 11] == [W[0].tolist() for W in found.weights]


# --- bits ---


@pytest.mark.parametrize("given", [{}, {"rule": "rmsprop", "learning_rate": 0.01}], ids=["lanes", "vmapped"])
def test_neither_number_nor_order_nor_cores_change_a_bit(given):
    """Blocks of 16: forty networks, the same the other way round, five of them, on one core and on three."""
    x, t = problem()
    given = {**PROGRAM, "tolerance": 0.45, **given}
    rates = {"cutoff": np.linspace(0, 3, 40), "momentum": np.linspace(0, 0.2, 40)}
    all_of_them = train_many(SMALL, x, t, seeds=range(40), cores=1, **rates, **given)
    assert len(set(all_of_them.stopped.tolist())) > 1
    back = {name: value[::-1] for name, value in rates.items()}
    turned = train_many(SMALL, x, t, seeds=range(39, -1, -1), cores=1, **back, **given)
    assert bits(turned, slice(None, None, -1)) == bits(all_of_them)
    some = [3, 38, 17, 0, 16]
    few = {name: value[some] for name, value in rates.items()}
    assert bits(train_many(SMALL, x, t, seeds=some, cores=1, **few, **given)) == bits(all_of_them, some)
    assert bits(train_many(SMALL, x, t, seeds=range(40), cores=3, **rates, **given)) == bits(all_of_them)


def test_a_seed_may_come_twice_where_its_runs_differ():
    """In its rates, or in weights of their own: each is then what it is alone."""
    x, t = problem()
    alone = [train_many(SMALL, x, t, seeds=[5, 6, 7, 8, 9], momentum=m, **PROGRAM) for m in (0.0, 0.3)]
    both = train_many(SMALL, x, t, seeds=[5, 5, 7, 8, 9], momentum=[0.0, 0.3, 0.0, 0.0, 0.0], **PROGRAM)
    assert bits(both, [0]) == bits(alone[0], [0])
    assert bits(both, [1]) == bits(alone[1], [0])
    assert bits(alone[0], [0]) != bits(alone[1], [0])
    own = tuple(np.stack([W, 2 * W]) for W in map(np.asarray, init(SMALL, 5)))
    twice = train_many(SMALL, x, t, seeds=[5, 5], weights=own, momentum=0.0, **PROGRAM)
    assert twice.error[0] == alone[0].error[0] != twice.error[1]
    with pytest.raises(InputError, match="expected seeds that are all different, got 5 more than once"):
        train_many(SMALL, x, t, seeds=[5, 5], weights=init(SMALL, 5), **PROGRAM)


# --- how runs end ---


def test_each_stops_for_itself_and_stays_as_it_was():
    """Frozen at its stop: the same bits as when the epochs end there, while others in its block go on."""
    x, t = problem()
    W = starts(SMALL, 40)
    there = train_many(SMALL, x, t, seeds=40, weights=W, **PROGRAM)
    cutoff = np.linspace(0, 1.5, 40)
    at_12 = np.arange(0, 40, 3)  # every third of them is to end where that run does
    cutoff[at_12] = np.nextafter(there.error[at_12], np.float32(9))
    ends = train_many(SMALL, x, t, seeds=40, weights=W, **{**PROGRAM, "epochs": 50}, cutoff=cutoff)
    assert set(ends.stopped.tolist()) == {"cutoff", "epochs"}
    assert len(set(ends.iterations.tolist())) > 4
    at_12 = at_12[ends.iterations[at_12] == 11]  # and was not below its last error before
    assert len(at_12) > 4
    for i in at_12:
        assert [W[i].tolist() for W in ends.weights] == [W[i].tolist() for W in there.weights]
        assert ends.error[i] == there.error[i] == ends.history[11, i]
    for i, last in enumerate(ends.iterations):
        assert ends.error[i] == ends.history[last, i]
        assert np.isnan(ends.history[last + 1 :, i]).all()


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


def test_one_that_diverges_is_recorded_and_harms_no_other():
    network, (x, t) = Network((3, 2), "linear"), problem()
    rates = np.array([0.01, 30.0, 0.02])
    W = starts(network, 3)
    given = {"epochs": 40}
    found = train_many(network, x, t, seeds=3, weights=W, learning_rate=rates, **given)
    assert found.stopped.tolist() == ["epochs", "diverged", "epochs"]
    with pytest.raises(DivergedError) as caught:
        train(network, x, t, weights=[layer[1] for layer in W], learning_rate=30.0, **given)
    assert found.iterations[1] == caught.value.result.iterations
    well = train_many(network, x, t, seeds=3, weights=W, learning_rate=[0.01, 0.01, 0.02], **given)
    for i in (0, 2):
        assert [W[i].tolist() for W in found.weights] == [W[i].tolist() for W in well.weights]


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


# --- history, programs, progress ---


def test_rates_seeds_and_numbers_of_networks_compile_nothing_anew():
    x, t = problem()
    kwargs = {**PROGRAM, "weights": [W[0] for W in starts(SMALL, 1)]}
    train_many(SMALL, x, t, seeds=3, **kwargs)
    cached = _blocks._run._cache_size()
    train_many(SMALL, x, t, seeds=[9, 4], learning_rate=[0.1, 0.2], momentum=0.0, cutoff=[1.0, 2.0], **kwargs)
    train_many(SMALL, x + 1, t / 2, seeds=70, **{**kwargs, "tolerance": np.linspace(0, 1, 70)})
    assert _blocks._run._cache_size() == cached


def test_progress_and_given_weights():
    x, t = problem()
    seen = []
    W = init(SMALL, 3)
    kwargs = {"seeds": 40, **PROGRAM}
    one = train_many(SMALL, x, t, weights=W, progress=lambda *args: seen.append(args), **kwargs)
    assert seen == [(16, 40), (32, 40), (40, 40)]
    each = train_many(SMALL, x, t, weights=tuple(np.stack([layer] * 40) for layer in W), **kwargs)
    assert bits(one) == bits(each)
    assert one.history.shape == (12, 40)
    still = train_many(SMALL, x, t, weights=W, learning_rate=0.0, momentum=0.0, **kwargs)
    for layer, start in zip(still.weights, W, strict=True):
        assert (layer == np.asarray(start)).all()
    assert {part.dtype.name for part in (*one.weights, one.error, one.history)} == {"float32"}


def test_one_note_if_the_option_for_xla_came_too_late(monkeypatch):
    tiny, one = Network((1, 1)), np.ones((1, 1))
    kwargs = {"weights": [np.zeros((2, 1))], "epochs": 1}
    monkeypatch.setattr(xla, "too_late", True)
    with pytest.warns(xla.SpeedWarning, match="Import bpnn_jax before the first use of JAX") as warned:
        train(tiny, one, one, **kwargs)
    train(tiny, one, one, **kwargs)  # once is enough; warnings are errors here
    assert [w.filename for w in warned] == [__file__]
    monkeypatch.setattr(xla, "too_late", True)
    with pytest.warns(xla.SpeedWarning) as warned:
        train_many(SMALL, *problem(), seeds=2, weights=init(SMALL, 3), **PROGRAM)
    assert [w.filename for w in warned] == [__file__]
    monkeypatch.setattr(xla, "too_late", True)
    train(tiny, one, one, mode="batch", gradient="autodiff", **kwargs)  # loses nothing worth a word


@pytest.mark.parametrize(
    ("running", "flags", "switch", "late"),
    [
        (True, "", "on", True),
        (False, "", "on", False),
        (True, "", "off", False),
        (True, "--xla_backend_extra_options=a=b", "on", False),
    ],
)
def test_when_the_option_is_lost(running, flags, switch, late, monkeypatch):
    monkeypatch.setattr(xla, "too_late", False)
    monkeypatch.setattr(xla, "jax_is_running", lambda: running)
    monkeypatch.setenv("XLA_FLAGS", flags)
    monkeypatch.setenv("BPNN_XLA_OPTION", switch)
    xla.set_options()
    assert xla.too_late is late


@pytest.mark.parametrize(
    ("flags", "switch", "found"),
    [
        ("", "on", f"{xla.SMALL_LOOPS} {xla.WIDE_VECTORS}"),
        ("--a=1", "on", f"--a=1 {xla.SMALL_LOOPS} {xla.WIDE_VECTORS}"),
        ("--xla_cpu_prefer_vector_width=256", "on", f"--xla_cpu_prefer_vector_width=256 {xla.SMALL_LOOPS}"),
        ("--xla_backend_extra_options=a=b", "on", f"--xla_backend_extra_options=a=b {xla.WIDE_VECTORS}"),
        (f"{xla.SMALL_LOOPS} {xla.WIDE_VECTORS}", "on", f"{xla.SMALL_LOOPS} {xla.WIDE_VECTORS}"),
        ("--a=1", "off", "--a=1"),
        ("flags.txt", "on", "flags.txt"),  # XLA reads the file
        (" ", "on", f"{xla.SMALL_LOOPS} {xla.WIDE_VECTORS}"),  # alone, XLA would take it for a file
    ],
)
def test_each_option_is_set_unless_the_user_has_it_or_wants_none(flags, switch, found, monkeypatch):
    monkeypatch.setattr(xla, "too_late", False)
    monkeypatch.setenv("XLA_FLAGS", flags)
    monkeypatch.setenv("BPNN_XLA_OPTION", switch)
    xla.set_options()
    assert os.environ["XLA_FLAGS"] == found


def testjax_is_running_once_it_was_used():
    jax.numpy.zeros(1).block_until_ready()
    assert xla.jax_is_running()


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
            {"weights": (np.zeros((2, 4, 4)), np.zeros((2, 5, 2)))},
            "or the same with 3 networks in front, got ((2, 4, 4), (2, 5, 2))",
        ),
    ],
)
def test_what_cannot_be(given, message):
    x, t = problem()
    with pytest.raises(InputError, match=re.escape(message)):
        train_many(SMALL, x, t, **{"seeds": 3, **given})


def test_an_interrupted_run_starts_no_more_blocks():
    x, t = problem()
    seen = []

    def stop(done, n):
        seen.append(done)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_many(SMALL, x, t, seeds=800, weights=init(SMALL, 3), cores=1, progress=stop, **PROGRAM)
    assert seen == [16]


@pytest.mark.parametrize(
    "given",
    [{"tolerance": 0.3}, {"rule": "rmsprop", "learning_rate": 0.01, "mode": "batch"}, {"shuffle": True}],
    ids=["lanes", "vmapped", "shuffled"],
)
def test_a_look_sees_the_weights_of_its_epoch_and_changes_no_bit(given):
    xor, network, seen = load_patterns("xor"), Network((2, 3, 1), "tanh"), {}
    more = {"seeds": 70, **given}
    plain = train_many(network, xor.x, xor.t, epochs=60, **more)

    def look(runs, epoch, weights):
        for k, run in enumerate(runs):
            seen[int(run), epoch] = tuple(W[k] for W in weights)

    looked = train_many(network, xor.x, xor.t, epochs=60, looks=(0, 20, 59), look=look, cores=1, **more)
    for a, b in zip((*plain.weights, plain.error), (*looked.weights, looked.error), strict=True):
        np.testing.assert_array_equal(a, b)
    assert {key for key in seen if key[1] == 20} == {(k, 20) for k in range(70) if plain.iterations[k] >= 20}
    last = {key[0] for key in seen if key[1] == 59}
    assert last == set(np.flatnonzero(plain.iterations == 59))
    for k in last:
        for W, V in zip(plain.weights, seen[k, 59], strict=True):
            np.testing.assert_array_equal(W[k], V)


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
