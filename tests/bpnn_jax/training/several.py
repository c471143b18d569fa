"""Networks that are trained together, and what on, for the tests of ``train_many``."""

import numpy as np

from bpnn_jax.network import Network

SMALL = Network((3, 4, 2), ("tanh", "sigmoid"))
SEEDS = (5, 0, 2**32 - 1, 17)
RATES = np.array([0.5, 0.25, 0.1, 0.0]), np.array([0.1, 0.0, 0.3, 0.9])
# 12 epochs of 7 updates, some 60 roundings of numbers up to 2 in each on either side: 2^-52 apiece in float64.
ALLOWED = 2 * 12 * 7 * 60 * 2.0**-52


def problem(patterns=7, seed=51):
    rng = np.random.default_rng(seed)
    return rng.uniform(-1, 1, (patterns, 3)), rng.uniform(0, 1, (patterns, 2))


def starts(network, n, seed=52):
    """First weights that need not be those of ``init``: to draw another number of them compiles a program of its own."""
    rng = np.random.default_rng(seed)
    return tuple(rng.uniform(-1, 1, (n, *shape)) for shape in network.shapes)


# One program for every test that does not need another; a tolerance of 0 stops nothing.
PROGRAM = {"epochs": 12, "shuffle": True, "lanes": 16, "tolerance": 0.0}


def bits(result, order=slice(None)):
    """All that a run says, in the order of its seeds."""
    parts = (*result.weights, result.iterations, result.error, result.stopped, result.history.T)
    return [np.asarray(part)[order].tobytes() for part in parts]  # bytes, so that NaN is NaN
