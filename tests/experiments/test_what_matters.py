"""What matters: the design, the statistics on runs whose truth is known, the quick run, and what the committed files say."""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest

from bpnn_jax.errors import InputError
from experiments._common import RESULTS, Options
from experiments._runs import Runs
from experiments.what_matters import design, effects, repeated, report
from experiments.what_matters.design import CELLS, FACTORS, TASKS
from experiments.what_matters.experiment import Choices, measure
from experiments.what_matters.table import AT_ARTICLE, AT_BEST, AVERAGED, Choice, Sample, crossed

pytestmark = pytest.mark.quick_xla

ROOT = Path(__file__).resolve().parents[2]
NODE = Choice("hidden bias", "on", "off")
TANH = Choice("activation", "tanh", "sigmoid")


@pytest.fixture(scope="module")
def committed():
    return json.loads((RESULTS / "what_matters.json").read_text())


def made(accuracy, units=20, noise=0.01):
    """Runs of one seed in each of so many splits, with this mean for a cell's levels."""
    rng = np.random.default_rng(0)
    shared = noise * rng.normal(size=units)
    names = list(FACTORS)
    parts = []
    for cell in CELLS:
        of = dict(zip(names, cell, strict=True))
        values = accuracy(of) + shared + noise * rng.normal(size=units)
        common = {
            "task": "iris",
            "order": "simultaneous",
            **of,
            "seed": 0,
            "outcome": "epochs",
            "epochs": 40,
            "rate": 1.0,
        }
        parts.append(Runs.of(**common, split=np.arange(units), accuracy=values))
    return Runs.joined(parts)


# --- the design ---


def test_every_task_has_all_combinations_once():
    for task in ("xor", "iris"):
        arms = [
            (
                alike["order"],
                arm.run.activation,
                alike["objective"],
                arm.run.hidden_bias,
                arm.run.initial,
                alike["momentum"],
            )
            for alike, study in design.studies(task, TASKS[task], task)
            for arm in study.arms
        ]
        own = [arm for arm in arms if arm[0] == "simultaneous"]
        assert len(own) == len(set(own)) == len(CELLS) == 108
        assert len(arms) - len(own) == (36 if task == "xor" else 0)


def test_every_momentum_has_the_same_effective_rates():
    for momentum in FACTORS["momentum"]:
        study = design.study(
            "xor", TASKS["xor"], {"objective": "squared, 0/1", "momentum": momentum, "order": "simultaneous"}
        )
        runs = [trial.run for trial in study.trials[: len(TASKS["xor"].rates)]]
        # four digits of a rate are kept: half a thousandth
        np.testing.assert_allclose([design.effective_rate(run) for run in runs], TASKS["xor"].rates, rtol=1e-3)
        if momentum == "previous gradient":
            np.testing.assert_allclose([run.momentum / run.learning_rate for run in runs], 1 / 5, rtol=1e-3)


def test_classes_have_softmax_with_the_cross_entropy_and_bits_sigmoid():
    alike = {"objective": "cross-entropy", "momentum": "none", "order": "simultaneous"}
    outputs = [design.study(task, TASKS[task], alike).base.output_activation for task in ("encoder-8", "wine")]
    assert outputs == ["sigmoid", "softmax"]


def test_a_task_that_is_not_there_is_refused():
    with pytest.raises(InputError, match="xor"):
        measure(Choices(quick=True, task=("xo",)))
    with pytest.raises(InputError, match="each task once"):
        measure(Choices(quick=True, task=("xor", "xor")))


# --- the statistics, where the truth is known ---


