"""A softmax fused in Pallas, with a backward kernel of its own: interpreted on the CPU, compiled where there is a GPU."""

import jax
import jax.numpy as jnp
import pytest
from jax.experimental import pallas as pl

from bpnn_jax import audit
from tests.bpnn_jax.audit.planted import normal

pytestmark = pytest.mark.quick_xla

ROWS, COLUMNS, BLOCK = 8, 16, 4


def forward_kernel(x_ref, y_ref):
    x = x_ref[...]
    e = jnp.exp(x - x.max(axis=-1, keepdims=True))
    y_ref[...] = e / e.sum(axis=-1, keepdims=True)


def backward_kernel(y_ref, c_ref, dx_ref):
    y, c = y_ref[...], c_ref[...]
    dx_ref[...] = y * (c - (y * c).sum(axis=-1, keepdims=True))


def no_sum(y_ref, c_ref, dx_ref):
    dx_ref[...] = y_ref[...] * c_ref[...]


def sum_of_the_block(y_ref, c_ref, dx_ref):
    """The sum runs over the whole block in place of each row: right for blocks of one row."""
    y, c = y_ref[...], c_ref[...]
    dx_ref[...] = y * (c - (y * c).sum())


def last_block_written_twice(y_ref, c_ref, dx_ref):
    """Every block but the first is scaled: only the program's number tells."""
    y, c = y_ref[...], c_ref[...]
    scale = jnp.where(pl.program_id(0) == 1, 2, 1).astype(y.dtype)
    dx_ref[...] = scale * y * (c - (y * c).sum(axis=-1, keepdims=True))


def call(kernel, *arrays):
    block = pl.BlockSpec((BLOCK, COLUMNS), lambda i: (i, 0))
    return pl.pallas_call(
        kernel,
        out_shape=jax.ShapeDtypeStruct(arrays[0].shape, arrays[0].dtype),
        grid=(ROWS // BLOCK,),
        in_specs=[block] * len(arrays),
        out_specs=block,
        interpret=jax.default_backend() == "cpu",
    )(*arrays)


def softmax(backward):
    @jax.custom_vjp
    def fused(x):
        return call(forward_kernel, x)

    def fwd(x):
        y = fused(x)
        return y, y

    def bwd(y, c):
        return (call(backward, y, c),)

    fused.defvjp(fwd, bwd)
    return fused


def audited(backward):
    x = normal(ROWS, COLUMNS)
    return audit.custom_vjp(softmax(backward), x, reference=jax.nn.softmax, draws=3, mutate=False, variants=0)


def test_right_kernel_is_right():
    report = audited(backward_kernel)
    assert report.verdict == "correct", report


@pytest.mark.parametrize("backward", [no_sum, sum_of_the_block, last_block_written_twice])
def test_wrong_kernel_is_wrong(backward):
    report = audited(backward)
    assert report.verdict == "wrong", report
    assert report.findings[0].code == "wrong-value"
    assert report.findings[0].leaf == "argument 0"


def test_power_looks_around_the_kernel():
    """A kernel's result is changed, and its inside. The largest element only keeps exponentials small."""
    report = audit.custom_vjp(
        softmax(backward_kernel), normal(ROWS, COLUMNS), reference=jax.nn.softmax, draws=2, variants=0
    )
    assert report.verdict == "correct", report
    assert report.power.caught > 0
    assert all(s.harmless for s in report.power.survivors), report.power.survivors
