"""Epochs to solve: against SciPy's curve, the formulas for its variance, and simulated studies with censored runs."""

import numpy as np
import pytest
from scipy import stats

from bpnn_jax.errors import InputError
from bpnn_jax.statistics import Bootstrap, compare_epochs, kaplan_meier, restricted_mean, restricted_values


def study(rng, runs, censored=True, scale=150):
    """Epochs (whole, with ties) and whether solved; some runs end early where ``censored``, all end at 600."""
    t = np.ceil(rng.gamma(2, scale, runs) / 5) * 5
    end = np.minimum(np.ceil(rng.uniform(200, 1500, runs) / 5) * 5, 600) if censored else np.full(runs, 600.0)
    return np.minimum(t, end), t <= end


def truth(epoch, scale=150):
    return stats.gamma.sf(np.floor(np.asarray(epoch) / 5) * 5, 2, scale=scale)


@pytest.mark.parametrize("seed", range(4))
def test_the_curve_and_its_interval_are_scipys(seed):
    t, d = study(np.random.default_rng(seed), 60)
    curve = kaplan_meier(t, d, level=0.9)
    theirs = stats.ecdf(stats.CensoredData(uncensored=t[d], right=t[~d])).sf
    np.testing.assert_allclose(curve.unsolved[1:], theirs.evaluate(curve.epochs[1:]), rtol=1e-12)
    ends = theirs.confidence_interval(0.9, method="log-log")
    inner = curve.epochs[(curve.unsolved > 0) & (curve.unsolved < 1)]
    for ours, end in ((0, ends.low), (1, ends.high)):
        got = [curve.at(e)[1 + ours] for e in inner]
        np.testing.assert_allclose(got, end.evaluate(inner), rtol=1e-10)


def test_what_the_curve_says_where_nobody_or_everybody_is_solved():
    never = kaplan_meier([50.0] * 20, [False] * 20)
    assert never.at(40)[0] == never.at(40)[2] == 1
    assert 0.8 < never.at(40)[1] < 0.9  # 20 runs, none of them solved: Wilson's bound
    assert never.median() == (None, None, None)
    always = kaplan_meier([3.0, 4.0, 5.0], [True] * 3)
    assert always.at(5)[:2] == (0, 0)
    assert 0.5 < always.at(5)[2] < 0.6  # 3 runs
    half = kaplan_meier([0.0, 4.0], [True] * 2)
    assert (half.at(0)[0], half.median()[0]) == (0.5, 0)