def test_shares_are_those_of_what_was_put_in():
    """The node alone makes 4 parts of variance, and tanh with the node 1: of two levels ±d the variance is d²."""

    def accuracy(of):
        node = 1 if of["hidden bias"] == "on" else -1
        glorot = 1 if of["first weights"] == "glorot" else -1
        return 0.5 + 0.2 * node + 0.1 * node * glorot

    found = effects.summarise(
        made(accuracy), {"iris": {"epochs": 40, "rates": [0.5, 2.0], "certificates": {}, "seconds": 0}}
    )
    factors = found["tasks"]["iris"]["factors"]
    # 20 units with noise of 0.01 leave shares open by some thousandths.
    assert factors["hidden bias"]["alone"]["value"] == pytest.approx(0.8, abs=0.01)
    assert factors["hidden bias"]["total"]["value"] == pytest.approx(1.0, abs=0.01)
    assert factors["first weights"]["alone"]["value"] == pytest.approx(0.0, abs=0.01)
    assert factors["first weights"]["total"]["value"] == pytest.approx(0.2, abs=0.01)
    for share in ("alone", "total"):
        of = factors["first weights"][share]
        assert of["low"] <= of["value"] <= of["high"]
    assert [s["factors"] for s in found["tasks"]["iris"]["sets"][:2]] == [
        ["hidden bias"],
        ["hidden bias", "first weights"],
    ]
    assert 100 * found["tasks"]["iris"]["scatter"] == pytest.approx(100 * 0.05**0.5, abs=0.5)


def test_a_choice_is_worth_what_its_view_says():
    """The node helps the article's network by 0.3; where tanh is there, by nothing; with relu it harms by 0.3."""
    of_node = {"sigmoid": (0.3, 0.6), "tanh": (0.7, 0.7), "relu": (0.6, 0.3)}
    table = crossed(made(lambda of: of_node[of["activation"]][of["hidden bias"] == "on"]), 40, order="simultaneous")
    worth = {view: table.worth(NODE, view).comparison() for view in (AVERAGED, AT_ARTICLE, AT_BEST)}
    for view, truth in ((AVERAGED, 0.0), (AT_ARTICLE, 0.3), (AT_BEST, 0.0)):
        assert worth[view]["effect"] == pytest.approx(truth, abs=0.01)  # 20 units of noise 0.01, and the best of 36
        assert worth[view]["low"] <= worth[view]["effect"] <= worth[view]["high"]
    assert table.worth(TANH, AT_BEST).comparison()["effect"] == pytest.approx(0.1, abs=0.01)


def test_the_best_of_many_equal_ones_is_not_above_them():
    """Judged by the units that chose it, the best of 108 equal cells would be 2.5 standard errors above their mean."""
    away = []
    for seed in range(40):
        values = np.random.default_rng(seed).normal(size=(20, 108))
        table = crossed(made(lambda of: 0.5), 40, order="simultaneous")
        table = type(table)(table.factors, values, None, 40, None)
        away.append(table.at_best({}).each.mean() * 20**0.5)
    assert abs(np.mean(away)) < 4 / 40**0.5  # four standard errors of 40 means


def test_what_helps_here_and_harms_there_is_found_and_nothing_else():
    def accuracy(of):
        return 0.5 + (0.1 if of["hidden bias"] == "on" else -0.1) * (1 if of["activation"] == "sigmoid" else -1)

    found = effects.summarise(
        made(accuracy), {"iris": {"epochs": 40, "rates": [0.5, 2.0], "certificates": {}, "seconds": 0}}
    )["reversals"]
    nodes = [r for r in found if r["choice"] == NODE.words]
    assert [(r["partner"], r["helps"]["under"]) for r in nodes] == [("activation", "sigmoid")]
    assert nodes[0]["harms"]["under"] in ("tanh", "relu")
    assert {r["partner"] for r in found if r["choice"].startswith("activation")} == {"hidden bias"}
    assert not [r for r in found if r["choice"].startswith(("momentum", "objective", "first"))]


