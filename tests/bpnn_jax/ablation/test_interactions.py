"""Does one choice matter more under another: the contrasts of a study, and where they are shown."""

import json
from dataclasses import replace

import numpy as np
import pytest

from bpnn_jax import statistics
from bpnn_jax._runtime.progress import console
from bpnn_jax.ablation import findings, told
from bpnn_jax.ablation.interactions import interactions
from bpnn_jax.ablation.study import Study
from bpnn_jax.commands.score_tables import effects_table
from bpnn_jax.errors import InputError

TWO = {"activation": ("sigmoid", "tanh"), "hidden-bias": (False, True)}


def of(vary):
    return interactions(Study("xor", vary=vary, seeds=2))


def test_two_fields_of_two_values_are_the_statistics_interaction(made_up):
    found, summary = made_up(TWO, seeds=40)
    epochs = np.where(found.solved, found.epochs, 100)
    for c, values in zip(summary.contrasts, (found.solved, epochs), strict=True):
        expected = statistics.interaction(values.reshape(40, 2, 2))
        # The same draws, and the same sums in another order.
        assert (c.effect, c.low, c.high, c.p) == pytest.approx(
            (expected.effect, expected.low, expected.high, expected.p), rel=1e-9
        )
    assert [c.what for c in summary.contrasts] == [
        f"hidden-bias off to on: activation=tanh - activation=sigmoid, {kind}"
        for kind in ("success rate", "epochs to solve")
    ]


def test_over_whatever_else_varies_it_is_a_mean():
    """By brute force: effects of three fields on a number that has every product of them in it."""
    vary = {"rule": ("sgd", "heavy-ball", "nesterov"), **TWO}
    rng = np.random.default_rng(3)
    value = rng.normal(size=(3, 2, 2))
    found = of(vary)
    assert [(c.change, c.arm, c.against) for c in found] == [
        ("activation sigmoid to tanh", "rule=nesterov", "rule=sgd"),
        ("hidden-bias off to on", "rule=nesterov", "rule=sgd"),
        ("hidden-bias off to on", "activation=tanh", "activation=sigmoid"),
    ]
    by_hand = (
        np.mean([(value[2, 1, k] - value[2, 0, k]) - (value[0, 1, k] - value[0, 0, k]) for k in range(2)]),
        np.mean([(value[2, k, 1] - value[2, k, 0]) - (value[0, k, 1] - value[0, k, 0]) for k in range(2)]),
        np.mean([(value[k, 1, 1] - value[k, 1, 0]) - (value[k, 0, 1] - value[k, 0, 0]) for k in range(3)]),
    )
    assert [np.asarray(c.weights) @ value.ravel() for c in found] == pytest.approx(
        by_hand, abs=1e-14
    )  # twelve products of size 1


def test_a_field_of_one_value_takes_part_in_none():
    assert of({"momentum": (0, 0.9)}) == of({}) == of({"momentum": (0, 0.9), "rule": ("sgd",)}) == []


def test_they_are_a_family_of_their_own(made_up):
    found, summary = made_up(TWO, seeds=40)
    without = statistics.summarise(
        found.arms,
        epochs=np.where(found.solved, found.epochs, 100),
        solved=found.solved,
        error=found.error,
        horizon=100,
    )
    assert without.contrasts == ()
    assert without.comparisons == tuple(replace(c, detectable=None) for c in summary.comparisons)
    np.testing.assert_array_equal(
        [c.p_holm for c in summary.contrasts], statistics.holm([c.p for c in summary.contrasts])
    )


def test_where_no_arm_was_solved_there_are_no_epochs(made_up):
    kinds = [c.kind for c in made_up(TWO, "epochs")[1].contrasts]
    assert kinds == ["success rate"]


def test_they_are_in_the_summary_and_on_the_terminal(made_up, capsys):
    found, summary = made_up(TWO, seeds=40)
    said = json.loads(json.dumps(told.as_dict(found, summary, findings.find(found, summary))))
    assert [c["what"] for c in said["summary"]["contrasts"]] == [c.what for c in summary.contrasts]
    console().print(effects_table(findings.find(found, summary)))
    table = capsys.readouterr().out
    assert "activation: tanh - sigmoid x" in table
    assert f"{summary.contrasts[1].effect:+.3g} [" in table


def test_they_are_on_the_page(made_up):
    pytest.importorskip("vl_convert", reason="the page stands on vl-convert: pip install 'bpnn-jax[report]'")
    from bpnn_jax.ablation.report.page import page

    place = {"bpnn_jax": "0.1.0", "jax": "0.10.2", "xla_flags": ""}
    found, summary = made_up(TWO, seeds=40)
    html = page(found, summary, [], place)
    row = html[html.index('<th scope="row" class="name">hidden-bias off to on</th>') :]
    assert row.index("activation=tanh") < row.index("activation=sigmoid")
    assert f"{summary.contrasts[1].effect:+.3g} [" in row
    one, of_one = made_up({})
    assert "Does one matter more" not in page(one, of_one, [], place)


@pytest.mark.parametrize(
    ("weights", "words"),
    [([1], "expected 2 weights for x, one for each arm, got shape"), ([1, 1], "add up to 0, got 2")],
)
def test_weights_that_are_no_contrast_are_refused(weights, words):
    epochs = np.array([[3, 4], [5, 5]])
    with pytest.raises(InputError, match=words):
        statistics.summarise(
            "ab", epochs=epochs, solved=epochs < 5, horizon=5, contrasts=[statistics.Contrast(weights, "x", "a", "b")]
        )
