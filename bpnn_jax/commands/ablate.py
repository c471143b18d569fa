"""``bpnn ablate``: a study from its flags, its progress, and a table of what came out."""

import contextlib
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from tyro.conf import UseAppendAction, arg

from bpnn_jax import settings
from bpnn_jax._runtime.text import plain
from bpnn_jax.commands.common import Json, check_outputs, data_read, finish, plain_warnings
from bpnn_jax.errors import InputError
from bpnn_jax.settings import Run

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from bpnn_jax.ablation import Results, Study
    from bpnn_jax.statistics import Comparison, Summary

COLOURS = {"gradient": "green", "not a gradient": "yellow", "wrong": "bold red"}


@dataclass(frozen=True)
class Ablate:
    """Train every combination of some settings from many seeds, and say what came out, with intervals. Goes on where it stopped."""

    task: Annotated[str | None, arg(metavar="DATA")] = None
    """What to learn: a name or a file, as for bpnn train."""
    vary: Annotated[UseAppendAction[tuple[str, ...]], arg(metavar="FIELD=VALUE,VALUE...")] = ()
    """A setting and its values, such as activation=sigmoid,tanh or hidden=2,4,8:4. Once for each setting that varies."""
    seeds: Annotated[str, arg(metavar="SEEDS")] = "100"
    """How many, or which: 1000, or 100:200, or 3,17,5."""
    epochs: int = 1000
    """At most so many passes over the patterns."""
    out: Annotated[Path | None, arg(metavar="DIR")] = None
    """The folder of the study. What it has already is not trained again."""
    status: Annotated[Path | None, arg(metavar="DIR")] = None
    """Only say how far the study in this folder is, and what has come out so far."""
    force: bool = False
    """Start afresh where the folder has another study, which stays beside this one."""
    points: int = 50
    """How many points of each run's error curve to keep, about."""
    chunk: int = 512
    """How many runs to keep together in a file, a multiple of 64."""
    engine: Literal["local", "ray"] = "local"
    """ray: on a Ray cluster, one process a GPU, or a processor where it has none."""
    address: Annotated[str | None, arg(metavar="HOST:PORT")] = None
    """Of the Ray cluster's head, or auto for the one that this machine belongs to. Otherwise one is begun, on this machine."""
    run: Annotated[Run, arg(name="")] = field(default_factory=Run)
    """What does not vary."""
    json: Json = None
    """Write the results to this file as JSON."""
    overwrite: bool = False
    """Replace what is at an output's place, even if bpnn did not write it."""


def run(options: Ablate) -> int:
    from bpnn_jax._runtime.outputs import Read
    from bpnn_jax._runtime.progress import console, progress_bar
    from bpnn_jax.ablation import results, runner

    folders = [Read(folder, "the study") for folder in (options.out, options.status) if folder is not None]
    check_outputs(json=options.json, reads=[*folders, *data_read(options.task)], overwrite=options.overwrite)
    if options.address is not None and options.engine != "ray":
        raise InputError(f"expected an address only with --engine ray, got --address {options.address}")
    out, complaints = console(), []
    if options.status is not None:
        found, folder = runner.read(options.status, complaints), options.status
    else:
        asked, folder = study(options), options.out
        if folder is None:
            raise InputError("expected a folder for the results, got none: --out DIR")
        what = f"{len(asked.arms)} arms, {len(asked.seed_list)} seeds"
        try:
            with plain_warnings(), progress_bar(what) as update, engine(options, complaints) as trains:
                found = runner.run(asked, folder, force=options.force, progress=update, complaints=complaints, **trains)
        except BaseException:  # what was found on the way is said, however it ended
            for complaint in complaints:
                print(plain(complaint), file=sys.stderr)
            raise
    summary = results.summarise(found)
    said = results.as_dict(found, summary)
    if options.status is None:
        runner.summarised(folder, found, said)
    finish(options.json, "ablate", said)
    show(found, summary, complaints, folder, out)
    return 0 if found.complete or options.status is not None else 1


@contextlib.contextmanager
def engine(options: Ablate, complaints: list[str]) -> Iterator[dict[str, Any]]:
    """What trains the chunks, and where: what ``runner.run`` has to be told of them."""
    if options.engine == "local":
        yield {}
        return
    import jax

    from bpnn_jax.ablation import ray

    # JAX trains nothing here, and must not take memory of a GPU that a worker has.
    jax.config.update("jax_platforms", "cpu")
    with ray.connect(options.address) as cluster:
        yield {"engine": cluster.train, "where": cluster.place}
        complaints += cluster.complaints


