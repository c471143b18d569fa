"""The pictures of a study: rows with a title, a caption, and a description for readers who do not see them."""

from dataclasses import dataclass
from typing import Literal, get_args

from bpnn_jax.ablation import findings, outcomes
from bpnn_jax.ablation.findings import Findings
from bpnn_jax.ablation.report import rows as _rows
from bpnn_jax.ablation.report import scored
from bpnn_jax.ablation.report.rows import Panels, panels
from bpnn_jax.ablation.report.words import CLEAR, number
from bpnn_jax.ablation.results import Results
from bpnn_jax.settings import Run
from bpnn_jax.statistics import Summary

MAX_NAMED = 12  # arms that a description lists
MAX_DIFFERENCES = 60  # arms in the chart of differences

Kind = Literal["scores", "survival", "shares", "differences", "success", "epochs", "score", "learning", "loss"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True)
class Picture:
    """One chart as data.

    kind:        which chart: ``scores``, ``survival``, ``shares``, ``differences``, ``success``, ``epochs`` and ``score`` (the heat
                 maps), ``learning``, ``loss``.
    title, caption: what it shows, and how to read it.
    description: what one would see, in words.
    rows:        a dict per mark.
    panels:      where each arm is drawn and in which colour.
    limit:       the last epoch of the study.
    fields:      of a chart with a row per arm, the columns that name it.
    what:        what is on the vertical axis of ``learning``.
    """

    kind: Kind
    title: str
    caption: str
    description: str
    rows: _rows.Rows
    panels: Panels
    limit: int
    fields: tuple[str, ...] = ()
    what: str = ""

    def span(self, columns: tuple[str, ...]) -> tuple[float, float]:
        """The lowest and the highest number in these columns; 1 and 1 where there is none."""
        known = [row[column] for row in self.rows for column in columns if row[column] is not None] or [1.0]
        return min(known), max(known)


def pictures(results: Results, summary: Summary | None, came: Findings | None = None) -> tuple[Picture, ...]:
    """Every chart that there are numbers for, in the order in which one would look at them.

    Charts without intervals are about the seeds that every arm has by now, those with intervals about the seeds of the last look.
    Without a ``summary`` (fewer than two such seeds) only curves are left.

    came: what ``findings.find`` has of them, where the caller has it already.
    """
    came = findings.find(results, summary) if came is None else came
    ranked = summary.ranking() if summary else []
    where = panels(results.study, ranked)
    found = []
    if came and came.scored:
        best = scored.scores(results, came)
        ranked = list(
            dict.fromkeys(name for row in best for name, label in _rows.labels(results).items() if label == row["arm"])
        )
        where = panels(results.study, ranked)
    if summary and came:
        found.append(_scores(results, came, where))
        if any(arm.success.value > 0 for arm in summary.arms) and not came.scored:
            found.append(_survival(summary, where, results))
        found += [_shares(results, came, where), _differences(summary, came, results, where, ranked)]
        found += _heat(results, summary, came, where)
    if came and came.scored:
        found.append(_learning(results, came, where))
    found.append(_loss(results, where))
    return tuple(picture for picture in found if _drawn(picture))


def _drawn(picture: Picture) -> bool:
    """Whether anything is seen: a mark that is no more than its place is none."""
    values = [
        name
        for name in ("unsolved", "effect", "share", "success", "median", "value")
        if picture.rows and name in picture.rows[0]
    ]
    return any(row[values[0]] is not None for row in picture.rows) if values else bool(picture.rows)


def _survival(summary: Summary, where: Panels, results: Results) -> Picture:
    level = f"{summary.arms[0].success.level:.0%}"
    ends = {arm.name: arm.curve.unsolved[-1] for arm in summary.arms if arm.name in where.places}
    return Picture(
        "survival",
        "Runs not yet solved",
        f"Kaplan-Meier curves: the share of runs not solved by each epoch, lower is better. "
        f"Bands are {level} intervals at each epoch on its own.{_left_out(where)}",
        f"Step curves of the share of runs that are not solved yet, against epochs, with {level} bands. "
        f"Left at epoch {summary.horizon:,.0f}: {_listed({name: f'{share:.1%}' for name, share in ends.items()})}.",
        _rows.survival(summary, where),
        where,
        results.study.epochs,
    )


def _scores(results: Results, came: Findings, where: Panels) -> Picture:
    names, rows = scored.leads(came), scored.scores(results, came)
    arms = list(dict.fromkeys(row["arm"] for row in rows))[:MAX_DIFFERENCES]
    level = f"{next(iter(came.outcomes[0].values())).level:.6g}" if came.outcomes and came.outcomes[0] else "0.95"
    said = " and ".join(outcomes.words(name) for name in names)
    left = len(results.arms) - MAX_DIFFERENCES
    more = f" The best {MAX_DIFFERENCES} arms; {left:,} more are in the table." if left > 0 else ""
    shown = {row["arm"]: f"{number(row['value'])} [{number(row['low'])}, {number(row['high'])}]" for row in rows[::-1]}
    return Picture(
        "scores",
        f"{said[:1].upper()}{said[1:]} of each arm",
        f"Each arm's mean with its {100 * float(level):.6g}% interval, the best on top.{more}",
        f"Dots with intervals for {said} of each arm, the best first: {_listed(dict(reversed(shown.items())))}.",
        [row for row in rows if row["arm"] in arms],
        where,
        results.study.epochs,
        _fields(results),
    )


