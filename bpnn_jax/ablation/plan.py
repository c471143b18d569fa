"""A study cut into chunks: runs of one compiled program, in lanes side by side. ``run_chunk`` is all that a worker has to do."""

import hashlib
import importlib.metadata
import json
import os
import platform
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

import jax
import numpy as np

import bpnn_jax
from bpnn_jax import patterns
from bpnn_jax.ablation.folder import Table, table
from bpnn_jax.ablation.study import LANES, Arm, Study
from bpnn_jax.errors import InputError
from bpnn_jax.network import Network, init_paired
from bpnn_jax.training import _engines
from bpnn_jax.training._loop import Settings
from bpnn_jax.training._many import train_many
from manual import RULES

FORMAT = 1  # of what a chunk's name is the hash of, and of its file
MEAN_RULES = ("sgd", *(name for name, rule in RULES.items() if rule.linear))  # whose mean gradient is a smaller rate


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
            "network": asdict(program.network),
            "settings": asdict(program.settings),
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


def digest(task: patterns.Patterns) -> str:
    """The SHA-256 of a task's patterns."""
    parts = (f"{task.x.shape} {task.t.shape}".encode(), task.x.tobytes(), task.t.tobytes())
    return hashlib.sha256(b"|".join(parts)).hexdigest()


def programs(study: Study, task: patterns.Patterns | None = None) -> list[Program]:
    """The program of each arm. Raises InputError for an arm that cannot be trained, before anything is run.

    task: the study's patterns, if they are at hand.
    """
    task = patterns.load(study.task) if task is None else task
    return [_program(study, arm, task) for arm in study.arms]


def plan(study: Study, where: dict[str, str], task: patterns.Patterns | None = None) -> list[Chunk]:
    """Every chunk of a study, in the order in which they are run.

    Arms of one program share its lanes, all arms of the first seeds first, and programs take turns: so an unfinished study has
    whole seeds, and its first chunks compile different programs at the same time.
    """
    groups: dict[Program, list[Arm]] = {}
    for arm, program in zip(study.arms, programs(study, task), strict=True):
        groups.setdefault(program, []).append(arm)
    found: list[tuple[float, int, Chunk]] = []
    for number, (program, arms) in enumerate(groups.items()):
        lanes = [lane(program, arm, seed) for seed in study.seed_list for arm in arms]
        for at in range(0, len(lanes), study.chunk):
            chunk = Chunk(program, tuple(lanes[at : at + study.chunk]), tuple(where.items()))
            found.append((at / len(lanes), number, chunk))
    return [chunk for _, _, chunk in sorted(found, key=lambda item: item[:2])]


def run_chunk(chunk: Chunk) -> Table:
    """Train a chunk, on one core, and return its table: a row a lane."""
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


def _program(study: Study, arm: Arm, task: patterns.Patterns) -> Program:
    run = arm.run
    task = task if run.targets == "given" else task.with_targets(-1.0, 1.0)
    hidden = run.hidden or task.hidden
    output = run.activation if run.output_activation == "same" else run.output_activation
    network = Network(
        (task.x.shape[1], *hidden, task.t.shape[1]),
        (run.activation,) * len(hidden) + (output,),
        input_bias=run.input_bias,
        hidden_bias=run.hidden_bias,
        skip=run.skip,
    )
    settings = Settings(
        epochs=study.epochs,
        rule=run.rule,
        mode=run.mode,
        batch_size=run.batch_size if run.mode == "minibatch" else Settings.batch_size,
        order=run.order,
        gradient=run.gradient,
        shuffle=run.shuffle,
        stop_solved=True,
        history_every=study.history_every,
    )
    if run.reduction == "mean":
        _check_mean(arm, len(task))
    return Program(network, settings, run.dtype, task.x, task.t, digest(task))


def _check_mean(arm: Arm, count: int) -> None:
    """A mean over the patterns of a batch is the sum with smaller rates: for rules in proportion, and batches of one size."""
    run = arm.run
    if run.rule not in MEAN_RULES:
        raise InputError(f"{arm.name}: expected reduction mean with one of {', '.join(MEAN_RULES)}, got {run.rule}")
    if run.mode == "minibatch" and count % min(run.batch_size, count):
        raise InputError(
            f"{arm.name}: expected a batch size that divides the {count} patterns for reduction mean, got {run.batch_size}"
        )


def lane(program: Program, arm: Arm, seed: int) -> Lane:
    """What of a run shapes no program."""
    run, count = arm.run, len(program.x)
    batch = {"online": 1, "batch": count, "minibatch": min(run.batch_size, count)}[run.mode]
    share = 1 / batch if run.reduction == "mean" else 1.0
    # (13) has a gradient in either term; a velocity's decay is none of the gradient's business.
    decay = share if run.rule == "previous-gradient" else 1.0
    distance = float(program.t.max() - program.t.min()) or 1.0
    rates = run.learning_rate * share, run.momentum * decay, run.tolerance * distance
    return Lane(arm.name, seed, *rates, run.initial, run.ranges if run.initial == "uniform" else ())
