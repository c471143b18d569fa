"""The tables of a study's page as data: columns, and rows of cells with what they are sorted by; and the same with all digits."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from bpnn_jax import settings
from bpnn_jax.ablation import findings, outcomes, tuning
from bpnn_jax.ablation.certificate import Certificate
from bpnn_jax.ablation.findings import Effect, Findings
from bpnn_jax.ablation.report import words
from bpnn_jax.ablation.report.rows import fields
from bpnn_jax.ablation.results import Results
from bpnn_jax.statistics import Comparison, Estimate, Summary

BESIDE = ("test_rmse", "train_accuracy", "train_r2")  # outcomes that stand beside those that lead
SO_FAR = (*outcomes.TESTED, outcomes.SUCCESS, outcomes.EPOCHS, *outcomes.TRAINED, outcomes.ERROR)
Kind = Literal["name", "number", "words"]


@dataclass(frozen=True)
class Column:
    """label: what stands on top; term: the word of the glossary that tells what that is, or ""; kind ``name`` names the row."""

    label: str
    term: str = ""
    kind: Kind = "number"


@dataclass(frozen=True)
class Cell:
    """text, and below it ``under``; ``value`` is what it is sorted by, otherwise its text."""

    text: str
    under: str = ""
    value: float | None = None


@dataclass(frozen=True)
class Table:
    """``data`` has a dict per row, with all digits."""

    id: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    data: tuple[dict[str, Any], ...]


def arms(results: Results, summary: Summary | None, came: Findings | None) -> Table:
    """Each arm by its varied fields, its outcomes with their intervals, and what its gradient's certificate says."""
    named, columns, data = fields(results), [], [{} for _ in results.arms]
    runs = [int(count) for count in (results.stopped != "").sum(axis=0)]
    columns.append((Column("runs"), [Cell(str(n), value=n) for n in runs]))
    for name, term, found in _outcomes(results, summary, came):
        times, unit = (100, "%") if name in outcomes.RATES else (1, "")
        cells = [Cell(words.interval(one, times, unit), value=None if one is None else one.value) for one in found]
        columns.append((Column(outcomes.words(name), term), cells))
        for row, one in zip(data, found, strict=True):
            row |= {name: one and one.value, f"{name}_low": one and one.low, f"{name}_high": one and one.high}
    means = outcomes.estimates(results) if summary is None else []
    for name in so_far(means):
        times, unit = (100, "%") if name in outcomes.RATES else (1, "")
        cells = [Cell(words.number(times * one[name]) + unit, value=one[name]) for one in means]
        columns.append((Column(f"{outcomes.words(name)}, so far"), cells))
        for row, one in zip(data, means, strict=True):
            row[f"{name}, so far"] = one[name]
    for label, cells in chosen(results).items():
        columns.append((Column(label, "best"), [Cell(cell) for cell in cells]))
        for row, cell in zip(data, cells, strict=True):
            row[label] = cell
    diverged = [int(count) for count in results.diverged.sum(axis=0)]
    if any(diverged):
        columns.append((Column("diverged", "diverged"), [Cell(str(n), value=n) for n in diverged]))
    certificates = [_certificate(results.certificates.get(arm)) for arm in results.arms]
    columns.append((Column("certificate", "certificate", "words"), certificates))
    names = _names(named.values())
    return Table(
        "arms",
        "Each arm with its intervals, and what the ladder says of its gradient.",
        (*names, *(column for column, _ in columns)),
        tuple(
            (*map(Cell, named[arm].values()), *cells)
            for arm, *cells in zip(results.arms, *(cells for _, cells in columns), strict=True)
        ),
        tuple(
            {**named[arm], "runs": runs[k], "diverged": diverged[k], **data[k], "certificate": certificates[k].text}
            for k, arm in enumerate(results.arms)
        ),
    )


