"""Network, init and apply; and that the two ways of writing the forward pass agree."""

import ast
import dataclasses
import re
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import manual
from bpnn_jax.errors import InputError
from bpnn_jax.network import (
    ACTIVATIONS,
    INITIAL,
    OUTPUT_ACTIVATIONS,
    Network,
    apply,
    check_weights,
    half_squared_error,
    init,
    init_paired,
    intermediates,
)
from bpnn_jax.training._step import functions
from bpnn_jax.verify.as_it_runs import rounded
from bpnn_jax.verify.equations import reference_and_bound
from bpnn_jax.verify.reference import draw

pytestmark = pytest.mark.quick_xla


def says(text):
    return pytest.raises(InputError, match=re.escape(text))


@pytest.mark.parametrize("sizes", [(), (3,), (3, 0), (2, -1, 1), (2, 2.0, 1), (2, "2", 1)])
def test_sizes_that_make_no_network(sizes):
    with says(f"expected sizes as two or more positive whole numbers, got {sizes!r}"):
        Network(sizes)


def test_activations_that_make_no_network():
    def another(z):
        return z

    with says("expected 2 activations for 3 sizes, got 1: ('tanh',)"):
        Network((2, 3, 1), ("tanh",))
    with says(f"unknown activation 'sigmod'; did you mean 'sigmoid'? Known: {', '.join(OUTPUT_ACTIVATIONS)}"):
        Network((2, 3, 1), "sigmod")
    with says("unknown activation 'swich'. Known: sigmoid"):
        Network((2, 3, 1), ("tanh", "swich"))
    with says("expected each activation by its name, 'tanh', got the function tanh"):
        Network((2, 3, 1), jnp.tanh)
    with says(
        f"expected each activation by its name, one of {', '.join(OUTPUT_ACTIVATIONS)}, got the function another"
    ):
        Network((2, 3, 1), ("tanh", another))
    for switch in ("input_bias", "hidden_bias", "skip"):
        with says(f"expected {switch} as True or False, got 'no'"):
            Network((2, 3, 1), **{switch: "no"})


@pytest.mark.parametrize(
    "sizes", [np.array([2, 3, 1]), jnp.array([2, 3, 1]), range(2, 5), [np.int64(2), 3, 1]], ids=repr
)
def test_sizes_in_an_array(sizes):
    network = Network(sizes, "tanh")
    assert network == Network(tuple(int(n) for n in sizes), "tanh")
    assert all(type(n) is int for n in network.sizes)


def test_sizes_in_an_array_that_make_no_network():
    for sizes in (np.array([2.0, 3.0]), np.array([[2, 3]]), np.array(2), "23", b"23", None, 5):
        with says("expected sizes as two or more positive whole numbers, got "):
            Network(sizes)


@pytest.mark.parametrize(
    "network",
    [
        Network((2, 3, 1)),
        Network((2, 3, 1), ("tanh", "linear"), input_bias=False),
        Network((2, 3, 1), "tanh", hidden_bias=np.bool_(False), skip=True),
    ],
)
def test_its_repr_makes_it_again(network):
    name, arguments = re.fullmatch(r"(Network)\((.*)\)", repr(network)).groups()
    call = ast.parse(f"{name}({arguments})", mode="eval").body
    given = [ast.literal_eval(a) for a in call.args], {k.arg: ast.literal_eval(k.value) for k in call.keywords}
    assert Network(*given[0], **given[1]) == network


