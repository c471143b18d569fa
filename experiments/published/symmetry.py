"""What the symmetry network learned: weights 1:2:4 on one side of the middle, and their negatives on the other."""

from dataclasses import asdict
from typing import Any

import numpy as np

from bpnn_jax import statistics
from experiments.published.readings import SYMMETRY
from experiments.published.runs import Outcome, Weights

CLOSE = 0.15  # of the largest weight: how far mirrored weights may be from each other's negatives


def learned(o: Outcome) -> dict[str, Any]:
    """Of the solved runs of 6-2-1: how far they are from the published pattern.

    antisymmetric: share of runs where the weights of mirrored inputs into each hidden node are each other's negatives, to 15% of the
                   largest.
    doubling:      share where the three sizes on a side come in two steps that both are between 1.5 and 2.7, in whatever order of
                   the inputs: the patterns of a side need sums that all differ, for which 1:2:4 are the smallest whole numbers.
    ratios:        the sizes, sorted, over the smallest; interquartile means with intervals.
    example:       the weights into both hidden nodes of the run whose ratios are the median ones.
    """
    sizes, apart = sides(o.weights)
    ratios = sizes / sizes[:, :, :1]
    steps = sizes[:, :, 1:] / sizes[:, :, :-1]
    anti = (apart <= CLOSE).all(axis=1) & o.solved
    both = ((steps >= 1.5) & (steps <= 2.7)).all(axis=(1, 2)) & o.solved
    here = np.flatnonzero(o.solved)
    middle = ratios[here].mean(axis=1)
    distance = np.abs(np.log(middle / np.median(middle, axis=0))).sum(axis=1)
    chosen = here[int(distance.argmin())]
    return {
        "antisymmetric": asdict(statistics.success_rate(anti[here], what="mirrored weights are negatives")),
        "doubling": asdict(statistics.success_rate(both[here], what="sizes about 1:2:4")),
        "ratios": [
            asdict(statistics.estimate(middle[:, k], "iqm", what=f"size {k + 1} over the smallest")) for k in range(3)
        ],
        "example": {"hidden": o.weights[0][chosen].T.tolist(), "output": o.weights[1][chosen].ravel().tolist()},
        "setup": asdict(SYMMETRY),
    }


def sides(weights: Weights) -> tuple[np.ndarray, np.ndarray]:
    """Sorted sizes of each hidden node's three weight pairs, (runs, 2, 3), and how far the pairs are from negatives, (runs, 2).

    >>> W = np.array([[1.0, -2.0, 4.0, -4.0, 2.0, -1.0, -1.0]] * 2).T[None]
    >>> sizes, apart = sides((W,))
    >>> sizes.tolist(), apart.tolist()
    ([[[1.0, 2.0, 4.0], [1.0, 2.0, 4.0]]], [[0.0, 0.0]])
    """
    inputs = np.moveaxis(weights[0][:, :6].astype(float), 1, 2)  # (runs, hidden, inputs)
    left, right = inputs[:, :, :3], inputs[:, :, :2:-1]
    largest = np.abs(inputs).max(axis=2)
    return np.sort(np.abs(left - right) / 2, axis=2), np.abs(left + right).max(axis=2) / largest