def test_solved_runs_that_are_faster_are_better_and_epochs_stop_at_the_limit():
    runs = Runs.joined(
        Runs.of(
            task="xor", order="simultaneous", **dict(zip(FACTORS, cell, strict=True)), split=0, seed=np.arange(8), rate=1.0,
            accuracy=np.nan, outcome="solved" if cell[0] != "relu" else "diverged", epochs=10 if cell[0] == "tanh" else 30,
        )
        for cell in CELLS
    )  # fmt: skip
    table = crossed(runs, 100, order="simultaneous")
    assert table.values.mean(axis=0).reshape(3, -1).mean(axis=1).tolist() == [1, 1, 0]
    assert table.epochs.mean(axis=0).reshape(3, -1).mean(axis=1).tolist() == [30, 10, 100]
    assert table.in_epochs().worth(TANH, AT_BEST).comparison()["effect"] == -20
    assert table.in_epochs().at_best({}).each.tolist() == [10] * 8


def test_cells_with_other_seeds_are_refused():
    runs = made(lambda of: 0.5)
    seeds = runs["seed"].copy()
    seeds[3] = 7
    with pytest.raises(ValueError, match="the same seeds"):
        crossed(Runs({name: runs[name] if name != "seed" else seeds for name in runs.names}), 40)


# --- repeated ---


def test_of_the_same_splits_the_difference_is_theirs():
    rng = np.random.default_rng(0)
    split = 10 * rng.normal(size=20)
    first, again = (Sample(split + rng.normal(size=20)) for _ in range(2))
    paired, not_paired = (repeated.apart(first, again, paired) for paired in (True, False))
    assert paired["effect"] == pytest.approx(not_paired["effect"])
    assert paired["high"] - paired["low"] < (not_paired["high"] - not_paired["low"]) / 3


def test_what_was_repeated_is_what_the_runs_say():
    found = json.loads((RESULTS / "what_matters.repeated.json").read_text())
    kept, again = (Runs.read(RESULTS / f"{name}.parquet") for name in ("what_matters", "what_matters.repeated"))
    assert repeated.compared(kept, again, found["draw"]) == found["results"]
    assert len(found["results"]) == repeated.PICKED
    assert int(again["seed"].min()) == found["seed_start"] > int(kept["seed"].max())
    for of in found["results"]:
        assert of["apart"]["low"] <= 0 <= of["apart"]["high"]


# --- the quick run, and the committed one ---


def test_a_quick_run_has_both_kinds_of_task(quick_run):
    found = quick_run("what_matters")
    assert list(found["tasks"]) == ["xor", "iris"]
    # In the gradient's order the article's sigmoid network does not learn XOR; with the node some do.
    assert found["tasks"]["xor"]["article"]["value"] == 0
    assert found["tasks"]["xor"]["best"]["cell"][2] == "on"
    assert found["certificates"] == {"xor": {"gradient": 8, "not a gradient": 8}, "iris": {"gradient": 8}}


def test_the_committed_runs_are_those_of_the_design_and_every_arm_s_gradient_is_right(committed):
    assert list(committed["tasks"]) == [task for task in TASKS if task in committed["tasks"]]
    for task, of in committed["other"].items():
        assert (of["epochs"], of["seeds"], of["splits"]) == (TASKS[task].epochs, TASKS[task].seeds, TASKS[task].splits)
        assert of["certificates"] == {"gradient": 108} | ({"not a gradient": 36} if TASKS[task].order else {})


def test_the_readme_says_the_sentence_that_the_program_gives(committed):
    assert report.readme(committed) in " ".join((ROOT / "README.md").read_text().split())


def test_every_result_is_of_the_design(committed):
    words = {c.words for f, levels in FACTORS.items() for c in (Choice(f, level, levels[0]) for level in levels[1:])}
    assert all(set(of) == words for of in committed["worth"].values())
    kinds = list(committed["kinds"].values())
    for of, kind, view in itertools.product(committed["over tasks"].values(), effects.KINDS, (AT_ARTICLE, AT_BEST)):
        assert of[kind][view]["low"] <= of[kind][view]["effect"] <= of[kind][view]["high"]
        assert of[kind][view]["tasks"] == kinds.count(kind)


def test_options_of_one_experiment_are_not_those_of_another():
    assert not hasattr(Options(), "task")
    assert Choices(seed_start=5).folder is None
    assert Choices().folder == RESULTS
