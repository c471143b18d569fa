"""A whole study at once: each arm, and the arms against each other, as one family."""

import dataclasses
import html
import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from bpnn_jax.errors import InputError, unknown
from bpnn_jax.statistics._bootstrap import MEASURE_NAMES, Bootstrap, Sampling, sampling
from bpnn_jax.statistics._contrast import DEFAULT, arms_and_contrasts
from bpnn_jax.statistics._rates import compare_rates, success_rate
from bpnn_jax.statistics._results import Comparison, Estimate, Names, aligned, correct, flags, floats, numbers
from bpnn_jax.statistics._survival import Curve, kaplan_meier, restricted_values

SUCCESS, EPOCHS, ERROR = "success rate", "epochs to solve", "final error"  # the kinds of comparison
MAX_SHOWN = 5  # arms in a Summary's repr
MAX_LISTED = 3  # arms that a note names


class Contrast(NamedTuple):
    """A weighted sum of arms, such as an interaction: what ``change`` makes under ``arm``, minus what it makes under ``against``.

    weights: (arms,), which add up to 0
    change, arm, against: the `Comparison`'s fields of these names
    """

    weights: ArrayLike
    change: str
    arm: str
    against: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class ArmSummary:
    """One arm of a study.

    name: as it was given
    success: the success rate
    epochs: the restricted mean of epochs to solve; None where no run was solved
    error: the mean or interquartile mean of the final error; None where it was not given, or a run diverged
    curve: Kaplan and Meier's, of epochs to solve
    """

    name: str
    success: Estimate
    epochs: Estimate | None
    error: Estimate | None
    curve: Curve


@dataclasses.dataclass(frozen=True, kw_only=True, repr=False)
class Summary:
    """A whole study: its arms, and the comparisons between them.

    arms: in the order in which they were given
    comparisons: each of the pairs that were asked for, in each kind; Holm's correction is over all of them
    contrasts: those of more than two arms that were asked for, a family of their own
    notes: what had to be left out, a sentence for each kind
    horizon: the epoch up to which restricted means go
    """

    arms: tuple[ArmSummary, ...]
    comparisons: tuple[Comparison, ...]
    contrasts: tuple[Comparison, ...]
    notes: tuple[str, ...]
    horizon: float

    def ranking(self) -> list[str]:
        """The arms' names by success rate, then by mean epochs to solve, then by final error; the best first."""

        def last_if_unknown(estimate: Estimate | None) -> float:
            return math.inf if estimate is None else estimate.value

        key = {
            arm.name: (-arm.success.value, last_if_unknown(arm.epochs), last_if_unknown(arm.error)) for arm in self.arms
        }
        return sorted(key, key=key.__getitem__)

    def as_dict(self) -> dict[str, Any]:
        """The summary as JSON-serialisable data: dicts, lists, strings, numbers and None."""
        return _plain(dataclasses.asdict(self))

    def __repr__(self) -> str:
        rows = [f"  {name}: {', '.join(cells)}" for name, *cells in self._rows()]
        return "\n".join([self._title(), *rows])

    def _repr_html_(self) -> str:
        """A table of the best arms, for a notebook."""
        rows = "".join(
            f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in cells)}</tr>" for cells in self._rows()
        )
        return f"<table><caption>{html.escape(self._title())}</caption>{rows}</table>"

    def _title(self) -> str:
        parts = [f"{len(getattr(self, name))} {name}" for name in ("arms", "comparisons", "contrasts", "notes")]
        return f"Summary up to epoch {self.horizon:g}: {', '.join(parts)}"

    def _rows(self) -> Iterator[tuple[str, ...]]:
        """The best arms, each with the estimates that it has."""
        arms = {arm.name: arm for arm in self.arms}
        for name in self.ranking()[:MAX_SHOWN]:
            arm = arms[name]
            estimates = ((SUCCESS, arm.success), (EPOCHS, arm.epochs), (ERROR, arm.error))
            yield name, *(f"{kind} {e.value:.4g} [{e.low:.4g}, {e.high:.4g}]" for kind, e in estimates if e)
        if len(arms) > MAX_SHOWN:
            yield "...", f"{len(arms) - MAX_SHOWN} arms more"


