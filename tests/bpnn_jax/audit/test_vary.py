"""What an example holds fixed is varied: a mistake that only shows beside the example is found there, and its correct twin passes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bpnn_jax import audit
from bpnn_jax.audit import _branches, _elsewhere, _redraw, _siblings, _vary
from bpnn_jax.audit._executor import Executor
from bpnn_jax.audit._leaves import take_apart
from bpnn_jax.audit._rules import vjp_rule
from bpnn_jax.audit._subject import sibling, subject
from tests.bpnn_jax.audit.planted import normal

pytestmark = pytest.mark.quick_xla

QUICK = {"draws": 2, "mutate": False, "explain": False}


def rule(fun, fwd, bwd, **options):
    f = jax.custom_vjp(fun, **options)
    f.defvjp(fwd, bwd)
    return f


def embedding(bug):
    """The rows of a repeated index are overwritten where they are to be added."""

    def bwd(residuals, g):
        zeros, ids = residuals
        return (zeros.at[ids].set(g) if bug else zeros.at[ids].add(g)), None

    f = rule(lambda table, ids: table[ids], lambda table, ids: (table[ids], (jnp.zeros_like(table), ids)), bwd)
    return f, (normal(7, 2), np.array([3, 0, 5]))


def ignored(bug):
    """A row whose label is negative has no gradient."""

    def losses(z, t):
        picked = jnp.take_along_axis(z, jnp.maximum(t, 0)[:, None], 1)[:, 0]
        return jnp.where(t < 0, 0.0, jax.nn.logsumexp(z, -1) - picked)

    def bwd(residuals, g):
        z, t = residuals
        d = jax.nn.softmax(z, -1) - jax.nn.one_hot(t, z.shape[1], dtype=z.dtype)
        return (g if bug else jnp.where(t < 0, 0, g))[:, None] * d, None

    return rule(losses, lambda z, t: (losses(z, t), (z, t)), bwd), (normal(3, 4), np.array([1, 0, 2]))


def rotary(bug):
    """The sines are carried along, and both halves are alike in the example."""

    def turned(x):
        a, b = jnp.split(x, 2, -1)
        return jnp.concatenate([-b, a], -1)

    def rope(x, sines):
        return x + turned(x) * sines

    def bwd(sines, g):
        return g - (turned(g) * sines if bug else turned(g * sines)), None

    half = normal(3, 2)
    args = normal(3, 4), np.concatenate([half, half], -1)
    return rule(rope, lambda x, sines: (rope(x, sines), sines), bwd), args, {"argnums": 0}


def rows_of_matrices(bug):
    """The first length is taken for the number of rows: right for matrices only."""

    def f(x):
        return x - (x**2).mean(-1, keepdims=True) * x / 2

    def bwd(x, g):
        flat = (x.shape[0], -1) if bug else x.shape
        return (jax.vjp(f, x.reshape(flat))[1](g.reshape(flat))[0].reshape(x.shape),)

    return rule(f, lambda x: (f(x), x), bwd), (normal(3, 4),)


def heads(bug):
    """A group's size stands where the number of groups is meant: right where they are equal."""

    def f(q, k):
        return (q * k[jnp.arange(q.shape[0]) % k.shape[0]]).sum(-1)

    def bwd(residuals, g):
        q, k = residuals
        groups, share = k.shape[0], q.shape[0] // k.shape[0]
        which = jnp.arange(q.shape[0])
        to = which % (share if bug else groups)
        return g[:, None] * k[which % groups], jnp.zeros_like(k).at[to].add(g[:, None] * q)

    return rule(f, lambda q, k: (f(q, k), (q, k)), bwd), (normal(4, 3), normal(2, 3))


def clipped(bug):
    """A limit that no ordinary number reaches."""
    return rule(
        lambda x: jnp.clip(x, -40.0, 40.0),
        lambda x: (jnp.clip(x, -40.0, 40.0), x),
        lambda x, g: (g if bug else jnp.where(abs(x) <= 40, g, 0),),
    ), (normal(5),)


def norms(bug):
    """At a row of zeros autodiff of the reference has no number, and the rule should have one."""

    def f(x):
        return jnp.sqrt((x * x).sum(-1))

    def bwd(residuals, g):
        x, y = residuals
        s = g / y if bug else jnp.where(y == 0, 0, g / jnp.where(y == 0, 1, y))
        return (x * s[:, None],)

    return rule(f, lambda x: (f(x), (x, f(x))), bwd), (normal(4, 3),)


def overflowing(bug):
    """Not a number beyond 88, in float32 only."""

    def bwd(x, g):
        return (g * jnp.exp(x) / (1 + jnp.exp(x)) if bug else g * jax.nn.sigmoid(x),)

    return rule(lambda x: jnp.logaddexp(x, 0.0), lambda x: (jnp.logaddexp(x, 0.0), x), bwd), (normal(6),)


MISTAKES = [embedding, ignored, rotary, rows_of_matrices, heads, clipped, norms, overflowing]


