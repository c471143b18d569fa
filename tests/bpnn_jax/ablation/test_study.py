"""A study's fields, grid and seeds, and the plan of its chunks; what is refused before anything is run."""

import json
import re
from dataclasses import dataclass, fields

import numpy as np
import pytest

from bpnn_jax import settings
from bpnn_jax.ablation.chunk import _named, place
from bpnn_jax.ablation.plan import plan
from bpnn_jax.ablation.study import Study, from_dict
from bpnn_jax.errors import InputError
from bpnn_jax.network import Network, init, init_paired
from bpnn_jax.settings import Run

# A value other than the default for every field of a run, as it stands on a command line.
OTHERS = {
    "activation": "tanh",
    "output_activation": "linear",
    "hidden": "3:2",
    "rule": "nesterov",
    "learning_rate": "0.25",
    "momentum": "0.9",
    "objective": "cross-entropy",
    "weight_decay": "0.001",
    "reduction": "mean",
    "tolerance": "0.1",
    "order": "article",
    "mode": "batch",
    "batch_size": "2",
    "gradient": "autodiff",
    "targets": "bipolar",
    "initial": "glorot",
    "ranges": "0.5:1",
    "dtype": "float64",
    **{f.name: "off" if f.default else "on" for f in fields(Run) if isinstance(f.default, bool)},
}
TRACED = {"learning_rate", "momentum", "tolerance", "initial", "ranges"}


def test_every_field_can_vary_and_has_a_meaning():
    """Each alone changes what is trained: the program, or the lanes."""
    assert set(OTHERS) == set(settings.NAMES)
    for name, text in OTHERS.items():
        value = settings.parsed(name, text)
        assert settings.shown(name, value) == text
        base = Run(mode="minibatch") if name == "batch_size" else Run()
        study = Study("xor", vary={name: (getattr(base, name), value)}, base=base, seeds=1)
        chunks = plan(study, {}).chunks
        if name in TRACED:
            (chunk,) = chunks
            assert chunk.lanes[0][1:] != chunk.lanes[1][1:], name
        else:
            assert len(chunks) == 2, name
            assert chunks[0].name != chunks[1].name
            assert chunks[0].program != chunks[1].program, name


def test_a_study_survives_json():
    vary = {name: (settings.parsed(name, text),) for name, text in OTHERS.items() if name != "gradient"}
    vary["mode"] = ("batch", "minibatch")  # which a batch size asks for
    study = Study("xor", vary=vary, seeds=(4, 2**32 - 1), epochs=7, points=3, chunk=128)
    assert from_dict(json.loads(json.dumps(study.as_dict()))) == study


def test_arms_are_all_combinations_and_the_plan_has_each_run_once():
    study = Study("xor", vary={"activation": ("sigmoid", "tanh"), "momentum": (0, 0.1, 0.9)}, seeds=50, chunk=64)
    assert len(study.arms) == 6
    planned = plan(study, place())
    assert planned.arms == study.arms
    assert len(set(planned.programs)) == 2
    assert [(lane.arm, lane.seed) for lane in planned.lanes] == [(arm.name, 0) for arm in study.arms]
    chunks = planned.chunks
    runs = [(lane.arm, lane.seed) for chunk in chunks for lane in chunk.lanes]
    assert sorted(runs) == sorted((arm.name, seed) for arm in study.arms for seed in range(50))
    assert max(len(chunk.lanes) for chunk in chunks) == 64
    assert len({chunk.name for chunk in chunks}) == len(chunks) == 6
    # Programs take turns, and a program's chunk has all its arms of the first seeds.
    assert chunks[0].program != chunks[1].program
    assert {lane.seed for lane in chunks[0].lanes} == set(range(22))


