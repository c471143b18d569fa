"""The record of a run: its fields, what they become in the network, the program and the rates, and what is refused."""

import re
from dataclasses import replace
from typing import Literal, get_args, get_origin

import numpy as np
import pytest

import manual
from bpnn_jax import load_patterns, network, rules, settings
from bpnn_jax.errors import InputError
from bpnn_jax.network import Network
from bpnn_jax.patterns import Patterns
from bpnn_jax.settings import Run
from bpnn_jax.training import Rates, Settings, _settings, _step

XOR = load_patterns("xor")


def choices(name):
    kind = settings._KINDS[name]
    assert get_origin(kind) is Literal
    return set(get_args(kind))


def test_the_choices_are_those_of_the_engine():
    """Help is read off the fields without JAX, so they are written here too; this is what keeps them together."""
    assert choices("activation") == set(manual.ACTIVATIONS) == set(network.ACTIVATIONS)
    assert choices("output_activation") == {"same", *network.OUTPUT_ACTIVATIONS}
    assert set(manual.OUTPUT_ACTIVATIONS) == set(network.OUTPUT_ACTIVATIONS)
    assert choices("objective") == set(network.OBJECTIVES) == set(manual.OBJECTIVES)
    assert choices("reduction") == set(_settings.REDUCTIONS)
    assert settings.DECAYING_RULES == rules.DECAYING
    assert choices("rule") == set(rules.RULES)
    assert choices("mode") == set(_settings.MODES)
    assert choices("order") == set(_step.ORDERS)
    assert choices("gradient") == set(_step.GRADIENTS)
    assert choices("initial") == set(network.INITIAL)


def test_a_run_is_the_default_of_what_it_makes():
    run = Run()
    assert run.settings() == Settings()
    assert run.network(XOR) == Network((2, 2, 1))
    assert run.rates(XOR) == Rates(0.5, 0.1, 0.0, 0.4)
    assert run.checked() == run


def test_a_run_makes_its_network():
    run = Run(activation="tanh", output_activation="linear", input_bias=False, hidden_bias=False, skip=True)
    assert replace(run, hidden=(4, 3)).network(XOR) == Network(
        (2, 4, 3, 1), ("tanh", "tanh", "linear"), input_bias=False, hidden_bias=False, skip=True
    )
    assert Run(hidden=[5]).network(XOR).sizes == (2, 5, 1)
    assert Run(activation="tanh").network(XOR).activations == ("tanh", "tanh")


def test_a_run_makes_its_program():
    run = Run(rule="adam", mode="minibatch", batch_size=3, gradient="autodiff", shuffle=True)
    assert run.settings(epochs=7, history_every=2) == Settings(
        7, "adam", "minibatch", 3, "simultaneous", "autodiff", True, history_every=2
    )
    assert Run(order="article").settings().order == "article"
    found = Run(objective="cross-entropy", weight_decay=1, reduction="mean").settings()
    assert (found.objective, found.weight_decay, found.reduction) == ("cross-entropy", 1.0, "mean")
    assert Run(mode="minibatch").settings().batch_size == settings.DEFAULT_BATCH == Settings.batch_size


def test_the_tolerance_is_a_share_of_the_distance_between_the_targets():
    assert Run(tolerance=0.25, targets="bipolar").rates(XOR).tolerance == 0.5
    assert Run(tolerance=0.25).rates(Patterns([[1.0], [2.0]], [[3.0], [7.0]], "two")).tolerance == 1.0
    assert Run(tolerance=0.25).rates(Patterns([[1.0]], [[3.0]], "one")).tolerance == 0.25
    np.testing.assert_array_equal(Run(targets="bipolar").patterns(XOR).t.ravel(), [-1, 1, 1, -1])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"activation": "tahn"}, "unknown activation 'tahn'; did you mean 'tanh'"),
        ({"output_activation": "smae"}, "unknown output-activation 'smae'; did you mean 'same'"),
        ({"rule": "nestorov"}, "unknown rule 'nestorov'; did you mean 'nesterov'"),
        ({"hidden_bias": "on"}, "expected hidden-bias as True or False, got 'on'"),
        ({"skip": 1}, "expected skip as True or False, got 1"),
        ({"hidden": (2, 0)}, "expected hidden as a whole number from 1 up, got 0"),
        ({"hidden": 3}, "expected hidden as several numbers, got 3"),
        ({"learning_rate": "0.5x"}, "expected learning-rate as a finite number from 0 up, got '0.5x'"),
        ({"momentum": -1}, "expected momentum as a finite number from 0 up, got -1"),
        ({"tolerance": float("nan")}, "expected tolerance as a finite number from 0 up, got nan"),
        ({"ranges": ()}, "expected ranges as one number or more, got none"),
        ({"dtype": "float16"}, "unknown dtype 'float16'"),
        ({"mode": "minibatch", "batch_size": 0}, "expected batch-size as a whole number from 1 up, got 0"),
        ({"batch_size": 8}, "expected a batch-size only with mode minibatch, got batch-size 8 with mode online"),
        ({"activation": "softmax"}, "expected softmax as output-activation alone"),
        ({"objective": "cross-entropy", "activation": "tanh"}, "expected output-activation sigmoid or softmax with"),
        ({"objective": "cross-entropy", "output_activation": "linear"}, "got linear: half-squared-error serves every"),
        ({"objective": "cross-entropy", "targets": "bipolar"}, "which is for targets from 0 to 1, got bipolar"),
        ({"weight_decay": -1}, "expected weight-decay as a finite number from 0 up, got -1"),
        ({"weight_decay": 1e39}, "expected weight-decay up to 3.4e+38, as float32 has it"),
        (
            {"weight_decay": 0.1, "rule": "adamw"},
            "no weight-decay with adamw, which decays the weights by itself, got 0.1",
        ),
        ({"weight_decay": 0.1, "rule": "lion"}, "no weight-decay with lion"),
    ],
    ids=str,
)
def test_what_is_refused_is_refused_everywhere_alike(given, message):
    for make in (Run.checked, Run.settings, lambda run: run.network(XOR), lambda run: run.rates(XOR)):
        with pytest.raises(InputError, match=re.escape(message)):
            make(Run(**given))


def test_what_a_command_line_says_is_what_was_shown():
    for name in settings.NAMES:
        default = getattr(Run(), name)
        assert settings.parsed(name, settings.shown(name, default)) == default
