"""What JAX does, the auditor does: loops, complex numbers, static arguments, jit, whole numbers; and what a pass has seen."""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bpnn_jax import audit
from bpnn_jax.audit import _turns
from bpnn_jax.errors import InputError
from tests.bpnn_jax.audit.planted import normal, plain
from tests.bpnn_jax.audit.test_vary import rule

pytestmark = pytest.mark.quick_xla

QUICK = {"draws": 3, "mutate": False, "variants": 0}
X = normal(4)


def found(report, code):
    return next((f for f in report.findings if f.code == code), None)


def newton(a):
    """A square root by a loop of unknown length, which has no reverse mode."""
    far = lambda s: jnp.any(abs(s[0] - s[1]) > 1e-15 * s[0]) & (s[2] < 60)  # noqa: E731
    return jax.lax.while_loop(far, lambda s: (0.5 * (s[0] + a / s[0]), s[0], s[2] + 1), (a, 2 * a + 1, 0))[0]


@pytest.mark.parametrize("bug", [False, True])
def test_a_loop_without_reverse_mode_is_differentiated_forwards(bug):
    f = rule(newton, lambda a: (newton(a), newton(a)), lambda y, g: (g / y if bug else g / (2 * y),))
    report = audit.custom_vjp(f, abs(X) + 0.3, **QUICK)
    assert report.verdict == ("wrong" if bug else "correct"), report


def test_a_loop_that_might_not_end_is_given_no_large_numbers():
    """In float32 y² comes within 1e-5 of no number above 100: the loop would run for ever."""

    def root(a):
        return jax.lax.while_loop(lambda y: jnp.max(abs(y * y - a)) > 1e-5, lambda y: 0.5 * (y + a / y), 0.5 * a + 0.5)

    f = rule(root, lambda a: (root(a), root(a)), lambda y, g: (g / (2 * y),))
    example = np.array([0.3, 1.0, 0.7], np.float32)
    report = audit.custom_vjp(f, example, draws=2, mutate=False, variants=4, reference=jnp.sqrt)
    assert report.verdict == "correct", report
    assert any("a loop might not end" in said for said in report.not_varied)


@pytest.mark.parametrize("bug", [False, True])
def test_a_callback_is_judged_by_differences(bug):
    def sine(x):
        return jax.pure_callback(np.sin, jax.ShapeDtypeStruct(x.shape, x.dtype), x)

    f = rule(sine, lambda x: (sine(x), x), lambda x, g: (g * (jnp.sin(x) if bug else jnp.cos(x)),))
    report = audit.custom_vjp(f, X, **QUICK)
    assert report.verdict == ("wrong" if bug else "correct"), report


@pytest.mark.parametrize("bug", [False, True])
def test_a_solver_is_judged_within_its_tolerance(bug):
    def bisected(a):
        def body(c):
            middle = 0.5 * (c[0] + c[1])
            up = middle + middle**3 < a
            return jnp.where(up, middle, c[0]), jnp.where(up, c[1], middle)

        low, high = jax.lax.while_loop(lambda c: (c[1] - c[0]).max() > 1e-6, body, (-abs(a) - 1, abs(a) + 1))
        return 0.5 * (low + high)

    def closed(a):
        r = jnp.sqrt(a * a / 4 + 1 / 27)
        return jnp.cbrt(a / 2 + r) + jnp.cbrt(a / 2 - r)

    bwd = lambda x, g: (g * (1 + 3 * x**2) if bug else g / (1 + 3 * x**2),)  # noqa: E731
    f = rule(bisected, lambda a: (bisected(a), bisected(a)), bwd)
    report = audit.custom_vjp(f, X, **QUICK, reference=closed)
    assert report.verdict == ("wrong" if bug else "correct"), report


