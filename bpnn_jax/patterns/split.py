"""Parts of a table: to train, to choose by (validation), to test."""

import math
from typing import NamedTuple

import numpy as np

from bpnn_jax.errors import InputError


class Parts(NamedTuple):
    """Rows of each part, in the order in which they are used; ``validation`` and ``test`` may be empty."""

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


def split(
    groups: np.ndarray, test: float = 0.0, validation: float = 0.0, seed: int = 0, in_order: bool = False
) -> Parts:
    """Cut rows into parts by shares, each class in proportion.

    groups:     a class for each row, shape (rows,); all alike where there are none (a regression).
    test:       share of all rows to test on, from 0 to below 1; ``validation`` likewise.
    seed:       moves the split: another seed, another split.
    in_order:   the first rows train, then come validation and test, as the file has them; ``seed`` has no effect.

    Raises InputError for shares that leave a part without a row.

    >>> parts = split(np.array([0, 0, 0, 0, 1, 1, 1, 1]), test=0.25)
    >>> len(parts.train), np.array([0, 0, 0, 0, 1, 1, 1, 1])[parts.test].tolist()
    (6, [0, 1])
    """
    for what, share in (("test share", test), ("validation share", validation)):
        if not 0 <= share < 1:
            raise InputError(f"expected {what} from 0 to below 1, got {share}")
    count = len(groups)
    tests, validations = _count(count, test), _count(count, validation)
    if tests + validations >= count:
        raise InputError(
            f"expected rows left to train on, got {count} rows, {validations} to validate and {tests} to test"
        )
    if in_order:
        order = np.arange(count)
        cut = count - tests - validations
        return Parts(order[:cut], order[cut : cut + validations], order[cut + validations :])
    order = _spread(groups, seed)
    test_rows, validation_rows = order[:tests], order[tests : tests + validations]
    train_rows = order[tests + validations :]
    return Parts(np.sort(train_rows), np.sort(validation_rows), np.sort(test_rows))


def _count(rows: int, share: float) -> int:
    """The nearest number of rows, at least 1 where a share is asked for."""
    return 0 if share == 0 else max(1, math.floor(rows * share + 0.5))


def _spread(groups: np.ndarray, seed: int) -> np.ndarray:
    """Rows in random order, so that every stretch has the classes in proportion: each class spread evenly over the whole."""
    random = np.random.default_rng(seed)
    place = np.empty(len(groups))
    for group in np.unique(groups):
        rows = random.permutation(np.flatnonzero(groups == group))
        place[rows] = (np.arange(len(rows)) + random.uniform()) / len(rows)
    return np.argsort(place, kind="stable")
