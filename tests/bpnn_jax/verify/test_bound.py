"""The bound on rounding: no correct run exceeds it, one weight that is 1% off does, and it is the same traced."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import manual
from bpnn_jax.network import Network
from bpnn_jax.training._step import functions
from bpnn_jax.verify import complex_step, equations
from bpnn_jax.verify.as_it_runs import rounded
from bpnn_jax.verify.bound import UNIT, bound
from bpnn_jax.verify.reference import Reference, draw, float64

NETWORKS = (
    Network((4, 5, 3), "sigmoid"),
    Network((4, 5, 3), "tanh", hidden_bias=False),
    Network((3, 4, 4, 2), ("lecun_tanh", "tanh", "linear"), input_bias=False),
    Network((6, 2), "linear"),
)
HALF, CROSS = manual.OBJECTIVES
CASES = [
    *((net, HALF) for net in NETWORKS),
    (Network((4, 5, 3), ("tanh", "softmax")), HALF),
    (Network((4, 5, 3), ("tanh", "softmax")), CROSS),
    (Network((4, 5, 3), ("tanh", "sigmoid")), CROSS),
]


def by_hand(d):
    """A Reference from the derivation by hand, in the precision of the draw."""
    net = manual.forward(d.weights, d.x, functions(d.network))
    zs, outputs, slopes = zip(*((layer.z, layer.a, layer.derivative) for layer in net.layers), strict=True)
    equations, E = d.by_hand.equations, d.by_hand.error(net.layers[-1], d.t)
    deltas = manual.deltas(net, d.t, equations)
    x_gradient = manual.input_gradient(net.layers[0], deltas[0])
    return Reference(
        list(zs), list(outputs), list(slopes), E, list(deltas), manual.gradient(net, d.t, equations), x_gradient
    )


@pytest.mark.parametrize(("net", "objective"), CASES, ids=str)
def test_no_correct_run_exceeds_the_bound(net, objective, assert_within):
    """100 draws in float32, half of them saturated: every z, a, f', δ, E and gradient."""
    rng = np.random.default_rng(61)
    for i in range(100):
        d, exact, allowed = rounded(draw(net, rng, saturated=bool(i % 2), objective=objective), "float32")
        for name in Reference._fields:
            assert_within(getattr(by_hand(d), name), getattr(exact, name), getattr(allowed, name))


@pytest.mark.parametrize(("net", "objective"), CASES, ids=str)
def test_the_bound_is_not_vacuous(net, objective):
    """In ordinary float32 draws one weight that is 1% off shows in the gradient, and so does nearly any entry that is 1% off."""
    rng, shown = np.random.default_rng(62), []
    for _ in range(50):
        d, exact, allowed = rounded(draw(net, rng, objective=objective), "float32")
        weights = [W.copy() for W in d.weights]
        l = rng.integers(len(weights))
        weights[l][tuple(rng.integers(n) for n in weights[l].shape)] *= np.float32(1.01)
        g = by_hand(d._replace(weights=tuple(weights))).gradient
        pairs = zip(g, exact.gradient, allowed.gradient, strict=True)
        assert max((abs(wrong - e) / E).max() for wrong, e, E in pairs) > 1
        shown += [
            (0.01 * abs(e) > 2 * E).ravel() for e, E in zip(exact.gradient, allowed.gradient, strict=True)
        ]  # twice: once for the rounding of the wrong run itself
    assert np.concatenate(shown).mean() > 0.99


def test_the_bound_is_the_same_on_numpy_and_traced(assert_within, x64):
    d = draw(NETWORKS[2], np.random.default_rng(63))
    exact = float64(d.network, d.weights, d.x, d.t)
    plain = bound(d.network, d.weights, d.x, d.t, exact, UNIT["float32"])
    traced = jax.jit(lambda *args: bound(d.network, *args, UNIT["float32"]))(
        *jax.tree.map(jnp.asarray, (d.weights, d.x, d.t, exact))
    )
    assert_within(traced, plain, [1e-12 * abs(E).max() for E in jax.tree.leaves(plain)])  # a bound needs no last digits
    doubled = bound(d.network, d.weights, d.x, d.t, exact, 2 * UNIT["float32"])
    # Its terms of second order, a millionth of it, are four times as large then.
    assert_within(doubled.gradient, [2 * E for E in plain.gradient], [1e-5 * E.max() for E in plain.gradient])


def test_a_product_of_two_factors_that_come_out_as_0_is_off_too():
    """Far out JAX's gelu and its slope are 0, and by hand they are not: 1e-55 where the reference has 0."""
    net = Network((1, 1, 1, 1), "gelu")
    d = draw(net, np.random.default_rng(0), patterns=1)
    d = d._replace(x=np.ones((1, 1)), weights=(np.array([[-9.0], [0.0]]), *[np.array([[1.0], [-9.0]])] * 2))
    exact, allowed = equations.reference_and_bound(d)
    assert exact.gradient[1][0, 0] == 0
    ratios = [comparison.ratio() for comparison in complex_step.compare(d, allowed)]
    assert [ratio[0] <= 1 for ratio in ratios] == [True] * 3
    assert all(ratio[2] < 1e-20 for ratio in ratios[:2])  # and is allowed no more than that
