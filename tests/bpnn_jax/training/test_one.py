"""train: the article's numbers, one program for all rates, the caller's settings left alone, and how runs end."""

import dataclasses
import os
import random
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import manual
from bpnn_jax.article import NAND_ERRORS, NAND_OUTPUTS, RECOGNISER_SETTINGS, initial_weights
from bpnn_jax.network import Network, init
from bpnn_jax.training import DivergedError, _inputs, _loop, _one, _settings, predict, train, train_many
from bpnn_jax.training._loop import Rates
from bpnn_jax.training._settings import Settings
from manual.article import NN
from tests.bpnn_jax.training.single import ALLOWED, SMALL, XOR, problem, same

NAND = XOR[0], np.array([[1.0], [1], [1], [0]])


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
    found = _settings.with_room(settings)
    assert found == dataclasses.replace(settings, epochs=room)


# --- the caller's settings ---


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
