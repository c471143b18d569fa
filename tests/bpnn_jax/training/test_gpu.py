"""The GPU kernel without a GPU: its body in interpret mode against loops in float64, and lowered for CUDA on this machine."""

import dataclasses
import runpy
import sys
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import manual
from bpnn_jax import Network, load_patterns, train
from bpnn_jax.errors import InputError
from bpnn_jax.network import init
from bpnn_jax.training import _blocks, _engines, _loop, _many, _settings
from bpnn_jax.training._step import functions
from bpnn_jax.training.gpu import block as gpu
from bpnn_jax.training.gpu import rows
from bpnn_jax.training.gpu.update import Layer, Update
from bpnn_jax.verify.bound import UNIT, bound
from bpnn_jax.verify.reference import draw, float64

pytestmark = pytest.mark.quick_xla

ROOT = Path(__file__).resolve().parents[3]
U = UNIT["float32"]
FURTHER = ("relu", "leaky_relu", "elu", "softplus", "softsign", "silu", "gelu")  # those of (17)


def example(network, n, patterns=4, seed=0):
    rng = np.random.default_rng(seed)
    d = draw(network, rng, patterns=patterns)
    weights = tuple(rng.uniform(-1, 1, (*shape, n)).astype(np.float32) for shape in network.shapes)
    rates = _loop.Rates(
        rng.uniform(0.1, 0.5, n).astype(np.float32), rng.uniform(0, 0.3, n).astype(np.float32), 0.0, 0.0
    )
    return weights, d.x.astype(np.float32), d.t.astype(np.float32), rates


_compiled = jax.jit(gpu.train_block, static_argnums=(0, 1), static_argnames=("threads", "lanes", "interpret"))


def interpreted(network, settings, weights, x, t, rates, **options):
    """In interpret mode; with every rate an array, so that tests of one network share one compilation."""
    rates = _loop.Rates(*(np.broadcast_to(np.float32(rate), weights[0].shape[-1:]) for rate in rates))
    return _compiled(network, settings, weights, x, t, rates, interpret=True, **options)


def by_hand(network, settings, weights, x, t, rates, k):
    """Network ``k`` trained in float64 by ``manual``, and the error of its last epoch."""
    f, move = functions(network), manual.RULES[settings.rule].step
    W = [w[..., k].astype(np.float64) for w in weights]
    carried, error = [0.0 * w for w in W], 0.0
    for _ in range(settings.epochs):
        error = 0.0
        for x_p, t_p in zip(x.astype(np.float64), t.astype(np.float64), strict=True):
            net = manual.forward(tuple(W), x_p, f)
            error += manual.half_squared_error(net.outputs, t_p)
            delta = manual.CORRECT.output_delta(net.layers[-1], t_p)
            moved = list(W)
            for l in range(len(W) - 1, -1, -1):
                g = manual.CORRECT.weight_gradient(net.layers[l], delta)
                moved[l], carried[l] = move(W[l], g, carried[l], float(rates[0][k]), float(rates[1][k]))
                if l:
                    above = net.layers[l]._replace(W=moved[l]) if settings.order == "article" else net.layers[l]
                    delta = manual.CORRECT.hidden_delta(net.layers[l - 1], above, delta)
            W = moved
    return W, error


def assert_as_by_hand(block, network, settings, weights, x, t, rates, networks):
    # An update rounds some 3 numbers of a sum of up to 21, each once or twice, and the errors of the updates before are
    # carried on, at worst grown by a tenth an update: 12 updates leave under 100 roundings of numbers near 1. Planted
    # mistakes, below, are off by 1e-3 and more.
    allowed = 100 * U
    for k in networks:
        W, error = by_hand(network, settings, weights, x, t, rates, k)
        for ours, right in zip(block.weights, W, strict=True):
            np.testing.assert_allclose(ours[..., k], right, rtol=0, atol=allowed * max(1.0, abs(right).max()))
        np.testing.assert_allclose(block.error[k], error, rtol=allowed, atol=allowed)


# --- the same numbers as the hand derivation ---

