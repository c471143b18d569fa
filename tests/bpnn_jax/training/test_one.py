"""train: the article's numbers, against NumPy loops and the article's program, how runs end, and what they leave alone."""

import dataclasses
import math
import os
import random
import re
from functools import partial
from itertools import product
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import manual
from bpnn_jax.article import NAND_ERRORS, NAND_OUTPUTS, RECOGNISER_SETTINGS, initial_weights
from bpnn_jax.errors import InputError
from bpnn_jax.network import Network, init
from bpnn_jax.training import DivergedError, _inputs, _loop, _one, predict, train, train_many
from bpnn_jax.training._loop import Rates, Settings
from bpnn_jax.training._step import functions
from manual.article import NN

XOR = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([[0.0], [1], [1], [0]])
NAND = XOR[0], np.array([[1.0], [1], [1], [0]])
SMALL = Network((3, 4, 2), ("tanh", "sigmoid"))


def problem(patterns=7, seed=51):
    rng = np.random.default_rng(seed)
    weights = tuple(rng.uniform(-1, 1, s) for s in SMALL.shapes)
    return rng.uniform(-1, 1, (patterns, 3)), rng.uniform(0, 1, (patterns, 2)), weights


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


def same(first, second):
    """Bit for bit."""
    assert [W.tolist() for W in first.weights] == [W.tolist() for W in second.weights]
    assert (first.error, first.iterations, first.stopped) == (second.error, second.iterations, second.stopped)
    assert first.history.tolist() == second.history.tolist()


# --- the article's numbers ---


@pytest.mark.parametrize(("hidden_bias", "last"), [(False, "0.00193302192499"), (True, "0.00262203286178")])
def test_article_nand_table(hidden_bias, last):
    network = Network((2, 2, 1), hidden_bias=hidden_bias)
    result = train(
        network,
        *NAND,
        weights=initial_weights(network),
        dtype="float64",
        epochs=1000,
        order="article",
        measure="last-pattern",
        history_every=50,
    )
    errors = [f"{e:.12g}" for _, e in result.history]
    assert result.history[:, 0].tolist() == list(range(0, 1000, 50))
    assert errors[-1] == last
    assert (result.iterations, result.stopped) == (999, "epochs")
    if not hidden_bias:
        assert errors == list(NAND_ERRORS)
        outputs = predict(network, result.weights, NAND[0]).ravel()
        published = np.array(NAND_OUTPUTS, float)
        assert (
            abs(outputs / published - 1).max() <= 1e-15
        )  # in the 16th digit the exp of that day and of this one differ


def article_patterns():
    """The article's file: the first pattern is only read for its shape, 500 to train, 500 to test."""
    folder = Path(os.environ.get("BPNN_ARTICLE_DATA", "."))
    file = folder / "testdata.200"
    if not file.is_file():
        pytest.skip(f"the article's data file is not at hand: no testdata.200 in {folder} (set BPNN_ARTICLE_DATA)")
    lines = [line.split(">") for line in file.read_text().split("\n") if line.strip()]
    x, t = (np.array([[float(w) for w in part[side].split()] for part in lines]) for side in (0, 1))
    return x[1:1001], t[1:1001]


@pytest.mark.parametrize(
    ("hidden_bias", "iterations", "error"), [(False, 778, "0.009997988766"), (True, 775, "0.009994874186")]
)
def test_article_code_recogniser(hidden_bias, iterations, error):
    x, t = article_patterns()
    network = Network((20, 8, 3), hidden_bias=hidden_bias)
    result = train(
        network,
        x[:500],
        t[:500],
        weights=initial_weights(network),
        dtype="float64",
        cutoff=0.01,
        settings=RECOGNISER_SETTINGS,
    )
    assert (result.iterations, result.stopped) == (iterations, "cutoff")
    assert f"{result.error:.10g}" == f"{float(error):.10g}"
    assert result.history[-1, 1] == result.error
    success = (abs(predict(network, result.weights, x[500:]) - t[500:]) < 0.5).all(axis=1)
    assert success.mean() == 0.652


