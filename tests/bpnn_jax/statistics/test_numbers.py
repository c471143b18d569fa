"""Means, interquartile means, differences and interactions: against SciPy and closed forms."""

import numpy as np
import pytest
from scipy import special, stats

from bpnn_jax.errors import InputError
from bpnn_jax.statistics import Bootstrap, _bootstrap, compare, estimate, interaction
from bpnn_jax.statistics._bootstrap import difference, interquartile_mean, interval, mean, sampling, spread

SUM = 1e-12  # sums of some hundred float64 numbers near 1, in another order


@pytest.fixture(scope="module")
def arms():
    rng = np.random.default_rng(11)
    shared = rng.exponential(size=90)
    return shared + rng.exponential(size=90), shared + 0.7 * rng.normal(size=90)


# --- the measures ---


@pytest.mark.parametrize("runs", [2, 3, 7, 50, 53])
def test_a_weight_of_k_counts_a_run_k_times(runs):
    rng = np.random.default_rng(runs)
    values = rng.normal(size=(runs, 3))
    values[-1] = values[0]  # a tie
    weights = rng.multinomial(runs + 4, np.full(runs, 1 / runs), size=6).astype(float)
    for measure, direct in ((mean, np.mean), (interquartile_mean, lambda v: stats.trim_mean(v, 0.25))):
        expected = [[direct(np.repeat(values[:, arm], w.astype(int))) for arm in range(3)] for w in weights]
        np.testing.assert_allclose(measure(values).resampled(weights), expected, rtol=0, atol=SUM)
        np.testing.assert_allclose(measure(values).value, [direct(v) for v in values.T], rtol=0, atol=SUM)


def test_the_influence_of_the_interquartile_mean_is_yuens():
    values = np.random.default_rng(0).normal(size=(20, 1))
    ordered = np.sort(values[:, 0])
    winsorised = np.concatenate([np.full(5, ordered[5]), ordered[5:15], np.full(5, ordered[14])])
    got = np.sort(interquartile_mean(values).influence[:, 0])
    np.testing.assert_allclose(got, (winsorised - winsorised.mean()) / 10, rtol=0, atol=SUM)


# --- intervals ---


@pytest.mark.parametrize("method", ["percentile", "bca"])
@pytest.mark.parametrize("kind", ["mean", "iqm"])
def test_the_interval_is_scipys_at_the_widened_level(arms, method, kind):
    a, b = arms
    runs = len(a)
    direct = {"mean": np.mean, "iqm": lambda v, axis: stats.trim_mean(v, 0.25, axis=axis)}[kind]
    z = special.stdtrit(runs - 1, 0.975) * np.sqrt(runs / (runs - 1))
    theirs = stats.bootstrap(
        (a, b),
        lambda x, y, axis=-1: direct(x, axis=axis) - direct(y, axis=axis),
        paired=True,
        vectorized=True,
        n_resamples=20_000,
        method="BCa" if method == "bca" else "percentile",
        confidence_level=1 - 2 * special.ndtr(-z),
        rng=np.random.default_rng(5),
    )
    ours = compare(a, b, kind, bootstrap=Bootstrap(resamples=20_000, method=method))
    # A 2.5% quantile of 20 000 normal replicates has a standard error of 0.019 of theirs; two of them, four times over. BCa adds
    # that of the bias, and SciPy takes the acceleration from a jackknife, which for the interquartile mean is rough.
    allowed = theirs.standard_error * (0.11 if method == "percentile" else 0.17)
    np.testing.assert_allclose((ours.low, ours.high), theirs.confidence_interval, rtol=0, atol=allowed)


@pytest.mark.parametrize("method", ["percentile", "bca"])
@pytest.mark.parametrize("paired", [True, False])
def test_from_scipys_replicates_come_scipys_ends(method, paired):
    """The same replicates, very skewed: bias and acceleration to the last digits."""
    rng = np.random.default_rng(6)
    a, b = rng.exponential(size=25) ** 2, rng.normal(size=25 if paired else 40)
    runs = len(a)
    if paired:
        found = spread(mean(np.stack([a, b], 1)), np.array([[1.0], [-1.0]]), sampling(runs, None, False), 100, rng)
    else:
        arms = [spread(mean(v[:, None]), np.ones((1, 1)), sampling(len(v), None, False), 100, rng) for v in (a, b)]
        found = difference(*arms)
    squares = np.sqrt((found.units**2).sum())
    z = special.stdtrit(found.width.freedom[0], 0.975) * found.width.error[0] / squares
    theirs = stats.bootstrap(
        (a, b),
        lambda x, y, axis=-1: x.mean(axis) - y.mean(axis),
        paired=paired,
        vectorized=True,
        n_resamples=3000,
        method="BCa" if method == "bca" else "percentile",
        confidence_level=1 - 2 * special.ndtr(-z),
        rng=rng,
    )
    found = found._replace(replicates=theirs.bootstrap_distribution[:, None])
    ours = np.ravel(interval(found, Bootstrap(method=method)))
    np.testing.assert_allclose(ours, theirs.confidence_interval, rtol=1e-9)


