"""One comparison and the row that it ends in: what is no number is wrong, and the worst stands for its equation."""

import numpy as np
import pytest

from bpnn_jax.verify.checks import Comparison, summarise


@pytest.mark.parametrize(
    ("hand", "exact", "allowed", "verdict"),
    [
        (1.0, 1.0, 0.0, "correct"),
        (1.0, 1.5, 0.5, "correct"),
        (1.0, 1.5, 0.49, "wrong"),
        (1.0, 1.0 + 1e-15, 0.0, "wrong"),
        (np.nan, 1.0, 9.0, "wrong"),
        (np.nan, np.nan, 9.0, "wrong"),
        (1.0, np.nan, 9.0, "wrong"),
        (1.0, 1.5, np.nan, "wrong"),
        (np.inf, np.inf, 9.0, "wrong"),
        (-np.inf, 1.0, np.inf, "wrong"),
        (complex(0, np.nan), 1.0, 9.0, "wrong"),
        (np.ones(3), np.ones((1, 3)), 9.0, "wrong"),
        (np.array([0.0, 0.0, 2.0]), np.zeros(3), np.array([9.0, 9.0, 1.0]), "wrong"),
        (np.array([0.0, np.nan, 0.0]), np.zeros(3), 9.0, "wrong"),
    ],
)
def test_one_comparison(hand, exact, allowed, verdict):
    (row,) = summarise(3, "JAX", 1, [Comparison(10, hand, exact, allowed, "here")])
    assert (row.verdict, row.where, row.equation) == (verdict, "here", "(10)")


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("bad", [(np.nan, 1.0, 1.0), (1.0, np.nan, 1.0), (1.0, 2.0, np.nan), (1.0, 2.5, 1.0)])
def test_the_worst_comparison_stands_for_its_equation(bad, order):
    """Whatever comes first: a good comparison does not hide a bad one of the same equation, nor of another."""
    good = [Comparison(10, 1.0, 1.25, 1.0, "good"), Comparison(9, 1.0, 1.0, 1.0, "other")]
    rows = summarise(3, "JAX", 1, [*good, Comparison(10, *bad, "bad")][::order])
    assert [(r.equation, r.verdict, r.where) for r in rows] == [("(9)", "correct", "other"), ("(10)", "wrong", "bad")]