def summarise(
    names: Sequence[str],
    *,
    epochs: ArrayLike,
    solved: ArrayLike,
    horizon: float,
    error: ArrayLike | None = None,
    error_measure: str = "iqm",
    pairs: Sequence[tuple[str, str]] | None = None,
    contrasts: Sequence[Contrast] = (),
    solving: bool = True,
    groups: ArrayLike | None = None,
    groups_fixed: bool = False,
    bootstrap: Bootstrap = DEFAULT,
) -> Summary:
    """Success rate, epochs to solve and final error of every arm, and of each of ``pairs`` the differences, paired by seed.

    names: one for each arm, in the order of the columns
    epochs, solved, error: (runs, arms), row i the same seed in every arm. Where a run was not solved, ``epochs`` is the last
        epoch that it was followed to; of a run that diverged that is ``horizon``, and its error may be inf or NaN
    horizon: the epoch up to which restricted means go
    error_measure: "iqm" or "mean"
    pairs: (a, b) for a - b; every other arm minus the first, if None
    contrasts: each gives a comparison of success rates and one of epochs, such as an interaction (see `interaction`). Holm's
        correction is over these alone
    solving: False where no run could be solved, as with a tolerance of 0: the notes then say nothing about it
    groups, groups_fixed, bootstrap: as in `compare`. With groups success rates, too, are bootstrapped by groups

    An arm with a diverged run has no error, and an arm with no solved run no mean epochs; the notes say so. Raises InputError for
    names that are not as many as the arms and all different, pairs of other names, weights that do not add up to 0, and as the
    functions that it calls do.

    >>> e = np.array([[300, 90], [500, 120], [500, 80], [420, 150], [500, 70]])
    >>> for c in summarise(["sigmoid", "tanh"], epochs=e, solved=e < 500, horizon=500).comparisons:
    ...     print(c)
    tanh - sigmoid, success rate: +0.6 [-0.09517, +0.8824], standardised +1.10, above in 80%, p = 0.12 (Holm 0.12), n = 5
    tanh - sigmoid, epochs to solve: -342 [-428, -232.9] epochs, standardised -3.51, above in 0%, p = 0.0014 (Holm 0.0028), n = 5
    """
    names = list(names)
    t, d = numbers("epochs", epochs), flags("solved", solved)
    aligned("epochs and solved", t, d)
    if len(names) != t.shape[1] or len(set(names)) != len(names):
        raise InputError(f"expected {t.shape[1]} different names, one for each arm, got {names}")
    chosen = _chosen(names, pairs)
    drawn = sampling(len(t), groups, groups_fixed)
    values = restricted_values(t, d, horizon)
    dead = [names[k] for k in range(len(names)) if not (d[:, k] & (t[:, k] <= horizon)).any()]
    notes = _unsolved(dead, names, horizon) if solving else []

    rates, comparisons = _rates(names, chosen, d, drawn, bootstrap)
    restricted, found = _numbers(names, chosen, values, "mean", EPOCHS, "epochs", drawn, bootstrap)
    comparisons += [c for pair, c in found.items() if not set(pair) <= set(dead)]
    errors: dict[str, Estimate] = {}
    if error is not None:
        errors, more, diverged = _errors(names, chosen, error, t.shape, error_measure, drawn, bootstrap)
        comparisons += more
        notes += diverged
    arms = tuple(
        ArmSummary(
            name=name,
            success=rates[k],
            epochs=None if name in dead else restricted[k],
            error=errors.get(name),
            curve=kaplan_meier(t[:, k], d[:, k], bootstrap.level),
        )
        for k, name in enumerate(names)
    )
    return Summary(
        arms=arms,
        comparisons=tuple(correct(comparisons)),
        contrasts=tuple(correct(_contrasts(names, contrasts, dead, d, values, drawn, bootstrap))),
        notes=tuple(notes),
        horizon=float(horizon),
    )


Pairs = list[tuple[str, str]]


def _chosen(names: list[str], pairs: Sequence[tuple[str, str]] | None) -> Pairs:
    if pairs is None:
        return [(name, names[0]) for name in names[1:]]
    for pair in pairs:
        if isinstance(pair, str) or len(pair) != 2 or pair[0] == pair[1]:
            raise InputError(f"expected pairs of two different arms, got {pair!r}")
        for name in pair:
            if name not in names:
                raise unknown("arm", name, names)
    if len(set(map(frozenset, pairs))) < len(pairs):
        raise InputError("expected each pair of arms once: a pair that occurs twice counts twice in Holm's correction")
    return [(a, b) for a, b in pairs]


def _numbers(
    names: list[str],
    pairs: Pairs,
    values: np.ndarray,
    measure: str,
    kind: str,
    unit: str,
    drawn: Sampling,
    settings: Bootstrap,
) -> tuple[list[Estimate], dict[tuple[str, str], Comparison]]:
    unit_vector = np.eye(len(names))
    rows = [unit_vector[names.index(a)] - unit_vector[names.index(b)] for a, b in pairs]
    weights = np.reshape(rows, (-1, len(names))).T
    arms, about = [f"{name}, {kind}" for name in names], [Names(a, b, kind) for a, b in pairs]
    estimates, found = arms_and_contrasts(values, weights, measure, arms, about, unit, drawn, settings)
    return estimates, dict(zip(pairs, found, strict=True))


