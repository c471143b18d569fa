"""Equations (1) to (4) and (17), against mpmath with 60 digits and in every number that NumPy, JAX and SymPy have."""

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

import manual
from bpnn_jax import network
from bpnn_jax.verify.proof import is_zero
from bpnn_jax.verify.symbols import entries, of, on_side
from tests.witnesses import ACTIVATIONS, NAMES, closed, exact, z_

pytestmark = pytest.mark.quick_xla
FLOATS = (np.float32, np.float64, np.longdouble)
ORDINARY = np.concatenate([np.linspace(-9, 9, 37), [-30.0, -1e-3, -1e-9, 1e-9, 1e-3, 30.0]])


@pytest.fixture(autouse=True)
def sixty_digits():
    with mpmath.workdps(60):
        yield


def as_mp(number) -> mpmath.mpf:
    """Without rounding, also from longdouble and its larger exponents."""
    fraction, exponent = np.frexp(number)
    return mpmath.ldexp(mpmath.mpf(int(np.ldexp(fraction, 64))), int(exponent) - 64)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", NAMES)
def test_value(name, dtype):
    zs = ORDINARY.astype(dtype)
    values = manual.ACTIVATIONS[name].value(zs)
    assert values.dtype == dtype
    u = float(np.finfo(dtype).eps) / 2
    for z, got in zip(zs, values, strict=True):
        z = as_mp(z)
        # 4 ulp of the value; a stretched f has constants inside and outside that cost a few roundings more.
        constant = ACTIVATIONS[name].rounding
        allowed = 8 * (u + constant) * (abs(exact(name, z)) + abs(z * exact(name, z, 1)) * bool(constant))
        # gelu of -30 is e^-1970: below the smallest number, which is what is left then.
        assert abs(as_mp(got) - exact(name, z)) <= allowed + as_mp(np.finfo(dtype).tiny), (z, got)


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", NAMES)
def test_derivatives_in_terms_of_a(name, dtype, order):
    zs = ORDINARY.astype(dtype)
    f = manual.ACTIVATIONS[name]
    values = (f.derivative, f.second)[order - 1](zs, f.value(zs))
    assert values.dtype == dtype
    u = float(np.finfo(dtype).eps) / 2 + ACTIVATIONS[name].rounding
    for z, got in zip(zs, values, strict=True):
        # Absolute: 1 - a² cancels where f saturates. All these derivatives are of size 1 or 2 and a few roundings away from a.
        assert abs(as_mp(got) - exact(name, as_mp(z), order)) <= 16 * u, (z, got)


@pytest.mark.parametrize("dtype", FLOATS)
def test_sigmoid_at_minus_1000_is_0_without_a_warning(dtype):
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        ends = manual.SIGMOID.value(np.array([-np.inf, -20000.0, 20000.0, np.inf], dtype))
        (at_1000,) = manual.SIGMOID.value(np.array([-1000.0], dtype))
    assert ends.tolist() == [0.0, 0.0, 1.0, 1.0]
    if np.finfo(dtype).minexp > -1100:
        assert at_1000 == 0.0
    else:  # longdouble still knows e^-1000
        assert abs(as_mp(at_1000) / mpmath.exp(-1000) - 1) <= 4 * float(np.finfo(dtype).eps)


@pytest.mark.parametrize(
    ("dtype", "z"), [(np.float32, -40), (np.float64, -40), (np.float64, -700), (np.longdouble, -700)]
)
def test_sigmoid_keeps_its_relative_accuracy_far_out(dtype, z):
    got = as_mp(manual.SIGMOID.value(np.array([z], dtype))[0])
    u = float(np.finfo(dtype).eps) / 2
    assert abs(got / exact("sigmoid", z) - 1) <= 4 * u  # the naive 1 - sigmoid(40) would lose every digit


@given(st.floats(-700, 700))
def test_sigmoid_is_symmetric_and_tanh_is_its_stretch(z):
    up, down = manual.SIGMOID.value(np.array([z, -z]))
    u = 2.0**-53
    assert abs(up + down - 1.0) <= 8 * u
    stretched = 2.0 * manual.SIGMOID.value(np.array([2.0 * z]))[0] - 1.0
    assert abs(manual.TANH.value(np.array([z]))[0] - stretched) <= 8 * u  # (2)


def test_lecun_tanh_is_made_so_that_f_of_1_is_1():
    values = manual.LECUN_TANH.value(np.array([1.0, -1.0]))
    assert abs(values - [1.0, -1.0]).max() < 1e-5  # 1.7159 has five digits
    assert abs(exact("lecun_tanh", 1) - 1) < 1e-5


