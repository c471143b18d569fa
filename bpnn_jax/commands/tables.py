"""A study's tables on a terminal, 80 columns wide where what varies leaves room: one column per field that varies."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console, ConsoleOptions, Group
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from bpnn_jax.ablation import findings, looks, outcomes, told
from bpnn_jax.ablation.certificate import Certificate
from bpnn_jax.ablation.designs import Designs
from bpnn_jax.ablation.findings import Findings
from bpnn_jax.ablation.report import tables, words
from bpnn_jax.ablation.report.rows import fields
from bpnn_jax.ablation.results import Results
from bpnn_jax.commands import score_tables
from bpnn_jax.statistics import EPOCHS, SUCCESS, Comparison, Summary

COLOURS = {"gradient": "green", "not a gradient": "yellow", "wrong": "bold red"}
UNITS = {SUCCESS: "points", EPOCHS: "epochs", **dict.fromkeys(words.PERCENT, "points")}  # of a difference


@dataclass(frozen=True)
class Fitted:
    """A table as ``make(False)`` makes it; where that is too wide ``make(True)``, with each interval below its estimate."""

    make: Callable[[bool], Table]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Table]:
        table = self.make(False)
        wanted = Measurement.get(console, options.update(max_width=10_000), table).maximum
        yield table if wanted <= options.max_width else self.make(True)


def show(
    found: Results,
    summary: Summary | None,
    came: Findings | None,
    complaints: Sequence[str],
    folder: Path,
    out: Console,
) -> None:
    """Print the results of a study, finished or not, and where they are kept."""
    if not found.complete:
        out.print(so_far(found))
    if came:
        for line in findings.sentences(came):
            out.print(line, markup=False)
    if (which := looks.words(found)) is not None:
        out.print(which, markup=False)
    if summary or found.complete:
        out.print(arms_table(found, summary, came))
    if compared := findings.told(summary, came):
        out.print(comparisons_table(found, compared, compared[0].against))
    if came and score_tables.tells(came):
        out.print(score_tables.effects_table(came))
        out.print(score_tables.shares_table(came))
    for note in _notes(found, summary, came):
        out.print(note, markup=False)
    if found.certificates and not _doubtful(found):
        out.print(Text.assemble("certificate: ", ("gradient", COLOURS["gradient"]), ", every arm"))
    if (by := told.engines(found)) is not None:
        out.print(by, markup=False)
    for complaint in complaints:
        out.print(complaint, style="bold red")
    done, runs = found.runs_done, found.study.runs
    if found.complete:
        out.print(f"{runs:,} runs in {folder}, results {found.sha256}")
    else:
        out.print(
            f"{done:,} of {runs:,} runs ({done / runs:.0%}) in {folder}, and of {int(found.whole_seeds.sum()):,} "
            f"of {len(found.seeds):,} seeds every arm. The same command goes on"
        )


def _notes(found: Results, summary: Summary | None, came: Findings | None) -> Sequence[str]:
    if summary is None:
        if not found.complete:
            return ("intervals and p-values come at 25, 50, 75 and 100% of the seeds",)
        what = "splits" if found.study.splits > 1 else "seeds"
        return (f"two {what} or more make intervals; there are none yet",)
    own = [] if came is None else [*came.notes, *score_tables.new_data(came)]
    return own if came and (came.scored or came.apart) else [*own, *summary.notes]


def arms_table(found: Results, summary: Summary | None, came: Findings | None = None) -> Group:
    """The task's own outcome for each arm, or how often and how fast it was solved, or its final error where no run of any arm was;
    and what is not as it should be: how many of its runs diverged, and whether its steps follow the gradient.
    """
    study, named = found.study, fields(found)
    columns: dict[str, Sequence[str | Text]] = {**_outcomes(found, summary)}
    if came and (came.scored or came.apart):
        columns = {**score_tables.columns(came)}
    columns |= tables.chosen(found)
    if found.diverged.any():
        columns["diverged"] = [str(count) for count in found.diverged.sum(axis=0)]
    if _doubtful(found):
        columns["gradient"] = [_gradient(found.certificates.get(arm)) for arm in found.arms]

    def make(below: bool) -> Table:
        table = _table(named)
        for name in columns:
            table.add_column(name, justify="right")
        for arm, *cells in zip(found.arms, *columns.values(), strict=True):
            table.add_row(*named[arm].values(), *(_below(cell) if below else cell for cell in cells))
        return table

    splits = f", {study.splits} splits" if study.splits > 1 else ""
    seeds = len(study.seed_list)
    return Group(f"{study.title}, {study.epochs} epochs, {seeds} seed{'s' if seeds > 1 else ''}{splits}", Fitted(make))


def so_far(found: Results) -> Group:
    """The means of all runs whose seed every arm has, without intervals: a study is not finished."""
    named, means = fields(found), outcomes.estimates(found)
    table = _table(named)
    names = tables.so_far(means)
    for name in names:
        table.add_column(outcomes.words(name), justify="right")
    for arm, one in zip(found.arms, means, strict=True):
        table.add_row(*named[arm].values(), *(_mean(one, name) for name in names))
    there = int(found.whole_seeds.sum())
    return Group(f"{found.study.title}, so far: means over {there:,} of {len(found.seeds):,} runs per arm", table)


def _mean(means: Mapping[str, float], name: str) -> str:
    """An outcome's mean without an interval, in percent where it is a rate."""
    return words.number(outcomes.unit(name)[0] * means[name]) + ("%" if name in outcomes.RATES else "")