CASES = [
    (Network((2, 2, 1)), {}, 1),
    (Network((2, 2, 1), "tanh"), {"rule": "heavy-ball"}, 2),
    (Network((2, 2, 1), ("lecun_tanh", "linear"), hidden_bias=False), {"order": "article"}, 1),
    (Network((2, 4, 2), ("tanh", "sigmoid"), input_bias=False), {"order": "article", "rule": "nesterov"}, 4),
    (Network((3, 2, 2, 1), ("tanh", "sigmoid", "linear")), {}, 1),
    (Network((3, 1), input_bias=False), {"rule": "nesterov"}, 1),
]


@pytest.mark.parametrize(("network", "changes", "threads"), CASES, ids=lambda c: str(c).replace(" ", ""))
def test_three_epochs_are_those_of_the_hand_derivation(network, changes, threads):
    settings = _settings.Settings(epochs=3, **changes)
    args = example(network, 130)  # a second program, almost empty
    block = interpreted(network, settings, *args, threads=threads)
    assert [W.shape for W in block.weights] == [(*shape, 130) for shape in network.shapes]
    assert_as_by_hand(block, network, settings, *args, (0, 1, 127, 128, 129))
    assert set(np.asarray(block.iterations)) == {2}
    assert set(np.asarray(block.status)) == {_loop.RUNNING}


# Rung 5 of the ladder has one thread's.
@pytest.mark.parametrize("threads", [pytest.param(1, marks=pytest.mark.deep), 2])
def test_one_step_is_within_the_error_bound(threads):
    network, rng = Network((2, 2, 1), "tanh"), np.random.default_rng(3)
    weights, *_ = example(network, 128)
    step = 0.5  # a power of two, so that multiplying by it rounds nothing
    for saturated in (False, True):
        d = draw(network, rng, patterns=1, saturated=saturated)
        x, t = d.x.astype(np.float32), d.t.astype(np.float32)
        rates = _loop.Rates(step, 0.0, 0.0, 0.0)
        moved = interpreted(network, _settings.Settings(epochs=1), weights, x, t, rates, threads=threads).weights
        for k in (*range(0, 128, 8), 127):
            wide = tuple(W[..., k].astype(np.float64) for W in weights), x.astype(np.float64), t.astype(np.float64)
            exact = float64(network, *wide)
            allowed = bound(network, *wide, exact, U)
            for W, after, g, E in zip(wide[0], moved, exact.gradient, allowed.gradient, strict=True):
                # The product with the rates' sum and the subtraction: each rounds once.
                limit = step * E + 3 * U * (abs(W) + step * abs(g))
                assert (abs(np.asarray(after[..., k]) - (W - step * g)) <= limit).all()


EAGER = 3


def eagerly(kernel, interpret, state, counts, errors, rates, records, stretch):
    """The kernel's body on plain arrays, all networks as one block: for what takes XLA's CPU backend long to compile.

    JAX compiles each of its operations once a shape: here with three networks, ``EAGER``, in every test.
    """
    state, counts, errors, rates, records, stretch = map(np.asarray, (state, counts, errors, rates, records, stretch))
    with jax.disable_jit():
        layers = jax.tree.unflatten(jax.tree.structure(rows.template(kernel.update)), list(state))
        layers, status, epochs, error = kernel(layers, *counts, *errors, tuple(rates), records, stretch)
    return np.stack(jax.tree.leaves(layers)), np.stack([status, epochs]), np.asarray(error)[None]


# More threads than one deal out the hidden nodes; with one there is nothing that the small networks have not.
@pytest.mark.parametrize("threads", [pytest.param(1, marks=pytest.mark.deep), 8])
def test_the_article_s_recogniser(threads, monkeypatch):
    monkeypatch.setattr(gpu, "_launch", eagerly)
    network, settings = Network((20, 8, 3)), _settings.Settings(epochs=2)
    args = example(network, EAGER, patterns=3)
    block = gpu.train_block(network, settings, *args, threads=threads, interpret=True)
    assert_as_by_hand(block, network, settings, *args, range(EAGER))


# --- a wrong kernel is seen ---


def without_overlap(update, layers, x, overlap):
    return RIGHT_FORWARD(update, layers, x, None)


def with_bias_in_no_overlap(update, layers, x, overlap):
    return RIGHT_FORWARD(update, layers, x, None if overlap is None else overlap - 1.0)


