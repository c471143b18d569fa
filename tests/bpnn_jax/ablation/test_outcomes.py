"""Studies of data: what each run is scored by, splits as clusters, tuning, several tasks, and growth."""

import dataclasses
import json

import numpy as np
import pytest
from scipy import stats

from bpnn_jax.ablation import findings, folder, parts, results, runner, told, tuning
from bpnn_jax.ablation.chunk import place, run_chunk
from bpnn_jax.ablation.identity import growth, identity, manifest, study_of
from bpnn_jax.ablation.kept import patterns_of
from bpnn_jax.ablation.plan import plan
from bpnn_jax.ablation.study import Study, from_dict
from bpnn_jax.choice import Choice
from bpnn_jax.errors import InputError
from bpnn_jax.network import init_paired
from bpnn_jax.patterns import scores
from bpnn_jax.patterns.split import split as split_of
from bpnn_jax.settings import Run
from bpnn_jax.training import predict, train

BASE = Run(mode="minibatch", momentum=0.0, hidden=(3,))
STUDY = Study(
    "iris",
    vary={"activation": ("sigmoid", "tanh"), "hidden_bias": (False, True)},
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
    split, seed, trial = 2, 1, next(k for k, t in enumerate(STUDY.trials) if "tanh, hidden-bias=on" in t.name)
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
    assert arm["settings"] == {"activation": "sigmoid", "hidden-bias": True}
    assert set(arm["outcomes"]["test_accuracy"]) == {"estimate", "low", "high", "runs"}
    assert {"test_accuracy", "train_accuracy", "diverged"} <= set(arm["outcomes"])
    assert [e["factors"] for e in said["effects"]] == [["activation"], ["hidden-bias"], ["activation", "hidden-bias"]]
    assert said["effects"][0]["levels"] == ["tanh", "sigmoid"]
    assert said["effects"][2]["levels"] == [["tanh", "sigmoid"], ["on", "off"]]
    assert sum(v["share"] for v in said["variance"]) == pytest.approx(1)
    assert all(v["low"] <= v["share"] <= v["high"] for v in said["variance"])
    for one in said["tuned"]:
        assert one["field"] == "learning-rate"
        assert sum(c["runs"] for c in one["chosen"]) == 12
        assert one["at_end_of_grid"] is True  # of two values each is an end
    assert from_dict(said["study"]) == STUDY


def test_more_seeds_splits_and_values_go_on_and_are_the_larger_study(finished, tmp_path):
    small = dataclasses.replace(STUDY, seeds=3, splits=2, vary={**dict(STUDY.vary), "activation": ("sigmoid",)})
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


def test_more_epochs_train_again_without_force(tmp_path):
    short = Study("nand", vary={"momentum": (0.0, 0.5)}, seeds=3, epochs=5)
    runner.run(short, tmp_path)
    longer = runner.run(dataclasses.replace(short, epochs=9), tmp_path)
    assert longer.complete
    assert longer.study.epochs == 9


def test_halves_of_the_seeds_choose_for_each_other(tmp_path):
    study = Study(
        "xor", vary={"activation": ("sigmoid", "tanh")}, seeds=8, epochs=60, tune={"learning_rate": (0.1, 0.5, 1.0)}
    )
    found = runner.run(study, tmp_path)
    trials, half = found.trials, np.arange(8) % 2
    for one in (0, 1):
        for k in (0, 1):
            columns = slice(3 * k, 3 * k + 3)
            solved, epochs = trials.solved[half == one][:, columns], trials.epochs[half == one][:, columns]
            keys = [
                (-s, e) for s, e in zip(solved.mean(axis=0), np.where(solved, epochs, 60).mean(axis=0), strict=True)
            ]
            best = {c for c in range(3) if keys[c] == min(keys)}
            assert set(found.chosen[half != one, k] - 3 * k) <= best
    assert tuning.halves(found).tolist() == half.tolist()


def test_a_split_is_part_of_a_runs_identity():
    def names(**changes):
        return [c.name for c in plan(dataclasses.replace(STUDY, tune=(), vary=(), **changes), place()).chunks]

    three, two = names(), names(splits=2)
    assert len(set(three)) == 3
    assert two == three[:2]
    assert not set(names(test_share=0.2)) & set(three)


def test_several_tasks_are_a_factor_and_a_study_is_read_without_their_files(tmp_path):
    rng = np.random.default_rng(0)
    rows = [f"{a:.3f},{b:.3f},{'high' if a + b > 0 else 'low'}" for a, b in rng.normal(size=(40, 2))]
    file = tmp_path / "own.csv"
    file.write_text("\n".join(["left,right,class", *rows]) + "\n")
    study = Study((str(file), "iris"), vary={"momentum": (0.0, 0.1)}, base=BASE, seeds=2, epochs=3, test_share=0.25)
    assert [arm.task for arm in study.arms] == [str(file)] * 2 + ["iris"] * 2
    ended = runner.run(study, tmp_path / "study")
    file.unlink()
    complaints: list[str] = []
    again = runner.read(tmp_path / "study", complaints)
    assert (again.sha256, complaints) == (ended.sha256, [])
    assert np.isfinite(again.scores["test_accuracy"]).all()


def test_a_regression_is_scored_in_its_own_units(tmp_path):
    x = np.linspace(0, 1, 40)
    (tmp_path / "line.csv").write_text("x,y\n" + "\n".join(f"{a},{100 * a + 7}" for a in x))
    study = Study(
        str(tmp_path / "line.csv"),
        base=dataclasses.replace(BASE, learning_rate=0.01),
        seeds=3,
        epochs=60,
        test_share=0.25,
    )
    ended = runner.run(study, tmp_path / "study")
    test = parts.parts(parts.load(str(tmp_path / "line.csv")), 0, 0.25)
    spread = float((test.units.undo(test.test.t)).std())
    rmse, r2 = ended.scores["test_rmse"], ended.scores["test_r2"]
    np.testing.assert_allclose(r2, 1 - (rmse / spread) ** 2, rtol=1e-5)  # of float32 outputs
    assert (r2 > 0.2).all()
    assert findings.find(ended, results.summarise(ended)).lead == ("test_r2",)


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


def test_what_is_said_of_a_table_is_learnt_and_kept(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 2))
    rows = [f"{a:.3f},{b:.3f},{int(a > 0)},{int(b > 0)}" for a, b in x]
    for name, part in (("a, b.csv", rows[:40]), ("test.csv", rows[40:])):
        (tmp_path / name).write_text("\n".join(["u,v,is_left,is_late", *part]))
    said = {"target": "is_*", "kind": "multi-label"}
    study = Study(
        str(tmp_path / "a, b.csv"),
        base={"rule": "heavy-ball", "learning_rate": 0.3, "hidden": (2,)},
        seeds=2,
        epochs=3,
        test=str(tmp_path / "test.csv"),
        choice=said,
    )
    assert from_dict(json.loads(json.dumps(study.as_dict()))) == study
    ended = runner.run(study, tmp_path / "study")
    assert ended.kinds == ("multi-label",)
    assert {"test_accuracy", "test_accuracy:is_left", "train_accuracy:is_late", "saturated"} <= set(ended.scores)
    assert ended.held_out == (40, 20)
    assert dict(study.usual)[study.task][1] == ("output_activation", "sigmoid")
    (tmp_path / "study" / "patterns.npz").unlink()  # then the file is read again, as was said
    assert runner.read(tmp_path / "study").sha256 == ended.sha256
    more = [manifest(dataclasses.replace(study, seeds=3, choice=choice), place(), "") for choice in (said, {})]
    there = manifest(study, place(), "")
    assert growth(there, more[0]) is not None
    assert growth(there, more[1]) is None  # other targets are another study
    with pytest.raises(InputError, match="expected one task with target"):
        Study(("iris", "wine"), choice={"target": "1"})
    with pytest.raises(InputError, match="what to say of a table"):
        Study("iris", choice={"targets": "1"})


