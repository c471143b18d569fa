"""A comparison holds effect and p together; Holm against the closed test that it is a short cut for, and its false alarms."""

import itertools

import numpy as np
import pytest
from scipy import special

from bpnn_jax.errors import InputError
from bpnn_jax.statistics import Comparison, Estimate, correct, holm

GOOD = {
    "effect": 1.0,
    "low": 0.5,
    "high": 1.5,
    "p": 0.01,
    "standardised": 0.4,
    "above": 0.7,
    "n": 20,
    "arm": "a",
    "against": "b",
    "kind": "",
    "unit": "epochs",
    "method": "by hand",
}


@pytest.mark.parametrize(
    "name", ["effect", "low", "high", "p", "standardised", "above", "n", "arm", "against", "kind", "unit"]
)
def test_there_is_no_comparison_without(name):
    with pytest.raises(TypeError, match=name):
        Comparison(**{k: v for k, v in GOOD.items() if k != name})


@pytest.mark.parametrize(
    "change", [{"p": 1.2}, {"p": float("nan")}, {"low": 2.0}, {"effect": float("nan")}, {"above": -0.1}, {"p_holm": 2}]
)
def test_a_comparison_refuses(change):
    with pytest.raises(InputError, match="a - b"):
        Comparison(**GOOD | change)


def test_an_estimate_refuses_ends_the_wrong_way_round():
    with pytest.raises(InputError, match=r"low <= high"):
        Estimate(value=1.0, low=2.0, high=0.0, n=3, what="x", unit="")


def test_a_comparison_prints_its_effect_with_every_p():
    printed = str(Comparison(**GOOD, p_holm=0.03))
    assert printed == "a - b: +1 [+0.5, +1.5] epochs, standardised +0.40, above in 70%, p = 0.01 (Holm 0.03), n = 20"


@pytest.mark.parametrize("seed", range(5))
def test_holm_is_the_closed_test_with_bonferroni(seed):
    p = np.random.default_rng(seed).uniform(0, 0.3, 6)
    p[1] = p[4]  # a tie
    closed = [
        max(
            min(1, len(some) * p[list(some)].min())
            for size in range(1, 7)
            for some in itertools.combinations(range(6), size)
            if i in some
        )
        for i in range(6)
    ]
    np.testing.assert_allclose(holm(p), closed, rtol=1e-15)  # one product each


def test_correct_fills_in_holm_and_nothing_else():
    family = [Comparison(**GOOD | {"p": p, "kind": str(p)}) for p in (0.04, 0.001, 0.03)]
    corrected = correct(family)
    assert [c.p_holm for c in corrected] == pytest.approx([0.06, 0.003, 0.06])
    assert [(c.what, c.p) for c in corrected] == [(c.what, c.p) for c in family]
    assert correct([]) == []


@pytest.mark.parametrize(("shared", "at_least"), [(0.0, 0.035), (0.7, 0.01)])
def test_a_family_of_nulls_has_a_false_alarm_in_at_most_5_percent(shared, at_least):
    rng = np.random.default_rng(0)
    z = np.sqrt(shared) * rng.normal(size=(2000, 1)) + np.sqrt(1 - shared) * rng.normal(size=(2000, 10))
    alarms = np.mean([holm(p).min() <= 0.05 for p in 2 * special.ndtr(-abs(z))])
    assert at_least <= alarms <= 0.065  # 5% and three standard errors of 2000 studies
    assert np.mean((2 * special.ndtr(-abs(z))).min(1) <= 0.05) > 0.15  # what it guards against


@pytest.mark.parametrize("p", [[0.5, 1.5], [0.1, np.nan], 0.3])
def test_holm_refuses(p):
    with pytest.raises(InputError, match="p-values"):
        holm(p)
