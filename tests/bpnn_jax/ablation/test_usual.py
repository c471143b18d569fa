"""A study of a table trains as ``bpnn train`` does, but for what is given, varied or tuned."""

import json
import shlex
from dataclasses import replace

import pytest

from bpnn_jax import cli
from bpnn_jax.ablation.report import words
from bpnn_jax.ablation.study import Study, from_dict
from bpnn_jax.commands import ablate
from bpnn_jax.errors import InputError
from bpnn_jax.patterns import door
from bpnn_jax.patterns.tabular import customary, prepare
from bpnn_jax.settings import Run, filled


def trained(name, share):
    """The run and the epochs of ``bpnn train NAME --test-share SHARE``."""
    data = prepare(door.open_set(name).task, name, test_share=share)
    usual = customary(data.task.kind, len(data.train))
    return filled(Run(), usual, ()), usual["epochs"]


@pytest.mark.parametrize(("name", "share"), [("iris", 0.3), ("diabetes", 0.25), ("breast-cancer", 0.0)])
def test_a_table_is_trained_as_train_does(name, share):
    study = Study(name, vary={"hidden_bias": (False, True)}, seeds=4, test_share=share)
    run, epochs = trained(name, share)
    assert [arm.run for arm in study.arms] == [replace(run, hidden_bias=on) for on in (False, True)]
    assert study.epochs == epochs


def test_what_is_given_varied_or_tuned_replaces_it():
    base, tune = {"activation": "sigmoid", "batch-size": 16}, {"learning_rate": (0.01, 0.1)}
    study = Study("iris", vary={"rule": ("adamw", "sgd")}, base=base, tune=tune, epochs=9, seeds=4)
    adamw, sgd = (arm.run for arm in study.arms)
    assert (adamw.activation, adamw.batch_size, adamw.weight_decay, study.epochs) == ("sigmoid", 16, 0.0, 9)
    assert sgd.weight_decay == 1 / 150  # adamw has one of its own
    assert {trial.run.learning_rate for trial in study.trials} == {0.01, 0.1}
    linear = Study("iris", vary={"output_activation": ("softmax", "linear")}, seeds=4).arms
    assert [arm.run.objective for arm in linear] == ["cross-entropy", "half-squared-error"]


def test_momentum_has_a_rule_that_has_it():
    study = Study("wine", vary={"momentum": (0, 0.9)}, base={"learning_rate": 0.1}, seeds=4)
    assert {arm.run.rule for arm in study.arms} == {"heavy-ball"}
    with pytest.raises(InputError, match="expected a learning rate beside the momentum"):
        Study("wine", vary={"momentum": (0, 0.9)}, seeds=4)
    with pytest.raises(InputError, match="a table's own rule, has none"):
        Study("wine", base={"momentum": 0.9}, seeds=4)
    with pytest.raises(InputError, match="expected a learning rate with rule"):
        Study("wine", vary={"rule": ("sgd", "adam")}, seeds=4)


def test_a_run_is_taken_as_it_is_and_other_patterns_have_the_articles_settings():
    assert Study("iris", base=Run(), seeds=4).arms[0].run == Run()
    assert Study("iris", base=Run(), seeds=4).epochs == Study("xor").epochs == 1000
    assert [arm.run.rule for arm in Study(("code", "xor"), seeds=4).arms] == ["previous-gradient"] * 2
    mixed = Study(("iris", "xor"), base={"batch_size": 8, "mode": "minibatch"}, seeds=4)
    assert [(arm.run.rule, arm.run.batch_size) for arm in mixed.arms] == [("adam", 8), ("previous-gradient", 8)]


@pytest.mark.parametrize(
    "given",
    [
        "--task iris --vary activation=tanh,relu --batch-size 16 --seeds 4",
        "--task iris,wine --vary hidden-bias=off,on --activation sigmoid --no-shuffle --seeds 4 --test-share 0.3",
        "--task iris --vary momentum=0,0.9 --tune learning-rate=0.01,0.1 --seeds 4",
        "--task xor --batch-size 2 --mode minibatch --seeds 4",
    ],
)
def test_a_study_is_read_back_and_its_command_repeats_it(given):
    asked = ablate.study(cli.parse(["ablate", *given.split()]))
    assert from_dict(json.loads(json.dumps(asked.as_dict()))) == asked
    again = ablate.study(cli.parse(shlex.split(words.command(asked))[1:]))
    assert again.as_dict() | {"given": ()} == asked.as_dict() | {"given": ()}
    assert [arm.run for arm in again.arms] == [arm.run for arm in asked.arms]
