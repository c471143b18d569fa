"""The catalogue: each entry is wrong, wrong in one place only, and caught and named by the ladder."""

from functools import cache

import numpy as np
import pytest

import manual
from bpnn_jax.network import Network
from bpnn_jax.verify import mistakes, networks
from bpnn_jax.verify.bound import JUMP
from bpnn_jax.verify.checks import summarise
from bpnn_jax.verify.equations import reference_and_bound
from bpnn_jax.verify.reference import draw
from bpnn_jax.verify.rules import NUMBERS, compare
from manual.mistakes import MISTAKES, Mistake

pytestmark = pytest.mark.quick_xla

FIELD = {8: "output_delta", 9: "hidden_delta", 10: "weight_gradient", 11: "bias_gradient", 12: "input_gradient"}
FIELD[19] = "output_delta"
DERIVATIVES = {f.equations[1] for f in manual.OUTPUT_ACTIVATIONS.values()}
DECAY = 0.5
# Every activation, a square weight matrix, several outputs and patterns, and a node at each kink: each mistake shows.
NETWORK = Network((4, 5, 5, 5, 3), ("sigmoid", "lecun_tanh", "linear", "tanh"))
FURTHER = networks.MISTAKEN_FURTHER
OF_RULES = [m for m in MISTAKES if m.equation in NUMBERS]
every_mistake = pytest.mark.parametrize("mistake", [m for m in MISTAKES if m not in OF_RULES], ids=lambda m: m.name)


@pytest.fixture(scope="module")
def drawn():
    """By mistake: a draw of the network that shows it, its reference and its bound."""

    @cache
    def of(objective, output, further):
        network = Network((4, 5, 3), ("tanh", output)) if output else FURTHER if further else NETWORK
        d = draw(network, np.random.default_rng(31), patterns=3, objective=objective, at_zero=tuple(JUMP))
        return d, *reference_and_bound(d)

    return lambda mistake: of(mistake.objective, mistake.output, mistake.equation == 17)


def derivation(d, mistake):
    """Everything that a derivation gives: gradients with the bias as a node and as a vector, ∂E/∂x, and the decayed gradients."""
    net, equations = manual.forward(d.weights, d.x, mistake.functions(d.network.activations)), mistake.of(d.objective)
    found = manual.gradient(net, d.t, equations)
    delta = manual.deltas(net, d.t, equations)[0]
    _, thetas = manual.gradient_with_bias_vectors(net.with_weights(W[:-1] for W in d.weights), d.t, equations)
    decayed = [mistake.decay(g, W, len(W) - 1, DECAY, len(d.x)) for g, W in zip(found, d.weights, strict=True)]
    return [*found, *thetas, equations.input_gradient(net.layers[0], delta), *decayed]


def test_there_are_enough_with_names_of_their_own():
    assert len(MISTAKES) >= 20
    assert len({m.name for m in MISTAKES}) == len(MISTAKES)
    assert all(m.name and m.why for m in MISTAKES)
    assert {m.equation for m in MISTAKES} == {3, 4, 8, 9, 10, 11, 12, 17, 18, 19, 20, 21, 22}


@every_mistake
def test_each_is_wrong(mistake, drawn):
    d, exact, allowed = drawn(mistake)
    kept = [np.concatenate([W[:-1], np.zeros((1, W.shape[1]))]) for W in d.weights]
    decayed = [g + DECAY * W for g, W in zip(exact.gradient, kept, strict=True)]
    correct = [*exact.gradient, *(g[-1] for g in exact.gradient), exact.input, *decayed]
    limits = [*allowed.gradient, *(E[-1] for E in allowed.gradient), allowed.input]
    limits += [E + 2.0**-52 * (abs(g) + 1) for E, g in zip(allowed.gradient, exact.gradient, strict=True)]  # a sum more

    def worst(derived):
        pairs = zip(derived, correct, limits, strict=True)
        # Where nothing may be off, at z = 0, any error is too large.
        return max(np.inf if w.shape != c.shape else (abs(w - c) / np.maximum(E, 1e-300)).max() for w, c, E in pairs)

    assert worst(derivation(d, mistake)) > 1e6  # by far more than rounding
    assert worst(derivation(d, Mistake("none", 0, ""))) <= 1


