"""``bpnn ablate``: a study from its flags, and its progress; tables.py shows the results."""

import contextlib
import os
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from tyro.conf import Fixed, Suppress, UseAppendAction, arg

from bpnn_jax import settings
from bpnn_jax._runtime.text import one_line, plain
from bpnn_jax.choice import Choice
from bpnn_jax.commands.common import Count, Json, Number, check_outputs, data_read, finish, named, plain_warnings
from bpnn_jax.errors import InputError, unknown
from bpnn_jax.settings import Run

if TYPE_CHECKING:
    from rich.console import Console

    from bpnn_jax._runtime.outputs import Read
    from bpnn_jax.ablation import Results, Study
    from bpnn_jax.ablation.findings import Findings
    from bpnn_jax.ablation.runner import Stop
    from bpnn_jax.statistics import Summary


@dataclass(frozen=True)
class Ablate:
    """Train every combination of some settings from many seeds, and report the results with intervals. A stopped study goes on."""

    task: Annotated[str | None, arg(metavar="DATA,DATA...")] = None
    """What to learn: a name or a file, as for bpnn train; several, which then are a factor like those that vary."""
    vary: Annotated[UseAppendAction[tuple[str, ...]], arg(metavar="FIELD=VALUE,VALUE...")] = ()
    """A setting and its values, such as activation=sigmoid,tanh or hidden=2,4,8:4. Once for each setting that varies."""
    seeds: Annotated[str, arg(metavar="SEEDS")] = "100"
    """How many, or which: 1000, or 100:200, or 3,17,5."""
    epochs: Count = None
    """At most so many passes over the patterns; otherwise 1000, and for a table as many as bpnn train has."""
    test: Annotated[str | None, arg(metavar="DATA")] = None
    """Test on these patterns."""
    test_share: float = 0.0
    """Hold this share of the patterns out to test on, each class in proportion."""
    splits: int = 1
    """In so many ways, each with all seeds."""
    tune: Annotated[UseAppendAction[tuple[str, ...]], arg(metavar="FIELD=VALUES")] = ()
    """Each arm at its own best of these values, such as learning-rate=0.001:1:log8 or momentum=0,0.5,0.9."""
    tune_in_step: bool = False
    """Try the first values of all tuned fields together, then the second ones, and so on, in place of every combination."""
    validation_share: float = 0.2
    """With held-out patterns: the share that the best is chosen on."""
    against: Annotated[str | None, arg(metavar="ARM")] = None
    """The arm that the others are compared with, by its name, or best; otherwise the first."""
    margin: Number = None
    """Within which arms count as the same, by two one-sided tests: in points of a rate, otherwise in the outcome's unit."""
    stop_when_answered: Annotated[str | None, arg(metavar="ARM|FIELD")] = None
    """End at 25, 50 or 75% of the seeds once the comparison of that arm, or all main effects of that field, are clear."""
    out: Annotated[Path | None, arg(metavar="DIR")] = None
    """The folder of the study. What it has already is not trained again."""
    status: Annotated[Path | None, arg(metavar="DIR")] = None
    """Only say how far the study in this folder is, and what has come out so far."""
    keep_weights: bool = False
    """Keep the trained networks too, for outcomes of one's own: ablation.measure."""
    power: Annotated[tuple[float, Path] | None, arg(metavar="EFFECT DIR")] = None
    """Only say how many seeds, and splits, such an effect needs, from the runs in this folder: in points of a rate."""
    force: bool = False
    """Start afresh where the folder has another study, which stays beside this one."""
    points: int = 50
    """How many points of each run's error curve to keep, about."""
    chunk: int | None = None
    """How many runs to keep together in a file, a multiple of 64; otherwise some ten seconds of work, or 8192 by the GPU kernel."""
    engine: Literal["local", "ray"] = "local"
    """ray: on a Ray cluster, one process a GPU, or a processor where it has none."""
    address: Annotated[str | None, arg(metavar="HOST:PORT")] = None
    """Of the Ray cluster's head, or auto for the one that this machine belongs to. Otherwise one is begun, on this machine."""
    run: Annotated[Run, arg(name="")] = field(default_factory=Run)
    """What does not vary. For a table the defaults are those of bpnn train."""
    table: Annotated[Choice, arg(name="")] = field(default_factory=Choice)
    """What is said of a table, where the guess is not what was meant."""
    json: Json = None
    """Write the results to this file as JSON."""
    overwrite: bool = False
    """Replace what is at an output's place, even if bpnn did not write it."""
    given: Suppress[Fixed[frozenset[str]]] = frozenset()
    """The options that were given: what was not is chosen by what a table is about."""


def prepared(arguments: Sequence[str]) -> tuple[Sequence[str], Ablate]:
    """Which options were given."""
    return arguments, Ablate(given=named(arguments))


def run(options: Ablate) -> int:
    from bpnn_jax._runtime.outputs import Read
    from bpnn_jax._runtime.progress import console, progress_bar
    from bpnn_jax.ablation import parts, runner, usual

    read = options.status if options.power is None else options.power[1]
    folders = [Read(folder, "the study") for folder in (options.out, read) if folder is not None]
    check_outputs(json=options.json, reads=[*folders, *_read(options)], overwrite=options.overwrite)
    _check(options)
    out, complaints = console(), []
    if read is not None:
        found = runner.read(read, complaints)
        if options.power is not None:
            return _power(options, found, complaints, out)
        runner.looked(read, found)
        return _told(options, found, read, complaints, out)
    asked, folder = study(options), options.out
    if folder is None:
        raise InputError("expected a folder for the results, got none: --out DIR")
    stop = answered(options, asked)
    for task, _ in asked.usual:
        apart = {name for name, _ in (*asked.vary, *asked.tune)}
        first = next(arm.run for arm in asked.arms if arm.task == task)
        learnt = parts.load(task, asked.test, asked.of_tables).line
        out.print(one_line(f"{task}: {learnt}"), markup=False, soft_wrap=True)
        out.print(usual.line(task, first, asked.epochs, apart), markup=False, soft_wrap=True)
    what = f"{len(asked.arms)} arms, {len(asked.seed_list)} seeds"
    try:
        with plain_warnings(), progress_bar(what) as update, engine(options, complaints) as trains:
            more = {"force": options.force, "progress": update, "complaints": complaints, "stop": stop}
            found = runner.run(asked, folder, **more, **trains)
    except BaseException:  # what was found on the way is said, however it ended
        for complaint in complaints:
            print(plain(complaint), file=sys.stderr)
        raise
    return _told(options, found, folder, complaints, out)


