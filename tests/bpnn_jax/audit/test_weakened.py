"""The auditor's own mutation test: each check left out, or a part of the judgement weakened, lets a planted mistake pass."""

import jax
import jax.numpy as jnp
import pytest

from bpnn_jax import audit
from bpnn_jax.audit import _audit, _draws, _judge, _subject
from bpnn_jax.audit.checks import (
    compiled,
    in_place,
    linearity,
    primal,
    repeated,
    second_order,
    stages,
    types,
    vacuous,
    values,
)
from tests.bpnn_jax.audit import planted_contract
from tests.bpnn_jax.audit.planted import normal

pytestmark = pytest.mark.quick_xla

PLANTED = {case.code: case for case in planted_contract.CASES}
LEFT_OUT = {
    "not-linear": linearity,
    "wrong-dtype": types,
    "primal-differs": primal,
    "second-order": second_order,
    "mutates-input": in_place,
    "nondeterministic": repeated,
    "eager-differs": compiled,
    "vmap-differs": compiled,
}


@pytest.fixture(scope="module", autouse=True)
def compiled_once():
    with audit.reusing():
        yield


@pytest.mark.parametrize("code", LEFT_OUT)
def test_without_its_check_a_broken_promise_passes(monkeypatch, code):
    case = PLANTED[code]
    assert code in {f.code for f in case.audited(True).findings}
    monkeypatch.setattr(LEFT_OUT[code], "findings", lambda seen: iter(()))
    assert code not in {f.code for f in case.audited(True).findings}


def off(bug, x, c):
    """The slope of x² with one thing wrong."""
    wrong = {
        "where negative": jnp.where(x < 0, 0.0, 2 * x),
        "where large": jnp.where(abs(x) > 4, 8.0, 2 * x),
        "by the mean of the cotangent": 2 * x * jnp.mean(c) / c,
        "by a constant": 2 * x + 1,
        "": 2 * x,
    }
    return (wrong[bug] * c,)


def squared(bug):
    f = jax.custom_vjp(lambda x: x * x)
    f.defvjp(lambda x: (x * x, x), lambda x, c: off(bug, x, c))
    return audit.custom_vjp(
        f, abs(normal(6)) * jnp.array([1, 1, -1, 1, 1, -1.0]), mutate=False, explain=False, variants=0
    )


def ones(output, seed):
    del seed
    return jax.tree.map(lambda leaf: jnp.ones(leaf.shape), output)


WEAKER = [
    ("where large", _draws, "SCALES", (0.5,)),  # no draw of ten times the example's size
    ("by the mean of the cotangent", _subject, "cotangent", ones),
    ("by a constant", _judge, "ALGEBRA_FACTOR", 1e30),
    ("where negative", values, "ratio", lambda *a: (0.0, ())),
]


@pytest.mark.parametrize(("bug", "module", "name", "weaker"), WEAKER, ids=[w[0] for w in WEAKER])
def test_a_weaker_judgement_misses_a_mistake(monkeypatch, bug, module, name, weaker):
    assert squared("").verdict == "correct"
    assert squared(bug).verdict == "wrong"
    monkeypatch.setattr(module, name, weaker)
    for promise in (linearity, compiled):  # which may find it in their own way
        monkeypatch.setattr(promise, "findings", lambda seen: iter(()))
    monkeypatch.setattr(_judge, "together", lambda judged, subject: judged)
    monkeypatch.setattr(_audit, "together", lambda judged, subject: judged)
    assert squared(bug).verdict != "wrong"


def test_what_saw_nothing_is_told_by_its_own_check(monkeypatch):
    def flat(x):
        return audit.gradient(lambda x: (0 * x).sum(), lambda x: 0 * x, x, mutate=False, variants=0)

    assert flat(normal(4)).verdict == "inconclusive"
    monkeypatch.setattr(vacuous, "findings", lambda seen: iter(()))
    assert flat(normal(4)).verdict == "correct"


def test_a_wrong_stage_is_told_by_its_own_check(monkeypatch):
    def loss(x):
        return audit.stage("z", x * x).sum()

    def audited():
        hand = {"z": lambda cotangents, values, x: 2 + 0 * x}
        return audit.gradient(loss, lambda x: 2 * x, normal(4), stages=hand, mutate=False, variants=0)

    assert audited().verdict == "wrong"
    monkeypatch.setattr(stages, "findings", lambda seen: iter(()))
    assert audited().verdict == "correct"
