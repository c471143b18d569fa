"""Random orders of the patterns: each is drawn once, for all networks that have it, by a program of its own.

In the program that trains they would cost a quarter of its compilation, for each of a study's programs.
"""

import math
from functools import lru_cache, partial
from threading import Lock
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

MOST_ORDERS, MOST_PLACES = 2048, 2**22  # in a table
TABLES = 4  # that are kept, of 16 MiB at most: what the programs of a study that take turns have in common
LOCK = Lock()


class Orders(NamedTuple):
    """Which orders of the patterns the networks of a block have, where they are shuffled: numbers, and no program.

    seeds: each once, filled up to (networks,); (1,) where all have one order.
    some:  how many they are before that.
    of:    (networks,), which of them is a network's; None where all have one.
    """

    seeds: np.ndarray
    some: int
    of: np.ndarray | None

    def drawn(self, first: int, until: int, room: int, patterns: int) -> "Drawn":
        """The orders of the epochs from ``first`` to before ``until``, of which ``room`` have room."""
        count = min(until - first, room)
        if not count:  # of a run that is only compiled
            return Drawn(_table(self.seeds, self.some, first, 0, room, patterns), np.int32(first), self.of)
        if len(self.seeds) * patterns > MOST_PLACES:  # of one epoch: too large to be kept
            return Drawn(_table(self.seeds, self.some, first, count, room, patterns), np.int32(first), self.of)
        settings: Any = jax.config  # whose fields are made as JAX starts
        drawn_by = settings.jax_default_prng_impl, settings.jax_threefry_partitionable
        with LOCK:  # the blocks of other programs, which train beside this one, have the same seeds
            table = _kept(drawn_by, self.seeds.tobytes(), self.some, first, count, room, patterns)
        return Drawn(table, np.int32(first), self.of)

    def of_epoch(self, epoch: int, epochs: int, patterns: int) -> np.ndarray:
        """The networks' orders of the patterns in one of so many epochs, (networks, patterns), or (patterns,) where all have one."""
        drawn = self.drawn(epoch, epoch + 1, self.room(epochs, patterns), patterns)
        orders = np.asarray(drawn.table)[0]
        return orders[0] if self.of is None else orders[self.of]

    def room(self, epochs: int, patterns: int) -> int:
        """For how many epochs orders are drawn at a time: few enough to be kept, and not many more than a run may need."""
        wanted = 1 << (epochs - 1).bit_length()
        return max(1, min(wanted, MOST_ORDERS // len(self.seeds), MOST_PLACES // (len(self.seeds) * patterns)))


class Drawn(NamedTuple):
    """Orders in a program: ``table`` (epochs, seeds, patterns) from epoch ``first`` on; ``of`` as in ``Orders``."""

    table: Any
    first: Any
    of: Any

    def at(self, epoch: Any) -> Any:
        """The orders of an epoch, shape (networks, patterns), or (patterns,) where all have one."""
        orders = jax.lax.dynamic_index_in_dim(self.table, epoch - self.first, keepdims=False)
        return orders[0] if self.of is None else orders[self.of]

    def of_network(self, number: Any, epoch: Any) -> Any:
        """The order of one of the networks in an epoch, shape (patterns,)."""
        return self.table[epoch - self.first, 0 if self.of is None else self.of[number]]


def of_seeds(seeds: np.ndarray | np.uint32) -> Orders:
    """The orders of the seeds (networks,) of a block, or of one seed of shape () for all.

    >>> orders = of_seeds(np.array([7, 7, 3, 5]))
    >>> orders.seeds.tolist(), orders.some, orders.of.tolist()
    ([3, 5, 7, 3], 3, [2, 2, 0, 1])
    """
    if not seeds.ndim:
        return Orders(seeds.reshape(1).astype(np.uint32), 1, None)
    once, of = np.unique(seeds, return_inverse=True)
    return Orders(np.resize(once, len(of)).astype(np.uint32), len(once), of.astype(np.int32))


@lru_cache(TABLES)
def _kept(drawn_by: tuple, seeds: bytes, *args: int) -> Any:
    return _table(np.frombuffer(seeds, np.uint32), *args)


@partial(jax.jit, static_argnums=(4, 5))
def _table(seeds: Any, some: Any, first: Any, count: Any, room: int, patterns: int) -> Any:
    """The first ``some`` seeds' orders in ``count`` epochs, int32 (room, seeds, patterns)."""
    keys = jax.vmap(jax.random.key)(seeds)

    def one(i: Any, table: Any) -> Any:
        epoch, k = jnp.divmod(i, some)
        return table.at[epoch, k].set(permutation(keys[k], first + epoch, patterns).astype(jnp.int32))

    return jax.lax.fori_loop(0, count * some, one, jnp.zeros((room, len(seeds), patterns), jnp.int32))


def in_order(shuffle: bool, key: Any, epoch: Any, x: Any, t: Any) -> tuple[Any, Any]:
    """The patterns of an epoch in the order in which they are learnt. ``key``: or a function from the epoch to that order."""
    if not shuffle:
        return x, t
    at = key(epoch) if callable(key) else permutation(key, epoch, x.shape[0])
    return x[at], t[at]


def permutation(key: Any, epoch: Any, patterns: int) -> Any:
    """The order of the patterns in an epoch, shape (patterns,), where they are shuffled.

    It is ``jax.random.permutation`` of the epoch's key, to the bit, in a quarter of the time: XLA sorts one array of 64-bit numbers
    five times as fast as 32-bit numbers that carry their places along, so each number has its place in its lower half.

    >>> key = jax.random.key(7)
    >>> bool((permutation(key, 3, 100) == jax.random.permutation(jax.random.fold_in(key, 3), 100)).all())
    True
    """
    key, order = jax.random.fold_in(key, epoch), jnp.arange(patterns)
    for _ in range(_rounds(patterns)):
        key, of_the_round = jax.random.split(key)
        drawn = jax.random.bits(of_the_round, (patterns,), jnp.uint32)
        with jax.enable_x64(True):  # of these lines alone: what they return has 32 bits, or those of the user's choice
            numbers = (drawn.astype(jnp.uint64) << jnp.uint64(32)) | jnp.arange(patterns, dtype=jnp.uint64)
            at = jax.lax.sort(numbers, is_stable=False).astype(jnp.uint32).astype(jnp.int32)
        order = order.at[at].get(mode="promise_in_bounds")
    return order


def _rounds(patterns: int) -> int:
    """How often ``jax.random.permutation`` sorts by new numbers, so that equal ones hardly matter."""
    return math.ceil(3 * math.log(max(1, patterns)) / math.log(2**32 - 1))