def stopped_short(unrolled):
    """A descent to the minimum of (w - d)², which is d, up to a tolerance of 1e-4 or for twelve steps."""

    def until(d):
        def body(c):
            slope = 2 * (c[0] - d)
            return c[0] - 0.3 * slope, abs(slope).max()

        return jax.lax.while_loop(lambda c: c[1] > 1e-4, body, (jnp.zeros_like(d), jnp.ones((), d.dtype)))[0]

    def steps(d):
        return jax.lax.fori_loop(0, 12, lambda _, w: w - 0.6 * (w - d), jnp.zeros_like(d))

    return steps if unrolled else until


@pytest.mark.parametrize(("unrolled", "factor"), [(True, 1.0), (False, 1.0), (False, 1.02)])
def test_a_solver_without_a_reference_is_judged_within_what_more_turns_change(monkeypatch, unrolled, factor):
    solve = stopped_short(unrolled)
    f = rule(solve, lambda d: (solve(d), None), lambda _, g: (factor * g,))
    options = {**QUICK, "variants": 0}
    report = audit.custom_vjp(f, X, **options)
    assert report.verdict == ("correct" if factor == 1 else "wrong"), report
    monkeypatch.setattr(_turns, "at_other_turns", lambda *a: [])
    assert (
        audit.custom_vjp(f, X, **options).verdict == "wrong"
    )  # for the iteration's derivative is off as the iteration is


@pytest.mark.parametrize("conjugate", [False, True])
def test_complex_arguments_by_jaxs_convention(conjugate):
    turn = jnp.conj if conjugate else (lambda z: z)
    f = rule(lambda a, b: a @ b, lambda a, b: (a @ b, (a, b)), lambda r, g: (g @ turn(r[1]).T, turn(r[0]).T @ g))
    z = (normal(3, 2) + 1j * normal(3, 2, seed=1)).astype(np.complex64)
    report = audit.custom_vjp(f, z, z.T, draws=2, variants=0)
    assert (report.verdict, report.dtype) == ("wrong" if conjugate else "correct", "complex64"), report
    assert conjugate or report.power.mutants == report.power.caught > 3
    assert audit.custom_vjp(f, z.real, z.T, **QUICK).verdict == ("wrong" if conjugate else "correct")


@functools.partial(jax.custom_jvp, nondiff_argnums=(0,))
def scaled(nu, x):
    return x**3 / math.gamma(nu)  # takes a Python number only


scaled.defjvp(lambda nu, p, t: (scaled(nu, *p), 3 * p[0] ** 2 / math.gamma(nu) * t[0]))


def test_what_is_static_stays_static():
    assert audit.custom_jvp(scaled, 1.5, X, **QUICK).verdict == "correct"


@pytest.mark.parametrize("wrap", [jax.jit, lambda f: functools.partial(f), lambda f: lambda x: 2 * f(x)])
@pytest.mark.parametrize("bug", [False, True])
def test_a_rule_behind_jit_or_inside_another_function(wrap, bug):
    f = rule(jnp.sin, lambda x: (jnp.sin(x), x), lambda x, g: (g * (jnp.sin(x) if bug else jnp.cos(x)),))
    for face in (audit.custom_vjp, audit.custom_jvp):
        assert face(wrap(f), X, **QUICK).verdict == ("wrong" if bug else "correct")


def test_equinoxs_rules():
    eqx = pytest.importorskip("equinox")

    @eqx.filter_custom_vjp
    def square(x, n):
        return x**2

    square.def_fwd(lambda perturbed, x, n: (x**2, x))
    square.def_bwd(lambda x, g, perturbed, _, n: 2 * x * g)
    assert audit.custom_vjp(square, X, None, **QUICK).verdict == "correct"


def test_whole_numbers_in_and_out():
    def counted(x, t):
        t = jnp.clip(t, 0, 3)
        return x[t] ** 2, jnp.int32(8)

    def bwd(residuals, g):
        x, t = residuals
        assert g[1].dtype == jax.dtypes.float0
        return jnp.zeros_like(x).at[t].add(2 * x[t] * g[0]), None

    f = rule(counted, lambda x, t: (counted(x, t), (x, t)), bwd)
    assert audit.custom_vjp(f, X, np.array([2, 0, 2]), **QUICK).verdict == "correct"  # int64, as NumPy has it


