"""Every face of the auditor, its options, what it carries along, what it refuses, and that it leaves the caller's JAX alone."""

import dataclasses
import inspect
import json
import re
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bpnn_jax import audit
from bpnn_jax.errors import InputError
from tests.bpnn_jax.audit.planted import normal, plain

pytestmark = pytest.mark.quick_xla

QUICK = {"draws": 2, "mutate": False, "variants": 0}


def found(report, code):
    return next((f for f in report.findings if f.code == code), None)


# --- faces, and what their arguments may be ---


def loss(weights, x, t):
    return 0.5 * ((jnp.tanh(x @ weights["w"] + weights["b"][0]) - t) ** 2).sum()


def hand_gradient(weights, x, t):
    a = jnp.tanh(x @ weights["w"] + weights["b"][0])
    d = (a - t) * (1 - a) * (1 + a)
    return {"w": x.T @ d, "b": [d.sum(axis=0), None]}


WEIGHTS = {"w": normal(3, 2), "b": [normal(2), np.int32(7)]}
X, T = normal(4, 3), normal(4, 2)


def test_gradient_of_a_pytree_with_an_integer_in_it():
    report = audit.gradient(loss, hand_gradient, WEIGHTS, X, T, **QUICK)
    assert report.verdict == "correct", report
    assert [leaf["name"] for leaf in report.leaves] == ["argument 0['b'][0]", "argument 0['w']"]
    assert (report.kind, report.name, report.dtype, report.draws) == ("gradient", "hand_gradient", "float32", 2)


def test_wrong_leaf_of_a_pytree_is_the_only_one_named():
    def wrong(weights, x, t):
        g = hand_gradient(weights, x, t)
        return {**g, "b": [2 * g["b"][0], None]}

    report = audit.gradient(loss, wrong, WEIGHTS, X, T, **QUICK)
    assert [(f.code, f.leaf) for f in report.findings] == [("wrong-value", "argument 0['b'][0]")]
    line = wrong.__code__.co_firstlineno + 2
    assert report.findings[0].cause == f"twice too large; right without its first factor at test_face.py:{line} (mul)"
    (finding,) = report.findings
    assert finding.numbers["ratio"] == pytest.approx(2)
    assert finding.numbers["relative_error"] == pytest.approx(1)
    assert len(finding.index) == 1
    assert finding.draw
    assert set(finding.smallest["values"]) == {"argument 0['b'][0]", "argument 0['w']"}


@pytest.mark.parametrize(
    ("argnums", "gradient"),
    [
        (1, lambda x, y: x),
        (-1, lambda x, y: x),
        ((0, 1), lambda x, y: (y, x)),
        ((1, 0), lambda x, y: (x, y)),
        ((1,), lambda x, y: (x,)),
    ],
)
def test_argnums(argnums, gradient):
    def dot(x, y):
        return (x * y).sum()

    assert audit.gradient(dot, gradient, normal(3), normal(3, seed=1), argnums=argnums, **QUICK).verdict == "correct"


def test_gradient_in_numpy():
    def hand(weights, x, t):
        a = np.tanh(np.asarray(x) @ weights["w"] + weights["b"][0])
        d = (a - t) * (1 - a) * (1 + a)
        return {"w": np.asarray(x).T @ d, "b": [d.sum(axis=0), None]}

    assert audit.gradient(loss, hand, WEIGHTS, X, T, **QUICK).verdict == "correct"

    def forgetful(weights, x, t):
        return {**hand(weights, x, t), "w": np.zeros((3, 2))}

    report = audit.gradient(loss, forgetful, WEIGHTS, X, T, **QUICK)
    assert found(report, "wrong-value").leaf == "argument 0['w']"
    assert "missing" in found(report, "wrong-value").cause


def test_numpy_rule_that_changes_what_it_is_not_asked_about():
    def hand(x, t):
        t -= x
        return -t

    report = audit.gradient(
        lambda x, t: 0.5 * ((x - t) ** 2).sum(), lambda x, t: hand(x, np.asarray(t)), normal(3), normal(3), **QUICK
    )
    assert report.verdict == "wrong"
    assert found(report, "mutates-input").leaf == "argument 1"


def masked(x, key, exponent, label, nothing, mode):
    assert nothing is None
    assert mode == "sum"
    kept = jnp.where(jax.random.bernoulli(key, 0.5, x.shape), x, 0)
    return kept**exponent + label


