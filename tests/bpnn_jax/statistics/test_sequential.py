"""Looks at an unfinished study, and what a study can show: against published values, SciPy's distributions and simulation."""

import numpy as np
import pytest
from scipy import stats

from bpnn_jax.errors import InputError
from bpnn_jax.statistics import _power as power
from bpnn_jax.statistics import _sequential as sequential

# Of ldbounds and gsDesign (sfLDOF), two-sided 5%.
PUBLISHED = {
    (0.25, 0.5, 0.75, 1.0): (4.3326, 2.9631, 2.3590, 2.0141),
    (0.5, 1.0): (2.9626, 1.9686),
    (0.2, 0.4, 0.6, 0.8, 1.0): (4.8769, 3.3569, 2.6803, 2.2898, 2.0310),
    (1.0,): (1.9600,),
}


@pytest.mark.parametrize("shares", PUBLISHED, ids=str)
def test_critical_values_are_those_that_are_published(shares):
    np.testing.assert_allclose(sequential.boundaries(shares), PUBLISHED[shares], atol=1.5e-4)  # the last digit printed


@pytest.mark.parametrize("alpha", [0.2, 0.05, 0.001])
def test_the_probability_to_have_crossed_is_what_may_be_spent(alpha):
    shares = np.array([0.25, 0.5, 0.75, 1.0])
    z = np.array(sequential.boundaries(tuple(shares), alpha))
    covariance = np.sqrt(np.minimum.outer(shares, shares) / np.maximum.outer(shares, shares))
    for k in range(1, 5):
        inside = stats.multivariate_normal(cov=covariance[:k, :k], abseps=1e-7, releps=1e-7, seed=0)
        crossed = 1 - inside.cdf(z[:k], lower_limit=-z[:k])
        assert crossed == pytest.approx(sequential.spent(shares[k - 1], alpha), abs=3e-6)  # of SciPy's integral


def test_a_repeated_p_is_the_alpha_whose_boundary_is_met():
    for number, alpha in ((1, 0.3), (2, 0.05), (3, 0.011), (4, 0.0001)):
        z = sequential.boundaries(sequential.LOOKS[:number], alpha)[-1]
        p = 2 * stats.norm.sf(z)
        assert sequential.repeated(p, sequential.numbered(number)) == pytest.approx(alpha, rel=1e-4)
    assert sequential.repeated(0.0, sequential.numbered(1)) == 0.0
    tiny = [sequential.repeated(p, sequential.numbered(2)) for p in (1e-300, 1e-60, 1e-30, 1e-12, 1e-3, 0.5, 1.0)]
    assert tiny == sorted(tiny)
    assert tiny[-1] == 1.0


def test_four_looks_at_nothing_find_something_in_five_of_a_hundred_studies():
    rng = np.random.default_rng(3)
    sums = np.cumsum(rng.normal(size=(40_000, 4)), axis=1) / np.sqrt([1, 2, 3, 4])
    crossed = (abs(sums) > sequential.boundaries()).any(axis=1).mean()
    assert crossed == pytest.approx(0.05, abs=0.0033)  # three standard errors


@pytest.mark.parametrize(("done", "number"), [(0, None), (24, None), (25, 1), (49, 1), (50, 2), (99, 3), (100, 4)])
def test_a_look_is_reached_by_as_many_runs_as_it_needs(done, number):
    found = sequential.look_at(done, 100)
    assert (found and found.number) == number


@pytest.mark.parametrize("shares", [(), (0.5, 0.5), (0.0, 1.0), (0.5, 1.2)])
def test_looks_that_cannot_be_are_refused(shares):
    with pytest.raises(InputError, match="rising shares"):
        sequential.boundaries(shares)


@pytest.mark.parametrize(("effect", "n", "alpha"), [(0.5, 20, 0.05), (0.1, 8, 0.01), (2.0, 4, 0.05), (0.0, 9, 0.05)])
def test_power_is_that_of_the_noncentral_t(effect, n, alpha):
    t, away = stats.t.isf(alpha / 2, n - 1), effect * np.sqrt(n)
    expected = stats.nct.sf(t, n - 1, away) + stats.nct.cdf(-t, n - 1, away)
    assert power.power(effect, 1 / np.sqrt(n), n - 1, alpha) == pytest.approx(expected, abs=1e-9)


# statsmodels.stats.power.TTestPower().solve_power(effect_size, alpha=alpha, power=wanted), which is 33.367 and so on, rounded up.
@pytest.mark.parametrize(
    ("effect", "alpha", "wanted", "n"),
    [(0.5, 0.05, 0.8, 34), (0.2, 0.01, 0.9, 376), (1.5, 0.05, 0.8, 6), (30.0, 0.05, 0.8, 2)],
)
def test_as_many_units_are_needed_as_statsmodels_says(effect, alpha, wanted, n):
    assert power.units_needed(effect, 1.0, alpha, wanted) == n
    found = power.detectable(1 / np.sqrt(n), n - 1, alpha, wanted)
    fewer = power.detectable(1 / np.sqrt(n - 1), n - 2, alpha, wanted) if n > 2 else np.inf
    assert found <= effect < fewer


def test_detectable_is_found_in_four_of_five_simulated_studies():
    rng = np.random.default_rng(5)
    effect = power.detectable(1 / np.sqrt(12), 11)
    p = stats.ttest_1samp(rng.normal(effect, 1, (20_000, 12)), 0, axis=1).pvalue
    assert (p <= 0.05).mean() == pytest.approx(0.8, abs=0.0085)  # three standard errors


def test_more_seeds_cannot_shrink_what_splits_scatter():
    rng = np.random.default_rng(1)
    scattered = rng.normal(size=(8, 1)) + 0.1 * rng.normal(size=(8, 5))
    assert power.design(scattered, 0.3).seeds is None
    assert power.design(scattered, 0.3).splits > 30
    level = 0.001 * rng.normal(size=(8, 1)) + rng.normal(size=(8, 5))
    level -= level.mean(axis=1, keepdims=True)
    found = power.design(level, 0.3)
    # No variance among splits: (8 splits, seeds each) is a t with 7 degrees of freedom on means with variance within / seeds.
    error = np.sqrt(level.var(axis=1, ddof=1).mean() / (8 * found.seeds))
    assert power.power(0.3, error, 7) >= 0.8 > power.power(0.3, error * np.sqrt(found.seeds / (found.seeds - 1)), 7)
    assert power.design(rng.normal(size=(1, 30)), 1e-9).seeds is None


def test_equivalence_is_two_one_sided_tests():
    rng = np.random.default_rng(2)
    a, b = rng.normal(size=(2, 15))
    each = a - b
    error = each.std(ddof=1) / np.sqrt(15)
    lower = stats.ttest_1samp(each, -0.9, alternative="greater").pvalue
    upper = stats.ttest_1samp(each, 0.9, alternative="less").pvalue
    assert power.equivalence(each.mean(), error, 14, 0.9) == pytest.approx(max(lower, upper), rel=1e-9)
    assert power.equivalence(-each.mean(), error, 14, 0.9) == pytest.approx(max(lower, upper), rel=1e-9)
    with pytest.raises(InputError, match="margin above 0"):
        power.equivalence(0.0, 1.0, 3, 0.0)
