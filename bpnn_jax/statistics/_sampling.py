"""How the runs came to be drawn: each on its own, in strata, or in groups that were drawn first. Everything else follows it."""

import dataclasses
from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike

from bpnn_jax.errors import InputError

# Weights held at once: 2 MiB, whatever the study. Of chunks from 2**15 to 2**20 this one was the fastest.
CHUNK = 2**18


@dataclasses.dataclass(frozen=True)
class Sampling:
    """``runs`` runs; ``groups`` the group of each, 0, 1, ..., or None; ``fixed`` where the groups are all there are."""

    runs: int
    groups: np.ndarray | None = None
    fixed: bool = False

    def weights(self, resamples: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
        """How often each run occurs in each resample: float64 chunks of shape (some resamples, runs).

        A whole run is drawn or not, with all its arms: that keeps the pairing. In strata each stratum keeps its size. Groups
        that are themselves a sample are drawn as wholes: to draw runs anew within them as well counts the
        variation within a group twice (Davison and Hinkley 1997, section 3.8), and covers 97 to 99.8% instead of 95%.
        """
        rows = max(1, CHUNK // self.runs)
        for first in range(0, resamples, rows):
            size = min(rows, resamples - first)
            if self.groups is None:
                yield _counts(rng, size, self.runs)
            elif not self.fixed:
                yield _counts(rng, size, int(self.groups.max()) + 1)[:, self.groups]
            else:
                chunk = np.empty((size, self.runs))
                for group in range(int(self.groups.max()) + 1):
                    inside = np.flatnonzero(self.groups == group)
                    chunk[:, inside] = _counts(rng, size, len(inside))
                yield chunk

    def units(self, influence: np.ndarray) -> np.ndarray:
        """What varies independently, (units, k), from each run's influence (runs, k)."""
        if self.groups is None:
            return influence
        sizes = np.bincount(self.groups)
        sums = np.zeros((len(sizes), influence.shape[1]))
        np.add.at(sums, self.groups, influence)
        return influence - (sums / sizes[:, None])[self.groups] if self.fixed else sums

    def scatter(self, influence: np.ndarray, kept: int) -> tuple[np.ndarray, np.ndarray]:
        """Standard error and degrees of freedom of the effect, (k,) each; ``kept`` of the runs count, fewer if it is trimmed."""
        units = self.units(influence)
        if self.groups is not None and self.fixed:
            sizes = np.bincount(self.groups)
            squares = (units**2 * (sizes / (sizes - 1))[self.groups][:, None]).sum(0)
            freedom = max(kept - len(sizes), 1)
        else:
            count = kept if self.groups is None else len(units)
            squares = (units**2).sum(0) * count / (count - 1)
            freedom = count - 1
        return np.sqrt(squares), np.full(influence.shape[1], float(freedom))


def _counts(rng: np.random.Generator, resamples: int, units: int) -> np.ndarray:
    drawn = rng.integers(0, units, (resamples, units))
    drawn += units * np.arange(resamples)[:, None]
    return np.bincount(drawn.ravel(), minlength=resamples * units).reshape(resamples, units).astype(np.float64)


def sampling(runs: int, groups: ArrayLike | None, groups_fixed: bool) -> Sampling:
    """A Sampling from any labels, one a run."""
    if groups is None:
        return Sampling(runs)
    labels = np.asarray(groups)
    if labels.shape != (runs,):
        raise InputError(f"expected groups as one label a run, shape ({runs},), got {labels.shape}")
    _, codes, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    if groups_fixed and sizes.min() < 2:
        raise InputError("expected 2 runs or more in each of the fixed groups, got a group of 1")
    if len(sizes) < 2:
        raise InputError("expected 2 groups or more, got 1; leave groups out")
    return Sampling(runs, codes, bool(groups_fixed))