def test_without_early_ends_the_values_are_the_epochs():
    t, d = study(np.random.default_rng(1), 40, censored=False)
    np.testing.assert_allclose(restricted_values(t, d, 400), np.minimum(t, 400), rtol=1e-12)
    both = restricted_values(np.stack([t, t], 1), np.stack([d, d], 1), 400)
    np.testing.assert_allclose(both[:, 1], np.minimum(t, 400), rtol=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_the_values_have_the_area_as_mean_and_greenwoods_variance(seed):
    t, d = study(np.random.default_rng(seed), 60)
    horizon = 450.0
    values = restricted_values(t, d, horizon)
    curve = kaplan_meier(t, d)
    grid = np.arange(0, horizon)  # the curve steps at whole epochs
    share = np.array([curve.at(e)[0] for e in grid])
    assert values.mean() == pytest.approx(share.sum(), rel=1e-12, abs=0)
    variance = 0.0
    for epoch, risk, solved in zip(curve.epochs, curve.at_risk, curve.solved, strict=True):
        if solved and epoch <= horizon and risk > solved:
            variance += share[grid >= epoch].sum() ** 2 * solved / (risk * (risk - solved))
    assert values.var() / 60 == pytest.approx(variance, rel=1e-9, abs=0)


def test_the_values_are_close_to_leaving_each_run_out():
    t, d = study(np.random.default_rng(2), 200)
    values = restricted_values(t, d, 400)
    for run in (0, 17, 105):
        rest = np.delete(np.arange(200), run)
        left_out = 200 * values.mean() - 199 * restricted_values(t[rest], d[rest], 400).mean()
        assert values[run] == pytest.approx(left_out, abs=4.0)  # of 400; the two differ by terms of order 1/n


def test_a_censored_run_is_neither_dropped_nor_taken_as_solved():
    t, d = study(np.random.default_rng(3), 4000)
    expected = truth(np.arange(500)).sum()
    assert restricted_mean(t, d, 500).value == pytest.approx(expected, rel=0.02)  # three standard errors
    assert np.minimum(t, 500)[d].mean() < 0.9 * expected
    assert np.minimum(t, 500).mean() < 0.97 * expected


def test_curve_median_and_their_intervals_cover():
    rng = np.random.default_rng(4)
    epochs = np.array([100, 250, 450])
    middle = next(e for e in range(1000) if truth(e) <= 0.5)
    covered, medians = np.zeros(3), 0
    for _ in range(2000):
        curve = kaplan_meier(*study(rng, 60))
        ends = np.array([curve.at(e)[1:] for e in epochs])
        covered += (ends[:, 0] <= truth(epochs)) & (truth(epochs) <= ends[:, 1])
        _, low, high = curve.median()
        medians += (low is None or low <= middle) and (high is None or middle <= high)
    assert ((covered / 2000 >= 0.93) & (covered / 2000 <= 0.97)).all()
    assert 0.93 <= medians / 2000 <= 0.97


# In pairs or not: either way with an effect or without.
@pytest.mark.parametrize(
    ("paired", "scale"), [pytest.param(True, 150, marks=pytest.mark.deep), (False, 150), (True, 100)]
)
def test_differences_of_restricted_means_cover(paired, scale):
    """2000 studies whose arms differ, or not, with runs that end early. Where they do not differ: the false alarms as well."""
    rng = np.random.default_rng(5)
    expected = (truth(np.arange(400), scale) - truth(np.arange(400))).sum()
    covered = alarms = 0
    for _ in range(2000):
        (a, a_solved), (b, b_solved) = study(rng, 50, scale=scale), study(rng, 50 if paired else 60)
        a[0] = b[0] = 600.0  # one run of each arm lasts, so that the curve is known up to the horizon
        found = compare_epochs(a, a_solved, b, b_solved, 400, paired=paired, bootstrap=Bootstrap(resamples=400))
        covered += found.low <= expected <= found.high
        alarms += found.p <= 0.05
    assert 0.93 <= covered / 2000 <= 0.97
    assert 0.03 <= alarms / 2000 <= 0.07 or scale != 150
    assert alarms / 2000 > 0.5 or scale == 150


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: restricted_mean([5, 5], [False, False], 5), "solved by epoch 5, got none"),
        (lambda: restricted_mean([9, 9], [True, True], 5), "solved by epoch 5, got none"),
        (lambda: compare_epochs([5, 5], [0, 0], [5, 5], [0, 0], 5), "solved by epoch 5, got none"),
        (lambda: restricted_mean([3, 5], [True, False], 8), "horizon up to epoch 5"),
        (lambda: restricted_mean([3, 5], [True, True], 0), "horizon in epochs"),
        (lambda: restricted_mean([3, 5], [True, True], np.nan), "horizon in epochs"),
        (lambda: restricted_mean([3, 5], [True, True], "9"), "horizon in epochs"),
        (lambda: kaplan_meier([3, -5], [True, True]), "from 0 up, got -5"),
        (lambda: kaplan_meier([3, 5, 6], [True, True]), "same runs"),
        (lambda: kaplan_meier([3, np.nan], [True, False]), "finite"),
        (lambda: kaplan_meier([3], [True]), "2 runs or more"),
        (lambda: kaplan_meier([3, 4], [True, True]).at(-1), "from 0 up"),
    ],
)
def test_a_clear_sentence_for(call, message):
    with pytest.raises(InputError, match=message):
        call()
