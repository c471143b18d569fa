"""Carry a study out: train the chunks that its folder does not have, keep each as it is finished, read them all back."""

import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict

from bpnn_jax._runtime import cores as _cores
from bpnn_jax.ablation.certificate import Certificate, certificates, from_dict, run_checks
from bpnn_jax.ablation.folder import CERTIFICATES, Store, check, claim, keep_patterns, manifest, patterns_of, study_of
from bpnn_jax.ablation.plan import Chunk, Plan, Program, place, plan, run_chunk
from bpnn_jax.ablation.results import Results, gather
from bpnn_jax.ablation.study import Study
from bpnn_jax.ablation.table import Table
from bpnn_jax.verify import Check

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
            threads.shutdown(cancel_futures=True)  # after Ctrl-C too: no more is waited for than what is under way

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
    planned = plan(study, where)
    wanted = manifest(study, where, planned.task.sha256)
    check(store, wanted, force)
    if not store.chunks.exists():
        store.check_room(study.runs, planned.points)
    claim(store, wanted, force)
    keep_patterns(store, planned.task)
    store.tidy()
    todo = [chunk for chunk in planned.chunks if store.get(chunk.name, len(chunk.lanes), planned.points) is None]
    store.check_room(_runs(todo), planned.points)
    with ThreadPoolExecutor(1) as beside:  # the certificates, while the first programs are compiled
        checks = {}
        if not _certificates(store):
            checks = {c.program: beside.submit(run_checks, c.program) for c in reversed(planned.chunks)}
        try:
            _train(todo, store, engine or local(), progress)
        except BaseException:
            beside.shutdown(cancel_futures=True)
            raise
        if checks:
            _certify(planned, store, {program: found.result() for program, found in checks.items()})
    found = gather(planned, store, _certificates(store))
    if complaints is not None:
        complaints += store.complaints
    return found


def read(folder: str | os.PathLike[str], complaints: list[str] | None = None) -> Results:
    """The results that a folder has, of a study that is finished or not. Changes nothing in it."""
    store = Store(folder, read_only=True)
    study, found = study_of(store)
    task = patterns_of(store, study.task, found["patterns"])
    results = gather(plan(study, found["place"], task), store, _certificates(store))
    if complaints is not None:
        complaints += store.complaints
    return results


def _certify(planned: Plan, store: Store, checks: dict[Program, list[Check]]) -> None:
    """Write ``certificates.json``: a certificate for each arm."""
    found = {name: asdict(certificate) for name, certificate in certificates(planned, checks).items()}
    store.put(store.folder / CERTIFICATES, (json.dumps(found, indent=2) + "\n").encode())


def _certificates(store: Store) -> dict[str, Certificate]:
    """What ``certificates.json`` holds; nothing where it is not there."""
    path = store.folder / CERTIFICATES
    try:
        return {name: from_dict(given) for name, given in json.loads(path.read_bytes()).items()}
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError, KeyError, AttributeError):
        store.set_aside(path, "holds no certificates")
        return {}


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
