"""Options that are words, lengths that become equal, two approximations: what other settings of a rule may show, and what not."""

import enum
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bpnn_jax import audit
from bpnn_jax.audit import _approximate, _elsewhere, _precision
from bpnn_jax.audit._executor import Executor
from bpnn_jax.audit._rules import decorated_rule
from bpnn_jax.audit._subject import subject
from tests.bpnn_jax.audit.planted import normal

pytestmark = pytest.mark.quick_xla

QUICK: dict[str, Any] = {"draws": 2, "mutate": False, "explain": False}


def rule(fun, bwd, **options):
    fixed = options.get("nondiff_argnums", ())
    f = jax.custom_vjp(fun, **options)
    f.defvjp(lambda *args: (fun(*args), args[0] if fixed else args), bwd)
    return f


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


def gumbel(bug):
    """A rule that forgets a temperature, which is 1 in the example, of a function that is a number for u below 1 alone."""

    def f(u, temperature):
        return -jnp.log(-jnp.log(u)) / temperature

    def bwd(temperature, u, g):
        return (-g / (u * jnp.log(u)) / (1.0 if bug else temperature),)

    return rule(f, bwd, nondiff_argnums=(1,)), (np.array([0.2, 0.5, 0.9], np.float32), 1.0)


def interpolated(bug):
    """The slope of a piece goes on outside of the knots, where the function is constant."""

    def f(x, xp, fp):
        return jnp.interp(x, xp, fp)

    def bwd(r, g):
        x, xp, fp = r
        i = jnp.clip(jnp.searchsorted(xp, x, side="right"), 1, len(xp) - 1)
        inside = (x >= xp[0]) & (x <= xp[-1])
        h = xp[i] - xp[i - 1]
        w, slope = jnp.clip((x - xp[i - 1]) / h, 0, 1), (fp[i] - fp[i - 1]) / h
        dx = g * slope if bug else jnp.where(inside, g * slope, 0.0)
        right, left = g * w, g * (1 - w)
        moved = jnp.where(inside, g * slope, 0.0)
        dxp = jnp.zeros_like(xp).at[i].add(-moved * w).at[i - 1].add(-moved * (1 - w))
        return dx, dxp, jnp.zeros_like(fp).at[i].add(right).at[i - 1].add(left)

    knots = np.array([0.0, 0.8, 1.9, 3.0], np.float32)
    return rule(f, bwd), (np.array([0.5, 1.2, 2.7], np.float32), knots, normal(4))


def least_squares(bug):
    """More equations than unknowns: at other shapes there may be fewer, and then no one solution."""

    def solve(a, b):
        return jnp.linalg.solve(a.T @ a, a.T @ b)

    def bwd(r, g):
        a, b, x = r[0], r[1], solve(*r)
        u = jnp.linalg.solve(a.T @ a, g)
        return jnp.outer(b - a @ x, u) - (0.0 if bug else 1.0) * jnp.outer(a @ u, x), a @ u

    return rule(solve, bwd), (normal(5, 3), normal(5))


def variance(bug):
    """Where all numbers are alike the gradient is 0, and what rounding leaves of it is no mistake."""
    body = partial(jnp.var, axis=0, ddof=1)
    return rule(body, lambda r, g: (g * 2 * (r[0] - r[0].mean(0)) / (len(r[0]) - (0 if bug else 1)),)), (normal(4, 3),)


@pytest.mark.parametrize("build", [gumbel, interpolated, variance])
def test_other_settings_are_looked_at_where_the_function_has_a_meaning(build):
    for bug, verdict in ((True, "wrong"), (False, "correct")):
        f, args = build(bug)
        report = audit.custom_vjp(f, *args, **QUICK, variants=6)
        assert report.verdict == verdict, report


def test_a_system_with_fewer_equations_than_unknowns_is_left_out():
    """Where nothing but rounding decides; equal numbers, of which one alone is the largest after a nudge, are no such thing."""

    def singular(f, *args):
        execute = Executor(subject(decorated_rule("custom_vjp", f, args, None, None), 0))
        example = execute.subject.example
        return _elsewhere._is_singular(execute, example, execute.reference(example, execute.subject.widest))

    solve, _ = least_squares(False)
    assert singular(solve, normal(3, 5), normal(3))
    assert not singular(solve, normal(5, 3), normal(5))
    largest = rule(lambda x: x.max(), lambda r, g: (g * (r[0] == r[0].max()) / (r[0] == r[0].max()).sum(),))
    assert not singular(largest, np.float32([0.3, 0.7, 0.7]))
    square = audit.custom_vjp(solve, normal(3, 3), normal(3))  # at other shapes there are fewer
    assert square.verdict == "correct", square


def test_what_rounds_another_way_at_another_scale_is_linear():
    """The derivative of a matrix exponential by the exponential of a block, whose squarings depend on the cotangent's size."""

    def by_block(a, g):
        n = len(a)
        return jax.scipy.linalg.expm(jnp.block([[a.T, g], [jnp.zeros_like(a), a.T]]))[:n, n:]

    f = rule(jax.scipy.linalg.expm, lambda r, g: (by_block(r[0], g),))
    assert audit.custom_vjp(f, 0.3 * normal(2, 2), **QUICK, variants=0).verdict == "correct"
    clipped = rule(jnp.sin, lambda r, g: (jnp.clip(jnp.cos(r[0]) * g, -100, 100),))
    assert [f.code for f in audit.custom_vjp(clipped, normal(3), **QUICK, variants=0).findings] == ["not-linear"]
