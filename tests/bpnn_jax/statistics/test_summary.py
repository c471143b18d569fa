"""A whole study: the same numbers as one at a time, one family, and nothing left out without a word."""

import json

import numpy as np
import pytest

from bpnn_jax.errors import InputError
from bpnn_jax.statistics import (
    Bootstrap,
    compare,
    compare_epochs,
    compare_rates,
    estimate,
    holm,
    restricted_mean,
    success_rate,
    summarise,
)

NAMES = ["sigmoid", "tanh", "linear"]


@pytest.fixture
def results():
    rng = np.random.default_rng(8)
    epochs = np.minimum(np.ceil(rng.gamma(2, [300, 120, 200], (60, 3))), 800)
    return {"epochs": epochs, "solved": epochs < 800, "error": rng.lognormal(size=(60, 3))}


def test_the_numbers_are_those_of_one_at_a_time(results):
    got = summarise(NAMES, horizon=800, **results)
    e, d, error = (results[k] for k in ("epochs", "solved", "error"))
    arm = got.arms[1]
    one = {
        "success": success_rate(d[:, 1]),
        "epochs": restricted_mean(e[:, 1], d[:, 1], 800),
        "error": estimate(error[:, 1], "iqm"),
    }
    for name, expected in one.items():
        found = getattr(arm, name)
        assert (found.value, found.low, found.high) == pytest.approx((expected.value, expected.low, expected.high))
    expected = [
        compare_rates(d[:, 1], d[:, 0]),
        compare_rates(d[:, 2], d[:, 0]),
        compare_epochs(e[:, 1], d[:, 1], e[:, 0], d[:, 0], 800),
        compare_epochs(e[:, 2], d[:, 2], e[:, 0], d[:, 0], 800),
        compare(error[:, 1], error[:, 0], "iqm"),
        compare(error[:, 2], error[:, 0], "iqm"),
    ]
    assert [c.what.split(",")[0] for c in got.comparisons] == ["tanh - sigmoid", "linear - sigmoid"] * 3
    for ours, single in zip(got.comparisons, expected, strict=True):
        assert (ours.effect, ours.low, ours.high, ours.p) == pytest.approx(
            (single.effect, single.low, single.high, single.p), rel=1e-9
        )
    np.testing.assert_array_equal([c.p_holm for c in got.comparisons], holm([c.p for c in got.comparisons]))
    assert got.notes == ()


def test_it_is_json_and_says_the_same_each_time(results):
    first, again = (summarise(NAMES, horizon=800, **results).as_dict() for _ in range(2))
    assert json.loads(json.dumps(first, allow_nan=False)) == first == again
    assert first["arms"][0]["curve"]["epochs"][0] == 0


def test_it_shows_a_few_lines_with_the_best_arm_first(results):
    many = {name: np.tile(values, 3) for name, values in results.items()}
    names = [f"{name} <{k}>" for k in range(3) for name in NAMES]
    got = summarise(names, horizon=800, **many)
    title, first, *_, last = repr(got).splitlines()
    assert title == "Summary up to epoch 800: 9 arms, 24 comparisons, 0 contrasts, 0 notes"
    assert first.startswith("  tanh <0>: success rate 1 [0.9398, 1], epochs to solve ")
    assert (last, len(repr(got).splitlines())) == ("  ...: 4 arms more", 7)
    assert got.ranking()[:4] == ["tanh <0>", "tanh <1>", "tanh <2>", "linear <0>"]  # as they were given, where equal
    html = got._repr_html_()
    assert "<td>tanh &lt;0&gt;</td>" in html
    assert len(html) < 2000


def test_an_arm_that_never_solves_keeps_its_place(results):
    results["epochs"][:, 0], results["solved"][:, 0] = 800, False
    got = summarise(NAMES, horizon=800, pairs=[("tanh", "sigmoid"), ("tanh", "linear")], **results)
    assert got.arms[0].epochs is None
    assert got.arms[0].success.value == 0
    assert got.notes == ("sigmoid: no run was solved by epoch 800, so its mean epochs are not known",)
    assert len(got.comparisons) == 6  # against an arm that solves, there is something to say
    results["epochs"][:, 1], results["solved"][:, 1] = 800, False
    got = summarise(NAMES, horizon=800, pairs=[("tanh", "sigmoid")], **results)
    assert [c.what for c in got.comparisons] == [
        "tanh - sigmoid, success rate",
        "tanh - sigmoid, final error (interquartile mean)",
    ]


def test_a_diverged_run_is_named_and_its_arm_has_no_error(results):
    results["error"][[3, 9], 2] = np.inf, np.nan
    got = summarise(NAMES, horizon=800, **results)
    assert [arm.error is None for arm in got.arms] == [False, False, True]
    assert got.notes == ("linear: 2 of 60 runs diverged, so its error is not averaged; its success rate counts them",)
    assert len(got.comparisons) == 5
    results["error"][3, 0] = np.inf
    assert summarise(NAMES, horizon=800, **results).notes == (
        "runs diverged in sigmoid (1 of 60); linear (2 of 60), so their errors are not averaged; their success rates count them",
    )
    results["error"][0] = np.inf
    assert [arm.error for arm in summarise(NAMES, horizon=800, **results).arms] == [None] * 3


def test_a_kind_of_note_is_made_once_and_names_three_arms(results):
    many = {name: np.tile(values, 2) for name, values in results.items()}
    many["epochs"][:, 1:], many["solved"][:, 1:] = 800, False
    (note,) = summarise("abcdef", horizon=800, **many).notes
    assert note == "no run of b; c; d and 2 arms more was solved by epoch 800, so mean epochs to solve are not known"
    many["epochs"][:], many["solved"][:] = 800, False
    (note,) = summarise("abcdef", horizon=800, **many).notes
    assert note == "no run of any arm was solved by epoch 800, so mean epochs to solve are not known"


def test_with_groups_rates_go_by_groups_too(results):
    labels = np.repeat(np.arange(12), 5)
    got = summarise(NAMES, horizon=800, groups=labels, bootstrap=Bootstrap(seed=2), **results)
    rate = got.comparisons[0]
    expected = compare(results["solved"][:, 1], results["solved"][:, 0], groups=labels, bootstrap=Bootstrap(seed=2))
    assert (rate.low, rate.high, rate.p) == pytest.approx((expected.low, expected.high, expected.p))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"names": ["a", "b"]}, "expected 3 different names"),
        ({"names": ["a", "b", "b"]}, "expected 3 different names"),
        ({"pairs": [("tan", "sigmoid")]}, "unknown arm 'tan'; did you mean 'tanh'"),
        ({"pairs": [("tanh", "tanh")]}, "two different arms"),
        ({"pairs": [("tanh", "sigmoid"), ("sigmoid", "tanh")]}, "each pair of arms once"),
        ({"solved": np.ones((59, 3))}, "same runs"),
        ({"error": np.ones((60, 2))}, r"expected error.*\(60, 3\), got \(60, 2\)"),
        ({"error": 3}, r"\(60, 3\), got \(\)"),
        ({"pairs": ["ab"]}, "pairs of two different arms"),
        ({"error_measure": "median"}, "unknown measure 'median'"),
        ({"horizon": 900}, "horizon up to epoch 800"),
    ],
)
def test_a_clear_sentence_for(results, change, message):
    with pytest.raises(InputError, match=message):
        summarise(**{"names": NAMES, "horizon": 800, **results, **change})