@pytest.mark.parametrize(
    "other",
    [
        {"epochs": 7},
        {"points": 4},
        {"seeds": (0, 2)},
        {"base": Run(learning_rate=0.25)},
        {"base": Run(dtype="float64")},
        {"base": Run(ranges=(0.2, 1.0))},
        {"task": "nand"},
    ],
    ids=str,
)
def test_a_chunks_name_changes_with_what_it_is_the_answer_to(other):
    given = {"task": "xor", "seeds": 2, "epochs": 5, "points": 5}
    (one,), (two,) = plan(Study(**given), {}).chunks, plan(Study(**(given | other)), {}).chunks
    assert one.name != two.name
    assert plan(Study(**given), {}).chunks[0].name == one.name
    assert plan(Study(**given), {"jaxlib": "0.0.1"}).chunks[0].name != one.name


def test_a_chunks_name_is_the_one_it_has_had_since_the_first_version():
    """What was trained once is found again: these names are those of version 0.1.0, before batch sizes could be left out."""
    study = Study("xor", vary={"mode": ("online", "minibatch")}, seeds=2, epochs=5)
    assert [chunk.name[:16] for chunk in plan(study, {"jax": "0.10"}).chunks] == [
        "ca95ec9fdc05e316",
        "89bf39a640257789",
    ]


def test_a_setting_that_came_later_names_no_chunk_that_was_trained_without_it():
    @dataclass(frozen=True)
    class Later:
        mode: str = "online"
        new: bool = False

    assert _named(Later(), ("mode",)) == {"mode": "online"}
    assert _named(Later(new=True), ("mode",)) == {"mode": "online", "new": True}


def test_a_batch_size_is_for_the_arms_that_have_one():
    vary = {"mode": ("online", "minibatch", "batch")}
    for given, size in ((None, 32), (3, 3)):
        study = Study("xor", vary=vary, base=Run(batch_size=given), seeds=1)
        assert [arm.run.batch_size for arm in study.arms] == [None, size, None]
        assert [program.settings.batch_size for program in plan(study, {}).programs] == [32, size, 32]


def test_a_mean_of_a_version_before_is_named_as_that_version_named_it():
    """As a sum with smaller rates: (13) has the gradient in both terms; a velocity decays the same."""
    base = Run(mode="batch", learning_rate=2.0, momentum=0.8)
    study = Study(
        "xor", vary={"rule": ("previous-gradient", "heavy-ball"), "reduction": ("sum", "mean")}, base=base, seeds=1
    )

    def rates(version):
        return [
            (chunk.program.settings.reduction, lane.learning_rate, lane.momentum)
            for chunk in plan(study, {"bpnn_jax": version}).chunks
            for lane in chunk.lanes
        ]

    before = [("sum", 2.0, 0.8), ("sum", 0.5, 0.2), ("sum", 2.0, 0.8), ("sum", 0.5, 0.8)]
    assert rates("0.1.0") == rates("0.2.1") == before
    assert set(rates("0.3.0")) == {("sum", 2.0, 0.8), ("mean", 2.0, 0.8)}


@pytest.mark.parametrize("hidden_bias", [True, False])
def test_skip_connections_come_on_top_of_the_weights_without(hidden_bias):
    seeds = np.array([0, 3], np.uint32)
    plain, skipping = (Network((2, 3, 4, 2), "tanh", True, hidden_bias, skip) for skip in (False, True))
    without, with_skip = (init_paired(n, "uniform", (0.2, 2.0), seeds, width=64) for n in (plain, skipping))
    assert tuple(W.shape[1:] for W in with_skip) == skipping.shapes
    for l, (W, S) in enumerate(zip(without, with_skip, strict=True)):
        near = plain.sizes[l]
        assert S[:, :near].tolist() == W[:, :near].tolist()
        assert S[:, S.shape[1] - plain.biases[l] :].tolist() == W[:, near:].tolist()
        more = S[:, near : S.shape[1] - plain.biases[l]]
        assert len(set(more.ravel())) == more.size  # numbers of their own
        assert (abs(more) <= 2.0).all()
        assert not set(more.ravel()) & set(W.ravel())


