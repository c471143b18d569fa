"""Rung 5 with the programs that a user has, compiled with all of XLA's optimisations: one of each engine, within the error bound."""

import jax
import numpy as np
import pytest

from bpnn_jax.network import Network
from bpnn_jax.verify import as_it_runs, loops
from bpnn_jax.verify.checks import summarise

SMALL = Network((3, 2, 2), ("tanh", "sigmoid"))
ROWS = {
    "jit + vmap": lambda rng: as_it_runs.compare_paths(SMALL, rng, "jit + vmap"),
    "fused loop": lambda rng: as_it_runs.compare_step(SMALL, rng, "online"),
    "fused batches": lambda rng: as_it_runs.compare_step(SMALL, rng, "batch"),
    "generic": lambda rng: as_it_runs.compare_step(SMALL, rng, "batch, products"),
    "lanes": lambda rng: as_it_runs.compare_many_step(SMALL, rng, "minibatch"),
    "fused loop, N = 0": lambda rng: loops.compare_second_tap(SMALL, rng, "train"),
    "lanes, article": lambda rng: loops.compare_loop(
        SMALL, rng, "train_many", "previous-gradient", "online", "article"
    ),
}


@pytest.mark.parametrize("what", ROWS)
def test_a_program_as_a_user_has_it_is_within_the_bound(what):
    assert not jax.config.read("jax_disable_most_optimizations")
    rows = summarise(5, what, 1, ROWS[what](np.random.default_rng(65)))
    assert rows
    assert {row.verdict for row in rows} == {"correct"}
