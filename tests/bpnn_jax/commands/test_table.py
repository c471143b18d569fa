"""``bpnn train`` and ``bpnn predict`` with tables: what is learnt is said, scored as its kind is, and read again by name."""

import csv

import numpy as np
import pytest

from bpnn_jax.patterns import door

pytestmark = pytest.mark.quick_xla
FAST = ("--epochs", 3)


def table(path, rows, header=()):
    with open(path, "w", newline="") as file:
        csv.writer(file).writerows([header, *rows] if header else rows)


@pytest.fixture(scope="module")
def rows():
    """Two clouds and a column of words that says nothing."""
    random = np.random.default_rng(0)
    points = random.normal(size=(40, 2)) + np.where(np.arange(40) % 2, 0, 3)[:, np.newaxis]
    found = []
    for k, (x, y) in enumerate(points.round(3).tolist()):
        found.append((x, y, "ab"[k % 3 == 0], ("no", "yes")[k % 2]))
    return found


def test_classes_are_learnt_said_and_scored(here, bpnn, result, rows):
    table(here / "t.csv", rows, ("x", "y", "mark", "ill"))
    ran = bpnn("train", "t.csv", "--test-share", "0.25", "--target", "ill")
    assert ran.out.startswith(
        "learns ill (2 classes: no 20, yes 20) from 4 inputs; 40 patterns, 30 to train, 10 to test; "
        "softmax outputs, cross-entropy, the mean of a batch\n"
    )
    assert "recall" in ran.out
    found = result("train", "t.csv", "--test-share", "0.25", "--target", "ill")
    assert found["task"] == {
        "kind": "classification",
        "inputs": ["x", "y", "mark=a", "mark=b"],
        "targets": ["ill"],
        "classes": ["no", "yes"],
    }
    assert found["patterns"] == {"train": 30, "validation": 0, "test": 10, "left_out": 0}
    test = found["scores"]["test"]
    assert sum(map(sum, test["confusion"])) == 10
    assert test["accuracy"] == np.trace(test["confusion"]) / 10
    assert found["success_rate"] == found["test_success_rate"] == 100 * test["accuracy"]
    assert test["majority"] == 0.5
    assert test["accuracy"] >= 0.9  # two clouds three standard deviations apart


def test_without_a_split_it_says_that_nothing_is_held_out(here, bpnn, rows):
    table(here / "t.csv", rows, ("x", "y", "mark", "ill"))
    ran = bpnn("train", "t.csv", *FAST)
    assert "40 patterns, 40 to train; softmax outputs" in ran.out
    assert "no held-out score" in ran.out


def test_numbers_are_scored_in_their_own_units(here, bpnn, result):
    random = np.random.default_rng(1)
    x = random.normal(size=(120, 2))
    t = 1000 + 50 * x[:, 0] - 20 * x[:, 1]
    table(here / "n.csv", [(*map(float, a), float(b)) for a, b in zip(x, t, strict=True)], ("a", "b", "price"))
    found = result("train", "n.csv", "--test-share", "0.25", "--save", "m")
    assert (found["task"]["kind"], found["network"]) == ("regression", "2-8-1 tanh/linear")
    assert found["scores"]["test"]["r2"] > 0.9
    assert found["scores"]["test"]["rmse_mean"] == pytest.approx(t.std(), rel=0.4)  # ten pounds and not one deviation
    assert found["success_rate"] is None
    ran = bpnn("predict", "m", "n.csv", "--json", "j", "--limit", "5")
    assert "R²" in ran.out
    answers = [float(line.split()[0]) for line in ran.out.splitlines()[1:6]]
    assert abs(np.array(answers) - t[:5]).max() < 30


def test_what_was_given_counts_and_what_was_not_is_chosen_for_the_table(here, result, rows):
    table(here / "t.csv", rows, ("x", "y", "mark", "ill"))
    usual = result("train", "t.csv", *FAST)
    assert (usual["network"], usual["iterations"]) == ("4-8-2 tanh/softmax", 2)
    own = result(
        "train", "t.csv", *FAST, "--activation", "sigmoid", "--hidden", 3, "--rule", "sgd", "--learning-rate", "0.1"
    )
    assert own["network"] == "4-3-2 sigmoid/softmax"
    for options, network in (
        (("--output-activation", "tanh"), "4-8-2 tanh"),  # which cross-entropy does not serve: the squared error, then
        (("--objective", "half-squared-error"), "4-8-2 tanh/sigmoid"),
        (("--rule", "adamw", "--learning-rate", "0.01"), "4-8-2 tanh/softmax"),  # with a decay of its own
    ):
        assert result("train", "t.csv", *FAST, *options)["network"] == network
    assert result("train", "t.csv", *FAST, "--ranges", "0.1")["error"] != usual["error"]
    assert result("train", "t.csv", *FAST, "--no-standardize")["error"] != usual["error"]
    shuffled, cut = (result("train", "t.csv", *FAST, "--test-share", "0.25", *how) for how in ((), ("--in-order",)))
    assert shuffled["patterns"]["test"] == cut["patterns"]["test"] == 10
    assert shuffled["error"] != cut["error"]


