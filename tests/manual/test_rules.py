"""Equations (13), (14), (15), (21), (22): in exact fractions against closed forms, and step by step against optax and the sources."""

from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import given
from hypothesis import strategies as st

import manual
from bpnn_jax import rules
from bpnn_jax.verify.symbols import entries, symbols
from tests.witnesses import RULES, parabola_step, rprop_path

pytestmark = pytest.mark.quick_xla

STEPS = {name: rule.step for name, rule in manual.RULES.items() if rule.momentum}
fractions = st.fractions(-2, 2, max_denominator=50)


def follow(step, W, gradients, learning_rate, mu, carried=0):
    path = []
    for g in gradients:
        W, carried = step(W, g, carried, learning_rate, mu)
        path.append(W)
    return path


@given(fractions, st.lists(fractions, min_size=1, max_size=6), fractions, fractions)
def test_each_is_a_weighted_sum_of_the_gradients(W, gradients, learning_rate, mu):
    """W after n steps, written as one sum over all gradients: no carried state on this side. Exact."""
    for n in range(1, len(gradients) + 1):
        for name, rule in RULES.items():
            moved = rule.moved(gradients[:n], learning_rate, mu)
            assert follow(STEPS[name], W, gradients, learning_rate, mu)[n - 1] == W - moved, name


@given(st.sampled_from(sorted(RULES)), st.lists(fractions, min_size=2, max_size=6), fractions, fractions, fractions)
def test_each_is_linear_in_the_gradients(name, gradients, scale, learning_rate, mu):
    """Twice and more: the path of scaled gradients is the scaled path, and that of a sum the sum."""
    others = [g * g + 1 for g in gradients]

    def moved(gradients):
        return follow(STEPS[name], Fraction(0), gradients, learning_rate, mu)[-1]

    combined = [scale * g + other for g, other in zip(gradients, others, strict=True)]
    assert moved(combined) == scale * moved(gradients) + moved(others)


def test_a_constant_gradient():
    eta, mu, g = Fraction(1, 2), Fraction(1, 10), Fraction(3)
    for name, step in STEPS.items():
        path = follow(step, Fraction(0), [g] * 40, eta, mu)
        # The rest of a geometric series; the previous gradient is there after two steps.
        assert abs(path[-1] - path[-2] + g * RULES[name].steady(eta, mu)) < Fraction(1, 10**38), name


def test_nesterov_is_the_look_ahead_of_the_books():
    """v ← μ v - η ∇E(W + μ v), W ← W + v, with gradients of E = 2 W² - W; the rule here holds the point W + μ v."""
    eta, mu = Fraction(1, 10), Fraction(4, 5)

    def slope(W):
        return 4 * W - 1

    W, v = Fraction(3), Fraction(0)
    here, carried = W, Fraction(0)
    for _ in range(12):
        v = mu * v - eta * slope(W + mu * v)
        W = W + v
        here, carried = manual.nesterov(here, slope(here), carried, eta, mu)
        assert here == W + mu * v


def test_they_are_three_different_rules_and_one_without_momentum():
    gradients = [Fraction(1), Fraction(-2), Fraction(3)]
    ends = {follow(step, Fraction(0), gradients, Fraction(1, 2), Fraction(1, 3))[-1] for step in STEPS.values()}
    assert len(ends) == len(STEPS)
    plain = {follow(step, Fraction(0), gradients, Fraction(1, 2), Fraction(0))[-1] for step in STEPS.values()}
    assert plain == {-sum(gradients) / 2}