def _check(options: Ablate) -> None:
    """Raise InputError for options that do not go together."""
    if options.address is not None and options.engine != "ray":
        raise InputError(f"expected an address only with --engine ray, got --address {options.address}")
    if options.margin is not None and not options.margin > 0:
        raise InputError(f"expected a margin above 0, got {options.margin:g}")
    given = [name for name in ("out", "status", "power") if getattr(options, name) is not None]
    if len(given) > 1:
        raise InputError(f"expected one of --out, --status and --power, got --{given[0]} and --{given[1]}")


def _told(options: Ablate, found: "Results", folder: Path, complaints: list[str], out: "Console") -> int:
    """Say what has come out, and keep it in the folder of a study that was carried out."""
    from bpnn_jax.ablation import runner, told
    from bpnn_jax.commands.tables import show

    summary, came = _statistics(options, found)
    said = told.as_dict(found, summary, came)
    answer = None
    if options.status is None and not found.complete and options.stop_when_answered is not None:
        answer = f"stopped: {options.stop_when_answered} is answered at look {found.look.number if found.look else '-'}"
        said["stopped"] = {"answered": options.stop_when_answered, "look": said["look"]}
    if options.status is None:
        runner.summarised(folder, found, said)
    finish(options.json, "ablate", said)
    if answer is not None:
        out.print(answer, markup=False)
    show(found, summary, came, complaints, folder, out)
    return 0 if found.complete or options.status is not None or answer else 1


def _statistics(options: Ablate, found: "Results") -> "tuple[Summary | None, Findings | None]":
    from bpnn_jax.ablation import findings, results

    against = findings.base(found, options.against)
    pairs = [(arm, against) for arm in found.arms if arm != against]
    summary = results.summarise(found, margin=options.margin, pairs=pairs)
    return summary, findings.find(found, summary, against, margin=options.margin)


def answered(options: Ablate, asked: "Study") -> "Stop | None":
    """Whether results are clear about what ``--stop-when-answered`` names. Raises InputError for a name of nothing."""
    from bpnn_jax.ablation import findings

    names = [arm.name for arm in asked.arms]
    if options.against not in (None, findings.BEST) and options.against not in names:
        raise unknown("arm", options.against, [*names, findings.BEST])
    named = options.stop_when_answered
    if named is None:
        return None
    fields = [name.replace("_", "-") for name, values in asked.factors if len(values) > 1]
    if named not in (*names, *fields):
        raise unknown("arm or field that varies", named, [*names, *fields])

    def stop(found: "Results") -> bool:
        summary, came = _statistics(options, found)
        return findings.answers(named, summary, came)

    return stop


def _power(options: Ablate, found: "Results", complaints: list[str], out: "Console") -> int:
    from bpnn_jax.ablation import designs, findings
    from bpnn_jax.commands.tables import designs_table

    assert options.power is not None
    against = findings.base(found, options.against)
    needed = designs.designs(found, options.power[0], against)
    finish(options.json, "ablate", {"power": asdict(needed), "said": designs.sentence(found, needed)})
    out.print(designs.sentence(found, needed), markup=False)
    out.print(designs_table(found, needed))
    for complaint in complaints:
        out.print(complaint, style="bold red")
    return 0


def _read(options: Ablate) -> "list[Read]":
    found = [one for task in tasks(options.task or "") if task for one in data_read(task)]
    return found + data_read(options.test, "the test patterns")


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
    return Study(
        tasks(options.task),
        vary=_fields("varies", options.vary),
        tune=_fields("is tuned", options.tune),
        tune_in_step=options.tune_in_step,
        test=options.test,
        test_share=options.test_share,
        splits=options.splits,
        validation_share=options.validation_share,
        base={name: getattr(options.run, name) for name in settings.NAMES if name in options.given},
        seeds=seeds(options.seeds),
        epochs=options.epochs,
        points=options.points,
        chunk=options.chunk,
        keep_weights=options.keep_weights,
        choice=asdict(options.table),
    )


def tasks(text: str) -> list[str]:
    """What ``--task`` says: one file, whose name may have a comma in it, or names and files with commas between them.

    >>> tasks("xor"), tasks("iris,wine")
    (['xor'], ['iris', 'wine'])
    """
    return [text] if os.path.exists(text) else [part for part in text.split(",") if part] or [text]


def _fields(what: str, given: Sequence[str]) -> dict[str, list]:
    from bpnn_jax.ablation.grid import in_range

    found: dict[str, list] = {}
    for one in given:
        name, equals, values = one.partition("=")
        field = settings.known(name)
        if not equals:
            raise InputError(f"expected what {what} as {name}=VALUE,VALUE, got {one!r}")
        if field in found:
            raise InputError(f"expected each field once, got {name} more than once")
        found[field] = [settings.parsed(field, value) for value in in_range(values)]
    return found


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
