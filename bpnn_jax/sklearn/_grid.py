"""``fit_many``: a grid of parameters on every fold, all networks of one program at once."""

import time
import warnings
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.ma import MaskedArray
from scipy.stats import rankdata
from sklearn.base import clone as _clone
from sklearn.base import is_classifier
from sklearn.exceptions import FitFailedWarning
from sklearn.metrics import check_scoring
from sklearn.model_selection import ParameterGrid, check_cv
from sklearn.utils import _safe_indexing

from bpnn_jax._runtime.display import Card
from bpnn_jax.errors import InputError
from bpnn_jax.network import Network, init
from bpnn_jax.sklearn._options import Rows, Shape, rows_of, seed_of, shape_of
from bpnn_jax.training import ManyResult, Settings, train_many

if TYPE_CHECKING:
    from bpnn_jax.sklearn._estimator import Estimator

WIDTH = 64  # networks in a block, at most
MOST_NUMBERS = 20_000_000  # of the patterns of all networks of a call


@dataclass(frozen=True, repr=False)
class GridResult(Card):
    """What a grid came to, by the names that GridSearchCV has.

    cv_results_:     a dictionary of columns, one entry per combination: ``params``, ``param_NAME``, ``split0_test_score`` and so on,
                     ``mean_test_score``, ``std_test_score`` (divided by the number of folds), ``rank_test_score``.
    best_index_, best_params_, best_score_: the combination with the highest mean; of several the first.
    best_estimator_: trained with them on all rows; None without ``refit``.
    n_splits_:       folds. ``networks``: how many were trained, ``programs``: of how many compiled programs.
    seconds:         for all but the last fit. ``compile_seconds``: of these, spent compiling.

    >>> from sklearn.datasets import load_iris
    >>> from bpnn_jax.sklearn import BPNNClassifier
    >>> grid = {"learning_rate": [0.0001, 0.01], "epochs": [20]}
    >>> BPNNClassifier(random_state=0).fit_many(grid, *load_iris(return_X_y=True), cv=3).best_params_
    {'epochs': 20, 'learning_rate': 0.01}
    """

    cv_results_: dict[str, Any]
    best_index_: int
    best_params_: dict[str, Any]
    best_score_: float
    best_estimator_: Any
    n_splits_: int
    networks: int
    programs: int
    seconds: float
    compile_seconds: float

    def _card(self) -> tuple[str, list[tuple[str, str]]]:
        best = ", ".join(f"{name}={value!r}" for name, value in self.best_params_.items())
        return f"GridResult of {len(self.cv_results_['params'])} combinations on {self.n_splits_} folds", [
            ("best", best),
            ("score", f"{self.best_score_:.4g}, mean over the folds"),
            ("networks", f"{self.networks}, in {self.programs} programs"),
            ("time", f"{self.seconds:.3g} s, of these {self.compile_seconds:.3g} s compiling"),
        ]


def clone(estimator: Any) -> Any:
    """An estimator of the same parameters that has learnt nothing."""
    return _clone(estimator)


class Program(NamedTuple):
    """What shapes a compiled program: its networks train in one call, each on the rows of its fold."""

    network: Network
    settings: Settings
    dtype: str
    rows: int


class One(NamedTuple):
    """One network to come: which combination, which fold, what it is made of, on which rows, its seed."""

    candidate: int
    fold: int
    shape: Shape
    rows: Rows
    seed: int


class Trained(NamedTuple):
    """How the networks of a program ended: L arrays (n, n_in + bias, n_out), and (n,) words as ``ManyResult`` has them."""

    weights: tuple[np.ndarray, ...]
    stopped: np.ndarray
    compile_seconds: float


def fit_many(estimator: "Estimator", grid: Any, X: Any, y: Any, cv: Any, scoring: Any, refit: bool) -> GridResult:
    """``Estimator.fit_many``."""
    began = time.perf_counter()
    params = list(ParameterGrid(grid))
    candidates = [clone(estimator).set_params(**one) for one in params]
    for candidate in candidates:
        if candidate.validation is not None or candidate.patience is not None:
            raise InputError(
                "expected fit_many without validation and patience, which look at one network at a time, got one of them; "
                "scikit-learn's GridSearchCV takes both"
            )
    whole = clone(estimator)
    x, checked = whole._read(X, y, first=True)
    splitter: Any = check_cv(cv, checked, classifier=is_classifier(whole))
    folds = list(splitter.split(X, checked))
    templates, waiting = _waiting(whole, candidates, x, checked, folds)
    trained = [_train(program, ones) for program, ones in waiting.items()]
    score = _scoring(whole, scoring, X, x, checked, folds)
    scores = np.full((len(folds), len(candidates)), np.nan)
    for ones, result in zip(waiting.values(), trained, strict=True):
        for n, one in enumerate(ones):
            if result.stopped[n] != "diverged":
                fitted = copy(templates[one.fold])
                fitted.__dict__.update(params[one.candidate])
                fitted._learnt(one.shape, one.rows.scaling, one.seed, tuple(W[n] for W in result.weights))
                scores[one.fold, one.candidate] = score(fitted, one.fold)
    if failed := int(np.isnan(scores).sum()):
        text = f"{failed} of {scores.size} fits have no score, since their training diverged or the scorer gave none"
        warnings.warn(text, FitFailedWarning, stacklevel=3)
    seconds = time.perf_counter() - began
    results = _results(params, scores)
    best = int(results["rank_test_score"].argmin())
    return GridResult(
        cv_results_=results,
        best_index_=best,
        best_params_=params[best],
        best_score_=float(results["mean_test_score"][best]),
        best_estimator_=clone(candidates[best]).fit(X, y) if refit else None,
        n_splits_=len(folds),
        networks=scores.size,
        programs=len(waiting),
        seconds=seconds,
        compile_seconds=sum(result.compile_seconds for result in trained),
    )