def test_a_function_that_casts_is_judged_in_what_is_left():
    f = functools.partial(jax.custom_jvp, nondiff_argnums=(0,))(lambda dtype, x: jnp.asarray(x, dtype))
    f.defjvp(lambda dtype, p, t: (f(dtype, *p), jnp.asarray(t[0], dtype)))
    assert audit.custom_jvp(f, jnp.float32, X, **QUICK).verdict == "correct"
    # Differences of what is rounded to float32 are rough in float64's scale: they contradict nobody.
    report = audit.custom_jvp(f, jnp.float32, jnp.linspace(-1, 1, 4), **{**QUICK, "draws": 3, "variants": 0})
    assert report.verdict == "correct", report


@pytest.mark.parametrize("bug", [False, True])
def test_buffers_of_a_fixed_dtype(bug):
    def hand(z, y):
        p = np.zeros(z.shape, np.float32)
        np.exp(z - z.max(-1, keepdims=True), out=p, casting="same_kind")
        p /= p.sum(-1, keepdims=True)
        return (p - y if bug else (p - y) / np.float32(len(z))).astype(np.float32)

    def loss(z, y):
        return -jnp.mean(jnp.sum(y * jax.nn.log_softmax(z, -1), -1))

    one_hot = np.eye(3, dtype=np.float32)[[0, 2, 1, 1]]
    report = audit.gradient(loss, hand, normal(4, 3), one_hot, **{**QUICK, "variants": 4})
    assert report.verdict == ("wrong" if bug else "correct"), report
    assert not bug or "multiplied by 4" in report.findings[0].cause


def test_control_flow_on_values_is_run_as_it_is():
    bwd = lambda x, g: (2 * x * g if bool(jnp.any(x != 0.0)) else jnp.zeros_like(x),)  # noqa: E731
    report = audit.custom_vjp(rule(jnp.square, lambda x: (x * x, x), bwd), X, **QUICK)
    assert report.verdict == "correct", report


def test_a_rule_with_a_primal_of_its_own():
    f = jax.custom_jvp(jnp.sin)
    f.defjvp(lambda p, t: (jnp.sin(p[0]) + 1.0, jnp.cos(p[0]) * t[0]))
    assert found(audit.custom_jvp(f, X, **QUICK), "primal-differs")
    g = jax.custom_vjp(jnp.sin)
    g.defvjp(lambda x: (jnp.sin(x.value) + 1.0, x.value), lambda x, c: (jnp.cos(x) * c,), symbolic_zeros=True)
    assert found(audit.custom_vjp(g, X, **QUICK), "primal-differs")


@pytest.mark.parametrize(
    ("f", "mended"),
    [
        (lambda x: jax.nn.logsumexp(x, -1), lambda y: jnp.where(jnp.isfinite(y), y, 0.0)),  # at a row of -inf
        (lambda x: jnp.sqrt((x * x).sum(-1)), lambda y: jnp.where(y == 0, 2.0, y)),  # at a row of zeros
    ],
)
@pytest.mark.parametrize("bug", [False, True])
def test_a_value_of_its_own_where_a_row_is_zero_or_masked(f, mended, bug):
    g = jax.custom_jvp(f)
    g.defjvp(lambda p, t: (mended(f(*p)) if bug else f(*p), jax.jvp(f, p, t)[1]))
    report = audit.custom_jvp(g, normal(3, 4), **{**QUICK, "variants": 0})
    assert report.verdict == ("wrong" if bug else "correct"), report
    assert not bug or found(report, "primal-differs").draw.startswith("with a row of")


def test_a_surrogate_is_no_mistake_until_it_is_held_against_its_own_function():
    spike = jax.custom_jvp(lambda x: jnp.where(x > 0, 1.0, 0.0))
    spike.defjvp(lambda p, t: (spike(*p), t[0] / (1 + 10 * abs(p[0])) ** 2))
    report = audit.custom_jvp(spike, X, **{**QUICK, "variants": 2})
    assert report.verdict == "inconclusive"
    assert "reference=" in found(report, "surrogate").sentence
    smooth = lambda x: x / (1 + 10 * abs(x))  # noqa: E731
    assert audit.custom_jvp(spike, X, **QUICK, reference=smooth).verdict == "correct"


