"""The arithmetic of one pattern beside ``manual``, in both layouts, and the fast loops beside rung 5: right, and caught when wrong."""

from functools import partial
from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import manual
from bpnn_jax.network import Network, half_squared_error
from bpnn_jax.training import _blocks, _engines, _loop, _one, _outputs, train
from bpnn_jax.training._loop import GENERIC
from bpnn_jax.training._settings import Settings
from bpnn_jax.training._step import functions
from bpnn_jax.training.fused import epoch, equations
from bpnn_jax.training.fused.equations import LANES, ONE
from bpnn_jax.verify import as_it_runs, loops
from bpnn_jax.verify.checks import summarise

pytestmark = pytest.mark.quick_xla

DEEP = Network((3, 4, 2, 2), ("lecun_tanh", "sigmoid", "tanh"), hidden_bias=False)
SKIPPING = Network((2, 3, 2, 2), ("sigmoid", "tanh", "sigmoid"), hidden_bias=False, skip=True)
SOFTMAX = Network((3, 4, 3), ("tanh", "softmax"))
NETWORKS = (Network((3, 4, 2), ("tanh", "linear")), DEEP, Network((2, 1), input_bias=False), SKIPPING)
ALLOWED = 200 * 2.0**-53  # some 50 roundings on each side, of numbers up to 2


def drawn(network, patterns, lanes, seed=81):
    rng = np.random.default_rng(seed)
    weights = [tuple(rng.uniform(-1, 1, shape) for shape in network.shapes) for _ in range(lanes)]
    return weights, rng.uniform(-1, 1, (patterns, network.sizes[0])), rng.uniform(0, 1, (patterns, network.sizes[-1]))


HALF, CROSS = manual.OBJECTIVES
PAIRS_WITH_OBJECTIVES = [
    *((network, HALF) for network in (*NETWORKS, SOFTMAX)),
    (SOFTMAX, CROSS),
    (SKIPPING, CROSS),  # whose outputs are sigmoids
]


@pytest.mark.parametrize(("network", "objective"), PAIRS_WITH_OBJECTIVES, ids=str)
def test_one_pattern_is_manual_s_gradient_in_both_layouts(network, objective, assert_within, x64):
    weights, (x,), (t,) = drawn(network, 1, 3)
    f, by_hand = functions(network), manual.OBJECTIVES[objective].equations
    expected = [manual.gradient(manual.forward(W, x, f, network.skip), t, by_hand) for W in weights]

    @partial(jax.jit, static_argnums=0)
    def found(layout, W, t):
        g = {}
        layers = equations.forward(layout, network, W, jnp.asarray(x))

        def step(l, factors):
            return g.setdefault(l, epoch.matrix(layout, factors)) * 0 + W[l]

        epoch.backward(network, objective, layout, layers, t, step)
        return [g[l] for l in range(len(W))]

    for W, exact in zip(weights, expected, strict=True):
        assert_within(found(ONE, W, t), exact, ALLOWED)
    stacked = tuple(np.stack(layer).transpose(2, 1, 0) for layer in zip(*weights, strict=True))
    for l, g in enumerate(found(LANES, stacked, t[:, None])):
        assert_within(np.asarray(g).transpose(2, 1, 0), np.stack([exact[l] for exact in expected]), ALLOWED)


def test_a_sum_has_every_term_once():
    for n in range(1, 40):
        assert equations.total([2.0**i for i in range(n)]) == 2.0**n - 1


@pytest.mark.parametrize(
    "above", [equations.MANY_ABOVE - 1, equations.MANY_ABOVE, equations.MANY_ABOVE_ONE - 1, equations.MANY_ABOVE_ONE]
)
@pytest.mark.parametrize("rows", [slice(0, 6), slice(2, 5), slice(None, 6)])
def test_the_sum_in_9_is_the_same_however_many_terms_it_has(above, rows):
    """Another way from so many nodes above on, and some of the rows alone where connections skip a layer."""
    random = np.random.default_rng(above)
    W, delta = random.integers(-8, 8, size=(7, above)), random.integers(-8, 8, size=above)  # exact in float32
    expected = (W @ delta)[rows]
    assert ONE.back(jnp.float32(W), jnp.float32(delta), rows).tolist() == expected.tolist()
    lanes = jnp.float32(np.stack([W.T, 2 * W.T], axis=-1)), jnp.float32(np.stack([delta, delta], axis=-1))
    assert LANES.back(*lanes, rows).T.tolist() == [expected.tolist(), (2 * expected).tolist()]


# --- which loop serves ---


