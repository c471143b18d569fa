"""Carry a study out: train the chunks that its folder does not have, keep each as it is finished, read them all back."""

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any

from bpnn_jax import statistics
from bpnn_jax._runtime import cores as _cores
from bpnn_jax._runtime.text import one_line
from bpnn_jax.ablation import looks
from bpnn_jax.ablation.certificate import certificates, run_checks
from bpnn_jax.ablation.chunk import Chunk, place, run_chunk
from bpnn_jax.ablation.folder import Store
from bpnn_jax.ablation.identity import check, claim, identity, manifest, manifest_of, stages, study_of
from bpnn_jax.ablation.kept import certificates_of, keep_certificates, keep_patterns, keep_summary, patterns_of
from bpnn_jax.ablation.measures import Measure
from bpnn_jax.ablation.parts import BOOLEAN, Data, load, together
from bpnn_jax.ablation.plan import Plan, plan
from bpnn_jax.ablation.results import Results, chunk_of, gather
from bpnn_jax.ablation.study import Study
from bpnn_jax.ablation.table import Table
from bpnn_jax.errors import InputError
from bpnn_jax.settings import Run

# An engine takes chunks and ``is_kept(chunk)``, and yields (chunk, table) as each is finished; the table is None if another process
# has kept it meanwhile. ``run_chunk`` is all that the other side has to call.
Engine = Callable[[Sequence[Chunk], Callable[[Chunk], bool]], Iterator[tuple[Chunk, Table | None]]]
Progress = Callable[[int, int, str], None]
Stop = Callable[[Results], bool]


def local(cores: int | None = None) -> Engine:
    """Chunks on this machine's processors, one on each at a time."""

    def engine(chunks: Sequence[Chunk], kept: Callable[[Chunk], bool]) -> Iterator[tuple[Chunk, Table | None]]:
        def work(chunk: Chunk) -> tuple[Chunk, Table | None]:
            return chunk, None if kept(chunk) else run_chunk(chunk)

        threads = ThreadPoolExecutor(cores or _cores.available())
        try:
            for done in as_completed([threads.submit(work, chunk) for chunk in chunks]):
                yield done.result()
        finally:
            threads.shutdown(
                wait=False, cancel_futures=True
            )  # after Ctrl-C nothing is waited for: what is kept is kept

    return engine


def run(
    study: Study,
    folder: str | os.PathLike[str],
    *,
    force: bool = False,
    progress: Progress | None = None,
    engine: Engine | None = None,
    where: dict[str, str] | None = None,
    complaints: list[str] | None = None,
    stop: Stop | None = None,
) -> Results:
    """Train what ``folder`` does not have of ``study``, and return the results of all of it.

    force:      start afresh where the folder has another study, or this one under other versions, which otherwise is an InputError.
    progress:   called after each chunk with (runs done, runs to do, a note with their rate and the time left).
    engine:     what trains the chunks; otherwise ``local()``.
    where:      ``chunk.place()`` where the engine trains them, if that is not in this process.
    stop:       called at each look before the end (``ablation.looks``), which the folder keeps; after True nothing more is trained.
                A folder that is begun with it cuts its chunks at the looks.
    complaints: files that were not what they should be, and where they are now, are added to this list.

    The results are the same to the bit, however often it was interrupted and gone on with. Raises InputError for a study or folder
    that cannot be used, before anything is trained, and for a disk that is full.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     results = run(Study("nand", vary={"momentum": (0, 0.5)}, seeds=4, epochs=400), folder)
    >>> results.solved.tolist()
    [[True, True], [True, True], [True, True], [True, True]]
    """
    store, where = Store(folder), where or place()
    tasks = tuple(load(task, study.test, study.of_tables) for task in study.tasks)
    _check_stop(study, tasks)
    # What can be refused is, before a run is planned, and all of it before the folder is made.
    wanted = check(store, manifest(study, where, together(tasks)), force)
    if stop is not None and not os.path.lexists(store.chunks):
        wanted = wanted | {"before": [one.as_dict() for one in looks.smaller(study)]}
    if not os.path.lexists(store.chunks):
        store.check_room(study.runs, len(study.history_epochs))
    planned = plan(study, where, tasks, stages(wanted))
    claim(store, wanted, force)
    mine, arms = identity(wanted), [arm.name for arm in planned.arms]
    keep_patterns(store, mine, planned.tasks)
    store.tidy()
    todo = [chunk for chunk in planned.chunks if chunk_of(store, chunk, planned.points) is None]
    store.check_room(_runs(todo), max((c.program.columns(1, planned.points).numbers for c in todo), default=0))
    beside = ThreadPoolExecutor(1)  # for the certificates, while the first programs are compiled
    try:
        checks = {}
        if not certificates_of(store, mine, arms):
            structures = {program.structure: program for program in planned.programs}
            checks = {structure: beside.submit(run_checks, program, where) for structure, program in structures.items()}
        if stop is None:
            _train(todo, store, engine or local(), progress)
        else:
            _train_to_looks(todo, planned, store, engine or local(), progress, stop)
        if checks:
            made = {structure: found.result() for structure, found in checks.items()}
            keep_certificates(store, mine, certificates(planned, made))
        return gather(planned, store, certificates_of(store, mine, arms), _looked(store, planned))
    finally:
        beside.shutdown(wait=False, cancel_futures=True)
        if complaints is not None:
            complaints += store.complaints


