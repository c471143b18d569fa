"""The grid: what its cells train, what its rows say, and that the choice of the engine is the one that it measured."""

import json
from pathlib import Path

import jax
import numpy as np
import pytest

from benchmarks.speed import grid, grid_page, rounds
from benchmarks.speed.__main__ import GRID, main
from benchmarks.speed.grid import Cell
from benchmarks.speed.peers import Peer
from benchmarks.speed.rounds import Timed

pytestmark = pytest.mark.quick_xla

SLOWER = 1.15  # that the engine of a cell may be than the best one: what a second run of the grid differs by


def test_the_grid_has_every_cell_that_fits():
    cells = grid.cells()
    usual = {(c.sizes, c.mode, c.networks) for c in cells if (c.cores, c.rule, c.dtype) == (1, "sgd", "float32")}
    every = {(s, m, n) for s in grid.SIZES for m in grid.BATCHES for n in grid.MANY}
    assert every - usual == {("784-128-10", m, 1024) for m in grid.BATCHES}
    assert {c.rule for c in cells} == {"sgd", "previous-gradient", "adam"}
    assert {(c.cores, c.dtype) for c in cells} == {(1, "float32"), (2, "float32"), (1, "float64")}


@pytest.mark.parametrize("cell", [Cell("4-8-3", "minibatch", 64), Cell("4-8-3", "online", 1, rule="adam")])
def test_everybody_in_a_cell_trains_the_same(cell):
    """Ours, the engine that was not chosen, and plain JAX, in this process; ``rounds`` compares them with float64."""
    load, engine = grid.workload(cell)
    task = load.task.some(np.arange(min(2, cell.networks))).of_length(2)
    with (
        jax.numpy_rank_promotion("allow"),
        jax.numpy_dtype_promotion("standard"),
    ):  # as plain code and optax's Adam need it
        expected = load.ours.reference(task)()
        for peer in (load.ours, *load.peers):
            if peer.name in ("ours", "jax"):  # an engine that is held to stays so for the rest of its process
                rounds.compare(peer, peer.prepare(task)(), task, expected)
    assert engine == {64: "lanes", 1: "fused loop"}[cell.networks]


def test_a_row_has_the_best_peer_and_every_engine():
    def timed(name, ns):
        return Timed(Peer(name, lambda task: lambda: (), 1), [ns * 32] * 3, [ns * 64] * 3, 1.0, 0.0, 1.0)

    row = grid.summed_up(
        Cell("4-8-3", "minibatch", 64),
        "lanes",
        [timed("ours", 10), timed("generic, vmapped", 90), timed("jax", 40), timed("jax with our option", 50)],
        {"c": "failed: no"},
    )
    assert row.engines == {"lanes": 10, "generic, vmapped": 90}
    assert (row.peer, row.peer_ns, row.ratio, row.told) == ("jax", 40, 0.25, {"c": "failed: no"})


def test_sizes_that_are_not_in_the_grid_are_refused(capsys):
    assert main(["--grid", "--sizes", "3-3-3"]) == 2
    assert "expected sizes among 2-2-1" in capsys.readouterr().err
    assert main(["--sizes", "2-2-1"]) == 2
    assert "expected --sizes with --grid" in capsys.readouterr().err


@pytest.fixture(scope="module")
def committed():
    return json.loads(GRID.read_text())


def test_no_cell_of_the_committed_grid_has_a_faster_engine_that_is_not_chosen(committed):
    cells = [
        Cell(*(row[name] for name in ("sizes", "mode", "networks", "cores", "rule", "dtype")))
        for row in committed["rows"]
    ]
    assert set(cells) <= set(grid.cells())
    slower = [
        (cell.name, chosen, row["engines"])
        for cell, row in zip(cells, committed["rows"], strict=True)
        if row["engines"].get(chosen := grid.chosen(cell)[0], 0) > SLOWER * min(row["engines"].values())
    ]
    assert not slower


def test_what_is_chosen_in_a_cell_is_what_was_measured(committed):
    for row in committed["rows"]:
        cell = Cell(*(row[name] for name in ("sizes", "mode", "networks", "cores", "rule", "dtype")))
        assert row["engine"] == grid.chosen(cell)[0]


def test_the_page_is_what_the_committed_grid_says(committed):
    page = (Path(__file__).parents[2] / "docs" / "speed.md").read_text("utf-8")
    assert grid_page.markdown(committed) in page


def test_the_pictures_are_drawn_from_the_rows(committed, tmp_path):
    grid_page.draw(committed, tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == {"grid.png", "grid-cost.png"}
