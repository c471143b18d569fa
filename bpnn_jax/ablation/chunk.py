"""A chunk of a study: a program, and runs of it in lanes side by side. ``run_chunk`` is all that a worker has to do."""

import hashlib
import importlib.metadata
import json
import os
import platform
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from typing import Any, NamedTuple

import jax
import numpy as np

import bpnn_jax
from bpnn_jax._runtime.text import one_line
from bpnn_jax.ablation import scoring
from bpnn_jax.ablation.scoring import Judge
from bpnn_jax.ablation.study import LANES
from bpnn_jax.ablation.table import Columns, Table, table
from bpnn_jax.errors import InputError, unknown
from bpnn_jax.network import Network, init_paired
from bpnn_jax.training import Settings, _engines, _settings, train_many
from bpnn_jax.training._many import LARGEST_HISTORY

FORMAT = 1  # of what a chunk's name is the hash of, and of its file
# The fields that the first chunks were named by. One that came later is named only where it is not its default, so that a new
# setting changes the name of no chunk that was trained without it.
FIRST_NETWORK = ("sizes", "activations", "input_bias", "hidden_bias", "skip")
FIRST_SETTINGS = (
    *("epochs", "rule", "mode", "batch_size", "order", "gradient", "shuffle", "measure"),
    *("stop_solved", "history_every"),
)

ONE_WIDTH = ("0.1.", "0.2.")  # versions all of whose blocks were ``LANES`` wide
KERNEL_RUNS = 8192  # of a chunk that the GPU kernel trains, as one block: with two threads each they fill an H100 once, docs/gpu.md


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
    """What shapes a program, and the patterns it runs on: one group of a study. Arrays are (patterns, n0) and (patterns, nL).

    split: the number of the split that the patterns are of; ``judge`` scores the networks, ``scored`` is its SHA-256.
    looks: the epochs, counted from 0, after which the networks are scored too; ``keep_weights``: whether they are kept at their end.
    """

    network: Network
    settings: Settings
    dtype: str
    x: np.ndarray = field(compare=False)
    t: np.ndarray = field(compare=False)
    patterns: str  # the SHA-256 of both
    split: int = 0
    judge: Judge | None = field(default=None, compare=False)
    scored: str = ""
    looks: tuple[int, ...] = ()
    keep_weights: bool = False

    def engine(self, place: Mapping[str, str]) -> tuple[str, int]:
        """What trains it there, by its name in ``ManyResult``, and how many networks are a block: the kernel where it can."""
        if (kernel := self.kernel(place)) is not None:
            return _engines.KERNELS[kernel], KERNEL_RUNS
        engine, width = _engines.block(self.network, self.settings, self.dtype, place.get("backend"))
        return engine, LANES if place.get("bpnn_jax", "").startswith(ONE_WIDTH) else width

    def kernel(self, place: Mapping[str, str]) -> str | None:
        """The device of ``train_many`` where the GPU kernel trains it there, otherwise None."""
        points = _settings.points(self.settings)
        if "kernel" not in place or self.dtype != "float32" or points * KERNEL_RUNS > LARGEST_HISTORY:
            return None
        if place["kernel"] not in _engines.KERNELS:
            raise unknown("kernel of a place", place["kernel"], tuple(_engines.KERNELS))
        from bpnn_jax.training.gpu import block as gpu

        return None if gpu.supports(self.network, self.settings) else place["kernel"]

    @property
    def structure(self) -> tuple:
        """What the checks of a program depend on: its shapes, and not its numbers."""
        return self.network, self.settings, self.dtype, self.x.shape

    def columns(self, runs: int, points: int) -> Columns:
        """Of the table of so many runs."""
        scores = 0 if self.judge is None else len(self.judge.names)
        curves = 0 if self.judge is None else len(self.looks) * len(self.judge.followed)
        weights = sum(rows * columns for rows, columns in self.network.shapes) if self.keep_weights else 0
        return Columns(runs, points, scores, curves, weights, self.dtype if weights else "float32")


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
            "lane_width": self.engine[1],
            "lanes": [list(lane) for lane in self.lanes],
            "place": dict(self.place),
            **({} if program.judge is None else {"split": program.split, "scores": program.scored}),
            **({"looks": list(program.looks)} if program.looks else {}),
            **({"weights": True} if program.keep_weights else {}),
            **({} if self.kernel is None else {"engine": self.engine[0]}),
        }

    @property
    def engine(self) -> tuple[str, int]:
        """As ``Program.engine`` has it."""
        return self.program.engine(dict(self.place))

    @property
    def kernel(self) -> str | None:
        """As ``Program.kernel`` has it."""
        return self.program.kernel(dict(self.place))

    @property
    def described(self) -> str:
        return json.dumps(self.identity, sort_keys=True, separators=(",", ":"))

    @property
    def name(self) -> str:
        return hashlib.sha256(self.described.encode()).hexdigest()


