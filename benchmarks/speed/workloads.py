"""The workloads, and the whole run: ours beside every peer at hand, and what ours does alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from benchmarks.speed import peers, rounds, tasks, worker
from benchmarks.speed.peers import Peer
from benchmarks.speed.rounds import Progress, Row, Workload
from bpnn_jax import InputError

ONLINE, MANY, MINIBATCH, XOR = "online 20-8-3", "many 20-8-3", "minibatch 784-128-10", "xor 2-2-1 many"
MANY_TWO, MINIBATCH_TWO = f"{MANY}, 2 cores", f"{MINIBATCH}, 2 cores"
NAMES = (ONLINE, MANY, MANY_TWO, MINIBATCH, MINIBATCH_TWO, XOR)


@dataclass(frozen=True)
class Options:
    """How long, and what.

    rounds:        how often everybody is timed, in turn.
    seconds:       how long each run is, about.
    networks:      in ``many``.
    xor_networks:  in ``xor``.
    workloads, peers: only these; all if empty.
    slow:          with the peers that compile for long.
    """

    rounds: int = 7
    seconds: float = 0.3
    networks: int = 4096
    xor_networks: int = 100_000
    workloads: tuple[str, ...] = ()
    peers: tuple[str, ...] = ()
    slow: bool = True


QUICK = Options(
    rounds=3, seconds=0.05, networks=1024, xor_networks=10_000, workloads=(ONLINE, MANY, MINIBATCH, XOR), slow=False
)


@dataclass(frozen=True)
class Alone:
    """What ours does with no peer beside it: the peak memory of its process, and that with few networks."""

    workload: str
    networks: int
    epochs: int
    seconds: float
    range: tuple[float, float]
    ours_ns: float
    compile_s: float
    peak_bytes: int
    small_peak_bytes: int


@dataclass
class Study:
    """Rows for the table, ours alone, and a line for each peer that is not there: {workload: {peer: why}}."""

    options: Options
    rows: list[Row] = field(default_factory=list)
    alone: list[Alone] = field(default_factory=list)
    absent: dict[str, dict[str, str]] = field(default_factory=dict)


def workloads(options: Options, more: Mapping[str, Sequence[Peer]]) -> list[Workload]:
    """Every workload with its peers; ``more`` adds peers, such as those in C, for a workload by name."""
    many = tasks.recogniser(options.networks)
    one_core = replace(peers.OURS_MANY, name="ours-one-core", cores=1, note="the same on one core")
    found = [
        Workload(ONLINE, tasks.recogniser(), peers.OURS, (*more.get(ONLINE, ()), *peers.ONE)),
        Workload(MANY, many, peers.OURS_MANY, (*more.get(MANY, ()), *peers.MANY), cores=1, longer=4),
        Workload(MANY_TWO, many, peers.OURS_MANY, (one_core, *more.get(MANY, ()), *peers.MANY), cores=2, longer=4),
        Workload(MINIBATCH, tasks.minibatch(), peers.OURS_BATCH, peers.BATCH, cores=1),
        Workload(MINIBATCH_TWO, tasks.minibatch(), peers.OURS_BATCH, peers.BATCH, cores=2),
    ]
    known = sorted({p.name for w in found for p in w.peers})
    for kind, given, names in (("workload", options.workloads, NAMES), ("peer", options.peers, known)):
        for name in given:
            if name not in names:
                raise InputError(f"expected a {kind} among {', '.join(map(repr, names))}, got {name!r}")

    def chosen(peer: Peer) -> bool:
        return peer.name in options.peers if options.peers else True

    return [
        replace(w, peers=tuple(p for p in w.peers if chosen(p)))
        for w in found
        if not options.workloads or w.name in options.workloads
    ]


def run(options: Options, progress: Progress, more: Mapping[str, Sequence[Peer]] | None = None) -> Study:
    """Measure everything. A peer that is missing, fails or computes something else is told of, and the others go on."""
    study = Study(options)
    for workload in workloads(options, more or {}):
        if (workload.cores or 1) > worker.cores():
            study.absent[workload.name] = {"ours": f"needs {workload.cores} cores, got {worker.cores()}"}
            continue
        left_out = {} if options.slow else {p.name: "left out of a quick look" for p in workload.peers if p.slow}
        workload = replace(workload, peers=tuple(p for p in workload.peers if p.name not in left_out))
        timed, absent = rounds.measure(workload, options.rounds, options.seconds, progress)
        study.rows += rounds.rows(workload.name, timed)
        study.absent[workload.name] = left_out | absent
    if not options.workloads or XOR in options.workloads:
        study.alone.append(xor(options, progress))
    return study


def xor(options: Options, progress: Progress) -> Alone:
    """Ours alone: many XOR networks, all cores. Its peak memory beside that of the same run with a few networks."""
    progress(f"{XOR}: {options.xor_networks} networks")
    task = tasks.xor(options.xor_networks)
    with worker.Worker(peers.OURS_MANY.prepare) as few:
        few.load(tasks.xor(min(256, options.xor_networks)))
        small = few.peak_memory()
    with worker.Worker(peers.OURS_MANY.prepare) as ours:
        _, first = ours.load(task)
        (found,) = rounds.alternate([ours.time], min(3, options.rounds))
        times = [wall for wall, _ in found]
        peak = ours.peak_memory()
    middle = sorted(times)[len(times) // 2]
    return Alone(
        workload=XOR,
        networks=task.networks,
        epochs=task.epochs,
        seconds=middle,
        range=(min(times), max(times)),
        ours_ns=1e9 * middle / task.networks / task.updates,
        compile_s=max(0.0, first - middle),
        peak_bytes=peak,
        small_peak_bytes=small,
    )