@pytest.mark.parametrize(
    ("input_bias", "hidden_bias", "shapes", "text"),
    [
        (True, True, ((3, 4), (5, 3), (4, 1)), "2-4-3-1 tanh"),
        (True, False, ((3, 4), (4, 3), (3, 1)), "2-4-3-1 tanh, no hidden bias"),
        (False, True, ((2, 4), (5, 3), (4, 1)), "2-4-3-1 tanh, no input bias"),
        (False, False, ((2, 4), (4, 3), (3, 1)), "2-4-3-1 tanh, no bias"),
    ],
)
def test_shapes_and_name(input_bias, hidden_bias, shapes, text):
    network = Network((2, 4, 3, 1), "tanh", input_bias, hidden_bias)
    assert network.shapes == shapes
    assert network.biases == (input_bias, hidden_bias, hidden_bias)
    assert str(network) == text
    for initial in ("uniform", "glorot"):
        assert tuple(W.shape for W in jax.eval_shape(partial(init, network, initial=initial))) == shapes


def test_skip_connections_feed_each_layer_from_all_below_it():
    network = Network((2, 4, 3, 1), "tanh", hidden_bias=False, skip=True)
    assert network.shapes == ((3, 4), (4 + 2, 3), (3 + 4 + 2, 1))
    assert str(network) == "2-4-3-1 tanh, no hidden bias, skip connections"
    assert [network.above(k) for k in range(3)] == [(0, 1, 2), (1, 2), (2,)]
    assert [network.rows(2, k) for k in (2, 1, 0)] == [slice(0, 3), slice(3, 7), slice(7, 9)]
    assert network != Network((2, 4, 3, 1), "tanh", hidden_bias=False)


def test_it_is_frozen_and_hashable_and_lists_become_tuples():
    network = Network([2, 3, 1], ["tanh", "linear"])
    assert network == Network((2, 3, 1), ("tanh", "linear"))
    assert hash(network) == hash(Network((2, 3, 1), ("tanh", "linear")))
    assert Network((2, 3, 1), "tanh") == Network((2, 3, 1), ("tanh", "tanh"))
    assert len({network, Network((2, 3, 1), "tanh"), Network((2, 3, 1), "tanh", hidden_bias=False)}) == 3
    assert str(network) == "2-3-1 tanh/linear"
    with pytest.raises(dataclasses.FrozenInstanceError):
        network.sizes = (1, 1)


def test_it_is_static_under_jit():
    traced = []

    def outputs(network, weights, x):
        traced.append(network)
        return apply(network, weights, x)

    jitted = jax.jit(outputs, static_argnums=0)
    weights, x = (np.ones((3, 3)), np.ones((4, 1))), np.ones((4, 2))
    for _ in range(2):
        network = Network((2, 3, 1), "tanh")  # another object, the same network
        assert jitted(network, weights, x).shape == (4, 1)
    assert len(traced) == 1


# --- init ---


def test_init_ranges(assert_within):
    network = Network((40, 50, 50, 50))
    for ranges, reach in [((0.2, 2.0), (0.2, 2.0, 2.0)), ((0.5,), (0.5, 0.5, 0.5)), ((0.1, 1.0, 3.0), (0.1, 1.0, 3.0))]:
        for W, r in zip(map(np.asarray, init(network, 3, ranges=ranges)), reach, strict=True):
            assert abs(W).max() <= r
            assert abs(W).max() > 0.9 * r
            # The mean of n uniform numbers: r/sqrt(3n) its standard deviation, five of them allowed.
            assert_within(W.mean(), 0.0, 5 * r / np.sqrt(3 * W.size))
            assert (W[-1] != 0).all()  # the bias node's weights are drawn like the others
    assert all((np.asarray(W) == 0).all() for W in init(network, ranges=(0.0,)))
    first, second = map(np.asarray, init(Network((50, 50, 50)), ranges=(1.0,)))
    assert (first != second).any()


def test_init_glorot_and_lecun():
    network = Network((40, 300, 200))
    glorot, lecun = ([np.asarray(W) for W in init(network, 4, initial=initial)] for initial in ("glorot", "lecun"))
    for W, ends in zip(glorot, (340, 500), strict=True):
        reach = np.sqrt(6 / ends)
        assert 0.99 * reach < abs(W[:-1]).max() <= reach
        assert (W[-1] == 0).all()
    for W, n_in in zip(lecun, (40, 300), strict=True):
        # The variance of n normal numbers is known to sqrt(2/n); five of those.
        assert abs(np.var(W[:-1]) * n_in - 1) < 5 * np.sqrt(2 / W[:-1].size)
        assert (W[-1] == 0).all()
    without = init(Network((40, 300, 200), input_bias=False, hidden_bias=False), 4, initial="glorot")
    assert [np.asarray(W).tolist() for W in without] == [W[:-1].tolist() for W in glorot]