def masked_bwd(residuals, c):
    x, key, exponent, *_ = residuals
    kept = jax.random.bernoulli(key, 0.5, x.shape)
    return jnp.where(kept, c * exponent * x ** (exponent - 1), 0), None, None, None, None, None


@pytest.mark.parametrize("key", [jax.random.key(0), jax.random.PRNGKey(0)], ids=["typed", "raw"])
def test_keys_integers_none_and_strings_are_carried_along(key):
    def fun(x, key, exponent, label, nothing):
        return masked(x, key, exponent, label, nothing, "sum")

    def bwd(residuals, c):
        return masked_bwd(residuals, c)[:5]

    arguments = normal(5), key, 3, np.array([1, 0, 2, 0, 1], np.int32), None
    assert audit.vjp(fun, plain(fun), bwd, *arguments, **QUICK).verdict == "correct"


def power_rule(wrong=False, **options):
    @partial(jax.custom_vjp, **options)
    def power(mode, x, exponent):
        assert mode == "raise"
        return x**exponent

    def fwd(mode, x, exponent):
        return power(mode, x, exponent), x

    def bwd(mode, exponent, x, c):
        assert mode == "raise"
        return (c * (exponent + wrong) * x ** (exponent - 1),)

    power.defvjp(fwd, bwd)
    return power


def test_custom_vjp_with_static_arguments():
    report = audit.custom_vjp(power_rule(nondiff_argnums=(0, 2)), "raise", normal(4), 3, **QUICK)
    assert report.verdict == "correct", report
    assert report.kind == "custom_vjp"
    report = audit.custom_vjp(power_rule(wrong=True, nondiff_argnums=(0, 2)), "raise", normal(4), 3, **QUICK)
    assert found(report, "wrong-value").leaf == "argument 1"
    assert "1.33333 times" in found(report, "wrong-value").cause


@pytest.mark.parametrize("wrong", [False, True])
def test_custom_vjp_with_symbolic_zeros(wrong):
    @jax.custom_vjp
    def product(x, y):
        return x * y

    def fwd(x, y):
        return x.value * y.value, (x.value, y.value)

    def bwd(residuals, c):
        x, y = residuals
        return c * y, c * x * (2 if wrong else 1)

    product.defvjp(fwd, bwd, symbolic_zeros=True)
    report = audit.custom_vjp(product, normal(3), normal(3, seed=1), **QUICK)
    assert report.verdict == ("wrong" if wrong else "correct"), report


def test_custom_vjp_with_a_default_argument():
    @jax.custom_vjp
    def scaled(x, factor=3.0):
        return x * factor

    scaled.defvjp(lambda x, factor: (x * factor, (x, factor)), lambda r, c: (c * r[1], (c * r[0]).sum()))
    assert audit.custom_vjp(scaled, normal(3), **QUICK).verdict == "correct"


@pytest.mark.parametrize("wrong", [False, True])
def test_custom_jvp_with_static_and_integer_arguments(wrong):
    @partial(jax.custom_jvp, nondiff_argnums=(1,))
    def shifted_log(x, base, shift):
        return jnp.log(x["p"] + shift) / np.log(base)

    @shifted_log.defjvp
    def _(base, primals, tangents):
        (x, shift), (dx, _) = primals, tangents
        return shifted_log(x, base, shift), dx["p"] / (x["p"] + shift) / (1 if wrong else np.log(base))

    report = audit.custom_jvp(shifted_log, {"p": abs(normal(4))}, 10, np.int32(2), **QUICK)
    assert report.verdict == ("wrong" if wrong else "correct"), report
    assert [leaf["name"] for leaf in report.leaves] == ["argument 0['p']"]


def test_vjp_of_several_outputs_in_bfloat16():
    def pair(x, y):
        return {"sum": x + y, "product": [x * y]}

    def bwd(residuals, c):
        x, y = residuals
        return c["sum"] + c["product"][0] * y, c["sum"] + c["product"][0] * x

    x, y = (jnp.asarray(normal(4, seed=s), jnp.bfloat16) for s in (0, 1))
    report = audit.vjp(pair, plain(pair), bwd, x, y, **QUICK)
    assert (report.verdict, report.dtype) == ("correct", "bfloat16")


def test_float64_arguments_stay_float64():
    with jax.enable_x64(True):
        report = audit.gradient(lambda x: jnp.exp(x).sum(), jnp.exp, jnp.array([0.3, -1.0]), **QUICK)
    assert (report.verdict, report.dtype) == ("correct", "float64")


