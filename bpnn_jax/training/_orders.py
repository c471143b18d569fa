"""Random orders of the patterns: each is drawn once per epoch, for all networks of a block that have it."""

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np


class Orders(NamedTuple):
    """Which order of the patterns each network of a block has, where they are shuffled.

    keys: JAX keys or seeds, each once, and filled up to (networks,); (1,) where all have one order.
    some: how many they are before that: traced, so that it shapes no program.
    of:   (networks,), which of them is a network's; None where all have one.
    """

    keys: Any
    some: Any
    of: Any

    def drawn(self, epoch: Any, patterns: int) -> Any:
        """The orders of an epoch, shape (networks, patterns), or (patterns,) where all have one."""
        if self.of is None:
            return permutation(self.keys[0], epoch, patterns)

        def one(i: Any, found: Any) -> Any:
            return found.at[i].set(permutation(self.keys[i], epoch, patterns))

        nothing = jnp.zeros((len(self.keys), patterns), jnp.arange(0).dtype)
        return jax.lax.fori_loop(0, self.some, one, nothing)[self.of]

    def keyed(self) -> "Orders":
        """With keys in place of seeds."""
        return self._replace(keys=jax.vmap(jax.random.key)(self.keys))


def of_seeds(shuffle: bool, seeds: np.ndarray | np.uint32) -> Orders:
    """The orders of the seeds (networks,) of a block, or of one seed of shape () for all.

    >>> orders = of_seeds(True, np.array([7, 7, 3, 5]))
    >>> orders.keys.tolist(), int(orders.some), orders.of.tolist()
    ([3, 5, 7, 3], 3, [2, 2, 0, 1])
    """
    if not shuffle or not seeds.ndim:
        return Orders(seeds.reshape(-1)[:1], np.int32(1), None)
    once, of = np.unique(seeds, return_inverse=True)
    return Orders(np.resize(once, len(of)), np.int32(len(once)), of.astype(np.int32))


def in_order(shuffle: bool, key: Any, epoch: Any, x: Any, t: Any) -> tuple[Any, Any]:
    """The patterns of an epoch in the order in which they are learnt."""
    if not shuffle:
        return x, t
    at = permutation(key, epoch, x.shape[0])
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
