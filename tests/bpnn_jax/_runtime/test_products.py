"""Products are of float32 on every device: seen in the traced program, because only a GPU computes the other ones."""

import re

import jax
import jax.numpy as jnp
import pytest

from bpnn_jax import Network, apply, half_squared_error, run_epochs

NETWORK, X, T = Network((3, 2, 2)), jnp.ones((4, 3)), jnp.ones((4, 2))
WEIGHTS = tuple(jnp.ones(shape) for shape in NETWORK.shapes)


def precisions(function, *args):
    """The precision of each product in a traced function."""
    text = str(jax.make_jaxpr(function)(*args))
    return [re.search(r"precision=(.*)", part.split("dot_general")[0]) for part in text.split("dot_general[")[1:]]


def training(**settings):
    return lambda weights: run_epochs(NETWORK, X, T, weights=weights, epochs=1, key=0, **settings).weights


CASES = {
    "online": training(gradient="autodiff"),
    "a batch": training(mode="batch"),
    "minibatches, the last one smaller": training(mode="minibatch", batch_size=3),
    "the article's order": training(mode="batch", order="article"),
    "JAX's gradient": training(mode="batch", gradient="autodiff"),
    "softly": training(mode="batch", rule="adam", objective="cross-entropy"),
    "the outputs": lambda weights: apply(NETWORK, weights, X),
    "a gradient of one's own": jax.grad(lambda weights: half_squared_error(NETWORK, weights, X, T)),
}


@pytest.mark.parametrize("function", CASES.values(), ids=CASES)
def test_every_product_is_of_float32(function):
    found = precisions(function, WEIGHTS)
    assert found
    assert all(each and "HIGHEST" in each[1] for each in found), found


def test_a_precision_that_the_user_set_counts():
    with jax.default_matmul_precision("tensorfloat32"):
        found = precisions(CASES["the outputs"], WEIGHTS)
    assert [each and each[1] for each in found] == ["(Precision.HIGH, Precision.HIGH)"] * 2