# --- options ---


def test_reference_stands_in_for_the_function():
    def kernel(x):
        return jnp.asarray(x, jnp.bfloat16).astype(x.dtype) ** 2  # nothing to differentiate against

    def bwd(residuals, c):
        return (2 * c * residuals[0],)

    def reference(x):
        return x**2

    report = audit.vjp(kernel, plain(reference), bwd, normal(4), reference=reference, **QUICK)
    assert report.verdict == "correct", report
    report = audit.gradient(
        lambda x: (x**3).sum(), lambda x: 2 * x, normal(4), reference=lambda x: (x**2).sum(), **QUICK
    )
    assert report.verdict == "correct", report


def test_reference_whose_autodiff_is_wrong_is_not_held_against_the_rule():
    """At 3 exactly a constant stands in for the sine: differences side with the rule (jax.scipy.special.fresnel is so)."""

    def sine(x):
        return jnp.where(x == 3, np.sin(3.0), jnp.sin(x)).sum()

    at = np.array([1.0, 3.0], np.float32)
    report = audit.gradient(sine, jnp.cos, at, **QUICK)
    assert report.verdict == "correct", report
    assert found(report, "unresolved-reference").index == (1,)
    report = audit.gradient(sine, jnp.cos, at, **{**QUICK, "draws": 1, "variants": 0})
    assert report.verdict == "inconclusive", report  # autodiff has not been seen to side with the rule anywhere
    report = audit.gradient(sine, lambda x: -jnp.cos(x), np.array([1.0, 3.0], np.float32), **QUICK)
    assert report.verdict == "wrong", report


def test_constants_of_numpy_in_float64():
    """JAX keeps what it compiled for such a constant in one precision, and stumbles over it in the other, run eagerly."""
    matrix = np.linspace(0, 1, 8).reshape(4, 2)

    def linear(x):
        return x @ matrix

    def bwd(residuals, c):
        return (jax.vjp(linear, residuals[0])[1](c)[0],)

    assert audit.vjp(linear, plain(linear), bwd, normal(3, 4), **QUICK).verdict == "correct"


def test_ranges_reach_the_branch_that_the_example_does_not():
    def ramp(x):
        return jnp.where(x > 100, 2 * x, x).sum()

    def hand(x):
        return jnp.ones_like(x)

    assert audit.gradient(ramp, hand, normal(4) / 10, **QUICK).verdict == "correct"
    for ranges in ((50.0, 500.0), {0: (50.0, 500.0)}, {"argument 0": (50.0, 500.0)}):
        assert audit.gradient(ramp, hand, normal(4) / 10, ranges=ranges, **QUICK).verdict == "wrong"


def test_special_points_reach_a_kink_and_call_it_neither_right_nor_wrong():
    def relu(x):
        return jnp.maximum(x, 0)

    def bwd(residuals, c):
        return (jnp.where(residuals[0] >= 0, c, 0),)

    assert audit.vjp(relu, plain(relu), bwd, normal(4), **QUICK).verdict == "correct"
    report = audit.vjp(relu, plain(relu), bwd, normal(4), special=True, **QUICK)
    assert report.verdict == "inconclusive", report
    assert found(report, "kink").draw == "all 0"


def test_second_order():
    def bwd(held):
        def rule(y, c):
            y = jax.lax.stop_gradient(y) if held else y
            return (c * (1 - y * y),)

        return rule

    def fwd(x):
        y = jnp.tanh(x)
        return y, y

    assert audit.vjp(jnp.tanh, fwd, bwd(False), normal(3), order=2, **QUICK).verdict == "correct"
    assert audit.vjp(jnp.tanh, fwd, bwd(True), normal(3), order=1, **QUICK).verdict == "correct"
    report = audit.vjp(jnp.tanh, fwd, bwd(True), normal(3), order=2, **QUICK)
    assert found(report, "second-order").leaf == "argument 0"


def staged(x, w, u):
    z = audit.stage("z", x @ w)
    a = audit.stage("a", jnp.tanh(z))
    return (audit.stage("out", a @ u) ** 2).sum()


def staged_gradient(x, w, u):
    a = jnp.tanh(x @ w)
    return 2 * (a @ u) @ u.T * (1 - a) @ w.T  # 1 - a, not 1 - a²


