"""The records of results (an estimate, a comparison), Holm's correction, and the checks of the arrays that they come from."""

import dataclasses
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from bpnn_jax.errors import InputError


@dataclasses.dataclass(frozen=True, kw_only=True)
class Estimate:
    """A number with its interval.

    value, low, high: the number, and its interval at ``level``, in ``unit``
    n: the runs that it rests on
    what: a title, such as "tanh, success rate"
    unit: such as "epochs"; empty where it has none

    Raises InputError for a value that is not finite or ``low`` above ``high``.

    >>> print(Estimate(value=7.5, low=5, high=10, n=8, what="solved after", unit="epochs"))
    solved after: 7.5 [5, 10] epochs, n = 8
    """

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


class Names(NamedTuple):
    """What a `Comparison` is about; its fields of the same names."""

    arm: str = "a"
    against: str = "b"
    kind: str = ""
    change: str = ""

    @property
    def title(self) -> str:
        change, kind = self.change and f"{self.change}: ", self.kind and f", {self.kind}"
        return f"{change}{self.arm} - {self.against}{kind}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Comparison:
    """How far apart two arms are, and how sure that is. There is none with a p-value and no effect, or the other way round.

    effect, low, high: the difference, ``arm`` minus ``against``, and its interval at ``level``, in ``unit``
    p: two-sided p-value of "no difference"; ``p_holm`` the same after `holm` over the family it belongs to, None before
    standardised: the effect over the standard deviation of what it averages. Paired, that is each run's own difference
        (Cohen's d_z); unpaired, the root mean square of both arms' deviations (Cohen's d). None where nothing varies
    above: the share of runs (unpaired: of pairs of runs) with ``arm`` above ``against``; a tie counts half
    n: pairs of runs; where the arms are not paired, the runs of both together
    arm, against: the names of the two arms; of an interaction those of the two levels under which ``change`` was made
    kind: what is compared, such as "success rate"
    unit: of the effect, such as "epochs"; empty where it has none, as a difference of rates
    method: how interval and p were computed, in words
    detectable: the smallest effect that this comparison would have shown with 80% power, where that has been reckoned
    equivalence: the p-value of "they differ by a margin or more", where one was given, corrected as ``p_holm`` is
    change: of an interaction what was changed, such as "momentum 0 to 0.9"; empty where two arms are compared
    what: all four names in one line, for people to read. It follows from the others, and nothing is read out of it

    Raises InputError for an effect that is not finite, ``low`` above ``high``, or a share or p-value outside 0 to 1.

    >>> c = Comparison(
    ...     effect=-3.5, low=-5, high=-2, p=0.004, standardised=-0.8, above=0.1, n=20, arm="tanh", against="sigmoid",
    ...     kind="epochs to solve", unit="epochs", method="by hand",
    ... )
    >>> c.what
    'tanh - sigmoid, epochs to solve'
    """

    effect: float
    low: float
    high: float
    p: float
    standardised: float | None
    above: float
    n: int
    arm: str
    against: str
    kind: str
    unit: str
    method: str
    level: float = 0.95
    p_holm: float | None = None
    detectable: float | None = None
    equivalence: float | None = None
    change: str = ""
    what: str = dataclasses.field(init=False)  # a field, so that `dataclasses.asdict` has it

    def __post_init__(self):
        object.__setattr__(self, "what", Names(self.arm, self.against, self.kind, self.change).title)
        _check_interval(self.what, self.effect, self.low, self.high)
        for name, value in (
            ("p", self.p),
            ("above", self.above),
            ("p_holm", self.p_holm),
            ("equivalence", self.equivalence),
        ):
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
    p: (m,); the result has the same shape. Raises InputError for anything that is not a list of p-values.

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
    """The same comparisons, in the same order, with ``p_holm`` filled in.

    A family is everything that one would have reported, had it come out: leave none out.

    >>> from bpnn_jax.statistics import compare_rates
    >>> solved = [[1, 1, 1, 1, 1, 1, 1, 0], [0, 1, 0, 0, 0, 0, 0, 0], [0, 1, 1, 0, 1, 1, 0, 0]]
    >>> [round(c.p_holm, 3) for c in correct([compare_rates(solved[0], solved[1]), compare_rates(solved[0], solved[2])])]
    [0.031, 0.125]
    """
    corrected = holm([c.p for c in family])
    return [dataclasses.replace(c, p_holm=float(p)) for c, p in zip(family, corrected, strict=True)]


def floats(what: str, values: ArrayLike) -> np.ndarray:
    """``values`` as float64, of any shape."""
    try:
        return np.asarray(values, np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"expected {what} as an array of numbers: {error}") from None


def numbers(what: str, values: ArrayLike) -> np.ndarray:
    """``values`` as float64 of shape (runs, arms), finite, two runs at least; one arm may come as a vector."""
    array = floats(what, values)
    array = array[:, None] if array.ndim == 1 else array
    if array.ndim != 2 or not array.shape[1]:
        raise InputError(f"expected {what} of shape (runs,) or (runs, arms), got {np.shape(values)}")
    if len(array) < 2:
        raise InputError(f"expected 2 runs or more in {what}, got {len(array)}: one run says nothing about the next")
    if not np.isfinite(array).all():
        run, arm = np.argwhere(~np.isfinite(array))[0]
        raise InputError(
            f"expected finite numbers in {what}, got {array[run, arm]} in run {run} of arm {arm}; a run that diverged has "
            "no such number, and leaving it out would flatter its arm: compare success rates or epochs to solve"
        )
    return array


def one_arm(what: str, values: ArrayLike) -> np.ndarray:
    """The numbers of a single arm, as shape (runs, 1)."""
    array = numbers(what, values)
    if array.shape[1] != 1:
        raise InputError(f"expected {what} as one arm, shape (runs,), got {array.shape}")
    return array


def flags(what: str, values: ArrayLike) -> np.ndarray:
    """``values`` as booleans of shape (runs, arms); 0 and 1 count."""
    array = numbers(what, values)
    if not ((array == 0) | (array == 1)).all():
        bad = array[(array != 0) & (array != 1)][0]
        raise InputError(f"expected {what} as True or False for each run, got {bad:g}")
    return array == 1


def aligned(what: str, *arrays: np.ndarray) -> None:
    """Check that arrays about the same runs have the same shape."""
    shapes = [a.shape for a in arrays]
    if len(set(shapes)) > 1:
        raise InputError(f"expected {what} for the same runs, row by row, got shapes {' and '.join(map(str, shapes))}")


def check_level(value: float) -> float:
    """``value`` as a confidence level between 0 and 1, both excluded."""
    if not (isinstance(value, int | float) and 0 < value < 1 and math.isfinite(value)):
        raise InputError(f"expected level as a number between 0 and 1, such as 0.95, got {value!r}")
    return float(value)


def one_arm_flags(what: str, values: ArrayLike) -> np.ndarray:
    """The outcomes of a single arm, booleans of shape (runs,)."""
    return flags(what, one_arm(what, values))[:, 0]