def nothing_lacking(update, layers, *the_rest):
    bare = tuple(layer._replace(owed=tuple(0.0 * d for d in layer.owed)) for layer in layers)
    return RIGHT_BACKWARD(update, bare, *the_rest)


def without_momentum_in_the_step(update, layer, below, delta, bias, learning_rate, momentum):
    moved = RIGHT_MOVE(update, layer, below, delta, bias, learning_rate, 0.0 * momentum)
    return moved._replace(owed=tuple(momentum * d for d in delta))


def without_the_bias_row(update, layer, below, delta, bias, learning_rate, momentum):
    moved = RIGHT_MOVE(update, layer, below, delta, bias, learning_rate, momentum)
    return moved._replace(W=(*moved.W[:-1], layer.W[-1])) if bias else moved


def one_percent_off(update, layer, below, delta, bias, learning_rate, momentum):
    return RIGHT_MOVE(update, layer, below, tuple(1.01 * d for d in delta), bias, learning_rate, momentum)


def never_leaning(update, layers, last, sign):
    return layers


def leaning_on_no_bias(update, layers, last, sign):
    leant = RIGHT_LEAN(update, layers, last, sign)
    return tuple(new._replace(W=(*new.W[:-1], old.W[-1])) for new, old in zip(leant, layers, strict=True))


RIGHT_FORWARD, RIGHT_BACKWARD, RIGHT_MOVE, RIGHT_LEAN = Update.forward, Update.backward, Update.move, Update.lean
WRONG = [
    ("forward", without_overlap),
    ("forward", with_bias_in_no_overlap),
    ("backward", nothing_lacking),
    ("move", without_momentum_in_the_step),
    ("move", without_the_bias_row),
    ("move", one_percent_off),
    ("lean", never_leaning),
    ("lean", leaning_on_no_bias),
]


@pytest.mark.parametrize(("method", "wrong"), [(None, None), *WRONG], ids=lambda w: getattr(w, "__name__", "-"))
def test_a_wrong_kernel_fails(method, wrong, monkeypatch):
    monkeypatch.setattr(gpu, "_launch", eagerly)
    if method:
        monkeypatch.setattr(Update, method, wrong)
    network, settings = Network((2, 2, 1)), _settings.Settings(epochs=2)
    args = example(network, EAGER)
    block = gpu.train_block(network, settings, *args, interpret=True)
    if method is None:
        assert_as_by_hand(block, network, settings, *args, range(EAGER))
    else:
        with pytest.raises(AssertionError):
            assert_as_by_hand(block, network, settings, *args, range(EAGER))


# --- each network stops by itself ---


def test_a_stopped_network_is_frozen_and_its_neighbours_are_not():
    network = Network((2, 2, 1))
    weights, x, t, rates = example(network, 130)
    cutoff = np.zeros(130, np.float32)
    cutoff[::2] = 1e9  # every other network stops after its first epoch
    # Where all stop after it, the first epoch is the last that is run.
    once = interpreted(network, _settings.Settings(epochs=3), weights, x, t, rates._replace(cutoff=1e9))
    block = interpreted(network, _settings.Settings(epochs=3), weights, x, t, rates._replace(cutoff=cutoff))
    free = interpreted(network, _settings.Settings(epochs=3), weights, x, t, rates)
    assert set(np.asarray(once.iterations)) == {0}
    np.testing.assert_array_equal(block.status, np.where(cutoff > 0, _loop.CUTOFF, _loop.RUNNING))
    np.testing.assert_array_equal(block.iterations, np.where(cutoff > 0, 0, 2))
    for W, first, last in zip(block.weights, once.weights, free.weights, strict=True):
        np.testing.assert_array_equal(W[..., ::2], first[..., ::2])
        np.testing.assert_array_equal(W[..., 1::2], last[..., 1::2])
    np.testing.assert_array_equal(block.error[::2], once.error[::2])
    np.testing.assert_array_equal(block.error[1::2], free.error[1::2])


