"""What a study found, led by the task's own outcome: of each arm, between arms, of each factor, and of everything that varies."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from bpnn_jax import settings, statistics
from bpnn_jax.ablation import looks, scatter, shown
from bpnn_jax.ablation.notes import apart, notes
from bpnn_jax.ablation.outcomes import DIVERGED, EPOCHS, SUCCESS, halves, percent, unit, units, within, words
from bpnn_jax.ablation.outcomes import lead as lead_of
from bpnn_jax.ablation.outcomes import values as values_of
from bpnn_jax.ablation.results import Results
from bpnn_jax.errors import unknown
from bpnn_jax.statistics import Comparison, Estimate, Summary

BEST = "best"
MOST_SAID = 12  # shares in a sentence


@dataclass(frozen=True)
class Effect:
    """A main effect or an interaction of two factors.

    levels:      for each factor the pair (level, the one it is compared with).
    detectable:  the smallest effect that would have been shown with 80% power.
    equivalence: the p-value of "it is a margin or more", after Holm, where a margin was given.
    """

    factors: tuple[str, ...]
    levels: tuple[tuple[str, str], ...]
    outcome: str
    estimate: float
    low: float
    high: float
    p: float
    error: float
    freedom: float
    detectable: float = 0.0
    p_holm: float = 1.0
    equivalence: float | None = None


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
    apart:       whether tasks of different kinds have no outcome in common, so that nothing is compared.
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
    apart: bool = False

    @property
    def scored(self) -> bool:
        """Whether the study is about a score and not about solving."""
        return bool(self.lead) and self.lead[0] not in (SUCCESS, EPOCHS)


def find(
    results: Results,
    summary: Summary | None,
    against: str | None = None,
    lead: str | None = None,
    margin: float | None = None,
) -> Findings | None:
    """What the rows that every arm has say, or None where they are fewer than two, or of one split only where there are several.

    against: the arm that the others are compared with, or ``best``; the first otherwise. Raises InputError for another name.
    margin:  within which arms count as the same: in points of an accuracy, otherwise in the outcome's own unit.
    lead:    the score to begin with, otherwise that of the task; of ``ablation.measure``, say. Raises InputError for another name.
    """
    base(results, against)
    if lead is not None and lead not in results.scores:
        raise unknown("score", lead, tuple(results.scores))
    if summary is None:
        return None
    values = values_of(results)
    chosen = base(results, against)
    led = lead_of(results, values) if lead is None else (lead,)
    effects, variance, everything = [], [], {}
    for name in led:
        given = values[name]
        if np.isfinite(given).all() and len(results.arms) > 1:
            of = units(results, given)
            effects += _effects(results, name, of, margin)
            variance += _shares(results, name, of)
            everything[name] = scatter.everything(
                given, results.splits[results.counted] if results.study.splits > 1 else None
            )
    effects = _together(results, effects)
    return Findings(
        led,
        tuple(_outcomes(results, values, k) for k in range(len(results.arms))),
        chosen,
        _comparisons(results, values, led, chosen, margin),
        tuple(effects),
        tuple(variance),
        everything,
        _new_data(results, values, led),
        notes(results, values, led),
        apart(results, led),
    )


def base(results: Results, against: str | None) -> str:
    """The arm that the others are compared with."""
    if against is None:
        return results.arms[0]
    if against == BEST:
        values = values_of(results)
        lead = lead_of(results, values)
        if not lead or not results.counted.any():
            return results.arms[0]
        keys = [np.nan_to_num(values[name].mean(axis=0) * (-1 if name == EPOCHS else 1), nan=-np.inf) for name in lead]
        return results.arms[int(np.lexsort([-key for key in reversed(keys)])[0])]
    if against not in results.arms:
        raise unknown("arm", against, (*results.arms, BEST))
    return against


def _outcomes(results: Results, values: dict[str, np.ndarray], k: int) -> dict[str, Estimate]:
    found, level = {}, looks.level(results)
    for name, array in values.items():
        column = array[:, [k]]
        if not np.isfinite(column).all():
            continue
        what = f"{results.arms[k]}, {words(name)}"
        if name in (SUCCESS, DIVERGED) and results.study.splits == 1:
            found[name] = statistics.success_rate(column[:, 0], what=what, level=level)
        else:
            of = statistics.effects(units(results, column), np.ones((1, 1)), level=level, **halves(results))
            low, high = within(name, float(of.low[0]), float(of.high[0]))
            found[name] = Estimate(
                value=float(of.effect[0]), low=low, high=high, n=len(column), what=what, unit="", level=level
            )
    return found


def _comparisons(
    results: Results, values: dict[str, np.ndarray], lead: Sequence[str], against: str, margin: float | None
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
    more = {"level": looks.level(results), **halves(results)}
    of, each = statistics.effects(units(results, array), weights, **more), array @ weights
    deviation = each.std(axis=0, ddof=1)
    over = "splits" if results.study.splits > 1 else "seeds"
    family = [
        Comparison(
            effect=float(of.effect[i]),
            low=float(of.low[i]),
            high=float(of.high[i]),
            p=looks.corrected(results, float(of.p[i])),
            standardised=float(of.effect[i] / deviation[i]) if deviation[i] > 1e-12 else None,
            above=float((1 + np.sign(each[:, i])).mean() / 2),
            n=len(each),
            arm=results.arms[k],
            against=against,
            kind=words(name),
            unit="",
            method=f"Student's t over {over}",
            level=looks.level(results),
        )
        for i, k in enumerate(usable)
    ]
    margins = {} if margin is None else {words(name): margin / unit(name)[0]}
    return shown.told(
        statistics.correct(family), margins, list(zip(of.error.tolist(), of.freedom.tolist(), strict=True))
    )


def _together(results: Results, effects: Sequence[Effect]) -> list[Effect]:
    """Effects of one family, their p-values corrected by Holm over it and for all looks, and what each could have shown in it."""
    if not effects:
        return []
    alpha = (1 - looks.level(results) if results.look is not None else shown.ALPHA) / len(effects)
    p = statistics.holm([looks.corrected(results, effect.p) for effect in effects])
    given = [effect.equivalence for effect in effects if effect.equivalence is not None]
    same = iter(statistics.holm(given).tolist() if given else [])
    scale = statistics.detectable(1.0, effects[0].freedom, alpha=alpha)
    return [
        replace(
            effect,
            p=looks.corrected(results, effect.p),
            p_holm=float(one),
            detectable=scale * effect.error,
            equivalence=None if effect.equivalence is None else next(same),
        )
        for effect, one in zip(effects, p, strict=True)
    ]


def _effects(results: Results, name: str, of: np.ndarray, margin: float | None) -> list[Effect]:
    factors = [
        (field.replace("_", "-"), [settings.shown(field, v) for v in values]) for field, values in results.study.factors
    ]
    found = statistics.contrasts([len(levels) for _, levels in factors])
    if not found:
        return []
    more = {"level": looks.level(results), **halves(results)}
    told = statistics.effects(of, np.column_stack([c.weights for c in found]), **more)
    same = [None] * len(found)
    if margin is not None:
        columns = told.effect.tolist(), told.error.tolist(), told.freedom.tolist()
        apart = margin / unit(name)[0]
        same = [statistics.equivalence(e, error, freedom, apart) for e, error, freedom in zip(*columns, strict=True)]
    return [
        Effect(
            tuple(factors[k][0] for k in c.factors),
            tuple((factors[k][1][a], factors[k][1][b]) for k, (a, b) in zip(c.factors, c.levels, strict=True)),
            name,
            *(float(column[i]) for column in told),
            equivalence=same[i],
        )
        for i, c in enumerate(found)
    ]


def _shares(results: Results, name: str, of: np.ndarray) -> list[Share]:
    fields = [field.replace("_", "-") for field, _ in results.study.factors]
    found = statistics.shares(of, [len(values) for _, values in results.study.factors], looks.level(results))
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
        of = units(results, column)
        inflation = statistics.nadeau_bengio(len(of), trained, tested)
        told = statistics.effects(of, np.ones((1, 1)), level=looks.level(results), inflation=inflation)
        low, high = within(lead[0], float(told.low[0]), float(told.high[0]))
        what = f"{arm}, {words(lead[0])} on new data, approximately"
        found.append(Estimate(value=float(told.effect[0]), low=low, high=high, n=len(column), what=what, unit=""))
    return tuple(found)


def answers(named: str, summary: Summary | None, came: Findings | None) -> bool:
    """Whether a comparison is decided: that of an arm, or the main effects of a field, all of them, in the outcome that leads.

    Decided is a p-value of 0.05 or less after Holm, or the same within the margin that was given.
    """
    if summary is None or came is None:
        return False
    main = [e for e in came.effects if e.factors == (named,) and e.outcome == came.lead[0]]
    if main:
        return all(_decided(e.p_holm, e.equivalence) for e in main)
    kinds = came.comparisons or tuple(c for c in summary.comparisons if c.kind == statistics.SUCCESS)
    of = [c for c in kinds if c.arm == named]
    return bool(of) and all(_decided(1.0 if c.p_holm is None else c.p_holm, c.equivalence) for c in of)


def told(summary: Summary | None, came: Findings | None) -> tuple[Comparison, ...]:
    """The comparisons that a study is about: in its score, or how often and how fast where a run was solved, or in the error."""
    if came is not None and came.scored:
        return came.comparisons
    if summary is None or (came is not None and came.apart):
        return ()
    solved = any(arm.success.value > 0 for arm in summary.arms)
    return tuple(c for c in summary.comparisons if (c.kind in (statistics.SUCCESS, statistics.EPOCHS)) == solved)


def _decided(p: float, equivalence: float | None) -> bool:
    return p <= shown.ALPHA or (equivalence is not None and equivalence <= shown.ALPHA)


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
