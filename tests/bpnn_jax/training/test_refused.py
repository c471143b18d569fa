"""train and predict: what they refuse, or warn of, and the words."""

import math
import re
from functools import partial

import jax.numpy as jnp
import numpy as np
import optax
import pytest

import manual
from bpnn_jax.errors import InputError
from bpnn_jax.network import Network
from bpnn_jax.training import _inputs, predict, train, train_many
from bpnn_jax.training._step import functions
from tests.bpnn_jax.training.single import SMALL, XOR, problem

pytestmark = pytest.mark.quick_xla


def says(text):
    return pytest.raises(InputError, match=re.escape(text))


# --- settings and patterns ---


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


@pytest.mark.parametrize("dtype", [np.float64, np.dtype("float64"), jnp.float64, float])
def test_a_dtype_in_place_of_its_name(dtype):
    x, t, weights = problem()
    assert train(SMALL, x, t, weights=weights, epochs=12, dtype=dtype).weights[0].dtype == "float64"


# --- patterns ---


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


def test_patterns_that_are_no_float32_numbers():
    x, t, _ = problem()
    with pytest.raises(InputError, match="expected finite inputs, got inf in pattern 0, column 0"):
        train(SMALL, np.where(np.arange(x.size).reshape(x.shape) == 0, 1e300, x), t)


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


# --- targets out of reach ---


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


# --- predict ---


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
