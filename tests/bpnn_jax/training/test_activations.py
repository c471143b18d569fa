"""The loops' own sigmoid (1) and tanh (2): within their units in the last place of the exact values, at every size of z."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bpnn_jax.training.fused.activations import ACTIVATIONS, sigmoid, tanh

FUNCTIONS = {"sigmoid": sigmoid, "tanh": tanh}
# ``python -m benchmarks.activations`` finds 2.68 and 3.30 among the float32; some million float64 have 3.1 and 3.4.
UNITS = {("sigmoid", "float32"): 2.7, ("tanh", "float32"): 3.5, ("sigmoid", "float64"): 3.5, ("tanh", "float64"): 3.5}


def exact(name, z):
    """In longdouble, where that is more than float64: e^-|z| and expm1 do not overflow, and lose nothing."""
    z = z.astype(np.longdouble)
    if name == "tanh":
        m = np.expm1(-2 * abs(z))
        return -np.sign(z) * m / (2 + m)
    e = np.exp(-abs(z))
    return np.where(z < 0, e, 1) / (1 + e)


@pytest.mark.parametrize(("name", "dtype"), UNITS, ids=str)
def test_of_all_numbers_none_is_further_off_than_stated(name, dtype, x64):
    if dtype == "float64" and np.finfo(np.longdouble).nmant < 63:
        pytest.skip("longdouble is float64 on this machine")
    info = np.finfo(dtype)
    far = -np.log(info.tiny)  # beyond, 1/(1+e^-z) is no normal number
    size = np.concatenate(
        [np.geomspace(1e-8, far, 200_000), np.linspace(0.01, far, 300_000), np.linspace(0.1, 12, 500_000)]
    )
    z = np.concatenate([size, -size]).astype(dtype)
    z, value = z[abs(z) < far], exact(name, z[abs(z) < far])
    off = abs(np.asarray(jax.jit(FUNCTIONS[name])(z)) - value) / np.spacing(abs(value).astype(dtype))
    assert off.max() <= UNITS[name, dtype], z[off.argmax()]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_far_out_both_are_saturated_and_nan_stays(dtype, x64):
    most, tiny = float(np.finfo(dtype).max), float(np.finfo(dtype).tiny)
    z = np.array([-np.inf, -most, -1e6, -800.0, 800.0, 1e6, most, np.inf, np.nan, 0.0, tiny, -tiny], dtype)
    found = {name: np.asarray(jax.jit(f)(z)) for name, f in FUNCTIONS.items()}
    assert found["sigmoid"].dtype == found["tanh"].dtype == dtype
    np.testing.assert_array_equal(found["sigmoid"], [0, 0, 0, 0, 1, 1, 1, 1, np.nan, 0.5, 0.5, 0.5])
    np.testing.assert_array_equal(found["tanh"], [-1, -1, -1, -1, 1, 1, 1, 1, np.nan, 0, z[-2], z[-1]])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_larger_z_has_no_smaller_value_but_for_rounding(dtype, x64):
    """Where 2^n steps from one n to the next too."""
    z = np.linspace(-800, 800, 1_000_001).astype(dtype)
    for name, function in FUNCTIONS.items():
        found = np.asarray(jax.jit(function)(z), np.float64)
        assert (found.min(), found.max()) == (-1.0 if name == "tanh" else 0.0, 1.0)
        allowed = 2 * UNITS[name, dtype] * float(np.finfo(dtype).eps) * abs(found[1:])
        assert (np.diff(found) >= -allowed).all()


def test_lecun_s_tanh_is_the_same_tanh(x64):
    z = jnp.linspace(-9, 9, 1001)
    np.testing.assert_array_equal(ACTIVATIONS["lecun_tanh"](z), 1.7159 * tanh(2.0 / 3.0 * z))
