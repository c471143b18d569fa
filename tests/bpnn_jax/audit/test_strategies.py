"""Strategies draw what the examples promise, and a search with them finds a branch that ordinary draws do not reach."""

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import Phase, given, settings

from bpnn_jax import audit
from bpnn_jax.audit import strategies

pytestmark = pytest.mark.quick_xla

W, X = np.zeros((3, 2), np.float32), jnp.zeros(4, jnp.bfloat16)
LABELS = np.arange(3)


@given(strategies.arguments({"w": W, "labels": LABELS}, X, 2.0, low=-1.0, high=5.0))
def test_shapes_dtypes_and_limits_are_the_examples_own(args):
    tree, x, scalar = args
    for leaf, example in ((tree["w"], W), (x, X), (scalar, np.float32(2.0))):
        assert (leaf.shape, leaf.dtype) == (np.shape(example), example.dtype)
        assert -1.0 <= leaf.min(initial=0) <= leaf.max(initial=0) <= 5.0
    assert tree["labels"] is LABELS


@given(strategies.arguments(W, np.ones(2, np.float32), argnums=0))
def test_only_the_arguments_asked_for_move(args):
    assert np.array_equal(args[1], np.ones(2))


def clipped(x):
    return jnp.clip(x, -20.0, 20.0).sum()


def search(hand):
    """The first draw on which the auditor does not call the gradient correct, as an AssertionError."""

    @settings(
        max_examples=40, derandomize=True, database=None, phases=[Phase.generate]
    )  # found is enough: no shrinking
    @given(strategies.arguments(np.zeros(4, np.float32), low=-40.0, high=40.0))
    def found(args):
        audit.assert_correct(audit.gradient(clipped, hand, *args, draws=1, mutate=False, explain=False, variants=3))

    with audit.reusing():
        found()


def test_a_search_finds_the_branch_that_is_forgotten():
    audit.assert_correct(
        audit.gradient(clipped, jnp.ones_like, np.full(4, 0.1, np.float32), draws=2, mutate=False, variants=0)
    )
    with pytest.raises(AssertionError, match="WRONG"):
        search(jnp.ones_like)
    search(lambda x: jnp.where(abs(x) <= 20.0, 1.0, 0.0).astype(x.dtype))