def test_equally_long_unpaired_arms_are_drawn_apart(arms):
    a, _ = arms
    apart = compare(a, a, paired=False)
    assert apart.high - apart.low == pytest.approx(
        2 * 1.97 * np.sqrt(2 / 90) * a.std(ddof=1), rel=0.1
    )  # Welch's interval


def test_bca_leans_towards_the_long_tail_and_percentile_less():
    values = np.random.default_rng(3).exponential(size=60)
    bca, percentile = (estimate(values, bootstrap=Bootstrap(method=m)) for m in ("bca", "percentile"))
    assert bca.low > percentile.low
    assert bca.high > percentile.high


def test_the_pairing_is_kept(arms):
    a, b = arms
    together = compare(a, b)
    apart = compare(a, b, paired=False)
    assert together.effect == pytest.approx(apart.effect, abs=SUM)
    assert together.high - together.low < 0.8 * (apart.high - apart.low)
    assert together.p < apart.p


def test_a_difference_of_means_is_the_mean_of_differences(arms):
    a, b = arms
    both, one = compare(a, b), estimate(a - b)
    assert (both.effect, both.low, both.high) == pytest.approx((one.value, one.low, one.high), abs=SUM)


def test_the_same_seed_gives_the_same_interval_whatever_the_chunk(arms, monkeypatch):
    first = compare(*arms, "iqm", bootstrap=Bootstrap(seed=4))
    assert compare(*arms, "iqm", bootstrap=Bootstrap(seed=4)) == first
    assert compare(*arms, "iqm", bootstrap=Bootstrap(seed=5)).low != first.low
    monkeypatch.setattr(_bootstrap, "DRAW_SIZE", 1000)
    again = compare(*arms, "iqm", bootstrap=Bootstrap(seed=4))
    assert (again.low, again.high) == pytest.approx((first.low, first.high), abs=SUM)


# --- p-values and effect sizes ---


def test_p_is_students_welchs_and_yuens(arms):
    a, b = arms
    assert compare(a, b).p == pytest.approx(stats.ttest_rel(a, b).pvalue, rel=1e-9, abs=0)
    assert compare(a, b[:70], paired=False).p == pytest.approx(
        stats.ttest_ind(a, b[:70], equal_var=False).pvalue, rel=1e-9
    )
    yuen = stats.ttest_ind(a, b[:70], equal_var=False, trim=0.25).pvalue
    assert compare(a, b[:70], "iqm", paired=False).p == pytest.approx(yuen, rel=1e-9, abs=0)


def test_paired_interquartile_means_take_yuens_paired_test(arms):
    cut, kept = 22, 46

    def winsorised(v):
        ordered = np.sort(v)
        return np.clip(v, ordered[cut], ordered[-cut - 1])

    a, b = map(winsorised, arms)
    covariance = 89 * np.cov(a, b)
    error = np.sqrt((covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]) / (kept * (kept - 1)))
    t = (stats.trim_mean(arms[0], 0.25) - stats.trim_mean(arms[1], 0.25)) / error
    assert compare(*arms, "iqm").p == pytest.approx(2 * stats.t.sf(abs(t), kept - 1), rel=1e-9, abs=0)


def test_effect_sizes(arms):
    a, b = arms
    paired, apart = compare(a, b), compare(a, b[:70], paired=False)
    assert paired.standardised == pytest.approx((a - b).mean() / (a - b).std(ddof=1), rel=1e-9, abs=0)
    assert paired.above == np.mean(a > b)
    pooled = np.sqrt((a.var(ddof=1) + b[:70].var(ddof=1)) / 2)
    assert apart.standardised == pytest.approx((a.mean() - b[:70].mean()) / pooled, rel=1e-9, abs=0)
    assert apart.above == pytest.approx(stats.mannwhitneyu(a, b[:70]).statistic / (90 * 70), rel=1e-12, abs=0)
    assert (paired.n, apart.n) == (90, 160)
    x, y = np.floor(3 * a), np.floor(3 * b[:70])  # ties
    assert compare(x, y, paired=False).above == pytest.approx(
        stats.mannwhitneyu(x, y).statistic / (90 * 70), rel=1e-12, abs=0
    )


def test_where_nothing_varies_p_is_the_sign_tests():
    a = np.linspace(0.1, 0.9, 8)
    shifted = compare(a + 0.1, a)
    assert shifted.p == 2 * 0.5**8
    assert shifted.standardised is None
    same = compare(a, a)
    assert (same.effect, same.low, same.high, same.p, same.above) == (0, 0, 0, 1, 0.5)


# --- two factors ---