def _outcomes(
    results: Results, summary: Summary | None, came: Findings | None
) -> Iterable[tuple[str, str, list[Estimate | None]]]:
    """The outcomes of the task by their names: its score, or how often and how fast, or the error where nothing was solved."""
    if came is not None and came.scored:
        for name in (*came.lead, *(n for n in BESIDE if n not in came.lead)):
            if any(name in one for one in came.outcomes):
                yield name, "test accuracy" if name == "test_accuracy" else "", [one.get(name) for one in came.outcomes]
    elif came is not None and came.apart:
        for name in own(came):
            yield name, "solved" if name == outcomes.SUCCESS else "", [one.get(name) for one in came.outcomes]
    elif summary is not None and any(arm.success.value > 0 for arm in summary.arms):
        yield outcomes.SUCCESS, "solved", [arm.success for arm in summary.arms]
        yield outcomes.EPOCHS, "solved", [arm.epochs for arm in summary.arms]
    elif summary is not None:
        yield outcomes.ERROR, "E", [arm.error for arm in summary.arms]


def own(came: Findings) -> list[str]:
    """The outcomes of tasks of different kinds, each task's own; of patterns to test on where some arm has them."""
    there = [name for name in SO_FAR if any(name in one for one in came.outcomes)]
    tested = any(name in outcomes.TESTED for name in there)
    return [n for n in there if n != outcomes.ERROR and not (tested and n in outcomes.TRAINED)]


def so_far(means: Sequence[Mapping[str, float]]) -> list[str]:
    """The outcomes that are shown of a study without intervals, where every arm has them; the error only if there is no other."""
    names = [name for name in SO_FAR if means and all(name in one for one in means)]
    return [name for name in names if name != outcomes.ERROR] or names


def chosen(results: Results) -> dict[str, list[str]]:
    """For each field that was tuned the values that each arm was judged at, the commonest first."""
    columns: dict[str, list[str]] = {}
    for one in tuning.described(results):
        field = one["field"].replace("-", "_")
        values = sorted(one["chosen"], key=lambda c: -c["runs"])
        text = ", ".join(settings.shown(field, c["value"]) for c in values) or "-"
        columns.setdefault(f"best {one['field']}", []).append(text)
    return columns


def _certificate(found: Certificate | None) -> Cell:
    """Its verdict, and below it how many checks that rests on and how near the worst came to its limit, or what failed."""
    if found is None:
        return Cell("not made yet")
    angle = "" if found.angle is None else f"{found.angle:.2g}° off the gradient, "
    failed = [f"({check.equation.strip('()')}) {check.witness}" for check in found.checks if check.verdict != "correct"]
    worst = max((check.worst / check.allowed for check in found.checks if check.allowed > 0), default=0.0)
    checks = f"{len(found.checks)} checks, worst at {worst:.2g} of its bound"
    rule = "" if found.step_checked else "; the rule is optax's, taken as it is"
    return Cell(found.verdict, f"failed: {', '.join(failed)}" if failed else f"{angle}{checks}{rule}")


def comparisons(results: Results, summary: Summary | None, came: Findings | None) -> Table | None:
    """A row per arm, a column per kind of difference."""
    told = findings.told(summary, came)
    if not told:
        return None
    named, against = fields(results), told[0].against
    kinds = list(dict.fromkeys(c.kind for c in told))
    cells = {(c.arm, c.kind): _difference(c) for c in told}
    others = [arm for arm in results.arms if arm != against]
    return Table(
        "comparisons",
        f"Minus {against}, paired by seed: the difference and its interval; below it d, p after Holm, and what the study would show.",
        (*_names(named.values()), *(Column(titled(kind), "p") for kind in kinds)),
        tuple((*map(Cell, named[arm].values()), *(cells.get((arm, k), Cell("-")) for k in kinds)) for arm in others),
        tuple(named[c.arm] | _numbers(c) for c in told),
    )


