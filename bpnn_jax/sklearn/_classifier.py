"""``BPNNClassifier``: classes, or several labels per row."""

from typing import Any, Self

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import column_or_1d

from bpnn_jax.errors import InputError
from bpnn_jax.sklearn._estimator import Estimator

PROBABILITIES = ("softmax", "sigmoid")  # outputs that are shares from 0 to 1


def _gives_probabilities(classifier: "BPNNClassifier") -> bool:
    if hasattr(classifier, "network_"):
        return classifier.network_.activations[-1] in PROBABILITIES
    output = classifier.output_activation
    return (classifier.activation if output == "same" else output) in (None, *PROBABILITIES)


class BPNNClassifier(ClassifierMixin, Estimator):
    """A network that tells classes, or several labels per row, trained by the hand-written derivation.

    The parameters are the fields of ``bpnn_jax.settings.Run``, but for ``tolerance`` and ``targets``. None, the default of each,
    stands for what ``bpnn train TABLE`` takes: tanh on one hidden layer, softmax outputs with cross-entropy, Adam on minibatches of
    32 in shuffled order. ``run_`` says after a fit what that was. Beside them:

    epochs:       how often all rows are seen; None for some 500 updates.
    schedule:     the learning rate over the epochs, as a text: ``cosine``, ``step:0.5:30``.
    standardize:  True: inputs with mean 0 and standard deviation 1, as the rows to train on have them. False: as they are. None: as
                  they are if every column's standard deviation is from 0.3 to 3 and its mean within ±10, otherwise standardized.
    validation:   this share of the rows is kept apart to choose by: the weights of its lowest error are kept.
    patience:     with validation: stop after so many epochs without a lower error.
    random_state: a whole number is the seed, as for ``bpnn_jax.train``; None and a RandomState draw one.
    warm_start:   ``fit`` goes on with the last one: ``epochs`` more, as one longer run would have had them.

    After a fit there are, beside scikit-learn's own ``classes_`` and ``n_features_in_``:

    weights_:     L matrices (n_in + bias, n_out), of ``network_``, for standardized inputs.
    loss_curve_:  the error E after each epoch, summed over outputs and patterns; ``loss_`` the last. ``n_iter_`` epochs in all.
    kept_:        the epoch, from 0, that the weights are of: the last, or with validation the best.

    Raises InputError, a ValueError, for what cannot be used; a field that is wrong is refused by ``fit``, not before.

    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> model = BPNNClassifier(random_state=0).fit(X[::2], y[::2])
    >>> float(model.score(X[1::2], y[1::2])) > 0.9, str(model.network_)
    (True, '4-8-3 tanh/softmax')
    """

    classes_: np.ndarray
    _labels: bool

    def fit(self, X: Any, y: Any) -> Self:
        """Train on rows ``X`` (patterns, inputs) with a class for each, ``y`` (patterns,), or labels 0 and 1, (patterns, labels).

        With ``warm_start`` the training goes on where the last fit ended. Raises InputError for fewer than two classes, and
        DivergedError for a run that leaves the finite numbers.
        """
        return super().fit(X, y)

    def partial_fit(self, X: Any, y: Any, classes: Any = None) -> Self:
        """One epoch of these rows, after those of earlier calls or of ``fit``.

        classes: all that will ever come, for the first call; without it those of its ``y``. The first call's rows are also what
                 inputs are standardized by, and another number of rows compiles anew.

        Raises InputError for a class that is not among them, and where validation, patience or a schedule is set.
        """
        first = not hasattr(self, "_checkpoint")
        if classes is not None:
            classes = np.unique(np.asarray(classes))
            if not first and not np.array_equal(classes, self.classes_):
                raise InputError(
                    f"expected the classes of before, {self._named(self.classes_)}, got {self._named(classes)}"
                )
        return self._partial_fit(X, y, classes)

    def _targets(self, y: Any, *, first: bool, classes: np.ndarray | None = None) -> tuple[str, np.ndarray]:
        check_classification_targets(y)
        found = type_of_target(y, input_name="y")
        labels = found == "multilabel-indicator"
        if found == "multiclass-multioutput":
            raise InputError("expected one class per row, or labels 0 and 1, got several columns of classes")
        if not first and labels != self._labels:
            raise InputError(f"expected {'labels' if self._labels else 'classes'}, as before, got {found} targets")
        if labels:
            t = np.asarray(y.todense() if hasattr(y, "todense") else y, np.float64)
            if not first and t.shape[1] != len(self.classes_):
                raise InputError(f"expected {len(self.classes_)} labels per row, as before, got {t.shape[1]}")
            self.classes_, self._labels = np.arange(t.shape[1]), True
            return "multi-label", t
        y = column_or_1d(y, warn=True)
        if not first or classes is None:
            classes = np.unique(y) if first else self.classes_
        strange = np.setdiff1d(np.unique(y), classes)
        if len(strange):
            raise InputError(
                f"expected y of the classes of the first call, {self._named(classes)}, got {self._named(strange)} too: "
                "partial_fit takes classes=, all that will come"
            )
        if len(classes) < 2:
            raise InputError(f"expected two classes or more, got one class, {self._named(classes)}")
        self.classes_, self._labels = classes, False
        return "classification", np.eye(len(classes))[np.searchsorted(classes, y)]

    @staticmethod
    def _named(classes: np.ndarray) -> str:
        return ", ".join(map(str, classes[:8])) + (", ..." if len(classes) > 8 else "")

    def predict(self, X: Any) -> np.ndarray:
        """The class of each row, that of the largest output, shape (patterns,); or labels 0 and 1, (patterns, labels)."""
        return self._read_off(self._outputs(X))

    def _read_off(self, outputs: np.ndarray) -> np.ndarray:
        return (outputs > 0.5).astype(int) if self._labels else self.classes_[outputs.argmax(axis=1)]

    def _score(self, x: np.ndarray, y: np.ndarray) -> float:
        right = self._read_off(self._forward(x)) == y
        return float((right.all(axis=1) if self._labels else right).mean())

    @available_if(_gives_probabilities)
    def predict_proba(self, X: Any) -> np.ndarray:
        """The probability of each class, (patterns, classes), in the order of ``classes_``; of each label, (patterns, labels).

        For softmax and sigmoid outputs. Sigmoid outputs of classes are divided by their sum.
        """
        outputs = self._outputs(X)
        return outputs if self._labels else outputs / outputs.sum(axis=1, keepdims=True)

    @available_if(_gives_probabilities)
    def predict_log_proba(self, X: Any) -> np.ndarray:
        """The logarithm of ``predict_proba``."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
