"""What the statistics say: an estimate with its interval, a comparison with effect and p-value together, and Holm's correction."""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from bpnn_jax.errors import InputError


@dataclasses.dataclass(frozen=True, kw_only=True)
class Estimate:
    """A number with its interval: ``value``, ``low`` and ``high`` in ``unit``, from ``n`` runs."""

    value: float
    low: float
    high: float
    n: int
    what: str
    unit: str
    level: float = 0.95

    def __post_init__(self):
        _check_interval(self.what, self.value, self.low, self.high)

    def __str__(self) -> str:
        return f"{self.what}: {self.value:.4g} [{self.low:.4g}, {self.high:.4g}]{self.unit and ' ' + self.unit}, n = {self.n}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Comparison:
    """How far apart two arms are, and how sure that is. There is none with a p-value and no effect, or the other way round.

    effect, low, high: the difference, and its interval at ``level``, in ``unit``
    p: two-sided p-value of "no difference"; ``p_holm`` the same after `holm` over the family it belongs to, None before
    standardised: the effect over the standard deviation of what it averages. Paired, that is each run's own difference
        (Cohen's d_z); unpaired, the root mean square of both arms' deviations (Cohen's d). None where nothing varies
    above: the share of runs (unpaired: of pairs of runs) with the first arm above the second; a tie counts half
    n: pairs of runs; where the arms are not paired, the runs of both together
    """

    effect: float
    low: float
    high: float
    p: float
    standardised: float | None
    above: float
    n: int
    what: str
    unit: str
    method: str
    level: float = 0.95
    p_holm: float | None = None

    def __post_init__(self):
        _check_interval(self.what, self.effect, self.low, self.high)
        for name, value in (("p", self.p), ("above", self.above), ("p_holm", self.p_holm)):
            if value is not None and not 0 <= value <= 1:
                raise InputError(f"expected {name} of {self.what!r} between 0 and 1, got {value!r}")

    def __str__(self) -> str:
        unit = self.unit and " " + self.unit
        size = "" if self.standardised is None else f"standardised {self.standardised:+.2f}, "
        corrected = "" if self.p_holm is None else f" (Holm {self.p_holm:.2g})"
        return (
            f"{self.what}: {self.effect:+.4g} [{self.low:+.4g}, {self.high:+.4g}]{unit}, "
            f"{size}above in {self.above:.0%}, p = {self.p:.2g}{corrected}, n = {self.n}"
        )


def _check_interval(what: str, value: float, low: float, high: float) -> None:
    if not (math.isfinite(value) and low <= high):
        raise InputError(f"expected a finite {what!r} with low <= high, got {value!r} [{low!r}, {high!r}]")


def holm(p: ArrayLike) -> np.ndarray:
    """Holm's (1979) step-down correction: p-values of a family, in any order, to p-values that hold for all of them together.

    The i-th smallest of m becomes the largest of (m - j + 1) p_(j) over j <= i, and 1 at most. Calling those at or below 0.05
    different is wrong about one or more of them in at most 5% of studies, however they depend on each other.

    >>> holm([0.01, 0.04, 0.03]).round(6).tolist()
    [0.03, 0.06, 0.06]
    """
    p = np.asarray(p, np.float64)
    if p.ndim != 1 or not ((p >= 0) & (p <= 1)).all():
        raise InputError(f"expected a list of p-values between 0 and 1, got {p.tolist()}")
    order = np.argsort(p, kind="stable")
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1)
    return corrected


def correct(family: Sequence[Comparison]) -> list[Comparison]:
    """The same comparisons with ``p_holm`` filled in. A family is everything that one would have reported, had it come out."""
    corrected = holm([c.p for c in family])
    return [dataclasses.replace(c, p_holm=float(p)) for c, p in zip(family, corrected, strict=True)]
