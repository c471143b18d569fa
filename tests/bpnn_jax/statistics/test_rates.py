"""Success rates: against SciPy, published examples, a likelihood maximised by brute force, and coverage summed exactly."""

import numpy as np
import pytest
from scipy import optimize, stats

from bpnn_jax.errors import InputError
from bpnn_jax.statistics import compare_rates, mcnemar, newcombe, success_rate, tango, wilson


@pytest.mark.parametrize("level", [0.9, 0.95, 0.99])
def test_wilson_is_scipys(level):
    for k, n in ((0, 5), (5, 5), (1, 20), (37, 1000), (999, 1000)):
        theirs = stats.binomtest(k, n).proportion_ci(level, "wilson")
        np.testing.assert_allclose(np.array(wilson(k, n, level)), theirs, rtol=1e-12, atol=1e-15)
    every = np.arange(1, 1000)
    assert (wilson(0, every, level)[0] == 0).all()
    assert (wilson(every, every, level)[1] == 1).all()


def test_wilson_covers():
    """Summed over every outcome, for 193 true rates; below np = 5 it dips to 92% in places."""
    rates = np.linspace(0.02, 0.98, 193)
    for runs in (50, 100, 1000):
        k = np.arange(runs + 1)
        low, high = wilson(k, runs)
        covered = np.array([stats.binom.pmf(k, runs, p)[(low <= p) & (p <= high)].sum() for p in rates])
        assert 0.949 <= covered.mean() <= 0.955
        assert np.mean((covered >= 0.93) & (covered <= 0.97)) > 0.94
        assert covered.min() > 0.92
    assert covered.min() > 0.94  # 1000 runs: everywhere


def test_exact_mcnemar_is_the_binomial_test_and_mid_p_takes_half_of_what_was_seen():
    for b, c in ((0, 0), (0, 3), (1, 7), (5, 5), (30, 12), (400, 300)):
        total = b + c
        exact = stats.binomtest(b, total).pvalue if total else 1.0
        assert mcnemar(b, c, exact=True) == pytest.approx(exact, rel=1e-12, abs=0)
        pmf = stats.binom.pmf(np.arange(total + 1), total, 0.5)
        fewer = min(b, c)
        assert mcnemar(b, c) == pytest.approx(min(1, 2 * (pmf[:fewer].sum() + pmf[fewer] / 2)), rel=1e-12, abs=0)
        assert mcnemar(b, c) == mcnemar(c, b)


def tables(n):
    b, c = (x.ravel() for x in np.mgrid[: n + 1, : n + 1])
    possible = b + c <= n
    return b[possible], c[possible]


@pytest.mark.parametrize(
    ("n", "each", "mid"), [(100, 0.05, (0.04, 0.05)), (100, 0.3, (0.04, 0.05)), (20, 0.05, (0, 0.03))]
)
def test_false_alarms_of_mcnemar(n, each, mid):
    """Summed over every table. With 10 pairs that differ or more mid-p is near 5%; with 2 nothing can be significant."""
    b, c = tables(n)
    weights = stats.multinomial.pmf(np.stack([b, c, n - b - c], 1), n, [each, each, 1 - 2 * each])
    by_mid, by_exact = (weights[p <= 0.05].sum() for p in (mcnemar(b, c), mcnemar(b, c, exact=True)))
    assert mid[0] <= by_mid <= mid[1]
    assert by_exact < by_mid


@pytest.mark.parametrize("n", [20, 50, 100])
def test_tango_covers(n):
    """Summed over every table. It is 93% at least; with 2 pairs that differ it is nearly sure."""
    b, c = tables(n)
    low, high = tango(b, c, n)
    for p, q in ((0.05, 0.05), (0.1, 0.3), (0.3, 0.3), (0.5, 0.1), (0.02, 0.2)):
        weights = stats.multinomial.pmf(np.stack([b, c, n - b - c], 1), n, [p, q, 1 - p - q])
        covered = weights[(low <= p - q + 1e-12) & (p - q - 1e-12 <= high)].sum()
        assert 0.93 < covered < (0.97 if n * min(p, q) >= 5 else 0.9999)


