"""Where a right rule loses all its digits: c - a²/c of a scaled tanh that is c to the last bit. Lost digits are not wrong algebra."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bpnn_jax import audit
from bpnn_jax.audit import _noise, _stages
from tests.bpnn_jax.audit.planted import normal

pytestmark = pytest.mark.quick_xla

LAYERS, C = 7, 1.7159


def loss(weights, x):
    for W in weights:
        x = C * jnp.tanh(2 / 3 * (x @ W))
    return 0.5 * (x**2).sum()


def slope(a):
    return 2 / 3 * (C - a**2 / C)


def hand(weights, x, off=0.0):
    a = [x]
    for W in weights:
        a.append(C * jnp.tanh(2 / 3 * (a[-1] @ W)))
    delta, found = a[-1] * slope(a[-1]), []
    for l in reversed(range(len(weights))):
        found.insert(0, a[l].T @ delta * (1 + off))
        delta = (delta @ weights[l].T) * slope(a[l])
    return found


def arguments(scale, dtype):
    """Each layer passes its input on, ``scale`` times as large: at 14, c - a²/c is some hundred ulp of c."""
    weights = [(scale * np.eye(4) + 0.1 * normal(4, 4, seed=l)).astype(dtype) for l in range(LAYERS)]
    return weights, (1.0 + abs(normal(5, 4, seed=99))).astype(dtype)


def audited(scale, dtype, off=0.0):
    with jax.enable_x64(dtype == np.float64):
        by_hand = lambda w, x: hand(w, x, off)  # noqa: E731
        return audit.gradient(loss, by_hand, *arguments(scale, dtype), draws=4, mutate=False, variants=0, explain=False)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_saturated_network_is_not_called_wrong(dtype):
    report = audited(14.0, dtype)
    assert report.verdict == "correct", report


def test_its_digits_are_lost_indeed():
    with jax.enable_x64(True):
        weights, x = arguments(14.0, np.float64)
        exact = np.asarray(jax.grad(loss)(weights, x)[-1])
        error = abs(exact - np.asarray(hand(weights, x)[-1])).max()
    assert abs(exact).max() < 1e-10
    assert error > 1e-4 * abs(exact).max()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_mistake_in_a_network_that_is_not_saturated_is(dtype):
    assert audited(0.5, dtype).verdict == "correct"
    report = audited(0.5, dtype, off=1e-6)
    assert report.verdict == "wrong"
    assert {f.code for f in report.findings} == {"wrong-value"}


def test_a_stage_may_lose_what_its_rounded_values_lose_and_no_more():
    """Where a is 1 but for its last bit, 1 - a² of it is anything from 0 to twice what is right."""
    values = {"a": np.array([1 - 2.0**-53, 0.5])}
    lost = _stages._lost(lambda v: 1 - v["a"] ** 2, values, 1 - values["a"] ** 2)
    assert 2.0**-52 < lost < 2.0**-48
    ordinary = {"a": np.array([0.5, 0.25])}
    assert _stages._lost(lambda v: 1.01 * (1 - v["a"] ** 2), ordinary, 1.01 * (1 - ordinary["a"] ** 2)) < 2.0**-48


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_gross_mistake_costs_no_random_roundings(dtype, monkeypatch):
    """An interpreted kernel takes minutes for them."""
    ran = []
    monkeypatch.setattr(_noise, "scatter", lambda *a, **k: ran.append(a[1]))

    def body(x):
        return x / jnp.sqrt((x * x).mean(-1, keepdims=True) + 0.1)

    def bwd(x, g):  # without the 0.1
        r = 1 / jnp.sqrt((x * x).mean(-1, keepdims=True))
        return (r * (g - x * r * r * (g * x).mean(-1, keepdims=True)),)

    f = jax.custom_vjp(body)
    f.defvjp(lambda x: (body(x), x), bwd)
    x = np.linspace(-1, 2, 12).reshape(3, 4).astype(dtype)
    assert audit.custom_vjp(f, x, draws=2, mutate=False, explain=False).verdict == "wrong"
    assert not ran
