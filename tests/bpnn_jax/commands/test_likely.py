"""Warnings of what is likely a mistake: outputs all alike, a saturated hidden layer, the article's momentum near the rate."""

import numpy as np
import pytest

from bpnn_jax import Network
from bpnn_jax.commands import likely
from bpnn_jax.settings import Run

pytestmark = pytest.mark.quick_xla


@pytest.fixture
def scaled(here):
    """Two classes that a column in hundreds tells apart, mostly."""
    random = np.random.default_rng(0)
    rows = [f"{random.normal(300 * (k % 2), 300):.1f},{random.normal(5000, 900):.1f},{'ab'[k % 2]}" for k in range(60)]
    (here / "s.csv").write_text("\n".join(["income,age,class", *rows]) + "\n")
    return "s.csv"


def test_a_saturated_layer_is_warned_of_with_the_remedy(scaled, bpnn, result):
    ran = bpnn("train", scaled, "--no-standardize", "--epochs", 20)
    assert ran.err.startswith("warning: ")
    assert "likely to help: inputs of about 1 in place of" in ran.err
    assert result("train", scaled, "--no-standardize", "--epochs", 20)["warnings"] == [
        ran.err.strip()[len("warning: ") :]
    ]
    assert bpnn("train", scaled).err == ""  # standardized


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        (
            (np.array([[50.0, 50.0], [10.0, 10.0]]), np.array([[1.0], [1.0], [0.0]])),
            "hidden layer 1 is saturated on 100% of the patterns",
        ),
        ((np.ones((2, 2)), np.zeros((3, 1))), "all outputs are alike for every pattern"),
        ((np.ones((2, 2)), np.ones((3, 1))), None),
    ],
)
def test_what_is_looked_at(weights, words):
    network, x = Network((1, 2, 1), ("tanh", "linear")), np.array([[-1.0], [0.5], [1.0]])
    found = likely.collapsed(Run(), network, weights, x, x, 0.3)
    assert found is None if words is None else found.startswith(words)
    assert (
        likely.collapsed(Run(), network, weights, x, x, 1.0) is None
    )  # nothing is wrong with a network without a mistake


def test_the_remedy_follows_from_the_settings():
    network, weights = Network((1, 2, 1), "tanh"), (np.array([[50.0, 50.0], [10.0, 10.0]]), np.ones((3, 1)))
    x = np.array([[-1.0], [0.5], [1.0]])
    summed = likely.collapsed(Run(mode="batch"), network, weights, x, x, 0.3)
    assert "--reduction mean" in summed
    assert "--reduction mean" not in likely.collapsed(Run(mode="batch", reduction="mean"), network, weights, x, x, 0.3)
    assert "inputs of about 1 in place of 1e+03" in likely.collapsed(
        Run(), network, weights, np.full((3, 1), 1e3), x, 0.3
    )


def test_momentum_near_the_rate_is_explained(bpnn, scaled):
    ran = bpnn("train", "nand", "--learning-rate", "0.1", "--momentum", "0.9", "--epochs", 2)
    assert "learning rate 0.1 and momentum 0.9 are about a rate of 1, 10 times the rate alone" in ran.err
    assert bpnn("train", "nand", "--epochs", 900).err == ""  # the article's N 0.5 and M 0.1
    quiet = ["--rule", "heavy-ball", "--momentum", "0.9", "--learning-rate", "0.01", "--epochs", 40]
    assert "N + M" not in bpnn("train", scaled, *quiet).err
    assert "N + M" in bpnn("train", "--help").out
