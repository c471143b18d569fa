"""A study on a Ray cluster: one process per device, each with its own JAX, training one chunk at a time. docs/clusters.md.

Chunks are independent, so a worker may die without harm: another trains its chunk, to the same bits. Each worker imports this file
before the settings of its JAX are there, so nothing of JAX is imported on top.
"""

import contextlib
import logging
import os
import re
import socket
import time
import warnings
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import bpnn_jax
from bpnn_jax._runtime import cache, cores
from bpnn_jax._runtime.reading import reason
from bpnn_jax.errors import InputError

if TYPE_CHECKING:
    from bpnn_jax.ablation.chunk import Chunk, Lane, Program
    from bpnn_jax.ablation.table import Table

try:
    import ray
    from ray._private import worker as ray_worker
    from ray.exceptions import RayError, RayTaskError
except ImportError as error:
    raise InputError("clusters stand on Ray; for these pip install 'bpnn-jax[ray]'") from error

TRIES = 3  # workers that may die on one chunk, or in a row while they start: then it is no accident
ASK_HEAD = 1.0  # seconds after which a cluster that says nothing is asked whether its head is there
GO_ON = "what was finished is kept, and the same command goes on"
LOOK_AGAIN = 10.0  # seconds without a result after which the number of machines is read again
OBJECT_STORE = 200 * 2**20  # bytes, on a cluster of our own: a chunk's table has some hundred kilobytes


@contextlib.contextmanager
def connect(address: str | None = None) -> Iterator["Cluster"]:
    """A cluster to train chunks on. When the block ends its workers are gone, and so is the cluster if it was begun here.

    address: of a cluster's head, such as ``10.0.0.1:6379``, or ``auto`` for the one that this machine belongs to. Without it, that
             of ``RAY_ADDRESS``; without that, a cluster of this machine's processors. Where ``ray.init`` has been called, that one.

    Raises InputError for a cluster that does not answer, or has nothing to train on.

    >>> from bpnn_jax import ablation
    >>> study = ablation.Study("xor", vary={"momentum": (0.0, 0.9)}, seeds=1000)
    >>> with connect("10.0.0.1:6379") as cluster:  # doctest: +SKIP
    ...     results = ablation.run(study, "study", engine=cluster.train, where=cluster.place)
    """
    ours = not ray.is_initialized()
    if address and not ours:
        raise InputError(f"expected no address after ray.init, which has one, got {address}")
    if ours:
        _init(address or os.environ.get("RAY_ADDRESS") or "local")
    cluster = None
    try:
        cluster = Cluster()
        yield cluster
    except ClusterLostError:
        ours = cluster = None  # to end anything, its head would have to be asked
        raise
    finally:
        if cluster:
            cluster.close()
        if ours:
            ray.shutdown()
            ray_worker._worker_logs_enabled = True


class ClusterLostError(InputError):
    """The head of the cluster answers no more. Ray ends the process within a minute of that; a command leaves at once."""

    leaves = True  # for ``_runtime.wall``: closing Ray would wait for the head


