"""The pictures of a study: rows with a title, a caption, and a description for readers who do not see them."""

from dataclasses import dataclass
from typing import Literal

from bpnn_jax.ablation.report import rows as _rows
from bpnn_jax.ablation.report.rows import Panels, panels
from bpnn_jax.ablation.report.words import CLEAR, number
from bpnn_jax.ablation.results import Results
from bpnn_jax.settings import Run
from bpnn_jax.statistics import Summary

MAX_NAMED = 12  # arms that a description lists
MAX_DIFFERENCES = 60  # arms in the chart of differences

Kind = Literal["survival", "differences", "success", "epochs", "loss"]


@dataclass(frozen=True)
class Picture:
    """One chart as data.

    kind:        which chart: ``survival``, ``differences``, ``success`` and ``epochs`` (the heat maps), ``loss``.
    title, caption: what it shows, and how to read it.
    description: what one would see, in words.
    rows:        a dict per mark.
    panels:      where each arm is drawn and in which colour.
    limit:       the last epoch of the study.
    """

    kind: Kind
    title: str
    caption: str
    description: str
    rows: _rows.Rows
    panels: Panels
    limit: int

    def span(self, columns: tuple[str, ...]) -> tuple[float, float]:
        """The lowest and the highest number in these columns; 1 and 1 where there is none."""
        known = [row[column] for row in self.rows for column in columns if row[column] is not None] or [1.0]
        return min(known), max(known)


def pictures(results: Results, summary: Summary | None) -> tuple[Picture, ...]:
    """Every chart that there are numbers for, in the order in which one would look at them.

    All are about the seeds that every arm has by now. Without a ``summary`` (fewer than two such seeds) only error curves are left.
    """
    ranked = summary.ranking() if summary else []
    where = panels(results.study, ranked)
    found = []
    if summary:
        found += [_survival(summary, where, results), _differences(summary, results, where, ranked)]
        found += _heat(results, summary, where)
    found.append(_loss(results, where))
    return tuple(picture for picture in found if picture.rows)


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


def _differences(summary: Summary, results: Results, where: Panels, ranked: list[str]) -> Picture:
    base, others = results.arms[0], [name for name in ranked if name != results.arms[0]]
    rows = _rows.differences(summary, results, set(others[:MAX_DIFFERENCES]))
    level = f"{summary.arms[0].success.level:.0%}"
    label = _rows.labels(results)[base]
    left = len(others) - MAX_DIFFERENCES
    note = (
        f" The {MAX_DIFFERENCES} arms that were solved most often; {left:,} more are in the table." if left > 0 else ""
    )
    clear = [f"{row['arm']} {number(row['effect'], '+')} in {row['kind']}" for row in rows if row["clear"]]
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
    )


def _heat(results: Results, summary: Summary, where: Panels) -> list[Picture]:
    rows = _rows.heat(results, summary)
    solved = {row["arm"]: f"{row['success']:.0%}" for row in rows}
    known = {row["arm"]: number(row["epochs"]) for row in rows if row["epochs"] is not None}
    horizon = f"{summary.horizon:,.0f}"
    both = [
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
            f"Mean of the epochs to solve, where an unsolved run counts {horizon}; brighter is better. Grey: no run was solved.",
            f"A grid of learning rate against momentum, coloured by mean epochs to solve: {_listed(known)}.",
            rows,
            where,
            results.study.epochs,
        ),
    ]
    return both if known else both[:1]


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
