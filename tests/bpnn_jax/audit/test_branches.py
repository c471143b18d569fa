"""Which sides were taken, draws for the others, wrong versions inside loops, and the line at which one change makes a rule right."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.experimental import pallas as pl

from bpnn_jax import audit
from bpnn_jax.audit import _bounded, _branches, _inner, _programs, _repair, _vary
from tests.bpnn_jax.audit.planted import normal

pytestmark = pytest.mark.quick_xla


def rule(fun, bwd):
    f = jax.custom_vjp(fun)
    f.defvjp(lambda *args: (fun(*args), args), bwd)
    return f


def sized(bug):
    """Another slope where the sum of squares is small: no element alone tells."""

    def slope(x, factor):
        return jnp.where((x * x).sum() < 1e-3, factor, 1.0)

    return rule(lambda x: slope(x, 3.0) * x, lambda r, g: (slope(r[0], 1.0 if bug else 3.0) * g,))


QUICK: dict[str, Any] = {"mutate": False, "explain": False}


def test_a_draw_is_found_for_a_branch_that_none_took(monkeypatch):
    monkeypatch.setattr(_vary, "_values", lambda *a: iter(()))
    report = audit.custom_vjp(sized(True), normal(3), variants=6, **QUICK)
    assert report.verdict == "wrong", report
    assert "for a branch" in report.findings[0].draw
    assert audit.custom_vjp(sized(False), normal(3), variants=6, **QUICK).verdict == "correct"
    monkeypatch.setattr(_branches.Coverage, "further", lambda *a: [])
    blind = audit.custom_vjp(sized(True), normal(3), variants=6, **QUICK)
    assert blind.verdict == "correct"
    assert any("the second case of select_n at test_branches.py" in side for side in blind.not_exercised), blind


def test_a_branch_that_no_number_reaches_is_not_exercised_and_not_called_harmless():
    f = rule(lambda x: x * x, lambda r, g: (2 * r[0] * jnp.where(abs(r[0]) > 1e30, 7.0, 1.0) * g,))
    report = audit.custom_vjp(f, normal(3), draws=2, explain=False)
    assert report.branches[0] < report.branches[1]
    assert "not exercised: the second case of select_n" in str(report)
    survivors = [s for s in report.power.survivors if "select_n" in s.change]
    assert survivors
    assert not any(s.exercised for s in survivors)


def kernel(x_ref, g_ref, out_ref):
    out_ref[...] = 2 * x_ref[...] * g_ref[...]


BODIES = {
    "scan": lambda x, g: jax.lax.scan(lambda h, t: (h, t[0] * 2 * t[1]), 0.0, (x, g))[1],
    "while": lambda x, g: jax.lax.while_loop(lambda s: s[0] < 1, lambda s: (s[0] + 1, s[1] * x), (0, g))[1] * 2,
    "cond": lambda x, g: jax.lax.cond(x.sum() > 0, lambda a: 2 * a * g, lambda a: a * g + g * a, x),
    "pallas_call": lambda x, g: pl.pallas_call(
        kernel, out_shape=jax.ShapeDtypeStruct(g.shape, g.dtype), interpret=True
    )(x, g),
}


@pytest.mark.parametrize("name", BODIES)
def test_power_reaches_inside(monkeypatch, name):
    """A wrong version inside is made, and caught: were it none, it would survive."""
    made = []
    changed = _inner.changed
    monkeypatch.setattr(_inner, "changed", lambda op: (made.append(c.what) or c for c in changed(op)))
    f = rule(lambda x: x * x, lambda r, g: (BODIES[name](r[0], g),))
    report = audit.custom_vjp(f, normal(4), variants=0, explain=False)
    assert any(what.startswith(f"{name}: mul inside") for what in made), made
    assert report.power.caught == report.power.mutants - sum(s.harmless for s in report.power.survivors), report
    assert report.power.mutants > len(made)


def layer(w, x):
    return jnp.tanh(x @ w)


def slope_of_a(r, g):
    w, x = r
    delta = g * (1 - layer(w, x))
    return x.T @ delta, delta @ w.T


def sign_of_one(r, g):
    w, x = r
    delta = g * (1 - layer(w, x) ** 2)
    return x.T @ delta, -(delta @ w.T)


def mean_for_sum(r, g):
    w, x = r
    delta = g * (1 - layer(w, x) ** 2)
    return x.T @ delta / 4, delta @ w.T


@pytest.mark.parametrize(
    ("bwd", "line", "said"),
    [
        (slope_of_a, 2, "1 - a² for 1 - a"),
        (sign_of_one, 3, "the other sign"),
        (mean_for_sum, 3, "without the division"),
    ],
)
def test_the_line_is_named_where_one_change_makes_the_rule_right(bwd, line, said):
    report = audit.custom_vjp(rule(layer, bwd), normal(3, 2), normal(4, 3), draws=3, mutate=False, variants=0)
    cause = report.findings[0].cause
    assert said in cause, report
    assert f"test_branches.py:{bwd.__code__.co_firstlineno + line}" in cause, report


def test_no_line_is_named_where_no_single_change_helps():
    def bwd(r, g):
        w, x = r
        return jnp.sin(x.T) @ g, g @ jnp.cos(w.T)

    report = audit.custom_vjp(rule(layer, bwd), normal(3, 2), normal(4, 3), draws=2, mutate=False, variants=0)
    assert not any("right with" in f.cause for f in report.findings), report
    assert _repair.MOST >= 40


def test_a_counter_example_can_be_pasted():
    """NaN, infinities, bfloat16, keys and static numbers too: what it says is run, and shows the mistake again."""

    def fun(x, key, power, mask):
        return x**power + jnp.where(jnp.isnan(mask), 0, 0 * mask) + 0 * jax.random.uniform(key)

    f = rule(fun, lambda r, g: (g, None, None, None))
    args = normal(3), jax.random.key(3), 2, np.array([np.nan, 1.0, -2.5], np.float32)
    report = audit.custom_vjp(f, *args, argnums=0, draws=2, mutate=False, variants=0)
    paste = report.to_json()["findings"][0]["smallest"]["paste"]
    names: dict[str, Any] = {"np": np, "jax": jax}
    exec(paste, names)
    again = audit.custom_vjp(f, *names["args"], argnums=0, draws=1, mutate=False, variants=0, explain=False)
    assert [x.code for x in again.findings if x.weight == "wrong"] == ["wrong-value"], again
    assert "np.nan" in paste
    assert "wrap_key_data" in paste


def test_a_loop_that_a_change_keeps_from_ending_costs_that_mutant_alone():
    """A bisection whose middle has the other sign halves nothing, and goes on for ever."""

    def solve(a):
        def halved(ends):
            low, high = ends
            middle = 0.5 * (low + high)
            below = middle + middle**3 < a
            return jnp.where(below, middle, low), jnp.where(below, high, middle)

        bound = jnp.abs(a) + 1
        low, high = jax.lax.while_loop(lambda ends: (ends[1] - ends[0]).max() > 1e-6, halved, (-bound, bound))
        return 0.5 * (low + high)

    def closed(a):
        r = jnp.sqrt(a * a / 4 + 1 / 27)
        return jnp.cbrt(a / 2 + r) + jnp.cbrt(a / 2 - r)

    f = jax.custom_vjp(solve)
    f.defvjp(lambda a: (solve(a),) * 2, lambda x, g: (g / (1 + 3 * x**2),))
    report = audit.custom_vjp(f, jnp.array([0.3, -1.0, 2.0]), reference=closed, draws=2, variants=0)
    assert report.verdict == "correct", report
    assert report.power.mutants > 10


def test_loops_are_counted_and_stopped():
    def doubled(x, step):
        return jax.lax.while_loop(lambda y: y.max() < 40, lambda y: y * step, x)

    program = _programs.flatten(jax.make_jaxpr(doubled)(jnp.ones(2), 2.0))
    (loop,) = (operation for operation in program.operations if operation.name == "while")
    slots = _programs.run(program, [jnp.ones(2), jnp.float32(2.0)])
    values = [_programs.value_of(a, slots) for a in loop.inputs]
    (found,) = _bounded.apply(loop, values)
    np.testing.assert_array_equal(found, [64, 64])
    with pytest.raises(RuntimeError, match="had not ended"):
        _bounded.apply(loop, [v * 0 for v in values])


@pytest.mark.parametrize("branched", [False, True])
def test_a_loop_inside_a_scan_or_a_branch_is_stopped_too(branched):
    def doubled(x, step):
        return jax.lax.while_loop(lambda y: y < 40, lambda y: y * step, x)

    def run(xs, step):
        if branched:
            return jax.lax.cond(step > 1, lambda: doubled(xs[0], step), lambda: doubled(xs[1], step * step))
        return jax.lax.scan(lambda c, x: (c, doubled(x, step)), 0.0, xs)[1]

    program = _programs.flatten(jax.make_jaxpr(run)(jnp.array([1.0, 3.0]), 2.0))
    outer = next(o for o in program.operations if o.name in ("scan", "cond"))
    slots = _programs.run(program, [jnp.array([1.0, 3.0]), jnp.float32(2.0)])
    values = [_programs.value_of(a, slots) for a in outer.inputs]
    np.testing.assert_array_equal(_bounded.apply(outer, values)[-1], 64 if branched else [64, 48])
    moved = [v * 0 if jnp.issubdtype(v.dtype, jnp.floating) else v for v in values]
    assert np.isnan(_bounded.apply(outer, moved)[-1]).all()
