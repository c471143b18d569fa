"""Kinds of mistakes that no example shows: settings, sizes, layouts, half precision, signs. Each has a look of its own."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bpnn_jax import audit
from bpnn_jax.audit import _constants, _siblings
from bpnn_jax.audit.checks import layout, values
from tests.bpnn_jax.audit.planted import normal

pytestmark = pytest.mark.quick_xla

QUICK: dict[str, Any] = {"draws": 2, "mutate": False, "explain": False}


def rule(fun, fwd, bwd, **options):
    f = jax.custom_vjp(fun, **options)
    f.defvjp(fwd, bwd)
    return f


def centred(bug):
    """Along the last axis always, whatever ``axis`` says."""

    def f(x, axis):
        return x - x.mean(axis, keepdims=True)

    def bwd(axis, _, g):
        return (g - g.mean(-1 if bug else axis, keepdims=True),)

    return rule(f, lambda x, axis: (f(x, axis), None), bwd, nondiff_argnums=(1,)), (normal(3, 4), -1)


def blocked(bug):
    """What is left over after blocks of 128 is forgotten."""

    def bwd(x, g):
        n = x.shape[0]
        whole = n // 128 * 128 if bug and n > 128 else n
        return (jnp.where(jnp.arange(n) < whole, x * g, 0),)

    return rule(lambda x: (x * x).sum() / 2, lambda x: ((x * x).sum() / 2, x), bwd), (normal(8),)


def offsets(bug):
    """Offsets of 16 bits."""

    def f(x, t):
        return jnp.take_along_axis(x, t[:, None], 1)[:, 0]

    def bwd(residuals, g):
        zeros, t = residuals
        width = jnp.int16 if bug else jnp.int32
        flat = jnp.arange(zeros.shape[0], dtype=width) * width(zeros.shape[1]) + t.astype(width)
        return zeros.ravel().at[flat.astype(jnp.int32)].add(g).reshape(zeros.shape), None

    return rule(f, lambda x, t: (f(x, t), (jnp.zeros_like(x), t)), bwd), (normal(5, 11), np.array([3, 0, 1, 2, 9]))


def counted(bug):
    """Ties are counted in float16, which ends at 65 504."""

    def bwd(x, g):
        hit = x == x.max()
        width = x.dtype if bug else jnp.float32
        count = hit.astype(width).sum(dtype=width).astype(jnp.float32)
        return ((g.astype(jnp.float32) * hit / count).astype(x.dtype),)

    return rule(lambda x: x.max(), lambda x: (x.max(), x), bwd), (normal(4).astype(np.float16),)


def guarded(bug):
    """A square root that the function guards from what is negative."""

    def f(x):
        return jnp.where(x > 0, jnp.sqrt(jnp.where(x > 0, x, 1)), 0)

    def bwd(x, g):
        return (
            g * (x > 0) / jnp.sqrt(x) / 2 if bug else jnp.where(x > 0, g / jnp.sqrt(jnp.where(x > 0, x, 1)) / 2, 0),
        )

    return rule(f, lambda x: (f(x), x), bwd), (abs(normal(4)) + 0.1,)


LOOKS = [
    (centred, _siblings, "_other_settings", lambda *a: [], "wrong"),
    (blocked, _siblings, "_large", lambda *a: iter(()), "wrong"),
    (offsets, _siblings, "_large", lambda *a: iter(()), "wrong"),
    (counted, values, "_vanished", lambda *a: None, "imprecise"),
    (guarded, _constants, "crossed", lambda *a, **k: set(), "wrong"),
]


@pytest.mark.parametrize(
    ("build", "module", "name", "nothing", "verdict"), LOOKS, ids=[look[0].__name__ for look in LOOKS]
)
def test_a_kind_of_mistake_is_found_by_its_own_look(monkeypatch, build, module, name, nothing, verdict):
    for bug, expected in ((True, verdict), (False, "correct")):
        f, args = build(bug)
        report = audit.custom_vjp(f, *args, **QUICK)
        assert report.verdict == expected, report
    monkeypatch.setattr(module, name, nothing)
    f, args = build(True)
    assert audit.custom_vjp(f, *args, **QUICK).verdict == "correct"


def flat_copy(bug):
    """The bytes of an array as they lie in memory."""

    def hand(w, x):
        rows = np.ravel(x, order="K" if bug else "C").reshape(x.shape)
        return rows.T @ (np.asarray(x) @ w)

    return hand


def test_a_numpy_rule_that_relies_on_the_layout_is_found(monkeypatch):
    def loss(w, x):
        return ((x @ w) ** 2).sum() / 2

    args = normal(3, 2), normal(5, 3)
    report = audit.gradient(loss, flat_copy(True), *args, variants=0, **QUICK)
    assert [f.code for f in report.findings if f.weight == "wrong"] == ["layout-differs"], report
    assert audit.gradient(loss, flat_copy(False), *args, variants=0, **QUICK).verdict == "correct"
    monkeypatch.setattr(layout, "LAYOUTS", {})
    assert audit.gradient(loss, flat_copy(True), *args, variants=0, **QUICK).verdict == "correct"


def clamp_rule(names):
    """A clamp whose limits' gradients are right while the lower is below the upper."""

    def bwd(residuals, g):
        x, low, high = residuals
        return g * ((x >= low) & (x <= high)), (g * (x < low)).sum(), (g * (x > high)).sum()

    def clamped(x, low, high):
        return jnp.clip(x, low, high)

    def anything(x, p, q):
        return jnp.clip(x, p, q)

    body = clamped if names else anything
    return rule(body, lambda x, p, q: (jnp.clip(x, p, q), (x, p, q)), bwd)


def test_a_lower_and_an_upper_limit_stay_in_order_by_their_names():
    args = normal(4, 4), np.float32(-1), np.float32(1)
    assert audit.custom_vjp(clamp_rule(True), *args, mutate=False, explain=False).verdict == "correct"
    assert audit.custom_vjp(clamp_rule(False), *args, mutate=False, explain=False, variants=0).verdict == "wrong"


def test_a_shape_at_which_the_rule_returns_another_shape_is_named():
    def bwd(x, g):
        return g, g.sum(0)

    f = rule(lambda x, b: x + b, lambda x, b: (x + b, x), bwd)
    report = audit.custom_vjp(f, normal(3, 4), normal(4), **QUICK)
    assert report.verdict == "correct", report
    assert any("one axis more" in said and "cotangent of shape (3, 4)" in said for said in report.not_varied), report


def test_settings_that_integers_of_the_example_refer_to_are_left_alone():
    assert _siblings._other_settings(3, [np.array([0, 3])]) == []
    assert _siblings._other_settings(3, [np.array([0, 2])]) == [4]
    assert _siblings._other_settings(2, []) == [1, 3]
    assert _siblings._other_settings(-1, []) == [-2, 0]