def test_tango_at_its_ends_is_z_away_by_a_likelihood_maximised_by_brute_force():
    n, z = 40, stats.norm.ppf(0.975)
    for b, c in ((3, 9), (12, 1), (0, 6)):
        for delta in np.array(tango(b, c, n)):

            def minus_log_likelihood(q, b=b, c=c, delta=delta):
                return -(
                    special_xlogy(b, q + delta) + special_xlogy(c, q) + special_xlogy(n - b - c, 1 - 2 * q - delta)
                )

            ends = max(0, -delta), (1 - delta) / 2
            q = optimize.minimize_scalar(
                minus_log_likelihood, bounds=ends, method="bounded", options={"xatol": 1e-12}
            ).x
            statistic = (b - c - n * delta) / np.sqrt(n * (2 * q + delta - delta**2))
            assert abs(statistic) == pytest.approx(z, rel=1e-4)  # the search ends within 1e-6 or so of a flat maximum


def special_xlogy(k, p):
    return k * np.log(p) if k else 0.0


def test_tango_turned_round_and_at_its_limits():
    b, c = np.array([3, 0, 17, 20, 0]), np.array([9, 6, 1, 0, 0])
    low, high = tango(b, c, 20)
    turned = tango(c, b, 20)
    np.testing.assert_allclose((low, high), (-turned[1], -turned[0]), rtol=0, atol=1e-12)
    assert ((low >= -1) & (low <= (b - c) / 20) & ((b - c) / 20 <= high) & (high <= 1)).all()
    assert high[3] == 1
    z2 = stats.norm.ppf(0.975) ** 2
    assert high[4] == pytest.approx(z2 / (20 + z2), abs=1e-12)  # nothing differs: Wilson's bound for 0 of 20


def test_newcombe_covers_and_pearson_is_scipys():
    rng = np.random.default_rng(2)
    for p, q in ((0.5, 0.5), (0.9, 0.7), (0.95, 0.95)):
        a, b = rng.binomial(60, p, 2000), rng.binomial(80, q, 2000)
        low, high = newcombe(a, 60, b, 80)
        assert 0.93 <= np.mean((low <= p - q) & (p - q <= high)) <= 0.97
    x, y = np.arange(60) < 40, np.arange(80) < 41
    chi2 = stats.chi2_contingency([[40, 20], [41, 39]], correction=False).statistic
    got = compare_rates(x, y, paired=False)
    assert got.p == pytest.approx(stats.chi2.sf(chi2 * 139 / 140, 1), rel=1e-9, abs=0)
    assert (got.low, got.high) == newcombe(40, 60, 41, 80)


def test_pearsons_false_alarms():
    rng = np.random.default_rng(9)
    x, y = rng.uniform(size=(2000, 60)) < 0.3, rng.uniform(size=(2000, 80)) < 0.3
    alarms = np.mean([compare_rates(a, b, paired=False).p <= 0.05 for a, b in zip(x, y, strict=True)])
    assert 0.03 <= alarms <= 0.07


def test_compare_rates_counts_pairs():
    x = np.array([1, 1, 1, 0, 1, 0, 1, 1, 1, 1])
    y = np.array([0, 1, 0, 0, 0, 1, 1, 0, 0, 1])
    got = compare_rates(x, y)
    assert got.effect == pytest.approx((5 - 1) / 10)
    assert (got.low, got.high) == tango(5, 1, 10)
    assert got.p == mcnemar(5, 1)
    assert got.above == pytest.approx(0.7)
    assert got.standardised == pytest.approx((x - y).mean() / (x - y).std(ddof=1))
    assert compare_rates(x, y, exact=True).p == mcnemar(5, 1, exact=True)


def test_no_run_solved_is_not_a_rate_of_exactly_nothing():
    rate = success_rate(np.zeros(1000, bool))
    assert (rate.value, rate.low) == (0, 0)
    assert 0.003 < rate.high < 0.004
    nothing = compare_rates(np.ones(30), np.ones(30))
    assert nothing.p == 1
    assert nothing.low < 0 < nothing.high


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: success_rate([0.5, 1]), "True or False.*0.5"),
        (lambda: success_rate([True]), "2 runs or more"),
        (lambda: compare_rates([1, 0], [1, 0, 1]), "same runs"),
        (lambda: wilson(3, 2), "3.* of 2"),
        (lambda: wilson("a", 2), "array of numbers"),
        (lambda: wilson(0, 0), "whole numbers"),
        (lambda: wilson(1, 2, 95), "level"),
        (lambda: tango(3, 3, 5), "no more than"),
        (lambda: mcnemar(-1, 3), "whole numbers"),
    ],
)
def test_a_clear_sentence_for(call, message):
    with pytest.raises(InputError, match=message):
        call()