def test_a_diverged_network_says_so_and_harms_nobody():
    network, changes, _ = CASES[2]  # its output is linear
    settings = _settings.Settings(epochs=3, **changes)
    weights, x, t, _ = example(network, 130)
    fast = np.where(np.arange(130) == 5, 1e5, 0.01).astype(np.float32)
    block = interpreted(network, settings, weights, x, t, _loop.Rates(fast, 0.0, 0.0, 0.0), threads=1)
    diverged = np.asarray(block.status) == _loop.DIVERGED
    assert diverged[5]
    assert diverged.sum() == 1
    assert block.iterations[5] == 1  # of 0 to 2
    assert not np.isfinite(block.error[5])
    for W in block.weights:
        assert np.isnan(W[..., 5]).all()
        assert np.isfinite(np.asarray(W)[..., ~diverged]).all()


def test_a_diverged_network_is_nan_as_a_whole(monkeypatch):
    """Also where it has been run no further than to its first infinite weight."""
    monkeypatch.setattr(gpu, "_launch", eagerly)
    network = Network((2, 2, 1), ("tanh", "linear"))
    weights, x, t, rates = example(network, EAGER, patterns=1)
    rates = rates._replace(learning_rate=np.array([3e38, 0.1, 0.1], np.float32), momentum=0.0)
    running = gpu.begin(network, settings := _settings.Settings(epochs=1), weights)
    running = gpu.advance(settings, running, gpu.given(running, x, t + 100, rates), 1, interpret=True)
    assert not np.isnan(running.state[..., 0]).any()
    block = gpu.ended(running)
    assert block.status.tolist() == [_loop.DIVERGED, _loop.RUNNING, _loop.RUNNING]
    assert all(np.isnan(W).all(axis=(0, 1)).tolist() == [True, False, False] for W in block.weights)


@pytest.mark.deep
def test_solved_at_the_epoch_that_train_says():
    """At length what ``train_many`` below says of shorter runs."""
    network, xor = Network((2, 2, 1), "tanh"), load_patterns("xor")
    settings = _settings.Settings(epochs=400, stop_solved=True)
    starts = [init(network, seed) for seed in (0, 1, 3, 6)]  # seed 2 is chaotic: float32 solves at 89, float64 at 140
    weights = tuple(jnp.stack(parts, -1) for parts in zip(*starts, strict=True))
    x, t = xor.x.astype(np.float32), xor.t.astype(np.float32)
    block = interpreted(network, settings, weights, x, t, _loop.Rates(0.5, 0.1, 0.0, 0.1))
    alone = [train(network, xor.x, xor.t, epochs=400, tolerance=0.1, weights=W) for W in starts]
    assert [_loop.SOLVED if a.stopped == "solved" else _loop.RUNNING for a in alone] == list(np.asarray(block.status))
    assert _loop.SOLVED in np.asarray(block.status)
    # Rounding may move the epoch at which a falling error passes the tolerance by one.
    assert max(abs(a.iterations - int(i)) for a, i in zip(alone, block.iterations, strict=True)) <= 1


def test_a_network_s_bits_do_not_depend_on_its_place():
    network, settings = Network((2, 2, 1)), _settings.Settings(epochs=3)
    weights, x, t, rates = example(network, 130)
    order = np.random.default_rng(0).permutation(130)
    block = interpreted(network, settings, weights, x, t, rates)
    shuffled = rates._replace(learning_rate=rates[0][order], momentum=rates[1][order])
    moved = interpreted(network, settings, tuple(W[..., order] for W in weights), x, t, shuffled)
    for W, V in zip(block.weights, moved.weights, strict=True):
        np.testing.assert_array_equal(W[..., order], V)


@pytest.mark.parametrize("measure", _settings.MEASURES)
def test_the_error_is_what_its_measure_says(measure, monkeypatch):
    monkeypatch.setattr(gpu, "_launch", eagerly)
    network = Network((2, 2, 2))
    weights, x, t, _ = example(network, EAGER)
    settings = _settings.Settings(epochs=1, measure=measure)
    block = gpu.train_block(network, settings, weights, x, t, _loop.Rates(0.0, 0.0, 0.0, 0.0), interpret=True)
    for k in range(EAGER):
        W = tuple(layer[..., k].astype(np.float64) for layer in weights)
        e = manual.forward(W, x.astype(np.float64), functions(network)).outputs - t
        kept = {"sum": e, "last-output": e[:, -1], "last-pattern": e[-1, -1]}[measure]
        np.testing.assert_allclose(block.error[k], 0.5 * np.sum(kept**2), rtol=30 * U)  # a few dozen roundings


