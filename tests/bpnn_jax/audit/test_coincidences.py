"""What an example has by coincidence, and hides a mistake: no zero, no tie, two equal lengths, a rate of 0, positions in order."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bpnn_jax import audit
from bpnn_jax.audit import _siblings, _uses
from bpnn_jax.audit._executor import Executor
from bpnn_jax.audit._leaves import take_apart
from bpnn_jax.audit._rules import vjp_rule
from bpnn_jax.audit._subject import sibling, subject
from bpnn_jax.audit._variants import programs
from bpnn_jax.errors import InputError
from tests.bpnn_jax.audit.planted import normal

pytestmark = pytest.mark.quick_xla

QUICK: dict[str, Any] = {"draws": 2, "mutate": False, "explain": False}


def rule(fun, bwd, **options):
    f = jax.custom_vjp(fun, **options)
    f.defvjp(lambda *args: (fun(*args), args), bwd)
    return f


def tied(bug):
    """Each of two tied maxima gets the whole slope, where they share it."""

    def bwd(residuals, g):
        (x,) = residuals
        most = (x == x.max(-1, keepdims=True)).astype(x.dtype)
        return (g[:, None] * (most if bug else most / most.sum(-1, keepdims=True)),)

    return rule(lambda x: x.max(-1), bwd), (normal(3, 4),)


def shared_heads(bug):
    """Two heads a key, of which the example has one: a mean in place of a sum."""

    def scores(q, k):
        return jnp.einsum("htd,hsd->hts", q, jnp.repeat(k, q.shape[0] // k.shape[0], 0))

    def bwd(residuals, g):
        q, k = residuals
        of = q.shape[0] // k.shape[0]
        dk = jnp.einsum("hts,htd->hsd", g, q).reshape(k.shape[0], of, *k.shape[1:])
        return jnp.einsum("hts,hsd->htd", g, jnp.repeat(k, of, 0)), dk.mean(1) if bug else dk.sum(1)

    return rule(scores, bwd), (normal(2, 3, 4), normal(2, 3, 4))


def square_bilinear(bug):
    """A square matrix taken for its transpose, found as symmetric in the example and as no square elsewhere."""

    def bwd(residuals, g):
        a, w, b = residuals
        return g[:, None] * (b @ w.T), a.T @ (g[:, None] * b), g[:, None] * (a @ (w.T if bug else w))

    a, b = normal(4, 3), normal(4, 3) + 1
    return rule(lambda a, w, b: ((a @ w) * b).sum(-1), bwd), (a, np.eye(3, dtype=np.float32), b)


def switched_off(bug):
    """A rate of 0, by which nothing is divided."""

    def fwd(x, rate):
        return x / (1 - rate), None

    f = jax.custom_vjp(lambda x, rate: x / (1 - rate), nondiff_argnums=(1,))
    f.defvjp(fwd, lambda rate, _, g: ((g if bug else g / (1 - rate)),))
    return f, (normal(4), 0.0)


def turned(x, positions, sign=1):
    angle = positions[:, None] / 10.0 ** jnp.arange(2)
    a, b = jnp.split(x, 2, -1)
    c, s = jnp.cos(angle), sign * jnp.sin(angle)
    return jnp.concatenate([a * c - b * s, a * s + b * c], -1)


def positions_in_order(bug):
    """Positions 0 to 4, in place of which the rule counts; 4 is another length of the example, which they do not index."""

    def bwd(residuals, g):
        _, positions = residuals
        return turned(g, jnp.arange(len(g)) if bug else positions, -1), None

    return rule(lambda x, positions: turned(x, positions), bwd), (normal(5, 4), np.arange(5))


def zero_times_log(bug):
    """d/dx of x log(1 + y) taken for 0 at x = 0, of which a positive example has none."""
    f = jax.custom_jvp(lambda x, y: x * jnp.log1p(y))

    @f.defjvp
    def _(primals, tangents):
        (x, y), (dx, dy) = primals, tangents
        log = jnp.log1p(y)
        return f(x, y), (jnp.where(x == 0, 0.0, log) if bug else log) * dx + x / (1 + y) * dy

    return f, (np.float32([0.5, 1, 2]), np.float32([1, 0.3, 4]))


def power(bug):
    """y/x where x is 0, which the rule itself compares with it."""

    def bwd(residuals, g):
        x, p = residuals
        y, log = x**p, jnp.where(x > 0, jnp.log(jnp.where(x > 0, x, 1.0)), 0.0)
        return g * p * (y / x if bug else x ** (p - 1)), g * y * log

    return rule(lambda x, p: x**p, bwd), (np.float32([0.5, 2, 1.3]), np.float32([2, 3, 1.5]))


def small_angle(bug):
    """The sign of a series, below a sum of squares of 10⁻⁶ alone."""

    def parts(w):
        square = jnp.sum(w * w)
        small = square < 1e-6
        return square, small, jnp.sqrt(jnp.where(small, 1.0, square))

    def factor(w):
        square, small, t = parts(w)
        return jnp.where(small, 1 - square / 6, jnp.sin(t) / t)

    def bwd(residuals, g):
        (w,) = residuals
        _, small, t = parts(w)
        slope = jnp.where(small, 1 / 6 if bug else -1 / 6, (jnp.cos(t) - jnp.sin(t) / t) / (2 * t**2))
        return (factor(w) * g + 2 * slope * w * jnp.dot(w, g),)

    return rule(lambda w: factor(w) * w, bwd), (np.float32([0.3, -0.2, 0.5]),)


SHAPES, OWN = {"variants": 24}, {"variants": 10}  # what it takes: other shapes come after the example's own


@pytest.mark.parametrize(
    ("build", "options"),
    [
        (tied, OWN),
        (shared_heads, SHAPES),
        (square_bilinear, SHAPES),
        (switched_off, OWN),
        (positions_in_order, OWN),
        (zero_times_log, OWN),
        (power, OWN),
        (small_angle, OWN),
    ],
    ids=lambda case: getattr(case, "__name__", ""),
)
def test_what_the_example_hides_by_coincidence_is_found(build, options):
    for bug, verdict in ((True, "wrong"), (False, "correct")):
        f, args = build(bug)
        face = audit.custom_jvp if isinstance(f, jax.custom_jvp) else audit.custom_vjp
        report = face(f, *args, **QUICK, **options)
        assert report.verdict == verdict, report


def test_a_rule_whose_products_vanish_at_a_large_length_is_right():
    """What is left of the light behind each layer, divided up again from the last: 0/0 after some thousand layers, for any rule."""

    def light(alpha, colour):
        def layer(left, at):
            a, c = at
            return left * (1 - a), left * a * c

        left, seen = jax.lax.scan(layer, jnp.ones((), alpha.dtype), (alpha, colour))
        return seen.sum(), left

    def bwd(residuals, g):
        alpha, colour = residuals
        seen, left = g

        def back(state, at):
            (behind, shown), (a, c) = state, at
            before = behind / (1 - a)
            return (before, shown + before * a * c * seen), (before * c * seen - shown / (1 - a), before * a * seen)

        behind = light(alpha, colour)[1]
        return jax.lax.scan(back, (behind, behind * left), (alpha, colour), reverse=True)[1]

    report = audit.custom_vjp(rule(light, bwd), 0.2 + 0.1 * abs(normal(5)), normal(5), **QUICK)
    assert report.verdict == "correct", report


def test_a_mean_over_the_first_axis_is_not_held_against_a_rule_at_one_axis_more():
    """The function takes a mean over all axes; the author divides by the first length, with two axes in mind: the report says so."""

    def bwd(residuals, g):
        (x,) = residuals
        return (g * 2 * x / x.shape[0],)

    report = audit.custom_vjp(rule(lambda x: jnp.mean(jnp.sum(x**2, -1)), bwd), normal(3, 4), **QUICK)
    assert report.verdict == "correct", report
    assert "one axis more (the rule fails there: its gradient is 3 times that of a mean" in str(report)


def test_integers_are_free_where_they_become_floats_or_say_where_to_add():
    def free(f, ids):
        example = (normal(4), np.array(ids))
        audited = subject(vjp_rule(f, lambda *a: (f(*a), a), lambda r, c: (c, None), example, 0), 0)
        return _uses.of(audited, programs(Executor(audited)))

    order = [2, 0, 1, 3]
    assert free(lambda x, n: x * (n + 1.0), order) == {1}
    assert free(lambda x, n: jnp.zeros_like(x).at[n].add(x), order) == {1}
    assert free(lambda x, n: jax.ops.segment_sum(x, n - 0, 4), order) == {1}
    assert free(lambda x, n: x[n], order) == set()
    assert free(lambda x, n: x[n] * n, order) == set()
    assert free(lambda x, n: jnp.where(n > 1, x, 0.0), order) == set()
    assert free(lambda x, n: x, order) == set()


def test_a_shape_at_which_the_output_is_huge_is_left_out_before_any_number_is_drawn():
    f = lambda x: x @ x.T  # noqa: E731
    audited = subject(vjp_rule(f, lambda x: (f(x), x), lambda x, c: ((c + c.T) @ x,), (normal(3, 2),), 0), 0)
    assert sibling(audited, audited.rule.again((normal(2000, 2),)), 0).output.shape == (2000, 2000)
    with pytest.raises(InputError, match="at most 4194304 numbers of a function at another shape, got 4202500"):
        sibling(audited, audited.rule.again((normal(2050, 2),)), 0)


def test_equal_lengths_are_parted_in_every_way_while_they_are_few():
    arguments = take_apart((normal(3, 3), normal(3, 3)), 0)
    found = [s for s in _siblings.siblings(arguments, False) if s.what.endswith("alone")]
    parted = {tuple(np.shape(a) for a in s.args) for s in found}
    assert {((4, 3), (4, 3)), ((3, 4), (4, 3)), ((6, 3), (3, 3)), ((4, 4), (4, 3))} <= parted
    assert "length 3 as 4 on axis 0 of argument 0 alone" in {s.what for s in found}
    many = take_apart((normal(3, 3, 3), normal(3, 3, 3)), 0)
    assert len([s for s in _siblings.siblings(many, False) if s.what.endswith("alone")]) == 2 * (3 + 6)
