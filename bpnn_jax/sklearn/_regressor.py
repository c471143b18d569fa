"""``BPNNRegressor``: a number, or several, per row."""

from typing import Any, Self

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score

from bpnn_jax.errors import InputError
from bpnn_jax.sklearn._estimator import Estimator


class BPNNRegressor(RegressorMixin, Estimator):
    """A network that learns numbers, one or several per row, trained by the hand-written derivation.

    The parameters, and what a fit sets, are those of ``BPNNClassifier``, without ``classes_``. None stands for what
    ``bpnn train TABLE`` takes for numbers: tanh on one hidden layer, linear outputs with half the squared error, Adam on minibatches
    of 32. Targets are standardized unless ``standardize`` is False; predictions are in the targets' own units, and ``loss_curve_``
    is in standardized ones.

    Raises InputError, a ValueError, for what cannot be used; a field that is wrong is refused by ``fit``, not before.

    >>> import numpy as np
    >>> X = np.linspace(-2.0, 2.0, 64)[:, None]
    >>> model = BPNNRegressor(random_state=0, epochs=300).fit(X, np.sin(X[:, 0]))
    >>> bool(model.score(X, np.sin(X[:, 0])) > 0.99)
    True
    """

    n_outputs_: int
    _one: bool

    def fit(self, X: Any, y: Any) -> Self:
        """Train on rows ``X`` (patterns, inputs) with numbers ``y``, of shape (patterns,) or (patterns, outputs).

        With ``warm_start`` the training goes on where the last fit ended. Raises DivergedError for a run that leaves the finite
        numbers.
        """
        return super().fit(X, y)

    def partial_fit(self, X: Any, y: Any) -> Self:
        """One epoch of these rows, after those of earlier calls or of ``fit``.

        The first call's rows are what inputs and targets are standardized by, and another number of rows compiles anew.
        Raises InputError where validation, patience or a schedule is set.
        """
        return self._partial_fit(X, y)

    _NUMERIC = True

    def _targets(self, y: Any, *, first: bool, classes: np.ndarray | None = None) -> tuple[str, np.ndarray]:
        t = np.asarray(y, np.float64)
        one = t.ndim == 1
        t = t[:, None] if one else t
        if not first and t.shape[1] != self.n_outputs_:
            raise InputError(f"expected {self.n_outputs_} numbers per row, as before, got {t.shape[1]}")
        self.n_outputs_, self._one = t.shape[1], one
        return "regression", t

    def predict(self, X: Any) -> np.ndarray:
        """The numbers of each row, in the targets' own units: (patterns,), or (patterns, outputs) as ``y`` was."""
        return self._read_off(self._outputs(X))

    def _read_off(self, outputs: np.ndarray) -> np.ndarray:
        if self._scaling.targets is not None:
            outputs = self._scaling.targets.undo(outputs)
        return outputs[:, 0] if self._one else outputs

    def _score(self, x: np.ndarray, y: np.ndarray) -> float:
        return float(r2_score(y, self._read_off(self._forward(x))))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
