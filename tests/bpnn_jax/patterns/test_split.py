"""Shares of a table to train, to validate and to test on, and the standardization that the training part gives."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpnn_jax.errors import InputError
from bpnn_jax.patterns.split import split
from bpnn_jax.patterns.standardize import fit

GROUPS = np.array([0] * 50 + [1] * 30 + [2] * 20)


@given(st.integers(0, 99), st.sampled_from([0.0, 0.1, 0.25, 0.3]), st.sampled_from([0.0, 0.2]))
def test_parts_are_all_rows_once_and_classes_keep_their_share(seed, test, validation):
    parts = split(GROUPS, test, validation, seed)
    assert sorted(np.concatenate(parts).tolist()) == list(range(100))
    assert (len(parts.test), len(parts.validation)) == (round(100 * test), round(100 * validation))
    for part in parts:
        counts = np.bincount(GROUPS[part], minlength=3)
        assert (abs(counts - np.array([0.5, 0.3, 0.2]) * len(part)) <= 1.5).all()  # a class is cut at either end


def test_a_seed_is_a_split_and_another_seed_another():
    one, same, other = (split(GROUPS, 0.3, seed=seed).test.tolist() for seed in (1, 1, 2))
    assert one == same != other


def test_in_order_cuts_the_file_where_it_is():
    parts = split(GROUPS, 0.3, 0.2, in_order=True)
    assert [part.tolist() for part in parts] == [list(range(50)), list(range(50, 70)), list(range(70, 100))]


@pytest.mark.parametrize(("test", "validation"), [(1.0, 0), (-0.1, 0), (float("nan"), 0), (0.6, 0.6), (0, 1.5)])
def test_shares_that_leave_nothing_are_refused(test, validation):
    with pytest.raises(InputError, match="expected"):
        split(GROUPS, test, validation)


def test_standardization_leaves_constant_columns_and_goes_back():
    values = np.array([[1.0, 0.1, 5.0], [2.0, 0.1, 6.0], [6.0, 0.1, 9.0]])
    found = fit(values)
    seen = found.apply(values)
    # A mean of three and a division: a few units in the last place.
    assert abs(seen[:, [0, 2]].mean(axis=0)).max() < 1e-15
    assert abs(seen[:, [0, 2]].std(axis=0) - 1).max() < 1e-15
    assert seen[:, 1].tolist() == [0.1, 0.1, 0.1]
    assert abs(found.undo(seen) - values).max() < 1e-14
