"""Rung 4: a great many random networks in one compiled call, hand against ``jax.grad``, and the worst one shown."""

from collections.abc import Iterator
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

import manual
from bpnn_jax._runtime import cores as _cores
from bpnn_jax.network import Network
from bpnn_jax.training._step import functions
from bpnn_jax.verify.bound import UNIT, bound
from bpnn_jax.verify.checks import Comparison
from bpnn_jax.verify.compiling import quickly
from bpnn_jax.verify.reference import reference, target_range

WIDTH = 250  # networks at once: of 64, 125, 250, 500, 1000 and 2000 the fastest, and a test needs no more


class Worst(NamedTuple):
    """The network whose gradient is worst in relation to its bound: its number, error, bound, and their ratio."""

    network: Any
    error: Any
    allowed: Any
    ratio: Any


def random_network(
    network: Network, key: Any, patterns: int, dtype: Any = None, objective: str = "half-squared-error"
) -> tuple:
    """(weights, x, t): weights from ±1 scaled by a random factor up to 2, inputs from ±1 by one up to 10. Traceable."""
    sizes = [rows * columns for rows, columns in network.shapes]
    n_x, n_t = patterns * network.sizes[0], patterns * network.sizes[-1]
    # One draw for everything, and two numbers of 16 bits from each word: random numbers were a third of the time. The scales, in
    # dtype, fill up the last bits.
    count = 2 + sum(sizes) + n_x + n_t
    words = jax.random.bits(key, (-(-count // 2),), jnp.uint32)
    halves = jnp.concatenate([words >> 16, words & 0xFFFF])[:count]
    odd = halves.astype(jnp.int32) * 2 + 1 - 2**16  # from ±1 in steps of 2^-15, when they are divided
    drawn = (odd.astype(jnp.float32) * 2.0**-16).astype(dtype)
    scales, flat, x, t = jnp.split(drawn, [2, 2 + sum(sizes), 2 + sum(sizes) + n_x])
    scales = (scales + 1.0) * jnp.array([1.0, 5.0], dtype)
    weights = jnp.split(flat * scales[0], [sum(sizes[:l]) for l in range(1, len(sizes))])
    # Of 24 bits, so that no number drawn is rounded in float64: XLA draws anew for each side, and need not round as on the other.
    low, high = np.asarray(target_range(network), np.float32).tolist()
    t = (low + (t + 1.0) * ((high - low) / 2.0)).reshape(patterns, -1)
    if objective == "cross-entropy" and network.activations[-1] == "softmax":
        t = t / t.sum(axis=1, keepdims=True)  # shares
    weights = tuple(W.reshape(shape) for W, shape in zip(weights, network.shapes, strict=True))
    return weights, (x * scales[1]).reshape(patterns, -1), t


def _ratio(error: Any, allowed: Any) -> Any:
    """error / allowed, elementwise. A NaN is infinitely wrong; an error of 0 is right even where nothing is allowed."""
    ratio = jnp.where(error == 0, 0.0, error / allowed)
    return jnp.where(jnp.isnan(ratio), jnp.inf, ratio)


def _worst(network: Network, objective: str, patterns: int, key: Any, first: Any, last: Any) -> Worst:
    """The worst network of the blocks numbered from ``first`` to before ``last``."""

    def check(number: Any) -> Worst:
        weights, x, t = random_network(network, jax.random.fold_in(key, number), patterns, jnp.float64, objective)
        f = functions(network)
        by_hand = manual.OBJECTIVES[objective].equations
        hand = manual.gradient(manual.forward(weights, x, f, network.skip), t, by_hand)
        exact = reference(network, weights, x, t, objective)
        allowed = bound(network, weights, x, t, exact, 2 * UNIT["float64"], objective)
        errors = [abs(h - g) for h, g in zip(hand, exact.gradient, strict=True)]
        ratios = [_ratio(error, E) for error, E in zip(errors, allowed.gradient, strict=True)]
        worst = jnp.stack([ratio.max() for ratio in ratios]).max()

        def there(
            values: Any,
        ) -> Any:  # where it is worst; no argmax, which is no vector instruction (a tenth of all time)
            return jnp.stack([jnp.where(r == worst, v, 0.0).max() for r, v in zip(ratios, values, strict=True)]).max()

        return Worst(number, there(errors), there(allowed.gradient), worst)

    def block(i: Any, worst: Worst) -> Worst:
        found = jax.vmap(check)(i * WIDTH + jnp.arange(WIDTH))
        at = jnp.argmax(found.ratio)
        return jax.tree.map(lambda new, old: jnp.where(found.ratio[at] > worst.ratio, new[at], old), found, worst)

    nothing = jnp.float64(0.0)
    return jax.lax.fori_loop(first, last, block, Worst(jnp.int64(0), nothing, nothing, jnp.float64(-1.0)))


# Few networks are compiled quickly, and many run quickly: 1 s to compile and 5 µs for a network, or 0.3 s and 25 µs.
_of_few, _of_many = quickly(_worst, static=(0, 1, 2)), partial(jax.jit, static_argnums=(0, 1, 2))(_worst)
FEW = 30_000


def whole_blocks(networks: int) -> int:
    """How many networks are checked where at least ``networks`` are asked for.

    >>> whole_blocks(1), whole_blocks(500)
    (250, 500)
    """
    return -(-networks // WIDTH) * WIDTH


def worst_of(
    network: Network, networks: int, *, seed: int = 0, patterns: int = 2, objective: str = "half-squared-error"
) -> Worst:
    """The worst of ``whole_blocks(networks)`` random networks in float64.

    The network numbered n is ``random_network(network, fold_in(key(seed), n), patterns, float64, objective)``.
    """
    blocks = whole_blocks(networks) // WIDTH
    worst_between = _of_few if networks <= FEW else _of_many
    cores = min(_cores.available(), blocks)
    shares = [(blocks * i // cores, blocks * (i + 1) // cores) for i in range(cores)]

    def share(between: tuple[int, int]) -> Worst:
        with jax.enable_x64(True):  # the setting belongs to a thread
            return jax.device_get(worst_between(network, objective, patterns, jax.random.key(seed), *between))

    share((0, 0))  # nothing: compiles, once and not in each thread
    worst = max(_cores.in_turn(share, shares, cores), key=lambda found: found.ratio)
    return Worst(int(worst.network), float(worst.error), float(worst.allowed), float(worst.ratio))


def compare(network: Network, networks: int, seed: int, objective: str = "half-squared-error") -> Iterator[Comparison]:
    """Equation (10): the worst of that many networks."""
    worst = worst_of(network, networks, seed=seed, objective=objective)
    error = worst.error if np.isfinite(worst.ratio) else np.nan
    yield Comparison(10, error, 0.0, worst.allowed, f"network {worst.network} of {network}, {objective}, seed {seed}")
