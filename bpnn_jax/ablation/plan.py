"""A study planned: its arms, the program of each, and its chunks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bpnn_jax.ablation.chunk import KERNEL_RUNS, Chunk, Lane, Program
from bpnn_jax.ablation.parts import BOOLEAN, NUMBERS, Data, Parts, load, parts
from bpnn_jax.ablation.scoring import Judge
from bpnn_jax.ablation.study import LANES, Arm, Study
from bpnn_jax.errors import InputError
from bpnn_jax.settings import patterns_per_update

LARGEST_CHUNK = 200_000_000  # numbers trained at the same time: 800 MB of float32, and as much again while they are
UNSCORED = ("", "0.1", "0.2")  # versions whose runs were not scored
LARGEST_CUT = 512  # runs of a chunk that is cut by its work
PASSES = 3  # multiplications per weight and pattern: outputs, deltas, steps
MEANS_BY_RATES = ("0.1.", "0.2.")  # versions that trained a mean as a sum with smaller rates, and named it so


@dataclass(frozen=True)
class Plan:
    """A study, planned once for the certificates, the engine that trains it and its results.

    tasks:    the patterns of each of the study's tasks.
    place:    where the chunks run: ``chunk.place()`` there.
    arms:     the study's, in its order.
    programs: the program of each arm, in the first split and the first of its trials.
    lanes:    each arm's run of seed 0 by that program.
    chunks:   in the order in which they are run.
    """

    study: Study
    tasks: tuple[Data, ...]
    place: dict[str, str]
    arms: tuple[Arm, ...]
    programs: tuple[Program, ...]
    lanes: tuple[Lane, ...]
    chunks: tuple[Chunk, ...]

    @property
    def points(self) -> int:
        """The length of each run's error curve."""
        return len(self.study.history_epochs)