class Cluster:
    """The workers of a Ray cluster: one a GPU where it has any and JAX_PLATFORMS is not cpu, otherwise one a processor.

    place: of the workers, for the plan of a study (``run(..., where=cluster.place)``).
    train: an ``Engine`` (``run(..., engine=cluster.train)``).
    processes: the machine and the process of each worker that has started.
    complaints: a line for each worker that has died of a chunk.

    Workers are started as they are needed, and as machines come. All are of one kind, to the version, the device and XLA's flags, and
    on a CPU to its model: any other is an InputError, because its results would differ in the last bits.
    """

    place: dict[str, str]

    def __init__(self):
        self._on_gpus = ray.cluster_resources().get("GPU", 0) >= 1 and os.environ.get("JAX_PLATFORMS") != "cpu"
        self._idle: list[Any] = []
        # A worker by what it will answer; without a chunk it starts.
        self._busy: dict[Any, tuple[Any, Chunk | None]] = {}
        self.complaints: list[str] = []
        self._failed_starts = 0
        self._first: tuple[str, dict[str, str]] | None = None  # machine and kind of the first worker
        self.processes: dict[Any, tuple[str, int]] = {}
        self._head = ray.get_runtime_context().gcs_address
        self._unanswered = 0  # times in a row that nobody listened there
        self._counted: tuple[float, int] | None = None  # when the devices were counted, and how many there were
        try:
            while not self._idle:
                self._grow(1)
                self._next(Counter())
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End the workers, whatever they do."""
        for worker in [*self._idle, *(worker for worker, _ in self._busy.values())]:
            self._end(worker)
        self._idle, self._busy = [], {}

    def train(
        self, chunks: "Sequence[Chunk]", kept: "Callable[[Chunk], bool]"
    ) -> "Iterator[tuple[Chunk, Table | None]]":
        """Each chunk with its table, in the order in which they are finished."""
        for chunk in chunks:
            if dict(chunk.place) != self.place:
                raise InputError(
                    "expected chunks that are planned for where the workers are, got others: run(..., where=cluster.place)\n  "
                    + _differences("planned", dict(chunk.place), "there", self.place)
                )
        waiting, deaths, programs = deque(chunks), Counter(), {}
        finished: tuple[Chunk, Table | None] | None = None
        try:
            while True:
                while waiting and self._idle:
                    chunk = waiting.popleft()
                    if kept(chunk):
                        yield chunk, None
                    else:
                        self._hand_out(chunk, programs)
                if finished:  # after the hand-out: while this one is written, its worker is at the next
                    yield finished
                at_work = [chunk for _, chunk in self._busy.values() if chunk]
                if not waiting and not at_work:
                    return
                self._grow(len(waiting) + len(at_work))
                chunk, table = self._next(deaths)
                finished = (chunk, table) if chunk and table is not None else None
                if chunk and table is None:
                    waiting.appendleft(chunk)
        finally:  # where it was broken off, so are the chunks that are under way
            for answer, (worker, chunk) in list(self._busy.items()):
                if chunk:
                    del self._busy[answer]
                    self._end(worker)

    def _hand_out(self, chunk: "Chunk", programs: "dict[Program, Any]") -> None:
        if chunk.program not in programs:  # its patterns travel to a machine once
            programs[chunk.program] = ray.put(chunk.program)
        worker = self._idle.pop()
        self._busy[worker.train.remote(programs[chunk.program], chunk.lanes, chunk.place)] = worker, chunk

    def _grow(self, wanted: int) -> None:
        """Start workers, up to one a device. Those for which there is no room yet begin when there is."""
        for _ in range(min(wanted, self._devices()) - len(self._idle) - len(self._busy)):
            settings = {"XLA_FLAGS": os.environ.get("XLA_FLAGS", "")}
            claim = {"num_gpus": 1, "num_cpus": 0}
            if not self._on_gpus:
                settings["JAX_PLATFORMS"] = "cpu"
                claim = {"num_cpus": 1}
            worker = ray.remote(Worker).options(**claim).remote(settings)
            self._busy[worker.report.remote()] = worker, None

    def _devices(self) -> int:
        """Counted anew at times, and only while the head answers: otherwise Ray would wait for it."""
        if self._counted is None or time.monotonic() - self._counted[0] > LOOK_AGAIN:
            self._check_head()
            if not self._unanswered:
                found = int(ray.cluster_resources().get("GPU" if self._on_gpus else "CPU", 0))
                self._counted = time.monotonic(), found
        return self._counted[1] if self._counted else 1

    def _next(self, deaths: Counter[str]) -> "tuple[Chunk | None, Table | None]":
        """Wait for one worker: a chunk and its table, a chunk whose worker has died, or neither.

        deaths: how many workers have died on a chunk, by its name.
        """
        done = ray.wait(list(self._busy), timeout=ASK_HEAD)[0] if self._busy else []
        if not done:
            self._check_head()
            if not self._devices():
                what = "GPU" if self._on_gpus else "processor"
                raise InputError(f"expected a cluster with a {what} to train on, got none, or none any more; {GO_ON}")
            return None, None
        worker, chunk = self._busy.pop(done[0])
        try:
            answer = ray.get(done[0])
        except RayError as error:
            machine, pid = self._end(worker)
            if chunk and isinstance(error, RayTaskError):
                raise error.cause from error  # no process died: the same error would come anywhere
            self._count_death(chunk, deaths, error)
            if chunk:
                self.complaints.append(
                    f"{machine}, process {pid} died of chunk {chunk.name[:12]}, which went to another"
                )
            return chunk, None
        if chunk is None:
            self._admit(worker, *answer)
            return None, None
        self._idle.append(worker)
        return chunk, answer

    def _check_head(self) -> None:
        """Raise ClusterLostError where nobody has listened at the head's address several times in a row."""
        try:
            _check_answers(self._head)
            self._unanswered = 0
        except InputError as error:
            self._unanswered += 1
            if self._unanswered >= TRIES:
                raise ClusterLostError(f"{error}; {GO_ON}, on a cluster that answers") from None

    def _count_death(self, chunk: "Chunk | None", deaths: Counter[str], error: RayError) -> None:
        if chunk is None:
            self._failed_starts += 1
            if self._failed_starts >= TRIES:
                raise InputError(f"expected workers that start, got {TRIES} in a row that did not: {_reason(error)}")
            return
        deaths[chunk.name] += 1
        if deaths[chunk.name] >= TRIES:
            seeds = sorted({lane.seed for lane in chunk.lanes})
            raise InputError(
                f"chunk {chunk.name[:12]}, {len(chunk.lanes)} runs of {chunk.program.network}, seeds {seeds[0]} to {seeds[-1]}: "
                f"expected a worker to finish it, got {TRIES} that died of it: {_reason(error)}; what was finished before is kept"
            )

    def _admit(self, worker: Any, machine: str, pid: int, kind: dict[str, str]) -> None:
        """Give a worker that has started its place among the others, if it is like them."""
        self._failed_starts = 0
        self._idle.append(worker)
        self.processes[worker] = machine, pid
        if self._on_gpus and kind["backend"] == "cpu":
            raise InputError(
                f"{machine}: expected JAX to find the GPU that Ray claimed for it, got only a CPU: pip install 'bpnn-jax[cuda]' "
                "there, or JAX_PLATFORMS=cpu here to train on processors"
            )
        if kind["bpnn_jax"] != bpnn_jax.__version__:  # a study is planned here and read there
            raise InputError(f"{machine}: expected bpnn-jax {bpnn_jax.__version__}, as here, got {kind['bpnn_jax']}")
        if self._first is None:
            self._first = machine, kind
            self.place = {name: value for name, value in kind.items() if name != "processor"}
        first, expected = self._first
        if kind != expected:
            raise InputError(
                f"{machine}: expected a worker of the same kind as that on {first}, since otherwise the last bits of results would "
                f"depend on who trains them, got another\n  {_differences(f'on {first}', expected, f'on {machine}', kind)}"
            )

    def _end(self, worker: Any) -> tuple[str, int]:
        """End a worker, wherever it is by now; its machine and process."""
        if ray.is_initialized() and self._unanswered < TRIES:
            ray.kill(worker)
        return self.processes.pop(worker, ("a machine", 0))


