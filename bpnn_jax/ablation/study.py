"""A study: a task, what varies, and over which seeds. Its arms are all combinations of what varies."""

import itertools
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from bpnn_jax import settings
from bpnn_jax.ablation.grid import LARGEST_GRID, grid, tuned
from bpnn_jax.ablation.usual import DEFAULT_EPOCHS, customs, of_the_tasks, run_of
from bpnn_jax.choice import Choice
from bpnn_jax.errors import InputError, finite, switch, unknown, whole_number
from bpnn_jax.errors import seed as check_seed
from bpnn_jax.settings import Run

LANES = 64  # a chunk is whole blocks of the widest kind
LARGEST_STUDY = 10_000_000  # runs, each of which the plan has a record of: some 130 bytes
LARGEST_LIST = 1_000_000  # seeds that are listed one by one, in study.json too
LARGEST_SPLITS = 1_000
WORK = 5e10  # multiplications per chunk: some ten seconds of one core
SCORED = 10  # of the epochs whose error is kept, about: a score takes a pass over all patterns
TASK = "task"  # the factor that several tasks are


@dataclass(frozen=True)
class Arm:
    """One combination: its name, such as ``activation=tanh, momentum=0.9``, its task, and the run it stands for.

    levels: the value of each field that varies, by its name; the task among them where there are several.
    of:     of a trial the arm that it is a trial of, and ``tuned`` the values that are tried.
    """

    name: str
    run: Run
    task: str = ""
    levels: Any = ()
    of: str = ""
    tuned: Any = ()


