"""A run in parts: checkpoints, schedules of the learning rate, and what is looked at after each epoch."""

import jax
import numpy as np
import pytest

from bpnn_jax import InputError, Network, load_patterns
from bpnn_jax.network import apply, half_squared_error
from bpnn_jax.training import Schedule, Watch, run_epochs, schedule, train, train_many

XOR, NETWORK = load_patterns("xor"), Network((2, 3, 1), "tanh")


@pytest.fixture(autouse=True)
def _optax_s_promotion():
    with jax.numpy_dtype_promotion("standard"):
        yield


@pytest.mark.parametrize(
    "how",
    [
        {"rule": "adam", "mode": "minibatch", "batch_size": 3, "shuffle": True, "learning_rate": 0.01},
        {"shuffle": True},  # previous-gradient in the fused loop: its memory is two factors
        {"rule": "nesterov", "mode": "batch", "dtype": "float64", "schedule": Schedule("step", (0.5, 3), 1)},
    ],
    ids=["adam", "fused", "float64"],
)
def test_a_checkpoint_goes_on_bit_for_bit(how):
    def run(epochs, start=None):
        return train(NETWORK, XOR.x, XOR.t, seed=3, epochs=epochs, start=start, **how)

    whole, part = run(9), run(2)
    for _ in range(7):
        part = run(1, part.checkpoint)
    for a, b in zip(whole.checkpoint.weights + whole.rule, part.checkpoint.weights + part.rule, strict=True):
        np.testing.assert_array_equal(a, b)
    assert part.iterations == whole.iterations == 8
    np.testing.assert_array_equal(part.history, whole.history[8:])


@pytest.mark.parametrize("before", [{"gradient": "autodiff", "mode": "batch"}, {"mode": "online"}], ids=str)
def test_what_a_rule_remembers_is_shaped_like_the_weights_whatever_trained_them(before, assert_within):
    """Without bias nodes, and with layers of one size, a matrix that lies as a column of patterns has it would fit too."""
    network, rng = Network((9, 9, 9), "tanh", input_bias=False, hidden_bias=False), np.random.default_rng(0)
    x, t = rng.uniform(-1, 1, (2, 5, 9))
    how = {"rule": "heavy-ball", "learning_rate": 0.01, "momentum": 0.5, "dtype": "float64", "mode": "batch"}
    start = train(network, x, t, epochs=2, **{**how, **before}).checkpoint
    ends = [train(network, x, t, epochs=2, start=start, **how, gradient=by) for by in ("manual", "autodiff")]
    assert [end.engine for end in ends] == ["generic", "generic"]
    # Numbers below 2, 2 updates of 5 patterns and 9 terms: some 100 roundings on either side.
    assert_within(ends[0].weights + ends[0].rule, ends[1].weights + ends[1].rule, 2 * 200 * 2.0**-53)