@partial(jax.jit, static_argnums=(0, 1))
def run(*args):
    return _loop.run(*args)


@pytest.mark.parametrize("hidden_bias", [False, True])
def test_article_order_is_the_article_s_program_epoch_by_epoch(hidden_bias, assert_within, x64):
    network = Network((3, 4, 2), hidden_bias=hidden_bias)
    x, t, _ = problem()
    loops = NN(3, 4, 2, hidden_bias=hidden_bias, rng=random.Random(5))
    weights = np.array(loops.wi)[:, :4], np.array(loops.wo)
    settings = Settings(epochs=40, order="article", measure="last-pattern")
    rates = Rates(*map(jnp.asarray, (0.5, 0.2, 0.0, 0.0)))
    state = _loop.start(settings, tuple(map(jnp.asarray, weights)), rates)
    args = jnp.asarray(x), jnp.asarray(t), rates, jax.random.key(0)
    for epoch in range(40):
        (error,) = loops.train(list(zip(x.tolist(), t.tolist(), strict=True)), iterations=1, N=0.5, M=0.2)
        state = run(network, settings, state, *args, epoch + 1)
        # Seven updates an epoch, of some 30 roundings each of numbers up to 2: 2^-52 apiece, and they merely add up.
        allowed = (epoch + 1) * 7 * 30 * 2.0**-52
        assert_within((state.error, *state.weights), (error, np.array(loops.wi)[:, :4], np.array(loops.wo)), allowed)


# --- against NumPy loops ---

# 12 epochs of at most 7 updates, some 60 roundings of numbers up to 2 in each: 2^-52 apiece in float64.
ALLOWED = 12 * 7 * 60 * 2.0**-52


def sized(mode, batch_size):
    """A batch size only where it is one."""
    return {"mode": mode, **({"batch_size": batch_size} if mode == "minibatch" else {})}


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
    for pair in product(_loop.MODES, _loop.MEASURES)
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


# --- one program ---


@pytest.mark.parametrize(
    ("dtype", "shuffle"),
    [
        ("float32", False),
        ("float64", True),
        pytest.param("float32", True, marks=pytest.mark.deep),
        pytest.param("float64", False, marks=pytest.mark.deep),
    ],
)
def test_progress_changes_no_bit(dtype, shuffle):
    x, t, weights = problem()
    seen = []
    kwargs = {"weights": weights, "dtype": dtype, "epochs": 250, "shuffle": shuffle, "rule": "heavy-ball"}
    watched = train(SMALL, x, t, progress=lambda *args: seen.append(args), **kwargs)
    same(watched, train(SMALL, x, t, **kwargs))
    epochs = [epoch for epoch, _ in seen]
    assert epochs[0] == 1  # a first look at once, then about every tenth of a second
    assert epochs == sorted(set(epochs))
    assert epochs[-1] == 250
    assert [error for _, error in seen] == watched.history[np.array(epochs) - 1, 1].tolist()


def test_progress_ends_where_the_run_ends():
    x, t, weights = problem()
    seen = []
    kwargs = {"weights": weights, "epochs": 1005, "cutoff": 0.8}
    watched = train(SMALL, x, t, progress=lambda *args: seen.append(args), **kwargs)
    same(watched, train(SMALL, x, t, **kwargs))
    assert watched.stopped == "cutoff"
    assert seen[-1] == (watched.iterations + 1, watched.error)
    assert len(seen) <= 101
    everything = []
    train(SMALL, x, t, progress=lambda *args: everything.append(args), **{**kwargs, "cutoff": 0.0})
    assert everything[-1][0] == 1005


COMPILED = []
jax.monitoring.register_event_duration_secs_listener(
    lambda event, *_, **__: COMPILED.append(event) if event == "/jax/core/compile/backend_compile_duration" else None
)


