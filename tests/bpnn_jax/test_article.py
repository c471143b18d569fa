"""The article's numbers, and how they are compared: a wrong one must not pass for a match."""

import os
import random
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpnn_jax import Network, article
from bpnn_jax.article import compare
from bpnn_jax.errors import InputError
from bpnn_jax.patterns import files
from manual.article import NN

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def rows():
    return article.rows(None)


# --- the comparison ---


@pytest.mark.parametrize(
    ("published", "ours", "form", "digits", "match"),
    [
        ("0.171204877501", 0.171204877501, ".12g", 12, True),
        ("0.171204877501", 0.1712048775013, ".12g", 12, True),
        ("0.171204877501", 0.171204877502, ".12g", 11, False),
        ("0.171204877501", 0.171204877511, ".12g", 10, False),
        ("0.171204877501", 0.1712, ".12g", 4, False),
        ("0.171204877501", 0.271204877501, ".12g", 0, False),
        ("0.171204877501", -0.171204877501, ".12g", 0, False),
        ("0.171204877501", 1712.04877501, ".12g", 0, False),
        ("0.171204877501", 0.0, ".12g", 0, False),
        ("0.00262203286178", 0.00262203286178, ".12g", 12, True),
        ("0.00262203286178", 0.00262203286179, ".12g", 11, False),
        ("65.20", 65.2, ".2f", 4, True),
        ("65.20", 65.204, ".2f", 4, True),
        ("65.20", 65.4, ".2f", 2, False),
        ("65.20", 65.21, ".2f", 3, False),
        ("0.9982333356008245", 0.9982333356008245, "", 16, True),
        ("0.9982333356008245", 0.9982333356008251, "", 15, True),  # float64 keeps fifteen digits
        ("0.9982333356008245", 0.9982333356018245, "", 11, False),
    ],
)
def test_digits_and_match(published, ours, form, digits, match):
    row = compare("table", "what", published, ours, form)
    assert (row.table, row.what, row.published, row.ours) == ("table", "what", published, format(ours, form))
    assert row.digits == digits
    assert row.match is match


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_a_number_that_is_not_finite_never_matches(bad):
    try:
        match = compare("t", "w", "0.5", bad, ".12g").match
    except (ValueError, OverflowError):  # it may refuse, as long as it does not agree
        return
    assert not match


@given(st.integers(0, 11), st.integers(1, 9), st.sampled_from(article.NAND_ERRORS))
def test_one_digit_changed_is_no_match_and_is_counted(place, by, published):
    """Change one of twelve significant digits: the digits before it agree, no more than one beyond is claimed."""
    digits = published.replace("0.", "", 1)
    zeros = len(digits) - len(digits.lstrip("0"))
    significant = list(digits.lstrip("0").ljust(12, "0"))
    significant[place] = str((int(significant[place]) + by) % 10)
    changed = float("0." + "0" * zeros + "".join(significant))
    row = compare("t", "w", published, changed, ".12g")
    assert not row.match
    assert place - 1 <= row.digits <= place + 1


def test_the_printed_error_counts_its_digits_from_the_first_that_is_not_zero():
    assert compare("t", "w", "0.0019", 0.0019, ".2g").digits == 2


# --- the rows ---


def test_every_number_of_the_nand_tables_agrees(rows):
    assert [row.match for row in rows] == [True] * 25
    errors = [r for r in rows if r.table == article.NAND_TABLE and r.what.startswith("error at iteration")]
    assert [r.what for r in errors] == [f"error at iteration {50 * i}" for i in range(20)]
    assert tuple(r.ours for r in errors) == article.NAND_ERRORS
    outputs = [r for r in rows if r.what.startswith("output for")]
    assert [r.what for r in outputs] == [f"output for [{i}, {j}]" for i in (0, 1) for j in (0, 1)]
    assert all(r.digits >= 15 for r in outputs)
    assert (rows[-1].table, rows[-1].published, rows[-1].ours) == (
        article.BIAS_TABLE,
        "0.00262203286178",
        "0.00262203286178",
    )