@pytest.mark.parametrize("by_name", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", manual.RULES)
def test_step_by_step_against_optax(name, dtype, by_name, assert_within, x64):
    """On a tuple of two matrices; optax's own parts, and the rule as ``train`` finds it by name."""
    rng = np.random.default_rng(3)
    shapes, rate, mu, u = ((3, 2), (2, 1)), 0.3, 0.7, np.finfo(dtype).eps / 2
    hand = [rng.uniform(-1, 1, s).astype(dtype) for s in shapes]
    by_hand = manual.RULES[name]
    carried = [by_hand.start(W, rate) for W in hand]
    own = RULES[name].optax if name in RULES else None
    rule = (rules.RULES[name] if by_name or own is None else own)(rate, mu)
    W = tuple(map(jnp.asarray, hand))
    state = rule.init(W)
    for step in range(1, 13):
        g = [rng.uniform(-1, 1, s).astype(dtype) for s in shapes]
        pairs = [by_hand.step(*three, rate, mu) for three in zip(hand, g, carried, strict=True)]
        hand, carried = [p[0] for p in pairs], [p[1] for p in pairs]
        updates, state = rule.update(tuple(map(jnp.asarray, g)), state, W)
        W = optax.apply_updates(W, updates)
        assert {leaf.dtype.name for leaf in (*W, *hand)} == {dtype}
        # On each side and in each step at most 5 roundings of numbers that are no larger than |W| + |v| <= 1 + step + 1/(1-mu).
        assert_within(W, hand, 2 * 5 * step * u * (1 + step + 1 / (1 - mu)))


@pytest.mark.parametrize("name", manual.RULES)
def test_under_jit_vmap_and_scan(name, assert_within, x64):
    """A whole path for several rates at once, against NumPy."""
    rng, rule = np.random.default_rng(4), manual.RULES[name]
    W0, gradients, rates = rng.uniform(-1, 1, 3), rng.uniform(-1, 1, (7, 3)), np.array([0.01, 0.5])

    @jax.jit
    @jax.vmap
    def run(rate):
        def one(carry, g):
            return rule.step(carry[0], g, carry[1], rate, 0.9), None

        first = jnp.asarray(W0), rule.start(jnp.asarray(W0), rate)
        return jax.lax.scan(one, first, jnp.asarray(gradients))[0][0]

    expected = [follow(rule.step, W0, gradients, rate, 0.9, rule.start(W0, rate))[-1] for rate in rates]
    assert_within(run(jnp.asarray(rates)), np.stack(expected), 7 * 10 * 8 * 2.0**-53)  # as above, |W| + |v| < 8


def test_on_symbols():
    W, g, v, n = (symbols(name, (1,)) for name in "Wgvn")
    ((w,), (gr,), (ve,), (ra,)) = map(entries, (W, g, v, n))
    for step, wanted in (
        (manual.previous_gradient, w - ra * gr - 0.25 * ve),
        (manual.heavy_ball, w - ra * (0.25 * ve + gr)),
        (manual.nesterov, w - ra * (0.0625 * ve + 1.25 * gr)),
    ):
        moved, _ = step(W, g, v, n, 0.25)
        assert (entries(moved)[0] - wanted).expand().evalf(20, chop=True) == 0


def test_the_table_of_rules():
    assert list(STEPS) == list(RULES) == list(rules.WITH_MOMENTUM)
    assert list(manual.RULES) == list(rules.BY_HAND)
    assert all(rule.name == name for name, rule in manual.RULES.items())


def sloping(rng, steps, weights):
    """Gradients in which a weight keeps its sign for a while: both branches of (21) and (22) are met many times."""
    g = rng.uniform(-1, 1, (steps, weights))
    return abs(g) * np.sign(np.cumsum(rng.uniform(-1, 1, (steps, weights)), axis=0) + 0.3)


def test_quickprop_goes_to_the_lowest_point_of_its_parabola(assert_within):
    gradients, W = sloping(np.random.default_rng(5), 12, 40), np.zeros(40)
    carried, before, kinds = manual.RULES["quickprop"].start(W, 0.1), W - 0, {"far": 0, "reached": 0, "behind": 0}
    for n, g in enumerate(gradients):
        expected = [
            parabola_step(float(b), float(w), float(p), float(s), 0.1, manual.rules.GROWTH)
            for b, w, p, s in zip(before, W, carried[0], g, strict=True)
        ]
        ratio = g / np.where(carried[0] == 0, 1, carried[0])
        kinds["behind"] += int((ratio < 0).sum())
        kinds["reached"] += int(((ratio > 0) & (ratio < 0.63)).sum())
        kinds["far"] += int((ratio > 0.64).sum()) if n else 0
        before, (W, carried) = W, manual.quickprop(W, g, carried, 0.1)
        # The witness takes d as the difference of two weights, and divides by it: it loses |W| / |d| of its digits.
        assert_within(W, np.array(expected), 1e-9 * (1 + abs(W)))
    assert min(kinds.values()) > 40, kinds


def test_quickprop_finds_the_bottom_of_a_parabola_in_two_steps():
    """E = ½ h (W - c)², several h: one step by the slope, one to c, within μ steps, and exactly there."""
    h, c, W = np.array([1.0, 2.0, 4.0]), np.array([3.0, -1.0, 0.5]), np.zeros(3)
    W, carried = manual.quickprop(W, h * (W - c), (0 * W, 0 * W), 0.5)
    W, carried = manual.quickprop(W, h * (W - c), carried, 0.0)
    assert W.tolist() == c.tolist()
    W, _ = manual.quickprop(W, h * (W - c), carried, 0.5)
    assert W.tolist() == c.tolist()  # no slope: it stays


def test_a_slope_of_0_and_the_same_slope_twice_give_finite_quickprop_steps():
    slopes, carried, W = [0.0, 0.0, 1.0, 1.0, 1.0, 0.0, 0.0, -2.0], (np.zeros(1),) * 2, np.zeros(1)
    with np.errstate(all="raise"):
        for g in slopes:
            W, carried = manual.quickprop(W, np.array([g]), carried, 0.1)
    # -0.1, then μ times it and the linear term, twice; a slope of 0 is the bottom, twice; then the linear term alone.
    d = [-0.1, -0.1 * 1.75 - 0.1, (-0.1 * 1.75 - 0.1) * 1.75 - 0.1]
    assert abs(W[0] - (sum(d) + 0.2)) < 1e-15


def test_rprop_beside_the_source_s_own_words(assert_within):
    gradients, sizes = sloping(np.random.default_rng(6), 30, 8), np.geomspace(1e-6, 50, 8)
    gradients[:, 0] *= (-1.0) ** (np.arange(30) // 2)  # down to the shortest step
    gradients[:, -1] = abs(gradients[:, -1])  # up to the longest
    start = np.zeros(8), sizes.copy()
    path = np.stack(follow(manual.rprop, np.zeros(8), gradients, 0.0, 0.0, start))
    expected = np.stack([rprop_path(0.0, list(g), s) for g, s in zip(gradients.T, sizes, strict=True)], axis=1)
    assert_within(path, expected, 30 * 4 * 2.0**-53 * (1 + abs(expected).max()))  # four roundings a step, of W and of Δ
    assert (np.diff(path, axis=0) == 0).any()


def test_rprop_knows_a_sign_that_a_product_of_gradients_would_lose():
    """1e-30 · 1e-30 is 0 in float32: the sign is carried and not the gradient."""
    W, carried = np.zeros(1, np.float32), manual.RULES["rprop"].start(np.zeros(1, np.float32), 0.5)
    for g in (1e-30, 1e-30, -1e-30):
        W, carried = manual.rprop(W, np.array([g], np.float32), carried)
    assert (W.dtype, W.tolist(), carried[1].tolist()) == (np.float32, [np.float32(-1.1)], [np.float32(0.3)])
