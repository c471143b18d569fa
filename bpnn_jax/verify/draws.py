"""Random networks to check on: ordinary ones, and ones whose activations saturate."""

from typing import NamedTuple

import numpy as np

from bpnn_jax.network import Network

TARGETS = {"sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0), "lecun_tanh": (-1.0, 1.0), "linear": (-2.0, 2.0)}


class Draw(NamedTuple):
    """A network with numbers in it, float64."""

    network: Network
    weights: tuple[np.ndarray, ...]
    x: np.ndarray
    t: np.ndarray
    name: str


def draw(network: Network, rng: np.random.Generator, *, patterns: int = 8, saturated: bool = False) -> Draw:
    """Weights from ±1 and inputs from ±1, or from ±10 where activations are to saturate (inputs in ±1 rarely get there)."""
    reach = 10.0 if saturated else 1.0
    weights = tuple(rng.uniform(-1.0, 1.0, shape) for shape in network.shapes)
    x = rng.uniform(-reach, reach, (patterns, network.sizes[0]))
    t = rng.uniform(*TARGETS[network.activations[-1]], (patterns, network.sizes[-1]))
    return Draw(network, weights, x, t, f"{network}{', saturated' if saturated else ''}")