# --- memory ---


@pytest.mark.parametrize("threads", [1, 2, 4])
@pytest.mark.parametrize("rule", gpu.RULES)
def test_weights_packed_and_unpacked_are_the_same(threads, rule):
    network = Network((3, 4, 2))
    weights, *_ = example(network, 5)
    update = Update(network, rule, threads=threads)
    state = rows.pack(update, weights)
    assert state.shape == (rows.row_count(update), threads, 5)
    for W, V in zip(weights, rows.unpack(update, state), strict=True):
        np.testing.assert_array_equal(W, V)


def test_rows_are_numbered_in_the_order_of_a_layer_s_fields():
    assert Layer._fields == ("W", "owed", "before", "v")
    assert jax.tree.leaves(rows.template(Update(Network((3, 4, 2))))) == list(range(16 + 4 + 10 + 2 + 4))


# --- the chip ---

LOWERED = [
    (Network((20, 8, 3)), {}, {"threads": 1}),
    (Network((3, 8, 2)), {"stop_solved": True}, {"threads": 2}),
    (Network((3, 8, 2)), {"rule": "heavy-ball"}, {"threads": 8, "lanes": 32}),
    (Network((2, 2, 1), "tanh"), {"stop_solved": True, "order": "article"}, {}),
    (
        Network((3, 2, 2, 1), ("lecun_tanh", "tanh", "linear")),
        {"rule": "nesterov", "measure": "last-pattern"},
        {"lanes": 256},
    ),
]


def test_stretches_lower_for_cuda_without_a_gpu():
    """The kernel in the loop that launches it up to each recorded epoch, as ``train_many`` and a study run it."""
    network, settings = Network((2, 2, 1)), _settings.Settings(epochs=10, history_every=3)
    weights, x, t, _ = example(network, 4)
    weights = tuple(np.moveaxis(W, -1, 0) for W in weights)
    rates = _loop.Rates(*[np.zeros(4, np.float32)] * 4)
    args = jax.tree.map(lambda a: jax.ShapeDtypeStruct(a.shape, a.dtype), (weights, rates, x, t))
    traced = _blocks._run.trace(_engines.stretches("GPU kernel"), network, settings, None, *args, np.int32(0))
    module = traced.lower(lowering_platforms=("cuda",)).as_text()
    assert "mosaic_gpu" in module
    assert "while" in module


@pytest.mark.parametrize(("network", "changes", "layout"), LOWERED, ids=lambda c: str(c).replace(" ", ""))
def test_lowers_for_cuda_without_a_gpu(network, changes, layout):
    args = jax.tree.map(lambda a: jax.ShapeDtypeStruct(np.shape(a), jnp.float32), example(network, 300))
    run = jax.jit(partial(gpu.train_block, network, _settings.Settings(epochs=10, **changes), **layout))
    module = run.trace(*args).lower(lowering_platforms=("cuda",)).as_text()
    assert "mosaic_gpu" in module


def test_on_the_cpu_it_does_not_run():
    network = Network((2, 2, 1))
    with pytest.raises(InputError, match="expected a GPU, got cpu"):
        gpu.train_block(network, _settings.Settings(epochs=1), *example(network, 2))


@pytest.mark.parametrize(
    ("device", "said"),
    [
        (SimpleNamespace(platform="gpu", compute_capability="9.0"), None),
        (SimpleNamespace(platform="gpu", compute_capability="10.3"), None),
        (SimpleNamespace(platform="gpu", compute_capability="8.9"), "9.0 or later, got 8.9"),
        (SimpleNamespace(platform="gpu"), "9.0 or later, got unknown"),
        (SimpleNamespace(platform="tpu"), "expected a GPU, got tpu"),
    ],
    ids=str,
)
def test_which_devices_it_runs_on(device, said, monkeypatch):
    cpu = jax.devices()[0]
    monkeypatch.setattr(jax, "devices", lambda backend=None: [device if backend is None else cpu])
    with nullcontext() if said is None else pytest.raises(InputError, match=said):
        gpu.check_device()
    with jax.default_device(cpu), pytest.raises(InputError, match="expected a GPU, got cpu"):
        gpu.check_device()  # a device that the user set counts