def test_rates_and_starts_compile_nothing_anew():
    x, t, weights = problem(patterns=5)  # shapes that no other test has
    kwargs = {"weights": weights, "epochs": 13}
    before = len(COMPILED)
    first = train(SMALL, x, t, tolerance=0.01, **kwargs)
    assert len(COMPILED) > before
    cached, before = _one._run._cache_size(), len(COMPILED)
    for changed in ({"learning_rate": 0.25}, {"momentum": 0.7}, {"cutoff": 0.5}, {"tolerance": 0.4}, {"seed": 5}):
        train(SMALL, x, t, **{"tolerance": 0.01, **kwargs, **changed})
    train(SMALL, x + 1.0, t / 2.0, tolerance=0.01, **{**kwargs, "weights": tuple(W * 2 for W in weights)})
    train(Network((3, 4, 2), ("tanh", "sigmoid")), x, t, tolerance=0.01, progress=lambda *_: None, **kwargs)
    assert len(COMPILED) == before
    assert _one._run._cache_size() == cached
    assert first.compile_seconds > 0
    longer = train(SMALL, x, t, tolerance=0.01, **{**kwargs, "epochs": 1000})
    assert longer.history.shape == (1000, 2)
    assert len(COMPILED) == before
    train(SMALL, x, t, tolerance=0.01, **{**kwargs, "epochs": 1025})  # a longer history than it has room for
    assert len(COMPILED) > before


@pytest.mark.parametrize("many", [False, True], ids=["train", "train_many"])
def test_another_weight_decay_compiles_nothing_anew(many):
    x, t, weights = problem(patterns=5)
    run = partial(train_many, seeds=1, lanes=16) if many else train
    given = {"weights": weights, "epochs": 13, "mode": "batch"}
    first = run(SMALL, x, t, weight_decay=0.01, **given)
    before = len(COMPILED)
    other = run(SMALL, x, t, weight_decay=0.25, **given)
    assert len(COMPILED) == before
    assert abs(other.weights[0]).sum() < abs(first.weights[0]).sum()  # 12 epochs of a decay 25 times as strong


@pytest.mark.parametrize(
    ("epochs", "every", "room"),
    [
        (1, 1, 1024),
        (1024, 1, 1024),
        (1025, 1, 2048),
        (5000, 5, 5 * 1024),
        (10_000_000, 1, 10_000_000),
        (2**31 - 1, 10**6, 2**31 - 1),
    ],
)
def test_the_room_for_a_history_is_a_power_of_two(epochs, every, room):
    """What is compiled, and kept for as long as the process lives, is one program for each power of two."""
    settings = Settings(epochs=epochs, history_every=every)
    found = _loop.with_room(settings)
    assert found == dataclasses.replace(settings, epochs=room)


@pytest.fixture(params=[False, True], ids=["x64 off", "x64 on"])
def global_x64(request):
    """The caller's global setting, one way and the other."""
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", request.param)
    yield request.param
    jax.config.update("jax_enable_x64", before)


RESULTS = {}
LINEAR = Network((3, 2), "linear")
DIVERGING = {"weights": (np.full((4, 2), 0.5),), "epochs": 1000, "mode": "batch"}


@pytest.mark.parametrize("dtype", _inputs.DTYPES)
def test_the_callers_settings_are_left_alone_and_do_not_matter(dtype, global_x64):
    x, t, _ = problem()
    before = dict(jax.config.values)
    result = train(SMALL, x, t, dtype=dtype, epochs=12, shuffle=True, seed=3)
    outputs = predict(SMALL, result.weights, x)
    with pytest.raises(DivergedError):
        train(LINEAR, x, t, learning_rate=1e6, **DIVERGING, dtype=dtype)
    assert dict(jax.config.values) == before
    assert jax.config.jax_enable_x64 is global_x64
    assert jnp.ones(()).dtype == ("float64" if global_x64 else "float32")
    assert {W.dtype.name for W in (*result.weights, outputs)} == {dtype}
    assert all(isinstance(W, np.ndarray) for W in (*result.weights, outputs, result.history))
    same(RESULTS.setdefault(dtype, result), result)


