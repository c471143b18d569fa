"""The grid: sizes, modes and numbers of networks, ours and each engine beside plain JAX and C: ``make bench ARGS="--grid"``.

A cell is one of them. In a cell the same data is trained by what we choose, by the engine that we did not choose, by ``jax.grad``
as JAX is installed and with our XLA options, and by C or PyTorch where they have the mode; ``rounds`` checks what each computes.
"""

import itertools
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from statistics import median

import numpy as np

from benchmarks.speed import rounds, worker
from benchmarks.speed.peers import TORCH, Peer, jax_grad, ours, pytorch
from benchmarks.speed.peers.compiled import BLOCKED, C
from benchmarks.speed.rounds import Progress, Timed, Workload
from benchmarks.speed.tasks import Task, uniform
from bpnn_jax import InputError

SIZES = ("2-2-1", "4-8-3", "20-8-3", "30-16-2", "64-32-10", "64-64-64-10", "784-32-10", "784-128-10")
BATCHES = {"online": 1, "minibatch": 32, "batch": 512}
PATTERNS = 512  # one update of mode "batch"
MANY = (1, 64, 1024)
SOME = ("4-8-3", "30-16-2", "64-32-10")  # where two cores, other rules and float64 are measured
TORCH_CELLS = tuple((sizes, networks) for sizes in ("4-8-3", "30-16-2", "64-32-10") for networks in (1, 64))
LARGEST = 60_000_000  # weights of all networks of a cell: 240 MB, of which training holds several
LONGER = (
    4  # a call takes some 3 ms once: 3% of a run of 0.1 s, more than what is to be seen between one network's peers
)
FEWEST = {"online": 64, "minibatch": 16, "batch": 4}  # updates: what a call does once is spread over them
ENGINES = {
    "online": ("fused loop", "generic"),
    "batches": ("fused batches", "generic"),
    "many": ("lanes", "generic, vmapped"),
    "many online": ("lanes", "generic, vmapped", "one at a time"),
}
ALONE_FROM = 1000  # weights of each of many: the last engine is not measured for smaller ones
PLAIN, PLAIN_OPTION = "jax", "jax with our options"


@dataclass(frozen=True)
class Cell:
    """One point of the grid.

    >>> Cell("20-8-3", "online", 64).name
    '20-8-3, online, 64 networks, 1 core, sgd, float32'
    """

    sizes: str
    mode: str
    networks: int
    cores: int = 1
    rule: str = "sgd"
    dtype: str = "float32"

    @property
    def name(self) -> str:
        several = f"{self.networks} network{'s' * (self.networks > 1)}, {self.cores} core{'s' * (self.cores > 1)}"
        return f"{self.sizes}, {self.mode}, {several}, {self.rule}, {self.dtype}"

    @property
    def layers(self) -> tuple[int, ...]:
        return tuple(map(int, self.sizes.split("-")))


@dataclass(frozen=True)
class Measured:
    """What a cell gave: nanoseconds per pattern and network, medians of the rounds, by the clock and by the processor's.

    engine: what ``train`` or ``train_many`` chose. engines: the time of each engine that can do it.
    peer: the fastest of the others, and ratio: ours / peer. compile_s: seconds that our first run took beyond the next.
    told: what was not measured, and why.
    """

    sizes: str
    mode: str
    networks: int
    cores: int
    rule: str
    dtype: str
    engine: str
    engines: dict[str, float]
    ours_ns: float
    ours_cpu_ns: float
    peer: str
    peer_ns: float
    ratio: float
    cpu_ratio: float
    compile_s: float
    peers: dict[str, float]
    told: dict[str, str]