@pytest.mark.parametrize("kind", ["mean", "iqm"])
def test_interaction_is_the_difference_of_differences(kind):
    v = np.random.default_rng(1).exponential(size=(40, 2, 2)) * [[1, 2], [3, 7]]
    got = interaction(v, kind)
    direct = {"mean": np.mean, "iqm": lambda x: stats.trim_mean(x, 0.25)}[kind]
    m = [[direct(v[:, i, j]) for j in (0, 1)] for i in (0, 1)]
    assert got.effect == pytest.approx((m[1][1] - m[1][0]) - (m[0][1] - m[0][0]), abs=SUM)
    if kind == "mean":
        each = (v[:, 1, 1] - v[:, 1, 0]) - (v[:, 0, 1] - v[:, 0, 0])
        assert got.p == pytest.approx(stats.ttest_1samp(each, 0).pvalue, rel=1e-9, abs=0)
        assert got.above == np.mean(each > 0)


# --- groups ---


def test_a_draw_that_is_kept_is_the_draw_of_its_generator_and_state():
    """And the generator goes on as if it had drawn: what comes next is new, and the same as after the first time."""
    for generator in (np.random.default_rng, lambda seed: np.random.Generator(np.random.MT19937(seed))):
        rng, again, alone = (generator(5) for _ in range(3))
        first, second = _bootstrap._counts(rng, 100, 7), _bootstrap._counts(rng, 100, 7)
        assert (first != second).any()
        assert not first.flags.writeable
        drawn = alone.integers(0, 7, (100, 7))
        np.testing.assert_array_equal(first, (drawn[:, :, None] == np.arange(7)).sum(axis=1))
        np.testing.assert_array_equal(_bootstrap._counts(again, 100, 7), first)
        np.testing.assert_array_equal(_bootstrap._counts(again, 100, 7), second)
        assert rng.random() == again.random()


def test_whole_groups_are_drawn_and_strata_keep_their_size():
    labels = np.repeat(["x", "y", "z"], [4, 2, 5])
    (whole,) = sampling(11, labels, False).weights(50, np.random.default_rng(0))
    assert all(len(set(row[labels == g])) == 1 for row in whole for g in "xyz")
    assert (whole[:, [0, 4, 6]].sum(1) == 3).all()
    (strata,) = sampling(11, labels, True).weights(50, np.random.default_rng(0))
    assert all((strata[:, labels == g].sum(1) == (labels == g).sum()).all() for g in "xyz")
    assert len(np.unique(strata, axis=0)) > 40


def test_p_over_groups_is_that_of_their_means_and_over_strata_that_within(arms):
    a, b = arms
    labels = np.tile(np.arange(9), 10)
    by_group = (a - b).reshape(10, 9)
    assert compare(a, b, groups=labels).p == pytest.approx(
        stats.ttest_1samp(by_group.mean(0), 0).pvalue, rel=1e-9, abs=0
    )
    error = np.sqrt((by_group.var(0, ddof=1) / 10).sum()) / 9
    expected = 2 * stats.t.sf(abs(by_group.mean()) / error, 90 - 9)
    assert compare(a, b, groups=labels, groups_fixed=True).p == pytest.approx(expected, rel=1e-9, abs=0)


# --- what cannot be used ---


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: compare([1, 2, 3], [1, 2]), r"same runs.*\(3, 1\) and \(2, 1\)"),
        (lambda: compare([1, 2, np.nan], [1, 2, 3]), r"finite.*nan in run 2"),
        (lambda: compare([1, np.inf], [1, 2]), "diverged"),
        (lambda: compare([], []), "2 runs or more"),
        (lambda: estimate([3.0]), "2 runs or more.*got 1"),
        (lambda: estimate(["a", "b"]), "numbers"),
        (lambda: estimate(np.zeros((3, 2))), r"one arm.*\(3, 2\)"),
        (lambda: estimate(np.zeros((3, 2, 2))), r"\(3, 2, 2\)"),
        (lambda: compare([1, 2], [3, 4], "iqr"), "measure 'iqr'; did you mean 'iqm'"),
        (lambda: interaction(np.zeros((5, 2, 3))), r"\(runs, 2, 2\)"),
        (lambda: interaction([[[1, 2], [3]]]), "interaction as an array of numbers"),
        (lambda: Bootstrap(resamples=10), "resamples"),
        (lambda: Bootstrap(seed=-1), "seed"),
        (lambda: Bootstrap(level=95), "level"),
        (lambda: Bootstrap(method="BCA"), "method 'BCA'"),
        (lambda: compare([1, 2], [3, 4], groups=[1]), r"one label per run, shape \(2,\)"),
        (lambda: compare([1, 2], [3, 4], groups=[1, 1]), "2 groups or more"),
        (lambda: compare([1, 2], [3, 4], groups=[1, 2], groups_fixed=True), "2 runs or more in each"),
        (lambda: compare([1, 2], [3, 4], groups=[1, 2], paired=False), "paired arms"),
    ],
)
def test_a_clear_sentence_for(call, message):
    with pytest.raises(InputError, match=message):
        call()
