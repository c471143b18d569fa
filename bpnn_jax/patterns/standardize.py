"""Columns with mean 0 and standard deviation 1, as the training part has them."""

from typing import NamedTuple

import numpy as np

COLUMNS = 64  # that are looked at together, at least: what NumPy makes for a standard deviation is as large as these


class Standardization(NamedTuple):
    """(values - mean) / sd, column by column; both of shape (columns,). A constant column has mean 0 and sd 1: it is left alone."""

    mean: np.ndarray
    sd: np.ndarray

    def apply(self, values: np.ndarray, *, in_place: bool = False) -> np.ndarray:
        """Values of shape (rows, columns) as the network sees them; ``in_place`` where they are nobody else's, and may be large."""
        found = np.subtract(values, self.mean, out=values if in_place else None)
        found /= self.sd
        return found

    def undo(self, values: np.ndarray) -> np.ndarray:
        """The way back, to the columns' own units."""
        return values * self.sd + self.mean


def fit(values: np.ndarray) -> Standardization:
    """The standardization of (rows, columns), population standard deviation (divided by the number of rows).

    >>> s = fit(np.array([[1.0, 7.0], [3.0, 7.0]]))
    >>> s.apply(np.array([[1.0, 7.0], [3.0, 7.0]])).tolist()
    [[-1.0, 7.0], [1.0, 7.0]]
    """
    parts = np.array_split(
        values, max(1, values.shape[1] // COLUMNS), axis=1
    )  # none of one column: its last bits differ
    mean, sd = values.mean(axis=0), np.concatenate([part.std(axis=0) for part in parts])
    # The mean of equal numbers may be off by rounding: a column is constant if its numbers are equal.
    constant = values.max(axis=0) == values.min(axis=0)
    return Standardization(np.where(constant, 0.0, mean), np.where(constant, 1.0, sd))
