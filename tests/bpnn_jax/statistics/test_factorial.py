"""Effects of factors and their shares of variance: equal to SciPy where it has the same quantity, and unbiased where it has not."""

import numpy as np
import pytest
from scipy import stats

from bpnn_jax import statistics
from bpnn_jax.errors import InputError

RNG = np.random.default_rng(3)
VALUES = RNG.normal(size=(9, 12)) + RNG.normal(size=(9, 1)) + np.arange(12) / 3  # 2 x 3 x 2


def test_a_main_effect_is_the_paired_t_of_means_over_the_other_factors():
    cube = VALUES.reshape(9, 2, 3, 2)
    found = statistics.contrasts((2, 3, 2))
    told = statistics.effects(VALUES, np.column_stack([c.weights for c in found]))
    at = next(k for k, c in enumerate(found) if c.factors == (1,) and c.levels == ((2, 0),))
    a, b = cube[:, :, 2].mean(axis=(1, 2)), cube[:, :, 0].mean(axis=(1, 2))
    expected = stats.ttest_rel(a, b)
    interval = expected.confidence_interval()
    np.testing.assert_allclose([told.effect[at], told.p[at]], [(a - b).mean(), expected.pvalue], rtol=1e-10)
    np.testing.assert_allclose([told.low[at], told.high[at]], interval, rtol=1e-10)
    assert [c.factors for c in found].count((0, 1)) == 2
    np.testing.assert_allclose([c.weights.sum() for c in found], 0, atol=1e-12)


def test_an_interaction_is_a_difference_of_differences():
    both = next(c for c in statistics.contrasts((2, 2)) if len(c.factors) == 2)
    assert both.weights.tolist() == [1, -1, -1, 1]


def test_groups_are_their_means():
    groups = np.repeat([5, 2, 9], 3)
    np.testing.assert_allclose(statistics.units(VALUES, groups)[1], VALUES[:3].mean(axis=0))
    with pytest.raises(InputError, match="equally many runs in each group"):
        statistics.units(VALUES, [0, 0, 0, 0, 1, 1, 1, 1, 1])
    with pytest.raises(InputError, match="2 groups or more"):
        statistics.units(VALUES, np.zeros(9))


def test_strata_scatter_about_their_own_means():
    a, b, strata = np.arange(4.0), np.arange(5.0) ** 2, np.array([0] * 4 + [1] * 5)
    values = np.concatenate([a, b + 100])[:, None]
    told = statistics.effects(values, np.ones((1, 1)), strata)
    pooled = np.sqrt((a.var() * 4 + b.var() * 5) / 7 / 9)
    assert told.high[0] - told.effect[0] == pytest.approx(stats.t.ppf(0.975, 7) * pooled)


def test_where_nothing_varies_p_is_the_sign_tests():
    told = statistics.effects(np.tile([1.0, 3.0], (6, 1)), np.array([[1.0, 0.0], [-1.0, 0.0]]))
    assert told.p.tolist() == [2 * 0.5**6, 1.0]
    assert told.low.tolist() == told.effect.tolist()


def test_shares_are_unbiased_and_add_up():
    """Of 300 studies without any effect but the first factor's; 4 standard errors."""
    means, found = np.array([0, 0, 0, 0.5, 0.5, 0.5]), []
    for study in range(300):
        values = means + np.random.default_rng(study).normal(size=(10, 6))
        found.append([s.share * s.variance for s in statistics.shares(values, (2, 3))])
    found = np.array(found)
    error = found.std(axis=0) / 300**0.5
    np.testing.assert_array_less(abs(found.mean(axis=0) - [0.0625, 0, 0]), 4 * error)
    np.testing.assert_allclose(
        found.sum(axis=1)[0], statistics.total(np.random.default_rng(0).normal(size=(10, 6)) + means)
    )


def test_shares_without_noise_are_those_of_the_means():
    """By hand: deviations +-2 of the first factor and +-1 of the second make 4 and 1 of 5."""
    means = np.array([[-3.0, -1.0], [1.0, 3.0]]).ravel()
    values = means + 1e-9 * np.random.default_rng(0).normal(size=(8, 4))
    told = statistics.shares(values, (2, 2))
    np.testing.assert_allclose([s.share for s in told], [0.8, 0.2, 0], atol=1e-6)
    np.testing.assert_allclose([(s.low, s.high) for s in told], [(0.8, 0.8), (0.2, 0.2), (0, 0)], atol=1e-6)


def test_of_equal_means_no_factor_has_a_share():
    """A third of 35 patterns, as means of seeds: apart by rounding alone, which would make a share of it."""
    values = np.full((4, 4), 1 / 3) + np.array([0, 1, 0, 2]) * np.spacing(1 / 3)
    assert [(s.share, s.low, s.high) for s in statistics.shares(values, (2, 2))] == [(0.0, 0.0, 1.0)] * 3
    assert statistics.shares(values, (2, 2))[0].variance == 0


def test_one_parts_interval_is_that_of_t_squared():
    """Of one factor of two levels that is far from nothing; to the steps of the integral."""
    from bpnn_jax.statistics import _factorial

    each = np.random.default_rng(5).normal(size=(12, 1)) + 3
    _, low, high = _factorial._part(each, 0.95)
    error = each.std(ddof=1) / 12**0.5
    expected = [(each.mean() + stats.t.ppf(p, 11) * error) ** 2 for p in (0.03, 0.98)]
    np.testing.assert_allclose([low, high], expected, rtol=0.01)