def effects(came: Findings | None) -> Table | None:
    """What each level makes, over all others a mean, and the interactions, the clearest first; and each factor's share."""
    if came is None or not came.effects:
        return None
    names = list(dict.fromkeys(e.outcome for e in came.effects))
    rows: dict[tuple, dict[str, Effect]] = {}
    for effect in came.effects:
        rows.setdefault((effect.factors, effect.levels), {})[effect.outcome] = effect
    order = sorted(rows, key=lambda row: (len(row[0]), min(e.p for e in rows[row].values())))
    return Table(
        "effects",
        "What a change makes, as a mean over all else; x is an interaction. Below it p after Holm, and what the study would show.",
        (
            Column("factors", "share", "name"),
            Column("change", "effect", "words"),
            *(Column(titled(outcomes.words(name)), "p") for name in names),
        ),
        tuple(
            (Cell(" x ".join(row[0])), Cell(change(row[1])), *(effect_cell(rows[row].get(name)) for name in names))
            for row in order
        ),
        tuple(
            {"factors": " x ".join(e.factors), "change": change(e.levels), "outcome": e.outcome}
            | {
                "effect": e.estimate,
                "low": e.low,
                "high": e.high,
                "p": e.p,
                "p_holm": e.p_holm,
                "detectable": e.detectable,
            }
            for e in came.effects
        ),
    )


def change(levels: Sequence[tuple[str, str]]) -> str:
    """``tanh - sigmoid``, and of an interaction such a change for each factor.

    >>> change([("tanh", "sigmoid"), ("on", "off")])
    '(tanh - sigmoid) x (on - off)'
    """
    parts = [f"{a} - {b}" for a, b in levels]
    return parts[0] if len(parts) == 1 else " x ".join(f"({part})" for part in parts)


def effect_cell(effect: Effect | None) -> Cell:
    """An effect with its interval; below it p, and what would have been shown where it does not stand."""
    if effect is None:
        return Cell("-")
    times = outcomes.unit(effect.outcome)[0]
    value, low, high = (words.number(times * v, "+") for v in (effect.estimate, effect.low, effect.high))
    under = f"p {words.in_digits(effect.p_holm)}"
    if effect.p_holm > words.CLEAR and effect.equivalence is not None and effect.equivalence <= words.CLEAR:
        under += f", same, p {words.in_digits(effect.equivalence)}"
    elif effect.p_holm > words.CLEAR and effect.detectable:
        under += f", would show {words.number(times * effect.detectable)}"
    return Cell(f"{value} [{low}, {high}]", under, effect.estimate)


def interactions(summary: Summary | None, came: Findings | None) -> Table | None:
    """Of solving: a row for every two fields that vary, a column per kind of difference."""
    if summary is None or not summary.contrasts or (came is not None and came.scored):
        return None
    if not any(arm.success.value > 0 for arm in summary.arms):
        return None
    rows = list(dict.fromkeys((c.change, c.arm, c.against) for c in summary.contrasts))
    kinds = list(dict.fromkeys(c.kind for c in summary.contrasts))
    cells = {((c.change, c.arm, c.against), c.kind): _difference(c) for c in summary.contrasts}
    return Table(
        "interactions",
        "What a change makes under the one minus what it makes under the other, over all else a mean; p after Holm, over these alone.",
        (
            Column("what changes", "interaction", "name"),
            Column("under", "", "words"),
            Column("minus under", "", "words"),
            *(Column(titled(kind), "p") for kind in kinds),
        ),
        tuple((*map(Cell, row), *(cells.get((row, kind), Cell("-")) for kind in kinds)) for row in rows),
        tuple({"change": c.change, "under": c.arm, "minus under": c.against} | _numbers(c) for c in summary.contrasts),
    )


def _names(named: Iterable[dict[str, str]]) -> tuple[Column, ...]:
    return tuple(Column(name, "arm" if name == "arm" else "", "name") for name in next(iter(named)))


def titled(kind: str) -> str:
    """A kind of difference with its unit."""
    rates = {*words.PERCENT, *map(outcomes.words, outcomes.RATES)}
    return f"{kind}, points" if kind in rates else kind


def _difference(one: Comparison) -> Cell:
    shown = words.shown(one)
    return Cell(words.effect(one, ""), words.strength(one) + (f", {shown}" if shown else ""), one.effect)


def _numbers(c: Comparison) -> dict[str, Any]:
    return {
        "against": c.against,
        "kind": c.kind,
        "effect": c.effect,
        "low": c.low,
        "high": c.high,
        "p": c.p,
        "p_holm": c.p_holm,
        "d": c.standardised,
        "n": c.n,
        "detectable": c.detectable,
    }