STAGES = {
    "out": lambda cotangents, values, x, w, u: 2 * values["out"],
    "a": lambda cotangents, values, x, w, u: cotangents["out"] @ u.T,
    "z": lambda cotangents, values, x, w, u: cotangents["a"] * (1 - values["a"]),
}
STAGED = normal(3, 4), normal(4, 2), normal(2, 2)


def test_first_wrong_stage_is_named_and_does_not_spill_over():
    report = audit.gradient(staged, staged_gradient, *STAGED, stages=STAGES, **QUICK)
    assert [(s.name, s.verdict) for s in report.stages] == [("out", "correct"), ("a", "correct"), ("z", "wrong")]
    assert report.first_wrong_stage == "z"
    assert found(report, "wrong-stage").leaf == "z"
    spoilt = {**STAGES, "out": lambda cotangents, values, x, w, u: values["out"]}
    report = audit.gradient(staged, staged_gradient, *STAGED, stages=spoilt, **QUICK)
    assert [s.verdict for s in report.stages] == ["wrong", "correct", "wrong"]
    assert report.first_wrong_stage == "out"
    assert "half" in report.stages[0].cause
    report = audit.gradient(staged, staged_gradient, *STAGED, stages={"a": STAGES["a"]}, **QUICK)
    assert [s.verdict for s in report.stages] == ["not judged", "correct", "not judged"]
    assert report.first_wrong_stage == ""


def test_a_stage_is_an_identity_outside_an_audit():
    np.testing.assert_array_equal(audit.stage("z", X), X)
    assert staged(*map(jnp.asarray, STAGED)).shape == ()


# --- bad use ---


def square(x):
    return (x * x).sum()


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: audit.gradient(jnp.tanh, jnp.cos, X), r"expected a scalar loss, got output of shapes \[\(4, 3\)\]"),
        (
            lambda: audit.gradient(loss, lambda w, x, t: [x], WEIGHTS, X, T),
            r"expected a gradient of structure .*'w'.*, got .*\[\*\]",
        ),
        (
            lambda: audit.gradient(loss, lambda w, x, t: x, WEIGHTS, X, T),
            r"expected a gradient of structure .*got .*\*",
        ),
        (
            lambda: audit.gradient(square, square, np.arange(3)),
            "at least one floating-point argument .* got leaves of: int",
        ),
        (lambda: audit.gradient(square, square), "expected example arguments, got none"),
        (lambda: audit.gradient(lambda x: np.sum(np.asarray(x)), square, X), "expected a reference that JAX can trace"),
        (
            lambda: audit.vjp(jnp.argmax, plain(jnp.argmax), lambda r, c: (c,), X),
            "a floating-point output, got .*int",
        ),
        (lambda: audit.gradient(square, square, X, argnums=1), "expected argnums from 0 to 0, got 1"),
        (lambda: audit.gradient(square, square, X, argnums="x"), "expected argnums as whole numbers, got 'x'"),
        (lambda: audit.gradient(square, square, X, draws=0), "expected draws as a whole number from 1 up, got 0"),
        (lambda: audit.gradient(square, square, X, draws=2.5), "expected draws as a whole number from 1 up, got 2.5"),
        (lambda: audit.gradient(square, square, X, darws=3), "unknown keyword 'darws'; did you mean 'draws'"),
        (lambda: audit.vjp(square, square, square, X, refrence=square), "did you mean 'reference'"),
        (lambda: audit.custom_vjp(square, X, argnum=0), "did you mean 'argnums'"),
        (lambda: audit.custom_jvp(square, X, mutat=False), "did you mean 'mutate'"),
        (lambda: audit.gradient(square, square, X, order=3), "expected order 1 or 2, got 3"),
        (lambda: audit.gradient(square, square, X, ranges=(1, 0)), r"expected a range as \(low, high\)"),
        (lambda: audit.gradient(square, square, X, ranges=3.0), r"expected a range as \(low, high\)"),
        (
            lambda: audit.gradient(square, square, X, ranges={"w": (0, 1)}),
            "ranges for leaves among argument 0, got 'w'",
        ),
        (lambda: audit.custom_vjp(square, X), "expected a function decorated with jax.custom_vjp, got function"),
        (lambda: audit.custom_vjp(jax.custom_vjp(square), X), "its rule defined, got one without defvjp"),
        (lambda: audit.custom_jvp(square, X), "expected a function decorated with jax.custom_jvp, got function"),
        (lambda: audit.custom_jvp(jax.custom_jvp(square), X), "its rule defined, got one without defjvp"),
        (
            lambda: audit.gradient(staged, staged_gradient, *STAGED, stages={"zz": STAGES["z"]}, **QUICK),
            "unknown stage 'zz'; did you mean 'z'",
        ),
    ],
)
def test_bad_use_gets_a_sentence(call, said):
    with pytest.raises(InputError, match=said):
        call()


