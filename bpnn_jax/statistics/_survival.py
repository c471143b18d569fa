"""Epochs to solve. A run that was not solved when it ended is censored, not missing: it would have taken longer than that."""

import dataclasses

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from bpnn_jax.errors import InputError
from bpnn_jax.statistics._bootstrap import Bootstrap
from bpnn_jax.statistics._contrast import DEFAULT, compare, estimate
from bpnn_jax.statistics._rates import wilson
from bpnn_jax.statistics._results import (
    Comparison,
    Estimate,
    aligned,
    check_level,
    flags,
    numbers,
    one_arm,
    one_arm_flags,
)


@dataclasses.dataclass(frozen=True)
class Curve:
    """The share of runs not yet solved: a step down at each of ``epochs`` (k,), and constant until the next.

    epochs: 0 first, then every epoch at which some run was solved
    unsolved, low, high: Kaplan and Meier's estimate from that epoch on, and its interval at each epoch on its own
    at_risk, solved: runs still followed and unsolved just before, and the runs solved at that epoch
    """

    epochs: np.ndarray
    unsolved: np.ndarray
    low: np.ndarray
    high: np.ndarray
    at_risk: np.ndarray
    solved: np.ndarray
    level: float = 0.95

    def at(self, epoch: float) -> tuple[float, float, float]:
        """The share unsolved after ``epoch`` epochs, with its interval: share, low, high. Raises InputError for one below 0."""
        if not epoch >= 0:
            raise InputError(f"expected an epoch from 0 up, got {epoch!r}")
        k = np.searchsorted(self.epochs, epoch, "right") - 1
        return float(self.unsolved[k]), float(self.low[k]), float(self.high[k])

    def median(self) -> tuple[float | None, float | None, float | None]:
        """The epoch by which half of the runs are solved, and its interval (Brookmeyer and Crowley 1982); None: not reached."""
        return tuple(self._reached(share) for share in (self.unsolved, self.low, self.high))  # type: ignore[return-value]

    def _reached(self, share: np.ndarray) -> float | None:
        here = np.flatnonzero(share <= 0.5)
        return float(self.epochs[here[0]]) if len(here) else None


def kaplan_meier(epochs: ArrayLike, solved: ArrayLike, level: float = 0.95) -> Curve:
    """Kaplan and Meier's (1958) curve of one arm, with log(-log) intervals from Greenwood's variance.

    epochs: (runs,) the epoch at which a run was solved; for the others the last epoch they were followed to
    solved: (runs,) True where it was solved. A run that diverged will never be solved: it was followed to the end

    S(t) is the product over epochs up to t of 1 - d/n, with d solved of n at risk; Var log S is the sum of d / (n (n - d)).
    Where S is 1 or 0 that says nothing, and the interval is Wilson's. Raises InputError for epochs below 0, fewer than two runs,
    or arrays of different length.

    >>> curve = kaplan_meier([3, 5, 5, 8, 10, 10], [1, 1, 1, 1, 0, 0])
    >>> curve.unsolved.round(3).tolist(), curve.at(6)[0], curve.median()
    ([1.0, 0.833, 0.5, 0.333], 0.5, (5.0, 3.0, None))
    """
    t, d = _times(epochs, solved)
    z = special.ndtri((1 + check_level(level)) / 2)
    at, events, risk, share = _steps(t, d)
    variance = np.cumsum(events / (risk * np.maximum(risk - events, 1)))  # unused once the share is 0
    inner = (share > 0) & (share < 1)
    log = np.log(np.where(inner, share, 0.5))
    factor = np.exp(z * np.sqrt(variance) / log)  # log is negative: below 1
    low, high = np.exp(log / factor), np.exp(log * factor)
    # The runs that it rests on: those seen to be solved, and those that still could be.
    known = np.cumsum(events) - events + risk
    low_end, high_end = wilson(np.where(share > 0, known, 0), known, level)
    return Curve(at, share, np.where(inner, low, low_end), np.where(inner, high, high_end), risk, events, level=level)


def restricted_values(epochs: ArrayLike, solved: ArrayLike, horizon: float) -> np.ndarray:
    """One number per run whose mean is the restricted mean: the area under the arm's Kaplan-Meier curve up to ``horizon``.

    epochs, solved: (runs,) or (runs, arms), as for `kaplan_meier`; the result has the same shape, in epochs

    If every run was followed to the horizon, this is min(epochs, horizon). Otherwise it is the mean plus n times the derivative
    with respect to the run's weight (the infinitesimal jackknife's pseudo-value), so that the mean square deviation over n is
    Greenwood's variance of the restricted mean, and differences by seed give the paired one. Raises InputError for a horizon
    beyond the epoch where the last unsolved run of an arm ends.

    >>> restricted_values([3, 5, 9, 20], [True, True, True, False], horizon=10).tolist()
    [3.0, 5.0, 9.0, 10.0]
    """
    t, d = _checked(numbers("epochs", epochs), flags("solved", solved))
    _check_horizon(horizon)
    for arm in range(t.shape[1]):
        _check_followed(t[:, arm], d[:, arm], horizon)
    values = np.stack([_pseudo_values(t[:, k], d[:, k], horizon) for k in range(t.shape[1])], axis=1)
    return values.reshape(np.shape(epochs))


