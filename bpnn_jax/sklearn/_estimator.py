"""What both estimators do: train, go on with a training, and put rows through the network."""

from typing import Any, Self

import numpy as np
from sklearn.utils.validation import check_is_fitted, validate_data

import manual
from bpnn_jax.errors import InputError, switch
from bpnn_jax.network import Network, Weights, init
from bpnn_jax.sklearn._grid import GridResult, fit_many
from bpnn_jax.sklearn._options import Options, Scaling, Shape, rows_of, seed_of, shape_of
from bpnn_jax.training import Checkpoint, Watch, train


class Estimator(Options):
    """A network between scikit-learn's rows and targets. What a fit sets ends with _, as everywhere in scikit-learn."""

    run_: Any
    network_: Network
    weights_: Weights
    seed_: int
    n_iter_: int
    loss_: float
    loss_curve_: list[float]
    kept_: int
    n_features_in_: int
    _checkpoint: Checkpoint
    _scaling: Scaling

    _NUMERIC = False  # whether targets are numbers

    def _targets(self, y: Any, *, first: bool, classes: np.ndarray | None = None) -> tuple[str, np.ndarray]:
        """The kind of task, and ``y`` as targets (patterns, nL); sets what predictions are read by.

        first:   those of earlier calls do not count.
        classes: all that will come, None for those of ``y``.
        """
        raise NotImplementedError

    def fit(self, X: Any, y: Any) -> Self:
        """Train on rows ``X`` (patterns, inputs) with their targets ``y``; with ``warm_start`` go on where the last fit ended.

        Raises InputError, a ValueError, for parameters or targets that cannot be used, and DivergedError for a run that leaves the
        finite numbers.
        """
        goes_on = switch("warm_start", self.warm_start) and hasattr(self, "_checkpoint")
        x, y = self._read(X, y, first=not goes_on)
        kind, t = self._targets(y, first=not goes_on)
        return self._train(kind, x, t, goes_on=goes_on)

    def _partial_fit(self, X: Any, y: Any, classes: np.ndarray | None = None) -> Self:
        for name in ("validation", "patience"):
            if getattr(self, name) is not None:
                raise InputError(f"expected {name} with fit, which sees all rows, got it with partial_fit")
        if self.schedule != "constant":
            raise InputError(
                f"expected a schedule with fit, which knows its epochs, got {self.schedule} with partial_fit"
            )
        first = not hasattr(self, "_checkpoint")
        x, y = self._read(X, y, first=first)
        kind, t = self._targets(y, first=first, classes=classes)
        return self._train(kind, x, t, goes_on=not first, epochs=1)

    def _read(self, X: Any, y: Any, *, first: bool) -> tuple[np.ndarray, Any]:
        found: Any = validate_data(
            self, X, y, dtype=np.float64, multi_output=True, y_numeric=self._NUMERIC, reset=first
        )
        return found

    def _train(self, kind: str, x: np.ndarray, t: np.ndarray, *, goes_on: bool, epochs: int | None = None) -> Self:
        start = self._checkpoint if goes_on else None
        seed = self.seed_ if goes_on else seed_of(self.random_state)
        rows = rows_of(self, kind, x, t, seed, self._scaling if goes_on else None)
        sizes = len(rows.x), x.shape[1], t.shape[1]
        shape = shape_of(self, kind, sizes, epochs=epochs, before=self.n_iter_ if goes_on else 0)
        if start and shape.network != self.network_:
            raise InputError(f"expected the network of the training that goes on, {self.network_}, got {shape.network}")
        watch = None
        if rows.validation is not None:
            watch = Watch({"validation": rows.validation}, patience=self.patience)
        run = shape.run
        result = train(
            shape.network,
            rows.x,
            rows.t,
            **shape.rates,
            weights=None if start else init(shape.network, seed, initial=run.initial, ranges=run.ranges),
            start=start,
            seed=seed,
            dtype=run.dtype,
            settings=shape.settings,
            watch=watch,
        )
        self._learnt(shape, rows.scaling, seed, result.weights)
        self._checkpoint = result.checkpoint
        self.n_iter_, self.kept_ = result.iterations + 1, result.kept
        self.loss_ = result.error
        self.loss_curve_ = [*(self.loss_curve_ if goes_on else []), *result.history[:, 1].tolist()]
        return self

    def _learnt(self, shape: Shape, scaling: Scaling, seed: int, weights: Weights) -> None:
        """What predictions need."""
        self.run_, self.network_, self.seed_ = shape.run, shape.network, seed
        self.weights_, self._scaling = weights, scaling

    def fit_many(
        self, grid: Any, X: Any, y: Any, cv: Any = 5, *, scoring: Any = None, refit: bool = True
    ) -> GridResult:
        """Train every combination of a grid on every fold, many at once by ``train_many``: GridSearchCV's question, its answer.

        grid:    as for scikit-learn's ParameterGrid: names of parameters with lists of values, or a list of such.
        cv:      a number of folds, a splitter, or splits, as for GridSearchCV.
        scoring: a name or a scorer; None for ``score``.
        refit:   train the best on all rows.

        What differs in learning rate, momentum or seed alone trains in one compiled program, and so do folds of one size. A run that
        diverges scores NaN. Raises InputError for validation and patience, which look at one network at a time.
        """
        return fit_many(self, grid, X, y, cv, scoring, refit)

    def _outputs(self, X: Any) -> np.ndarray:
        """a^L for rows ``X`` (patterns, n0), float64 (patterns, nL), by the hand-written forward pass on NumPy."""
        check_is_fitted(self)
        x: Any = validate_data(self, X, dtype=np.float64, reset=False)
        return self._forward(x)

    def _forward(self, x: np.ndarray) -> np.ndarray:
        if self._scaling.inputs is not None:
            x = self._scaling.inputs.apply(x)
        functions = tuple(manual.OUTPUT_ACTIVATIONS[name] for name in self.network_.activations)
        weights = tuple(W.astype(np.float64) for W in self.weights_)
        return manual.forward(weights, x, functions, self.network_.skip).outputs

    def _read_off(self, outputs: np.ndarray) -> np.ndarray:
        """What ``predict`` makes of the outputs."""
        raise NotImplementedError

    def _score(self, x: np.ndarray, y: np.ndarray) -> float:
        """``score`` without its checks, of rows and targets that ``_read`` has seen."""
        raise NotImplementedError

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "weights_")
