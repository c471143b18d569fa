"""The article's program: the numbers it published, and each of its quirks."""

import random

import numpy as np
import pytest

import manual
from manual import article
from manual.article import NN

pytestmark = pytest.mark.quick_xla

NAND = [[[0, 0], [1]], [[0, 1], [1]], [[1, 0], [1]], [[1, 1], [0]]]  # what the article calls XOR
# As the article prints them, every 50th of 1000 iterations.
# fmt: off
PUBLISHED = [
    "0.171204877501", "0.190866985872", "0.126126875154", "0.0658488960415", "0.0353249077599",
    "0.0214428399072", "0.0144886807614", "0.0105787745309", "0.00816264126944", "0.00655731212209",
    "0.00542964723539", "0.00460235328667", "0.00397407912435", "0.00348339081276", "0.00309120476889",
    "0.00277163178862", "0.00250692771135", "0.00228457151714", "0.00209550313514", "0.00193302192499",
]
# fmt: on
OUTPUTS = (0.9982333356008245, 0.9647325217906978, 0.9627966274767186, 0.05966109502803293)


@pytest.fixture(scope="module")
def trained():
    net = NN(2, 2, 1)
    return net, net.train(NAND)


def test_the_twenty_published_errors(trained):
    _, errors = trained
    assert len(errors) == 1000
    assert [f"{e:.12g}" for e in errors[::50]] == PUBLISHED


def test_the_four_published_outputs(trained):
    net, _ = trained
    for (inputs, _), published in zip(NAND, OUTPUTS, strict=True):
        # To 15 digits. In the 16th the libm of that day and of this one differ (and so does Python's sum, from 3.12 on).
        assert net.runNN(inputs)[0] == pytest.approx(published, rel=1e-15, abs=0)


def test_the_published_last_error_with_the_hidden_bias():
    assert f"{NN(2, 2, 1, hidden_bias=True).train(NAND)[950]:.12g}" == "0.00262203286178"


@pytest.mark.parametrize("hidden_bias", [False, True])
def test_the_order_of_its_random_numbers(hidden_bias):
    net, draw = NN(3, 2, 2, hidden_bias=hidden_bias), random.Random(0)
    columns = 2 + hidden_bias
    numbers = [draw.random() for _ in range(4 * columns + columns * 2)]
    assert [w for row in net.wi for w in row] == [-0.2 + 0.4 * r for r in numbers[: 4 * columns]]
    assert [w for row in net.wo for w in row] == [-2.0 + 4.0 * r for r in numbers[4 * columns :]]
    other = NN(3, 2, 2, hidden_bias=hidden_bias, rng=random.Random(1))
    assert other.wi != net.wi


@pytest.mark.parametrize("z", [-710.0, -1000.0])
def test_quirk_sigmoid_overflows(z):
    with pytest.raises(OverflowError):
        article.sigmoid(z)
    net = NN(1, 1, 1)
    net.wi = [[z], [0.0]]
    with pytest.raises(OverflowError):
        net.runNN([1.0])
    assert article.sigmoid(-700.0) == pytest.approx(float(manual.SIGMOID.value(np.array([-700.0]))[0]), rel=1e-15)
    assert article.sigmoid(1000.0) == 1.0


def test_quirk_wrong_number_of_inputs_is_only_printed(capsys):
    net = NN(2, 2, 1)
    right = net.runNN([0.25, 0.5])[:]
    assert capsys.readouterr().out == ""
    assert net.runNN([0.25, 0.5, 99.0])[:] == right
    assert capsys.readouterr().out == "incorrect number of inputs\n"
    with pytest.raises(IndexError):
        net.runNN([0.25])
    assert capsys.readouterr().out == "incorrect number of inputs\n"


def test_quirk_it_remembers_its_last_forward_pass():
    net = NN(2, 2, 1)
    assert net.runNN([1, 1]) is net.ao
    assert net.ai == [1, 1, 1.0]


@pytest.mark.parametrize("hidden_bias", [False, True])
def test_quirk_output_weights_move_before_the_hidden_deltas(hidden_bias, assert_within):
    """Against equations (8) to (10) with the moved output weights in (9); with those of before the step it is something else."""
    net, N, x, t = NN(3, 2, 2, hidden_bias=hidden_bias), 0.5, [0.3, -0.8, 0.6], [1.0, 0.0]
    W1, W2 = np.array(net.wi)[:, :2], np.array(net.wo)
    f, x_, t_ = (manual.SIGMOID,) * 2, np.array(x), np.array(t)
    forward = manual.forward((W1, W2), x_, f)
    first, second = manual.gradient(forward, t_)
    _, delta = manual.deltas(forward, t_)
    moved = W2 - N * second
    a1 = forward.activations[1]
    by_moved = np.outer([*x, 1.0], a1 * (1 - a1) * (moved[:2] @ delta))
    net.runNN(x)
    net.backPropagate(t, N, 0.0)
    tolerance = 50 * 2.0**-53  # some 50 roundings of numbers up to 2
    assert_within(np.array(net.wo), moved, tolerance)
    assert_within(np.array(net.wi)[:, :2], W1 - N * by_moved, tolerance)
    assert abs(np.array(net.wi)[:, :2] - (W1 - N * first)).max() > 1e-5


def test_quirk_only_the_last_outputs_error():
    net = NN(2, 2, 3)
    outputs = net.runNN([1, 0])[:]
    targets = [0.0, 1.0, 0.25]
    assert net.backPropagate(targets, 0.5, 0.1) == 0.5 * (0.25 - outputs[2]) ** 2
    assert 0.5 * sum((t - o) ** 2 for t, o in zip(targets, outputs, strict=True)) > 0.5 * (0.25 - outputs[2]) ** 2


def test_quirk_an_iterations_error_is_that_of_its_last_pattern():
    one, both = NN(2, 2, 1), NN(2, 2, 1)
    errors = both.train(NAND, iterations=1)
    for inputs, targets in NAND:
        one.runNN(inputs)
        error = one.backPropagate(targets, 0.5, 0.1)
    assert errors == [error]
    assert one.wi == both.wi


def test_quirk_the_hidden_bias_nodes_own_column_is_drawn_and_never_used():
    net, other = NN(2, 2, 1, hidden_bias=True), NN(2, 2, 1, hidden_bias=True)
    column = [row[2] for row in net.wi]
    for row in other.wi:
        row[2] = 7.0
    assert net.train(NAND, iterations=20) == other.train(NAND, iterations=20)
    assert [row[2] for row in net.wi] == column
    assert net.ah[2] == 1.0


def test_its_momentum_is_the_previous_gradient(assert_within):
    """Three steps: W += N change + M (the change before), by (13) on the sequence of its own changes."""
    net = NN(2, 2, 1)
    W, before = np.array(net.wo), np.zeros((2, 1))
    for inputs, targets in NAND[:3]:
        net.runNN(inputs)
        net.backPropagate(targets, 0.5, 0.1)
        W, before = manual.previous_gradient(W, -np.array(net.co), before, 0.5, 0.1)
        assert_within(np.array(net.wo), W, 20 * 2.0**-53)  # six roundings a step of numbers up to 2


def test_without_momentum_or_learning_rate():
    still = NN(2, 2, 1)
    before = [row[:] for row in still.wi], [row[:] for row in still.wo]
    errors = still.train(NAND, iterations=3, N=0.0, M=0.0)
    assert (still.wi, still.wo) == before
    assert len(set(errors)) == 1
