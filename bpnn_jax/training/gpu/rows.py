"""How the GPU kernel's state lies in memory: one row of numbers for each thing that a thread keeps, networks along the last axis.

A row has shape (threads, networks). The units of a dealt-out hidden layer are numbered so that unit q * threads + r is row q of
thread r; what every thread of a network keeps for itself is there once per thread.
"""

from collections.abc import Iterator
from itertools import count
from typing import Any

import jax
import jax.numpy as jnp

from bpnn_jax.training.gpu.update import Layer, Update


def template(update: Update) -> tuple[Layer, ...]:
    """The layers with the number of its row in place of each array."""
    number = count()

    def rows(n: int, columns: int) -> tuple[tuple[int, ...], ...]:
        return tuple(tuple(next(number) for _ in range(columns)) for _ in range(n))

    layers = []
    for l, bias in enumerate(update.network.biases):
        n_in = update.network.sizes[l] // update.dealt(l)
        n_out = update.network.sizes[l + 1] // update.dealt(l + 1)
        W = rows(n_in + bias, n_out)
        owed = rows(1, n_out)[0] if update.folded else ()
        before = rows(1, n_in)[0] if update.folded and l else ()
        layers.append(Layer(W, owed, before, () if update.folded else rows(n_in + bias, n_out)))
    return tuple(layers)


def row_count(update: Update) -> int:
    return len(jax.tree.leaves(template(update)))


def pack(update: Update, weights: tuple) -> jax.Array:
    """Weights (rows, columns, n) for each layer, as the state before the first update: (rows of state, threads, n)."""
    n = weights[0].shape[-1]
    found = []
    for l, W in enumerate(weights):
        dealt = list(_deal(update, l, W))
        nothing = jnp.zeros((update.threads, n), W.dtype)
        layer = template(update)[l]
        found += dealt + [nothing] * (len(jax.tree.leaves(layer)) - len(dealt))
    return jnp.stack(found)


def unpack(update: Update, state: Any) -> tuple:
    """The weights (rows, columns, n) of a state, in NumPy where it is NumPy's."""
    layers = jax.tree.map(lambda row: state[row], template(update))
    return tuple(_gather(update, l, layer.W) for l, layer in enumerate(layers))


def _deal(update: Update, l: int, W: jax.Array) -> Iterator[jax.Array]:
    """The rows of state of one weight matrix, each (threads, n), in the template's order."""
    n_in, threads = update.network.sizes[l], update.threads
    above, below = update.dealt(l + 1), update.dealt(l)
    for i in range(n_in // below):
        for j in range(W.shape[1] // above):
            part = W[i * below : (i + 1) * below, j * above : (j + 1) * above].reshape(-1, W.shape[-1])
            yield jnp.broadcast_to(part, (threads, W.shape[-1]))
    for j in range(W.shape[1] // above if update.network.biases[l] else 0):
        yield jnp.broadcast_to(W[-1, j * above : (j + 1) * above], (threads, W.shape[-1]))


def _gather(update: Update, l: int, rows: tuple[tuple[Any, ...], ...]) -> jax.Array:
    """A weight matrix (rows, columns, n) from its rows of state: the inverse of ``_deal``."""
    above, below = update.dealt(l + 1), update.dealt(l)
    bias, xp = update.network.biases[l], rows[0][0].__array_namespace__()
    found = []
    for row in rows[: len(rows) - bias]:
        found.append(xp.stack([part[:below] for part in row], axis=1) if above == 1 else xp.concat(row)[None])
    if bias:
        found.append(xp.concat([part[:above] for part in rows[-1]])[None])
    return xp.concat(found)