@pytest.mark.parametrize(
    ("network", "given", "path"),
    [
        (Network((20, 8, 3)), {}, "fused loop"),
        (DEEP, {"rule": "nesterov", "order": "article", "shuffle": True}, "fused loop"),
        (Network((20, 8, 3)), {"rule": "adam"}, "fused loop"),
        (Network((20, 8, 3)), {"rule": "rmsprop"}, "generic"),
        (Network((20, 8, 3)), {"gradient": "autodiff"}, "generic"),
        (Network((20, 8, 3)), {"mode": "minibatch"}, "fused batches"),
        (
            DEEP,
            {"mode": "batch", "rule": "adam", "reduction": "mean", "weight_decay": 0.1, "shuffle": True},
            "fused batches",
        ),
        (Network((20, 8, 3)), {"mode": "minibatch", "order": "article"}, "generic"),
        (Network((20, 8, 3)), {"mode": "batch", "measure": "last-pattern"}, "generic"),
        (Network((20, 8, 3)), {"mode": "batch", "rule": "rmsprop"}, "generic"),
        (Network((40, 16, 4)), {"mode": "batch"}, "generic"),  # 724 weights: benchmarks/outputs.py
        (Network((2, 257, 1)), {}, "generic"),
        (Network((64, 32, 10)), {}, "fused loop"),
        (Network((64, 64, 64, 10)), {}, "generic"),  # 8970 weights: benchmarks/outputs.py
        (Network((255, 2, 1), input_bias=False, skip=True), {}, "generic"),  # the output's sum has 257 terms
    ],
)
def test_the_fast_path_is_the_one_taken(network, given, path):
    """As chosen; that ``train`` runs what is chosen and says so is seen below."""
    assert _engines.engine_for(network, Settings(**given), "float32").name == path


# Neither knows of the other: each rule and each order, and the rest of the pairs at length.
RULES_AND_ORDERS = [("sgd", "article"), ("previous-gradient", "simultaneous"), ("heavy-ball", "article")]
RULES_AND_ORDERS += [("nesterov", "simultaneous")]
PAIRS = [
    pytest.param(*pair, marks=() if pair in RULES_AND_ORDERS else pytest.mark.deep)
    for pair in product(epoch.STEPS, ["simultaneous", "article"])
]


@pytest.mark.parametrize(("rule", "order"), PAIRS)
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
    monkeypatch.setattr(_engines, "engine_for", lambda *given: GENERIC)
    generic = train(DEEP, x, t, epochs=4, measure="last-output", **given)
    assert (fused.engine, generic.engine) == ("fused loop", "generic")
    # 20 updates of some 60 roundings of numbers up to 2 on each side.
    assert_within((*fused.weights, fused.history), (*generic.weights, generic.history), 2 * 20 * 60 * 2.0**-52)


FURTHER = tuple(name for name, f in manual.ACTIVATIONS.items() if f.equations == (17, 17))


@pytest.mark.parametrize("name", FURTHER)
def test_the_fused_loop_is_the_generic_one_in_float32_too(name, monkeypatch, assert_within):
    network = Network((3, 4, 2), (name, "sigmoid"))
    (weights,), x, t = drawn(network, 5, 1)
    given = {"weights": weights, "learning_rate": 0.1, "momentum": 0.2, "epochs": 4, "dtype": "float32"}
    fused = train(network, x, t, **given)
    monkeypatch.setattr(_engines, "engine_for", lambda *given: GENERIC)
    generic = train(network, x, t, **given)
    assert (fused.engine, generic.engine) == ("fused loop", "generic")
    # 20 updates of some 60 roundings of numbers up to 2 on each side.
    assert_within((*fused.weights, fused.history), (*generic.weights, generic.history), 2 * 20 * 60 * 2.0**-23)
    assert max(abs(W - before).max() for W, before in zip(fused.weights, weights, strict=True)) > 0.01  # it did learn


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("name", ["relu", "leaky_relu"])
def test_at_a_kink_training_takes_the_slope_of_jax_grad(name, fast, monkeypatch, assert_within):
    """XOR without an input bias: at (0, 0) every z of the first layer is 0, but so is its x, and no slope shows.

    So one node has weights 0: its z is 0 at (0, 1) too, where the slope at 0 decides whether it ever moves.
    """
    network = Network((2, 3, 1), (name, "sigmoid"), input_bias=False)
    (weights,), _, _ = drawn(network, 1, 1)
    weights[0][:, 0] = 0.0
    x, t = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), np.array([[0.0], [1.0], [1.0], [0.0]])
    if not fast:
        monkeypatch.setattr(_engines, "engine_for", lambda *given: GENERIC)
    with jax.enable_x64(True):
        moved = tuple(map(jnp.asarray, weights))
        for x1, t1 in zip(x, t, strict=True):
            g = jax.grad(half_squared_error, argnums=1)(network, moved, x1, t1)
            moved = tuple(W - 0.5 * d for W, d in zip(moved, g, strict=True))
    given = {"weights": weights, "learning_rate": 0.5, "rule": "sgd", "epochs": 1, "dtype": "float64"}
    found = train(network, x, t, **given)
    assert found.engine == ("fused loop" if fast else "generic")
    assert_within(found.weights, moved, ALLOWED)
    assert found.weights[0][:, 0].any() == (name == "leaky_relu")


