"""scikit-learn's estimators on the fields of a run: ``BPNNClassifier`` and ``BPNNRegressor``. Needs ``bpnn-jax[sklearn]``."""

from bpnn_jax.errors import InputError as _InputError

try:
    import sklearn as _sklearn  # noqa: F401 - what all files of this folder stand on
except ImportError as error:
    raise _InputError("these estimators stand on scikit-learn; for it pip install 'bpnn-jax[sklearn]'") from error

from bpnn_jax.sklearn._classifier import BPNNClassifier
from bpnn_jax.sklearn._grid import GridResult
from bpnn_jax.sklearn._regressor import BPNNRegressor

__all__ = ["BPNNClassifier", "BPNNRegressor", "GridResult"]
