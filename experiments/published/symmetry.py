"""What the symmetry network learned: weights 1:2:4 on one side of the middle, and their negatives on the other."""

from typing import Any

import numpy as np

from bpnn_jax import statistics
from experiments._runs import Runs, plain
from experiments.published.runs import Outcome, Weights

CLOSE = 0.15  # of the largest weight: how far mirrored weights may be from each other's negatives


def columns(o: Outcome) -> dict[str, np.ndarray]:
    """Of each run of 6-2-1, how far it is from the published pattern.

    antisymmetric: whether the weights of mirrored inputs into each hidden node are each other's negatives, to 15% of the largest.
    doubling:      whether the three sizes on a side come in two steps that both are between 1.5 and 2.7, in whatever order of the
                   inputs: the patterns of a side need sums that all differ, for which 1:2:4 are the smallest whole numbers.
    middle, largest: the sizes, sorted, over the smallest; means of both hidden nodes.
    """
    sizes, apart = sides(o.weights)
    steps = sizes[:, :, 1:] / sizes[:, :, :-1]
    ratios = (sizes / sizes[:, :, :1]).mean(axis=1)
    return {
        "antisymmetric": np.all(apart <= CLOSE, axis=1),
        "doubling": np.all((steps >= 1.5) & (steps <= 2.7), axis=(1, 2)),
        "middle": ratios[:, 1],
        "largest": ratios[:, 2],
    }


def example(o: Outcome) -> dict[str, Any]:
    """The weights of the solved run whose ratios are the median ones."""
    of, here = columns(o), np.flatnonzero(o.solved)
    ratios = np.stack([of["middle"], of["largest"]], axis=1)[here]
    chosen = here[int(np.abs(np.log(ratios / np.median(ratios, axis=0))).sum(axis=1).argmin())]
    return {"hidden": o.weights[0][chosen].T.tolist(), "output": o.weights[1][chosen].ravel().tolist()}


def learned(runs: Runs) -> dict[str, Any]:
    """Shares and interquartile means over the runs that were solved."""
    solved = runs.rows(runs.solved)
    shares = {what: plain(statistics.success_rate(solved[what] == 1)) for what in ("antisymmetric", "doubling")}
    return shares | {what: plain(statistics.estimate(solved[what], "iqm")) for what in ("middle", "largest")}


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