def audited(build, bug, **options):
    f, args, *more = build(bug)
    return audit.custom_vjp(f, *args, **{**QUICK, **(more[0] if more else {}), **options})


@pytest.mark.parametrize("build", MISTAKES)
def test_a_mistake_beside_the_example_is_found(build):
    report = audited(build, True)
    assert report.verdict in ("wrong", "imprecise"), report
    assert report.findings[0].draw != "the example"


@pytest.mark.parametrize("build", MISTAKES)
def test_its_correct_twin_passes(build):
    report = audited(build, False)
    assert report.verdict == "correct", report


@pytest.mark.parametrize(
    ("build", "module", "name", "nothing"),
    [
        (ignored, _redraw, "other", lambda *a: None),
        (heads, _elsewhere, "siblings", lambda *a: iter(())),
        (clipped, _vary, "_values", lambda *a: iter(())),
        (norms, _vary, "_zeros_and_ties", lambda *a: iter(())),
    ],
)
def test_an_auditor_without_that_kind_of_draw_misses_it(monkeypatch, build, module, name, nothing):
    monkeypatch.setattr(module, name, nothing)
    monkeypatch.setattr(_branches.Coverage, "further", lambda *a: [])  # which looks for what constants reach, too
    assert audited(build, True).verdict == "correct"


def test_none_of_them_is_varied_on_request_and_the_report_says_what_never_is():
    assert audited(embedding, True, variants=0).verdict == "correct"

    @jax.custom_vjp
    def powered(x, n):
        return x**n

    powered.defvjp(lambda x, n: (x**n, (x, n)), lambda r, g: (g * r[1] * r[0] ** (r[1] - 1), None))
    report = audit.custom_vjp(powered, abs(normal(3)), 2, **QUICK, variants=3)
    said = " ".join(report.not_varied)
    assert "argument 1 (2), static" in said
    assert "argument 0 (positive as in the example" in said
    assert "second derivatives" in said
    assert report.varied
    assert "not varied: " in str(report)


def test_other_static_options_are_given_as_examples():
    def scaled(x, n):
        return x * n

    f = rule(scaled, lambda x, n: (x * n, x), lambda n, x, g: (g * 2,), nondiff_argnums=(1,))
    x = normal(3)
    assert audit.custom_vjp(f, x, 2, **QUICK, variants=0).verdict == "correct"
    report = audit.custom_vjp(f, x, 2, **QUICK, variants=1, examples=[(x, 3)])
    assert report.verdict == "wrong"
    assert report.findings[0].draw.startswith("example 1")


def test_a_length_that_is_written_into_the_function_is_not_held_against_the_rule():
    """Labels of one row are broadcast against arange(3), and indexing clamps: the function takes what it was not made for."""

    def loss(x, labels):
        return jnp.sum(jax.nn.logsumexp(x, -1) - x[jnp.arange(3), labels])

    def bwd(residuals, c):
        x, labels = residuals
        return c * (jax.nn.softmax(x, -1) - jax.nn.one_hot(labels, 4, dtype=x.dtype)), None

    report = audit.vjp(loss, lambda *a: (loss(*a), a), bwd, normal(3, 4), np.array([0, 3, 1]), **QUICK)
    assert report.verdict == "correct", report


@pytest.mark.parametrize(
    ("f", "same"),
    [
        (lambda x, t: jax.nn.softmax(x) * t[:, None], False),  # (5, 3, 4) times (5, 1, 3) is no product of slices
        (lambda x, t: jnp.take_along_axis(x, t[:, None], -1)[:, 0], False),
        (lambda x, t: jax.nn.softmax(x, 0), False),
        (lambda x, t: jax.nn.softmax(x), True),
        (lambda x, t: jnp.mean(x**2), True),
        (lambda x, t: (jnp.sum(x), x.max((-2, -1))), True),
    ],
)
def test_one_axis_more_counts_where_the_function_goes_slice_by_slice(f, same):
    """Anything else is another function there, for which the rule was not written."""
    example = normal(3, 4), np.array([0, 2, 1])
    audited = subject(vjp_rule(f, lambda *a: (f(*a), a), lambda r, c: r, example, 0), 0)
    other = next(s for s in _siblings.siblings(audited.arguments, True) if s.what == "one axis more")
    assert [np.shape(a) for a in other.args] == [(2, 3, 4), (3,)]
    both = other._replace(args=(other.args[0], np.stack([example[1]] * 2)), stacked=(0, 1))
    try:
        there = sibling(audited, audited.rule.again(both.args), 0)
    except Exception:  # the function does not take these arguments
        assert not same
        return
    assert _elsewhere._goes_by_slices(Executor(there), there.example, both.stacked) == same