def study(options: Ablate) -> "Study":
    """The study that the flags ask for."""
    from bpnn_jax.ablation import Study

    if options.task is None:
        raise InputError("expected a task, got none: --task xor, say")
    vary: dict[str, list] = {}
    for given in options.vary:
        name, equals, values = given.partition("=")
        field = settings.known(name)
        if not equals:
            raise InputError(f"expected what varies as {name}=VALUE,VALUE, got {given!r}")
        if field in vary:
            raise InputError(f"expected each field once, got {name} more than once")
        vary[field] = [settings.parsed(field, value) for value in values.split(",") if value]
    return Study(
        options.task,
        vary=vary,
        base=options.run,
        seeds=seeds(options.seeds),
        epochs=options.epochs,
        points=options.points,
        chunk=options.chunk,
    )


def seeds(text: str) -> int | Sequence[int]:
    """What ``--seeds`` says.

    >>> seeds("1000"), list(seeds("7:10")), seeds("3,17")
    (1000, [7, 8, 9], [3, 17])
    """
    if re.fullmatch(r"\d{1,10}", text):
        return int(text)
    if re.fullmatch(r"\d{1,10}:\d{1,10}", text):
        return range(*map(int, text.split(":")))
    return [int(s) for s in text.split(",")] if re.fullmatch(r"\d{1,10}(,\d{1,10})*", text) else _no_seeds(text)


def _no_seeds(text: str) -> Sequence[int]:
    raise InputError(f"expected seeds as a number, a range such as 100:200 or a list such as 3,17, got {text!r}")


def show(found: "Results", summary: "Summary | None", complaints: Sequence[str], folder: Path, out: "Console") -> None:
    out.print(arms_table(found, summary))
    if summary and summary.comparisons:
        out.print(comparisons_table(found.arms, summary.comparisons))
    if summary and summary.contrasts:
        out.print(interactions_table(summary.contrasts))
    for note in summary.notes if summary else ("two seeds or more make intervals; there are none yet",):
        out.print(note)
    for complaint in complaints:
        out.print(complaint, style="bold red")
    done, runs = int((found.stopped != "").sum()), found.study.runs
    if found.complete:
        out.print(f"{runs:,} runs in {folder}, results {found.sha256}")
    else:
        out.print(
            f"{done:,} of {runs:,} runs ({done / runs:.0%}) in {folder}, and of {int(found.whole_seeds.sum()):,} "
            f"of {len(found.seeds):,} seeds every arm; the table is of these. The same command goes on"
        )


def arms_table(found: "Results", summary: "Summary | None") -> "Table":
    from rich.table import Table
    from rich.text import Text

    from bpnn_jax.ablation.report import words

    study = found.study
    table = Table(title=f"{study.task}, {study.epochs} epochs, {len(found.seeds)} seeds", title_justify="left")
    table.add_column("arm")
    for name in ("solved", "epochs to solve", "final error", "diverged"):
        table.add_column(name, justify="right")
    table.add_column("certificate")
    for k, name in enumerate(found.arms):
        arm = summary.arms[k] if summary else None
        certificate = found.certificates.get(name)
        said = Text("")
        if certificate:
            angle = "" if certificate.angle is None else f", {certificate.angle:.2g}° off"
            said = Text(f"{certificate.verdict}{angle}", COLOURS[certificate.verdict])
        table.add_row(
            name,
            words.interval(arm.success, 100, "%") if arm else "",
            words.interval(arm.epochs) if arm else "",
            words.interval(arm.error) if arm else "",
            str(int(found.diverged[:, k].sum())),
            said,
        )
    return table


def comparisons_table(arms: Sequence[str], comparisons: "Sequence[Comparison]") -> "Table":
    """Every other arm minus the first: a column for each kind of difference, its effect sizes and p-values below each other."""
    from rich.table import Table

    base = arms[0]
    table = Table(title=f"Minus {base}, paired by seed; d is standardised, p after Holm", title_justify="left")
    table.add_column("arm")
    cells = {((c.arm,), c.kind): c for c in comparisons}
    _differences(table, [(arm,) for arm in arms[1:]], cells)
    return table


def interactions_table(contrasts: "Sequence[Comparison]") -> "Table":
    """What a change makes under the one choice minus what it makes under the other: a row for every two fields."""
    from rich.table import Table

    table = Table(title="Does one matter more under another? p after Holm, over these alone", title_justify="left")
    for name in ("what changes", "under", "minus under"):
        table.add_column(name)
    cells = {((c.change, c.arm, c.against), c.kind): c for c in contrasts}
    _differences(table, list(dict.fromkeys(row for row, _ in cells)), cells)
    return table


def _differences(
    table: "Table", rows: Sequence[tuple[str, ...]], cells: "dict[tuple[tuple[str, ...], str], Comparison]"
) -> None:
    """A column per kind, effect sizes and p-values below each other; ``cells`` by what their row begins with, and their kind."""
    from bpnn_jax.ablation.report import words

    kinds = list(dict.fromkeys(kind for _, kind in cells))
    for kind in kinds:
        table.add_column(kind, justify="right")
    for begin in rows:
        found = (cells.get((begin, kind)) for kind in kinds)
        table.add_row(*begin, *(f"{words.effect(c)}\n{words.strength(c)}" if c else "-" for c in found))
