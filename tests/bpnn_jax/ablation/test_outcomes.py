"""Studies of data: what each run is scored by, splits as clusters, tuning, and growth."""

import dataclasses
import json

import numpy as np
import pytest
from scipy import stats

from bpnn_jax.ablation import findings, parts, results, runner, told
from bpnn_jax.ablation.chunk import place, run_chunk
from bpnn_jax.ablation.identity import growth, manifest
from bpnn_jax.ablation.plan import plan
from bpnn_jax.ablation.study import Study, from_dict
from bpnn_jax.errors import InputError
from bpnn_jax.network import init_paired
from bpnn_jax.patterns import scores
from bpnn_jax.settings import Run
from bpnn_jax.training import predict, train

BASE = Run(mode="minibatch", momentum=0.0, hidden=(3,))
STUDY = Study(
    "iris",
    vary={"initial": ("uniform", "glorot"), "hidden_bias": (False, True)},  # two programs
    base=BASE,
    seeds=4,
    epochs=4,
    points=2,
    test_share=0.3,
    splits=3,
    tune={"learning_rate": (0.002, 0.02)},
)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The tuned, split study: its folder and its results."""
    folder = tmp_path_factory.mktemp("outcomes") / "study"
    return folder, runner.run(STUDY, folder)


@pytest.fixture(scope="module")
def found(finished):
    summary = results.summarise(finished[1])
    return findings.find(finished[1], summary), summary


def test_a_run_has_the_accuracy_of_the_network_that_train_makes_of_it(finished):
    trials = finished[1].trials
    split, seed, trial = 2, 1, next(k for k, t in enumerate(STUDY.trials) if "glorot, hidden-bias=on" in t.name)
    run, there = STUDY.trials[trial].run, parts.parts(parts.load("iris"), split, 0.3, 0.2)
    network = run.network(there.train)
    first = tuple(W[0] for W in init_paired(network, run.initial, run.ranges, np.array([seed], np.uint32)))
    rates = run.rates(there.train)._replace(cutoff=0.0, tolerance=None)
    ended = train(
        network,
        there.train.x,
        there.train.t,
        **rates._asdict(),
        weights=first,
        seed=seed,
        settings=run.settings(epochs=4),
    )
    row = STUDY.rows.index((split, seed))
    for name, part in there.named.items():
        right = scores.classified(predict(network, ended.weights, part.x), part.t).accuracy
        assert trials.scores[f"{name}_accuracy"][row, trial] == right


def test_a_run_of_data_trains_to_the_limit_however_right_its_outputs_are(finished):
    chunk = plan(STUDY, place()).chunks[0]
    near = dataclasses.replace(chunk, lanes=tuple(lane._replace(tolerance=100.0) for lane in chunk.lanes))
    assert set(run_chunk(near)["stopped"].to_pylist()) == {"epochs"}


@pytest.mark.parametrize("change", [{"vary": {"tolerance": (0.1, 0.3)}}, {"base": Run(tolerance=0.2)}])
def test_a_tolerance_is_refused_where_nothing_stops_at_it(change, tmp_path):
    study = dataclasses.replace(STUDY, tune=(), **change)
    with pytest.raises(InputError, match=r"expected a tolerance with Boolean patterns alone, got 0.* for iris"):
        runner.run(study, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_parts_are_disjoint_and_standardized_by_the_training_part():
    data = parts.load("iris")
    there = parts.parts(data, 5, 0.3, 0.2)
    assert {name: len(part) for name, part in there.named.items()} == {"train": 75, "validation": 30, "test": 45}
    np.testing.assert_allclose(there.train.x.mean(axis=0), 0, atol=1e-12)  # rounding of 75 summands near 1
    assert abs(there.test.x.mean(axis=0)).max() > 1e-3
    assert [part.t.sum(axis=0).tolist() for part in there.named.values()] == [[25] * 3, [10] * 3, [15] * 3]


def test_an_interval_is_students_on_the_means_of_the_splits(finished, found):
    came = found[0]
    means = finished[1].scores["test_accuracy"].reshape(3, 4, 4).mean(axis=1)
    low, high = stats.t.interval(0.95, 2, means[:, 1].mean(), stats.sem(means[:, 1]))
    told = came.outcomes[1]["test_accuracy"]
    np.testing.assert_allclose(
        [told.value, told.low, told.high], [means[:, 1].mean(), max(low, 0), min(high, 1)], rtol=1e-12
    )
    assert told.n == 12
    expected = stats.ttest_rel(means[:, 1], means[:, 0])
    assert came.comparisons[0].p == pytest.approx(expected.pvalue, rel=1e-9)


def test_each_arm_is_judged_at_what_its_validation_part_chose(finished):
    judged, trials = finished[1], finished[1].trials
    for split in range(3):
        rows = judged.splits == split
        for k in range(4):
            means = trials.scores["validation_accuracy"][rows][:, 2 * k : 2 * k + 2].mean(axis=0)
            column = 2 * k + int(np.argmax(means))
            if means[0] != means[1]:
                assert (judged.chosen[rows, k] == column).all()
            assert (
                judged.scores["test_accuracy"][rows, k] == trials.scores["test_accuracy"][rows, judged.chosen[rows, k]]
            ).all()


def test_the_json_has_the_keys_that_scripts_read(finished, found):
    came, summary = found
    said = json.loads(json.dumps(told.as_dict(finished[1], summary, came)))
    arm = said["arms"][1]
    assert arm["settings"] == {"initial": "uniform", "hidden-bias": True}
    assert set(arm["outcomes"]["test_accuracy"]) == {"estimate", "low", "high", "runs"}
    assert {"test_accuracy", "train_accuracy", "diverged"} <= set(arm["outcomes"])
    assert [e["factors"] for e in said["effects"]] == [["initial"], ["hidden-bias"], ["initial", "hidden-bias"]]
    assert said["effects"][0]["levels"] == ["glorot", "uniform"]
    assert said["effects"][2]["levels"] == [["glorot", "uniform"], ["on", "off"]]
    assert sum(v["share"] for v in said["variance"]) == pytest.approx(1)
    assert all(v["low"] <= v["share"] <= v["high"] for v in said["variance"])
    for one in said["tuned"]:
        assert one["field"] == "learning-rate"
        assert sum(c["runs"] for c in one["chosen"]) == 12
        assert one["at_end_of_grid"] is True  # of two values each is an end
    assert from_dict(said["study"]) == STUDY


def test_more_seeds_splits_and_values_go_on_and_are_the_larger_study(finished, tmp_path):
    small = dataclasses.replace(STUDY, seeds=3, splits=2, vary={**dict(STUDY.vary), "initial": ("uniform",)})
    first = runner.run(small, tmp_path / "grown")
    chunks = {path.name for path in (tmp_path / "grown" / "chunks").iterdir()}
    complaints: list[str] = []
    grown = runner.run(STUDY, tmp_path / "grown", complaints=complaints)
    assert (grown.sha256, complaints) == (finished[1].sha256, [])
    assert chunks < {path.name for path in (tmp_path / "grown" / "chunks").iterdir()}
    assert grown.chunks_done == grown.chunks > first.chunks
    assert runner.read(tmp_path / "grown").sha256 == finished[1].sha256
    assert sum(len(chunk.lanes) for chunk in plan(STUDY, place(), before=[small]).chunks) == STUDY.runs  # no run twice
    counted: list[int] = []
    runner.run(STUDY, tmp_path / "grown", engine=lambda chunks, kept: iter(counted.append(len(chunks)) or ()))
    assert counted == [0]
    with pytest.raises(InputError, match=r"study.seeds: 4 there, 3 here"):
        runner.run(dataclasses.replace(STUDY, seeds=3), tmp_path / "grown")


def test_a_split_is_part_of_a_runs_identity():
    def names(**changes):
        return [c.name for c in plan(dataclasses.replace(STUDY, tune=(), vary=(), **changes), place()).chunks]

    three, two = names(), names(splits=2)
    assert len(set(three)) == 3
    assert two == three[:2]
    assert not set(names(test_share=0.2)) & set(three)


def test_in_step_the_values_of_one_place_are_tried_together():
    tune = {"momentum": (0.05, 0.1), "learning_rate": (0.5, 0.25)}
    study = Study("xor", seeds=4, epochs=2, tune=tune, tune_in_step=True)
    assert [(arm.run.learning_rate, arm.run.momentum) for arm in study.trials] == [(0.25, 0.05), (0.5, 0.1)]
    assert study.runs == 8
    assert from_dict(study.as_dict()) == study
    more = dataclasses.replace(study, tune={"momentum": (0.05, 0.07, 0.1), "learning_rate": (0.25, 0.3, 0.5)})
    found, wanted = (manifest(one, place(), "") for one in (study, more))
    assert growth(found, wanted) is None  # 0.5 stands beside another momentum
    assert growth(found, manifest(dataclasses.replace(study, seeds=6), place(), "")) is not None


def test_tasks_are_tuned_alike():
    study = Study(("xor", "code"), seeds=4, epochs=2, tune={"learning_rate": (0.1, 0.2)})
    with pytest.raises(InputError, match="patterns to test on of all tasks or of none"):
        plan(study, place())


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"splits": 3, "test_share": 0.0}, "expected splits with a test share"),
        ({"tune": {"momentum": (0.1,)}}, "expected two values or more of momentum"),
        ({"tune": {"activation": ("tanh", "sigmoid")}}, "to tune, got activation"),
        ({"tune_in_step": True}, "two tuned fields or more with equally many values, to tune in step, got"),
        (
            {"tune": {"learning_rate": (0.1, 0.2), "momentum": (0.1, 0.2, 0.3)}, "tune_in_step": True},
            "got 2 of learning-rate, 3 of momentum",
        ),
        ({"vary": {"learning_rate": (0.1, 0.2)}}, "either varied or tuned"),
        ({"test": "iris.csv"}, "either a test file or a test share"),
        ({"test_share": 1.0}, "test share from 0 to below 1"),
        ({"task": ("iris", "iris")}, "tasks that are all different"),
    ],
    ids=str,
)
def test_what_does_not_go_together_is_refused(changes, said):
    with pytest.raises(InputError, match=said):
        dataclasses.replace(STUDY, **changes)
