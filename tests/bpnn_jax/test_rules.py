"""The rules by name. What they do step by step stands in tests/manual/test_rules.py."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from bpnn_jax import rules
from bpnn_jax.errors import InputError
from bpnn_jax.rules import PreviousGradientState, previous_gradient, rule


def moves(transformation, gradients, params=None):
    """The updates for a sequence of gradients."""
    state = transformation.init(gradients[0])
    found = []
    for g in gradients:
        update, state = transformation.update(g, state, params)
        found.append(update)
    return found


def test_previous_gradient_is_two_taps_and_carries_nothing_else():
    """An impulse: -N at once, -M a step later, then nothing. Powers of two, so exact."""
    impulse = [jnp.array([v]) for v in (1.0, 0.0, 0.0, 0.0)]
    assert [u.tolist() for u in moves(previous_gradient(0.5, 0.25), impulse)] == [[-0.5], [-0.25], [0.0], [0.0]]
    state = previous_gradient(0.5, 0.25).init((jnp.ones((2, 3)), jnp.ones(2)))
    assert isinstance(state, PreviousGradientState)
    assert all((leaf == 0).all() for leaf in state.gradient)


@pytest.mark.parametrize("name", rules.WITH_MOMENTUM)
def test_learning_rate_and_momentum_may_be_traced(name, assert_within):
    gradients = [jnp.array([1.0, -2.0]), jnp.array([0.5, 3.0]), jnp.array([-1.0, 0.25])]

    def all_moves(rate, mu):
        return moves(rule(name, rate, mu), gradients)

    expected = [all_moves(r, m) for r, m in ((0.5, 0.25), (0.125, 0.75))]
    found = jax.jit(jax.vmap(all_moves))(jnp.array([0.5, 0.125]), jnp.array([0.25, 0.75]))
    for i in range(2):
        assert_within([f[i] for f in found], expected[i], 10 * 2.0**-24 * 8)  # ten roundings of numbers below 8
    assert abs(np.asarray(expected[0]) - np.asarray(expected[1])).max() > 0.1


@pytest.mark.parametrize("name", rules.RULES)
def test_every_rule_goes_downhill(name):
    """E = W²/2 from W = 1: whatever the rule, thirty steps make E smaller. None ignores its learning rate."""
    with jax.numpy_dtype_promotion("standard"):  # optax's Adam counts its steps in int32

        def end(rate):
            transformation = rule(name, rate, 0.5)
            W = jnp.array([1.0])
            state, way = transformation.init(W), []
            for _ in range(30):
                update, state = transformation.update(W, state, W)
                W = optax.apply_updates(W, update)
                way.append(abs(float(W[0])))
            return way[-1], sum(way)  # Quickprop ends at 0 itself, a parabola's bottom, from any first step

        (small, long), (large, short) = end(0.001), end(0.02)
    assert large <= small < 1.0
    assert short < long


def test_the_rules_without_momentum_are_optax_s_own():
    gradients = [jnp.array([1.0, -2.0]), jnp.array([0.5, 3.0])]
    for name in ("sgd", "adagrad", "rmsprop", "adadelta"):
        expected = moves(getattr(optax, name)(0.25), gradients, gradients[0])
        for mu in (0.0, 0.9):
            found = moves(rule(name, 0.25, mu), gradients, gradients[0])
            assert [u.tolist() for u in found] == [u.tolist() for u in expected]


def test_a_transformation_or_a_function_of_the_rates_is_a_rule():
    own = optax.chain(optax.clip_by_global_norm(1.0), optax.sgd(0.5))
    assert rule(own, 0.1, 0.2) is own
    made = rule(lambda rate, mu: optax.sgd(rate * mu), 0.5, 0.5)
    assert moves(made, [jnp.array([2.0])])[0].tolist() == [-0.5]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("heavyball", f"; did you mean 'heavy-ball'? Known: {', '.join(rules.RULES)}"),
        ("previous_gradient", "; did you mean 'previous-gradient'?"),
        ("adams", "; did you mean 'adam' or 'nadam' or 'adamw'?"),
        ("quasi", ". Known: "),
    ],
)
def test_an_unknown_rule_names_the_nearest(name, hint):
    with pytest.raises(InputError, match=re.escape(f"unknown rule {name!r}{hint}")):
        rule(name, 0.1, 0.1)
