"""A study planned: its arms, the program of each, and its chunks, runs of one program in lanes side by side.

``run_chunk`` is all that a worker has to do.
"""

import hashlib
import importlib.metadata
import json
import os
import platform
from dataclasses import dataclass, field, fields, replace
from typing import Any, NamedTuple

import jax
import numpy as np

import bpnn_jax
from bpnn_jax import patterns
from bpnn_jax.ablation.study import LANES, Arm, Study
from bpnn_jax.ablation.table import Table, table
from bpnn_jax.errors import InputError
from bpnn_jax.network import Network, init_paired
from bpnn_jax.patterns import Patterns
from bpnn_jax.settings import patterns_per_update
from bpnn_jax.training import Settings, _engines, train_many

LARGEST_CHUNK = (
    200_000_000  # numbers that are trained at the same time: 800 MB of float32, and as much again while they are
)
FORMAT = 1  # of what a chunk's name is the hash of, and of its file
# The fields that the first chunks were named by. One that came later is named only where it is not its default, so that a new
# setting changes the name of no chunk that was trained without it.
FIRST_NETWORK = ("sizes", "activations", "input_bias", "hidden_bias", "skip")
FIRST_SETTINGS = (
    *("epochs", "rule", "mode", "batch_size", "order", "gradient", "shuffle", "measure"),
    *("stop_solved", "history_every"),
)

MEANS_BY_RATES = ("0.1.", "0.2.")  # versions that trained a mean as a sum with smaller rates, and named it so


class Lane(NamedTuple):
    """One run of a chunk, and what of it shapes no program."""

    arm: str
    seed: int
    learning_rate: float
    momentum: float
    tolerance: float
    initial: str
    ranges: tuple[float, ...]


@dataclass(frozen=True)
class Program:
    """What shapes a program, and the patterns it runs on: one group of a study. Arrays are (patterns, n0) and (patterns, nL)."""

    network: Network
    settings: Settings
    dtype: str
    x: np.ndarray = field(compare=False)
    t: np.ndarray = field(compare=False)
    patterns: str  # the SHA-256 of both


@dataclass(frozen=True)
class Chunk:
    """A program, up to ``Study.chunk`` lanes of it, and where it runs."""

    program: Program
    lanes: tuple[Lane, ...]
    place: tuple[tuple[str, str], ...]

    @property
    def identity(self) -> dict[str, Any]:
        """All that the result depends on; the chunk's name is its SHA-256."""
        program = self.program
        return {
            "format": FORMAT,
            "network": _named(program.network, FIRST_NETWORK),
            "settings": _named(program.settings, FIRST_SETTINGS),
            "dtype": program.dtype,
            "patterns": program.patterns,
            "lane_width": _engines.block(program.network, program.settings, program.dtype)[2],
            "lanes": [list(lane) for lane in self.lanes],
            "place": dict(self.place),
        }

    @property
    def described(self) -> str:
        return json.dumps(self.identity, sort_keys=True, separators=(",", ":"))

    @property
    def name(self) -> str:
        return hashlib.sha256(self.described.encode()).hexdigest()


@dataclass(frozen=True)
class Plan:
    """A study, planned once for the certificates, the engine that trains it and its results.

    task:     the study's patterns.
    place:    where the chunks run: ``place()`` there.
    arms:     the study's, in its order.
    programs: the program of each arm.
    lanes:    each arm's run of seed 0.
    chunks:   in the order in which they are run.
    """

    study: Study
    task: Patterns
    place: dict[str, str]
    arms: tuple[Arm, ...]
    programs: tuple[Program, ...]
    lanes: tuple[Lane, ...]
    chunks: tuple[Chunk, ...]

    @property
    def points(self) -> int:
        """The length of each run's error curve."""
        return len(self.study.history_epochs)


def plan(study: Study, where: dict[str, str], task: Patterns | None = None) -> Plan:
    """Every chunk of a study. Raises InputError for an arm that cannot be trained, before anything is run.

    where: ``place()`` where the chunks will run.
    task:  the study's patterns, if they are at hand.

    Arms of one program share its lanes, all arms of the first seeds first, and programs take turns: so an unfinished study has
    whole seeds, and its first chunks compile different programs at the same time.
    """
    task = patterns.load(study.task) if task is None else task
    arms, programs, first = study.arms, [], []
    groups: dict[Program, list[Lane]] = {}
    for arm in arms:
        try:
            program, lane = _program(study, arm, task), _lane(arm, task)
            if arm.run.reduction == "mean" and where.get("bpnn_jax", "").startswith(MEANS_BY_RATES):
                program, lane = _mean_by_rates(program, lane)
        except InputError as error:
            raise InputError(f"{arm.name}: {error}") from None
        _check_room(study, program)
        groups.setdefault(program, []).append(lane)
        programs.append(program)
        first.append(lane)
    found: list[tuple[float, int, Chunk]] = []
    for number, (program, of_program) in enumerate(groups.items()):
        lanes = [lane._replace(seed=seed) for seed in study.seed_list for lane in of_program]
        for at in range(0, len(lanes), study.chunk):
            chunk = Chunk(program, tuple(lanes[at : at + study.chunk]), tuple(where.items()))
            found.append((at / len(lanes), number, chunk))
    chunks = tuple(chunk for _, _, chunk in sorted(found, key=lambda item: item[:2]))
    return Plan(study, task, where, arms, tuple(programs), tuple(first), chunks)


