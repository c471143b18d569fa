"""The orders of the patterns: JAX's own permutation, to the bit, in either precision, traced and mapped over."""

import jax
import numpy as np
import pytest

from bpnn_jax.training._orders import permutation


@pytest.mark.parametrize(("patterns", "wide"), [(1, False), (2, True), (5, False), (1700, False), (1700, True)])
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
