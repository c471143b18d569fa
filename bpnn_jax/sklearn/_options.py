"""What an estimator is given: the fields of a run, how long, on which rows; and the run that is made of it."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state

from bpnn_jax import errors
from bpnn_jax.errors import InputError, switch, whole_number
from bpnn_jax.network import Network
from bpnn_jax.patterns import Patterns
from bpnn_jax.patterns.split import Parts, split
from bpnn_jax.patterns.standardize import Standardization, fit
from bpnn_jax.patterns.tabular import customary
from bpnn_jax.patterns.task import customary_hidden
from bpnn_jax.settings import NAMES, Run, filled
from bpnn_jax.training import Schedule, Settings, schedule

OTHERS = ("tolerance", "targets")  # fields of a run that are about named sets of Boolean targets
DEVIATIONS, LARGEST_MEAN = (0.3, 3.0), 10.0  # of inputs that are left as they are unless standardize is given
FIELDS = tuple(name for name in NAMES if name not in OTHERS)


@dataclass(eq=False, repr=False, kw_only=True)
class Options(BaseEstimator):
    """The parameters, each None for what is customary for the data: what ``bpnn train TABLE`` takes where none is given."""

    activation: str | None = None
    output_activation: str | None = None
    objective: str | None = None
    input_bias: bool | None = None
    hidden_bias: bool | None = None
    skip: bool | None = None
    hidden: tuple[int, ...] | None = None
    rule: str | None = None
    learning_rate: float | None = None
    momentum: float | None = None
    reduction: str | None = None
    weight_decay: float | None = None
    order: str | None = None
    mode: str | None = None
    batch_size: int | None = None
    gradient: str | None = None
    shuffle: bool | None = None
    initial: str | None = None
    ranges: tuple[float, ...] | None = None
    dtype: str | None = None
    epochs: int | None = None
    schedule: str = "constant"
    standardize: bool | None = None
    validation: float | None = None
    patience: int | None = None
    random_state: Any = None
    warm_start: bool = False


class Scaling(NamedTuple):
    """How inputs and targets are standardized; None as they are."""

    inputs: Standardization | None
    targets: Standardization | None


class Shape(NamedTuple):
    """What does not depend on the rows but on how many there are: the run, its network, its settings and its rates."""

    run: Run
    network: Network
    settings: Settings
    rates: dict[str, Any]


class Rows(NamedTuple):
    """Patterns as the network sees them: ``x`` (patterns, n0) and ``t`` (patterns, nL) to train on.

    validation: the same to choose by, None without.
    """

    x: np.ndarray
    t: np.ndarray
    validation: tuple[np.ndarray, np.ndarray] | None
    scaling: Scaling


def seed_of(random_state: Any) -> int:
    """The seed of a run: a whole number is the seed itself, as for ``train``; otherwise one that scikit-learn's generator draws."""
    if isinstance(random_state, (int, np.integer)) and not isinstance(random_state, bool):
        return errors.seed(int(random_state))
    return int(check_random_state(random_state).randint(0, 2**32, dtype=np.uint64))


def shape_of(
    options: Options, kind: str, sizes: tuple[int, int, int], *, epochs: int | None = None, before: int = 0
) -> Shape:
    """What is trained.

    kind:   classification, multi-label or regression.
    sizes:  how many patterns to train on, inputs, and outputs.
    epochs: in place of the options'. ``before``: epochs that were trained before, which a schedule counts.

    Raises InputError for what a parameter cannot have, and for parameters that do not go together.
    """
    patterns, inputs, outputs = sizes
    usual = customary(kind, patterns)
    given = {name: getattr(options, name) for name in FIELDS if getattr(options, name) is not None}
    run = filled(Run(**given), usual, given).checked()
    given_epochs = options.epochs if epochs is None else epochs
    epochs = int(usual["epochs"]) if given_epochs is None else whole_number("epochs", given_epochs, 1)
    one = Patterns(np.zeros((1, inputs)), np.zeros((1, outputs)), name="fit", hidden=customary_hidden(kind, inputs))
    settings = run.settings(epochs=epochs, schedule=_schedule(options.schedule, before + epochs))
    return Shape(run, run.network(one), settings, {"learning_rate": run.learning_rate, "momentum": run.momentum})


def rows_of(
    options: Options, kind: str, x: np.ndarray, t: np.ndarray, seed: int, scaling: Scaling | None = None
) -> Rows:
    """Inputs (patterns, n0) and targets (patterns, nL), cut and standardized; by ``scaling``, that of an earlier call, if given."""
    if options.patience is not None and not options.validation:
        raise InputError("expected patience with validation, the share of the rows that it looks at, got it alone")
    groups = t.argmax(axis=1) if kind == "classification" else np.zeros(len(t), int)
    parts = split(groups, validation=options.validation, seed=seed) if options.validation else _all(len(x))
    scaling = scaling or _scaling(options, kind, x[parts.train], t[parts.train])
    x, t = _scaled(x, scaling.inputs), _scaled(t, scaling.targets)
    apart = (x[parts.validation], t[parts.validation]) if len(parts.validation) else None
    return Rows(x[parts.train], t[parts.train], apart, scaling)


def _all(rows: int) -> Parts:
    none = np.arange(0)
    return Parts(np.arange(rows), none, none)


def _schedule(given: Any, epochs: int) -> Schedule | None:
    if not isinstance(given, str):
        raise InputError(f"expected schedule as a text such as 'cosine' or 'step:0.5:30', got {given!r:.80}")
    return schedule(given, epochs)


def _scaling(options: Options, kind: str, x: np.ndarray, t: np.ndarray) -> Scaling:
    given = options.standardize
    if given is not None and not switch("standardize", given):
        return Scaling(None, None)
    inputs = fit(x)
    if given is None and _about_one(inputs):
        inputs = None
    return Scaling(inputs, fit(t) if kind == "regression" else None)


def _about_one(columns: Standardization) -> bool:
    """Whether columns are as a network likes them: to stretch all to the same width would make more of those that say less.

    >>> _about_one(fit(np.array([[5.1, 0.2], [7.0, 1.4]]))), _about_one(fit(np.array([[5.1, 200.0], [7.0, 1400.0]])))
    (True, False)
    """
    low, high = DEVIATIONS
    return bool(((columns.sd >= low) & (columns.sd <= high) & (abs(columns.mean) <= LARGEST_MEAN)).all())


def _scaled(values: np.ndarray, by: Standardization | None) -> np.ndarray:
    return values if by is None else by.apply(values)