def test_init_he_and_nguyen_widrow():
    network = Network((40, 300, 200))
    he = [np.asarray(W) for W in init(network, 4, initial="he")]
    for W, n_in in zip(he, (40, 300), strict=True):
        assert not W[-1].any()
        # The variance of 12000 normal numbers or more is within 5 of its standard errors, sqrt(2/12000).
        assert W[:-1].var() == pytest.approx(2 / n_in, rel=5 * (2 / 12000) ** 0.5)
    hidden, last = (np.asarray(W) for W in init(network, 4, initial="nguyen-widrow"))
    beta = 0.7 * 300 ** (1 / 40)
    assert np.linalg.norm(hidden[:-1], axis=0) == pytest.approx(beta, rel=1e-5)  # float32
    assert 0.95 * beta < abs(hidden[-1]).max() <= beta
    assert abs(np.mean(hidden[:-1])) < 0.01 * beta  # both signs
    assert 0.49 < abs(last[:-1]).max() <= 0.5
    assert 0.45 < abs(last[-1]).max() <= 0.5


@pytest.mark.parametrize("initial", INITIAL)
def test_init_is_the_seed_and_nothing_else(initial):
    network = Network((2, 3, 1))

    def numbers(*args, **kwargs):
        return [W.tolist() for W in init(network, *args, initial=initial, **kwargs)]

    assert numbers(7) == numbers(7) == numbers(jax.random.key(7))
    assert numbers(7) != numbers(8)
    with jax.enable_x64(True):
        wide = init(network, 7, initial=initial, dtype="float64")
        assert {W.dtype.name for W in wide} == {"float64"}
        assert [W.tolist() for W in wide] == numbers(7)  # the same draws, not near ones
    assert {W.dtype.name for W in init(network, 7, initial=initial)} == {"float32"}


@pytest.mark.parametrize("initial", INITIAL)
def test_paired_networks_share_what_both_have(initial):
    """With and without bias nodes: the same draws but for the nodes' rows, and those of another seed are others."""
    seeds, ranges = np.array([3, 9]), (0.2, 2.0)
    whole = init_paired(Network((3, 4, 2)), initial, ranges, seeds)
    assert (whole[0][0] != whole[0][1]).any()
    for input_bias, hidden_bias in ((True, False), (False, True), (False, False)):
        lacking = Network((3, 4, 2), input_bias=input_bias, hidden_bias=hidden_bias)
        for W, full, bias in zip(init_paired(lacking, initial, ranges, seeds), whole, lacking.biases, strict=True):
            np.testing.assert_array_equal(W, full if bias else full[:, :-1])


def test_init_says_what_it_cannot_use():
    network = Network((2, 3, 1))
    with says(
        "unknown initial weights 'glorrot'; did you mean 'glorot'? Known: uniform, glorot, lecun, he, nguyen-widrow"
    ):
        init(network, initial="glorrot")
    for ranges in ((), (-1.0,), (0.2, float("nan")), (float("inf"),)):
        with says(f"expected ranges as finite numbers from 0 up, got {ranges!r}"):
            init(network, ranges=ranges)


# --- apply ---


@partial(jax.jit, static_argnums=0)
def forward(network, weights, x, taps=None):
    return intermediates(network, weights, x, taps)


@partial(jax.jit, static_argnums=0)
def everything(network, weights, x, t):
    """The intermediates, the outputs of one pattern as a vector, and the error."""
    return (
        intermediates(network, weights, x),
        apply(network, weights, x[0]),
        half_squared_error(network, weights, x, t),
    )