# --- what it cannot do ---


@pytest.mark.parametrize(
    ("network", "changes", "said"),
    [
        (Network((2, 2, 1)), {"mode": "minibatch"}, "mode='minibatch'"),
        (Network((2, 2, 1)), {"shuffle": True}, "shuffle=True"),
        (Network((2, 2, 1)), {"rule": "adam"}, "'adam'"),
        (Network((2, 2, 1)), {"gradient": "autodiff"}, "gradient='autodiff'"),
        *((Network((2, 2, 1), (name, "sigmoid")), {}, f"got '{name}'") for name in FURTHER),
        (Network((2, 2, 1), ("tanh", "relu")), {}, "got 'relu'"),  # of the output layer too
        (Network((2, 3, 2), ("tanh", "softmax")), {}, "softmax outputs"),
        (Network((2, 2, 1)), {"objective": "cross-entropy"}, "objective='cross-entropy'"),
        (Network((2, 2, 1)), {"weight_decay": 0.25}, "weight_decay=0.25"),
        (Network((20, 16, 16, 3)), {}, "registers per thread"),
        (Network((784, 128, 10)), {}, "registers per thread"),
    ],
)
def test_what_it_cannot_train_is_said(network, changes, said):
    settings = _settings.Settings(**changes)
    assert said in gpu.supports(network, settings)
    with pytest.raises(InputError, match="GPU kernel"):
        gpu.train_block(network, settings, *example(network, 2), interpret=True)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"threads": 3}, "threads as one of"),
        ({"lanes": 100}, "lanes \\* threads as a multiple of 128"),
        ({"lanes": 0}, "lanes as a whole number"),
    ],
)
def test_layouts_that_do_not_fit_are_refused(options, said):
    network = Network((2, 2, 1))
    with pytest.raises(InputError, match=said):
        gpu.train_block(network, _settings.Settings(epochs=1), *example(network, 2), interpret=True, **options)


def test_arrays_of_the_wrong_shape_are_refused():
    network = Network((2, 2, 1))
    weights, x, t, rates = example(network, 2)
    for args in ((weights[:1], x, t), (weights, x[:, :1], t), (weights, x, t[:2]), (weights, x[:0], t[:0])):
        with pytest.raises(InputError, match=r"expected .* of shape"):
            gpu.train_block(network, _settings.Settings(epochs=1), *args, rates, interpret=True)