@dataclass(frozen=True)
class Study:
    """A question: which task is learned, which fields of a run vary, from which seeds, for how long.

    task:   a name or a file, as for ``bpnn train``; or several, which then are a factor like those that vary.
    vary:   a mapping from fields of ``Run`` to the values that they take. Every combination is an arm.
    base:   the run that the arms are variations of; or a mapping of the fields of a run that are given: what is not is the article's,
            and of a table what ``bpnn train`` has for it. Then ``usual`` has, for each table, what that is, and ``given`` the fields.
    seeds:  how many (then 0, 1, 2, ...), or which. Each arm is trained from each of them; a seed means the same initial weights and
            the same order of the patterns in every arm that has the same layer sizes.
    epochs: the limit. Runs of Boolean patterns stop when solved, all others train to the limit. Otherwise 1000, and of tables as many
            as ``bpnn train`` has, the most of several.
    points: of the error curve that is kept, about.
    chunk:  runs that are kept together in a file, a multiple of 64; otherwise as many as have ``work`` multiplications together, and
            8192 that the GPU kernel trains.
    test:   a file to test on; or ``test_share`` of the patterns are held out, in each of ``splits`` ways.
    tune:   a mapping from fields to the values that are tried: each arm is judged at its own best of them. The best is chosen on
            ``validation_share`` of the patterns where some are held out, otherwise by cross-fitting over seeds.
    tune_in_step: try the first value of each tuned field together, then the second, and so on, in rising order, in place of every
            combination: for rates that belong together, such as the article's M of N/5.

    keep_weights: whether the trained networks are kept, for ``ablation.measure``.
    choice: a mapping of what is said of a table, as the fields of ``Choice`` have it: target, kind, missing, ignore.

    Raises InputError for what cannot be used.

    >>> study = Study("xor", vary={"hidden-bias": (False, True), "momentum": (0, 0.9)}, seeds=10)
    >>> [arm.name for arm in study.arms][:2], study.runs
    (['hidden-bias=off, momentum=0', 'hidden-bias=off, momentum=0.9'], 40)
    """

    task: Any
    vary: Any = ()
    base: Any = ()
    seeds: Any = 100
    epochs: Any = None
    points: int = 50
    chunk: int | None = None
    test: str | None = None
    test_share: float = 0.0
    splits: int = 1
    tune: Any = ()
    validation_share: float = 0.2
    work: float = WORK
    tune_in_step: bool = False
    usual: Any = ()
    given: Any = ()
    keep_weights: bool = False
    choice: Any = ()

    def __post_init__(self):
        fixed = isinstance(self.base, Run)
        said = asdict(self.base) if fixed else {settings.known(name): value for name, value in dict(self.base).items()}
        base = asdict(Run()) | {name: settings.checked(name, value) for name, value in said.items()}
        vary, tune = grid(self.vary), tuned(self.tune)
        if both := [name for name, _ in tune if name in dict(vary)]:
            raise InputError(f"expected {both[0].replace('_', '-')} either varied or tuned, got both")
        seeds = self.seeds
        seeds = whole_number("seeds", seeds, 1, 2**32) if not isinstance(seeds, Iterable) else _different_seeds(seeds)
        tasks = _tasks(self.task)
        splits, share = whole_number("splits", self.splits, 1, LARGEST_SPLITS), _share("test share", self.test_share)
        if share and self.test is not None:
            raise InputError("expected either a test file or a test share, got both")
        if splits > 1 and not share:
            raise InputError(f"expected splits with a test share, which they hold out, got {splits} splits without one")
        if self.test is not None and len(tasks) > 1:
            raise InputError(f"expected one task with a test file, got {len(tasks)}")
        choice = _choice(self.choice, tasks)
        arms = math.prod(len(values) for _, values in vary) * len(tasks)
        counts = {name.replace("_", "-"): len(values) for name, values in tune}
        if self.tune_in_step and (len(counts) < 2 or len(set(counts.values())) > 1):
            got = ", ".join(f"{count} of {name}" for name, count in counts.items()) or "none"
            raise InputError(f"expected two tuned fields or more with equally many values, to tune in step, got {got}")
        trials = arms * (max(counts.values()) if self.tune_in_step else math.prod(counts.values()))
        if trials > LARGEST_GRID:
            raise InputError(f"expected at most {LARGEST_GRID:,} arms, times values to tune, got {trials:,}")
        if tune and (seeds if isinstance(seeds, int) else len(seeds)) < 4 and not (share or self.test is not None):
            raise InputError("expected 4 seeds or more to tune by, two to choose and two to judge, got fewer")
        runs = trials * splits * (seeds if isinstance(seeds, int) else len(seeds))
        if runs > LARGEST_STUDY:
            raise InputError(
                f"expected at most {LARGEST_STUDY:,} runs, arms times seeds, got {runs:,}: several studies may share them"
            )
        if self.chunk is not None and whole_number("chunk", self.chunk, LANES) % LANES:
            raise InputError(f"expected chunk as a multiple of {LANES}, got {self.chunk}")
        validation, epochs = _share("validation share", self.validation_share), self.epochs
        usual, given = customs(self.usual, tasks), tuple(map(settings.known, self.given))
        if not fixed:
            given, decided = tuple(said), {*said, *dict(vary), *dict(tune)}
            momentum = "momentum" in {*dict(vary), *dict(tune)} and "rule" not in decided
            usual, most = of_the_tasks(tasks, self.test, share, validation if tune else 0.0, momentum, chosen(choice))
            epochs = most if epochs is None else epochs
        batches = bool(usual) and "mode" not in given  # a table's own mode
        base["batch_size"] = _batch_size(base | ({"mode": "minibatch"} if batches else {}), dict(vary))
        # A frozen dataclass is set this way, once.
        object.__setattr__(self, "task", tasks[0] if len(tasks) == 1 else tasks)
        object.__setattr__(self, "vary", vary)
        object.__setattr__(self, "base", Run(**base))
        object.__setattr__(self, "seeds", seeds)
        object.__setattr__(self, "epochs", whole_number("epochs", DEFAULT_EPOCHS if epochs is None else epochs, 1))
        object.__setattr__(self, "points", whole_number("points", self.points, 1))
        object.__setattr__(self, "test", None if self.test is None else str(self.test))
        object.__setattr__(self, "test_share", share)
        object.__setattr__(self, "tune", tune)
        object.__setattr__(self, "validation_share", validation)
        object.__setattr__(self, "work", finite("work", self.work))
        object.__setattr__(self, "keep_weights", switch("keep_weights", self.keep_weights))
        object.__setattr__(self, "usual", usual)
        object.__setattr__(self, "choice", choice)
        object.__setattr__(self, "given", given if usual else ())
        if usual:
            _ = self.arms  # which refuses what does not go together

    @property
    def tasks(self) -> tuple[str, ...]:
        return self.task if isinstance(self.task, tuple) else (self.task,)

    @property
    def of_tables(self) -> Choice | None:
        """What is said of a table; None for nothing."""
        return chosen(self.choice)

    @property
    def title(self) -> str:
        """The tasks, by their names."""
        return ", ".join(self.tasks)

    @property
    def factors(self) -> tuple[tuple[str, tuple], ...]:
        """What varies, with its values: the task where there are several, and the fields."""
        return (*(((TASK, self.tasks),) if len(self.tasks) > 1 else ()), *self.vary)

    @property
    def _decided(self) -> tuple[str, ...]:
        """The fields of a run whose values are not left to what is usual for a table."""
        return (*self.given, *dict(self.vary), *dict(self.tune))

    @property
    def arms(self) -> tuple[Arm, ...]:
        """Every combination of what varies, the last field fastest."""
        names = [name for name, _ in self.factors]
        found = []
        for values in itertools.product(*(values for _, values in self.factors)):
            given = dict(zip(names, values, strict=True))
            words = [f"{n.replace('_', '-')}={settings.shown(n, v)}" for n, v in given.items()]
            levels = {name: value for name, value in given.items() if name != TASK}
            task = given.get(TASK, self.tasks[0])
            run = run_of(self.base, self.usual, task, levels, self._decided)
            if run.mode != "minibatch":  # the batch size is for the other arms
                run = replace(run, batch_size=None)
            name = ", ".join(words) or self.title
            found.append(Arm(name, run, task, tuple(given.items()), name))
        return tuple(found)

    @property
    def trials(self) -> tuple[Arm, ...]:
        """Every arm with every combination of the values that are tried; the arms themselves where nothing is tuned."""
        if not self.tune:
            return self.arms
        names = [name for name, _ in self.tune]
        combined = zip if self.tune_in_step else itertools.product
        found = []
        for arm in self.arms:
            for values in combined(*(values for _, values in self.tune)):
                given = dict(zip(names, values, strict=True))
                words = ", ".join(f"{n.replace('_', '-')}={settings.shown(n, v)}" for n, v in given.items())
                name, run = f"{arm.name}, {words}", replace(arm.run, **given)
                found.append(Arm(name, run, arm.task, arm.levels, arm.name, tuple(given.items())))
        return tuple(found)

    @property
    def seed_list(self) -> Sequence[int]:
        return range(self.seeds) if isinstance(self.seeds, int) else self.seeds

    @property
    def rows(self) -> list[tuple[int, int]]:
        """(split, seed) of each row of the results, all seeds of a split together."""
        return [(split, seed) for split in range(self.splits) for seed in self.seed_list]

    @property
    def runs(self) -> int:
        """How many runs there are: trials times seeds times splits."""
        return len(self.trials) * len(self.seed_list) * self.splits

    @property
    def holds_out(self) -> bool:
        """Whether the study itself names patterns to test on; a set may have such of its own."""
        return self.test is not None or self.test_share > 0

    @property
    def history_every(self) -> int:
        return -(-self.epochs // self.points)

    @property
    def history_epochs(self) -> range:
        """The epochs, counted from 0, whose error is kept."""
        return range(0, self.epochs, self.history_every)

    @property
    def score_epochs(self) -> range:
        """Those of ``history_epochs``, some ten, at which the networks are scored."""
        every = self.history_every * -(-len(self.history_epochs) // SCORED)
        return range(0, self.epochs, every)

    def as_dict(self) -> dict[str, Any]:
        """The study as JSON-serialisable data; ``from_dict`` is the inverse."""
        tables = {task: dict(values) for task, values in self.usual}
        return _lists(
            asdict(self)
            | {"vary": dict(self.vary), "tune": dict(self.tune), "usual": tables, "choice": dict(self.choice)}
        )


def from_dict(given: Mapping[str, Any]) -> Study:
    """The study that ``Study.as_dict`` wrote. Raises InputError where it is none.

    >>> study = Study("nand", vary={"hidden": [(2,), (4, 2)]}, seeds=(3, 5))
    >>> from_dict(study.as_dict()) == study
    True
    """
    try:
        base, modes = dict(given["base"]), dict(given["vary"]).get("mode", [given["base"].get("mode", Run.mode)])
        if "minibatch" not in modes and not given.get("usual"):  # version 0.1.0 wrote its default, 32, there
            base["batch_size"] = None
        return Study(**{**given, "base": Run(**base)})
    except (TypeError, KeyError, AttributeError) as error:
        raise InputError(f"expected a study, got something else: {error}") from None


def _batch_size(base: Mapping[str, Any], vary: Mapping[str, tuple]) -> int | None:
    """The base's batch size: a number where an arm has mode minibatch. Raises InputError for one that no arm would use."""
    modes, sizes = vary.get("mode", (base["mode"],)), vary.get("batch_size", (base["batch_size"],))
    if "minibatch" in modes:
        return base["batch_size"] or settings.DEFAULT_BATCH
    if set(sizes) != {None}:
        given, got = (", ".join(map(str, values)) for values in (sizes, modes))
        raise InputError(f"expected a batch-size only with mode minibatch, got batch-size {given} with mode {got}")
    return None


def _different_seeds(seeds: Iterable) -> tuple[int, ...]:
    found = tuple(check_seed(s) for s in itertools.islice(seeds, LARGEST_LIST + 1))
    if len(found) > LARGEST_LIST:
        raise InputError(
            f"expected at most {LARGEST_LIST:,} listed seeds, got more; a number of them, from 0, may be larger"
        )
    if not found:
        raise InputError("expected at least one seed, got none")
    seen = set()
    for s in found:
        if s in seen:
            raise InputError(f"expected seeds that are all different, got {s} more than once")
        seen.add(s)
    return found


def _lists(value: Any) -> Any:
    """Tuples as the lists that JSON makes of them, so that a study read back is compared like with like."""
    if isinstance(value, dict):
        return {key: _lists(v) for key, v in value.items()}
    return [_lists(v) for v in value] if isinstance(value, tuple | list) else value


def _tasks(given: Any) -> tuple[str, ...]:
    found = (str(given),) if isinstance(given, (str, os.PathLike)) else tuple(map(str, given))
    if not found:
        raise InputError("expected one task or more, got none")
    if twice := [task for task in found if found.count(task) > 1]:
        raise InputError(f"expected tasks that are all different, got {twice[0]} more than once")
    return found


def chosen(choice: Sequence[tuple[str, Any]]) -> Choice | None:
    """The record of what is said of a table; None for nothing."""
    return Choice(**dict(choice)) if choice else None


def _choice(given: Any, tasks: Sequence[str]) -> tuple[tuple[str, Any], ...]:
    """The fields of a ``Choice`` that are not its defaults, as pairs."""
    names = [f.name for f in fields(Choice)]
    said = dict(given)
    if wrong := [name for name in said if name not in names]:
        raise unknown("what to say of a table", wrong[0], names)
    values: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in said.items()}
    found = asdict(Choice(**values))
    told = tuple((name, value) for name, value in found.items() if value != getattr(Choice(), name))
    if told and len(tasks) > 1:
        raise InputError(f"expected one task with {told[0][0]}, which is said of a table, got {len(tasks)}")
    return told


def _share(what: str, value: Any) -> float:
    if not 0 <= finite(what, value) < 1:
        raise InputError(f"expected {what} from 0 to below 1, got {value}")
    return float(value)
