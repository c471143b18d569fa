"""Looks at a study that is not finished, what they say, that the folder keeps them, and an end once a question is answered."""

import dataclasses
import json

import numpy as np
import pytest
from scipy import stats

from bpnn_jax import cli, statistics
from bpnn_jax.ablation import findings, looks, results, runner, told
from bpnn_jax.ablation.folder import LOOKS, Store
from bpnn_jax.ablation.study import Study
from bpnn_jax.errors import InputError

VARY = {"activation": ("sigmoid", "tanh"), "momentum": (0.0, 0.9)}


def scored(made_up, there, seeds=40, apart=0.0, looked=0, scatter=0.02):
    """A study of four arms with made-up accuracies, of which the first ``there`` seeds are there."""
    found, _ = made_up(VARY, "epochs", seeds=seeds, there=there)
    rng = np.random.default_rng(1)
    values = 0.8 + 0.05 * rng.normal(size=(seeds, 1)) + scatter * rng.normal(size=(seeds, 4)) + [0, 0, apart, apart]
    values = np.where(found.stopped == "", np.nan, values)
    return dataclasses.replace(found, scores={"test_accuracy": values}, kinds=("classification",), looked=looked)


def told_of(found, **more):
    summary = results.summarise(found)
    return findings.find(found, summary, **more), summary


@pytest.mark.parametrize(("there", "seeds", "number"), [(9, 0, None), (10, 10, 1), (27, 20, 2), (39, 30, 3)])
def test_an_unfinished_study_is_seen_at_its_last_look(made_up, there, seeds, number):
    found = scored(made_up, there)
    assert found.counted.sum() == seeds
    assert (found.look and found.look.number) == number
    came, summary = told_of(found)
    assert (came is None) == (summary is None) == (number is None)
    json_of_it = told.as_dict(found, summary, came)
    mean = np.nanmean(found.scores["test_accuracy"][:, 0])
    assert json_of_it["arms"][0]["estimates"]["test_accuracy"] == pytest.approx(mean, rel=1e-12)
    if came is None:
        return
    a, b = found.scores["test_accuracy"][:seeds, 2], found.scores["test_accuracy"][:seeds, 0]
    one = next(c for c in came.comparisons if c.arm == found.arms[2])
    assert one.p == pytest.approx(statistics.repeated(stats.ttest_rel(a, b).pvalue, found.look), rel=1e-9)
    t = stats.t.isf((1 - found.look.level) / 2, seeds - 1)
    assert one.high - one.effect == pytest.approx(t * stats.sem(a - b), rel=1e-9)
    assert json_of_it["look"]["rows"] == seeds


def test_a_seed_that_is_missing_in_the_middle_ends_the_look_before_it(made_up):
    found = scored(made_up, 30)
    stopped = found.stopped.copy()
    stopped[14, 1] = ""
    assert dataclasses.replace(found, stopped=stopped).counted.sum() == 10


def test_a_study_that_nobody_looked_into_is_a_single_look(made_up):
    alone, seen = scored(made_up, None), scored(made_up, None, looked=1)
    a, b = (alone.scores["test_accuracy"][:, k] for k in (2, 0))
    ordinary, counting = (told_of(found)[0].comparisons[1] for found in (alone, seen))
    assert ordinary.p == pytest.approx(stats.ttest_rel(a, b).pvalue, rel=1e-9)
    assert (ordinary.level, counting.level) == (0.95, pytest.approx(0.956, abs=1e-4))
    assert counting.p > ordinary.p
    assert counting.high - counting.low > ordinary.high - ordinary.low


def test_success_rates_at_a_look_count_it_too(made_up):
    found, summary = made_up(VARY, there=6)
    assert summary is not None
    assert found.look.number == 2
    plain = statistics.compare_rates(found.solved[:6, 3], found.solved[:6, 0])
    one = next(c for c in summary.comparisons if c.arm == found.arms[3] and c.kind == statistics.SUCCESS)
    assert one.p == statistics.repeated(plain.p, found.look)
    assert one.level == found.look.level


def test_what_would_have_been_shown_and_what_is_the_same(made_up):
    found = scored(made_up, None, scatter=0.002)
    came, _ = told_of(found, margin=1.0)
    each = found.scores["test_accuracy"][:, 1] - found.scores["test_accuracy"][:, 0]
    one = came.comparisons[0]
    assert one.detectable == pytest.approx(statistics.detectable(stats.sem(each), 39, alpha=0.05 / 3), rel=1e-9)
    lower = stats.ttest_1samp(each, -0.01, alternative="greater").pvalue
    upper = stats.ttest_1samp(each, 0.01, alternative="less").pvalue
    assert max(lower, upper) <= one.equivalence <= 3 * max(lower, upper)
    assert findings.answers(one.arm, results.summarise(found), came)
    assert all(effect.equivalence < 0.05 for effect in came.effects)
    assert all(c.equivalence is None for c in told_of(found)[0].comparisons)


