"""The ladder, climbed once: its verdict on the derivation as it stands and on a broken one, and the page that prints its rows.

Compiled quickly, as most tests are: what rung 5 says of programs as a user has them is in ``test_as_it_runs.py``.
"""

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import manual
from bpnn_jax import verify
from bpnn_jax.errors import InputError
from bpnn_jax.network import Network
from bpnn_jax.training._step import functions
from bpnn_jax.verify import at_scale, auditor, equations, ladder, mistakes, proof
from bpnn_jax.verify.bound import UNIT, bound
from bpnn_jax.verify.checks import Check, summarise
from bpnn_jax.verify.equations import compare
from bpnn_jax.verify.reference import draw, float64
from manual import activations, article, backprop, network, objective
from manual import rules as momentum
from manual.mistakes import MISTAKES, Mistake

pytestmark = pytest.mark.quick_xla

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "derivation.md").read_text(encoding="utf-8")
NUMBERS = [int(number) for number in re.findall(r"\\tag\{(\d+)\}", PAGE)]
OPTIONS = verify.Options(sizes=(2, 2, 1), activations=("tanh",), hidden_bias=True, networks=2000)


@pytest.fixture(scope="module")
def report():
    """The ladder on the derivation as it stands. First: what it compiles here is then not compiled while something is broken."""
    yield verify.run(replace(OPTIONS, activations=("tanh", "sigmoid")))
    jax.clear_caches()


@pytest.fixture
def break_line(report, monkeypatch):
    """Give a function of ``manual`` another body, in place, as an edit of its file would: all who hold it see it."""

    def broken(function, body):
        monkeypatch.setattr(function, "__code__", body.__code__)

    return broken


@pytest.fixture
def climb(report, monkeypatch):
    """The ladder without its slow rungs: only the pieces named so, and the mistakes as they were caught on whole ground."""
    work = ladder._work

    def some(*pieces):
        monkeypatch.setattr(ladder, "_work", lambda options: (w for w in work(options) if w[0].startswith(pieces)))
        monkeypatch.setattr(mistakes, "pieces", lambda seed: [("rung 6: mistakes", lambda: report.mistakes)])
        return verify.run(OPTIONS)

    return some


COMPARED = ("rung 2", "rung 3: JAX", "rung 3: closed", "rung 3: optax", "rung 3: branch")
FIRST = ("rung 1", *COMPARED)  # the auditor is slow, and has tests of its own


# --- the verdict ---


def test_the_derivation_as_it_stands_is_correct(report):
    assert report.verdict == "correct", [c for c in report.checks if c.verdict != "correct"]
    assert {c.rung for c in report.checks} == {1, 2, 3, 4, 5, 6}
    assert [(m.name, m.expected, m.why) for m in report.mistakes] == [
        (m.name, f"({m.equation})", m.why) for m in MISTAKES
    ]
    assert all(m.caught and m.equation == m.expected and m.right for m in report.mistakes)
    assert len({(c.rung, c.equation, c.witness) for c in report.checks}) == len(report.checks)
    rows = {(c.rung, c.equation) for c in report.checks}
    assert {(1, f"({n})") for n in (1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12, 16, 18, 19, 20)} <= rows
    assert {(3, f"({n})") for n in NUMBERS} <= rows
    assert {c.equation for c in report.checks if c.witness == "auditor, float64"} == {f"({n})" for n in range(8, 13)}
    assert {(2, "(10)"), (4, "(10)"), (5, "(10)")} <= rows
    assert sum(c.networks for c in report.checks if c.rung == 4) >= 2000
    # Rounding was seen, and stayed below what was computed for it.
    assert all(c.worst <= c.allowed for c in report.checks)
    assert any(c.worst > 0 for c in report.checks)


def test_every_equation_is_reported(report):
    assert {check.equation for check in report.checks} == {f"({n})" for n in NUMBERS}
    assert {f"({m.equation})" for m in MISTAKES} == {mistake.equation for mistake in report.mistakes}
    witnessed = {
        (c.equation, c.witness) for c in report.checks if c.rung == 3 and c.witness in ("optax", "closed form")
    }
    assert witnessed == {("(13)", "closed form"), ("(14)", "optax"), ("(15)", "optax"), ("(22)", "optax")}
    assert {c.equation for c in report.checks if c.witness == "branch by branch"} == {"(21)"}
    assert {f"({rule.equation})" for rule in manual.RULES.values()} == {e for e, _ in witnessed} | {"(21)"}


