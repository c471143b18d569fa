"""Every experiment runs small, writes its file and figure, and finds what is known; the page says what the committed files say."""

import importlib
import json
from pathlib import Path

import numpy as np
import pytest

from bpnn_jax import article
from experiments import _quadratic, page
from experiments._common import RESULTS

ROOT = Path(__file__).resolve().parents[2]
NAMES = page.NAMES


def _activation(found):
    xor = found["tasks"]["xor"]
    # Sigmoid's steps are the smaller ones: it wants the larger rate, and at the article's it is behind.
    assert xor["node on"]["sigmoid, 0/1"]["rate"] > xor["node on"]["tanh, ±1"]["rate"]
    compared = found["comparisons"]["xor"]
    assert compared["article"]["tanh, 0/1 - sigmoid, 0/1"]["high"] < 0
    assert xor["article"]["tanh, 0/1"]["mean"] != xor["article"]["tanh, ±1"]["mean"]  # the targets make a difference
    # Without the node tanh's middle need not go through the origin: it is the faster, and it is what tanh chooses.
    assert (xor["node tuned"]["tanh, 0/1"]["hidden_bias"], xor["targets chosen"]) == (False, ["tanh, 0/1"])
    assert compared["all tuned"]["tanh, targets chosen - sigmoid, 0/1"]["high"] < 0


def _hidden_bias(found):
    own = found["article"]["as in the article"]
    published = float(article.NAND_ERRORS[-1]), float(article.NAND_LAST_ERROR_WITH_HIDDEN_BIAS)
    # 12 digits are printed; six are kept in the file.
    assert own["seed 0"] == pytest.approx(published, rel=5e-6)
    assert own["differences"][0] > 0  # as in the article
    assert own["opposite"]["low"] > 0.5  # and most seeds say the opposite
    gates = found["represents"]["sigmoid"]
    assert gates["without"]["gates"] == {"1": 2}  # the constants, and not one more
    assert gates["with"]["gates"] == {"1": 14}  # all but XOR and XNOR


def _momentum(found):
    known = {
        "sgd": lambda k: (k - 1) / (k + 1),
        "previous-gradient": lambda k: (k - 1) / (k + 3),
        "heavy-ball": lambda k: (k**0.5 - 1) / (k**0.5 + 1),
        "nesterov": lambda k: 1 - 2 / (3 * k + 1) ** 0.5,
    }
    kappa = np.array(found["quadratic"]["conditions"])
    for rule, rate in known.items():
        of = found["quadratic"]["best"][rule]
        # Two equal roots: t rate^t, so the rate over the second 5000 steps is log(2)/5000 too large; twice that where w swings too.
        # The best rates of two rules are at least 2e-3 apart. Six digits are kept.
        apart = np.array(of["measured"]) / rate(kappa) - 1
        assert (apart > -5e-6).all(), rule
        assert (apart < 2 * np.log(2) / 5000).all(), rule
    assert max(found["quadratic"]["off"].values()) < 5 * np.log(2) / 2000  # the same over 2000 steps, of rates up to 4
    chosen = found["networks"]["xor, tanh, batch"]["best"]["sgd"]["chosen"]
    assert 1 <= len(chosen) <= 2  # a point per group of seeds, once where both chose alike


def _update_order(found):
    name = "nand, sigmoid"
    assert found["other"]["verdicts"][name] == ["gradient", "not a gradient"]
    for words in ("with the node", "without the node"):
        quarter, half = found["angles"][name][words]
        assert half / quarter == pytest.approx(2, rel=0.02)  # in proportion to the rate, to first order in it
        assert 0.1 < half < 1  # degrees: the 1% of the design is 0.6
        assert found["comparisons"][name][words]["epochs"]["0.5"]["effect"] != 0  # the orders do differ


def _xor_with_sigmoid(found):
    own, gradient = found["arms"]["article"], found["arms"]["simultaneous"]
    assert gradient["sigmoid"]["learnt"] == [0, 0]
    assert own["sigmoid"]["learnt"][1] > 0  # by 2000 epochs some have, thanks to a step that is no gradient
    assert found["in Python"]["same epoch"] == found["in Python"]["runs"]  # the article's program and ours end alike
    for arms in (own, gradient):
        assert arms["tanh"]["learnt"][0] == found["seeds"]
        assert arms["sigmoid, bias"]["learnt"][1] > found["seeds"] / 2
    hidden, surface = found["other"]["hidden"], found["other"]["surface"]
    for name in ("sigmoid, bias", "tanh"):
        # Where the line is right, the picture's hidden nodes and weights are those of the outputs that it shows.
        w1, w2, level = hidden[name]["line"]
        h1, h2 = np.array(hidden[name]["hidden"])[-1].T
        assert ((w1 * h1 + w2 * h2 > level) == (np.array(hidden[name]["outputs"]) > 0.5)).all(), name
    # The path ends at the origin of its plane, where the surface is E of the outputs there.
    e = 0.5 * ((np.array(hidden["sigmoid, gradient's order"]["outputs"]) - [0, 1, 1, 0]) ** 2).sum()
    x, y = (int(np.abs(axis).argmin()) for axis in surface["axes"])
    assert surface["path"][-1] == [0, 0]
    assert surface["surface"][y][x] == pytest.approx(e, rel=0.1)  # the grid's nearest point lies beside it


