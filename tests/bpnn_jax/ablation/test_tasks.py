"""Studies of tables, of several tasks, and without patterns to test on: what is scored, chosen, kept and read again."""

import dataclasses
import json

import numpy as np
import pytest

from bpnn_jax.ablation import findings, folder, parts, results, runner, tuning
from bpnn_jax.ablation.chunk import place
from bpnn_jax.ablation.identity import growth, identity, manifest, study_of
from bpnn_jax.ablation.kept import patterns_of
from bpnn_jax.ablation.study import Study, from_dict
from bpnn_jax.choice import Choice
from bpnn_jax.errors import InputError
from bpnn_jax.patterns.split import split as split_of
from bpnn_jax.settings import Run

pytestmark = pytest.mark.quick_xla
BASE = Run(mode="minibatch", momentum=0.0, hidden=(3,))


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


def test_several_tasks_are_a_factor_and_a_study_is_read_without_their_files(tmp_path):
    rng = np.random.default_rng(0)
    rows = [f"{a:.3f},{b:.3f},{'high' if a + b > 0 else 'low'}" for a, b in rng.normal(size=(40, 2))]
    files = [tmp_path / name for name in ("own.csv", "other.csv")]  # of one shape: one program
    for k, file in enumerate(files):
        file.write_text("\n".join(["left,right,class", *rows[k:], *rows[:k]]) + "\n")
    study = Study(tuple(map(str, files)), vary={"momentum": (0.0, 0.1)}, base=BASE, seeds=2, epochs=3, test_share=0.25)
    assert [arm.task for arm in study.arms] == [str(file) for file in files for _ in range(2)]
    ended = runner.run(study, tmp_path / "study")
    for file in files:
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