def place() -> dict[str, str]:
    """Versions and device: on another of these the last bits of a result may be others.

    ``kernel`` is there where the GPU kernel runs: ``gpu``. A place that says ``interpret`` has its body run on the CPU, to test it.
    """
    return {
        "bpnn_jax": bpnn_jax.__version__,
        "jax": jax.__version__,
        "jaxlib": importlib.metadata.version("jaxlib"),
        "backend": jax.default_backend(),
        "device": jax.devices()[0].device_kind,
        "machine": platform.machine(),
        "xla_flags": os.environ.get("XLA_FLAGS", ""),
        **({"kernel": "gpu"} if _kernel_runs() else {}),
    }


def _kernel_runs() -> bool:
    """Whether the GPU kernel runs where JAX computes here. Without a GPU Pallas is not imported."""
    if jax.default_backend() != "gpu":
        return False
    from bpnn_jax.training.gpu import block as gpu

    try:
        gpu.check_device()
    except InputError:
        return False
    return _kernel_tried()


@cache
def _kernel_tried() -> bool:
    """Whether the kernel trains a small network here; where it cannot, a warning says so, once."""
    try:
        train_many(Network((2, 2, 1)), np.eye(2), np.ones((2, 1)), seeds=2, epochs=2, device="gpu")
    except Exception as error:  # whatever a compiler raises that does not know this kernel
        warnings.warn(
            f"The GPU kernel does not run here, so studies train without it ({type(error).__name__}: {one_line(str(error))[:200]}). "
            "Please report it, with what `bpnn doctor` prints.",
            stacklevel=2,
        )
        return False
    return True


def run_chunk(chunk: Chunk) -> Table:
    """Train a chunk, on one core or by one launch of the GPU kernel at a time, and return its table: a row per lane."""
    program, lanes, judge = chunk.program, chunk.lanes, chunk.program.judge
    by: dict[str, Any] = {"cores": 1}
    together = scoring.LANES
    if chunk.kernel is not None:
        by, together = {"device": chunk.kernel, "lanes": chunk.engine[1]}, scoring.GPU_LANES
    seeds = np.array([lane.seed for lane in lanes], np.uint32)
    curves = np.full((len(lanes), len(program.looks), 0 if judge is None else len(judge.followed)), np.nan)

    def look(runs: np.ndarray, epoch: int, weights: tuple) -> None:
        assert judge is not None
        curves[runs, program.looks.index(epoch)] = judge.follow(program.network, weights, program.dtype, together)

    found = train_many(
        program.network,
        program.x,
        program.t,
        seeds=seeds.tolist(),
        learning_rate=[lane.learning_rate for lane in lanes],
        momentum=[lane.momentum for lane in lanes],
        tolerance=[lane.tolerance for lane in lanes] if program.settings.stop_solved else None,
        weights=_first_weights(chunk, seeds),
        dtype=program.dtype,
        settings=program.settings,
        **by,
        looks=program.looks,
        look=look if program.looks else None,
    )
    flat = [W.reshape(len(lanes), -1) for W in found.weights]
    return table(
        chunk.described,
        arm=[lane.arm for lane in lanes],
        seed=seeds,
        stopped=found.stopped,
        epochs=found.iterations + 1,
        error=found.error,
        history=found.history.T,
        seconds=np.full(len(lanes), found.seconds / len(lanes)),
        scores=None if judge is None else judge.scores(program.network, found.weights, program.dtype, together),
        curves=curves.reshape(len(lanes), -1),
        weights=np.concatenate(flat, axis=1) if program.keep_weights else None,
    )


def _first_weights(chunk: Chunk, seeds: np.ndarray) -> tuple:
    """Lanes that start from the same distribution are drawn together."""
    network = chunk.program.network
    found = [np.empty((len(seeds), *shape), np.float32) for shape in network.shapes]
    kinds = [(lane.initial, lane.ranges) for lane in chunk.lanes]
    with _engines.placed(chunk.kernel is not None):  # one is drawn after the other, in lines that a GPU would launch
        for kind in dict.fromkeys(kinds):
            at = np.array([k == kind for k in kinds])
            for W, drawn in zip(found, init_paired(network, *kind, seeds[at], width=LANES), strict=True):
                W[at] = drawn
    return tuple(found)


def _named(record: Any, first: tuple[str, ...]) -> dict[str, Any]:
    """The fields ``first`` of a dataclass, and each further one that is not its default."""
    values = {f.name: getattr(record, f.name) for f in fields(record)}
    later = {f.name for f in fields(record) if f.name not in first and values[f.name] != f.default}
    return {name: value for name, value in values.items() if name in first or name in later}
