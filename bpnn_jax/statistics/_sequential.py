"""Looks at a study that is not finished: how much of the 5% of false alarms each may spend, so that all together spend 5%.

The looks are at known shares of the runs. O'Brien and Fleming's spending function (Lan and DeMets 1983) gives the early ones next to
nothing; the critical values follow by the recursion of Armitage, McPherson and Rowe (1969): what is left of a normal sum between
the looks is integrated forward. A test by Student's t is read at its p-value.
"""

import itertools
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import interpolate, special

from bpnn_jax.errors import InputError
from bpnn_jax.statistics._results import check_level

LOOKS = (0.25, 0.5, 0.75, 1.0)  # shares of the runs
NODES = 96  # of an integral over what is left
FURTHEST = 8.5  # standard deviations, beyond which nothing is left that float64 would count
HALVINGS = 60  # of the interval that a critical value is in
STEPS = 80  # of a table from critical values to levels


class Look(NamedTuple):
    """One of the looks. number: from 1; share: of the runs; level: of the intervals at it, so that all of them hold with 95%."""

    number: int
    share: float
    level: float


def spent(share: ArrayLike, alpha: ArrayLike = 0.05) -> np.ndarray:
    """Of the false alarms ``alpha`` of a two-sided test how many may have been made once ``share`` of the runs are there: on each side
    2 - 2 Φ(z / √share), z the quantile of 1 - alpha / 4.

    >>> [round(float(spent(share)), 5) for share in LOOKS]
    [1e-05, 0.00305, 0.0193, 0.05]
    """
    return 4 * special.ndtr(special.ndtri(np.asarray(alpha) / 4) / np.sqrt(share))


def boundaries(shares: Sequence[float] = LOOKS, alpha: float = 0.05) -> tuple[float, ...]:
    """The critical values of a two-sided normal test at looks at these rising shares of the runs, the last of which may be 1.

    Raises InputError for other shares, and an alpha outside 0 to 1.

    >>> [round(z, 3) for z in boundaries()]
    [4.333, 2.963, 2.359, 2.014]
    """
    check_level(alpha)
    given = (0.0, *shares)
    if not shares or any(b <= a for a, b in itertools.pairwise(given)) or given[-1] > 1:
        raise InputError(f"expected rising shares of the runs above 0 and up to 1, got {list(shares)}")
    return _boundaries(tuple(shares), float(alpha))


@lru_cache(maxsize=64)  # a study asks for its own again and again: for each arm, comparison and chart
def _boundaries(shares: tuple[float, ...], alpha: float) -> tuple[float, ...]:
    return tuple(float(z) for z in _critical(shares, np.array([alpha]))[:, 0])


def _critical(shares: Sequence[float], alphas: np.ndarray) -> np.ndarray:
    """(looks, alphas): the critical values for many alphas at the same time."""
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    found, before = [], 0.0
    at, density = np.zeros((len(alphas), 1)), np.ones((len(alphas), 1))  # where the sum is, and how likely
    for share in shares:
        due = spent(share, alphas) - (spent(before, alphas) if before else 0.0)
        step = np.sqrt(share - before)
        low, high = np.zeros(len(alphas)), np.full(len(alphas), 2 * FURTHEST)
        for _ in range(HALVINGS):
            z = (low + high) / 2
            far = z[:, None] * np.sqrt(share)
            outside = (density * (special.ndtr((at - far) / step) + special.ndtr((-far - at) / step))).sum(axis=1)
            low, high = np.where(outside > due, z, low), np.where(outside > due, high, z)
        found.append((low + high) / 2)
        far = np.minimum(found[-1], FURTHEST)[:, None] * np.sqrt(share)
        there = far * nodes
        spread = np.exp(-(((there[:, :, None] - at[:, None]) / step) ** 2) / 2) / (step * np.sqrt(2 * np.pi))
        at, density, before = there, (spread * density[:, None]).sum(axis=2) * weights * far, share
    return np.array(found)


def look_at(done: int, planned: int, looks: Sequence[float] = LOOKS) -> Look | None:
    """The last look that ``done`` of ``planned`` runs reach, None before the first.

    >>> look_at(60, 100).number, round(look_at(60, 100).level, 4), look_at(24, 100)
    (2, 0.997, None)
    """
    reached = [k for k, share in enumerate(looks) if done >= needed(share, planned)]
    return numbered(reached[-1] + 1, looks) if reached else None


def numbered(number: int, looks: Sequence[float] = LOOKS) -> Look:
    """The look of that number."""
    z = boundaries(tuple(looks))[number - 1]
    return Look(number, looks[number - 1], float(1 - 2 * special.ndtr(-z)))


def needed(share: float, planned: int) -> int:
    """How many of ``planned`` runs a look at ``share`` of them needs."""
    return int(np.ceil(share * planned - 1e-9))


def repeated(p: float, look: Look, looks: Sequence[float] = LOOKS) -> float:
    """The p-value at a look that counts all looks: the smallest alpha whose critical value at that look the test reaches.

    Calling something different where it is 0.05 or less, at any of the looks, is wrong in 5% of studies (Jennison and Turnbull's
    repeated p-value). At the look's own level it is 0.05.

    >>> second = numbered(2)
    >>> round(repeated(1 - second.level, second), 4), repeated(0.01, second) > 0.05
    (0.05, True)
    """
    if not p > 0:
        return 0.0
    z = float(-special.ndtri(p / 2))
    values, alphas = _table(tuple(looks), look.number)
    if z <= values[0]:
        return 1.0
    if z >= values[-1]:  # where earlier looks have spent nothing
        return float(2 * special.ndtr(-(alphas[-1] + (z - values[-1]) * np.sqrt(look.share))))
    return float(2 * special.ndtr(-float(interpolate.PchipInterpolator(values, alphas)(z))))


@lru_cache(maxsize=16)
def _table(looks: tuple[float, ...], number: int) -> tuple[np.ndarray, np.ndarray]:
    """Critical values at a look, rising, and as normal quantiles the levels that they belong to."""
    quantiles = np.linspace(0.002, 6.0, STEPS)
    values = _critical(looks[:number], 2 * special.ndtr(-quantiles))[-1]
    rising = np.concatenate([[True], np.diff(values) > 0])
    return values[rising], quantiles[rising]
