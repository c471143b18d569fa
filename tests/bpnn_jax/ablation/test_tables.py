"""A study's tables on a terminal: 80 columns, a column per field that varies, and nothing about solving where nothing was solved."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from bpnn_jax.ablation import findings
from bpnn_jax.ablation.certificate import Certificate
from bpnn_jax.ablation.report import words
from bpnn_jax.commands.tables import show

STATES = ("twelve", "grid", "one", "unsolved", "diverged", "one diverged", "partial", "one seed", "nothing", "many")


def shown(state, width=80):
    """The printed lines."""
    file = io.StringIO()
    show(*state, findings.find(*state), [], Path("study"), Console(file=file, width=width, highlight=False))
    return file.getvalue().splitlines()


@pytest.mark.parametrize("state", STATES)
def test_a_table_of_up_to_three_fields_fits_80_columns(states, state):
    """As wide as on a wider terminal, so that nothing was folded."""
    narrow, wide = (
        [line.rstrip() for line in shown(states[state], width) if line.startswith(" ")] for width in (80, 200)
    )
    assert narrow == wide
    assert max(map(len, narrow)) <= 80


def test_each_field_that_varies_is_a_column_and_no_other(made_up):
    vary = {"activation": ("sigmoid", "tanh"), "hidden_bias": (True,), "momentum": (0, 0.9)}
    lines = [line.split() for line in shown(made_up(vary))]
    assert ["activation", "momentum", "solved", "epochs", "to", "solve"] in lines
    assert ["tanh", "0.9", "100%", "[75.8,", "100]"] in [line[:5] for line in lines]
    one = " ".join(shown(made_up({})))
    assert "arm" in one.split()


def test_a_difference_of_rates_is_in_points_beside_its_p(states):
    _, summary = states["twelve"]
    text = " ".join(" ".join(shown(states["twelve"])).split())
    assert "success rate, points" in text
    assert "%" not in text[text.index("Minus ") : text.index("Shares of ")]
    assert "+50 [+13.6, +74.6]" in text
    assert "momentum: 0.9 - 0 " in text
    assert len(summary.notes) == 0


def test_a_p_value_below_what_can_be_told_apart_is_called_that(made_up):
    text = " ".join(shown(made_up({"momentum": (0, 0.9)}, seeds=300)))
    assert "p < 1e-16" in text
    assert "e-17" not in text


def test_where_nothing_was_solved_there_is_one_sentence_about_it_and_the_error(states):
    lines = shown(states["unsolved"])
    text = " ".join(" ".join(lines).split())
    assert text.count("solve") == 2  # "was solved", "epochs to solve"
    assert "no run of any arm was solved by epoch 100, so mean epochs to solve are not known" in text
    assert "success rate" not in text
    assert text.count("final error") == 2  # of the arms, and of their differences


def test_where_solving_was_not_asked_nothing_is_said_about_it(made_up):
    results, summary = made_up({"tolerance": (0.0,), "momentum": (0, 0.9)}, "epochs")
    assert "solve" not in " ".join(shown((results, summary)))
    assert words.finding(results, summary).startswith("The lowest final error is that of tolerance=0, momentum=0: ")


def test_what_diverged_is_a_column_and_one_note_where_something_did(states):
    text = " ".join(" ".join(shown(states["diverged"])).split())
    assert "diverged" in text.partition("no run")[0]
    assert text.count("runs diverged in") == 1
    assert "diverged" not in " ".join(shown(states["grid"]))


def test_a_certificate_is_a_column_only_where_it_tells_arms_apart(made_up):
    results, summary = made_up({"order": ("simultaneous", "article")})
    first, second = results.arms
    results.certificates.update({arm: Certificate("gradient", None, True, ()) for arm in results.arms})
    lines = shown((results, summary))
    assert "certificate: gradient, every arm" in lines
    results.certificates[second] = Certificate("not a gradient", 1.25, True, ())
    cells = [line.split() for line in shown((results, summary))]
    assert cells[2][-1] == "gradient"
    assert [row[-1] for row in cells if row[:1] == ["simultaneous"]] == ["yes"]
    assert next(row[-2:] for row in cells if row[:1] == ["article"]) == ["1.2°", "off"]
    results.certificates[first] = Certificate("wrong", None, True, ())
    assert [row[-1] for row in map(str.split, shown((results, summary))) if row[:1] == ["simultaneous"]] == ["wrong"]