@pytest.mark.parametrize("kind", ["uniform", "glorot", "lecun"])
def test_shared_weights_are_equal_with_and_without_bias_nodes(kind):
    """Also those of ``init``, so that a run of a study is what ``train`` makes of its seed."""
    seeds = np.array([0, 3, 2**32 - 1], np.uint32)
    drawn = {}
    for input_bias in (True, False):
        for hidden_bias in (True, False):
            network = Network((2, 3, 2), "tanh", input_bias, hidden_bias)
            drawn[input_bias, hidden_bias] = init_paired(network, kind, (0.2, 2.0), seeds, width=64)
            assert tuple(W.shape[1:] for W in drawn[input_bias, hidden_bias]) == network.shapes
    full = drawn[True, True]
    for found in drawn.values():
        for W, F in zip(found, full, strict=True):
            assert W.tolist() == F[:, : W.shape[1]].tolist()
    assert len({float(W) for W in full[0][:, 0, 0]}) == 3
    # Compiled, the normal distribution's polynomial is fused, and rounds otherwise than in init: a few units in the last place.
    allowed = 4 * 2.0**-23 if kind == "lecun" else 0.0
    for W, expected in zip(full, init(Network((2, 3, 2)), 3, initial=kind), strict=True):
        assert (abs(W[1] - np.asarray(expected)) <= allowed * abs(np.asarray(expected))).all()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"vary": {"activaton": ["tanh"]}}, "unknown field of a run 'activaton'; did you mean 'activation'"),
        ({"vary": {"activation": ["tahn"]}}, "unknown activation 'tahn'; did you mean 'tanh'"),
        ({"vary": {"rule": ["nestorov"]}}, "unknown rule 'nestorov'; did you mean 'nesterov'"),
        ({"vary": {"momentum": []}}, "expected one value or more for momentum, got none: the grid is empty"),
        (
            {"vary": {"momentum": [0.1, 0.10]}},
            "expected values of momentum that are all different, got 0.1 more than once",
        ),
        ({"vary": {"momentum": [-1]}}, "expected momentum as a finite number from 0 up, got -1"),
        ({"vary": {"hidden_bias": ["on"]}}, "expected hidden-bias as True or False, got 'on'"),
        ({"vary": [("momentum", [0]), ("momentum", [1])]}, "expected each field once, got momentum more than once"),
        ({"vary": {"momentum": range(101), "learning_rate": range(100)}}, "expected at most 1,000 arms, got 10,100"),
        ({"vary": {"momentum": 0.5}}, "expected the values of momentum as a list, got 0.5"),
        ({"seeds": (1, 2, 1)}, "expected seeds that are all different, got 1 more than once"),
        ({"seeds": ()}, "expected at least one seed, got none"),
        ({"seeds": 0}, "expected seeds as a whole number from 1 up, got 0"),
        ({"epochs": 0}, "expected epochs as a whole number from 1 up"),
        ({"chunk": 100}, "expected chunk as a multiple of 64, got 100"),
        ({"task": "xro"}, "expected a pattern set or a file, got 'xro'"),
        ({"base": Run(order="article", gradient="autodiff")}, "the article's order is no gradient"),
        (
            {"vary": {"weight_decay": [0.5]}, "base": Run(rule="lion")},
            "weight-decay=0.5: expected no weight-decay with lion",
        ),
        (
            {"base": Run(objective="cross-entropy", activation="tanh")},
            "xor: expected output-activation sigmoid or softmax with objective cross-entropy, got tanh",
        ),
        ({"base": Run(output_activation="softmax")}, "xor: expected softmax with two outputs or more, got one"),
        (
            {"base": Run(batch_size=3)},
            "expected a batch-size only with mode minibatch, got batch-size 3 with mode online",
        ),
        ({"vary": {"batch_size": (2, 3)}, "base": Run(mode="batch")}, "got batch-size 2, 3 with mode batch"),
        ({"base": Run(ranges=())}, "expected ranges as one number or more, got none"),
    ],
    ids=str,
)
def test_what_is_refused(given, message):
    with pytest.raises(InputError, match=re.escape(message)):
        plan(Study(**{"task": "xor", **given}), {})