def test_a_checkpoint_of_columns_goes_on_bit_for_bit():
    network, rng = Network((16, 16, 16), "tanh"), np.random.default_rng(0)
    x, t = rng.uniform(-1, 1, (2, 5, 16)).astype("float32")

    def run(epochs, start=None):
        return train(network, x, t, epochs=epochs, start=start, rule="adam", learning_rate=0.01, mode="batch")

    whole, part = run(3), run(2)
    assert [leaf.shape for leaf in part.rule] == [(), *network.shapes, *network.shapes]  # of the weights, as they are
    assert all(leaf.flags.c_contiguous for leaf in part.rule)
    part = run(1, part.checkpoint)
    for a, b in zip(whole.weights + whole.rule, part.weights + part.rule, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_checkpoint_of_another_rule_or_network_is_refused():
    start = train(NETWORK, XOR.x, XOR.t, epochs=1).checkpoint
    with pytest.raises(InputError, match="whose rule remembers"):
        train(NETWORK, XOR.x, XOR.t, epochs=1, start=start, rule="adam", mode="batch")
    with pytest.raises(InputError, match="of shapes"):
        train(Network((2, 4, 1), "tanh"), XOR.x, XOR.t, epochs=1, start=start)
    with pytest.raises(InputError, match="either weights or start"):
        train(NETWORK, XOR.x, XOR.t, epochs=1, start=start, weights=start.weights)


MULTIPLES = {
    "linear": [1, 0.75, 0.5, 0.25],
    "linear:0.5": [1, 0.875, 0.75, 0.625],
    "cosine": [1, (1 + 2**-0.5) / 2, 0.5, (1 - 2**-0.5) / 2],
    "exponential:0.5": [1, 0.5, 0.25, 0.125],
    "step:0.5:2": [1, 1, 0.5, 0.5],
    "warmup-cosine:1": [0.5, 1, 0.75, 0.25],
    "linear:0:2": [1, 0.5, 0, 0],
    "cosine:0.5:2": [1, 0.75, 0.5, 0.5],
    "warmup-cosine:1:3": [0.5, 1, 0.5, 0],
}


@pytest.mark.parametrize("text", MULTIPLES)
def test_the_multiples_of_a_schedule(text):
    made = schedule(text, 4)
    found = [made.multiple(e) for e in range(4)]
    np.testing.assert_allclose(found, MULTIPLES[text], rtol=1e-6)  # optax computes in float32


# A run is a program for each schedule; what it multiplies by is a number, whatever made it.
TRAINED = [pytest.param(t, marks=() if t in ("step:0.5:2", "warmup-cosine:1") else pytest.mark.deep) for t in MULTIPLES]


@pytest.mark.parametrize("text", TRAINED)
def test_a_schedule_multiplies_the_rate_of_each_epoch(text):
    how = {"rule": "sgd", "mode": "batch"}
    scheduled = train(NETWORK, XOR.x, XOR.t, epochs=4, schedule=schedule(text, 4), **how)
    start = None
    for multiple in MULTIPLES[text]:  # the same, a rate at a time
        step = train(NETWORK, XOR.x, XOR.t, epochs=1, start=start, learning_rate=0.5 * multiple, **how)
        start = step.checkpoint
    for a, b in zip(scheduled.weights, start.weights, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5)  # float32's rounding over four steps


def test_a_schedule_is_the_same_in_every_function():
    how = {"schedule": Schedule("cosine", (0.0,), 20), "epochs": 20}
    one = train(NETWORK, XOR.x, XOR.t, seed=5, **how)
    many = train_many(NETWORK, XOR.x, XOR.t, seeds=[5], **how)
    traced = run_epochs(NETWORK, XOR.x, XOR.t, key=5, **how)
    for a, b, c in zip(one.weights, many.weights, traced.weights, strict=True):
        np.testing.assert_allclose(a, b[0], rtol=1e-4, atol=1e-6)  # other sums in float32, over 80 updates
        np.testing.assert_allclose(a, c, rtol=1e-4, atol=1e-6)
    constant = train(NETWORK, XOR.x, XOR.t, seed=5, epochs=20)
    assert abs(constant.weights[0] - one.weights[0]).max() > 1e-3


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("cosin", "did you mean 'cosine'"),
        ("cosine:0:2.5", "expected epochs in all as a whole number"),
        ("exponential:0.5:3", "expected schedule exponential:FACTOR-PER-EPOCH, got 2 numbers"),
        ("step:0.5", "expected schedule step:FACTOR:EPOCHS-PER-STEP, got 1 numbers"),
        ("step:0.5:2.5", "epochs per step as a whole number"),
        ("exponential:x", "expected schedule exponential:FACTOR-PER-EPOCH"),
        ("linear:-1", "last multiple"),
        ("warmup-cosine:9", "shorter than the 4 epochs"),
    ],
)
def test_what_is_no_schedule_is_refused(text, words):
    with pytest.raises(InputError, match=words):
        schedule(text, 4)


def test_a_schedule_without_effect_is_refused():
    with pytest.raises(InputError, match="rprop, which only begins with it"):
        train(NETWORK, XOR.x, XOR.t, rule="rprop", mode="batch", schedule=Schedule("cosine", (), 3))


def test_the_weights_of_the_lowest_validation_error_are_kept():
    random = np.random.default_rng(0)
    x = random.normal(size=(40, 2))
    t = np.tanh(x[:, :1]) * 0.5 + random.normal(size=(40, 1))  # noise that a large network learns by heart
    network = Network((2, 20, 1), ("tanh", "linear"))
    how = {"rule": "adam", "mode": "batch", "learning_rate": 0.05, "seed": 1}
    watch = Watch({"validation": (x[20:], t[20:]), "test": (x, t)}, patience=7, score=lambda a, b: len(a), every=2)
    result = train(network, x[:20], t[:20], epochs=500, watch=watch, **how)
    assert (result.stopped, result.iterations) == ("patience", result.kept + 7)
    assert result.kept == watch.best < 400
    again = train(network, x[:20], t[:20], epochs=result.kept + 1, **how)
    for a, b in zip(result.weights + result.rule, again.weights + again.rule, strict=True):
        np.testing.assert_array_equal(a, b)
    lowest = float(half_squared_error(network, result.weights, x[20:], t[20:])) / 20
    assert watch.lowest == pytest.approx(lowest, rel=1e-5)  # a sum of 20 float32
    curve = watch.curve("test")
    assert curve.epochs.tolist() == list(range(0, result.iterations + 1, 2))
    assert set(curve.score) == {40.0}
    assert apply(network, result.weights, x).shape == (40, 1)
    with pytest.raises(InputError, match="with a validation part"):
        Watch({"test": (x, t)}, patience=3)