def test_a_changed_published_number_does_not_match(monkeypatch):
    wrong = list(article.NAND_ERRORS)
    wrong[7] = wrong[7][:-1] + ("0" if wrong[7][-1] != "0" else "1")
    monkeypatch.setattr(article, "NAND_ERRORS", tuple(wrong))
    assert [i for i, row in enumerate(article.rows(None)) if not row.match] == [7]


def test_another_learning_rate_matches_nothing(monkeypatch):
    monkeypatch.setattr(article, "LEARNING_RATE", 0.51)
    assert not any(row.match for row in article.rows(None)[1:])


def test_a_row_has_the_contract_s_keys(rows):
    assert {"table", "what", "published", "ours", "match"} <= set(asdict(rows[0]))


@pytest.mark.parametrize("hidden_bias", [False, True])
def test_the_article_s_program_and_the_jax_path_give_the_same_errors(hidden_bias):
    """manual/article.py in loops against the compiled run, every 50th of a thousand epochs."""
    nand = [[[0, 0], [1]], [[0, 1], [1]], [[1, 0], [1]], [[1, 1], [0]]]
    errors = NN(2, 2, 1, hidden_bias=hidden_bias, rng=random.Random(0)).train(nand)
    history = article.nand(hidden_bias)[1].history
    assert history[:, 0].tolist() == list(range(0, 1000, 50))
    assert history[:, 1] == pytest.approx(errors[::50], rel=1e-11)


def test_initial_weights_are_python_s_own_draws():
    draw = random.Random(3).uniform
    W1 = [[draw(-0.2, 0.2) for _ in range(4)] for _ in range(3)]
    W2 = [[draw(-2.0, 2.0) for _ in range(2)] for _ in range(4)]
    got = article.initial_weights(Network((2, 3, 2)), seed=3)  # hidden bias node: its own column is drawn and dropped
    assert got[0].tolist() == np.array(W1)[:, :3].tolist()
    assert got[1].tolist() == W2


# --- the data file ---


def test_a_folder_that_is_named_must_hold_the_file(tmp_path):
    with pytest.raises(InputError, match=r"expected testdata\.200 in .*got no such file.*BPNN_ARTICLE_DATA"):
        article.find_data(tmp_path)
    (tmp_path / "testdata.200").mkdir()
    with pytest.raises(InputError, match="no such file"):
        article.find_data(tmp_path)


def test_where_the_file_is_looked_for(tmp_path, monkeypatch):
    here, elsewhere = tmp_path / "a" / "here", tmp_path / "elsewhere"
    here.mkdir(parents=True)
    elsewhere.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.delenv("BPNN_ARTICLE_DATA", raising=False)
    assert article.find_data() is None
    (here / "testdata.200").write_text("")
    assert article.find_data() == Path("testdata.200")
    monkeypatch.setenv("BPNN_ARTICLE_DATA", str(elsewhere))
    assert article.find_data() == Path("testdata.200")
    (elsewhere / "testdata.200").write_text("")
    assert article.find_data() == elsewhere / "testdata.200"
    assert article.find_data(here) == here / "testdata.200"


def test_the_recogniser_on_the_article_s_data():
    folder = Path(os.environ.get("BPNN_ARTICLE_DATA", "."))
    if not (folder / "testdata.200").is_file():
        pytest.skip(f"the article's data is not here: {article.HOW_TO_GET_IT}")
    data = files.read(folder / "testdata.200")
    assert [article.recogniser(data, bias)[0].iterations for bias in (False, True)] == [778, 775]
    rows = [row for row in article.rows(folder / "testdata.200") if row.table == article.CODE_TABLE]
    assert [(row.published, row.ours, row.match) for row in rows] == [("65.20", "65.20", True)] * 2
