"""``bpnn ablate``: a study from its flags, and its progress; tables.py shows the results."""

import contextlib
import os
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
from bpnn_jax.errors import InputError, unknown
from bpnn_jax.settings import Run

if TYPE_CHECKING:
    from bpnn_jax._runtime.outputs import Read
    from bpnn_jax.ablation import Study


@dataclass(frozen=True)
class Ablate:
    """Train every combination of some settings from many seeds, and report the results with intervals. A stopped study goes on."""

    task: Annotated[str | None, arg(metavar="DATA,DATA...")] = None
    """What to learn: a name or a file, as for bpnn train; several, which then are a factor like those that vary."""
    vary: Annotated[UseAppendAction[tuple[str, ...]], arg(metavar="FIELD=VALUE,VALUE...")] = ()
    """A setting and its values, such as activation=sigmoid,tanh or hidden=2,4,8:4. Once for each setting that varies."""
    seeds: Annotated[str, arg(metavar="SEEDS")] = "100"
    """How many, or which: 1000, or 100:200, or 3,17,5."""
    epochs: int = 1000
    """At most so many passes over the patterns."""
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
    out: Annotated[Path | None, arg(metavar="DIR")] = None
    """The folder of the study. What it has already is not trained again."""
    status: Annotated[Path | None, arg(metavar="DIR")] = None
    """Only say how far the study in this folder is, and what has come out so far."""
    force: bool = False
    """Start afresh where the folder has another study, which stays beside this one."""
    points: int = 50
    """How many points of each run's error curve to keep, about."""
    chunk: int | None = None
    """How many runs to keep together in a file, a multiple of 64; otherwise some ten seconds of work."""
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
    from bpnn_jax.ablation import findings, results, runner, told
    from bpnn_jax.commands.tables import show

    folders = [Read(folder, "the study") for folder in (options.out, options.status) if folder is not None]
    check_outputs(json=options.json, reads=[*folders, *_read(options)], overwrite=options.overwrite)
    if options.address is not None and options.engine != "ray":
        raise InputError(f"expected an address only with --engine ray, got --address {options.address}")
    out, complaints = console(), []
    if options.status is not None:
        found, folder = runner.read(options.status, complaints), options.status
    else:
        asked, folder = study(options), options.out
        if folder is None:
            raise InputError("expected a folder for the results, got none: --out DIR")
        if options.against not in (None, findings.BEST) and options.against not in [arm.name for arm in asked.arms]:
            raise unknown("arm", options.against, [*(arm.name for arm in asked.arms), findings.BEST])
        what = f"{len(asked.arms)} arms, {len(asked.seed_list)} seeds"
        try:
            with plain_warnings(), progress_bar(what) as update, engine(options, complaints) as trains:
                found = runner.run(asked, folder, force=options.force, progress=update, complaints=complaints, **trains)
        except BaseException:  # what was found on the way is said, however it ended
            for complaint in complaints:
                print(plain(complaint), file=sys.stderr)
            raise
    against = findings.base(found, options.against)
    summary = results.summarise(found, pairs=[(arm, against) for arm in found.arms if arm != against])
    came = findings.find(found, summary, against)
    said = told.as_dict(found, summary, came)
    if options.status is None:
        runner.summarised(folder, found, said)
    finish(options.json, "ablate", said)
    show(found, summary, came, complaints, folder, out)
    return 0 if found.complete or options.status is not None else 1


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
        base=options.run,
        seeds=seeds(options.seeds),
        epochs=options.epochs,
        points=options.points,
        chunk=options.chunk,
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