# --- what a pass saw ---


def test_a_loop_counter_kept_as_a_float_is_not_moved_by_random_rounding():
    f = jax.custom_jvp(lambda x: x * (1 + 1 / 2 + 1 / 3 + 1 / 4))

    def jvp(p, t):
        start = jnp.asarray(4.0, p[0].dtype), jnp.zeros((), p[0].dtype)
        _, h = jax.lax.while_loop(lambda s: s[0] > 0.0, lambda s: (s[0] - 1.0, s[1] + 1.0 / s[0]), start)
        return f(*p), 2.0 * h * t[0]

    f.defjvp(jvp)
    report = audit.custom_jvp(f, X, **QUICK)
    assert report.verdict == "wrong"
    assert found(report, "wrong-value").cause.startswith("twice too large; right without its first factor"), report


def secant(a):
    def step(s, _):
        x, y = s
        d = (y * y - a) - (x * x - a)
        return (y, y - (y * y - a) * (y - x) / jnp.where(abs(d) < 1e-30, 1e-30, d)), None

    return jax.lax.scan(step, (0.5 * a + 0.1, 0.5 * a + 0.6), None, length=6)[0][1]


def test_an_allowance_has_a_ceiling(monkeypatch):
    """float32 autodiff of an unrolled secant iteration is garbage, and would allow for anything."""
    f = rule(secant, lambda a: (secant(a), a), lambda a, g: (3 * g / (2 * jnp.sqrt(a)),))
    example = np.array([0.7, 2.0], np.float32)
    options = {"draws": 4, "ranges": (0.5, 3.0), "mutate": False, "explain": False, "variants": 0}
    assert audit.custom_vjp(f, example, **options).verdict == "wrong"
    monkeypatch.setattr("bpnn_jax.audit._judge.ZERO_LIKE", np.inf)  # no leaf has a ceiling
    assert audit.custom_vjp(f, example, **options).verdict == "correct"


@pytest.mark.parametrize(
    ("loss", "hand", "args", "code"),
    [
        (lambda x: jnp.sum(jnp.round(x)), jnp.zeros_like, (X,), "nothing-seen"),
        (lambda x: jnp.sum(x**2), lambda x: 2 * x, (np.zeros((0, 3), np.float32),), "nothing-seen"),
        (lambda x: jnp.sum(jnp.log(-x)), lambda x: 1 / x, (abs(X),), "nan-in-function"),
    ],
)
def test_a_pass_that_saw_nothing_is_none(loss, hand, args, code):
    report = audit.gradient(loss, hand, *args, **QUICK)
    assert report.verdict == "inconclusive", report
    assert found(report, code)


def test_a_function_that_raises_costs_the_draw_and_not_the_report():
    def picky(x):
        if (np.asarray(x) < 0.3).any():
            raise ValueError("outside")
        return np.sqrt(np.asarray(x))

    def body(x):
        return jax.pure_callback(picky, jax.ShapeDtypeStruct(x.shape, x.dtype), x)

    f = rule(body, lambda x: (jnp.sqrt(x), x), lambda x, g: (g / jnp.sqrt(x),))
    options = {"mutate": False, "variants": 0, "reference": jnp.sqrt}
    report = audit.custom_vjp(f, np.array([0.7, 1.1], np.float32), ranges=(0.5, 2.0), **options)
    assert report.verdict == "wrong"


def test_a_factorisations_pivots_are_no_mutants():
    f = jax.custom_jvp(lambda a: jnp.linalg.slogdet(a)[1])
    f.defjvp(lambda p, t: (f(*p), jnp.trace(jnp.linalg.inv(p[0]) @ t[0])))
    report = audit.custom_jvp(f, normal(2, 2), draws=1, variants=0)
    assert report.verdict == "correct", report
    assert report.power.caught > 3


