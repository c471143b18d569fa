"""How good outputs are: the article's success rate, and for one-hot targets the largest output and a confusion table."""

import numpy as np


def tolerance(t: np.ndarray) -> float:
    """Half the distance between the smallest and the largest target: 0.5 for targets 0 and 1, as in the article."""
    return float(t.max() - t.min()) / 2 or 0.5


def hits(outputs: np.ndarray, t: np.ndarray, within: float) -> np.ndarray:
    """For each pattern whether every output is nearer to its target than ``within``, shape (patterns,).

    >>> hits(np.array([[0.6, 0.1], [0.4, 0.1]]), np.array([[1.0, 0.0], [1.0, 0.0]]), 0.5).tolist()
    [True, False]
    """
    return np.all(abs(outputs - t) < within, axis=1)


def is_one_hot(t: np.ndarray) -> bool:
    """Whether every pattern has one high target among two or more, all others alike."""
    high = t == t.max()
    return t.shape[1] > 1 and bool((high.sum(axis=1) == 1).all() and np.unique(t).size == 2)


def largest_output_rate(outputs: np.ndarray, t: np.ndarray) -> float:
    """Share of one-hot patterns whose largest output is the target's."""
    return float((outputs.argmax(axis=1) == t.argmax(axis=1)).mean())


def confusion(outputs: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Counts, shape (classes, classes): a row for what it is, a column for the largest output.

    >>> confusion(np.array([[0.9, 0.1], [0.8, 0.3]]), np.array([[1.0, 0.0], [0.0, 1.0]])).tolist()
    [[1, 0], [1, 0]]
    """
    counts = np.zeros((t.shape[1], t.shape[1]), int)
    np.add.at(counts, (t.argmax(axis=1), outputs.argmax(axis=1)), 1)
    return counts
