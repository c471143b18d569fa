"""Carry a study out: train the chunks that its folder does not have, keep each as it is finished, read them all back."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any

from bpnn_jax._runtime import cores as _cores
from bpnn_jax._runtime.text import one_line
from bpnn_jax.ablation.certificate import certificates, run_checks
from bpnn_jax.ablation.folder import Store
from bpnn_jax.ablation.identity import check, claim, identity, manifest, stages, study_of
from bpnn_jax.ablation.kept import certificates_of, keep_certificates, keep_patterns, keep_summary, patterns_of
from bpnn_jax.ablation.parts import load, together
from bpnn_jax.ablation.plan import Chunk, place, plan, run_chunk
from bpnn_jax.ablation.results import Results, chunk_of, gather
from bpnn_jax.ablation.study import Study
from bpnn_jax.ablation.table import Table
from bpnn_jax.errors import InputError

# An engine takes chunks and ``is_kept(chunk)``, and yields (chunk, table) as each is finished; the table is None if another process
# has kept it meanwhile. ``run_chunk`` is all that the other side has to call.
Engine = Callable[[Sequence[Chunk], Callable[[Chunk], bool]], Iterator[tuple[Chunk, Table | None]]]
Progress = Callable[[int, int, str], None]


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
) -> Results:
    """Train what ``folder`` does not have of ``study``, and return the results of all of it.

    force:      start afresh where the folder has another study, or this one under other versions, which otherwise is an InputError.
    progress:   called after each chunk with (runs done, runs to do, a note with their rate and the time left).
    engine:     what trains the chunks; otherwise ``local()``.
    where:      ``plan.place()`` where the engine trains them, if that is not in this process.
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
    tasks = tuple(load(task, study.test) for task in study.tasks)
    # What can be refused is, before a run is planned, and all of it before the folder is made.
    wanted = check(store, manifest(study, where, together(tasks)), force)
    if not os.path.lexists(store.chunks):
        store.check_room(study.runs, len(study.history_epochs))
    planned = plan(study, where, tasks, stages(wanted))
    claim(store, wanted, force)
    mine, arms = identity(wanted), [arm.name for arm in planned.arms]
    keep_patterns(store, mine, planned.tasks)
    store.tidy()
    todo = [chunk for chunk in planned.chunks if chunk_of(store, chunk, planned.points) is None]
    store.check_room(_runs(todo), planned.points)
    beside = ThreadPoolExecutor(1)  # for the certificates, while the first programs are compiled
    try:
        checks = {}
        if not certificates_of(store, mine, arms):
            structures = {program.structure: program for program in planned.programs}
            checks = {structure: beside.submit(run_checks, program) for structure, program in structures.items()}
        _train(todo, store, engine or local(), progress)
        if checks:
            made = {structure: found.result() for structure, found in checks.items()}
            keep_certificates(store, mine, certificates(planned, made))
        return gather(planned, store, certificates_of(store, mine, arms))
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
    results = gather(planned, store, certificates_of(store, identity(found), [arm.name for arm in planned.arms]))
    if complaints is not None:
        complaints += store.complaints
    return results


def summarised(folder: str | os.PathLike[str], results: Results, said: dict[str, Any]) -> None:
    """Write ``summary.json``: what was said of these results. Raises InputError where the folder is meanwhile another study's."""
    store = Store(folder)
    study, found = study_of(store)
    if study != results.study:
        raise InputError(f"{one_line(folder)}: expected the folder to stay this study's, got another study in it")
    claim(store, found, force=False)
    keep_summary(store, identity(found), said)


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
