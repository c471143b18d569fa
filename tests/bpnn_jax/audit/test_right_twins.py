"""Right rules that were once called wrong or imprecise, each with the judgement that spares it left out."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bpnn_jax import audit
from bpnn_jax.audit import _approximate, _siblings, _work
from bpnn_jax.audit._draws import Drawn
from bpnn_jax.audit._executor import Executor
from bpnn_jax.audit._judge import judge
from bpnn_jax.audit._rules import decorated_rule
from bpnn_jax.audit._subject import subject
from bpnn_jax.audit.checks import values
from tests.bpnn_jax.audit.planted import normal

pytestmark = pytest.mark.quick_xla

QUICK: dict[str, Any] = {"draws": 3, "mutate": False, "explain": False}
C = 1.7159


def test_numbers_that_rise_stay_in_their_range_where_many_are_wanted():
    """A solver that stops after so many turns is another function at 58 000 than at 3."""
    x = np.linspace(0.5, 3, 4).astype(np.float32)
    longer = _siblings._longer(x, 8, 0)
    assert (np.diff(longer) > 0).all()
    assert longer[-1] > 6
    many = _siblings._longer(np.stack([x, 2 * x]), 70_000, 1)
    assert many.dtype == np.float32
    assert (np.diff(many) > 0).all()
    assert many[:, [0, -1]].tolist() == [[0.5, 3.0], [1.0, 6.0]]


def cut_off(x):
    """cos x by its series up to 1.75, where 2e-7 are left out of the slope, and by cos x beyond."""
    terms = [(-1.0) ** k * x ** (2 * k) / float(np.prod(np.arange(1.0, 2 * k + 1))) for k in range(8)]
    return jnp.where(abs(x) <= 1.75, sum(terms), jnp.cos(x))


def slope_of_root(x):
    return jnp.minimum(0.5 / jnp.sqrt(x), 10.0)


def is_approximate(f, at):
    x = np.array(at, np.float32)
    execute = Executor(subject(decorated_rule("custom_jvp", f, (x,), None, None), 0))
    placed = judge(execute, Drawn("at the program's constants", [x.astype(np.float64)], placed=True))
    return _approximate.is_approximate(execute, [placed], 0)


def test_a_series_that_is_cut_off_where_float32_cannot_tell_is_an_approximation(monkeypatch):
    series, clipped = jax.custom_jvp(cut_off), jax.custom_jvp(jnp.sqrt)
    series.defjvps(lambda t, out, x: -jnp.sin(x) * t)
    clipped.defjvps(lambda t, out, x: slope_of_root(x) * t)
    assert is_approximate(series, [1.7, 0.5, 1.2])
    assert not is_approximate(clipped, [0.0025, 1.2, 0.5]), "1e-7 off there, and 10 times at a hundredth of it"
    monkeypatch.setattr(_approximate, "UNSEEN", 0.0)
    assert not is_approximate(series, [1.7, 0.5, 1.2])


def test_a_leaf_that_is_zero_but_for_rounding_has_no_digits_to_lose(monkeypatch):
    """c - a²/c of a scaled tanh that is c to the last bit: 1e-16, where autodiff has 0."""

    def loss(w, x):
        return w @ (C * jnp.tanh(2 / 3 * x))

    def hand(w, x, off=0.0):
        a = C * jnp.tanh(2 / 3 * x)
        return a, 2 / 3 * (C - a**2 / C) * w + off

    with jax.enable_x64(True):
        args = np.array([0.5, 1.5, -2.0]), np.array([40.0, 55.0, 61.0])
        settings = {**QUICK, "argnums": (0, 1), "ranges": {1: (40.0, 70.0)}, "variants": 0}
        report = audit.gradient(loss, hand, *args, **settings)
        assert report.verdict == "correct", report
        assert audit.gradient(loss, lambda w, x: hand(w, x, 1e-6), *args, **settings).verdict == "wrong"
        monkeypatch.setattr(values, "_is_zero", lambda *_: False)
        assert audit.gradient(loss, hand, *args, **settings).verdict == "imprecise"


def test_a_gradient_that_is_gone_where_half_precision_is_saturated_is_no_finding(monkeypatch):
    f = jax.custom_vjp(jnp.tanh)
    f.defvjp(lambda x: (jnp.tanh(x), jnp.tanh(x)), lambda a, c: ((1 - a * a) * c,))
    x = jnp.full(3, 4.5, jnp.bfloat16)
    assert audit.custom_vjp(f, x, **QUICK, variants=0).verdict == "correct"
    monkeypatch.setattr(values, "SMALLER", 1.0)
    assert audit.custom_vjp(f, x, **QUICK, variants=0).verdict == "imprecise"


def test_a_long_scan_in_half_precision_is_dear():
    """A CPU converts all that the loop has collected, at every turn: 70 000 turns take minutes."""

    def costs(dtype):
        f = jax.custom_vjp(lambda x: jax.lax.scan(lambda h, u: (h + u, h * u), x[0], x)[1])
        f.defvjp(lambda x: (f(x), x), lambda x, c: (c,))
        found = _work._cost(
            Executor(subject(decorated_rule("custom_vjp", f, (jnp.ones(70_000, dtype),), None, None), 0))
        )
        assert found
        return found[1]

    assert costs(jnp.bfloat16) > _work.MOST > costs(jnp.float32)


def custom(fun, bwd, **options):
    fixed = options.get("nondiff_argnums", ())
    f = jax.custom_vjp(fun, **options)
    f.defvjp(lambda *args: (fun(*args), tuple(a for i, a in enumerate(args) if i not in fixed)), bwd)
    return f


def strided(bug):
    """Wrong for strides above 2, at even lengths alone."""

    def f(x, w, stride):
        return sum(w[j] * x[j : len(x) - len(w) + 1 + j : stride] for j in range(len(w)))

    def bwd(stride, r, g):
        x, w = r
        dx = jnp.zeros_like(x)
        for j in range(len(w)):
            dx = dx.at[j : len(x) - len(w) + 1 + j : stride].add(w[j] * g)
        off = 2 if bug and stride > 2 and len(x) % 2 == 0 else 1
        return dx, off * jnp.stack([g @ x[j : len(x) - len(w) + 1 + j : stride] for j in range(len(w))])

    return custom(f, bwd, nondiff_argnums=(2,)), (normal(9), normal(3), 2)


def clamped(bug):
    """A unit vector, and x / 0.01 where x is shorter; a row of zeros is shorter, and shows nothing."""

    def f(x):
        return x / jnp.maximum(jnp.linalg.norm(x, axis=-1, keepdims=True), 1e-2)

    def bwd(r, g):
        (x,) = r
        norm = jnp.linalg.norm(x, axis=-1, keepdims=True)
        m = jnp.maximum(norm, 1e-2)
        along = x * (g * x).sum(-1, keepdims=True) / m**3
        return (g / m - (along if bug else jnp.where(norm > 1e-2, along, 0.0)),)

    return custom(f, bwd), (normal(3, 4),)


def divergence(bug):
    """A mean over the first axis; with one axis more in one argument each leaf lacks a length of its own."""

    def f(m, v):
        return -0.5 * (1 + v - m**2 - jnp.exp(v)).sum(-1).mean()

    def bwd(r, g):
        m, v = r
        n = m.size if bug else m.shape[0]
        return g * m / n, -0.5 * g * (1 - jnp.exp(v)) / n

    return custom(f, bwd), (normal(4, 1), normal(4, 1, seed=1))


@pytest.mark.parametrize(("build", "variants"), [(strided, 11), (clamped, 7), (divergence, 8)])
def test_each_wrong_rule_is_told_from_its_right_twin(monkeypatch, build, variants):
    monkeypatch.setattr(_siblings, "_large", lambda *_: iter(()))  # dear, and shows nothing of these
    for bug, verdict in ((True, "wrong"), (False, "correct")):
        f, args = build(bug)
        report = audit.custom_vjp(f, *args, **QUICK, variants=variants)
        assert report.verdict == verdict, report
