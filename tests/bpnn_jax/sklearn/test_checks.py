"""scikit-learn's own checks of the estimators."""

import pytest

pytest.importorskip("sklearn", reason="scikit-learn is not installed: pip install 'bpnn-jax[sklearn]'")

from sklearn.utils.estimator_checks import parametrize_with_checks

from bpnn_jax.sklearn import BPNNClassifier, BPNNRegressor

pytestmark = pytest.mark.quick_xla

# What compiles soonest. Every check has rows of another number, so each compiles a program.
PLAIN = {"rule": "sgd", "learning_rate": 0.5, "mode": "batch", "shuffle": False, "epochs": 200}


@parametrize_with_checks([BPNNClassifier(**PLAIN), BPNNRegressor(**{**PLAIN, "learning_rate": 0.1})])
def test_scikit_learn_s_own_checks(estimator, check):
    check(estimator)


@pytest.mark.deep
@parametrize_with_checks([BPNNClassifier(), BPNNRegressor()])
def test_scikit_learn_s_own_checks_of_the_defaults(estimator, check):
    check(estimator)