def test_float32_and_float64_start_alike_and_part_slowly(assert_within):
    x, t, _ = problem()
    narrow, wide = (train(SMALL, x, t, dtype=dtype, epochs=12, seed=4) for dtype in _inputs.DTYPES)
    assert_within(narrow.weights, wide.weights, ALLOWED * 2.0**29)
    assert any((n != w).any() for n, w in zip(narrow.weights, wide.weights, strict=True))
    start = init(SMALL, 4)
    same(narrow, train(SMALL, x, t, epochs=12, weights=start))


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


# --- how runs end ---


def test_epoch_limit_and_history():
    x, t, weights = problem()
    full = train(SMALL, x, t, weights=weights, epochs=20)
    assert (full.iterations, full.stopped, full.network) == (19, "epochs", SMALL)
    assert full.history.shape == (20, 2)
    assert full.history[:, 0].tolist() == list(range(20))
    assert full.seconds > 0
    for every in (7, 20, 50):
        thin = train(SMALL, x, t, weights=weights, epochs=20, history_every=every)
        assert thin.history.tolist() == full.history[::every].tolist()
        assert thin.error == full.error


def test_cutoff_stops_after_the_first_error_below_it():
    x, t, weights = problem()
    kwargs = {"weights": weights, "dtype": "float64", "epochs": 60}
    errors = train(SMALL, x, t, **kwargs).history[:, 1]
    assert (np.diff(errors[5:40]) < 0).all()
    at = train(SMALL, x, t, cutoff=errors[30], **kwargs)  # equal is not below
    assert (at.iterations, at.stopped) == (31, "cutoff")
    above = train(SMALL, x, t, cutoff=np.nextafter(errors[30], 9), **kwargs)
    assert (above.iterations, above.stopped, above.error) == (30, "cutoff", errors[30])
    assert above.history[:, 1].tolist() == errors[:31].tolist()


def test_solved_means_every_output_within_the_tolerance():
    network = Network((2, 3, 1), "tanh")
    rng = np.random.default_rng(2)
    weights = tuple(rng.uniform(-1, 1, shape) for shape in network.shapes)
    kwargs = {"epochs": 5000, "dtype": "float64", "weights": weights}
    result = train(network, *XOR, tolerance=0.2, **kwargs)
    assert result.stopped == "solved"
    assert result.iterations > 30
    assert abs(predict(network, result.weights, XOR[0]) - XOR[1]).max() <= 0.2
    cutoff = np.nextafter(result.history[-2, 1], 9)  # ends it one epoch before, by the same program
    before = train(network, *XOR, tolerance=0.2, cutoff=cutoff, **kwargs)
    assert (before.stopped, before.iterations) == ("cutoff", result.iterations - 1)
    assert abs(predict(network, before.weights, XOR[0]) - XOR[1]).max() > 0.2
    unasked = train(network, *XOR, **{**kwargs, "epochs": result.iterations + 5})
    assert (unasked.stopped, unasked.iterations) == ("epochs", result.iterations + 4)


@pytest.mark.parametrize("watched", [False, True])
@pytest.mark.parametrize("dtype", _inputs.DTYPES)
def test_a_run_that_diverges_says_at_which_epoch(dtype, watched):
    """A linear network with a far too large learning rate, beside the same in NumPy until it overflows."""
    x, t, _ = problem()
    progress = (lambda *_: None) if watched else None
    with pytest.raises(DivergedError) as caught:
        train(LINEAR, x, t, learning_rate=30.0, **DIVERGING, dtype=dtype, progress=progress)
    W = DIVERGING["weights"][0].astype(dtype)
    x, t, before, number = x.astype(dtype), t.astype(dtype), np.zeros_like(W), np.dtype(dtype).type
    error, epoch = 0.0, -1
    while np.isfinite(error) and np.isfinite(W).all():
        epoch += 1
        with np.errstate(over="ignore", invalid="ignore"):
            net = manual.forward((W,), x, (manual.LINEAR,))
            error = manual.half_squared_error(net.outputs, t)
            (g,) = manual.gradient(net, t)
            W, before = manual.previous_gradient(W, g, before, number(30.0), number(0.1))
    result = caught.value.result
    assert result.iterations == epoch > 5
    assert result.stopped == "diverged"
    assert f"the run diverged at epoch {epoch}" in str(caught.value)
    assert np.isfinite(result.history[:-1]).all()
    assert len(result.history) == epoch + 1
    assert isinstance(caught.value, FloatingPointError)


