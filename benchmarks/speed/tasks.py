"""What is trained: the data, the initial weights and the rates of each workload. NumPy only; the same for every peer."""

import itertools
from dataclasses import dataclass, replace

import numpy as np

from bpnn_jax import patterns

Weights = tuple[np.ndarray, ...]


@dataclass(frozen=True, eq=False)
class Task:
    """Networks of one shape and the patterns that each of them is trained on, in order, ``epochs`` times over.

    sizes:         (inputs, hidden, ..., outputs), with a bias node on the inputs and one on each hidden layer.
    x, t:          (patterns, inputs) and (patterns, outputs), float32.
    weights:       where to start: an array (networks, rows, columns) per layer, float32. The last row is the bias node's.
    learning_rate, momentum: of ``rule``, with the gradient summed over the patterns of a batch.
    batch_size:    patterns in an update; 1 is online.
    activations, order: as in ``Network`` and ``Settings``.
    dtype:         what it is trained in.
    """

    sizes: tuple[int, ...]
    x: np.ndarray
    t: np.ndarray
    weights: Weights
    learning_rate: float
    momentum: float
    rule: str = "previous-gradient"
    batch_size: int = 1
    activations: str | tuple[str, ...] = "sigmoid"
    order: str = "simultaneous"
    epochs: int = 1
    dtype: str = "float32"

    @property
    def networks(self) -> int:
        return len(self.weights[0])

    @property
    def updates(self) -> int:
        """Updates of one network; times ``networks`` this is what a time is divided by."""
        return self.epochs * (len(self.x) // self.batch_size)

    def of_length(self, updates: int) -> "Task":
        """About as many updates: whole epochs, or where that is too many the first patterns of one epoch."""
        one = len(self.x) // self.batch_size
        if updates >= one:
            return replace(self, epochs=updates // one)
        few = max(1, updates) * self.batch_size
        return replace(self, epochs=1, x=self.x[:few], t=self.t[:few])

    def some(self, networks: np.ndarray) -> "Task":
        """The same for some of the networks."""
        return replace(self, weights=tuple(W[networks] for W in self.weights))


def uniform(sizes: tuple[int, ...], networks: int, ranges: tuple[float, ...], seed: int = 0) -> Weights:
    """Initial weights in ±ranges[l], float32."""
    rng = np.random.default_rng(seed)
    shapes = ((networks, n_in + 1, n_out) for n_in, n_out in itertools.pairwise(sizes))
    return tuple(rng.uniform(-r, r, shape).astype(np.float32) for shape, r in zip(shapes, ranges, strict=True))


def recogniser(networks: int = 1, patterns_used: int = 500) -> Task:
    """The article's recogniser, 20-8-3, at its rates: the bundled source-code patterns of three languages, in file order."""
    data = patterns.load("code")
    three = data.t[:, 3:].sum(axis=1) == 0
    x, t = (a[three][:patterns_used].astype(np.float32) for a in (data.x, data.t[:, :3]))
    sizes = (20, 8, 3)
    return Task(sizes, x, t, uniform(sizes, networks, (0.2, 2.0)), learning_rate=0.5, momentum=0.1)


def minibatch() -> Task:
    """784-128-10, the shape of the usual digit recogniser, in batches of 128. Random patterns: the time is the same."""
    rng = np.random.default_rng(1)
    sizes = (784, 128, 10)
    x = rng.uniform(0, 1, (1280, 784)).astype(np.float32)
    t = np.eye(10, dtype=np.float32)[rng.integers(0, 10, 1280)]
    weights = uniform(sizes, 1, (0.08, 0.2))  # Glorot's, about
    return Task(sizes, x, t, weights, learning_rate=0.005, momentum=0.001, batch_size=128)


def xor(networks: int) -> Task:
    """XOR by 2-2-1 at the article's rates."""
    data, sizes = patterns.load("xor"), (2, 2, 1)
    x, t = data.x.astype(np.float32), data.t.astype(np.float32)
    return Task(sizes, x, t, uniform(sizes, networks, (0.2, 2.0)), learning_rate=0.5, momentum=0.1, epochs=1000)
