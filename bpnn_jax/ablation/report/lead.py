"""What a page begins with: which factor matters, and how much; and the best arm."""

from dataclasses import dataclass

from bpnn_jax.ablation import outcomes
from bpnn_jax.ablation.findings import Effect, Findings, Share
from bpnn_jax.ablation.report import tables, words
from bpnn_jax.ablation.results import Results
from bpnn_jax.statistics import Summary

MOST = 6  # factors


@dataclass(frozen=True)
class Factor:
    """A row of the first table: ``share`` with its interval, in words and in percent; ``change`` is the largest effect's."""

    factors: str
    share: str
    percent: float | None
    change: str
    effect: tables.Cell


@dataclass(frozen=True)
class Lead:
    """headline: which factor matters; sentences: what else came out; outcome: what the factors' rows are about."""

    headline: str
    sentences: tuple[str, ...]
    outcome: str
    factors: tuple[Factor, ...]
    left_out: int = 0


def lead(results: Results, summary: Summary | None, came: Findings | None) -> Lead:
    """The task's own outcome first: which factor matters for it, then the best arm."""
    if came is None:
        return Lead("", (words.finding(results, summary),), "", ())
    best = _best(results, came) if came.scored else words.finding(results, summary)
    if came.apart:
        return Lead(
            "", ("The tasks are of different kinds, and have no outcome in common: each is told apart.",), "", ()
        )
    names = [name for name in came.lead if any(e.outcome == name for e in came.effects)]
    shared = [name for name in names if sum(s.outcome == name for s in came.variance) > 1]
    if not names:
        return Lead("", (best,), "", ())
    name = (shared or names)[0]
    shares = sorted((s for s in came.variance if s.outcome == name), key=lambda s: -s.share)
    rows = [_factor(one, one.factors, name, came) for one in shares] if name in shared else []
    if not rows:
        sets = dict.fromkeys(e.factors for e in came.effects if e.outcome == name)
        rows = [_factor(None, factors, name, came) for factors in sets]
    sentences = (*([_everything(came, name)] if name in shared else []), best)
    return Lead(
        _headline(shares, name, came),
        sentences,
        tables.titled(outcomes.words(name)),
        tuple(rows[:MOST]),
        len(rows[MOST:]),
    )


def _headline(shares: list[Share], name: str, came: Findings) -> str:
    """``Test accuracy depends most on activation: ...``, where that stands."""
    said = outcomes.words(name)
    clear = [e for e in came.effects if e.outcome == name and e.p_holm <= words.CLEAR]
    if not clear:
        largest = (
            f"The largest share is that of {' x '.join(shares[0].factors)}, {share(shares[0])}. " if shares[1:] else ""
        )
        return f"No effect on {said} is clear: after Holm no p is {words.CLEAR:g} or less. {largest}{_would(name, came)}".strip()
    begin = f"{said[:1].upper()}{said[1:]} depends"
    stands = [one for one in shares[:MOST] if any(e.factors == one.factors for e in clear)]
    if len(shares) < 2 or not stands:
        top = max(clear, key=lambda e: abs(e.estimate))
        return f"{begin} on {' x '.join(top.factors)}: {tables.change(top.levels)} makes {_said(top)}."
    top = stands[0]
    most = "most " if top is shares[0] else ""
    return f"{begin} {most}on {' x '.join(top.factors)}, which makes {share(top)} of the variance among the arms."


def share(one: Share) -> str:
    """``44% [33, 55]``."""
    low, high = (outcomes.percent(v).removesuffix("%") for v in (one.low, one.high))
    return f"{outcomes.percent(one.share)} [{low}, {high}]"


def _would(name: str, came: Findings) -> str:
    main = [e for e in came.effects if e.outcome == name and len(e.factors) == 1 and e.detectable]
    if not main:
        return ""
    times, unit = outcomes.unit(name)
    least = min(e.detectable for e in main)
    return f"The study would show a main effect of {words.number(times * least)}{unit and ' ' + unit} or more."


def _everything(came: Findings, name: str) -> str:
    parts = dict(came.everything[name])
    whole = outcomes.percent(parts.pop("choices"))
    rest = ", ".join(f"{part} {outcomes.percent(share)}" for part, share in parts.items())
    return f"Of the variance of single runs the choices make {whole}; {rest}."


def _best(results: Results, came: Findings) -> str:
    name = came.lead[0]
    known = [(one[name], arm) for one, arm in zip(came.outcomes, results.arms, strict=True) if name in one]
    if not known:
        return f"In every arm runs diverged, so that no mean {outcomes.words(name)} is known."
    best, arm = max(known, key=lambda pair: pair[0].value)
    times, unit = (100, "%") if name in outcomes.RATES else (1, "")
    return f"The best {outcomes.words(name)} is that of {arm}: {words.interval(best, times, unit)}."


def _factor(one: Share | None, factors: tuple[str, ...], name: str, came: Findings) -> Factor:
    of = [e for e in came.effects if e.outcome == name and e.factors == factors]
    top = max(of, key=lambda e: abs(e.estimate), default=None)
    return Factor(
        " x ".join(factors),
        "" if one is None else share(one),
        None if one is None else min(100.0, max(0.0, 100 * one.share)),
        "" if top is None else tables.change(top.levels),
        tables.effect_cell(top),
    )


def _said(effect: Effect) -> str:
    unit = outcomes.unit(effect.outcome)[1]
    cell = tables.effect_cell(effect)
    return f"{cell.text}{unit and ' ' + unit}, {cell.under}"