def test_weights_that_overflow_under_a_finite_error_diverge_at_once():
    network = Network((1, 1), "linear")
    with pytest.raises(DivergedError, match="diverged at epoch 0") as caught:
        train(network, [[1.0]], [[9.0]], weights=(np.zeros((2, 1)),), learning_rate=1e38, epochs=5)
    assert caught.value.result.error == 40.5
    assert not np.isfinite(caught.value.result.weights[0]).all()


@pytest.mark.parametrize(("value", "got"), [(np.nan, "nan"), (-np.inf, "-inf"), (1e300, r"1e\+300")])
def test_first_weights_are_finite_in_the_run_s_dtype(value, got):
    network, given = Network((1, 1), "linear"), (np.array([[0.5], [value]]),)
    for face, more in ((train, {}), (train_many, {"seeds": 2})):
        with pytest.raises(
            InputError, match=rf"expected finite weights, as float32 has them, got {got} in layer 1, at \(1, 0\)"
        ):
            face(network, [[1.0]], [[9.0]], weights=given, epochs=5, **more)
    if value == 1e300:
        assert _inputs.weights(network, given, "float64")[0][1, 0] == 1e300


# --- what it says ---


def says(text):
    return pytest.raises(InputError, match=re.escape(text))


@pytest.mark.parametrize("name", ["learning_rate", "momentum", "cutoff", "tolerance"])
@pytest.mark.parametrize("value", [-0.1, math.nan, math.inf])
def test_rates_that_are_none(name, value):
    with says(f"expected {name} as a finite number from 0 up, got {value!r}"):
        train(Network((2, 1)), *XOR, **{name: value})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"rule": "nestrov"}, "unknown rule 'nestrov'; did you mean 'nesterov'? Known: previous-gradient"),
        ({"mode": "on-line"}, "unknown mode 'on-line'; did you mean 'online'? Known: online, minibatch, batch"),
        ({"measure": "mean"}, "unknown measure 'mean'. Known: sum, last-output, last-pattern"),
        ({"order": "articles"}, "unknown order 'articles'; did you mean 'article'? Known: simultaneous, article"),
        ({"gradient": "auto-diff"}, "unknown gradient 'auto-diff'; did you mean 'autodiff'? Known: manual, autodiff"),
        ({"dtype": "float23"}, "unknown dtype 'float23'; did you mean 'float32'"),
        ({"epoch": 5}, "unknown option of train 'epoch'; did you mean 'epochs'?"),
        ({"epochs": 0}, "expected epochs as a whole number from 1 up, got 0"),
        ({"epochs": 2.5}, "expected epochs as a whole number from 1 up, got 2.5"),
        ({"batch_size": -3}, "expected batch_size as a whole number from 1 up, got -3"),
        ({"history_every": 0}, "expected history_every as a whole number from 1 up, got 0"),
        (
            {"order": "article", "gradient": "autodiff"},
            "expected gradient 'manual' with order 'article', got 'autodiff': the article's order is no gradient",
        ),
        (
            {"weights": (np.zeros((2, 1)),)},
            "expected weights of shapes ((3, 1),) for 2-1 sigmoid, got ((2, 1),)",
        ),
    ],
)
def test_settings_that_cannot_be(given, message):
    with says(message):
        train(Network((2, 1)), *XOR, **given)