# --- sets ---


def test_a_rule_that_holds_on_a_set():
    def dense(s, w):
        return s @ w

    f = rule(dense, lambda s, w: (s @ w, (s > 0, w)), lambda r, g: (g @ r[1].T, r[0].astype(g.dtype).T @ g))
    s, w = (normal(4, 3) > 0).astype(np.float32), normal(3, 2)
    assert audit.custom_vjp(f, s, w, **QUICK, domain={0: "binary"}).verdict == "correct"
    report = audit.custom_vjp(f, s, w, **QUICK)  # the example lies on the set: so it is not called wrong
    assert report.verdict == "correct"
    assert "binary" in found(report, "holds-on-a-set").sentence
    assert audit.custom_vjp(f, normal(4, 3), w, **QUICK).verdict == "wrong"
    assert audit.custom_vjp(f, s, w, **QUICK, domain={0: lambda rng, shape: rng.random(shape)}).verdict == "wrong"


def test_only_the_symmetric_part_counts_on_symmetric_matrices():
    def half(a):
        return jnp.sum(jnp.tril(a) ** 2) + jnp.sum(jnp.tril(a, -1) ** 2)

    def hand(a):
        return 2 * a

    symmetric = normal(3, 3) + normal(3, 3).T
    assert audit.gradient(half, hand, symmetric, **QUICK, domain="symmetric").verdict == "correct"
    assert audit.gradient(half, hand, normal(3, 3), **QUICK).verdict == "wrong"


@pytest.mark.parametrize(
    ("domain", "said"),
    [
        ("simplx", "unknown domain 'simplx'; did you mean 'simplex'"),
        ("symmetric", "square matrices"),
        ({"w": "unit"}, "domain for"),
    ],
)
def test_bad_domains(domain, said):
    with pytest.raises(InputError, match=said):
        audit.gradient(lambda x: jnp.sum(x), jnp.ones_like, normal(2, 3), **QUICK, domain=domain)


# --- causes ---


def test_causes_that_the_cotangents_tell():
    f = rule(jnp.sin, lambda x: (jnp.sin(x), x), lambda x, g: (jnp.cos(x) + 0 * g,))
    assert "not multiplied in" in found(audit.custom_vjp(f, X, **QUICK), "wrong-value").cause

    def two(x):
        return jnp.sin(x), jnp.cos(x)

    report = audit.vjp(two, plain(two), lambda r, g: (g[0] * jnp.cos(r[0]),), X, **QUICK)
    assert found(report, "wrong-value").cause == "the cotangent of output 1 has no effect"


def test_a_sum_over_an_axis_too_many():
    def loss(b, x):
        return jnp.sum(jnp.sin(x + b))

    def hand(b, x):
        return jnp.full_like(b, jnp.cos(x + b).sum())

    assert (
        "summed over axis 0 too"
        in found(audit.gradient(loss, hand, normal(3), normal(5, 3), **QUICK), "wrong-value").cause
    )


def test_state_between_calls():
    kept = {}

    def hand(w, x):
        a = kept.setdefault((w.shape, x.shape, str(w.dtype)), np.tanh(x @ w))
        return x.T @ (2 * a * (1 - a * a))

    report = audit.gradient(lambda w, x: jnp.sum(jnp.tanh(x @ w) ** 2), hand, normal(3, 2), normal(4, 3), **QUICK)
    assert found(report, "wrong-value").cause.startswith("state")


def test_a_wrong_report_can_be_run_again_and_says_no_inf():
    report = audit.gradient(lambda x: jnp.sum(jnp.maximum(x, 0)), jnp.ones_like, X, draws=3, mutate=False)
    finding = found(report, "wrong-value")
    assert "where 0 is right: absolute error 1" in finding.sentence
    assert "inf" not in str(report).replace("inf in any", "")
    code = finding.smallest["paste"]
    names: dict = {}
    exec(code, {"np": np}, names)  # what the report prints is meant to be pasted
    assert names["args"][0].shape == X.shape
    assert report.arguments == ("x",)