NETWORKS = (
    Network((3, 2), "linear"),
    Network((3, 4, 2), ("sigmoid", "lecun_tanh")),
    Network((2, 3, 3, 2), ("tanh", "sigmoid", "tanh"), input_bias=False),
    Network((2, 3, 3, 2), ("lecun_tanh", "sigmoid", "linear"), hidden_bias=False),
    Network((2, 3, 3, 2), ("tanh", "sigmoid", "linear"), skip=True),
)


@pytest.mark.parametrize("saturated", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("network", NETWORKS, ids=str)
def test_apply_is_manual_forward(network, dtype, saturated, assert_within):
    d, exact, allowed = rounded(draw(network, np.random.default_rng(41), patterns=3, saturated=saturated), dtype)
    by_hand = manual.forward(d.weights, d.x, functions(network), network.skip)
    assert_within(by_hand.activations[1:], exact.a, allowed.a)
    with jax.enable_x64(dtype == "float64"):
        weights, x, t = jax.tree.map(jnp.asarray, (d.weights, d.x, d.t))
        (zs, activations), one, error = everything(network, weights, x, t)
        assert {v.dtype.name for v in (*zs, *activations)} == {dtype}
        assert_within(zs, exact.z, allowed.z)
        assert_within(activations, exact.a, allowed.a)
        assert_within(one, exact.a[-1][0], allowed.a[-1][0])
        assert_within(error, exact.error, allowed.error)


def test_apply_is_the_last_of_the_intermediates():
    d = draw(NETWORKS[-1], np.random.default_rng(41), patterns=3)
    assert apply(d.network, d.weights, d.x).tolist() == intermediates(d.network, d.weights, d.x)[1][-1].tolist()


def test_taps_are_added_to_z(x64, assert_within):
    """∂E/∂tap is δ: what the reference of the ladder stands on. Here against a central difference, not JAX's gradient."""
    network = Network((2, 3, 1), "tanh")
    d = draw(network, np.random.default_rng(42), patterns=2)
    exact, _ = reference_and_bound(d)
    weights, x = jax.tree.map(jnp.asarray, (d.weights, d.x))
    for l, delta in enumerate(exact.delta):
        assert (delta != 0).all()
        for index in np.ndindex(*delta.shape):

            def error(h, l=l, index=index):
                taps = [np.zeros(e.shape) for e in exact.delta]
                taps[l][index] = h
                return 0.5 * ((np.asarray(forward(network, weights, x, taps)[1][-1]) - d.t) ** 2).sum()

            near, far = ((error(h) - error(-h)) / (2 * h) for h in (1e-3, 2e-3))
            # Richardson; its error is below the difference of the two, and rounding costs 8u|E|/h.
            assert_within((4 * near - far) / 3, delta[index], abs(near - far) / 3 + 8 * 2.0**-53 * error(0.0) / 1e-3)


def test_activations_have_the_names_that_manual_has():
    assert set(ACTIVATIONS) == set(manual.ACTIVATIONS)


def test_check_weights():
    network = Network((2, 3, 1))
    check_weights(network, (np.zeros((3, 3)), np.zeros((4, 1))))
    with says("expected weights of shapes ((3, 3), (4, 1)) for 2-3-1 sigmoid, got ((3, 3), (3, 1))"):
        check_weights(network, (np.zeros((3, 3)), np.zeros((3, 1))))
    with says("got ((3, 3),)"):
        check_weights(network, (np.zeros((3, 3)),))
    for wrong, got in (
        (None, "None"),
        (np.zeros((4, 1), complex), "complex128"),
        (np.ma.ones((4, 1)), "a masked array"),
    ):
        with pytest.raises(InputError, match=f"expected weights of layer 2 as an array of real numbers, got .*{got}"):
            check_weights(network, (np.zeros((3, 3)), wrong))