@pytest.mark.parametrize(
    ("x", "t", "message"),
    [
        (XOR[0][0], XOR[1], "expected inputs of shape (patterns, 2) for 2-1 sigmoid, got (2,)"),
        (np.zeros((4, 3)), XOR[1], "expected inputs of shape (patterns, 2) for 2-1 sigmoid, got (4, 3)"),
        (np.zeros((0, 2)), np.zeros((0, 1)), "expected inputs of shape (patterns, 2) for 2-1 sigmoid, got (0, 2)"),
        (XOR[0], XOR[1].ravel(), "expected targets of shape (patterns, 1) for 2-1 sigmoid, got (4,)"),
        (XOR[0], np.zeros((4, 2)), "expected targets of shape (patterns, 1) for 2-1 sigmoid, got (4, 2)"),
        (XOR[0], XOR[1][:3], "expected as many targets as inputs, got 4 inputs and 3 targets"),
        ([[0, 0], [1, math.nan]], [[0], [1]], "expected finite inputs, got nan in pattern 1, column 1"),
        ([[0, 0], [1, 1]], [[0], [-math.inf]], "expected finite targets, got -inf in pattern 1, column 0"),
    ],
)
def test_patterns_that_do_not_fit(x, t, message):
    with says(message):
        train(Network((2, 1)), x, t)


@pytest.mark.parametrize(
    ("activation", "targets", "message"),
    [
        ("sigmoid", (-1.0, 1.0), "targets from -1 to 1, but a sigmoid output stays between 0 and 1"),
        ("sigmoid", (0.0, 1.5), "targets from 0 to 1.5, but a sigmoid output"),
        ("tanh", (-2.0, 1.0), "targets from -2 to 1, but a tanh output stays between -1 and 1"),
        ("lecun_tanh", (0.0, 2.0), "but a lecun_tanh output stays between -1.7159 and 1.7159"),
        ("relu", (-1.0, 9.0), "targets from -1 to 9, but a relu output stays between 0 and inf"),
        ("softplus", (-0.5, 1.0), "but a softplus output stays between 0 and inf"),
        ("elu", (-2.0, 1.0), "but a elu output stays between -1 and inf"),
        ("softsign", (0.0, 1.5), "but a softsign output stays between -1 and 1"),
        ("silu", (-0.3, 1.0), "but a silu output stays between -0.278465 and inf"),
        ("gelu", (-0.2, 1.0), "but a gelu output stays between -0.170041 and inf"),
    ],
)
def test_targets_out_of_reach_are_warned_of(activation, targets, message):
    t = np.array(targets)[:, None]
    with pytest.warns(UserWarning, match=re.escape(message)) as warned:
        train(Network((1, 1), activation), [[0.0], [1.0]], t, epochs=1)
    assert [w.filename for w in warned] == [__file__]  # it points at the caller


@pytest.mark.parametrize(
    ("activation", "targets"),
    [
        *[("sigmoid", (0, 1)), ("tanh", (-1, 1)), ("lecun_tanh", (-1.7, 1.7)), ("linear", (-9, 9))],
        *[("relu", (0, 9)), ("leaky_relu", (-9, 9)), ("elu", (-1, 9)), ("softplus", (0, 9))],
        *[("softsign", (-1, 1)), ("silu", (-0.27, 9)), ("gelu", (-0.17, 9))],
    ],
)
def test_targets_within_reach_are_not(activation, targets):
    """Warnings are errors in these tests."""
    train(Network((1, 1), activation), [[0.0], [1.0]], np.array(targets)[:, None], epochs=1, learning_rate=0.01)


@pytest.mark.parametrize("targets", [(0.0, 1.5), (-0.5, 1.0)])
def test_targets_out_of_a_softmax_output_s_reach_are_warned_of(targets):
    t = np.array([targets, targets[::-1]])
    with pytest.warns(UserWarning, match="but a softmax output stays between 0 and 1"):
        train(Network((1, 2), "softmax"), [[0.0], [1.0]], t, epochs=1)