def test_what_orders_other_numbers_is_kept():
    rng = np.random.default_rng(0)

    def other(values, turn=0, constants=(), lengths=frozenset({5, 9})):
        return _redraw.other(np.array(values), rng, turn, constants, set(lengths))

    assert other([0, 2, 5, 9]) is None  # offsets into nine others
    assert sorted(other([2, 0, 1, 3])) == [0, 1, 2, 3]  # a permutation
    assert (np.diff(other([0, 1, 4, 4])) >= 0).all()
    assert set(other([3, 0, 5], 1, (-100,))) & {-100}
    assert set(np.concatenate([other([0] * 8), other([0] * 8, 1)])) == {0, 1}  # labels that are all alike
    assert set(np.concatenate([other([4] * 8), other([4] * 8, 1)])) == {3, 4}
    assert other([0, 0], lengths={1, 2}) is None
    one_hot = _redraw.other(np.eye(4, dtype=np.float32)[[0, 1, 1]], rng, 0, (), set())
    assert (one_hot.sum(-1) == 1).all()
    shares = _redraw.other(np.array([[0.2, 0.8], [0.5, 0.5]], np.float32), rng, 0, (), set())
    np.testing.assert_allclose(shares.sum(-1), 1, atol=1e-6)
    assert _redraw.other(np.array([0.0, -np.inf]), rng, 0, (), set()) is None
    masks = [_redraw.other(np.array([True, False, True]), rng, turn, (), set()) for turn in range(2)]
    assert [int(m.sum()) for m in masks] == [3, 2]


def test_a_permutation_stays_one_at_other_lengths_and_stays_within_what_it_may_index():
    arguments = take_apart((normal(3, 5), np.array([2, 0, 1])), 0)
    found = {s.what: s.args for s in _siblings.siblings(arguments, True)}
    assert found["length 3 as 4"][1].tolist() == [2, 0, 1, 3]
    assert found["length 3 as 1"][1].tolist() == [0]
    assert "length 5 as 1" not in found  # the rows or the columns: what it indexes is not known
    assert [(a.shape, b.tolist()) for a, b in [found["length 5 as 6"]]] == [((3, 6), [2, 0, 1])]


def test_siblings_keep_equal_lengths_equal_and_indices_within():
    arguments = take_apart((normal(4, 3), normal(3), np.array([0, 3, 2])), 0)
    found = list(_siblings.siblings(arguments, True))
    assert [s.what for s in found] == [s.what for s in _siblings.siblings(arguments, True)]
    tied = next(s for s in found if s.what == "length 3 as 5")
    assert [np.shape(a) for a in tied.args] == [(4, 5), (5,), (5,)]
    assert any(s.what == "one axis more" for s in found)
    keys = [(s.what, *map(np.shape, s.args)) for s in found]
    assert len(set(keys)) == len(keys)
    assert found[0].what == "length 3 as 4, length 4 as 5"
    assert {"length 3 as 5", "length 4 as 5"} == set(found[0].covers)
    shorter = next(s for s in found if s.what == "length 4 as 1")
    assert shorter.args[0].shape == (1, 3)
    assert max(shorter.args[2]) == 0


def test_a_number_outside_the_domain_is_no_evidence_at_other_shapes_either():
    """log(e^a - e^b) is a number for a > b alone; the derivative of its log1p is one on the other side, too."""
    f = jax.custom_jvp(lambda a, b: a + jnp.log1p(-jnp.exp(b - a)))

    @f.defjvp
    def _(primals, tangents):
        (a, b), (da, db) = primals, tangents
        y = f(a, b)
        return y, jnp.exp(a - y) * da - jnp.exp(b - y) * db

    report = audit.custom_jvp(f, jnp.array([3.0, 2.0, 5.0]), jnp.array([1.0, 0.5, 2.0]), **QUICK)
    assert report.verdict == "correct", report


@pytest.mark.parametrize(("ids", "verdict"), [([2, 0, 1, 3], "correct"), ([0, 1, 1, 3], "wrong")])
def test_a_report_says_that_no_number_of_a_permutation_was_repeated(ids, verdict):
    """Rows in another order, whose gradient is written over where it is to be added: right where each row is taken once."""
    overwrites = rule(
        lambda x, ids: x[ids],
        lambda x, ids: (x[ids], (jnp.zeros_like(x), ids)),
        lambda residuals, g: (residuals[0].at[residuals[1]].set(g), None),
    )
    report = audit.custom_vjp(overwrites, normal(4), np.array(ids), **QUICK)
    assert report.verdict == verdict
    assert ("each number once" in str(report)) == (verdict == "correct")


def test_a_rule_is_not_held_to_another_function_at_one_axis_more():
    """Of labels (2, 3) labels[:, None] is (2, 1, 3), which is broadcast: the function takes them, and is no sum of slices."""

    def loss(x, labels):
        return jnp.sum(jax.nn.logsumexp(x, -1) - jnp.take_along_axis(x, labels[:, None], -1)[:, 0])

    def bwd(residuals, c):
        x, labels = residuals
        return c * (jax.nn.softmax(x, -1) - jax.nn.one_hot(labels, x.shape[-1], dtype=x.dtype)), None

    report = audit.vjp(loss, lambda *a: (loss(*a), a), bwd, normal(3, 4), np.array([0, 3, 1]), **QUICK)
    assert report.verdict == "correct", report
