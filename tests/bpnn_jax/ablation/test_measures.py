"""What is kept of each run beside its end: accuracy on the way, saturation, and the network itself for outcomes of one's own."""

import dataclasses
import json

import numpy as np
import pytest

import manual
from bpnn_jax.ablation import findings, results, runner, told
from bpnn_jax.ablation.identity import growth, manifest
from bpnn_jax.ablation.parts import load, parts
from bpnn_jax.ablation.scoring import saturated
from bpnn_jax.ablation.study import Study
from bpnn_jax.errors import InputError
from bpnn_jax.network import Network
from bpnn_jax.training import predict

STUDY = Study(
    "iris",
    vary={"hidden": ((3,), (4, 2))},
    base={"activation": "sigmoid", "ranges": (9.0,), "initial": "uniform", "rule": "heavy-ball", "learning_rate": 0.05},
    seeds=3,
    epochs=12,
    points=6,
    test_share=0.3,
    keep_weights=True,
)


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    folder = tmp_path_factory.mktemp("measures") / "study"
    return folder, runner.run(STUDY, folder)


def test_a_measure_has_the_network_that_was_scored(kept):
    folder, ended = kept

    def right(network, weights, patterns):
        test = patterns["test"]
        return (predict(network, weights, test.x).argmax(axis=1) == test.t.argmax(axis=1)).mean()

    found = runner.measure(folder, {"right": right, "weights": lambda n, W, p: sum(w.size for w in W)})
    np.testing.assert_array_equal(found.scores["right"], ended.scores["test_accuracy"])
    assert found.scores["weights"].tolist() == [[27, 39]] * 3
    came = findings.find(found, results.summarise(found), lead="weights")
    assert came.lead == ("weights",)
    assert came.comparisons[0].effect == 12
    assert told.as_dict(found, None, came)["arms"][1]["outcomes"]["weights"]["estimate"] == 39


def test_the_last_point_of_a_curve_is_the_score_at_that_epoch(kept, tmp_path):
    ended = kept[1]
    assert ended.curve_epochs.tolist() == [0, 2, 4, 6, 8, 10]
    assert set(ended.curves) == {"train_accuracy", "test_accuracy"}
    # Of the first arm, with as many runs: each arm of STUDY is a program of its own.
    alone = dataclasses.replace(STUDY.base, hidden=(3,))
    shorter = dataclasses.replace(STUDY, vary={}, base=alone, epochs=5, points=5, keep_weights=False)
    again = runner.run(shorter, tmp_path / "shorter")
    assert set(again.curves) == set(ended.curves)
    for name, curve in again.curves.items():
        np.testing.assert_array_equal(curve[..., -1], again.scores[name])  # epoch 4, the last
        np.testing.assert_array_equal(curve[:, 0, -1], ended.curves[name][:, 0, 2])


def test_a_study_without_weights_has_the_same_results(kept, tmp_path):
    plain = runner.run(dataclasses.replace(STUDY, keep_weights=False), tmp_path / "plain")  # the same programs
    assert plain.sha256 == kept[1].sha256
    with pytest.raises(InputError, match="--keep-weights"):
        runner.measure(tmp_path / "plain", {})


def test_to_keep_the_weights_a_study_trains_again():
    without, with_them = (manifest(dataclasses.replace(STUDY, keep_weights=keep), {}, "") for keep in (False, True))
    assert growth(json.loads(json.dumps(without)), with_them) == with_them


@pytest.mark.parametrize(
    ("outcomes", "said"),
    [
        ({"test_accuracy": lambda n, W, p: 0.0}, "names that no score has yet, got test_accuracy"),
        ({"w": lambda n, W, p: W[0]}, "expected a number of the function for w, got ndarray"),
        ({"w": 3}, r"expected a function of \(network, weights, patterns\) for w, got 3"),
    ],
)
def test_what_is_no_measure_is_refused(kept, outcomes, said):
    with pytest.raises(InputError, match=said):
        runner.measure(kept[0], outcomes)


def test_a_saturated_node_is_one_whose_derivative_is_all_but_0(kept):
    folder, ended = kept

    def by_hand(network, weights, patterns):
        f = tuple(manual.OUTPUT_ACTIVATIONS[name] for name in network.activations)
        hidden = manual.forward([W.astype(float) for W in weights], patterns["train"].x, f).layers[:-1]
        return np.concatenate([(layer.a * (1 - layer.a) < 0.05 / 4).ravel() for layer in hidden]).mean()

    found = runner.measure(folder, {"by hand": by_hand}).scores["by hand"]
    np.testing.assert_allclose(
        ended.scores["saturated"], found, atol=0.005
    )  # of float32 a few may be on the other side
    assert found.min() > 0.05
    assert found.max() < 0.95
    network, x = Network((4, 3), "softmax"), parts(load("iris")).train.x
    assert np.isnan(saturated(network, (np.ones((2, 5, 3)),), "float32", x)).all()