@pytest.mark.parametrize("name", NAMES)
def test_complex_step_is_the_derivative(name):
    """Im f(z + ih)/h = f'(z), also where the sigmoid's branch changes and far out."""
    f = manual.ACTIVATIONS[name]
    zs = np.array([-400.0, -40.0, -3.0, -0.0, 0.0, 1e-8, 3.0, 40.0])
    with np.errstate(over="raise", invalid="raise"):
        values = f.value(zs + 1e-100j)
    assert values.dtype == np.complex128
    for z, got in zip(zs, values.imag / 1e-100, strict=True):
        slope = exact(name, z, 1)
        # Relative, for the sigmoid as far down as h times the slope is a normal number. 1 - tanh² is gone at e^-80.
        # softsign's quotient cancels all but 1/(1+|z|) of its two terms.
        allowed = 1e-14 * max(1.0, abs(z) / 10 if name == "softsign" else 0.0) * abs(slope)
        assert abs(got - slope) <= allowed + (0 if ACTIVATIONS[name].relative else 1e-30), (z, got)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_same_lines_under_jax(name, dtype, x64, assert_within):
    f, zs = manual.ACTIVATIONS[name], ORDINARY.astype(dtype)

    def all_three(z):
        a = f.value(z)
        return a, f.derivative(z, a), f.second(z, a)

    found = jax.jit(jax.vmap(all_three))(jnp.asarray(zs))
    assert {leaf.dtype.name for leaf in found} == {dtype}
    wide = zs.astype(np.float64)
    # Both sides round a handful of numbers of size 2 (or of the size of z); XLA's tanh and exp are good to 4 ulp.
    allowed = 32 * np.finfo(dtype).eps * np.maximum(1.0, abs(f.value(wide)))
    assert_within(found, all_three(wide), allowed)
    extreme = jax.jit(f.value)(jnp.asarray([-1000.0, 1000.0], dtype))
    assert_within(extreme, np.array(ACTIVATIONS[name].ends), np.finfo(dtype).eps * 2)


@pytest.mark.parametrize("name", NAMES)
def test_jax_differentiates_these_lines_to_the_same_derivative(name, x64, assert_within):
    f, zs = manual.ACTIVATIONS[name], np.array([-1000.0, -40.0, -2.0, -0.5, 0.0, 0.5, 2.0, 40.0, 1000.0])
    slope = jax.jit(jax.vmap(jax.grad(lambda z: f.value(z[None])[0])))(zs)
    assert_within(slope, f.derivative(zs, f.value(zs)), 16 * 2.0**-53)


@pytest.mark.parametrize("side", ["<", ">"])
@pytest.mark.parametrize("name", NAMES)
def test_the_same_lines_on_symbols(name, side):
    z = of([z_])
    f = manual.ACTIVATIONS[name]
    with on_side(side):
        hands = [entries(hand)[0] for hand in (f.value(z), f.derivative(z, f.value(z)), f.second(z, f.value(z)))]
    for order, hand in enumerate(hands):
        assert is_zero(hand - sympy.diff(closed(name, side == ">"), z_, order))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NAMES)
def test_at_a_kink_both_witnesses_have_the_value_of_the_left_side(name, dtype, x64):
    f, zero = manual.ACTIVATIONS[name], np.array([0.0, -0.0], dtype)
    value = network.ACTIVATIONS[name]
    slope = jax.grad(value)
    all_three = jax.jit(lambda z: (value(z), slope(z), jax.grad(slope)(z)))
    by_jax = [all_three(z) for z in zero]
    a = f.value(zero)
    for order, hand in enumerate((a, f.derivative(zero, a), f.second(zero, a))):
        u = float(np.finfo(dtype).eps)
        assert abs(hand - float(exact(name, 0, order))).max() <= 2 * u
        assert max(abs(float(found[order]) - hand[0]) for found in by_jax) <= 2 * u


@pytest.mark.parametrize("under", [np.asarray, jnp.asarray])
@pytest.mark.parametrize("name", NAMES)
def test_far_out_nothing_is_lost_in_float32(name, under):
    """Where z² and z³ are beyond float32, f is an end of its range or z times its slope there, f' that slope, f'' 0."""
    f = manual.ACTIVATIONS[name]
    zs = np.array([-3e38, -1e30, -1e20, -1e13, 1e13, 1e20, 1e30, 3e38], np.float32)
    with np.errstate(over="ignore"):  # of NumPy's z³, which is infinite and so saturates
        a = f.value(under(zs))
        every = np.array([a, f.derivative(under(zs), a), f.second(under(zs), a)], np.float64)
    for z, found in zip(zs.tolist(), every.T, strict=True):
        slope = float(exact(name, as_mp(np.sign(z) * 1000), 1))  # has its limit there, softsign's all but 1e-6
        end = ACTIVATIONS[name].ends[z > 0]  # f(±1000)
        value = z * round(slope, 2) if round(slope, 2) else end
        assert found[0] == pytest.approx(value, rel=2e-3)  # softsign(1000) is 1 - 1e-3
        assert found[1:] == pytest.approx([round(slope, 2), 0.0], abs=1e-6)


def test_the_table_of_activations():
    assert tuple(manual.ACTIVATIONS) == NAMES
    for name, f in manual.ACTIVATIONS.items():
        assert f.name == name
        low, high = f.output_range
        far = 1e100  # whose cube is a number
        values = f.value(np.concatenate([[-far, -1000.0], np.linspace(-3, 3, 6001), [1000.0, far]]))
        # No narrower than it must be, and no wider: it is reached, to the grid's spacing, or there is no end.
        for end, limit in ((values.min(), low), (values.max(), high)):
            if np.isinf(limit):
                assert end * np.sign(limit) >= 0.01 * far
            else:
                assert end == pytest.approx(limit, rel=1e-6, abs=1e-300)
        assert low <= values.min() + 1e-16
        assert values.max() <= high
