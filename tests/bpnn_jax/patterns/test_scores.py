"""Scores: against loops that a reader can check, for any outputs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from bpnn_jax.patterns import scores

NUMBERS = st.floats(-4, 4, width=32)


@st.composite
def one_hot(draw):
    """(outputs, targets, high, low): outputs that differ from each other."""
    patterns, classes = draw(st.integers(1, 12)), draw(st.integers(2, 5))
    high, low = draw(st.sampled_from([(1.0, 0.0), (1.0, -1.0), (0.9, 0.1)]))
    is_class = draw(npst.arrays(int, patterns, elements=st.integers(0, classes - 1)))
    t = np.where(np.eye(classes, dtype=bool)[is_class], high, low)
    flat = draw(st.lists(NUMBERS, min_size=t.size, max_size=t.size, unique=True))
    return np.reshape(flat, t.shape), t, is_class


def test_the_article_s_tolerance():
    assert scores.tolerance(np.array([[1.0, 0.0, 0.0]])) == 0.5
    assert scores.tolerance(np.array([[1.0], [-1.0]])) == 1.0
    assert scores.tolerance(np.array([[0.1], [0.9]])) == pytest.approx(0.4, rel=1e-15)


@pytest.mark.parametrize("same", [0.0, 1.0, -3.0])
def test_targets_that_are_all_alike_still_have_a_tolerance(same):
    assert scores.tolerance(np.full((3, 2), same)) == 0.5


@given(npst.arrays(float, npst.array_shapes(min_dims=2, max_dims=2, max_side=6), elements=NUMBERS), st.floats(0.01, 2))
def test_hits_against_a_loop(t, within):
    rng = np.random.default_rng(t.size)
    outputs = t + rng.uniform(-2 * within, 2 * within, t.shape)
    expected = [all(abs(outputs[i, k] - t[i, k]) < within for k in range(t.shape[1])) for i in range(len(t))]
    got = scores.hits(outputs, t, within)
    assert got.shape == (len(t),)
    assert got.tolist() == expected


def test_exactly_at_the_tolerance_is_a_miss():
    assert scores.hits(np.array([[0.5], [0.75]]), np.array([[1.0], [1.0]]), 0.5).tolist() == [False, True]


def test_an_output_that_is_nan_is_a_miss():
    assert scores.hits(np.array([[np.nan, 1.0]]), np.array([[1.0, 1.0]]), 0.5).tolist() == [False]


@given(one_hot())
def test_one_hot_targets_are_known_as_such(case):
    _, t, _ = case
    assert scores.is_one_hot(t)
    assert not scores.is_one_hot(t[:, :1])  # one output is no choice between classes
    assert not scores.is_one_hot(np.full_like(t, t.max()))
    two_high = t.copy()
    two_high[0, :2] = t.max()
    assert not scores.is_one_hot(two_high)
    third_value = np.concatenate([t, t[:1]])
    third_value[0, t[0].argmin()] -= 0.5
    assert not scores.is_one_hot(third_value)


@given(one_hot())
def test_confusion_against_a_loop(case):
    outputs, t, is_class = case
    counts = [[0] * t.shape[1] for _ in range(t.shape[1])]
    for row, truth in zip(outputs.tolist(), is_class, strict=True):
        counts[truth][row.index(max(row))] += 1
    got = scores.confusion(outputs, t)
    assert got.tolist() == counts
    assert scores.largest_output_rate(outputs, t) == np.trace(got) / len(t)


@given(one_hot())
def test_scores_do_not_depend_on_the_order_of_patterns(case):
    outputs, t, _ = case
    back = slice(None, None, -1)
    assert scores.confusion(outputs[back], t[back]).tolist() == scores.confusion(outputs, t).tolist()
    assert scores.largest_output_rate(outputs[back], t[back]) == scores.largest_output_rate(outputs, t)
    within = scores.tolerance(t)
    assert scores.hits(outputs[back], t[back], within).tolist() == scores.hits(outputs, t, within)[back].tolist()


@given(one_hot())
def test_every_output_right_means_the_largest_output_right(case):
    outputs, t, _ = case
    right = scores.hits(outputs, t, scores.tolerance(t))
    largest = outputs.argmax(axis=1) == t.argmax(axis=1)
    assert (largest | ~right).all()


def test_perfect_outputs_score_full():
    t = np.eye(3)[[0, 1, 2, 1]]
    assert scores.hits(t, t, scores.tolerance(t)).all()
    assert scores.largest_output_rate(t, t) == 1.0
    assert scores.confusion(t, t).tolist() == [[1, 0, 0], [0, 2, 0], [0, 0, 1]]


def test_scores_of_classes_labels_and_numbers_are_scikit_learn_s():
    metrics = pytest.importorskip("sklearn.metrics", reason="scikit-learn, a peer of the benchmarks, is not installed")
    random = np.random.default_rng(0)
    outputs, t = random.normal(size=(40, 3)), np.eye(3)[random.integers(0, 3, 40)]
    found, truth, answer = scores.classified(outputs, t), t.argmax(axis=1), outputs.argmax(axis=1)
    assert found.accuracy == metrics.accuracy_score(truth, answer)
    assert (found.confusion == metrics.confusion_matrix(truth, answer)).all()
    assert np.allclose(found.recall, metrics.recall_score(truth, answer, average=None), rtol=1e-15)
    assert np.allclose(found.precision, metrics.precision_score(truth, answer, average=None), rtol=1e-15)
    numbers = random.normal(size=(40, 2))
    regressed = scores.regressed(outputs[:, :2], numbers, numbers.mean(axis=0))
    assert regressed.r2 == pytest.approx(metrics.r2_score(numbers, outputs[:, :2]), rel=1e-14)
    assert regressed.rmse == pytest.approx(
        metrics.root_mean_squared_error(numbers.ravel(), outputs[:, :2].ravel()), rel=1e-14
    )
    assert regressed.mae == pytest.approx(metrics.mean_absolute_error(numbers, outputs[:, :2]), rel=1e-14)


def test_scores_by_hand():
    one_hot = np.array([[1, 0], [1, 0], [1, 0], [0, 1]])
    found = scores.classified(np.array([[2.0, 1], [0, 1], [3, 1], [0, 5]]), one_hot)
    assert (found.accuracy, found.majority) == (0.75, 0.75)
    assert found.recall.tolist() == [2 / 3, 1.0]
    assert found.precision.tolist() == [1.0, 0.5]
    labels = scores.labelled(np.array([[0.6, 0.1], [0.4, 0.9], [0.7, 0.8]]), np.array([[1.0, 0], [1, 1], [0, 1]]))
    assert (labels.accuracies.tolist(), labels.accuracy) == ([1 / 3, 1.0], 1 / 3)
    numbers = scores.regressed(np.array([[1.0], [3.0]]), np.array([[2.0], [4.0]]), np.array([5.0]))
    assert numbers == scores.Regressed(r2=0.0, rmse=1.0, mae=1.0, rmse_mean=5**0.5, mae_mean=2.0)