def test_predict():
    x, _, weights = problem()
    wide = predict(SMALL, weights, x)
    expected = manual.forward(weights, x, functions(SMALL)).outputs
    assert wide.dtype == np.float64
    assert abs(wide - expected).max() <= 100 * 2.0**-53  # some 20 roundings on each side
    assert predict(SMALL, tuple(W.astype("float32") for W in weights), x).dtype == np.float32
    with says("expected inputs of shape (patterns, 3) for 3-4-2 tanh/sigmoid, got (3,)"):
        predict(SMALL, weights, x[0])
    with says("expected inputs of shape (patterns, 3) for 3-4-2 tanh/sigmoid, got (7, 2)"):
        predict(SMALL, weights, x[:, :2])
    with says("expected weights of shapes ((4, 4), (5, 2))"):
        predict(SMALL, weights[:1], x)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"stop_solved": True}, "expected a tolerance to stop at when solved"),
        ({"seed": 2**32}, "expected seed as a whole number up to 4294967295, got 4294967296"),
        ({"seed": -1}, "expected seed as a whole number from 0 up, got -1"),
        ({"cutoff": None}, "expected cutoff as a finite number from 0 up, got None"),
        (
            {"learning_rate": [0.1]},
            r"expected learning_rate as a finite number from 0 up, got an array of shape \(1,\)",
        ),
        ({"learning_rate": True}, "expected learning_rate as a finite number from 0 up, got True"),
        ({"learning_rate": "fast"}, "expected learning_rate as a finite number from 0 up, got 'fast'"),
        ({"learning_rate": 1e39}, r"expected learning_rate as a finite number .* got 1e\+39, which is beyond float32"),
        ({"rule": None}, "expected a rule by name, an optax transformation or a function that makes one, got None"),
        ({"epochs": True}, "expected epochs as a whole number from 1 up, got True"),
        ({"epochs": 10**9}, "expected a history of at most 10000000 points"),
    ],
)
def test_more_that_cannot_be(given, message):
    x, t, _ = problem()
    with pytest.raises(InputError, match=message):
        train(SMALL, x, t, **given)


def test_patterns_that_are_no_float32_numbers():
    x, t, _ = problem()
    with pytest.raises(InputError, match="expected finite inputs, got inf in pattern 0, column 0"):
        train(SMALL, np.where(np.arange(x.size).reshape(x.shape) == 0, 1e300, x), t)


# --- what used to pass in silence ---


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"batch_size": 32}, "expected batch_size with mode='minibatch', got batch_size=32 with mode='online'"),
        (
            {"batch_size": 8, "mode": "batch"},
            "expected batch_size with mode='minibatch', got batch_size=8 with mode='batch'",
        ),
        (
            {"rule": optax.sgd(0.1), "learning_rate": 0.5},
            "expected no learning_rate beside an optax transformation, which has",
        ),
        (
            {"rule": optax.sgd(0.1), "momentum": 0.1},
            "expected no momentum beside an optax transformation, which has its own, got 0.1",
        ),
        (
            {"rule": optax.adam},
            "got optax's adam itself, of (learning_rate, b1): call it, rule=optax.adam(0.01), or name it, rule='adam'",
        ),
        ({"rule": partial(optax.adam, b2=0.9)}, "of (learning_rate, b1): call it"),
        (
            {"rule": optax.fromage},
            "got optax's fromage itself, of (learning_rate, min_norm): call it, rule=optax.fromage(0.01)",
        ),
        ({"rule": lambda rate: optax.adam(rate)}, "expected as rule a function of (learning_rate, momentum), got "),
        ({"rule": lambda rate, mu: rate}, "expected a rule that makes an optax transformation, got one that makes 0.0"),
        ({"learning_rate": "0.5"}, "expected learning_rate as a finite number from 0 up, got '0.5'"),
        ({"shuffle": "no"}, "expected shuffle as True or False, got 'no'"),
        ({"dtype": "f4"}, "unknown dtype 'f4'"),
        ({"dtype": np.int32}, "unknown dtype 'int32'"),
        ({"dtype": None}, "unknown dtype None"),
        ({"dtype": 5}, "unknown dtype 5"),
        (
            {"weights": (np.zeros((4, 4)), None)},
            "expected weights of layer 2 as an array of real numbers, got None among them",
        ),
        (
            {"weights": ([[0.0] * 4] * 4, [[0.0, None]] * 5)},
            "weights of layer 2 as an array of real numbers, got None among them",
        ),
        (
            {"weights": (np.zeros((4, 4)), np.zeros((5, 2), complex))},
            "weights of layer 2 as an array of real numbers, got an array of c",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else next(iter(value)),
)
def test_what_was_ignored_or_cast_is_refused(given, message):
    x, t, _ = problem()
    with says(message):
        train(SMALL, x, t, **given)


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