def test_rows_are_predicted_by_the_names_of_their_columns(here, bpnn, result, refused, rows):
    table(here / "t.csv", rows, ("x", "y", "mark", "ill"))
    result("train", "t.csv", *FAST, "--save", "m")
    table(here / "other.csv", [(m, y, x) for x, y, m, _ in rows], ("mark", "y", "x"))
    inner = bpnn("predict", "m", "t.csv", "--out", "one.csv").out
    assert "patterns right" in inner
    assert bpnn("predict", "m", "other.csv", "--out", "two.csv").code == 0
    assert (here / "one.csv").read_text() == (here / "two.csv").read_text()
    assert (here / "one.csv").read_text().splitlines()[0] == "answer,no,yes"
    table(here / "other.csv", [(x, y) for x, y, *_ in rows], ("x", "z"))
    refused(["predict", "m", "other.csv"], "y, mark missing: got x, z")
    table(here / "other.csv", [(x, y, "c") for x, y, *_ in rows], ("x", "y", "mark"))
    refused(["predict", "m", "other.csv"], "expected mark as one of a, b, got 'c'")


def test_missing_cells_of_rows_to_come_are_filled_with_a_word_and_unknown_targets_are_not_scored(
    here, bpnn, result, rows
):
    table(
        here / "t.csv",
        [("" if k in (0, 1) else x, *rest) for k, (x, *rest) in enumerate(rows)],
        ("x", "y", "mark", "ill"),
    )
    split = ("--missing", "mean", "--test-share", "0.25", "--in-order")
    result("train", "t.csv", *FAST, *split, "--save", "m")
    middle = float(np.mean([x for x, *_ in rows[2:30]]))  # of the rows to train on that have one
    ask = [("", *rows[5][1:3], ""), (middle, *rows[5][1:3], "yes"), (*rows[6][:2], "", "no"), (*rows[6][:3], "")]
    table(here / "ask.csv", ask, ("x", "y", "mark", "ill"))
    ran = bpnn("predict", "m", "ask.csv", "--out", "a.csv", "--json", "j")
    assert "note: 2 missing cells (1 in x, 1 in mark) filled with the mean of training" in ran.out
    assert "of 2 patterns right" in ran.out
    first, second = (line.split(",") for line in (here / "a.csv").read_text().splitlines()[1:3])
    np.testing.assert_allclose([float(v) for v in first[1:]], [float(v) for v in second[1:]], rtol=1e-6)  # of float32
    table(here / "ask.csv", [(*row[:3], "") for row in ask], ("x", "y", "mark", "ill"))
    ran = bpnn("predict", "m", "ask.csv")
    assert ran.code == 0
    assert "right" not in ran.out


def test_a_test_file_has_the_columns_and_classes_of_training(here, result, refused, rows):
    table(here / "t.csv", rows[:30], ("x", "y", "mark", "ill"))
    table(here / "test.csv", [(i, m, y, x) for x, y, m, i in rows[30:]], ("ill", "mark", "y", "x"))
    assert result("train", "t.csv", *FAST, "--test", "test.csv")["patterns"]["test"] == 10
    table(here / "test.csv", [(x, y, m, "perhaps") for x, y, m, _ in rows], ("x", "y", "mark", "ill"))
    refused(["train", "t.csv", *FAST, "--test", "test.csv"], "expected ill as one of no, yes, got 'perhaps'")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["t.csv", "--article"], "expected no article for a table"),
        (["t.csv", "--test-size", "3"], "split by --test-share or --test"),
        (["t.csv", "--target", "il"], "did you mean ill"),
        (["t.csv", "--test-share", "1"], "expected test share from 0 to below 1"),
        (["t.csv", "--kind", "regression"], "expected numbers to learn ill as regression"),
        (["t.csv", "--rule", "sgd"], "expected a learning rate with rule sgd"),
        (["t.csv", "--momentum", "0.9"], "expected a rule with momentum 0.9"),
        (["t.csv", "--in-order"], "expected in-order with test-share"),
        (["xor", "--test-share", "0.5"], "expected test-share with a table"),
        (["xor", "--standardize"], "expected standardize with a table"),
        (["xor", "--target", "1"], "expected target, kind, missing and ignore for tables"),
    ],
)
def test_what_does_not_fit_a_table_is_refused(here, refused, rows, arguments, words):
    table(here / "t.csv", rows, ("x", "y", "mark", "ill"))
    refused(["train", *arguments], words)


def test_names_from_outside_are_text(here, bpnn, rows):
    table(here / "t.csv", [(x, y, m, f"[red]{i}\x1b[2J") for x, y, m, i in rows], ("[/x]", "y\x1b[31m", "m", "t"))
    ran = bpnn("train", "t.csv", *FAST)
    assert "[red]no" in ran.out
    assert "\x1b" not in ran.out


@pytest.mark.parametrize(  # one of each kind; the others are the same lines at other shapes
    "name", [n if n in ("iris", "diabetes") else pytest.param(n, marks=pytest.mark.deep) for n in door.TABLES]
)
def test_the_bundled_tables_train_untouched(result, name):
    found = result("train", name, "--test-share", "0.3")
    score = found["scores"]["test"].get("accuracy", found["scores"]["test"].get("r2"))
    # A single split: below the mean over splits by no more than splits differ.
    assert score >= {"iris": 0.9, "wine": 0.92, "breast-cancer": 0.92, "digits": 0.95, "diabetes": 0.3}[name]