def read(folder: str | os.PathLike[str], complaints: list[str] | None = None) -> Results:
    """The results that a folder has, of a study that is finished or not. Changes nothing in it."""
    store = Store(folder, read_only=True)
    study, found = study_of(store)
    tasks = patterns_of(store, identity(found), study, found["patterns"])
    planned = plan(study, found["place"], tasks, stages(found))
    arms = [arm.name for arm in planned.arms]
    results = gather(planned, store, certificates_of(store, identity(found), arms), _looked(store, planned))
    if complaints is not None:
        complaints += store.complaints
    return results


def measure(folder: str | os.PathLike[str], outcomes: Mapping[str, Measure]) -> Results:
    """The results of a study whose networks were kept, with further scores: what functions make of each network.

    outcomes: by name, functions of (network, weights, patterns) that return a number. ``weights`` are L arrays (n_in + bias, n_out);
              ``patterns`` are the parts by name: ``train``, and ``validation`` and ``test`` where there are such.

    The names are among ``Results.scores`` then, and ``findings.find(..., lead=NAME)`` compares the arms by one.

    Raises InputError where the networks were not kept, for a name that a score has already, and for a function that returns something
    else.

    >>> import tempfile
    >>> import numpy as np
    >>> study = Study("xor", vary={"momentum": (0, 0.5)}, seeds=3, epochs=20, keep_weights=True)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = run(study, folder)
    ...     found = measure(folder, {"largest": lambda network, weights, patterns: abs(weights[0]).max()})
    >>> found.scores["largest"].shape
    (3, 2)
    """
    store = Store(folder, read_only=True)
    study, found = study_of(store)
    if not study.keep_weights:
        raise InputError(
            f"{one_line(folder)}: expected a study whose networks were kept, got one without; the same command with --keep-weights "
            "trains them again"
        )
    for name, function in outcomes.items():
        if not callable(function):
            raise InputError(f"expected a function of (network, weights, patterns) for {name}, got {function!r:.80}")
    planned = plan(study, found["place"], patterns_of(store, identity(found), study, found["patterns"]), stages(found))
    judges = [program.judge for program in planned.programs]
    if taken := [name for name in outcomes if any(judge and name in judge.names for judge in judges)]:
        raise InputError(f"expected names that no score has yet, got {taken[0]}")
    arms = [arm.name for arm in planned.arms]
    return gather(planned, store, certificates_of(store, identity(found), arms), _looked(store, planned), outcomes)


def summarised(folder: str | os.PathLike[str], results: Results, said: dict[str, Any]) -> None:
    """Write ``summary.json``: what was said of these results. Raises InputError where the folder is meanwhile another study's."""
    store = Store(folder)
    study, found = study_of(store)
    if study != results.study:
        raise InputError(f"{one_line(folder)}: expected the folder to stay this study's, got another study in it")
    claim(store, found, force=False)
    keep_summary(store, identity(found), said)


def looked(folder: str | os.PathLike[str], results: Results) -> None:
    """Keep in the folder that these results, of a study that is not finished, are shown with intervals and p-values: all later ones
    count that. Raises InputError where it cannot be kept.
    """
    looks.keep(Store(folder), results)


def _check_stop(study: Study, tasks: Sequence[Data]) -> None:
    """Raise InputError for a tolerance where no run stops at one."""
    if any(task.kind == BOOLEAN for task in tasks):
        return
    asked = dict(study.vary).get("tolerance", (study.base.tolerance,))
    if len(asked) > 1 or asked[0] not in (0.0, Run.tolerance):
        got = ", ".join(f"{value:g}" for value in asked)
        raise InputError(
            f"expected a tolerance with Boolean patterns alone, got {got} for {study.title} ({tasks[0].kind}), whose runs train "
            "to the limit of epochs; leave it out"
        )


def _looked(store: Store, planned: Plan) -> int:
    before = [] if (found := manifest_of(store)) is None else stages(found)
    return looks.seen(store, planned.study, before)


def _train_to_looks(
    todo: Sequence[Chunk], planned: Plan, store: Store, engine: Engine, progress: Progress | None, stop: Stop
) -> None:
    """Train the chunks that each look needs, and no more once ``stop`` has had enough."""
    seeds, left = planned.study.seed_list, list(todo)
    for share in statistics.LOOKS:
        first = set(seeds[: statistics.needed(share, len(seeds))])
        now = [chunk for chunk in left if any(lane.seed in first for lane in chunk.lanes)]
        left = [chunk for chunk in left if chunk not in now]
        _train(now, store, engine, progress)
        if share == statistics.LOOKS[-1] or not left:
            continue
        results = gather(planned, store, {}, _looked(store, planned))
        looks.keep(store, results)
        if stop(results):
            return


def _train(chunks: Sequence[Chunk], store: Store, engine: Engine, progress: Progress | None) -> None:
    began, done, total = time.monotonic(), 0, _runs(chunks)
    for chunk, table in engine(chunks, lambda chunk: store.has(chunk.name)):
        if table is not None:
            store.keep(chunk.name, table)
        done += len(chunk.lanes)
        if progress:
            rate = done / max(time.monotonic() - began, 1e-9)
            progress(done, total, f"{rate:,.0f} runs/s, {_duration((total - done) / rate)} left")


def _runs(chunks: Sequence[Chunk]) -> int:
    return sum(len(chunk.lanes) for chunk in chunks)


def _duration(seconds: float) -> str:
    """In the unit that one would say.

    >>> _duration(7.4), _duration(150), _duration(7300)
    ('7 s', '2 min', '2.0 h')
    """
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
