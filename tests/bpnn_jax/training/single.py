"""A network that is trained alone, and what on, for the tests of ``train``."""

import numpy as np

from bpnn_jax.network import Network

XOR = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([[0.0], [1], [1], [0]])
SMALL = Network((3, 4, 2), ("tanh", "sigmoid"))


def problem(patterns=7, seed=51):
    rng = np.random.default_rng(seed)
    weights = tuple(rng.uniform(-1, 1, s) for s in SMALL.shapes)
    return rng.uniform(-1, 1, (patterns, 3)), rng.uniform(0, 1, (patterns, 2)), weights


def same(first, second):
    """Bit for bit."""
    assert [W.tolist() for W in first.weights] == [W.tolist() for W in second.weights]
    assert (first.error, first.iterations, first.stopped) == (second.error, second.iterations, second.stopped)
    assert first.history.tolist() == second.history.tolist()


def sized(mode, batch_size):
    """A batch size only where it is one."""
    return {"mode": mode, **({"batch_size": batch_size} if mode == "minibatch" else {})}


# 12 epochs of at most 7 updates, some 60 roundings of numbers up to 2 in each: 2^-52 apiece in float64.
ALLOWED = 12 * 7 * 60 * 2.0**-52