@every_mistake
def test_each_has_one_thing_changed(mistake, drawn, assert_within):
    d, exact, allowed = drawn(mistake)
    correct = Mistake("none", 0, "")
    theirs, ours = mistake.of(mistake.objective), correct.of(mistake.objective)
    changed = {f for f in manual.Equations._fields if getattr(theirs, f) is not getattr(ours, f)}
    every = manual.OUTPUT_ACTIVATIONS
    renamed = {n for n in every if mistake.activations[n] is not every[n]}
    assert set(mistake.activations) == set(every)
    assert (mistake.decay is not correct.decay) == (mistake.equation == 20)
    if mistake.equation in DERIVATIVES:
        assert not changed
        assert len(renamed) == 1
        for name in renamed:
            assert every[name].equations[1] == mistake.equation
            theirs, ours = mistake.activations[name], every[name]
            assert theirs._replace(derivative=ours.derivative) == ours
            assert theirs.derivative is not ours.derivative
        return
    assert not renamed
    if mistake.equation == 20:
        assert not changed
        return
    if mistake.equation != 11:
        assert changed == {FIELD[mistake.equation]}
        return
    assert changed == {"bias_gradient", "weight_gradient"}  # the bias in both its forms
    net = manual.as_pass(d.weights, d.x, exact.z, exact.a, correct.functions(d.network.activations), skip=False)
    for l, layer in enumerate(net.layers):
        g = mistake.equations.weight_gradient(layer, exact.delta[l])
        assert_within(g[:-1], exact.gradient[l][:-1], allowed.gradient[l][:-1])  # (10) is right
        assert g[-1].tolist() == mistake.equations.bias_gradient(layer, exact.delta[l]).tolist()


@pytest.mark.parametrize("mistake", OF_RULES, ids=lambda m: m.name)
def test_each_of_a_rule_is_wrong_and_has_one_step_changed(mistake):
    changed = [n for n, rule in mistake.rules.items() if rule is not manual.RULES[n]]
    assert [manual.RULES[n].equation for n in changed] == [mistake.equation]
    (name,) = changed
    assert mistake.rules[name]._replace(step=manual.RULES[name].step) == manual.RULES[name]
    for seed in range(3):
        rows = {row.equation: row for row in summarise(6, "", 0, compare(np.random.default_rng(seed), mistake.rules))}
        wrong = rows.pop(f"({mistake.equation})")
        assert wrong.worst > 1e6 * wrong.allowed  # by far more than rounding
        assert {row.verdict for row in rows.values()} == {"correct"}


@pytest.mark.deep
@pytest.mark.parametrize("seed", [1, 2])
def test_each_is_caught_and_named(seed):
    """Seed 0 is that of verify/test_ladder.py, which asserts the same of its report."""
    caught = {c.name: c for c in mistakes.caught(seed)}
    assert set(caught) == {m.name for m in MISTAKES}
    for m in MISTAKES:
        found = caught[m.name]
        assert found.caught, m.name
        assert (found.equation, found.expected) == (f"({m.equation})",) * 2, m.name
        assert found.right
        assert found.why == m.why


def test_a_derivation_without_a_mistake_is_not_accused(monkeypatch):
    monkeypatch.setattr(mistakes, "MISTAKES", (Mistake("none", 10, "nothing is changed"),))
    (found,) = mistakes.caught()
    assert not found.caught
    assert not found.right
    assert found.equation == ""


def test_a_mistake_named_after_the_wrong_equation_is_not_right(monkeypatch):
    wrong = next(m for m in MISTAKES if m.equation == 9)
    monkeypatch.setattr(mistakes, "MISTAKES", (Mistake(wrong.name, 8, wrong.why, wrong.equations),))
    (found,) = mistakes.caught()
    assert found.caught
    assert found.equation == "(9)"
    assert not found.right