def cells(quick: bool = False) -> list[Cell]:
    """Every cell, the small ones first; a quick look has nine."""
    if quick:
        return [Cell(s, m, n) for s in ("4-8-3", "64-32-10") for m in BATCHES for n in (1, 64)][:9]
    found = [Cell(s, m, n) for s in SIZES for m in BATCHES for n in MANY]
    found += [Cell(s, m, 1024, cores=2) for s in SOME for m in BATCHES]
    found += [
        Cell(s, m, n, rule=rule)
        for rule in ("previous-gradient", "adam")
        for s in SOME
        for m in BATCHES
        for n in (1, 64)
    ]
    found += [Cell(s, m, n, dtype="float64") for s in SOME for m in BATCHES for n in (1, 64)]
    return [cell for cell in found if fits(cell.sizes, cell.networks)]


def fits(sizes: str, networks: int) -> bool:
    """Whether so many networks are within ``LARGEST``.

    >>> fits("784-32-10", 1024), fits("784-128-10", 1024)
    (True, False)
    """
    return weights([int(n) for n in sizes.split("-")]) * networks <= LARGEST


def weights(layers: Sequence[int]) -> int:
    """How many weights a network of these layers has, bias nodes included.

    >>> weights((20, 8, 3))
    195
    """
    return sum((n_in + 1) * n_out for n_in, n_out in itertools.pairwise(layers))


def multiply_adds(layers: Sequence[int], batch: int) -> float:
    """Of one pattern: each weight once forward, once in its gradient and once per update in the step, and W̄ above the first back.

    >>> multiply_adds((20, 8, 3), 1)
    609.0
    """
    back = sum(n_in * n_out for n_in, n_out in itertools.pairwise(layers[1:]))
    return weights(layers) * (2 + 1 / batch) + back


def multiply_adds_per_ns(size: int = 512, times: int = 9) -> float:
    """The most that a core of this machine was seen to do: a float32 matrix product by NumPy, in a process held to one core."""
    with worker.Worker(_product, cores=1) as one:
        one.load(size)  # type: ignore[arg-type]
        return size**3 / 1e9 / min(one.time()[1] for _ in range(times))


def _product(size: int):
    a = np.random.default_rng(0).normal(size=(size, size)).astype(np.float32)
    return lambda: np.matmul(a, a)[0, 0]


def task(cell: Cell) -> Task:
    """Random patterns and weights of a trained network's size: the time does not depend on them, unless numbers overflow."""
    rng, layers = np.random.default_rng(1), cell.layers
    x = rng.uniform(0, 1, (PATTERNS, layers[0])).astype(np.float32)
    t = rng.uniform(0.1, 0.9, (PATTERNS, layers[-1])).astype(np.float32)
    ranges = tuple((6.0 / (n_in + n_out)) ** 0.5 for n_in, n_out in itertools.pairwise(layers))  # Glorot's
    rate = 0.001 if cell.rule == "adam" else 0.1 / BATCHES[cell.mode]
    return Task(
        layers,
        x,
        t,
        uniform(layers, cell.networks, ranges),
        learning_rate=rate,
        momentum=0.1 * rate if cell.rule == "previous-gradient" else 0.0,
        rule=cell.rule,
        batch_size=BATCHES[cell.mode],
        dtype=cell.dtype,
    )


def chosen(cell: Cell) -> tuple[str, tuple[str, ...]]:
    """(the engine that is chosen, every engine that can do it)."""
    from bpnn_jax import Network
    from bpnn_jax.training import Settings, _engines

    network, settings = Network(cell.layers), Settings(rule=cell.rule)
    if cell.mode != "online":
        settings = replace(settings, mode="minibatch", batch_size=BATCHES[cell.mode])
    if cell.networks > 1:
        larger = cell.mode == "online" and weights(cell.layers) > ALONE_FROM
        fast, *usual = ENGINES["many online" if larger else "many"]
    else:
        fast, *usual = ENGINES["online" if cell.mode == "online" else "batches"]
    able = (fast, *usual) if _engines.fits_fused(network, settings) else tuple(usual)
    if cell.networks == 1:
        return _engines.engine_for(network, settings, cell.dtype).name, able
    return _engines.block(network, settings, cell.dtype)[0], able


