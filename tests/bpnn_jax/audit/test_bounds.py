"""The tolerance is pinned from both sides: a thousand times wider misses what it should show, a thousand times narrower cries wolf."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bpnn_jax import audit
from bpnn_jax.audit import _judge, _noise
from tests.bpnn_jax.audit.planted import normal

pytestmark = pytest.mark.quick_xla


def off_by(relative, dtype):
    """The derivative of sum(sin), off by a factor where it runs in ``dtype``."""
    return lambda x: jnp.cos(x) * (1 + (relative if x.dtype == dtype else 0.0))


def verdict(hand, dtype):
    def loss(x):
        return jnp.sin(x).sum()

    with jax.enable_x64(dtype == np.float64):
        return audit.gradient(loss, hand, normal(6).astype(dtype), draws=4, mutate=False, variants=0).verdict


# A mistake of 1e-11 or 1e-12 of a leaf in float64; one of 1e-4 that shows in float32 alone.
CASES = [
    (_judge, "ALGEBRA_FACTOR", 1e-11, np.float64, np.float64, "wrong"),
    (_judge, "ALGEBRA_FACTOR", 1e-11, np.float64, np.float32, "wrong"),
    (_noise, "FACTOR", 1e-12, np.float64, np.float64, "wrong"),
    (_judge, "FACTOR", 1e-4, np.float32, np.float32, "imprecise"),
]


@pytest.mark.parametrize(("module", "factor", "relative", "where", "dtype", "expected"), CASES)
def test_small_mistake_is_shown(module, factor, relative, where, dtype, expected):
    del module, factor
    assert verdict(off_by(relative, where), dtype) == expected
    assert verdict(off_by(0.0, where), dtype) == "correct"


@pytest.mark.parametrize(("module", "factor", "relative", "where", "dtype", "expected"), CASES)
def test_weakened_auditor_misses_it(monkeypatch, module, factor, relative, where, dtype, expected):
    monkeypatch.setattr(module, factor, 1000 * getattr(module, factor))
    assert verdict(off_by(relative, where), dtype) != expected


@pytest.mark.parametrize(("factor", "dtype"), [("ALGEBRA_FACTOR", np.float64), ("FACTOR", np.float32)])
def test_narrowed_auditor_cries_wolf(monkeypatch, factor, dtype):
    """On a derivative that is right and rounds in its own way: cos x as 1 - 2 sin²(x/2)."""

    def hand(x):
        return 1 - 2 * jnp.sin(x / 2) ** 2

    assert verdict(hand, dtype) == "correct"
    for module, name in ((_judge, factor), (_noise, "FACTOR")):  # random roundings would explain it, too
        monkeypatch.setattr(module, name, getattr(module, name) / 1000)
    assert verdict(hand, dtype) != "correct"


def test_the_smallest_error_that_a_report_promises_to_show_is_shown():
    def loss(x):
        return jnp.sin(x).sum()

    smallest = audit.gradient(loss, jnp.cos, normal(6), draws=4, mutate=False, variants=0).power.smallest["argument 0"]
    assert smallest < 1e-13
    for size, expected in ((4 * smallest, "wrong"), (smallest / 16, "correct")):
        assert verdict(off_by(size, np.float64), np.float32) == expected
