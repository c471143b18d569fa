"""A study: a task, what varies, and over which seeds. Its arms are all combinations of what varies."""

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from bpnn_jax import settings
from bpnn_jax.errors import InputError, whole_number
from bpnn_jax.errors import seed as check_seed
from bpnn_jax.settings import Run

LANES = 64  # a chunk is whole blocks of the widest kind
LARGEST_GRID = 1_000  # arms; more of them no table can show, and no comparison survive Holm's correction
LARGEST_STUDY = 10_000_000  # runs, each of which the plan has a record of: some 130 bytes
LARGEST_LIST = 1_000_000  # seeds that are listed one by one, in study.json too


@dataclass(frozen=True)
class Arm:
    """One combination: its name, such as ``activation=tanh, momentum=0.9``, and the run it stands for."""

    name: str
    run: Run


@dataclass(frozen=True)
class Study:
    """A question: which task is learned, which fields of a run vary, from which seeds, for how long.

    task:   a name or a file, as for ``bpnn train``.
    vary:   a mapping from fields of ``Run`` to the values that they take. Every combination is an arm.
    base:   the run that the arms are variations of.
    seeds:  how many (then 0, 1, 2, ...), or which. Each arm is trained from each of them; a seed means the same initial weights and
            the same order of the patterns in every arm that has the same layer sizes.
    epochs: the limit. Runs stop when solved.
    points: of the error curve that is kept, about.
    chunk:  runs that are kept together in a file, a multiple of 64; what is under way when the power fails is at most that many
            runs per core.

    Raises InputError for what cannot be used.

    >>> study = Study("xor", vary={"hidden-bias": (False, True), "momentum": (0, 0.9)}, seeds=10)
    >>> [arm.name for arm in study.arms][:2], study.runs
    (['hidden-bias=off, momentum=0', 'hidden-bias=off, momentum=0.9'], 40)
    """

    task: str
    vary: Any = ()
    base: Run = field(default_factory=Run)
    seeds: Any = 100
    epochs: int = 1000
    points: int = 50
    chunk: int = 512

    def __post_init__(self):
        base = {name: settings.checked(name, value) for name, value in asdict(self.base).items()}
        vary = _grid(self.vary)
        base["batch_size"] = _batch_size(base, dict(vary))
        seeds = self.seeds
        seeds = whole_number("seeds", seeds, 1, 2**32) if not isinstance(seeds, Iterable) else _different_seeds(seeds)
        runs = math.prod(len(values) for _, values in vary) * (seeds if isinstance(seeds, int) else len(seeds))
        if runs > LARGEST_STUDY:
            raise InputError(
                f"expected at most {LARGEST_STUDY:,} runs, arms times seeds, got {runs:,}: several studies may share them"
            )
        if whole_number("chunk", self.chunk, LANES) % LANES:
            raise InputError(f"expected chunk as a multiple of {LANES}, got {self.chunk}")
        # A frozen dataclass is set this way, once.
        object.__setattr__(self, "task", str(self.task))
        object.__setattr__(self, "vary", vary)
        object.__setattr__(self, "base", Run(**base))
        object.__setattr__(self, "seeds", seeds)
        object.__setattr__(self, "epochs", whole_number("epochs", self.epochs, 1))
        object.__setattr__(self, "points", whole_number("points", self.points, 1))

    @property
    def arms(self) -> tuple[Arm, ...]:
        """Every combination of what varies, the last field fastest."""
        names = [name for name, _ in self.vary]
        found = []
        for values in itertools.product(*(values for _, values in self.vary)):
            given = dict(zip(names, values, strict=True))
            words = [f"{n.replace('_', '-')}={settings.shown(n, v)}" for n, v in given.items()]
            run = replace(self.base, **given)
            if run.mode != "minibatch":  # the batch size is for the other arms
                run = replace(run, batch_size=None)
            found.append(Arm(", ".join(words) or self.task, run))
        return tuple(found)

    @property
    def seed_list(self) -> Sequence[int]:
        return range(self.seeds) if isinstance(self.seeds, int) else self.seeds

    @property
    def runs(self) -> int:
        """How many runs there are: arms times seeds."""
        return len(self.arms) * len(self.seed_list)

    @property
    def history_every(self) -> int:
        return -(-self.epochs // self.points)

    @property
    def history_epochs(self) -> range:
        """The epochs, counted from 0, whose error is kept."""
        return range(0, self.epochs, self.history_every)

    def as_dict(self) -> dict[str, Any]:
        """The study as JSON-serialisable data; ``from_dict`` is the inverse."""
        return _lists(asdict(self) | {"vary": dict(self.vary)})


def from_dict(given: Mapping[str, Any]) -> Study:
    """The study that ``Study.as_dict`` wrote. Raises InputError where it is none.

    >>> study = Study("nand", vary={"hidden": [(2,), (4, 2)]}, seeds=(3, 5))
    >>> from_dict(study.as_dict()) == study
    True
    """
    try:
        base, modes = dict(given["base"]), dict(given["vary"]).get("mode", [given["base"].get("mode", Run.mode)])
        if "minibatch" not in modes:  # version 0.1.0 wrote its default, 32, there
            base["batch_size"] = None
        return Study(**{**given, "base": Run(**base)})
    except (TypeError, KeyError, AttributeError) as error:
        raise InputError(f"expected a study, got something else: {error}") from None


def _grid(vary: Any) -> tuple[tuple[str, tuple], ...]:
    """Fields and values, checked. ``vary`` is a mapping, or pairs."""
    found: dict[str, tuple] = {}
    for given, values in vary.items() if isinstance(vary, Mapping) else vary:
        name = settings.known(given)
        if name in found:
            raise InputError(f"expected each field once, got {given} more than once")
        if isinstance(values, str) or not isinstance(values, Iterable):
            raise InputError(f"expected the values of {given} as a list, got {values!r}")
        values = tuple(itertools.islice(values, LARGEST_GRID + 1))
        if len(values) > LARGEST_GRID:
            raise InputError(f"expected at most {LARGEST_GRID:,} arms, got more values of {given} than that")
        found[name] = tuple(settings.checked(name, value) for value in values)
        if not found[name]:
            raise InputError(f"expected one value or more for {given}, got none: the grid is empty")
        for value in found[name]:
            if found[name].count(value) > 1:
                shown = settings.shown(name, value)
                raise InputError(f"expected values of {given} that are all different, got {shown} more than once")
    arms = 1
    for values in found.values():
        arms *= len(values)
    if arms > LARGEST_GRID:
        raise InputError(f"expected at most {LARGEST_GRID:,} arms, got {arms:,}")
    return tuple(found.items())


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
