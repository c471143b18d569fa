"""Rung 4: a great many random networks in one compiled call, hand against ``jax.grad``, and the worst one shown."""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

import manual
from bpnn_jax.network import Network
from bpnn_jax.step import functions
from bpnn_jax.verify.bound import UNIT, bound
from bpnn_jax.verify.draws import TARGETS
from bpnn_jax.verify.reference import reference

WIDTH = 2000  # networks at once: of 100, 500 and 2000 the fastest on two cores


class Worst(NamedTuple):
    """The network whose gradient is worst in relation to its bound: its number, error, bound, and their ratio."""

    network: int
    error: float
    allowed: float
    ratio: float


def random_network(network: Network, key: Any, patterns: int, dtype: Any = None) -> tuple:
    """(weights, x, t): weights from ±1 scaled by a random factor up to 2, inputs from ±1 by one up to 10. Traceable."""
    k_w, k_x, k_t, k_s = jax.random.split(key, 4)
    shapes = network.shapes
    size = sum(rows * columns for rows, columns in shapes)
    w_scale, x_scale = jax.random.uniform(k_s, (2,), dtype) * jnp.array([2.0, 10.0], dtype)
    flat = jax.random.uniform(k_w, (size,), dtype, -1.0, 1.0) * w_scale
    weights, at = [], 0
    for rows, columns in shapes:
        weights.append(flat[at : at + rows * columns].reshape(rows, columns))
        at += rows * columns
    x = jax.random.uniform(k_x, (patterns, network.sizes[0]), dtype, -1.0, 1.0) * x_scale
    low, high = TARGETS[network.activations[-1]]
    t = jax.random.uniform(k_t, (patterns, network.sizes[-1]), dtype, low, high)
    return tuple(weights), x, t


@partial(jax.jit, static_argnums=(0, 1, 2))
def _worst_in_each(network: Network, rounds: int, patterns: int, key: Any) -> tuple:
    def check(key):
        weights, x, t = random_network(network, key, patterns, jnp.float64)
        f = functions(network)
        hand = manual.gradient(weights, manual.forward(weights, x, f), t, f)
        exact = reference(network, weights, x, t)
        allowed = bound(network, weights, x, t, exact, 2 * UNIT["float64"])
        error = jnp.concatenate([abs(h - g).ravel() for h, g in zip(hand, exact.gradient, strict=True)])
        limit = jnp.concatenate([E.ravel() for E in allowed.gradient])
        # A NaN is infinitely wrong; an error of 0 is right even where nothing is allowed.
        ratio = jnp.where(error == 0, 0.0, jnp.where(jnp.isfinite(error), error / limit, jnp.inf))
        worst = jnp.argmax(ratio)
        return ratio[worst], error[worst], limit[worst]

    def one_round(i):
        keys = jax.vmap(lambda j: jax.random.fold_in(key, i * WIDTH + j))(jnp.arange(WIDTH))
        ratios, errors, limits = jax.vmap(check)(keys)
        worst = jnp.argmax(ratios)
        return ratios[worst], errors[worst], limits[worst], i * WIDTH + worst

    return jax.lax.map(one_round, jnp.arange(rounds))


def worst_of(network: Network, networks: int, *, seed: int = 0, patterns: int = 2) -> tuple[Worst, int]:
    """The worst of at least ``networks`` random networks in float64, and how many were checked.

    The network numbered n is ``random_network(network, fold_in(key(seed), n), patterns, float64)``.
    """
    rounds = -(-networks // WIDTH)
    with jax.enable_x64(True):
        ratios, errors, limits, numbers = jax.device_get(
            _worst_in_each(network, rounds, patterns, jax.random.key(seed))
        )
    at = int(ratios.argmax())
    return Worst(int(numbers[at]), float(errors[at]), float(limits[at]), float(ratios[at])), rounds * WIDTH
