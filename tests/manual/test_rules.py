"""Equations (13), (14), (15): in exact fractions against their closed forms, and step by step against optax."""

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
from bpnn_jax.verify.proof import entries, symbols
from tests.witnesses import RULES

STEPS = {name: rule.step for name, rule in manual.RULES.items()}
fractions = st.fractions(-2, 2, max_denominator=50)


def follow(step, W, gradients, learning_rate, mu):
    carried, path = W * 0, []
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
@pytest.mark.parametrize("name", STEPS)
def test_step_by_step_against_optax(name, dtype, by_name, assert_within, x64):
    """On a tuple of two matrices; optax's own parts, and the rule as ``train`` finds it by name."""
    rng = np.random.default_rng(3)
    shapes, rate, mu, u = ((3, 2), (2, 1)), 0.3, 0.7, np.finfo(dtype).eps / 2
    hand = [rng.uniform(-1, 1, s).astype(dtype) for s in shapes]
    carried = [np.zeros_like(W) for W in hand]
    rule = (rules.RULES[name] if by_name else RULES[name].optax or rules.previous_gradient)(rate, mu)
    W = tuple(map(jnp.asarray, hand))
    state = rule.init(W)
    for step in range(1, 13):
        g = [rng.uniform(-1, 1, s).astype(dtype) for s in shapes]
        pairs = [STEPS[name](*three, rate, mu) for three in zip(hand, g, carried, strict=True)]
        hand, carried = [p[0] for p in pairs], [p[1] for p in pairs]
        updates, state = rule.update(tuple(map(jnp.asarray, g)), state, W)
        W = optax.apply_updates(W, updates)
        assert {leaf.dtype.name for leaf in (*W, *hand)} == {dtype}
        # On each side and in each step at most 5 roundings of numbers that are no larger than |W| + |v| <= 1 + step + 1/(1-mu).
        assert_within(W, hand, 2 * 5 * step * u * (1 + step + 1 / (1 - mu)))


@pytest.mark.parametrize("name", STEPS)
def test_under_jit_vmap_and_scan(name, assert_within, x64):
    """A whole path for several rates at once, against NumPy."""
    rng = np.random.default_rng(4)
    W0, gradients, rates = rng.uniform(-1, 1, 3), rng.uniform(-1, 1, (7, 3)), np.array([0.01, 0.5])

    @jax.jit
    @jax.vmap
    def run(rate):
        def one(carry, g):
            return STEPS[name](carry[0], g, carry[1], rate, 0.9), None

        return jax.lax.scan(one, (jnp.asarray(W0), jnp.zeros(3)), jnp.asarray(gradients))[0][0]

    expected = [follow(STEPS[name], W0, gradients, rate, 0.9)[-1] for rate in rates]
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
    assert list(manual.RULES) == list(RULES) == list(rules.WITH_MOMENTUM)
    assert all(rule.name == name for name, rule in manual.RULES.items())