def plan(
    study: Study, where: dict[str, str], tasks: Sequence[Data] | None = None, before: Sequence[Study] = ()
) -> Plan:
    """Every chunk of a study. Raises InputError for an arm that cannot be trained, before anything is run.

    where:  ``chunk.place()`` where the chunks will run.
    tasks:  the patterns of the study's tasks, if they are at hand.
    before: smaller studies, of which this one is made by more seeds, splits or values: their chunks come first, cut as they were,
            and then those of the runs that none of them has.

    Trials of one program share its lanes, all of the first seeds first, and programs take turns: so an unfinished study has whole
    seeds, and its first chunks compile different programs at the same time.
    """
    data = dict(zip(study.tasks, map(load, study.tasks) if tasks is None else tasks, strict=True))
    if study.tune and not study.test_share and len({task.test is None for task in data.values()}) > 1:
        raise InputError(
            "expected patterns to test on of all tasks or of none, to tune by, got both; --test-share holds some out"
        )
    made = _Programs(study, where, data)
    programs, first = [], []
    for arm, trial in zip(study.arms, study.trials[:: len(study.trials) // len(study.arms)], strict=True):
        program, lane = made.of(trial, 0)
        _check_room(study, program, where)
        programs.append(program)
        first.append(lane._replace(arm=arm.name))
    chunks, done = [], set()
    for stage in (*before, study):
        chunks += _cut(stage, made, where, done, remember=stage is not study)
    return Plan(study, tuple(data.values()), where, study.arms, tuple(programs), tuple(first), tuple(chunks))


def _cut(stage: Study, made: "_Programs", where: dict[str, str], done: set, remember: bool) -> list[Chunk]:
    """The chunks of a study's runs that are not ``done``; and then they are, as (trial, split, seed)."""
    groups: dict[Program, list[Lane]] = {}
    for split in range(stage.splits):
        for trial in stage.trials:
            program, lane = made.of(trial, split)
            groups.setdefault(program, []).append(lane)
    found: list[tuple[float, int, Chunk]] = []
    for number, (program, of_program) in enumerate(groups.items()):
        lanes = [lane._replace(seed=seed) for seed in stage.seed_list for lane in of_program]
        if done:
            lanes = [lane for lane in lanes if (lane.arm, program.split, lane.seed) not in done]
        if remember:
            done.update((lane.arm, program.split, lane.seed) for lane in lanes)
        size = stage.chunk or _size(stage, program, where)
        for at in range(0, len(lanes), size):
            chunk = Chunk(program, tuple(lanes[at : at + size]), tuple(where.items()))
            found.append((at / len(lanes), number, chunk))
    return [chunk for _, _, chunk in sorted(found, key=lambda item: item[:2])]


def _size(study: Study, program: Program, where: Mapping[str, str]) -> int:
    """Runs of a chunk whose work is counted: multiplications per run, by epochs, patterns and weights. On a GPU fewer runs would take
    as long as ``KERNEL_RUNS`` of them.
    """
    if program.kernel(where) is not None:
        return KERNEL_RUNS
    weights = sum(rows * columns for rows, columns in program.network.shapes)
    runs = study.work / (study.epochs * len(program.x) * weights * PASSES)
    return max(LANES, min(LARGEST_CUT, int(runs) // LANES * LANES))


class _Programs:
    """The programs of a study's trials, each made once for each split."""

    def __init__(self, study: Study, where: dict[str, str], data: dict[str, Data]):
        self._study, self._data = study, data
        self._version = where.get("bpnn_jax", "")
        self._scored = ".".join(self._version.split(".")[:2]) not in UNSCORED
        self._parts: dict[tuple[str, int], Parts] = {}
        self._judges: dict[Any, tuple[Judge, str]] = {}

    def of(self, trial: Arm, split: int) -> tuple[Program, Lane]:
        """The program of a trial in a split, and its run of seed 0. Raises InputError for one that cannot be trained."""
        data, there = self._data[trial.task], self._there(trial.task, split)
        kind = data.kind if self._scored else BOOLEAN
        try:
            program = _program(self._study, trial, there, kind)
            lane = _lane(trial, there)
            if trial.run.reduction == "mean" and self._version.startswith(MEANS_BY_RATES):
                program, lane = _mean_by_rates(program, lane)
        except InputError as error:
            raise InputError(f"{trial.name}: {error}") from None
        if self._scored:
            judge, scored = self._judge(trial, split, data, there)
            looks = () if kind == BOOLEAN else tuple(self._study.score_epochs)
            keep = self._study.keep_weights
            program = replace(program, split=split, judge=judge, scored=scored, looks=looks, keep_weights=keep)
        return program, lane

    def _there(self, task: str, split: int) -> Parts:
        if not self._scored:
            return Parts(self._data[task].patterns)
        if (task, split) not in self._parts:
            study, data = self._study, self._data[task]
            chosen = bool(study.tune) and (study.test_share > 0 or data.test is not None)
            validation = study.validation_share if chosen else 0.0
            self._parts[task, split] = parts(data, split, study.test_share, validation)
        return self._parts[task, split]

    def _judge(self, trial: Arm, split: int, data: Data, there: Parts) -> tuple[Judge, str]:
        key = trial.task, split, trial.run.targets
        if key not in self._judges:
            named = {name: trial.run.patterns(part) for name, part in there.named.items()}
            made = Judge(data.kind, named, there.units)
            self._judges[key] = made, made.sha256
        return self._judges[key]


def _check_room(study: Study, program: Program, where: Mapping[str, str]) -> None:
    """Raise InputError where a chunk's networks and their curves are more numbers than a machine should be asked for."""
    weights = sum(rows * columns for rows, columns in program.network.shapes)
    together = min(study.chunk or _size(study, program, where), -(-study.runs // LANES) * LANES)
    needed = together * program.columns(together, len(study.history_epochs)).numbers + together * weights
    if needed > LARGEST_CHUNK:
        raise InputError(
            f"expected at most {LARGEST_CHUNK:,} numbers in a chunk, got {needed:,}: {together} networks of {weights:,} weights and "
            f"{len(study.history_epochs):,} points; a smaller chunk, fewer points or fewer hidden nodes would fit"
        )


def _program(study: Study, arm: Arm, there: Parts, kind: str) -> Program:
    """Boolean patterns are learnt until they are solved, all others to the limit."""
    run = arm.run
    if kind == NUMBERS and run.output_activation == "same":
        run = replace(run, output_activation="linear")  # numbers have no range that another output would fit
    settings = run.settings(epochs=study.epochs, stop_solved=kind == BOOLEAN, history_every=study.history_every)
    network, task = run.network(there.train), run.patterns(there.train)
    return Program(network, settings, run.dtype, task.x, task.t, task.sha256)


def _lane(arm: Arm, there: Parts) -> Lane:
    """Of seed 0."""
    run, rates = arm.run, arm.run.rates(there.train)
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