def test_the_tables_of_the_page_are_the_rows_of_verify(report):
    """The errors themselves differ between machines; which equation has which witness on which rung does not."""
    rows = set()
    for line in re.findall(r"^\| (\(\d+\) \| .*) \|$", PAGE, re.MULTILINE):
        equation, second, third, fourth, *_ = line.split(" | ")
        if second.startswith("`"):
            rows |= {(3, equation, fourth)} | ({(1, equation, "SymPy")} if third == "SymPy" else set())
        elif second.isdigit():  # the worked pass has rows of equations too
            rows.add((int(second), equation, third))
    assert rows == {(check.rung, check.equation, check.witness) for check in report.checks if check.rung < 6}


def test_the_page_counts_the_mistakes(report):
    at = Counter(mistake.equation for mistake in report.mistakes if mistake.right)
    assert f"{at.total()} of {len(MISTAKES)} were caught" in PAGE
    counted = re.findall(r"(\d+) at \((\d+)\)", PAGE)
    assert {f"({equation})": int(number) for number, equation in counted} == at


def test_report_as_json(report):
    found = report.to_json()
    assert found["verdict"] == "correct"
    keys = {"rung", "equation", "witness", "networks", "worst", "allowed", "verdict"}
    assert all(keys <= set(check) for check in found["checks"])
    assert all({"name", "caught", "equation", "auditor"} <= set(m) for m in found["mistakes"])


def _hidden_delta(layer, above, delta_above):
    return layer.derivative * (delta_above @ (1.01 * above.W_bar).T)


def _output_delta(layer, t):
    return layer.a - t


def _weight_gradient(layer, delta):
    return 1.000001 * (_rows(layer.with_bias_node).T @ _rows(delta))  # noqa: F821 - the name is manual.backprop's


def _bias_gradient(layer, delta):
    rows = _rows(delta)  # noqa: F821
    return rows.__array_namespace__().sum(rows[:1], axis=0)


def _input_gradient(first, delta):
    return delta @ first.W[1:].T


def _per_pattern(pass_, t, equations=backprop.CORRECT):
    return tuple(
        _rows(layer.with_bias_node)[:, :, None] * (2.0 * _rows(delta))[:, None, :]  # noqa: F821
        for layer, delta in zip(pass_.layers, deltas(pass_, t, equations), strict=True)  # noqa: F821
    )


def _half_squared_error(a, t):
    e = a - t
    return e.__array_namespace__().sum(e * e)


def _sigmoid(z):
    return 1.000001 / (1.0 + z.__array_namespace__().exp(-z))


def _sigmoid_derivative(z, a):
    return a * (1.0 - a * a)


def _tanh_second(z, a):
    return 2.0 * a * (1.0 - a * a)


def _previous_gradient(W, g, g_before, learning_rate, momentum):
    return W - learning_rate * (g + momentum * g_before), g


def _nesterov(W, g, v, learning_rate, momentum):
    v = momentum * v + g
    return W - learning_rate * v, v


def _quickprop(W, g, carried, learning_rate, momentum=0.0):
    moved, (g, d) = W - learning_rate * g, carried
    return moved, (g, d)  # never the parabola


def _rprop(W, g, carried, learning_rate=0.0, momentum=0.0):
    sign, size = g.__array_namespace__().sign(g), carried[1]
    return W - size * sign, (sign, size)  # the step size stays as it is


def _bias_vectors(weights, biases, x, functions):
    a, layers = x, []
    for W, theta, f in zip(weights, biases, functions, strict=True):
        z = a @ W - theta
        layers.append(Layer(a, W, z, f.value(z), f))  # noqa: F821
        a = layers[-1].a
    return connect(x, layers)  # noqa: F821


def _jacobian(z, a):
    return a[..., :, None] * _identity(a)  # noqa: F821 - the name is manual.objective's


def _sigmoid_cross_entropy(z, t):
    xp = z.__array_namespace__()
    return xp.sum(xp.log1p(xp.exp(-z)) * t)  # and the other term?


def _softmax_cross_entropy(z, t):
    xp = z.__array_namespace__()
    z = z - xp.max(xp.real(z), axis=-1, keepdims=True)
    return xp.sum(t * (xp.log(xp.sum(xp.exp(z), axis=-1, keepdims=True)) - z)) / t.shape[0]


def _cross_entropy_delta(layer, t):
    return 1.000001 * (layer.a - t)


def _delta_along(layer, t, R_z):
    return -layer.along(R_z)


def _half_along(layer, t, R_z):
    return layer.derivative * layer.along(R_z) if layer.f.elementwise else layer.along(R_z) * 0.0


def _decayed(g, W, n, weight_decay):
    return g + weight_decay * W


def _dsigmoid(y):
    return y * (1.0 - y) * 1.000001