def _rates(
    names: list[str], pairs: Pairs, solved: np.ndarray, drawn: Sampling, settings: Bootstrap
) -> tuple[list[Estimate], list[Comparison]]:
    if drawn.groups is not None:
        rates, found = _numbers(names, pairs, solved.astype(np.float64), "mean", SUCCESS, "", drawn, settings)
        return rates, list(found.values())
    columns = dict(zip(names, solved.T, strict=True))
    rates = [success_rate(columns[name], what=f"{name}, {SUCCESS}", level=settings.level) for name in names]
    return rates, [
        compare_rates(columns[a], columns[b], arm=a, against=b, kind=SUCCESS, level=settings.level) for a, b in pairs
    ]


def _contrasts(
    names: list[str],
    asked: Sequence[Contrast],
    dead: list[str],
    solved: np.ndarray,
    values: np.ndarray,
    drawn: Sampling,
    settings: Bootstrap,
) -> list[Comparison]:
    """Success rates and epochs of each; no epochs where no arm of it was ever solved."""
    if not asked:
        return []
    rows = [floats(f"weights for {c.change}", c.weights) for c in asked]
    for (_, name, *_), row in zip(asked, rows, strict=True):
        if row.shape != (len(names),):
            raise InputError(f"expected {len(names)} weights for {name}, one for each arm, got shape {row.shape}")
        if not abs(row.sum()) < 1e-9:  # rounding of 1/3 and the like
            raise InputError(f"expected weights for {name} that add up to 0, got {row.sum():g}")
    alive = np.array([name not in dead for name in names])
    found: list[Comparison] = []
    for kind, unit, array in ((SUCCESS, "", solved.astype(np.float64)), (EPOCHS, "epochs", values)):
        kept = [(c, row) for c, row in zip(asked, rows, strict=True) if kind == SUCCESS or (row != 0)[alive].any()]
        if kept:
            about = [Names(c.arm, c.against, kind, c.change) for c, _ in kept]
            weights = np.transpose([row for _, row in kept])
            found += arms_and_contrasts(array, weights, "mean", names, about, unit, drawn, settings)[1]
    return found


def _errors(
    names: list[str],
    pairs: Pairs,
    error: ArrayLike,
    shape: tuple[int, ...],
    measure: str,
    drawn: Sampling,
    settings: Bootstrap,
) -> tuple[dict[str, Estimate], list[Comparison], list[str]]:
    array = floats("error", error)
    if array.shape != shape:
        raise InputError(f"expected error for the same runs and arms as epochs, {shape}, got {array.shape}")
    diverged = (~np.isfinite(array)).sum(0)
    notes = _diverged({name: f"{count} of {shape[0]}" for name, count in zip(names, diverged, strict=True) if count})
    whole = [k for k in range(len(names)) if not diverged[k]]
    kept = [names[k] for k in whole]
    if not kept:
        return {}, [], notes
    chosen = [pair for pair in pairs if set(pair) <= set(kept)]
    kind = f"{ERROR} ({MEASURE_NAMES.get(measure, measure)})"
    found, compared = _numbers(kept, chosen, array[:, whole], measure, kind, "", drawn, settings)
    return dict(zip(kept, found, strict=True)), list(compared.values()), notes


def _unsolved(dead: list[str], names: list[str], horizon: float) -> list[str]:
    """One note about all arms without a solved run."""
    if len(dead) == 1:
        return [f"{dead[0]}: no run was solved by epoch {horizon:g}, so its mean epochs are not known"]
    whose = "any arm" if dead == names else _listed(dead)
    return [f"no run of {whose} was solved by epoch {horizon:g}, so mean epochs to solve are not known"] if dead else []


def _diverged(counts: dict[str, str]) -> list[str]:
    """One note about all arms with diverged runs."""
    if len(counts) == 1:
        ((name, count),) = counts.items()
        return [f"{name}: {count} runs diverged, so its error is not averaged; its success rate counts them"]
    whose = _listed([f"{name} ({count})" for name, count in counts.items()])
    return (
        [f"runs diverged in {whose}, so their errors are not averaged; their success rates count them"]
        if counts
        else []
    )


def _listed(names: list[str]) -> str:
    more = len(names) - MAX_LISTED
    return "; ".join(names[:MAX_LISTED]) + (f" and {more} arms more" if more > 0 else "")


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value
