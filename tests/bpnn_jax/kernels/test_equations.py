"""The arithmetic of one pattern beside ``manual``, in both layouts, and the fast loops beside rung 5: right, and caught when wrong."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import manual
from bpnn_jax import training
from bpnn_jax.kernels import choice, epoch, equations
from bpnn_jax.kernels.equations import LANES, ONE
from bpnn_jax.loop import GENERIC, Settings
from bpnn_jax.network import Network
from bpnn_jax.step import functions
from bpnn_jax.training import train
from bpnn_jax.verify import fast, running
from bpnn_jax.verify.checks import summarise

DEEP = Network((3, 4, 2, 2), ("lecun_tanh", "sigmoid", "tanh"), hidden_bias=False)
SKIPPING = Network((2, 3, 2, 2), ("sigmoid", "tanh", "sigmoid"), hidden_bias=False, skip=True)
NETWORKS = (Network((3, 4, 2), ("tanh", "linear")), DEEP, Network((2, 1), input_bias=False), SKIPPING)
ALLOWED = 200 * 2.0**-53  # some 50 roundings on each side, of numbers up to 2


def drawn(network, patterns, lanes, seed=81):
    rng = np.random.default_rng(seed)
    weights = [tuple(rng.uniform(-1, 1, shape) for shape in network.shapes) for _ in range(lanes)]
    return weights, rng.uniform(-1, 1, (patterns, network.sizes[0])), rng.uniform(0, 1, (patterns, network.sizes[-1]))


@pytest.mark.parametrize("network", NETWORKS, ids=str)
def test_one_pattern_is_manual_s_gradient_in_both_layouts(network, assert_within, x64):
    weights, (x,), (t,) = drawn(network, 1, 3)
    f = functions(network)
    skip = network.skip
    expected = [manual.gradient(W, manual.forward(W, x, f, skip), t, f, skip=skip) for W in weights]

    def found(layout, W, t):
        g = {}
        a = equations.forward(layout, network, W, jnp.asarray(x))
        epoch.backward(
            network, layout, W, a, t, lambda l, factors: g.setdefault(l, epoch.matrix(layout, factors)) * 0 + W[l]
        )
        return [g[l] for l in range(len(W))]

    for W, exact in zip(weights, expected, strict=True):
        assert_within(found(ONE, tuple(map(jnp.asarray, W)), jnp.asarray(t)), exact, ALLOWED)
    stacked = tuple(jnp.asarray(np.stack(layer).transpose(2, 1, 0)) for layer in zip(*weights, strict=True))
    for l, g in enumerate(found(LANES, stacked, jnp.asarray(t)[:, None])):
        assert_within(g.transpose(2, 1, 0), np.stack([exact[l] for exact in expected]), ALLOWED)


def test_a_sum_has_every_term_once():
    for n in range(1, 40):
        assert equations.total([2.0**i for i in range(n)]) == 2.0**n - 1


# --- which loop serves ---


@pytest.mark.parametrize(
    ("network", "given", "path"),
    [
        (Network((20, 8, 3)), {}, "fused loop"),
        (DEEP, {"rule": "nesterov", "order": "article", "shuffle": True}, "fused loop"),
        (Network((20, 8, 3)), {"rule": "adam"}, "generic"),
        (Network((20, 8, 3)), {"gradient": "autodiff"}, "generic"),
        (Network((20, 8, 3)), {"mode": "minibatch"}, "generic"),
        (Network((2, 257, 1)), {}, "generic"),
        (Network((255, 2, 1), input_bias=False, skip=True), {}, "generic"),  # the output's sum has 257 terms
    ],
)
def test_the_fast_path_is_the_one_taken(network, given, path):
    weights, x, t = drawn(network, 2, 1)
    with jax.numpy_dtype_promotion("standard"):  # optax's Adam counts its steps in int32
        assert train(network, x, t, weights=weights[0], epochs=1, learning_rate=0.01, **given).path == path


@pytest.mark.parametrize("rule", epoch.STEPS)
@pytest.mark.parametrize("order", ["simultaneous", "article"])
def test_the_fused_loop_is_the_generic_one_to_rounding(rule, order, monkeypatch, assert_within):
    (weights,), x, t = drawn(DEEP, 5, 1)
    given = {
        "weights": weights,
        "rule": rule,
        "order": order,
        "learning_rate": 0.1,
        "momentum": 0.2,
        "dtype": "float64",
    }
    fused = train(DEEP, x, t, epochs=4, measure="last-output", **given)
    monkeypatch.setattr(choice, "engine", lambda network, settings: GENERIC)
    generic = train(DEEP, x, t, epochs=4, measure="last-output", **given)
    assert (fused.path, generic.path) == ("fused loop", "generic")
    # 20 updates of some 60 roundings of numbers up to 2 on each side.
    assert_within((*fused.weights, fused.history), (*generic.weights, generic.history), 2 * 20 * 60 * 2.0**-52)


def test_the_fused_loop_has_no_matrix_product_and_no_gradient_matrix():
    """That is what it is for: no call of ``dot``, and the previous gradient of 21 x 8 kept as 21 + 8 numbers."""
    network, settings = Network((20, 8, 3)), Settings(epochs=2)
    (weights,), x, t = drawn(network, 2, 1)
    weights, x, t = jax.tree.map(jnp.float32, (weights, x, t))
    kept = epoch.memory(network, settings, weights)
    assert [v.shape for v in jax.tree.leaves(kept)] == [(21,), (8,), (9,), (3,)]
    rates = running_rates()
    text = str(
        jax.make_jaxpr(lambda *a: choice.FUSED.epoch(network, settings, a, x, t, rates))(weights, kept, jnp.float32(0))
    )
    assert "dot_general" not in text
    assert "logistic" in text


def running_rates():
    return training.loop.Rates(*(jnp.float32(v) for v in (0.5, 0.1, 0.0, 0.0)))


# --- planted mistakes: rung 5 says so ---


@pytest.fixture
def plant(monkeypatch):
    """Another body for a function of the kernels, and nothing of what was compiled before or with it."""
    jax.clear_caches()
    yield monkeypatch
    monkeypatch.undo()
    jax.clear_caches()


SMALL = Network((3, 4, 2), ("tanh", "sigmoid"))


def climbed(run):
    """The rows of rung 5 for a fast loop: one step, the second tap, and a NumPy loop."""
    rng = np.random.default_rng(82)
    steps = (
        running.compare_step(SMALL, rng, "online") if run == "train" else fast.compare_many_step(SMALL, rng, "online")
    )
    rows = summarise(5, run, 10, steps)
    rows += summarise(5, run, 10, fast.compare_second_tap(SMALL, rng, run))
    return {row.equation for row in rows if row.verdict == "wrong"}


@pytest.mark.parametrize("run", fast.RUNS)
def test_rung_5_finds_nothing_wrong_in_the_fast_loops(run):
    assert climbed(run) == set()


def _no_slope(layout, a, f, above):
    (W, delta, rows), *_ = above
    return layout.back(W, delta, rows)


def _no_output_slope(a, t, f):
    return a - t


def _bias_off(a, bias):
    return jnp.concatenate([a, 0 * a[:1]]) if bias else a


TIMES = epoch.times
MISTAKES = {
    "(9) without f'": (equations, "hidden_delta", _no_slope),
    "(8) without f'": (equations, "output_delta", _no_output_slope),
    "(10) the bias forgotten": (equations, "with_bias_node", _bias_off),
    "(10) 0.1% off": (epoch, "times", lambda layout, rate, g: 1.001 * TIMES(layout, rate, g)),
}


@pytest.mark.parametrize("run", fast.RUNS)
@pytest.mark.parametrize("mistake", MISTAKES)
def test_rung_5_catches_a_mistake_in_the_lines_that_both_loops_share(mistake, run, plant):
    plant.setattr(*MISTAKES[mistake])
    assert "(10)" in climbed(run)


def _lost_sum(back):
    return lambda W, delta, n: back(W, delta * jnp.ones_like(delta).at[0].set(0), n)


@pytest.mark.parametrize(("layout", "run"), [("ONE", "train"), ("LANES", "train_many")])
@pytest.mark.parametrize("part", ["pre_activation", "back", "gradient"])
def test_rung_5_catches_a_mistake_in_a_layout(layout, run, part, plant):
    right = getattr(equations, layout)
    wrong = {
        "pre_activation": lambda a, W: right.pre_activation(a, W) * 1.001,
        "back": _lost_sum(right.back),
        "gradient": lambda below, delta: right.gradient(below, delta) * 1.001,
    }
    replaced = right._replace(**{part: wrong[part]})
    for module in (choice, epoch, choice.lanes):
        if hasattr(module, layout) and isinstance(getattr(module, layout), equations.Layout):
            plant.setattr(module, layout, replaced)
    assert "(10)" in climbed(run)


def _forgets(layout, W, g, before, rates):
    return W - epoch.times(layout, rates.learning_rate, g), g


@pytest.mark.parametrize("run", fast.RUNS)
def test_rung_5_catches_a_previous_gradient_that_is_forgotten(run, plant):
    plant.setitem(epoch.STEPS, "previous-gradient", _forgets)
    assert climbed(run) == {"(13)"}


def _a_millionth_off(W, moved, kept):
    return W + 1.000001 * (moved - W), kept


@pytest.mark.parametrize("run", fast.RUNS)
@pytest.mark.parametrize("loop", fast.LOOPS, ids=str)
def test_each_loop_is_the_numpy_loop_and_its_equation_is_named(loop, run, plant):
    """Right as it stands; wrong when a step is a millionth too long, or when the article's order looks at the unmoved weights."""
    if run == "train" and loop[1] != "online":
        pytest.skip("train leaves batches to matrix products")
    rng = np.random.default_rng(83)
    (row,) = summarise(5, run, 10, fast.compare_loop(SMALL, rng, run, *loop))
    assert (row.verdict, row.equation) == ("correct", f"({fast.LOOPS[loop]})")
    jax.clear_caches()
    if loop[2] == "article":
        backward = epoch.backward
        plant.setattr(
            epoch, "backward", lambda n, y, W, a, t, step: backward(n, y, W, a, t, lambda l, g: (step(l, g), W[l])[1])
        )
    else:
        right = epoch.STEPS[loop[0]]
        plant.setitem(epoch.STEPS, loop[0], lambda y, W, g, b, r: _a_millionth_off(W, *right(y, W, g, b, r)))
    (row,) = summarise(5, run, 10, fast.compare_loop(SMALL, np.random.default_rng(83), run, *loop))
    assert row.verdict == "wrong"
