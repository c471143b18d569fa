"""``fit_many``: what GridSearchCV finds, from networks that train at once."""

import re

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is not installed: pip install 'bpnn-jax[sklearn]'")

from sklearn.datasets import load_diabetes, load_iris
from sklearn.model_selection import GridSearchCV, ShuffleSplit

from bpnn_jax.errors import InputError
from bpnn_jax.sklearn import BPNNClassifier, BPNNRegressor, _grid

pytestmark = pytest.mark.quick_xla

X, Y = load_iris(return_X_y=True)
GRID = [{"hidden": [(4,), (8,)], "learning_rate": [0.001, 0.02]}, {"random_state": [1, 2], "standardize": [False]}]


@pytest.fixture(scope="module")
def search():
    return GridSearchCV(BPNNClassifier(random_state=0, epochs=15), GRID, cv=3, refit=False).fit(X, Y)


def same(many, search):
    found, expected = many.cv_results_, search.cv_results_
    assert found["params"] == expected["params"]
    for name in found:
        if name.startswith("param_"):
            assert found[name].tolist() == expected[name].tolist()
        elif name != "params":
            np.testing.assert_allclose(found[name], expected[name], atol=1e-12, err_msg=name)
    assert {name for name in expected if "time" not in name} == set(found)
    assert (many.best_index_, many.best_params_) == (search.best_index_, search.best_params_)
    assert many.best_score_ == pytest.approx(search.best_score_)


def test_the_scores_and_the_choice_are_gridsearchcv_s(search):
    """To rounding of float32 in training: no row of iris is so near a border that it moves one, in these 15 epochs."""
    many = BPNNClassifier(random_state=0, epochs=15).fit_many(GRID, X, Y, cv=3)
    same(many, search)
    assert (many.n_splits_, many.networks, many.programs) == (3, 18, 2)
    assert many.best_estimator_.get_params()["hidden"] == many.best_params_.get("hidden")
    assert "18, in 2 programs" in repr(many)


def test_folds_apart_where_their_patterns_are_many(search, monkeypatch):
    """The last rows of the grid, which are one program."""
    monkeypatch.setattr(_grid, "MOST_NUMBERS", 1000)
    many = BPNNClassifier(random_state=0, epochs=15).fit_many(GRID[1:], X, Y, cv=3, refit=False)
    assert many.cv_results_["params"] == search.cv_results_["params"][4:]
    for name in ("split0_test_score", "split1_test_score", "split2_test_score", "mean_test_score"):
        np.testing.assert_allclose(many.cv_results_[name], search.cv_results_[name][4:], atol=1e-12)


def test_a_scorer_and_splits_of_one_s_own():
    x, y = load_diabetes(return_X_y=True)
    how = {"cv": ShuffleSplit(2, test_size=0.2, random_state=1), "scoring": "neg_mean_absolute_error", "refit": False}
    model, grid = BPNNRegressor(random_state=0, epochs=5, dtype="float64"), {"learning_rate": [0.003, 0.03]}
    many = model.fit_many(grid, x, y, **how)
    search = GridSearchCV(model, grid, **how).fit(x, y)
    np.testing.assert_allclose(many.cv_results_["mean_test_score"], search.cv_results_["mean_test_score"], rtol=1e-9)
    assert many.best_estimator_ is None


def test_what_looks_at_one_network_is_left_to_gridsearchcv():
    with pytest.raises(InputError, match=re.escape("expected fit_many without validation and patience")):
        BPNNClassifier(validation=0.2).fit_many({"epochs": [1, 2]}, X, Y)
