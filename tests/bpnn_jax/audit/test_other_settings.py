"""Options that are words, lengths that become equal, two approximations: what other settings of a rule may show, and what not."""

import enum
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bpnn_jax import audit
from bpnn_jax.audit import _approximate, _precision
from tests.bpnn_jax.audit.planted import normal

QUICK: dict[str, Any] = {"draws": 2, "mutate": False, "explain": False}
ACTIVATIONS = {"identity": lambda x: x, "double": lambda x: 2 * x}
Mode = enum.Enum("Mode", ["PLAIN", "TWICE"])


def chosen(bug, factors):
    """x times a factor that an option chooses; the rule knows that of its example alone."""

    @partial(jax.custom_vjp, nondiff_argnums=(1,))
    def f(x, how):
        return factors(how) * x

    f.defvjp(lambda x, how: (factors(how) * x, None), lambda how, _, g: ((1.0 if bug else factors(how)) * g,))
    return f


def by_comparison(how):
    if how == "double":
        return 2.0
    if how in ("half", "quarter"):
        return 0.5
    if how != "plain":
        raise ValueError(how)
    return 1.0


@pytest.mark.parametrize(
    ("factors", "example", "tried"),
    [
        (by_comparison, "plain", "'double'"),
        (lambda how: ACTIVATIONS[how](1.0), "identity", "'double'"),
        (lambda how: np.convolve([1.0, 1.0], [1.0, 0.0], how)[-1], "same", "'full'"),
        (lambda how: 2.0 if how is Mode.TWICE else 1.0, Mode.PLAIN, "TWICE"),
    ],
)
def test_an_option_that_is_a_word_is_varied(factors, example, tried):
    assert audit.custom_vjp(chosen(True, factors), normal(3), example, **QUICK).verdict == "wrong"
    report = audit.custom_vjp(chosen(False, factors), normal(3), example, **QUICK)
    assert report.verdict == "correct"
    assert any(tried in line for line in report.varied)


def test_an_option_that_is_not_varied_is_named():
    f = jax.custom_vjp(lambda x, spec, mask: jnp.einsum(spec, x), nondiff_argnums=(1, 2))
    f.defvjp(lambda x, spec, mask: (jnp.einsum(spec, x), None), lambda spec, mask, _, g: (jnp.diag(g),))
    said = "; ".join(audit.custom_vjp(f, normal(2, 2), "ii->i", None, **QUICK).not_varied)
    assert "argument 1 ('ii->i'), argument 2 (None), static" in said


def test_no_length_becomes_another_by_accident():
    """A matrix with as many rows as there are inputs has no bias row: another function, which the rule may not be meant for."""

    def loss(w, x):
        n = x.shape[-1]
        if len(w) > n + 1:
            raise ValueError(len(w))
        return jnp.sum(x @ w[:n] + w[-1])

    def gradient(w, x):
        if len(w) == x.shape[-1]:
            return jnp.broadcast_to(x.sum(0)[:, None], w.shape)
        return jnp.concatenate(
            [jnp.broadcast_to(x.sum(0)[:, None], (len(w) - 1, w.shape[1])), jnp.full((1, w.shape[1]), float(len(x)))]
        )

    report = audit.gradient(loss, gradient, normal(5, 2), normal(3, 4), **QUICK)
    assert report.verdict == "correct", report


def approximated(x):
    """The sine to 2e-7 or so."""
    return jnp.sin(x) * (1 + 2e-7 * jnp.cos(3 * x))


def test_two_approximations_that_float32_does_not_tell_apart_are_a_note(monkeypatch):
    f = jax.custom_jvp(lambda x: -jnp.cos(x))
    f.defjvps(lambda t, out, x: approximated(x) * t)
    x = np.array([0.4, 1.1, -0.7], np.float32)
    report = audit.custom_jvp(f, x, **QUICK, variants=0)
    assert report.verdict == "correct"
    assert [f.code for f in report.findings] == ["approximate"]
    with jax.enable_x64(True):
        assert audit.custom_jvp(f, x.astype(np.float64), **QUICK, variants=0).verdict == "wrong"
    monkeypatch.setattr(_approximate, "ROOM", 1.0)
    assert audit.custom_jvp(f, x, **QUICK, variants=0).verdict == "wrong"


def test_a_forgotten_eps_is_no_approximation(monkeypatch):
    """1e-8 beside numbers near 1 is nothing to float32, and everything beside 1e-8."""
    f = jax.custom_jvp(lambda x: jnp.log(x + 1e-8))
    f.defjvps(lambda t, out, x: t / x)
    x = np.array([0.4, 1.1, 2.0], np.float32)
    assert audit.custom_jvp(f, x, **QUICK, variants=0).verdict == "wrong"
    monkeypatch.setattr(_approximate, "SCALES", (0.9, 1.1))
    assert audit.custom_jvp(f, x, **QUICK, variants=0).verdict == "correct"


def test_a_diagonal_example_is_symmetric_by_accident(monkeypatch):
    """2 A x is the gradient of x·A x for symmetric matrices alone; 2 I is any matrix, until the function reads half of it."""
    f = jax.custom_vjp(lambda x, a: x @ a @ x)
    f.defvjp(lambda x, a: (x @ a @ x, (x, a)), lambda r, g: (2 * g * r[1] @ r[0], g * jnp.outer(r[0], r[0])))
    args = normal(3), 2 * np.eye(3, dtype=np.float32)
    assert audit.custom_vjp(f, *args, **QUICK, variants=0).verdict == "wrong"
    monkeypatch.setattr(_precision, "SYMMETRIC", {"dot_general"})
    assert audit.custom_vjp(f, *args, **QUICK, variants=0).verdict == "inconclusive"