def _shares(results: Results, came: Findings, where: Panels) -> Picture:
    rows = scored.shares(came)
    shown = {f"{row['factors']} ({row['outcome']})": f"{number(row['share'])}" for row in rows}
    return Picture(
        "shares",
        "Which factor matters",
        "Of the variance among the arms' means the share that each factor makes, alone or with others (x), with its interval. "
        "Shares are corrected for bias, so that one can be below 0.",
        f"Dots with intervals for each factor's share of the variance among the arms: {_listed(shown)}.",
        rows,
        where,
        results.study.epochs,
        ("factors",),
    )


def _fields(results: Results) -> tuple[str, ...]:
    return tuple(next(iter(_rows.fields(results).values())))


def _differences(summary: Summary, came: Findings, results: Results, where: Panels, ranked: list[str]) -> Picture:
    told = findings.told(summary, came)
    against = told[0].against if told else results.arms[0]
    others = [name for name in ranked if name != against]
    rows = _rows.differences(results, told, set(others[:MAX_DIFFERENCES]))
    label = _rows.labels(results)[against]
    left = len(others) - MAX_DIFFERENCES
    note = f" The best {MAX_DIFFERENCES} arms; {left:,} more are in the table." if left > 0 else ""
    clear = [f"{row['arm']} {number(row['effect'], '+')} in {row['kind']}" for row in rows if row["clear"]]
    level = f"{100 * told[0].level:.6g}%" if told else ""
    return Picture(
        "differences",
        f"Each arm minus {label}",
        f"Differences paired by seed, with {level} intervals; the line at 0 is no difference. "
        f"Filled: p after Holm's correction over all of them is {CLEAR:g} or less.{note}",
        f"Dots with intervals for the difference of each arm to {label}. "
        f"{len(clear)} of {len(rows)} differences have p of {CLEAR:g} or less after Holm"
        + (f": {'; '.join(clear[:MAX_NAMED])}{', and more' if len(clear) > MAX_NAMED else ''}." if clear else "."),
        rows,
        where,
        results.study.epochs,
        _fields(results),
    )


def _heat(results: Results, summary: Summary, came: Findings, where: Panels) -> list[Picture]:
    if came.scored:
        return [_heat_of_score(results, came, where)]
    rows = _rows.heat(results, summary)
    if not any(row["success"] for row in rows):  # nothing was solved
        return []
    solved = {row["arm"]: f"{row['success']:.0%}" for row in rows}
    known = {row["arm"]: number(row["epochs"]) for row in rows if row["epochs"] is not None}
    return [
        Picture(
            "success",
            "Solved, by learning rate and momentum",
            "The share of runs that were solved; brighter is better.",
            f"A grid of learning rate against momentum, coloured by success rate: {_listed(solved)}.",
            rows,
            where,
            results.study.epochs,
        ),
        Picture(
            "epochs",
            "Epochs to solve, by learning rate and momentum",
            f"Mean of the epochs to solve, where an unsolved run counts {summary.horizon:,.0f}; brighter is better. "
            "Grey: no run was solved.",
            f"A grid of learning rate against momentum, coloured by mean epochs to solve: {_listed(known)}.",
            rows,
            where,
            results.study.epochs,
        ),
    ]


def _heat_of_score(results: Results, came: Findings, where: Panels) -> Picture:
    rows = scored.heat(results, came)
    name = scored.titled(came.lead[0])
    return Picture(
        "score",
        f"{name[:1].upper()}{name[1:]}, by learning rate and momentum",
        "Each arm's mean; brighter is more. Grey: runs diverged, and there is no mean.",
        f"A grid of learning rate against momentum, coloured by {name}: "
        f"{_listed({row['arm']: number(row['value']) for row in rows if row['value'] is not None})}.",
        rows,
        where,
        results.study.epochs,
    )


def _learning(results: Results, came: Findings, where: Panels) -> Picture:
    rows, name = scored.learning(results, came, where), scored.titled(came.lead[0])
    last = {row["arm"]: "not finite" if row["median"] is None else number(row["median"]) for row in rows}
    return Picture(
        "learning",
        f"{name[:1].upper()}{name[1:]}, while training",
        f"The median of the runs, and a band from 10% to 90% of them. A run that stopped keeps its last score.{_left_out(where)}",
        f"Curves of the median {name} against epochs, with bands. Median at the end: {_listed(last)}.",
        rows,
        where,
        results.study.epochs,
        what=name,
    )


def _loss(results: Results, where: Panels) -> Picture:
    rows = _rows.loss(results, where)
    last = {row["arm"]: "infinite" if row["median"] is None else number(row["median"]) for row in rows}
    half = all(arm.run.objective == Run.objective for arm in results.study.arms)
    what = "with the ½" if half else "each arm's by its own objective"
    return Picture(
        "loss",
        "Error while training",
        f"E, summed over the patterns {what}, on a logarithmic axis: the median of the runs, and a band from 10% to 90% of them. "
        f"A solved run keeps its last error; one that diverged counts as infinite.{_left_out(where)}",
        f"Curves of the median error against epochs, with bands. Median at the end: {_listed(last)}.",
        rows,
        where,
        results.study.epochs,
    )


def _left_out(where: Panels) -> str:
    return f" Of {where.left_out:,} more arms, which the table has, there is no curve." if where.left_out else ""


def _listed(said: dict[str, str]) -> str:
    """``a 1; b 2``, and how many more there are."""
    shown = [f"{name} {word}" for name, word in list(said.items())[:MAX_NAMED]]
    more = len(said) - len(shown)
    return "; ".join(shown) + (f"; and {more:,} more in the table of arms" if more else "")