def test_the_benchmark_without_a_gpu_says_so_in_one_line(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["gpu.py"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(ROOT / "benchmarks" / "gpu" / "__main__.py"), run_name="__main__")
    assert ended.value.code == 2
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert "expected a GPU that JAX sees, got none" in said.err


# --- by train_many ---


def test_train_many_by_the_kernel_is_train_many():
    """Interpreted: the same runs and curves as in lanes, to the roundings of some epochs, with each network's own rate and stop."""
    nand, network = load_patterns("nand"), Network((2, 2, 1), ("tanh", "linear"))
    weights = tuple(np.moveaxis(W, -1, 0) for W in example(network, 144)[0])
    rates = np.linspace(0.05, 0.3, 144)
    rates[7] = 1e38  # this one diverges at once
    settings = _settings.Settings(epochs=30, stop_solved=True, history_every=7)
    given = {"seeds": 144, "weights": weights, "learning_rate": rates, "tolerance": 0.4, "settings": settings}
    done, seen = [], {}

    def look(which, epoch, weights):
        seen[epoch] = which, weights

    ours = _many.train_many(
        network,
        nand.x,
        nand.t,
        device="interpret",
        progress=lambda *n: done.append(n),
        looks=(7, 9),
        look=look,
        **given,
    )
    lanes = _many.train_many(network, nand.x, nand.t, **given)
    assert (ours.engine, ours.lanes, done) == ("GPU kernel, interpreted", 144, [(144, 144)])
    assert set(ours.stopped) == {"solved", "epochs", "diverged"}  # all kinds, or nothing is compared
    assert ours.stopped.tolist() == lanes.stopped.tolist()
    assert ours.iterations.tolist() == lanes.iterations.tolist()
    assert all(np.isnan(W[7]).all() for W in ours.weights)
    right = np.arange(144) != 7
    for W, other in zip(ours.weights, lanes.weights, strict=True):
        # 120 updates, each rounding some tens of numbers near 1, at rates so low that errors add up and do not multiply.
        np.testing.assert_allclose(W[right], other[right], rtol=0, atol=1e-4)
    assert ours.history_epochs.tolist() == [0, 7, 14, 21, 28]
    np.testing.assert_allclose(ours.history[:, right], lanes.history[:, right], rtol=0, atol=1e-4)  # NaN where that is
    assert (np.isnan(ours.history[1:, right]) == (ours.iterations[right] < ours.history_epochs[1:, None])).all()

    # In as few launches as there can be, and up to the epochs that were looked at: the same bits.
    own = _loop.Rates(*(np.broadcast_to(np.float32(v), (144,)) for v in (rates, 0.1, 0.0, 0.4)))
    given = dataclasses.replace(settings, history_every=30), "float32", weights, own, nand.x, nand.t.astype(np.float32)
    for until, there in [(30, ours.weights), (8, seen[7][1]), (10, seen[9][1])]:
        ended = _blocks.run_block(ours.engine, network, *given, until=until)
        which = np.arange(144) if until == 30 else np.flatnonzero(ended.epochs == until)
        assert until == 30 or which.tolist() == seen[until - 1][0].tolist()
        for W, V in zip(there, ended.weights, strict=True):
            np.testing.assert_array_equal(W, V[which])
    assert 0 < len(seen[9][0]) < len(seen[7][0]) < 144

    # A few of them alone, in a block of that width, as a study has them: no bit depends on the others.
    few = {"seeds": 3, "weights": tuple(W[40:43] for W in weights), "learning_rate": rates[40:43], "tolerance": 0.4}
    alone = _many.train_many(network, nand.x, nand.t, device="interpret", lanes=144, settings=given[0], **few)
    for W, V in zip(alone.weights, ours.weights, strict=True):
        np.testing.assert_array_equal(W, V[40:43])


@pytest.mark.parametrize("rule", gpu.RULES)
def test_several_launches_come_to_the_bits_of_one(rule, monkeypatch):
    """What a launch hands to the next is all that the rule keeps: for (13) W, what U lacks of it and the inputs of before."""
    monkeypatch.setattr(gpu, "_launch", eagerly)
    network, settings = Network((2, 2, 1)), _settings.Settings(epochs=3, rule=rule)
    weights, x, t, rates = example(network, EAGER, patterns=2)
    rates = rates._replace(cutoff=np.array([1e9, 0, 0], np.float32))  # the first stops in the first launch
    running = gpu.begin(network, settings, weights)
    given = gpu.given(running, x, t, rates)
    for epochs in (1, 0, 2):
        running = gpu.advance(settings, running, given, epochs, interpret=True)
    once, found = gpu.train_block(network, settings, weights, x, t, rates, interpret=True), gpu.ended(running)
    assert found.iterations.tolist() == [0, 2, 2]
    for a, b in zip(jax.tree.leaves(once), jax.tree.leaves(found), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"device": "tpu"}, "unknown device 'tpu'"),
        ({"device": "gpu", "dtype": "float64"}, "float32; got dtype='float64'"),
        ({"device": "gpu", "mode": "batch"}, "got mode='batch'"),
        ({"device": "gpu", "network": Network((2, 2, 1), skip=True)}, "has no skip connections"),
        ({"device": "gpu"}, "expected a GPU, got cpu"),
        ({"device": "gpu", "cores": 2}, "cores for the CPU alone"),
        ({"device": "interpret", "dtype": "float64"}, "float32; got dtype='float64'"),
    ],
    ids=str,
)
def test_what_the_gpu_cannot_do_is_said_before_anything_runs(given, reason):
    xor, network = load_patterns("xor"), given.pop("network", Network((2, 2, 1)))
    with pytest.raises(InputError, match=reason):
        _many.train_many(network, xor.x, xor.t, seeds=2, **given)
