"""What a study found, led by the task's own outcome: of each arm, between arms, of each factor, and of everything that varies."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bpnn_jax import settings, statistics
from bpnn_jax.ablation import scatter, tuning
from bpnn_jax.ablation.parts import BOOLEAN
from bpnn_jax.ablation.results import Results
from bpnn_jax.errors import unknown
from bpnn_jax.statistics import Comparison, Estimate, Summary

BEST = "best"
MOST_SAID = 12  # shares in a sentence
SUCCESS, EPOCHS, ERROR, DIVERGED = "success_rate", "epochs_to_solve", "error", "diverged"
RATES = (SUCCESS, DIVERGED, "test_accuracy", "train_accuracy")  # shares: in percent, their differences in points
TESTED, TRAINED = ("test_accuracy", "test_r2"), ("train_accuracy", "train_r2")
WORDS = {
    "test_r2": "test R²",
    "train_r2": "training R²",
    "test_rmse": "test RMSE",
    "train_accuracy": "training accuracy",
}


@dataclass(frozen=True)
class Effect:
    """A main effect or an interaction of two factors. levels: for each factor the pair (level, the one it is compared with)."""

    factors: tuple[str, ...]
    levels: tuple[tuple[str, str], ...]
    outcome: str
    estimate: float
    low: float
    high: float
    p: float
    p_holm: float = 1.0


@dataclass(frozen=True)
class Share:
    """Of the variance among arm means, what is made by these factors together and by none of them alone."""

    factors: tuple[str, ...]
    outcome: str
    share: float
    low: float
    high: float


@dataclass(frozen=True)
class Findings:
    """lead:        the outcomes that tables and comparisons begin with.
    outcomes:    for each arm its outcomes by their names.
    against:     the arm that the others are compared with.
    comparisons: every other arm minus that, in the first of ``lead`` where that is a score, corrected by Holm over these.
    effects:     corrected by Holm over all of them.
    variance:    the shares of the factors; ``everything`` those of choices, splits, seeds and the rest in the variance of single runs.
    new_data:    of the first of ``lead`` each arm's interval for new data (Nadeau and Bengio), approximate; None without splits.
    """

    lead: tuple[str, ...]
    outcomes: tuple[dict[str, Estimate], ...]
    against: str
    comparisons: tuple[Comparison, ...]
    effects: tuple[Effect, ...]
    variance: tuple[Share, ...]
    everything: dict[str, dict[str, float]]
    new_data: tuple[Estimate | None, ...] | None
    notes: tuple[str, ...]

    @property
    def scored(self) -> bool:
        """Whether the study is about a score and not about solving."""
        return bool(self.lead) and self.lead[0] in (*TESTED, *TRAINED)


def find(results: Results, summary: Summary | None, against: str | None = None) -> Findings | None:
    """What the rows that every arm has say, or None where they are fewer than two, or of one split only where there are several.

    against: the arm that the others are compared with, or ``best``; the first otherwise. Raises InputError for another name.
    """
    base(results, against)
    if summary is None:
        return None
    values = _values(results)
    lead = _lead(results, values)
    chosen = base(results, against)
    effects, variance, everything = [], [], {}
    for name in lead:
        given = values[name]
        if np.isfinite(given).all() and len(results.arms) > 1:
            of = _units(results, given)
            effects += _effects(results, name, of)
            variance += _shares(results, name, of)
            everything[name] = scatter.everything(
                given, results.splits[results.counted] if results.study.splits > 1 else None
            )
    p = statistics.holm([effect.p for effect in effects]) if effects else []
    return Findings(
        lead,
        tuple(_outcomes(results, values, k) for k in range(len(results.arms))),
        chosen,
        _comparisons(results, values, lead, chosen),
        tuple(replace(effect, p_holm=float(one)) for effect, one in zip(effects, p, strict=True)),
        tuple(variance),
        everything,
        _new_data(results, values, lead),
        _notes(results, values, lead),
    )


def base(results: Results, against: str | None) -> str:
    """The arm that the others are compared with."""
    if against is None:
        return results.arms[0]
    if against == BEST:
        values = _values(results)
        lead = _lead(results, values)
        if not lead or not results.counted.any():
            return results.arms[0]
        keys = [np.nan_to_num(values[name].mean(axis=0) * (-1 if name == EPOCHS else 1), nan=-np.inf) for name in lead]
        return results.arms[int(np.lexsort([-key for key in reversed(keys)])[0])]
    if against not in results.arms:
        raise unknown("arm", against, (*results.arms, BEST))
    return against


def words(outcome: str) -> str:
    """An outcome as one says it.

    >>> words("test_accuracy"), words("test_r2")
    ('test accuracy', 'test R²')
    """
    return WORDS.get(outcome, outcome.replace("_", " "))


def _values(results: Results) -> dict[str, np.ndarray]:
    """(rows, arms) by outcome, over the rows that every arm has. NaN where an arm has no such outcome."""
    whole = results.counted
    found = {
        name: array[whole]
        for name, array in results.scores.items()
        if not name.startswith("validation") and ":" not in name
    }
    solved = results.solved[whole].astype(float)
    if results.solving:
        found[SUCCESS] = solved
        limit = results.study.epochs
        found[EPOCHS] = np.where(solved.any(axis=0), np.where(solved > 0, results.epochs[whole], limit), np.nan)
    if not solved.any():  # runs that were solved stopped there: their errors are of other epochs
        found[ERROR] = np.where(results.diverged[whole], np.nan, results.error[whole])
    found[DIVERGED] = results.diverged[whole].astype(float)
    return found


def _lead(results: Results, values: dict[str, np.ndarray]) -> tuple[str, ...]:
    def whole(name: str) -> bool:
        return name in values and values[name].size > 0 and not np.isnan(values[name]).any()

    tested = [name for name in TESTED if whole(name)]
    if tested:
        return tuple(tested[:1])
    if results.solving and set(results.kinds) == {BOOLEAN}:
        return tuple(name for name in (SUCCESS, EPOCHS) if whole(name)) if values[SUCCESS].any() else ()
    return tuple([name for name in TRAINED if whole(name) and set(results.kinds) != {BOOLEAN}][:1])


def _units(results: Results, values: np.ndarray) -> np.ndarray:
    clustered = results.study.splits > 1
    return statistics.units(values, results.splits[results.counted] if clustered else None)


def _halves(results: Results) -> dict[str, Any]:
    """What the statistics are to know of halves that chose for each other."""
    half = tuning.halves(results)
    if half is None or results.study.splits > 1:
        return {}
    return {"strata": half[results.counted], "inflation": statistics.CROSS_FITTED}


def _outcomes(results: Results, values: dict[str, np.ndarray], k: int) -> dict[str, Estimate]:
    found = {}
    for name, array in values.items():
        column = array[:, [k]]
        if not np.isfinite(column).all():
            continue
        what = f"{results.arms[k]}, {words(name)}"
        if name in (SUCCESS, DIVERGED) and results.study.splits == 1:
            found[name] = statistics.success_rate(column[:, 0], what=what)
        else:
            of = statistics.effects(_units(results, column), np.ones((1, 1)), **_halves(results))
            low, high = _within(name, float(of.low[0]), float(of.high[0]))
            found[name] = Estimate(value=float(of.effect[0]), low=low, high=high, n=len(column), what=what, unit="")
    return found


def _within(name: str, low: float, high: float) -> tuple[float, float]:
    """An interval, as far as there are such numbers: a share is from 0 to 1, and nothing but R² is below 0."""
    low = low if name.endswith("r2") else max(low, 0.0)
    return low, min(high, 1.0) if name in RATES or name.endswith("r2") else high


def _comparisons(
    results: Results, values: dict[str, np.ndarray], lead: Sequence[str], against: str
) -> tuple[Comparison, ...]:
    if not lead or lead[0] in (SUCCESS, EPOCHS) or len(results.arms) < 2:
        return ()
    name, column = lead[0], results.arms.index(against)
    array, others = values[name], [k for k in range(len(results.arms)) if k != column]
    usable = [k for k in others if np.isfinite(array[:, [k, column]]).all()]
    if not usable:
        return ()
    weights = np.eye(len(results.arms))[:, usable] - np.eye(len(results.arms))[:, [column]]
    array = np.where(np.isfinite(array), array, 0.0)  # of arms that no comparison uses
    of, each = statistics.effects(_units(results, array), weights, **_halves(results)), array @ weights
    deviation = each.std(axis=0, ddof=1)
    unit = "splits" if results.study.splits > 1 else "seeds"
    return tuple(
        statistics.correct(
            [
                Comparison(
                    effect=float(of.effect[i]),
                    low=float(of.low[i]),
                    high=float(of.high[i]),
                    p=float(of.p[i]),
                    standardised=float(of.effect[i] / deviation[i]) if deviation[i] > 1e-12 else None,
                    above=float((1 + np.sign(each[:, i])).mean() / 2),
                    n=len(each),
                    arm=results.arms[k],
                    against=against,
                    kind=words(name),
                    unit="",
                    method=f"Student's t over {unit}",
                )
                for i, k in enumerate(usable)
            ]
        )
    )


def _effects(results: Results, name: str, of: np.ndarray) -> list[Effect]:
    factors = [
        (field.replace("_", "-"), [settings.shown(field, v) for v in values]) for field, values in results.study.factors
    ]
    found = statistics.contrasts([len(levels) for _, levels in factors])
    if not found:
        return []
    told = statistics.effects(of, np.column_stack([c.weights for c in found]), **_halves(results))
    return [
        Effect(
            tuple(factors[k][0] for k in c.factors),
            tuple((factors[k][1][a], factors[k][1][b]) for k, (a, b) in zip(c.factors, c.levels, strict=True)),
            name,
            *(float(column[i]) for column in told),
        )
        for i, c in enumerate(found)
    ]


def _shares(results: Results, name: str, of: np.ndarray) -> list[Share]:
    fields = [field.replace("_", "-") for field, _ in results.study.factors]
    found = statistics.shares(of, [len(values) for _, values in results.study.factors])
    if not found or found[0].variance <= 0:
        return []
    return [Share(tuple(fields[k] for k in s.factors), name, s.share, s.low, s.high) for s in found]


def _new_data(
    results: Results, values: dict[str, np.ndarray], lead: Sequence[str]
) -> tuple[Estimate | None, ...] | None:
    if results.study.splits < 2 or not lead or len(results.study.tasks) > 1:
        return None
    trained, tested = results.held_out
    found: list[Estimate | None] = []
    for k, arm in enumerate(results.arms):
        column = values[lead[0]][:, [k]]
        if not np.isfinite(column).all():
            found.append(None)
            continue
        of = _units(results, column)
        told = statistics.effects(of, np.ones((1, 1)), inflation=statistics.nadeau_bengio(len(of), trained, tested))
        low, high = _within(lead[0], float(told.low[0]), float(told.high[0]))
        what = f"{arm}, {words(lead[0])} on new data, approximately"
        found.append(Estimate(value=float(told.effect[0]), low=low, high=high, n=len(column), what=what, unit=""))
    return tuple(found)


def _notes(results: Results, values: dict[str, np.ndarray], lead: Sequence[str]) -> tuple[str, ...]:
    found = []
    tested = bool(lead) and lead[0] in TESTED
    if tested and results.study.splits == 1:
        found.append(
            "intervals are over seeds, for this one split; --splits 20 makes them about splits of this data set"
        )
    elif tested:
        found.append(f"intervals are over {results.study.splits} splits of this data set; for new data they are wider")
    bad = [arm for k, arm in enumerate(results.arms) if lead and not np.isfinite(values[lead[0]][:, k]).all()]
    if bad:
        found.append(
            f"runs diverged in {len(bad)} of {len(results.arms)} arms, which have no mean of {words(lead[0])}: {bad[0]}"
        )
    found += _dragged(results)
    if results.study.tune:
        how = (
            "the other half of the seeds" if tuning.halves(results) is not None else "the validation part of each split"
        )
        tuned = ", ".join(name.replace("_", "-") for name, _ in results.study.tune)
        found.append(f"each arm at its own best {tuned}, chosen on {how}; intervals take the chosen values as given")
    if (warned := tuning.warning(results)) is not None:
        found.append(warned)
    return tuple(found)


def _dragged(results: Results) -> list[str]:
    """What a choice changes beside itself, and how to vary it alone."""
    varied = {name for name, values in (*results.study.vary, *results.study.tune) if len(values) > 1}
    runs, found = [arm.run for arm in results.study.arms], []
    if "activation" in varied and any(run.output_activation == "same" for run in runs):
        found.append(
            "activation changes the outputs too, and what their targets mean; --output-activation sigmoid, say, keeps them alike"
        )
    if "momentum" in varied and any(run.rule == "previous-gradient" for run in runs):
        found.append(
            "momentum of rule previous-gradient adds M times the last gradient to N times this one: a larger step; --rule heavy-ball, "
            "or rates with equal N + M, or --tune learning-rate would compare equal ones"
        )
    return found


def sentences(came: Findings) -> list[str]:
    """Which factor matters, and how much: a sentence for each outcome that the study is led by, where there are several factors."""
    found = []
    for name in came.lead:
        parts = sorted((s for s in came.variance if s.outcome == name), key=lambda s: -s.share)
        if len(parts) > 1:
            shares = ", ".join(f"{' x '.join(s.factors)} {percent(s.share)}" for s in parts[:MOST_SAID])
            whole = percent(came.everything[name]["choices"])
            found.append(f"{words(name)}: {shares} of what the choices do; the choices do {whole} of everything")
    return found


def percent(share: float) -> str:
    """Whole percent, and no -0%.

    >>> percent(0.407), percent(-0.001)
    ('41%', '0%')
    """
    return f"{round(100 * share) + 0}%"