KNOWN = {
    "activation": _activation,
    "hidden_bias": _hidden_bias,
    "momentum": _momentum,
    "update_order": _update_order,
    "xor_with_sigmoid": _xor_with_sigmoid,
}


# The other two by BPNN_DEEP: what_matters has activation and momentum crossed in a quick run of its own.
@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[pytest.mark.deep] if n in ("activation", "momentum") else []) for n in KNOWN]
)
def test_a_quick_run_finds_what_is_known(name, quick_run):
    KNOWN[name](quick_run(name))


@pytest.mark.parametrize("rule", list(_quadratic.STEP))
def test_a_rule_diverges_where_it_is_said_to(rule):
    for momentum in (0.0, 0.2, 0.5, 0.9):
        at = float(_quadratic.border(rule, momentum))
        for factor in (0.97, 1.03):
            step = factor * at
            rate = _quadratic.measured(rule, step, momentum * step if rule == "previous-gradient" else momentum)
            assert (rate > 1) == (factor > 1), (momentum, factor)


@pytest.mark.parametrize("rule", list(_quadratic.STEP))
def test_no_other_rates_are_faster_than_the_best(rule):
    learning_rate, momentum, rate = _quadratic.best(rule, 50.0)
    curvatures = np.geomspace(1 / 50, 1, 33)
    around = np.linspace(0.5, 1.5, 41)
    for a in around * learning_rate:
        for b in around * momentum:
            assert (
                _quadratic.exact(rule, a, b, curvatures).max() > rate - 1e-7
            )  # a double root keeps half of the digits


@pytest.mark.parametrize("name", NAMES)
def test_the_committed_numbers_are_those_of_the_committed_runs(name):
    """The JSON file, and so the figures, the answer and the details, are computed again from the table of runs beside it."""
    experiment = importlib.import_module(f"experiments.{name}").EXPERIMENT
    found = json.loads((RESULTS / f"{name}.json").read_text())
    again = json.loads(json.dumps(experiment.again(RESULTS)))
    assert set(again) == set(found)
    for key in found:
        assert agree(again[key], found[key]), key
    for png in experiment.plots:
        assert (RESULTS / f"{name}{png and '.'}{png}.png").is_file()


def agree(a, b):
    """Texts to the letter; numbers to the six digits that are kept, and one in the last: another NumPy may sum in another order."""
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(agree(a[k], b[k]) for k in a)
    if isinstance(a, list):
        return isinstance(b, list) and len(a) == len(b) and all(map(agree, a, b))
    if isinstance(a, float) or isinstance(b, float):
        return a == pytest.approx(b, rel=2e-5, abs=1e-12)
    return a == b


def test_runs_that_are_kept_are_small():
    assert sum(file.stat().st_size for file in RESULTS.glob("*.parquet")) < 10e6


def test_the_page_is_that_of_the_committed_results():
    text = page.PAGE.read_text()
    assert page.filled(text, page.blocks()) == text  # else: python -m experiments.page --write-page


@pytest.mark.parametrize("name", NAMES)
def test_a_page_says_first_what_the_answer_depends_on_and_what_is_held_fixed(name):
    found = json.loads((RESULTS / f"{name}.json").read_text())
    text = page.PAGE.read_text()
    assert found["quick"] is False
    assert found["answer"].startswith("It depends on ")
    assert len(found["answer"]) < 800  # some sentences; the rest are details
    assert found["held_fixed"].startswith("Held fixed: ")
    assert "Freed" in found["held_fixed"]
    assert f"experiments/results/{name}.png" in text
    assert f"python -m experiments.{name}" in text


def test_a_page_without_its_markers_is_refused():
    for text in ("", "<!-- x -->", "<!-- x --><!-- end of x --><!-- x -->"):
        with pytest.raises(ValueError, match="expected one <!-- x -->"):
            page.filled(text, {"x": "new"})


def test_the_readme_says_what_the_committed_results_say():
    found = json.loads((RESULTS / "xor_with_sigmoid.json").read_text())
    readme = " ".join((ROOT / "README.md").read_text().split())
    own, gradient = (found["arms"][order] for order in ("article", "simultaneous"))
    (soon, late), tanh, node = own["sigmoid"]["learnt"], own["tanh"]["learnt"][0], own["sigmoid, bias"]["learnt"][0]
    assert found["seeds"] == 1000
    assert f"{soon} of 1000 networks have learnt it after the article's 1000 epochs, and {late} after 20 000" in readme
    assert gradient["sigmoid"]["learnt"] == [0, 0]
    assert "By the true gradient none has, even after 20 000" in readme
    assert (
        f"tanh in place of sigmoid makes it {tanh} after 1000 epochs, a bias node on the hidden layer {node}" in readme
    )
    assert "experiments/results/xor_with_sigmoid.readme.png" in readme


def test_every_experiment_is_on_the_page():
    commands = {f.stem for f in ROOT.glob("experiments/[a-z]*.py") if "EXPERIMENT.main()" in f.read_text()}
    commands |= {f.parent.name for f in ROOT.glob("experiments/*/__main__.py")}
    assert commands == set(NAMES)