def test_a_field_is_answered_by_its_main_effects(made_up):
    came, summary = told_of(scored(made_up, None, apart=0.05))
    assert findings.answers("activation", summary, came)
    assert not findings.answers("momentum", summary, came)
    assert not findings.answers("activation", None, None)


STUDY = Study("xor", vary={"activation": ("sigmoid", "tanh")}, seeds=40, epochs=300, points=5)


def test_a_study_that_is_stopped_goes_on_to_the_same_bits(tmp_path):
    seen = []

    def enough(found):
        seen.append((found.look.number, int(found.counted.sum())))
        return len(seen) == 2

    stopped = runner.run(STUDY, tmp_path / "a", stop=enough)
    assert seen == [(1, 10), (2, 20)]
    assert (int(stopped.whole_seeds.sum()), stopped.complete) == (20, False)
    whole = runner.run(STUDY, tmp_path / "a")
    assert whole.looked == 2
    assert whole.sha256 == runner.run(STUDY, tmp_path / "b").sha256
    assert runner.read(tmp_path / "b").looked == 0


def test_who_looks_is_kept_and_a_damaged_note_counts_as_a_look(tmp_path, made_up):
    found = scored(made_up, 25)
    store = Store(tmp_path)
    assert looks.seen(store, found.study, []) == 0
    looks.keep(store, scored(made_up, 9))  # before the first look nothing is shown
    assert not (tmp_path / LOOKS).exists()
    looks.keep(store, found)
    looks.keep(store, scored(made_up, 12))  # an earlier look is no news
    assert looks.seen(store, found.study, []) == 2
    (tmp_path / LOOKS).write_text((tmp_path / LOOKS).read_text().replace("2", "1", 1))
    assert looks.seen(store, found.study, []) == 3
    (tmp_path / LOOKS).unlink()
    assert looks.seen(store, found.study, [dataclasses.replace(found.study, seeds=10)]) == 1  # it has grown


def test_the_commands_keep_it_and_say_it(tmp_path, capsys):
    folder = tmp_path / "study"
    runner.run(STUDY, folder, stop=lambda found: found.look.number == 2)
    (folder / LOOKS).unlink()
    assert cli.main(["ablate", "--status", str(folder), "--json", str(tmp_path / "a.json")]) == 0
    said = json.loads((tmp_path / "a.json").read_text())
    assert said["look"]["number"] == 2
    assert "look 2 of 4, over the first 20 of 40 seeds" in " ".join(capsys.readouterr().out.split())
    assert json.loads((folder / LOOKS).read_text())["looked"] == 2
    given = [
        "ablate",
        "--task",
        "xor",
        "--vary",
        "activation=sigmoid,tanh",
        "--seeds",
        "40",
        "--epochs",
        "300",
        "--points",
        "5",
    ]
    given += ["--out", str(folder), "--stop-when-answered"]
    assert cli.main([*given, "activation=tanh", "--json", str(tmp_path / "b.json")]) == 0
    said = json.loads((tmp_path / "b.json").read_text())
    assert said["stopped"] == {"answered": "activation=tanh", "look": said["look"]}
    assert not said["complete"]
    capsys.readouterr()
    assert cli.main(["ablate", "--power", "10", str(folder), "--json", str(tmp_path / "c.json")]) == 0
    assert "an effect of 10 points in success rate, 80% power" in capsys.readouterr().out
    found = runner.read(folder)
    each = found.solved[:, 1].astype(float) - found.solved[:, 0]
    needed = json.loads((tmp_path / "c.json").read_text())["power"]
    there = each[found.whole_seeds]
    assert needed["seeds"] == statistics.units_needed(0.1, there.std(ddof=1))
    for wrong, what in (
        ([*given, "momentum"], "arm or field"),
        (["ablate", "--power", "-1", str(folder)], "effect above 0"),
    ):
        assert cli.main(wrong) == 2
        assert what in capsys.readouterr().err


def test_needs_that_cannot_be_reckoned_are_refused(made_up):
    from bpnn_jax.ablation import designs

    for there, said in ((1, "two seeds or more"), (0, "two seeds or more")):
        found = scored(made_up, there)
        with pytest.raises(InputError, match=said):
            designs.designs(found, 5.0, found.arms[0])
    single, _ = made_up({}, seeds=4)
    with pytest.raises(InputError, match="two arms or more"):
        designs.designs(single, 5.0, single.arms[0])
