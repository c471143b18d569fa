"""The gradient certificate: right for what is right, "not a gradient" for the article's order, and wrong for planted mistakes."""

import math
from functools import partial

import numpy as np
import pytest

import manual
from bpnn_jax import patterns
from bpnn_jax.ablation import certificate
from bpnn_jax.ablation.plan import plan
from bpnn_jax.ablation.study import Study
from bpnn_jax.network import init_paired
from bpnn_jax.settings import Run
from bpnn_jax.training._step import functions
from bpnn_jax.training.fused import epoch, equations
from manual.mistakes import MISTAKES


def the_chunk(epochs, task="xor", **run):
    """Of one arm; another number of epochs is another program, so that what is planted is compiled and not left behind."""
    (chunk,) = plan(Study(task, base=Run(**run), seeds=1, epochs=epochs), {}).chunks
    return chunk


def certificate_of(epochs, **run):
    chunk = the_chunk(epochs, **run)
    return certificate.certify(chunk.program, chunk.lanes[0], certificate.run_checks(chunk.program, dict(chunk.place)))


@pytest.mark.parametrize(
    "run",
    [
        {"activation": "tanh"},
        {"rule": "heavy-ball", "mode": "minibatch", "batch_size": 3, "shuffle": True},
        {  # the largest |z| of all: what JAX's δ of (19) loses there
            "task": "encoder-8",
            "activation": "relu",
            "output_activation": "sigmoid",
            "objective": "cross-entropy",
            "hidden_bias": False,
        },
    ],
    ids=str,
)
def test_what_is_a_gradient_is_certified(run):
    found = certificate_of(1001, **run)
    assert found.verdict == "gradient", [row for row in found.checks if row.verdict != "correct"]
    assert found.angle is None
    assert {row.rung for row in found.checks} == {2, 3, 5}
    assert certificate.from_dict({**vars(found), "checks": [vars(row) for row in found.checks]}) == found


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.deep) for seed in range(1, 40))])
def test_no_right_program_is_called_wrong(seed):
    """Any task, sizes, activation, rule, mode and order: whole epochs of patterns, wide layers, activations without a limit."""
    rng = np.random.default_rng(seed)

    def one_of(*values):
        return values[rng.integers(len(values))]

    run = {
        "task": one_of("digits", "iris", "wine", "diabetes", "encoder-8", "parity-5"),
        "activation": one_of("sigmoid", "tanh", "softplus", "silu", "gelu", "elu", "lecun_tanh", "relu"),
        "hidden": tuple(int(n) for n in rng.integers(2, 40, rng.integers(1, 3))),
        "rule": one_of("heavy-ball", "nesterov", "previous-gradient", "sgd"),
        "dtype": one_of("float32", "float64"),
        "order": one_of("simultaneous", "article"),
        **one_of({"mode": "online"}, {"mode": "batch"}, {"mode": "minibatch", "batch_size": 11, "shuffle": True}),
    }
    found = certificate_of(1, **run)
    assert found.verdict == ("gradient" if run["order"] == "simultaneous" else "not a gradient"), run


def test_a_rule_of_optax_is_taken_as_it_is():
    chunk = the_chunk(1002, rule="adam", mode="batch")
    found = certificate.certify(chunk.program, chunk.lanes[0], certificate.run_checks(chunk.program, dict(chunk.place)))
    assert (found.verdict, found.step_checked, {row.rung for row in found.checks}) == ("gradient", False, {2, 3})


def test_the_articles_order_is_no_gradient_by_an_angle():
    """The angle against one worked out here, from the moved output weights, by arccos."""
    found = certificate_of(1003, order="article", learning_rate=0.5)
    assert found.verdict == "not a gradient"
    assert all(row.verdict == "correct" for row in found.checks)
    (chunk,) = plan(Study("xor", base=Run(order="article"), seeds=1, epochs=1003), {}).chunks
    xor, network = patterns.load("xor"), chunk.program.network
    f, drawn, angles = functions(network), init_paired(network, "uniform", (0.2, 2.0), np.arange(16)), []
    for i in range(16):
        W1, W2 = (W[i].astype(float) for W in drawn)
        for x, t in zip(xor.x[:, None], xor.t[:, None], strict=True):
            net = manual.forward((W1, W2), x, f)
            g1, g2 = manual.gradient(net, t)
            moved = W2 - 0.5 * g2
            delta = manual.deltas(net.with_weights((W1, moved)), t)[0]
            step = np.concatenate([(manual.network.with_bias_node(x, W1).T @ delta).ravel(), g2.ravel()])
            g = np.concatenate([g1.ravel(), g2.ravel()])
            angles.append(math.degrees(math.acos(step @ g / np.linalg.norm(step) / np.linalg.norm(g))))
    # arccos near 1 loses half of the digits: 1e-16 becomes 1e-8, of an angle of some hundredths.
    assert found.angle == pytest.approx(np.median(angles), rel=1e-4)
    assert 0.1 < found.angle < 2


HEAVY_BALL, HIDDEN_DELTA = epoch.STEPS["heavy-ball"], equations.hidden_delta


def _lost_decay(layout, W, g, kept, rates):
    return HEAVY_BALL(layout, W, g, kept, rates._replace(momentum=0.99 * rates.momentum))


def _wrong_delta(*args):
    return 1.01 * HIDDEN_DELTA(*args)


@pytest.mark.parametrize(
    ("place", "name", "mistake", "rung"),
    [
        (equations, "hidden_delta", _wrong_delta, 5),
        (epoch.STEPS, "heavy-ball", _lost_decay, 5),
    ],
    ids=["a hidden delta off by 1%", "a decay off by 1%"],
)
def test_a_mistake_in_the_program_that_runs_is_found(place, name, mistake, rung, monkeypatch):
    monkeypatch.setitem(place, name, mistake) if isinstance(place, dict) else monkeypatch.setattr(place, name, mistake)
    found = certificate_of(1004 + len(name), rule="heavy-ball", dtype="float64")
    assert found.verdict == "wrong"
    wrong = [row for row in found.checks if row.verdict == "wrong"]
    assert {row.rung for row in wrong} == {rung}
    assert not [
        row.where for row in wrong if "raised" in row.where
    ]  # that would be another mistake than the planted one


@pytest.mark.parametrize("mistake", [m for m in MISTAKES if m.equation in (8, 10)], ids=lambda m: m.name)
def test_a_mistake_in_the_derivation_is_found(mistake, monkeypatch):
    monkeypatch.setattr(certificate.equations, "compare", partial(certificate.equations.compare, derivation=mistake))
    found = certificate_of(1001, task="encoder-2-2-2", activation="tanh")  # two outputs: a mean over one is no mistake
    assert found.verdict == "wrong"
    assert min(int(row.equation[1:-1]) for row in found.checks if row.verdict == "wrong") == mistake.equation


def test_a_program_that_raises_is_wrong(monkeypatch):
    monkeypatch.setattr(certificate, "_epoch", lambda *args: 1 / 0)
    found = certificate_of(1001, activation="tanh")
    assert found.verdict == "wrong"
    assert "ZeroDivisionError" in found.checks[0].where