class Worker:
    """In a process of the cluster. Made by Ray, which has set CUDA_VISIBLE_DEVICES to the GPU that it claimed for this process.

    settings: environment variables that JAX reads when it starts.
    """

    def __init__(self, settings: Mapping[str, str]):
        os.environ.update(settings)
        self._open = contextlib.ExitStack()  # for as long as the process lives
        self._open.enter_context(cache.compile_cache())

    def report(self) -> tuple[str, int, dict[str, str]]:
        """The machine, the process, and its kind: ``chunk.place``, and for a CPU which one, since XLA compiles for what it finds."""
        from bpnn_jax.ablation.chunk import place

        found = place()
        processor = {"processor": cache.processor()} if found["backend"] == "cpu" else {}
        return socket.gethostname(), os.getpid(), found | processor

    def train(self, program: "Program", lanes: "tuple[Lane, ...]", place: tuple[tuple[str, str], ...]) -> "Table":
        from bpnn_jax.ablation.chunk import Chunk, run_chunk

        return run_chunk(Chunk(program, lanes, place))


def _init(address: str) -> None:
    options = {}
    if address == "local":
        options = {"num_cpus": cores.available(), "object_store_memory": OBJECT_STORE, "include_dashboard": False}
    elif address != "auto":
        _check_answers(address)
    # What raylets say of the dead comes on standard output, log_to_driver or not; there is no public way to stop it.
    ray_worker._worker_logs_enabled = False
    try:
        with warnings.catch_warnings():
            # Where JAX runs already it warns of any fork; what Ray starts are other programs, which share nothing with it.
            warnings.filterwarnings("ignore", r"os\.fork\(\) was called", RuntimeWarning)
            ray.init(address, log_to_driver=False, logging_level=logging.ERROR, **options)
    except (ConnectionError, OSError, RuntimeError, ValueError, RayError) as error:
        raise InputError(
            f"expected a Ray cluster at {address}, got: {_reason(error)}; Ray's and Python's versions have to agree, and RAY_AUTH_MODE"
        ) from error


def _check_answers(address: str) -> None:
    """InputError if nothing listens at the address: Ray itself would try for ten minutes and more."""
    host, _, port = address.rpartition(":")
    if not host or "/" in host or not port.isdecimal():
        raise InputError(f"expected the address of a Ray cluster's head as HOST:PORT, or auto, got {address}")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()
    except (OSError, OverflowError) as error:
        raise InputError(f"expected a Ray cluster at {address}, got: {reason(error)}") from error


def _differences(one: str, ones: dict[str, str], other: str, others: dict[str, str]) -> str:
    names = dict.fromkeys([*ones, *others])
    return "\n  ".join(
        f"{name}: {ones.get(name)!r} {one}, {others.get(name)!r} {other}"
        for name in names
        if ones.get(name) != others.get(name)
    )


def _reason(error: Exception) -> str:
    """Of what Ray has to say the cause: the last line, be it of a traceback or of its own, and not what the actor was called."""
    said = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    return re.split(r"(?=The actor (?:died|is dead) because)", said[-1])[-1][:200]
