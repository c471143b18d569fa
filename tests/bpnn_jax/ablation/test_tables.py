"""A study's tables on a terminal: 80 columns, a column per field that varies, and nothing about solving where nothing was solved."""

import dataclasses
import io
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from bpnn_jax.ablation import findings, results, runner
from bpnn_jax.ablation.certificate import Certificate
from bpnn_jax.ablation.report import methods, words
from bpnn_jax.ablation.report.lead import lead
from bpnn_jax.ablation.report.tables import arms
from bpnn_jax.ablation.study import Study
from bpnn_jax.commands.tables import show
from bpnn_jax.settings import Run

pytestmark = pytest.mark.quick_xla
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


def test_where_a_table_is_too_wide_no_interval_is_broken(states):
    lines = [line for line in shown(states["twelve"], 70) if line.startswith(" ")]
    assert max(map(len, lines)) <= 70
    assert all(line.count("[") == line.count("]") for line in lines)
    assert sum(line.strip().startswith("[") for line in lines) >= 12


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


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """xor, and numbers, which have no outcome in common: a folder with four runs of each."""
    at = tmp_path_factory.mktemp("mixed")
    rows = [f"{k},{(7 * k) % 11},{k * 1.5 + (7 * k) % 11}" for k in range(24)]
    (at / "numbers.csv").write_text("\n".join(["a,b,price", *rows]) + "\n")
    with pytest.MonkeyPatch.context() as here:  # a short name stays on one line of a table, wherever the folder is
        here.chdir(at)
        study = Study(("xor", "numbers.csv"), base=Run(hidden=(2,), tolerance=0.4), seeds=4, epochs=3)
        return runner.run(study, at / "study")


def test_tasks_of_different_kinds_have_each_its_own_outcome_and_are_not_compared(mixed):
    summary = results.summarise(mixed)
    came = findings.find(mixed, summary)
    assert came is not None
    assert came.apart
    assert "success_rate" not in came.outcomes[1]
    lines = shown((mixed, summary), 110)
    rows = [line.split() for line in lines]
    assert ["task", "success", "rate", "training", "accuracy", "training", "R²"] in rows
    numbers = next(row for row in rows if row and row[0].endswith("numbers.csv"))
    assert numbers[1:3] == ["-", "-"]
    text = " ".join(" ".join(lines).split())
    assert "tasks of different kinds (boolean, regression) have no outcome in common" in text
    assert "Minus" not in text
    assert "error" not in text
    said = lead(mixed, summary, came).sentences
    assert said == ("The tasks are of different kinds, and have no outcome in common: each is told apart.",)
    told = methods.paragraph(mixed, summary, came, {})
    assert "The outcomes were success rate, training accuracy and training R², for each task its own" in told
    labels = [column.label for column in arms(mixed, summary, came).columns]
    assert [label for label in labels if " " in label] == ["success rate", "training accuracy", "training R²"]


def test_of_one_seed_the_means_are_shown_where_nothing_is_to_be_solved(made_up):
    found, summary = made_up({"momentum": (0, 0.9)}, "epochs", seeds=1)
    scores = {"test_accuracy": np.array([[0.75, 0.5]]), "train_accuracy": np.array([[1.0, 0.25]])}
    lines = shown((dataclasses.replace(found, scores=scores, kinds=("classification",)), summary))
    assert lines[0].endswith("1 seed")
    assert ["0.9", "50%", "25%"] in [line.split() for line in lines]
    assert "solved" not in " ".join(lines)


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
