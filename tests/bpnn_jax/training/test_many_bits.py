"""train_many: no bit of a network depends on whoever is trained beside it, how many they are, or who looks on."""

import jax
import numpy as np
import pytest

from bpnn_jax.errors import InputError
from bpnn_jax.network import Network, init
from bpnn_jax.patterns import load as load_patterns
from bpnn_jax.training import DivergedError, _blocks, _engines, _many, train
from tests.bpnn_jax.training.several import ALLOWED, PROGRAM, RATES, SEEDS, SMALL, bits, problem, starts

train_many = _many.train_many


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


# --- who is beside it ---


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


def test_rates_seeds_and_numbers_of_networks_compile_nothing_anew():
    x, t = problem()
    kwargs = {**PROGRAM, "weights": [W[0] for W in starts(SMALL, 1)]}
    train_many(SMALL, x, t, seeds=3, **kwargs)
    cached = _blocks._run._cache_size()
    train_many(SMALL, x, t, seeds=[9, 4], learning_rate=[0.1, 0.2], momentum=0.0, cutoff=[1.0, 2.0], **kwargs)
    train_many(SMALL, x + 1, t / 2, seeds=70, **{**kwargs, "tolerance": np.linspace(0, 1, 70)})
    assert _blocks._run._cache_size() == cached


def test_an_interrupted_run_starts_no_more_blocks():
    x, t = problem()
    seen = []

    def stop(done, n):
        seen.append(done)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_many(SMALL, x, t, seeds=800, weights=init(SMALL, 3), cores=1, progress=stop, **PROGRAM)
    assert seen == [16]


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


@pytest.mark.parametrize(
    "given",
    [
        {"tolerance": 0.3, "shuffle": True},
        {"rule": "rmsprop", "learning_rate": 0.01, "mode": "batch"},
        pytest.param({"tolerance": 0.3}, marks=pytest.mark.deep),
    ],
    ids=["shuffled", "vmapped", "lanes"],
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
