"""How good outputs are: the article's success rate, and for one-hot targets the largest output and a confusion table."""

from typing import NamedTuple

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


def kind_of(t: np.ndarray) -> str:
    """What kind of task targets (patterns, outputs) are that are no table's: one-hot are classes, two values Boolean, others numbers.

    >>> kind_of(np.eye(3)), kind_of(np.array([[0.0], [1.0]])), kind_of(np.array([[0.0], [0.5], [1.0]]))
    ('classification', 'boolean', 'regression')
    """
    if is_one_hot(t):
        return "classification"
    return "boolean" if len(np.unique(t)) <= 2 else "regression"


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


class Classified(NamedTuple):
    """How well classes are told apart; the largest output is the answer.

    accuracy:  share of the patterns that are right, 0 to 1. ``majority`` is that of always answering the commonest class.
    confusion: counts (classes, classes), a row for what it is, a column for the answer.
    recall, precision: for each class the share of its patterns that are found, and the share of its answers that are right; NaN
               for a class without pattern, or without answer.
    """

    accuracy: float
    majority: float
    confusion: np.ndarray
    recall: np.ndarray
    precision: np.ndarray


def classified(outputs: np.ndarray, t: np.ndarray) -> Classified:
    """Score one-hot targets, both of shape (patterns, classes).

    >>> found = classified(np.array([[0.9, 0.1], [0.8, 0.3]]), np.array([[1.0, 0.0], [0.0, 1.0]]))
    >>> found.accuracy, found.majority, found.recall.tolist()
    (0.5, 0.5, [1.0, 0.0])
    """
    counts = confusion(outputs, t)
    right, are, said = counts.diagonal(), counts.sum(axis=1), counts.sum(axis=0)
    with np.errstate(invalid="ignore"):
        return Classified(float(right.sum() / len(t)), float(are.max() / len(t)), counts, right / are, right / said)


class Labelled(NamedTuple):
    """How well several labels are told, each yes or no: an output above half its range is yes.

    accuracy: share of the patterns with all labels right; per label ``accuracies``, ``recall``, ``precision`` and ``majority`` (the
              accuracy of always answering the commoner of yes and no), arrays (labels,).
    """

    accuracy: float
    accuracies: np.ndarray
    majority: np.ndarray
    recall: np.ndarray
    precision: np.ndarray


def labelled(outputs: np.ndarray, t: np.ndarray, middle: float = 0.5) -> Labelled:
    """Score targets 0 and 1 (or any two, ``middle`` between them), both of shape (patterns, labels).

    >>> labelled(np.array([[0.9, 0.2], [0.7, 0.1]]), np.array([[1.0, 0.0], [0.0, 0.0]])).accuracies.tolist()
    [0.5, 1.0]
    """
    yes, said = t > middle, outputs > middle
    share = yes.mean(axis=0)
    with np.errstate(invalid="ignore"):
        recall, precision = (yes & said).sum(axis=0) / yes.sum(axis=0), (yes & said).sum(axis=0) / said.sum(axis=0)
    same = yes == said
    return Labelled(float(same.all(axis=1).mean()), same.mean(axis=0), np.maximum(share, 1 - share), recall, precision)


class Regressed(NamedTuple):
    """How near numbers come, in the targets' own units; over all outputs together.

    r2:   1 - Σ(output - target)² / Σ(target - mean)², 1 at best, 0 for the constant mean; NaN where all targets are alike.
    rmse, mae: the root of the mean squared error, and the mean absolute error; ``rmse_mean`` and ``mae_mean`` those of answering the
          mean of the training targets for every pattern.
    """

    r2: float
    rmse: float
    mae: float
    rmse_mean: float
    mae_mean: float


def regressed(outputs: np.ndarray, t: np.ndarray, mean: np.ndarray) -> Regressed:
    """Score numbers, both of shape (patterns, outputs); ``mean`` (outputs,) is that of the training targets.

    The mean inside R² is that of ``t`` itself, output by output, and R² is averaged over the outputs (as scikit-learn does).

    >>> round(regressed(np.array([[1.0], [2.0]]), np.array([[1.0], [3.0]]), np.array([2.0])).r2, 3)
    0.5
    """
    off, constant = outputs - t, mean - t
    total = np.square(t - t.mean(axis=0)).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        r2 = np.where(total > 0, 1 - np.square(off).sum(axis=0) / total, np.nan)
    return Regressed(
        float(r2.mean()),
        float(np.sqrt(np.square(off).mean())),
        float(abs(off).mean()),
        float(np.sqrt(np.square(constant).mean())),
        float(abs(constant).mean()),
    )