def test_the_fused_loop_has_no_matrix_product_and_no_gradient_matrix():
    """That is what it is for: no call of ``dot``, and the previous gradient of 21 x 8 kept as 21 + 8 numbers."""
    network, settings = Network((20, 8, 3)), Settings(epochs=2)
    (weights,), x, t = drawn(network, 2, 1)
    weights, x, t = jax.tree.map(jnp.float32, (weights, x, t))
    kept = epoch.memory(network, settings, weights, running_rates())
    assert [v.shape for v in jax.tree.leaves(kept)] == [(21,), (8,), (9,), (3,)]
    rates = running_rates()
    text = str(
        jax.make_jaxpr(lambda *a: _engines.FUSED.epoch(network, settings, a, (x, t), rates))(
            weights, kept, jnp.float32(0)
        )
    )
    assert "dot_general" not in text
    assert "logistic" not in text  # the sigmoid is the loop's own, whose exponential has no operation of its own
    assert "bitcast_convert_type" in text


def running_rates():
    return _loop.Rates(*(jnp.float32(v) for v in (0.5, 0.1, 0.0, 0.0)))


# --- batches of one network: the patterns are the lanes ---

CLASSES = {"objective": "cross-entropy", "reduction": "mean", "weight_decay": 0.1, "shuffle": True, "momentum": 0.3}


@pytest.mark.parametrize(
    ("network", "given", "patterns", "batch"),
    [
        (SOFTMAX, CLASSES, 5, {"mode": "batch"}),  # one block of 8, filled up
        (DEEP, {"rule": "nesterov", "momentum": 0.2}, 130, {"mode": "batch"}),  # of three blocks of 64 the last
        (
            SKIPPING,
            {"rule": "adam", "measure": "last-output"},
            50,
            {"mode": "minibatch", "batch_size": 20},
        ),  # 20, 20, 10
        (SOFTMAX, CLASSES, 64, {"mode": "minibatch", "batch_size": 32}),  # nothing to fill up
    ],
    ids=["softmax, 5", "deep, 130", "skip, 50", "softmax, 64"],
)
def test_batches_written_out_are_the_generic_ones(network, given, patterns, batch, monkeypatch, assert_within):
    (weights,), x, t = drawn(network, patterns, 1)
    t = t / t.sum(axis=1, keepdims=True)  # as cross-entropy with a softmax has them
    given = {"weights": weights, "learning_rate": 0.01, "dtype": "float64", "epochs": 3, **batch, **given}
    found = train(network, x, t, **given)
    monkeypatch.setattr(_engines, "engine_for", lambda *given: GENERIC)
    generic = train(network, x, t, **given)
    assert (found.engine, generic.engine) == ("fused batches", "generic")
    # 9 updates of at most 130 patterns, some 60 roundings of numbers up to 2 for each on each side; the errors are sums of 130.
    assert_within(found.weights, generic.weights, 2 * 9 * 130 * 60 * 2.0**-52)
    assert_within(found.history, generic.history, 130 * 2 * 9 * 130 * 60 * 2.0**-52)
    assert max(abs(W - before).max() for W, before in zip(found.weights, weights, strict=True)) > 1e-3  # it did learn


def test_copies_that_fill_a_block_up_count_for_nothing(assert_within):
    """Of three patterns and none else: in a block of 8, and with a batch size that no epoch reaches."""
    network = Network((2, 1), "linear")
    (weights,), x, t = drawn(network, 3, 1)
    given = {"weights": weights, "rule": "sgd", "learning_rate": 0.5, "epochs": 1, "dtype": "float64"}
    e = x @ weights[0][:2] + weights[0][2] - t
    g = np.concatenate([x.T @ e, e.sum(axis=0, keepdims=True)])
    for mode in ({"mode": "batch"}, {"mode": "minibatch", "batch_size": 100}):
        for reduction, by in (("sum", 1), ("mean", 3)):
            found = train(network, x, t, reduction=reduction, **mode, **given)
            assert found.engine == "fused batches"
            assert_within(found.weights[0], weights[0] - 0.5 * g / by, ALLOWED)
            assert_within(found.error, 0.5 * (e * e).sum(), ALLOWED)


# --- planted mistakes: rung 5 says so ---


@pytest.fixture
def plant(monkeypatch):
    """Another body for a function of the kernels, and no run of what was compiled before or with it."""
    forget()
    yield monkeypatch
    monkeypatch.undo()
    forget()


def forget():
    for run in (_one._run, _blocks._run):  # all that calls the kernels is compiled in these two
        run.clear_cache()