@pytest.mark.parametrize(
    ("bwd", "said"),
    [
        (lambda r, c: c, "expected bwd to return a tuple of 2 cotangents, one an argument, got"),
        (lambda r, c: (c, c, c), "expected bwd to return a tuple of 2 cotangents"),
        (lambda r, c: (c * jnp.ones(5), c), "ValueError|TypeError"),
    ],
)
def test_a_rule_that_fails_is_a_finding_with_its_own_words(bwd, said):
    report = audit.vjp(jnp.multiply, plain(jnp.multiply), bwd, X, X, **QUICK)
    assert report.verdict == "wrong"
    assert [f.code for f in report.findings] == ["rule-fails"]
    assert re.search(said, report.findings[0].sentence)


# --- the caller's JAX, and the report ---


@pytest.mark.parametrize("x64", [False, True])
@pytest.mark.parametrize("promotion", ["strict", "standard"])
def test_the_callers_settings_do_not_disturb_and_are_left_alone(x64, promotion):
    names = ("jax_enable_x64", "jax_numpy_dtype_promotion", "jax_numpy_rank_promotion")
    with jax.enable_x64(x64), jax.numpy_dtype_promotion(promotion):
        before = [getattr(jax.config, name) for name in names]
        reports = [
            audit.gradient(loss, hand_gradient, WEIGHTS, X, T, **QUICK),
            audit.gradient(staged, staged_gradient, *STAGED, stages=STAGES, **QUICK),
        ]
        with pytest.raises(InputError):
            audit.gradient(jnp.tanh, jnp.cos, X)
        assert [getattr(jax.config, name) for name in names] == before
    assert [r.verdict for r in reports] == ["correct", "wrong"]
    assert [r.dtype for r in reports] == ["float32"] * 2


def test_report_is_for_people_and_for_programs():
    right = audit.gradient(loss, hand_gradient, WEIGHTS, X, T, draws=2)
    wrong = audit.gradient(staged, staged_gradient, *STAGED, stages=STAGES, **QUICK)
    for report in (right, wrong):
        back = json.loads(json.dumps(report.to_json()))
        assert back["verdict"] == report.verdict
        assert back["first_wrong_stage"] == report.first_wrong_stage
        assert [f["code"] for f in back["findings"]] == [f.code for f in report.findings]
        assert str(report).startswith(report.verdict.upper())
    assert right.power.caught == right.power.mutants - len(right.power.survivors)
    assert right.power.mutants > 10
    assert set(right.power.smallest) == {leaf["name"] for leaf in right.leaves}
    assert "wrong versions of this rule were caught" in str(right)
    for said in ("first wrong stage: z", "[wrong-value] argument 0", "smallest draw that shows it", "stage a: correct"):
        assert said in str(wrong)
    audit.assert_correct(right)
    with pytest.raises(AssertionError) as raised:
        audit.assert_correct(wrong)
    assert str(raised.value) == str(wrong)


def test_a_report_alone_in_a_cell_is_a_few_lines_and_its_page_is_escaped():
    def hand(x):
        return {"<b>": 3 * x["<b>"]}

    report = audit.gradient(lambda x: (x["<b>"] ** 2).sum(), hand, {"<b>": X}, **QUICK)
    assert "WRONG" in repr(report)
    assert "[wrong-value]" in repr(report)
    assert len(repr(report).splitlines()) < 6
    assert "<b>" not in report._repr_html_()
    assert "&lt;b&gt;" in report._repr_html_()


FACES = (audit.gradient, audit.vjp, audit.custom_vjp, audit.custom_jvp)


@pytest.mark.parametrize("face", FACES)
def test_every_option_is_a_keyword_of_every_face_with_the_same_default(face):
    parameters = inspect.signature(face).parameters
    for field in dataclasses.fields(audit.Options):
        assert parameters[field.name].default == field.default
        assert parameters[field.name].kind is inspect.Parameter.KEYWORD_ONLY


def test_same_seed_same_report():
    one, two = (audit.gradient(staged, staged_gradient, *STAGED, seed=3, **QUICK).to_json() for _ in range(2))
    assert {**one, "seconds": 0} == {**two, "seconds": 0}
