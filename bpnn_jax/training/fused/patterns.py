"""Batches of one small network: the patterns of a batch stand side by side on the last axis, and are summed over at its end.

XLA dispatches each matrix product and each sum over patterns on its own, some 0.3 µs apiece; for up to some hundred weights that is
more than their arithmetic. Written out, an update is one function, and its patterns are the vector.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from bpnn_jax.network import Network
from bpnn_jax.training import _outputs
from bpnn_jax.training._loop import Rates
from bpnn_jax.training._settings import Settings
from bpnn_jax.training.fused import epoch, equations
from bpnn_jax.training.fused.equations import LANES, ONE

# Patterns in a block: a power of two, so that halves can be added. Of 16, 32 and 64 the most is the fastest.
FEWEST, MOST = 8, 64


class Blocks(NamedTuple):
    """The patterns of an epoch, update by update and block by block. Where one is filled up, ``real`` is 0 for the copies.

    x, t: (updates, blocks, n, patterns of a block)
    real: (updates, blocks, 1, patterns of a block), 1 or 0; None where no block is filled up.
    many: (updates,), the patterns of each update without the copies.
    """

    x: Any
    t: Any
    real: Any
    many: Any


def blocks(settings: Settings, x: Any, t: Any) -> Blocks:
    """Cut ``x`` (patterns, n0) and ``t`` (patterns, nL).

    >>> cut = blocks(Settings(mode="minibatch", batch_size=20), jnp.ones((50, 3)), jnp.ones((50, 2)))
    >>> cut.x.shape, cut.t.shape, cut.real.sum(axis=(1, 2, 3)).tolist(), cut.many.tolist()
    ((3, 1, 3, 32), (3, 1, 2, 32), [20.0, 20.0, 10.0], [20.0, 20.0, 10.0])
    """
    n = len(x)
    size = n if settings.mode == "batch" else min(settings.batch_size, n)
    wide = min(MOST, max(FEWEST, 1 << (size - 1).bit_length()))
    updates, each = -(-n // size), -(-size // wide)

    def cut(v: Any) -> Any:
        v = filled(v, updates * size, 0).reshape(updates, size, -1)
        return filled(v, each * wide, 1).reshape(updates, each, wide, -1).swapaxes(2, 3)

    at = np.arange(updates)[:, None] * size + np.arange(each * wide)
    real = (at < n) & (np.arange(each * wide) < size)
    many = real.sum(axis=1).astype(x.dtype)
    ones = None if real.all() else real.reshape(updates, each, 1, wide).astype(x.dtype)
    return Blocks(cut(x), cut(t), ones, many)


def filled(v: Any, length: int, axis: int) -> Any:
    """``v`` with copies of its first pattern behind it, up to ``length`` along ``axis``."""
    first = jax.lax.slice_in_dim(v, 0, 1, axis=axis)
    shape = (*v.shape[:axis], length - v.shape[axis], *v.shape[axis + 1 :])
    return jnp.concatenate([v, jnp.broadcast_to(first, shape)], axis=axis)


def run(network: Network, settings: Settings, carry: tuple, patterns: Blocks, rates: Rates) -> tuple:
    """All patterns once, as ``epoch.run`` for one network. Simultaneous order only."""
    weights, kept, error = carry
    carry = (weights, kept, jnp.zeros_like(error))
    return jax.lax.scan(lambda c, batch: (_update(network, settings, c, batch, rates), None), carry, patterns)[0]


def _update(network: Network, settings: Settings, carry: tuple, batch: Blocks, rates: Rates) -> tuple:
    weights, kept, error = carry
    one_lane = tuple(W.T[:, :, None] for W in weights)  # that of every pattern: (n_out, n_in, 1)

    def add(sums: tuple, block: tuple) -> tuple:
        (g, errors), (x, t, real) = sums, block
        layers, added = equations.forward(LANES, network, one_lane, x), list(g)

        def step(l: int, factors: epoch.Factors) -> Any:
            delta = factors.delta if real is None else factors.delta * real
            added[l] = g[l] + LANES.gradient(factors.below, delta)  # (10), not yet summed over patterns
            return one_lane[l]

        epoch.backward(network, settings.objective, LANES, layers, t, step)
        more = _outputs.measured(network, settings, jnp.zeros_like(errors), layers[-1].z, layers[-1].a, t)
        return (tuple(added), errors + (more if real is None else more * real[0])), None

    lanes = batch.x.shape[-1:]
    nothing = tuple(jnp.zeros((*W.shape[::-1], *lanes), W.dtype) for W in weights), jnp.zeros(lanes, error.dtype)
    (sums, errors), _ = jax.lax.scan(add, nothing, (batch.x, batch.t, batch.real))
    g = [folded(of_each).T for of_each in sums]
    if settings.reduction == "mean":
        g = [g_l / batch.many for g_l in g]
    g = [epoch.decayed(network, settings, ONE, l, *both) for l, both in enumerate(zip(g, weights, strict=True))]
    moved = [epoch.STEPS[settings.rule](ONE, *three, rates) for three in zip(weights, g, kept, strict=True)]
    return tuple(W for W, _ in moved), tuple(m for _, m in moved), error + folded(errors)


def folded(sums: Any) -> Any:
    """The sum over the last axis, whose length is a power of two, by halves: a chain would wait for each of its additions.

    >>> folded(jnp.arange(8.0)).item()
    28.0
    """
    while (half := sums.shape[-1] // 2) > 0:
        sums = sums[..., :half] + sums[..., half:]
    return sums[..., 0]