@pytest.mark.parametrize("dtype", [np.float64, np.dtype("float64"), jnp.float64, float])
def test_a_dtype_in_place_of_its_name(dtype):
    x, t, weights = problem()
    assert train(SMALL, x, t, weights=weights, epochs=12, dtype=dtype).weights[0].dtype == "float64"


CLASSES = np.array([0, 1, 1, 0, 0, 1, 1])


@pytest.mark.parametrize(
    ("x", "t", "message"),
    [
        (np.full((7, 3), "one"), None, "expected inputs as an array of real numbers, got the string 'one'"),
        (np.full((7, 3), "0.5"), None, "expected inputs as an array of real numbers, got the string '0.5'"),
        (np.ones((7, 3), complex), None, "expected inputs as an array of real numbers, got an array of complex128"),
        (
            np.ma.masked_less(np.eye(7, 3), 0.5),
            None,
            "inputs as an array of real numbers, got a masked array: fill its gaps",
        ),
        ([[0.0, 0.0, None]], None, "expected inputs as an array of real numbers, got None among them"),
        ([[0.0, 0.0], [1.0]], None, "expected inputs as an array of real numbers, got: "),
        (np.ones(3), None, "for 3-4-2 tanh/sigmoid, got (3,); x[None] makes one pattern of it"),
        (None, CLASSES, "got (7,); whole-number classes from 0 become targets by np.eye(2)[t]"),
        (None, CLASSES[:, None], "got (7, 1); whole-number classes from 0 become targets by np.eye(2)[t[:, 0]]"),
        (None, CLASSES + 0.5, "expected targets of shape (patterns, 2) for 3-4-2 tanh/sigmoid, got (7,)"),
        (
            None,
            np.where(CLASSES, "a", "b"),
            "got the string 'b'; classes by name become targets by np.eye(k)[np.unique(",
        ),
    ],
)
def test_patterns_that_come_in_another_form_are_told_the_line_that_mends_them(x, t, message):
    given = problem()
    with says(message):
        train(SMALL, given[0] if x is None else x, given[1] if t is None else t)


def test_one_target_per_pattern_wants_a_column():
    x, t, _ = problem()
    with says("got (7,); t[:, None] makes one column of it"):
        train(Network((3, 1)), x, t[:, 0])
    with pytest.warns(
        UserWarning,
        match=re.escape("if they are 3 classes, the network wants an output for each, and np.eye(3)[t[:, 0]]"),
    ):
        train(Network((3, 2, 1)), x, np.array([[0], [1], [2], [0], [1], [2], [0]]), epochs=1)


def test_the_lines_that_mend_do_mend():
    x, _, _ = problem()
    for line in (np.eye(2)[CLASSES], np.eye(2)[np.unique(np.where(CLASSES, "a", "b"), return_inverse=True)[1]]):
        assert train(SMALL, x, line, epochs=12).history.shape == (12, 2)


def test_a_rule_that_keeps_its_rate_in_its_state_moves():
    x, t, weights = problem()
    found = train(SMALL, x, t, weights=weights, rule="rprop", mode="batch", learning_rate=0.05, epochs=3)
    assert not np.array_equal(found.weights[0], weights[0])