def _waiting(
    whole: "Estimator", candidates: list[Any], x: np.ndarray, y: Any, folds: list
) -> tuple[list["Estimator"], dict[Program, list[One]]]:
    """An estimator per fold that knows its targets, and the networks of each program."""
    templates, waiting = [], {}
    shapes: dict[tuple, Shape] = {}
    for fold, (rows, _) in enumerate(folds):
        template = copy(whole)
        kind, t = template._targets(_safe_indexing(y, rows), first=True)
        templates.append(template)
        seen: dict[bool, Rows] = {}
        for number, candidate in enumerate(candidates):
            seed = seed_of(candidate.random_state)
            sizes = len(rows), x.shape[1], t.shape[1]
            if (number, kind, sizes) not in shapes:
                shapes[number, kind, sizes] = shape_of(candidate, kind, sizes)
            shape = shapes[number, kind, sizes]
            if candidate.standardize not in seen:
                seen[candidate.standardize] = rows_of(candidate, kind, x[rows], t, seed)
            settings = replace(shape.settings, history_every=shape.settings.epochs)
            program = Program(shape.network, settings, shape.run.dtype, len(rows))
            waiting.setdefault(program, []).append(One(number, fold, shape, seen[candidate.standardize], seed))
    return templates, waiting


def _train(program: Program, ones: list[One]) -> Trained:
    """The networks of one program; of large folds those of each fold apart, so that their patterns are there once."""
    numbers = sum(one.rows.x.size + one.rows.t.size for one in ones)
    parts = [ones] if numbers <= MOST_NUMBERS else [list(p) for _, p in groupby(ones, key=lambda one: id(one.rows))]
    found = [_call(program, part) for part in parts]
    return Trained(
        tuple(np.concatenate(layer) for layer in zip(*(f.weights for f in found), strict=True)),
        np.concatenate([f.stopped for f in found]),
        sum(f.compile_seconds for f in found),
    )


def _call(program: Program, ones: list[One]) -> ManyResult:
    """One call of ``train_many``: each network's own patterns, or the same for all where there is one fold."""
    rows = [one.rows for one in ones]
    same = all(one is rows[0] for one in rows)
    x, t = (rows[0].x, rows[0].t) if same else (np.stack([r.x for r in rows]), np.stack([r.t for r in rows]))
    first: dict[tuple, Any] = {}
    for one in ones:
        run = one.shape.run
        key = one.seed, run.initial, run.ranges
        if key not in first:
            drawn = init(program.network, one.seed, initial=run.initial, ranges=run.ranges)
            first[key] = [np.asarray(W) for W in drawn]
    drawn = [first[one.seed, one.shape.run.initial, one.shape.run.ranges] for one in ones]
    seeds = [one.seed for one in ones]
    return train_many(
        program.network,
        x,
        t,
        seeds=seeds,
        learning_rate=[one.shape.rates["learning_rate"] for one in ones],
        momentum=[one.shape.rates["momentum"] for one in ones],
        weights=tuple(np.stack(layer) for layer in zip(*drawn, strict=True)),
        dtype=program.dtype,
        settings=program.settings,
        lanes=min(WIDTH, -(-len(ones) // 16) * 16),
        order_seed=seeds[0] if program.settings.shuffle and len(set(seeds)) == 1 else None,
    )


def _scoring(
    whole: "Estimator", scoring: Any, X: Any, x: np.ndarray, y: Any, folds: list
) -> Callable[[Any, int], float]:
    """The score of a fitted estimator on the rows that a fold keeps apart."""
    if scoring is None:
        apart = [(x[rows], _safe_indexing(y, rows)) for _, rows in folds]
        return lambda fitted, fold: fitted._score(*apart[fold])
    scorer: Any = check_scoring(whole, scoring)
    given = [(_safe_indexing(X, rows), _safe_indexing(y, rows)) for _, rows in folds]
    return lambda fitted, fold: scorer(fitted, *given[fold])


def _results(params: list[dict[str, Any]], scores: np.ndarray) -> dict[str, Any]:
    """``cv_results_`` of scores (folds, combinations)."""
    columns: dict[str, Any] = {}
    for name in sorted({name for one in params for name in one}):
        column = MaskedArray(np.empty(len(params), object), mask=True)
        for n, one in enumerate(params):
            if name in one:
                column[n] = one[name]
        columns[f"param_{name}"] = column
    mean = scores.mean(axis=0)
    low = np.where(np.isnan(mean), -np.inf, mean)  # what diverged comes last
    return {
        **columns,
        "params": params,
        **{f"split{k}_test_score": row for k, row in enumerate(scores)},
        "mean_test_score": mean,
        "std_test_score": scores.std(axis=0),
        "rank_test_score": rankdata(-low, method="min").astype(np.int32),
    }