def _outcomes(found: Results, summary: Summary | None) -> dict[str, list[str]]:
    """The columns of how often and how fast, or of the error; of single runs, where there is no summary yet, their means, or how many
    were solved.
    """
    if summary is None and not found.solving:
        means = outcomes.estimates(found)
        return {outcomes.words(name): [_mean(one, name) for one in means] for name in tables.so_far(means)}
    if summary is None:
        there = (found.stopped != "").sum(axis=0)
        return {"solved": [f"{n} of {runs}" for n, runs in zip(found.solved.sum(axis=0), there, strict=True)]}
    if not _solved(summary):
        return {"final error": [words.interval(arm.error) for arm in summary.arms]}
    return {
        "solved": [words.interval(arm.success, 100, "%") for arm in summary.arms],
        "epochs to solve": [words.interval(arm.epochs) for arm in summary.arms],
    }


def _doubtful(found: Results) -> bool:
    return any(certificate.verdict != "gradient" for certificate in found.certificates.values())


def _gradient(certificate: Certificate | None) -> Text:
    """``yes``, ``1.2° off``, ``wrong``; nothing where there is no certificate."""
    if certificate is None:
        return Text("")
    words = {"gradient": "yes", "not a gradient": "no"}.get(certificate.verdict, certificate.verdict)
    said = words if certificate.angle is None else f"{certificate.angle:.2g}° off"
    return Text(said, COLOURS[certificate.verdict])


def comparisons_table(found: Results, shown: Sequence[Comparison], against: str) -> Group:
    """Every other arm minus one: a column for each kind of difference, its effect sizes and p-values below each other."""
    named = fields(found)
    rows = {(arm,): tuple(named[arm].values()) for arm in found.arms if arm != against}
    cells = {((c.arm,), c.kind): c for c in shown}
    said = f"Minus {against}, paired by seed; d is standardised, p after Holm"
    if any(words.shown(c).startswith("would") for c in shown):
        said += "; would show: the smallest that four of five such studies find"
    return Group(said, Fitted(lambda below: _differences(_table(named), rows, cells, below)))


def designs_table(found: Results, needed: Designs) -> Table:
    """How many seeds and splits each comparison needs."""
    named = fields(found)
    table = _table(named)
    times, unit = outcomes.unit(needed.outcome)
    for name in (f"deviation{unit and ', ' + unit}", "seeds", *(["splits"] if found.study.splits > 1 else [])):
        table.add_column(name, justify="right")
    for one in needed.comparisons:
        counts = [one.seeds, *([one.splits] if found.study.splits > 1 else [])]
        cells = ["none is enough" if count is None else f"{count:,}" for count in counts]
        table.add_row(*named[one.arm].values(), words.number(times * one.deviation), *cells)
    return table


def _table(fields: Mapping[str, Mapping[str, str]]) -> Table:
    """A table without lines between its columns, and with one column per field so far."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in next(iter(fields.values()), {}):
        table.add_column(name.replace("-", "-\n"), overflow="fold")
    return table


def _solved(summary: Summary) -> bool:
    return any(arm.success.value > 0 for arm in summary.arms)


def _differences(
    table: Table,
    rows: Mapping[tuple[str, ...], Sequence[str]],
    cells: Mapping[tuple[tuple[str, ...], str], Comparison],
    below: bool,
) -> Table:
    """The table with a column per kind, effect sizes and p-values below each other. ``rows`` has what each begins with, by its key in
    ``cells``; below: whether intervals are below their effects.
    """
    kinds = list(dict.fromkeys(kind for _, kind in cells))
    for kind in kinds:
        unit = UNITS.get(kind, "")
        table.add_column(kind if unit in kind else f"{kind}, {unit}", justify="right")
    for key, begin in rows.items():
        found = [_difference(c) if c else "-" for c in (cells.get((key, kind)) for kind in kinds)]
        table.add_row(*begin, *(_below(cell) if below else cell for cell in found))
    return table


def _below(cell: str | Text) -> str | Text:
    r"""With the interval below the estimate.

    >>> _below("96.2% [95.2, 97.2]")
    '96.2%\n[95.2, 97.2]'
    """
    return cell.replace(" [", "\n[") if isinstance(cell, str) else cell


def _difference(one: Comparison) -> str:
    """The effect, its strength, and what would have been shown where it does not stand, below each other."""
    return "\n".join(line for line in (words.effect(one, ""), words.strength(one), words.shown(one)) if line)