BROKEN = {
    "hidden delta": (backprop.hidden_delta, _hidden_delta, "(9)"),
    "output delta": (backprop.output_delta, _output_delta, "(8)"),
    "weight gradient": (backprop.weight_gradient, _weight_gradient, "(10)"),
    "bias gradient": (backprop.bias_gradient, _bias_gradient, "(11)"),
    "input gradient": (backprop.input_gradient, _input_gradient, "(12)"),
    "per-pattern gradients": (backprop.per_pattern_gradients, _per_pattern, "(10)"),
    "half squared error": (objective.half_squared_error, _half_squared_error, "(7)"),
    "Jacobian": (objective.softmax_jacobian, _jacobian, "(18)"),
    "cross-entropy, sigmoid": (objective.sigmoid_cross_entropy, _sigmoid_cross_entropy, "(19)"),
    "cross-entropy, softmax": (objective.softmax_cross_entropy, _softmax_cross_entropy, "(19)"),
    "cross-entropy delta": (objective.cross_entropy_delta, _cross_entropy_delta, "(19)"),
    "R of its delta": (objective.cross_entropy_delta_along, _delta_along, "(16)"),
    "R of (8)": (objective.half_squared_delta_along, _half_along, "(16)"),
    "weight decay": (momentum.decayed, _decayed, "(20)"),
    "sigmoid": (activations.sigmoid, _sigmoid, "(1)"),
    "sigmoid derivative": (activations.sigmoid_derivative, _sigmoid_derivative, "(3)"),
    "tanh second": (activations.tanh_second, _tanh_second, "(16)"),
    "previous-gradient": (momentum.previous_gradient, _previous_gradient, "(13)"),
    "nesterov": (momentum.nesterov, _nesterov, "(15)"),
    "quickprop": (momentum.quickprop, _quickprop, "(21)"),
    "rprop": (momentum.rprop, _rprop, "(22)"),
    "bias vectors forward": (network.forward_with_bias_vectors, _bias_vectors, "(6)"),
    "the article's program": (article.dsigmoid, _dsigmoid, "(9)"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_line_turns_the_verdict(what, break_line, climb):
    function, body, equation = BROKEN[what]
    break_line(function, body)
    pieces = ("rung 5: article's loops",) if function is article.dsigmoid else COMPARED  # what a proof misses is below
    found = climb(*pieces)
    assert found.verdict == "wrong"
    assert found.to_json()["verdict"] == "wrong"
    assert equation in {c.equation for c in found.checks if c.verdict == "wrong"}


def test_as_it_stands_the_first_rungs_and_the_article_s_loops_are_right(climb):
    """What the test above stands on: without a broken line the same pieces say correct."""
    found = climb(*FIRST, "rung 5: article's loops")
    assert found.verdict == "correct"
    assert {c.rung for c in found.checks} == {1, 2, 3, 5, 6}


def test_rung_5_sees_a_break_too(break_line, climb):
    """Its NumPy rows: the programs of its other rows were compiled before the break."""
    break_line(backprop.hidden_delta, _hidden_delta)
    found = climb("rung 5: float32 NumPy", "rung 5: train, NumPy loop")
    for witness in ("float32 NumPy", "train, NumPy loop"):
        assert "wrong" in {c.verdict for c in found.checks if c.witness == witness}


@pytest.mark.deep
def test_the_whole_ladder_sees_a_break(break_line):
    """Every rung but those whose programs were compiled before the break."""
    break_line(backprop.hidden_delta, _hidden_delta)
    broken = verify.run(OPTIONS)
    assert broken.verdict == "wrong"
    assert {1, 2, 3, 5} <= {c.rung for c in broken.checks if c.verdict == "wrong"}


def test_a_break_above_does_not_accuse_the_equations_below(break_line):
    """Rung 3 feeds each equation the reference: only (9) is wrong there, though the whole gradient is."""
    break_line(backprop.hidden_delta, _hidden_delta)
    d = draw(Network((4, 5, 3), "tanh"), np.random.default_rng(64))
    rows = summarise(3, "JAX", 1, compare(d, *equations.reference_and_bound(d)))
    assert [r.equation for r in rows if r.verdict == "wrong"] == ["(9)"]


def _raises(layer, above, delta_above):
    raise RuntimeError("no such delta")


def test_the_auditor_does_not_accuse_the_equations_below_either(break_line):
    """Its stages are fed the reference's cotangents: (9) is wrong, and then the gradient as a whole, (10)."""
    d = draw(Network((4, 5, 3), "tanh"), np.random.default_rng(64))
    rows = summarise(3, "auditor", 1, auditor.compare(d, equations.CORRECT))
    assert [r.equation for r in rows] == ["(8)", "(9)", "(10)", "(11)", "(12)"]
    assert all(r.verdict == "correct" for r in rows)
    break_line(backprop.hidden_delta, _hidden_delta)
    report = auditor.report(d, equations.CORRECT)
    assert [s.name for s in report.stages if s.verdict == "wrong"] == ["z1"]
    assert auditor.names(d, equations.CORRECT) == "(9)"
    rows = summarise(3, "auditor", 1, auditor.compare(d, equations.CORRECT))
    assert [r.equation for r in rows if r.verdict == "wrong"] == ["(9)", "(10)"]


def test_a_mistake_that_the_auditor_misses_or_misnames_turns_the_verdict(report):
    asked, of_a_rule = (next(m for m in report.mistakes if m.expected == number) for number in ("(20)", "(22)"))
    for wrong in (replace(asked, auditor=""), replace(asked, auditor="(8)"), replace(of_a_rule, auditor="(10)")):
        changed = tuple(wrong if m.name == wrong.name else m for m in report.mistakes)
        assert verify.Report(report.checks, changed).verdict == "wrong"


def test_an_exception_is_a_wrong_row_and_not_a_crash(break_line, climb):
    break_line(backprop.hidden_delta, _raises)
    found = climb(*FIRST)
    assert found.verdict == "wrong"
    assert any(c.verdict == "wrong" and c.where == "raised RuntimeError: no such delta" for c in found.checks)
    assert any(c.verdict == "correct" for c in found.checks)


def _nan(layer, above, delta_above):
    return layer.a * float("nan")


def test_nan_is_wrong(break_line, climb):
    break_line(backprop.hidden_delta, _nan)
    found = climb(*FIRST)
    assert found.verdict == "wrong"
    assert {c.rung for c in found.checks if c.verdict == "wrong"} == {1, 2, 3}


@pytest.mark.parametrize(
    ("missed", "equation"), [(Mistake("none", 10, "nothing is changed"), "(10)"), (MISTAKES[-1], "(9)")]
)
def test_a_mistake_that_is_not_caught_or_not_named_turns_the_verdict(missed, equation, monkeypatch):
    """Every other row is right; the ladder itself is then what is wrong."""
    row = Check(3, "(10)", "JAX", 1, 0.0, 0.0, "correct")
    monkeypatch.setattr(ladder, "_work", lambda options: iter([("a piece", lambda: [row])]))
    monkeypatch.setattr(mistakes, "MISTAKES", MISTAKES[:1])
    assert verify.run(OPTIONS).verdict == "correct"
    monkeypatch.setattr(mistakes, "MISTAKES", (*MISTAKES[:1], replace(missed, equation=int(equation[1:-1]))))
    report = verify.run(OPTIONS)
    assert report.verdict == "wrong"
    assert [c.equation for c in report.checks if c.verdict == "wrong"] == [equation]
    assert missed.name in next(c.where for c in report.checks if c.verdict == "wrong")


def test_no_rows_or_no_mistakes_are_no_clean_bill_of_health(report):
    assert verify.Report((), report.mistakes).verdict == "wrong"
    assert verify.Report(report.checks, ()).verdict == "wrong"


# --- at scale ---


def _numpy_gradient(net, number, seed):
    """The network of that number, drawn again, its gradient by hand in NumPy, and JAX's."""
    with jax.enable_x64(True):
        key = jax.random.fold_in(jax.random.key(seed), number)
        weights, x, t = jax.tree.map(np.asarray, at_scale.random_network(net, key, 2, jnp.float64))
    f, exact = functions(net), float64(net, weights, x, t)
    allowed = bound(net, weights, x, t, exact, 2 * UNIT["float64"])
    return manual.gradient(manual.forward(weights, x, f), t), exact.gradient, allowed.gradient


def test_the_worst_of_many_networks_can_be_drawn_again(break_line):
    """With a broken (9), so that the error is no rounding; on a network that nothing else has compiled."""
    net = Network((3, 2, 1), "tanh", input_bias=False)
    break_line(backprop.hidden_delta, _hidden_delta)
    worst = at_scale.worst_of(net, 1, seed=7)
    assert 0 <= worst.network < at_scale.WIDTH
    assert worst.ratio > 1e6
    hand, exact, allowed = _numpy_gradient(net, worst.network, 7)
    errors = np.concatenate([abs(h - e).ravel() for h, e in zip(hand, exact, strict=True)])
    limits = np.concatenate([E.ravel() for E in allowed])
    at = np.argmax(errors / limits)
    assert errors[at] == pytest.approx(worst.error, rel=1e-6)  # 1% of a gradient, less its rounding
    assert limits[at] == pytest.approx(worst.allowed, rel=1e-6)
    assert worst.ratio == pytest.approx(worst.error / worst.allowed)


def test_nan_at_scale_is_infinitely_wrong(break_line):
    break_line(backprop.hidden_delta, _nan)
    net = Network((3, 1, 1), "tanh", input_bias=False)
    assert at_scale.worst_of(net, 1).ratio == np.inf
    (row,) = summarise(4, "JAX", 1, at_scale.compare(net, 1, seed=0))
    assert row.verdict == "wrong"


def test_every_seed_draws_other_networks():
    with jax.enable_x64(True):
        net = Network((2, 2, 1), "tanh")
        draws = [
            at_scale.random_network(net, jax.random.fold_in(jax.random.key(seed), n), 2, jnp.float64)
            for seed, n in ((0, 0), (0, 1), (1, 0))
        ]
    assert len({float(weights[0][0, 0]) for weights, _, _ in draws}) == 3
    assert all(tuple(W.shape for W in weights) == net.shapes for weights, _, _ in draws)


# --- proofs, options ---


def test_a_proof_of_something_wrong_fails(break_line):
    net = Network((2, 2, 1), ("sigmoid", "tanh"))
    assert all(p.proved for p in proof.network(net, patterns=1))
    break_line(backprop.hidden_delta, _hidden_delta)
    failed = {p.equation for p in proof.network(net, patterns=1) if not p.proved}
    assert 9 in failed
    assert not failed & {5, 7, 8}


def test_a_proof_holds_for_any_activation():
    """Of f nothing is known: the names of a network's activations play no part, and one more layer is one more function."""
    nets = Network((2, 2, 1), "sigmoid"), Network((2, 2, 1), ("tanh", "linear"))
    one, other = ([(p.equation, p.proved) for p in proof.network(net, patterns=1)] for net in nets)
    assert one == other
    assert all(proved for _, proved in one)
    (f, first, second), (g, *_) = proof.any_function("f1"), proof.any_function("f2")
    z = proof.z_
    assert f(z**2).diff(z) == 2 * z * first(z**2)
    assert f(z).diff(z, 2) == second(z)
    assert f(z) != g(z)
    assert f(z).rewrite("exp") == f(z)


def test_a_proof_of_a_wrong_curvature_fails(break_line, monkeypatch):
    """(16) is proved for any activation; that a second derivative is f'', for each."""
    net = Network((1, 1, 1))
    assert all(p.proved for p in proof.curvature(net))
    break_line(activations.tanh_second, _tanh_second)
    assert all(p.proved for p in proof.curvature(net))
    assert {p.equation for p in proof.activations() if not p.proved} == {16}
    monkeypatch.setattr(network.Layer, "second", network.Layer.derivative)
    assert not all(p.proved for p in proof.curvature(net))


def test_a_proof_of_a_wrong_derivative_fails(break_line):
    """The wrong argument: f' at a, where z belongs, is another number for almost every f."""
    net = Network((2, 1, 1))
    break_line(backprop.hidden_delta, _derivative_of_a)
    assert {p.equation for p in proof.network(net, patterns=1) if not p.proved} == {9, 10, 11, 12}


def _derivative_of_a(layer, above, delta_above):
    return layer.f.derivative(layer.a, layer.a) * (delta_above @ above.W_bar.T)


def test_progress_counts_up_to_the_whole(monkeypatch):
    monkeypatch.setattr(ladder, "_work", lambda options: iter([("one", list), ("two", list)]))
    monkeypatch.setattr(mistakes, "pieces", lambda seed: [("rung 6: mistakes", list)])
    seen = []
    report = verify.run(OPTIONS, lambda *args: seen.append(args))
    assert [args[:2] for args in seen] == [(0, 3), (1, 3), (2, 3)]
    assert {args[2] for args in seen} == {"one", "two", "rung 6: mistakes"}
    assert report.verdict == "wrong"  # nothing was checked


def test_options_say_what_they_cannot_use():
    with pytest.raises(InputError, match="unknown activation 'tan'; did you mean 'tanh'"):
        verify.Options(activations=("tan",))
    with pytest.raises(InputError, match="expected networks as a whole number from 1 up, got 0"):
        verify.Options(networks=0)
    with pytest.raises(InputError, match="expected seed as a whole number from 0 up, got -1"):
        verify.Options(seed=-1)
    with pytest.raises(InputError, match="expected sizes as two or more"):
        verify.Options(sizes=(2,))