def test_a_table_that_needs_to_be_told_of_is_read_as_it_was_told(tmp_path):
    """Without the word on missing cells the file is refused; with it nothing else may read it first."""
    rows = [f"{k % 5},{'' if k % 4 == 0 else k},{'ab'[k % 2]}" for k in range(20)]
    file, other = tmp_path / "gaps.csv", tmp_path / "other.csv"
    file.write_text("\n".join(["u,v,kind", *rows]))
    with pytest.raises(InputError, match="--missing mean"):
        parts.load(str(file))
    assert len(parts.load(str(file), choice=Choice(missing="mean")).patterns) == 20
    assert len(parts.load(str(file), choice=Choice(missing="drop")).patterns) == 15
    other.write_text("u,w,kind\n1,2,a\n")
    with pytest.raises(InputError, match=f"{other}, to test with: .*v missing"):
        parts.load(str(file), str(other), Choice(missing="mean"))


def test_each_split_fills_missing_cells_by_its_own_training_part_also_without_the_file(tmp_path):
    """The mean of all rows would tell of those that are tested on."""
    random = np.random.default_rng(0)
    values = random.normal(size=30).round(3)
    lost = np.arange(30) % 3 == 0
    rows = [
        f"{'' if gone else v},{'' if gone else 'pqrq'[k % 4]},{'ab'[k % 2]}"
        for k, (v, gone) in enumerate(zip(values, lost, strict=True))
    ]
    file = tmp_path / "gaps.csv"
    file.write_text("\n".join(["u,w,kind", *rows]))
    study = Study(
        str(file),
        vary={"learning_rate": (0.01, 0.1)},
        seeds=1,
        epochs=2,
        test_share=0.3,
        splits=2,
        choice={"missing": "mean"},
    )
    ended = runner.run(study, tmp_path / "study")
    data = parts.load(str(file), choice=Choice(missing="mean"))
    file.unlink()
    store = folder.Store(tmp_path / "study", read_only=True)
    said = study_of(store)[1]
    kept = patterns_of(store, identity(said), study, said["patterns"])[0]
    assert kept.sha256 == said["patterns"] == data.sha256
    for split in range(3):
        cut = split_of(np.arange(30) % 2, 0.3, 0.0, seed=split)
        train = np.where(lost[cut.train], values[cut.train[~lost[cut.train]]].mean(), values[cut.train])
        for given in (data, kept):
            made = parts.parts(given, split, 0.3)
            expected = (train - train.mean()) / train.std()
            np.testing.assert_allclose(made.train.x[:, 0], expected, atol=1e-12)  # of float64
            there = made.test.x[lost[cut.test], 0]
            np.testing.assert_allclose(there, 0, atol=1e-12)  # the mean that the training part has
    assert runner.read(tmp_path / "study").sha256 == ended.sha256