SMALL = Network((3, 2, 2), ("tanh", "sigmoid"))


def wrong_in(run, comparisons):
    return {row.equation for row in summarise(5, run, 10, comparisons) if row.verdict == "wrong"}


def wrong_in_a_step(run):
    """What the first row of rung 5 for a fast loop says: one step."""
    compare = as_it_runs.compare_step if run == "train" else as_it_runs.compare_many_step
    return wrong_in(run, compare(SMALL, np.random.default_rng(82), "online"))


def wrong_in_two(run):
    """And with the second: the step after it, which remembers the first."""
    after = loops.compare_second_tap(SMALL, np.random.default_rng(82), run)
    return wrong_in_a_step(run) | wrong_in(run, after)


@pytest.mark.parametrize("run", loops.RUNS)
def test_rung_5_finds_nothing_wrong_in_the_fast_loops(run):
    assert wrong_in_two(run) == set()


def _no_slope(layout, layer, above):
    (W, delta, rows), *_ = above
    return layout.back(W, delta, rows)


def _no_output_slope(layer, t, objective):
    return layer.a - t


def _bias_off(a, bias):
    return jnp.concatenate([a, 0 * a[:1]]) if bias else a


TIMES = epoch.times
MISTAKES = {
    "(9) without f'": (equations, "hidden_delta", _no_slope),
    "(8) without f'": (_outputs, "output_delta", _no_output_slope),
    "(10) the bias forgotten": (equations, "with_bias_node", _bias_off),
    "(10) 0.1% off": (epoch, "times", lambda layout, rate, g: 1.001 * TIMES(layout, rate, g)),
}


def in_both(mistake):
    """Both loops share the line; at length, both are run with each mistake in it."""
    yield mistake, "train"
    yield pytest.param(mistake, "train_many", marks=() if mistake == "(10) the bias forgotten" else pytest.mark.deep)


@pytest.mark.parametrize(("mistake", "run"), [case for mistake in MISTAKES for case in in_both(mistake)])
def test_rung_5_catches_a_mistake_in_the_lines_that_both_loops_share(mistake, run, plant):
    plant.setattr(*MISTAKES[mistake])
    assert wrong_in_a_step(run) == {"(10)"}


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
    for module in (_engines, epoch, _engines.lanes):
        if hasattr(module, layout) and isinstance(getattr(module, layout), equations.Layout):
            plant.setattr(module, layout, replaced)
    assert wrong_in_a_step(run) == {"(10)"}


def _forgets(layout, W, g, before, rates):
    return W - epoch.times(layout, rates.learning_rate, g), g


@pytest.mark.parametrize("run", loops.RUNS)
def test_rung_5_catches_a_previous_gradient_that_is_forgotten(run, plant):
    plant.setitem(epoch.STEPS, "previous-gradient", _forgets)
    assert wrong_in_two(run) == {"(13)"}


def _a_millionth_off(W, moved, kept):
    return W + 1.000001 * (moved - W), kept


# ``train`` leaves batches to matrix products.
LOOPS = [(run, loop) for run in loops.RUNS for loop in (loops.MANY_LOOPS if run == "train_many" else loops.ONE_LOOPS)]


@pytest.mark.deep  # each is a row of the ladder's rung 5, which tests/bpnn_jax/verify/test_ladder.py climbs on another network
@pytest.mark.parametrize(("run", "loop"), LOOPS, ids=str)
def test_each_loop_is_the_numpy_loop_and_its_equation_is_named(run, loop):
    (row,) = summarise(5, run, 10, loops.compare_loop(SMALL, np.random.default_rng(83), run, *loop))
    assert (row.verdict, row.equation) == ("correct", f"({loops.LOOPS[loop]})")


# What runs in both is off in ``train``, which compiles sooner, and at length in both.
OFF = [
    pytest.param(run, loop, marks=pytest.mark.deep if run == "train_many" and loop in loops.ONE_LOOPS else ())
    for run, loop in LOOPS
]


@pytest.mark.parametrize(("run", "loop"), OFF, ids=str)
def test_each_loop_is_wrong_with_a_mistake_in_it(run, loop, plant):
    """A step is a millionth too long, or the article's order looks at the unmoved weights."""
    if loop[2] == "article":
        backward = epoch.backward
        plant.setattr(
            epoch,
            "backward",
            lambda n, o, y, layers, t, step: backward(n, o, y, layers, t, lambda l, g: (step(l, g), layers[l].W)[1]),
        )
    else:
        right = epoch.STEPS[loop[0]]
        plant.setitem(epoch.STEPS, loop[0], lambda y, W, g, b, r: _a_millionth_off(W, *right(y, W, g, b, r)))
    (row,) = summarise(5, run, 10, loops.compare_loop(SMALL, np.random.default_rng(83), run, *loop))
    assert row.verdict == "wrong"