def guess(cell: Cell) -> float:
    """Nanoseconds of an update of one network, roughly, to choose how long a run is."""
    return 50 + 0.5 * weights(cell.layers) * BATCHES[cell.mode]


def workload(cell: Cell) -> tuple[Workload, str]:
    """A cell as ``rounds`` measures it, and the engine that ours chooses: ours, the other engine, plain JAX twice, C, PyTorch."""
    single, about = cell.networks == 1, guess(cell)
    engine, able = chosen(cell)
    peers = [Peer(name, ours.held_to(name), 4 * about) for name in able if name != engine]
    plain = jax_grad.one if single else jax_grad.many
    peers += [Peer(PLAIN, plain, 4 * about, plain_xla=True), Peer(PLAIN_OPTION, plain, 4 * about)]
    compiled = cell.mode == "online" and cell.dtype == "float32" and cell.rule in ("sgd", "previous-gradient")
    if compiled and single and len(cell.layers) == 3:
        peers.append(replace(C, guess=about))
    if compiled and not single and cell.rule == "previous-gradient" and cell.sizes == "20-8-3":
        peers.append(replace(BLOCKED, guess=about))
    if (cell.sizes, cell.networks) in TORCH_CELLS and cell.mode == "minibatch" and cell.rule == "previous-gradient":
        peers.append(Peer("pytorch", pytorch.eager if single else pytorch.vmap, 1e6, missing=TORCH))
    mine = Peer("ours", ours.one if single else ours.many, about)
    longer, fewest = (LONGER if single else 1), FEWEST[cell.mode]
    return Workload(cell.name, task(cell), mine, tuple(peers), cell.cores, longer, fewest), engine


def summed_up(cell: Cell, engine: str, timed: Sequence[Timed], told: dict[str, str]) -> Measured:
    """A cell's row of the JSON."""
    per_pattern = {t.peer.name: median(t.ns) / BATCHES[cell.mode] for t in timed}
    by_cpu = {t.peer.name: median(t.cpu_ns) / BATCHES[cell.mode] for t in timed}
    mine = per_pattern["ours"]
    engines = {engine: mine} | {n: ns for n, ns in per_pattern.items() if n in itertools.chain(*ENGINES.values())}
    peers = {n: ns for n, ns in per_pattern.items() if n != "ours" and n not in engines}
    best = min(peers, key=lambda name: peers[name]) if peers else ""
    found = Measured(
        **asdict(cell),
        engine=engine,
        engines=engines,
        ours_ns=mine,
        ours_cpu_ns=by_cpu["ours"],
        peer=best,
        peer_ns=peers.get(best, float("nan")),
        ratio=mine / peers[best] if best else float("nan"),
        cpu_ratio=by_cpu["ours"] / by_cpu[best] if best else float("nan"),
        compile_s=next(t.compile_s for t in timed if t.peer.name == "ours"),
        peers=peers,
        told=told,
    )
    return found


def run(chosen_cells: Sequence[Cell], rounds_each: int, seconds: float, progress: Progress) -> list[Measured]:
    """Measure the cells, one after the other."""
    found = []
    for at, cell in enumerate(chosen_cells):
        if cell.cores > worker.cores():
            continue
        load, engine = workload(cell)
        said = lambda what, at=at: progress(f"{at + 1} of {len(chosen_cells)}: {what}")  # noqa: E731
        timed, told = rounds.measure(load, rounds_each, seconds, said)
        found.append(summed_up(cell, engine, timed, told))
    return found


def narrowed(sizes: Sequence[str], quick: bool) -> list[Cell]:
    """The cells of these sizes; all where none is named."""
    every = cells(quick)
    for name in sizes:
        if name not in {cell.sizes for cell in every}:
            known = ", ".join(dict.fromkeys(cell.sizes for cell in every))
            raise InputError(f"expected sizes among {known}, got {name!r}")
    return [cell for cell in every if not sizes or cell.sizes in sizes]