def restricted_mean(
    epochs: ArrayLike,
    solved: ArrayLike,
    horizon: float,
    *,
    what: str = "epochs to solve, up to the horizon",
    groups: ArrayLike | None = None,
    groups_fixed: bool = False,
    bootstrap: Bootstrap = DEFAULT,
) -> Estimate:
    """The mean of min(epochs to solve, ``horizon``) of one arm, censored runs and all, with a bootstrap interval.

    epochs, solved: (runs,), as for `kaplan_meier`. The other arguments are those of `estimate`
    Raises InputError if no run was solved by the horizon: all that is known then is that it takes longer.

    >>> print(restricted_mean([3, 5, 6, 7, 20, 20], [1, 1, 1, 1, 0, 0], horizon=20))
    epochs to solve, up to the horizon: 10.17 [4.167, 17.69] epochs, n = 6
    """
    t, d = _times(epochs, solved)
    _check_solved(horizon, (t, d))
    values = restricted_values(t, d, horizon)
    return estimate(values, what=what, unit="epochs", groups=groups, groups_fixed=groups_fixed, bootstrap=bootstrap)


def compare_epochs(
    a_epochs: ArrayLike,
    a_solved: ArrayLike,
    b_epochs: ArrayLike,
    b_solved: ArrayLike,
    horizon: float,
    *,
    paired: bool = True,
    arm: str = "a",
    against: str = "b",
    kind: str = "epochs to solve",
    groups: ArrayLike | None = None,
    groups_fixed: bool = False,
    bootstrap: Bootstrap = DEFAULT,
) -> Comparison:
    """The difference of two arms' restricted means, a minus b, in epochs.

    a_epochs, a_solved, b_epochs, b_solved: (runs,), as for `kaplan_meier`
    horizon: the epoch up to which the means go

    The other arguments are those of `compare`. Raises InputError if no run of either arm was solved by the horizon, and as
    `restricted_values` and `compare` do.

    >>> all_solved = [True] * 6
    >>> print(compare_epochs([9, 12, 20, 20, 15, 20], [1, 1, 0, 0, 1, 0], [4, 6, 9, 12, 5, 8], all_solved, horizon=20))
    a - b, epochs to solve: +8.667 [+5.833, +11.33] epochs, standardised +3.09, above in 100%, p = 0.00064, n = 6
    """
    a, b = _times(a_epochs, a_solved), _times(b_epochs, b_solved)
    _check_solved(horizon, a, b)
    return compare(
        restricted_values(*a, horizon),
        restricted_values(*b, horizon),
        paired=paired,
        arm=arm,
        against=against,
        kind=kind,
        unit="epochs",
        groups=groups,
        groups_fixed=groups_fixed,
        bootstrap=bootstrap,
    )


def _times(epochs: ArrayLike, solved: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    return _checked(one_arm("epochs", epochs)[:, 0], one_arm_flags("solved", solved))


def _checked(t: np.ndarray, d: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    aligned("epochs and solved", t, d)
    if t.min() < 0:
        raise InputError(f"expected epochs from 0 up, got {t.min():g}")
    return t, d


def _check_horizon(horizon: float) -> None:
    if not (isinstance(horizon, int | float | np.number) and 0 < horizon < np.inf):
        raise InputError(f"expected a horizon in epochs, above 0, got {horizon!r}")


def _check_solved(horizon: float, *arms: tuple[np.ndarray, np.ndarray]) -> None:
    _check_horizon(horizon)
    if not any((d & (t <= horizon)).any() for t, d in arms):
        raise InputError(
            f"expected a run that was solved by epoch {horizon:g}, got none: it takes longer, and how much longer is not known; "
            "train for longer, or compare success rates"
        )


def _check_followed(t: np.ndarray, d: np.ndarray, horizon: float) -> None:
    last = t.max()
    if horizon > last and not d[t == last].all():
        raise InputError(f"expected a horizon up to epoch {last:g}, where the last unsolved run ends, got {horizon:g}")


def _steps(t: np.ndarray, d: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Epochs with a solved run, 0 first; solved then; at risk just before; share unsolved from then on."""
    at, solved = np.unique(np.append(t[d], 0.0), return_counts=True)
    solved[0] -= 1  # the 0 that was put there
    risk = len(t) - np.searchsorted(np.sort(t), at, "left")
    return at, solved, risk, np.cumprod(1 - solved / risk)


def _pseudo_values(t: np.ndarray, d: np.ndarray, horizon: float) -> np.ndarray:
    at, solved, risk, share = _steps(t, d & (t <= horizon))
    areas = share * np.diff(at, append=horizon)
    area = np.cumsum(areas[::-1])[::-1]  # under the curve, from each step to the horizon
    left = risk - solved
    pull = np.divide(area, left, out=np.zeros_like(area), where=left > 0)  # where no run is left, the area is 0
    compensator = np.cumsum(pull * solved / risk)
    here = np.searchsorted(at, np.minimum(t, horizon), "right") - 1
    jump = np.where(d & (t <= horizon), pull[here], 0)
    return areas.sum() + len(t) * (compensator[here] - jump)
