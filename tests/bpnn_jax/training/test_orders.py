"""The orders of the patterns: JAX's own permutation, to the bit, in either precision, traced and mapped over."""

import jax
import numpy as np
import pytest

from bpnn_jax.training import _orders
from bpnn_jax.training._orders import permutation

pytestmark = pytest.mark.quick_xla


@pytest.mark.parametrize(
    ("patterns", "wide"),
    [
        (1, False),
        (2, True),
        (1700, False),
        *(pytest.param(*more, marks=pytest.mark.deep) for more in [(5, False), (1700, True)]),
    ],
)
def test_an_order_is_jax_s_permutation(patterns, wide):
    """1700 patterns take a second round of sorting."""
    with jax.enable_x64(wide):
        _compare(patterns)


def _compare(patterns):
    of_epochs = jax.jit(jax.vmap(lambda seed, epoch: permutation(jax.random.key(seed), epoch, patterns)))
    seeds, epochs = np.array([0, 7, 2**32 - 1], np.uint32), np.array([0, 3, 1000])
    expected = [
        jax.random.permutation(jax.random.fold_in(jax.random.key(seed), epoch), patterns)
        for seed, epoch in zip(seeds, epochs, strict=True)
    ]
    found = of_epochs(seeds, epochs)
    assert found.dtype == expected[0].dtype
    assert found.tolist() == np.array(expected).tolist()


def test_a_kept_table_is_of_the_generator_in_use():
    orders, epoch = _orders.of_seeds(np.array([7, 3], np.uint32)), 2
    before = orders.of_epoch(epoch, 5, 23)
    with jax.threefry_partitionable(not jax.config.jax_threefry_partitionable):
        after = orders.of_epoch(epoch, 5, 23)
        expected = permutation(jax.random.key(7), epoch, 23)
    assert after[0].tolist() == expected.tolist() != before[0].tolist()


def test_a_table_that_is_too_large_is_not_kept(monkeypatch):
    orders = _orders.of_seeds(np.array([7, 3], np.uint32))
    kept = orders.drawn(0, 1, 1, 23).table
    assert orders.drawn(0, 1, 1, 23).table is kept
    monkeypatch.setattr(_orders, "MOST_PLACES", 45)
    drawn = orders.drawn(0, 1, 1, 23).table
    assert drawn is not kept
    assert (drawn == kept).all()