def _check_room(study: Study, program: Program) -> None:
    """Raise InputError where a chunk's networks and their curves are more numbers than a machine should be asked for."""
    weights = sum(rows * columns for rows, columns in program.network.shapes)
    together = min(study.chunk, -(-study.runs // LANES) * LANES)
    needed = together * (weights + len(study.history_epochs))
    if needed > LARGEST_CHUNK:
        raise InputError(
            f"expected at most {LARGEST_CHUNK:,} numbers in a chunk, got {needed:,}: {together} networks of {weights:,} weights and "
            f"{len(study.history_epochs):,} points; a smaller chunk, fewer points or fewer hidden nodes would fit"
        )


def place() -> dict[str, str]:
    """Versions and device: on another of these the last bits of a result may be others."""
    return {
        "bpnn_jax": bpnn_jax.__version__,
        "jax": jax.__version__,
        "jaxlib": importlib.metadata.version("jaxlib"),
        "backend": jax.default_backend(),
        "device": jax.devices()[0].device_kind,
        "machine": platform.machine(),
        "xla_flags": os.environ.get("XLA_FLAGS", ""),
    }


def run_chunk(chunk: Chunk) -> Table:
    """Train a chunk, on one core, and return its table: a row per lane."""
    program, lanes = chunk.program, chunk.lanes
    seeds = np.array([lane.seed for lane in lanes], np.uint32)
    found = train_many(
        program.network,
        program.x,
        program.t,
        seeds=seeds.tolist(),
        learning_rate=[lane.learning_rate for lane in lanes],
        momentum=[lane.momentum for lane in lanes],
        tolerance=[lane.tolerance for lane in lanes],
        weights=_first_weights(chunk, seeds),
        dtype=program.dtype,
        settings=program.settings,
        cores=1,
    )
    return table(
        chunk.described,
        arm=[lane.arm for lane in lanes],
        seed=seeds,
        stopped=found.stopped,
        epochs=found.iterations + 1,
        error=found.error,
        history=found.history.T,
        seconds=np.full(len(lanes), found.seconds / len(lanes)),
    )


def _first_weights(chunk: Chunk, seeds: np.ndarray) -> tuple:
    """Lanes that start from the same distribution are drawn together."""
    network = chunk.program.network
    found = [np.empty((len(seeds), *shape), np.float32) for shape in network.shapes]
    kinds = [(lane.initial, lane.ranges) for lane in chunk.lanes]
    for kind in dict.fromkeys(kinds):
        at = np.array([k == kind for k in kinds])
        for W, drawn in zip(found, init_paired(network, *kind, seeds[at], width=LANES), strict=True):
            W[at] = drawn
    return tuple(found)


def _program(study: Study, arm: Arm, task: Patterns) -> Program:
    run = arm.run
    settings = run.settings(epochs=study.epochs, stop_solved=True, history_every=study.history_every)
    network, task = run.network(task), run.patterns(task)
    return Program(network, settings, run.dtype, task.x, task.t, task.sha256)


def _lane(arm: Arm, task: Patterns) -> Lane:
    """Of seed 0."""
    run, rates = arm.run, arm.run.rates(task)
    ranges = run.ranges if run.initial == "uniform" else ()
    return Lane(arm.name, 0, rates.learning_rate, rates.momentum, rates.tolerance, run.initial, ranges)


def _mean_by_rates(program: Program, lane: Lane) -> tuple[Program, Lane]:
    """What a version of ``MEANS_BY_RATES`` trained for a mean, so that its chunks are found: all batches had as many patterns.

    In (13) the gradient is in both terms, so both rates were divided; in (14) and (15) momentum multiplies the velocity.
    """
    settings = program.settings
    share = 1 / patterns_per_update(settings.mode, settings.batch_size, len(program.x))
    momentum = lane.momentum * share if settings.rule == "previous-gradient" else lane.momentum
    lane = lane._replace(learning_rate=lane.learning_rate * share, momentum=momentum)
    return replace(program, settings=replace(settings, reduction="sum")), lane


def _named(record: Any, first: tuple[str, ...]) -> dict[str, Any]:
    """The fields ``first`` of a dataclass, and each further one that is not its default."""
    values = {f.name: getattr(record, f.name) for f in fields(record)}
    later = {f.name for f in fields(record) if f.name not in first and values[f.name] != f.default}
    return {name: value for name, value in values.items() if name in first or name in later}
