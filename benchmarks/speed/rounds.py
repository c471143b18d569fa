"""Check what every peer computes, then time all of them in turn, several times over."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from statistics import median
from typing import NamedTuple, TypeVar

import numpy as np

from benchmarks.speed.peers import Peer
from benchmarks.speed.tasks import Task, Weights
from benchmarks.speed.worker import PeerError, Worker

CHECKED = 8  # networks of many whose result is compared
TOO_LONG = 3  # times as long as a run should be: then the peer gets a shorter one
Progress = Callable[[str], None]
Result = TypeVar("Result")


@dataclass(frozen=True)
class Workload:
    """A task, ours, and the peers that do it too.

    cores:  hold every process to so many of them.
    longer: runs are so many times longer, where what a call does once would otherwise show: real runs have hundreds of epochs.
    fewest: updates of each network in a run, however long they take, for the same reason.
    """

    name: str
    task: Task
    ours: Peer
    peers: tuple[Peer, ...]
    cores: int | None = None
    longer: float = 1.0
    fewest: int = 1


@dataclass(frozen=True)
class Row:
    """Ours beside one peer. Times are medians, in nanoseconds for an update of one network; ``ratio`` is ours / peer.

    ratios:     smallest and largest ratio of a round.
    cpu_ratio:  the same ratio by CPU time, which other work on the machine moves least; for peers that use one core only.
    peer_range: smallest and largest time of the peer, likewise ``ours_range``.
    compile_s, ours_compile_s: seconds that the first run of the process takes beyond the next: imports and compiling.
    apart, allowed: the largest difference of a weight from the reference, and the bound on it.
    """

    workload: str
    peer: str
    ours_ns: float
    peer_ns: float
    ratio: float
    ratios: tuple[float, float]
    cpu_ratio: float
    ours_range: tuple[float, float]
    peer_range: tuple[float, float]
    ours_compile_s: float
    compile_s: float
    apart: float
    allowed: float
    note: str = ""


@dataclass(frozen=True)
class Timed:
    """What was measured of one peer: nanoseconds for each round by the clock and of CPU, seconds to start, how far it is off."""

    peer: Peer
    ns: list[float]
    cpu_ns: list[float]
    compile_s: float
    apart: float
    allowed: float


def allowed(task: Task) -> float:
    """How far float32 may be from float64 after this task: u a rounding, at most (fan-in + batch + 4) of them a weight and update.

    It grows with the largest weight, and no more than linearly with the updates: over one epoch they move the weights too little
    for errors to amplify each other. A forgotten momentum is some hundred times that.
    """
    largest = max(float(abs(W).max()) for W in task.weights)
    return 2.0**-24 * task.updates * (task.sizes[0] + task.batch_size + 4) * max(1.0, largest)


def compare(peer: Peer, got: Weights, task: Task, expected: Weights) -> tuple[float, float]:
    """(largest difference of a weight, the bound on it). Raises PeerError beyond the bound, or for NaN."""
    limit = allowed(task)
    for g, e in zip(got, expected, strict=True):
        if g.shape != e.shape:
            raise PeerError(f"expected weights of shape {e.shape}, got {g.shape}")
    apart = max(float(abs(np.asarray(g, float) - e).max()) for g, e in zip(got, expected, strict=True))
    if not apart <= limit:
        raise PeerError(
            f"computes something else than {peer.reference.__name__}: {apart:.1e} apart, {limit:.1e} allowed"
        )
    return apart, limit


class References:
    """What each result is compared with, reckoned once for peers that do the same.

    Several networks of many are enough: every ``CHECKED``-th part of them has one.
    """

    def __init__(self) -> None:
        self._known: dict[tuple, Weights] = {}

    def check(self, peer: Peer, worker: Worker, task: Task, updates: int) -> tuple[float, float, float]:
        """Train up to an epoch, ``updates`` at most, and compare.

        Returns (largest difference of a weight, the bound on it, seconds that the first run took beyond the next).
        """
        task = task.of_length(min(updates, len(task.x) // task.batch_size))
        got, first = worker.load(task)
        again, _ = worker.time()
        some = np.unique(np.linspace(0, task.networks - 1, CHECKED).astype(int))
        few = task.some(some)
        same = (peer.reference, tuple(sorted(peer.changes.items())), few.networks, few.updates)
        if same not in self._known:
            with Worker(peer.reference) as reference:
                self._known[same], _ = reference.load(few)
        return *compare(peer, tuple(W[some] for W in got), few, self._known[same]), max(0.0, first - again)


def alternate(
    runs: Sequence[Callable[[], Result]], rounds: int, progress: Progress = lambda what: None
) -> list[list[Result]]:
    """Call each in turn, the other way round in every second round; for each, its results.

    >>> calls = []
    >>> def called(name): return lambda: calls.append(name) or 1.0
    >>> alternate([called("a"), called("b")], 2), calls
    ([[1.0, 1.0], [1.0, 1.0]], ['a', 'b', 'b', 'a'])
    """
    results: list[list[Result]] = [[] for _ in runs]
    for r in range(rounds):
        order = range(len(runs))
        for i in order if r % 2 == 0 else reversed(order):
            results[i].append(runs[i]())
        progress(f"round {r + 1} of {rounds}")
    return results


class Ready(NamedTuple):
    """A peer that is right, its task loaded: network-updates of a run, distance from the reference, seconds to start."""

    peer: Peer
    worker: Worker
    updates: int
    apart: float
    allowed: float
    compile_s: float


def make_ready(peer: Peer, worker: Worker, workload: Workload, seconds: float, references: References) -> Ready:
    """Check a peer, and load a task that keeps it busy for about ``seconds``. Raises PeerError."""
    task = replace(workload.task, **peer.changes)
    updates = max(workload.fewest, round(seconds * 1e9 / peer.guess / task.networks))
    checked = references.check(peer, worker, task, updates)
    task = task.of_length(updates)
    worker.load(task)
    once, _ = worker.time()
    if once > TOO_LONG * seconds:
        task = task.of_length(max(workload.fewest, round(task.updates * seconds / once)))
        worker.load(task)
    return Ready(peer, worker, task.updates * task.networks, *checked)


def measure(workload: Workload, rounds: int, seconds: float, progress: Progress) -> tuple[list[Timed], dict[str, str]]:
    """Ours first, then every peer that is there and right; and for the others why not. ``seconds`` is how long a run is, about."""
    told: dict[str, str] = {}
    ready: list[Ready] = []
    references = References()
    with ExitStack() as stack:
        for peer in (workload.ours, *workload.peers):
            absent = peer.missing()
            if absent:
                told[peer.name] = absent
                continue
            progress(f"{workload.name}: {peer.name}, checking and compiling")
            cores = peer.cores or workload.cores
            worker = stack.enter_context(Worker(peer.prepare, plain_xla=peer.plain_xla, cores=cores))
            try:
                ready.append(make_ready(peer, worker, workload, workload.longer * seconds, references))
            except PeerError as error:
                told[peer.name] = f"failed: {error}"
                worker.close()
        if not ready or ready[0].peer is not workload.ours:
            raise PeerError(f"{workload.name}: ours {told.get(workload.ours.name)}")
        times = alternate([r.worker.time for r in ready], rounds, lambda what: progress(f"{workload.name}: {what}"))
    found = []
    for r, ran in zip(ready, times, strict=True):
        wall, cpu = ([1e9 * s / r.updates for s in seconds] for seconds in zip(*ran, strict=True))
        found.append(Timed(r.peer, wall, cpu, r.compile_s, r.apart, r.allowed))
    return found, told


def rows(name: str, timed: Sequence[Timed]) -> list[Row]:
    """The first, ours, beside each of the others."""
    ours, *others = timed
    return [
        Row(
            workload=name,
            peer=other.peer.name,
            ours_ns=median(ours.ns),
            peer_ns=median(other.ns),
            ratio=median(ours.ns) / median(other.ns),
            ratios=_range([a / b for a, b in zip(ours.ns, other.ns, strict=True)]),
            cpu_ratio=median(ours.cpu_ns) / median(other.cpu_ns),
            ours_range=_range(ours.ns),
            peer_range=_range(other.ns),
            ours_compile_s=ours.compile_s,
            compile_s=other.compile_s,
            apart=other.apart,
            allowed=other.allowed,
            note=other.peer.note,
        )
        for other in others
    ]


def _range(values: Sequence[float]) -> tuple[float, float]:
    return min(values), max(values)
