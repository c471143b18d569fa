"""Training for a setup: all seeds at once, in lanes, each from its own initial weights."""

from dataclasses import dataclass

import numpy as np

from bpnn_jax import ManyResult, Network, init_paired, load_patterns, train_many
from experiments._runs import Runs
from experiments.published.readings import STEP, Setup

Weights = tuple[np.ndarray, ...]
FEW = 16  # lanes


@dataclass(frozen=True)
class Outcome:
    """How the runs of a setup ended; each an array (seeds,).

    epochs:  epochs to solve, counted from 1; the limit if not solved, also for diverged runs.
    solved:  whether it was solved by the limit.
    weights: at the end, a tuple of L arrays (seeds, n_in + bias, n_out).
    """

    setup: Setup
    network: Network
    epochs: np.ndarray
    solved: np.ndarray
    weights: Weights

    def table(self, **columns: object) -> Runs:
        """A row per run. Seeds are counted from 0."""
        outcome = np.where(self.solved, "solved", "epochs")
        return Runs.of(**columns, seed=np.arange(len(self.epochs)), epochs=self.epochs, outcome=outcome)


def network(setup: Setup) -> Network:
    return Network(setup.sizes, skip=setup.skip)


def targets(setup: Setup) -> tuple[np.ndarray, np.ndarray]:
    """Inputs and targets."""
    p = load_patterns(setup.task).with_targets(setup.low, setup.high)
    return p.x, p.t


def first_weights(setup: Setup, seeds: np.ndarray) -> Weights:
    """U(±initial) for every weight: a seed draws the same shares of the range in every setup of its shape."""
    return init_paired(network(setup), "uniform", (setup.initial,), seeds)


def carry_out(setup: Setup, seeds: np.ndarray, dtype: str = "float32") -> Outcome:
    """Train from each seed until solved, or to the limit."""
    n, weights = len(seeds), first_weights(setup, seeds)
    epochs, solved = np.full(n, setup.epochs), np.zeros(n, bool)
    at = 0
    for rate, momentum, length in stages(setup):
        here = np.flatnonzero(~solved)
        if not here.size:
            break
        result = _train(setup, seeds[here], tuple(W[here] for W in weights), rate, momentum, length, dtype)
        done = np.isin(result.stopped, ("solved", "cutoff"))
        epochs[here[done]] = at + result.iterations[done] + 1
        solved[here[done]] = True
        weights = tuple(_put(W, here, moved) for W, moved in zip(weights, result.weights, strict=True))
        at += length
    return Outcome(setup, network(setup), epochs, solved, weights)


def stages(setup: Setup) -> list[tuple[float, float, int]]:
    """(learning rate, momentum, epochs) of each stage: one, or steps up to the full rates. Each starts with no velocity.

    >>> stages(Setup("xor", (2, 2, 1), learning_rate=2.0, momentum=0.9, epochs=5000, raised=4000))
    [(1.0, 0.5, 2000), (1.5, 0.7, 2000), (2.0, 0.9, 1000)]
    """
    steps = min(setup.raised, setup.epochs) // STEP
    found = []
    for k in range(steps):
        share = k / steps
        rate = setup.learning_rate * (0.5 + 0.5 * share)
        found.append((rate, 0.5 + (setup.momentum - 0.5) * share, STEP))
    rest = setup.epochs - STEP * steps
    return [*found, (setup.learning_rate, setup.momentum, rest)] if rest else found


def _train(
    setup: Setup, seeds: np.ndarray, weights: Weights, rate: float, momentum: float, epochs: int, dtype: str
) -> ManyResult:
    x, t = targets(setup)
    return train_many(
        network(setup),
        x,
        t,
        seeds=seeds.tolist(),
        learning_rate=rate,
        momentum=momentum,
        cutoff=setup.cutoff,
        tolerance=setup.tolerance,  # 0 is never reached by a sigmoid, so one program serves both criteria
        weights=weights,
        mode=setup.mode,
        rule=setup.rule,
        epochs=epochs,
        history_every=epochs,
        dtype=dtype,
        lanes=FEW if len(seeds) <= 2 * FEW else None,  # narrow blocks, so that a few slow networks keep two cores busy
    )


def _put(W: np.ndarray, rows: np.ndarray, moved: np.ndarray) -> np.ndarray:
    W = np.array(W, moved.dtype)
    W[rows] = moved
    return W
