"""Results alone in a notebook's cell: a few lines, or a small table in which nothing is markup that came from outside."""

import numpy as np
import pytest

from bpnn_jax import (
    Network,
    Patterns,
    TrainResult,
    init,
    load_network,
    load_patterns,
    run_epochs,
    save_network,
    train_many,
)
from bpnn_jax._runtime import display
from bpnn_jax.training import ManyResult

pytestmark = pytest.mark.quick_xla
WIDE = Network((50, 40, 30), "tanh")


def trained():
    """As long as a run of the article, of a network with some thousand weights; nothing is trained for it."""
    weights, history = init(WIDE), np.zeros((1000, 2))
    return TrainResult(WIDE, tuple(map(np.asarray, weights)), 999, 0.25, "epochs", history, "fused loop", 1.5, 0.25)


def trained_many(n=1000):
    weights = tuple(np.zeros((n, *shape)) for shape in WIDE.shapes)
    stopped = np.where(np.arange(n) < 10, "diverged", "solved")
    error = np.where(np.arange(n) < 10, np.nan, 0.5)
    history = np.zeros((100, n)), np.arange(100)
    return ManyResult(WIDE, np.arange(n), weights, np.arange(n), error, stopped, *history, "lanes", 64, 1.5, 0.25)


def saved(folder):
    save_network(folder / "n", WIDE, init(WIDE), inputs=[f"<x{i}>" for i in range(50)])
    return load_network(folder / "n")


@pytest.mark.parametrize("name", ["trained", "many", "saved", "patterns", "epochs"])
def test_a_result_is_a_few_lines(name, tmp_path):
    makers = {
        "trained": trained,
        "many": trained_many,
        "saved": lambda: saved(tmp_path),
        "patterns": lambda: load_patterns("code"),
        "epochs": lambda: run_epochs(Network((2, 1)), [[0.0, 1.0]], [[1.0]], epochs=100),
    }
    result = makers[name]()
    lines = repr(result).splitlines()
    assert 1 <= len(lines) <= 8
    assert max(map(len, lines)) <= 120
    if name != "epochs":
        table = result._repr_html_()
        assert len(table) < 1500
        assert table.count("<tr>") == len(lines) - 1


def test_what_a_result_says():
    one, many = repr(trained()), repr(trained_many())
    assert one.startswith("TrainResult of 50-40-30 tanh\n")
    for said in ("epochs, after 1000 epochs", "0.25", "(51, 40), (41, 30) float32", "1000 points", "fused loop"):
        assert said in one
    for said in (
        "1000 networks",
        "10 diverged, 990 solved",
        "1 to 1000, median 500",
        "0.5 to 0.5, median 0.5",
        "lanes",
    ):
        assert said in many
    assert "none finite" in repr(trained_many(5))
    xor = repr(load_patterns("xor"))
    assert xor.startswith("Patterns 'xor', 4 of them\n")
    assert "2, from 0 to 1" in xor


def test_nothing_that_came_from_outside_is_markup():
    table = Patterns(x=[[0.0]], t=[[1.0]], name="<script>", inputs=("<b>",), outputs=('"&',))._repr_html_()
    assert "<script>" not in table
    assert "<b>" not in table
    assert "&lt;script&gt;" in table
    assert display.html("&", [("<", ">")]).count("&") == 3


def test_a_long_training_of_many_is_shown_as_it_is(tmp_path):
    found = train_many(Network((1, 1)), [[0.0]], [[0.5]], seeds=3, epochs=2)
    assert repr(found).startswith(
        "ManyResult of 3 networks, 1-1 sigmoid\n  stopped  3 epochs\n  epochs   2 to 2, median 2\n"
    )
