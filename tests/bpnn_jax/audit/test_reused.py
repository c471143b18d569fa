"""What audits of one function share inside ``reusing``: its traces, by everything that could make them others."""

import jax.numpy as jnp
import numpy as np
import pytest

from bpnn_jax import audit

pytestmark = pytest.mark.quick_xla

OPTIONS = {"draws": 2, "variants": 0, "mutate": False, "explain": False}
X, K = np.linspace(0.5, 1.5, 3), np.array([2.0, 3.0])


@pytest.fixture
def loss():
    """Σ k Σ x², which notes each time that it is traced or run."""

    def loss(x, k):
        loss.calls += 1
        return jnp.sum(x * x) * jnp.sum(k)

    loss.calls = 0
    return loss


def gradient(factor):
    """A gradient of ``loss`` times a factor: every call makes another function, as every mistake is one."""
    return lambda x, k: factor * 2.0 * np.asarray(x) * np.sum(k)


def audited(loss, factor, x=X, k=K):
    before = loss.calls
    report = audit.gradient(loss, gradient(factor), x, k, argnums=0, **OPTIONS)
    return report.verdict, loss.calls - before


def test_another_gradient_of_one_function_traces_it_no_more(loss):
    with audit.reusing():
        verdict, traced = audited(loss, 1.0)
        assert (verdict, traced > 5) == ("correct", True)
        assert audited(loss, 1.0) == ("correct", 0)
        assert audited(loss, 1.01)[0] == "wrong"
    assert audited(loss, 1.0) == ("correct", traced)


@pytest.mark.parametrize("other", [{"x": X[:2]}, {"k": np.array([2.0])}, {"x": X.astype(np.float32)}], ids=list)
def test_other_shapes_and_dtypes_are_traced_apart(loss, other):
    with audit.reusing():
        audited(loss, 1.0)
        verdict, traced = audited(loss, 1.0, **other)
        assert (verdict, traced > 0) == ("correct", True)
        assert audited(loss, 1.01, **other)[0] == "wrong"


def test_a_function_whose_output_depends_on_a_number_that_is_carried():
    """A count among the arguments is read while the function is traced: another one is another function."""

    def repeated(x, n):
        return jnp.tile(x, int(n)) ** 2

    def backward(n):
        return lambda residuals, c: (2.0 * residuals * c.reshape(int(n), -1).sum(axis=0), None)

    with audit.reusing():
        for n in (np.int32(2), np.int32(3)):
            fwd = lambda x, n: (repeated(x, n), x)  # noqa: E731
            report = audit.vjp(repeated, fwd, backward(n), X, n, argnums=0, **OPTIONS)
            assert report.verdict == "correct", report
