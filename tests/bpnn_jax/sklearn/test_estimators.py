"""The estimators: what a fit is, going on, pickling, and what is refused."""

import io
import pickle
import re
import warnings
from dataclasses import fields

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is not installed: pip install 'bpnn-jax[sklearn]'")

from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

import bpnn_jax
from bpnn_jax.errors import InputError
from bpnn_jax.patterns import door, tabular
from bpnn_jax.settings import Run
from bpnn_jax.sklearn import BPNNClassifier, BPNNRegressor, _options

pytestmark = pytest.mark.quick_xla

X, Y = load_iris(return_X_y=True)


def says(text):
    return pytest.raises(InputError, match=re.escape(text))


def test_the_parameters_are_the_fields_of_a_run():
    own = {"epochs", "schedule", "standardize", "validation", "patience", "random_state", "warm_start"}
    assert set(BPNNClassifier().get_params()) == {f.name for f in fields(Run)} - {"tolerance", "targets"} | own
    assert BPNNClassifier().get_params() == BPNNRegressor().get_params()
    assert set(_options.FIELDS) | own == set(BPNNClassifier().get_params())


# --- what a fit is ---


@pytest.fixture(scope="module")
def fitted():
    return BPNNClassifier(random_state=3, epochs=20, standardize=True).fit(X, Y)


def test_a_fit_is_the_training_of_the_command(fitted):
    """Bit for bit what ``bpnn train iris --seed 3 --epochs 20`` trains, but for the order of the rows, which the file has as here."""
    task = door.open_set("iris").task
    data = tabular.prepare(task, "iris")
    np.testing.assert_array_equal(task.x, X)
    usual = tabular.customary("classification", 150)
    run = Run(**{name: value for name, value in usual.items() if name != "epochs"})
    network = run.network(data.train)
    first = bpnn_jax.init(network, 3, initial=run.initial)
    rates = {"learning_rate": run.learning_rate, "momentum": run.momentum}
    settings = run.settings(epochs=20)
    result = bpnn_jax.train(network, data.train.x, data.train.t, weights=first, seed=3, settings=settings, **rates)
    assert [W.tolist() for W in fitted.weights_] == [W.tolist() for W in result.weights]
    assert (fitted.run_, fitted.network_) == (run, network)
    assert fitted.loss_curve_ == result.history[:, 1].tolist()
    assert (fitted.n_iter_, fitted.loss_, fitted.seed_) == (20, result.error, 3)


def test_probabilities_are_the_outputs(fitted):
    expected = bpnn_jax.predict(fitted.network_, fitted.weights_, (X - X.mean(axis=0)) / X.std(axis=0))
    # The estimator computes in float64 with the same weights: float32 rounds each of some 20 terms of size 1.
    np.testing.assert_allclose(fitted.predict_proba(X), expected, atol=20 * 2**-23)
    np.testing.assert_array_equal(fitted.predict(X), expected.argmax(axis=1))
    np.testing.assert_allclose(np.exp(fitted.predict_log_proba(X)).sum(axis=1), 1.0)


def test_classes_by_name_in_a_pipeline():
    names = np.array(["setosa", "versicolor", "virginica"])[Y]
    model = make_pipeline(FunctionTransformer(), BPNNClassifier(random_state=3, epochs=20)).fit(X, names)
    assert model[-1].classes_.tolist() == ["setosa", "versicolor", "virginica"]
    assert set(model.predict(X)) <= set(names)
    assert model.score(X, names) > 0.9


def test_labels():
    labels = np.stack([Y == 0, Y > 0, X[:, 0] > 5.8], axis=1).astype(int)
    model = BPNNClassifier(random_state=0, epochs=60).fit(X, labels)
    assert (model.network_.activations[-1], model.run_.objective) == ("sigmoid", "cross-entropy")
    assert model.predict(X).shape == model.predict_proba(X).shape == (150, 3)
    assert (model.predict(X) == labels).mean() > 0.95
    assert model._score(X, labels) == model.score(X, labels)
    with says("expected labels, as before, got multiclass targets"):
        model.partial_fit(X, Y)


def test_numbers_in_their_own_units_one_or_several_per_row():
    x, y = load_diabetes(return_X_y=True)
    one = BPNNRegressor(random_state=0).fit(x, y)
    assert one.score(x, y) == pytest.approx(one._score(x, y))
    assert one.score(x, y) > 0.4
    both = BPNNRegressor(random_state=0).fit(x, np.stack([y, -100 * y], axis=1))
    assert both.predict(x).shape == (442, 2)
    assert both.score(x, np.stack([y, -100 * y], axis=1)) > 0.4
    assert one.predict(x).shape == (442,)
    assert abs(one.predict(x).mean() - y.mean()) < 0.2 * y.std()


def test_outputs_that_are_no_shares_give_no_probabilities():
    model = BPNNClassifier(output_activation="tanh", epochs=20, random_state=0).fit(X, Y)
    assert model.run_.objective == "half-squared-error"
    assert not hasattr(model, "predict_proba")
    assert model.score(X, Y) > 0.6
    assert not hasattr(BPNNClassifier(output_activation="linear"), "predict_proba")
    assert hasattr(BPNNClassifier(output_activation="same", activation="sigmoid"), "predict_proba")


def test_inputs_of_about_one_are_left_as_they_are():
    x = np.array([[0.0, 1.0], [2.0, 3.0], [1.0, 4.0]])
    t = x[:, :1]
    for given, factor, inputs in (
        (None, 1, False),
        (None, 100, True),
        (None, 0.01, True),
        (True, 1, True),
        (False, 100, False),
    ):
        scaling = _options._scaling(BPNNRegressor(standardize=given), "regression", x * factor, t)
        assert (scaling.inputs is not None, scaling.targets is not None) == (inputs, given is not False)
    assert _options._scaling(BPNNRegressor(), "regression", x + 20, t).inputs is not None


# --- further ---


def test_warm_start_is_one_longer_run(fitted):
    model = (
        BPNNClassifier(random_state=3, epochs=12, warm_start=True, standardize=True)
        .fit(X, Y)
        .set_params(epochs=8)
        .fit(X, Y)
    )
    assert [W.tolist() for W in model.weights_] == [W.tolist() for W in fitted.weights_]
    assert (model.n_iter_, model.loss_curve_) == (20, fitted.loss_curve_)
    assert clone(model).set_params(epochs=20).fit(X, Y).weights_[0].tolist() == fitted.weights_[0].tolist()
    with says("expected the network of the training that goes on, 4-8-3 tanh/softmax, got 4-5-3 tanh/softmax"):
        model.set_params(hidden=(5,)).fit(X, Y)


def test_partial_fit_is_an_epoch_a_call(fitted):
    model = BPNNClassifier(random_state=3, standardize=True)
    for _ in range(20):
        model.partial_fit(X, Y, classes=[0, 1, 2])
    assert [W.tolist() for W in model.weights_] == [W.tolist() for W in fitted.weights_]
    with says("expected y of the classes of the first call, 0, 1, 2, got 3 too"):
        model.partial_fit(X, Y + 1)
    with says("expected the classes of before, 0, 1, 2, got 0, 1"):
        model.partial_fit(X, Y, classes=[0, 1])
    with says("expected validation with fit, which sees all rows, got it with partial_fit"):
        model.set_params(validation=0.2).partial_fit(X, Y)


def test_validation_keeps_the_best_epoch():
    model = BPNNClassifier(random_state=3, validation=0.2, patience=3, epochs=400, learning_rate=0.1).fit(X, Y)
    assert model.n_iter_ == model.kept_ + 1 + 3 < 400
    with says("expected patience with validation"):
        BPNNClassifier(patience=3).fit(X, Y)


def test_a_schedule_counts_the_epochs():
    model = BPNNClassifier(random_state=3, epochs=20, schedule="step:0.000001:1").fit(X, Y)
    assert (
        np.ptp(model.loss_curve_[2:]) < 1e-2 < model.loss_curve_[0] - model.loss_curve_[1]
    )  # the first epoch alone moves it
    with says("expected schedule as a text such as 'cosine'"):
        BPNNClassifier(schedule=None).fit(X, Y)


def test_pickled_by_others_it_predicts_the_same_and_goes_on(fitted):
    kept = io.BytesIO()
    pickle.dump(fitted, kept)
    again = pickle.loads(kept.getvalue())
    assert again.predict_proba(X).tolist() == fitted.predict_proba(X).tolist()
    assert again.set_params(warm_start=True).fit(X, Y).n_iter_ == 40


def test_random_states():
    drawn = {_options.seed_of(state) for state in (None, None, np.random.RandomState(0), np.random.RandomState(1))}
    assert len(drawn) == 4
    assert _options.seed_of(np.int64(7)) == 7
    assert _options.seed_of(np.random.RandomState(0)) == _options.seed_of(np.random.RandomState(0))


# --- refused ---


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"activation": "tnah"}, "unknown activation 'tnah'; did you mean 'tanh'?"),
        ({"hidden": 8}, "expected hidden as several numbers, got 8"),
        ({"epochs": 2.5}, "expected epochs as a whole number from 1 up, got 2.5"),
        ({"standardize": "no"}, "expected standardize as True or False, got 'no'"),
        ({"warm_start": 1}, "expected warm_start as True or False, got 1"),
        ({"momentum": 0.9}, "expected a rule with momentum 0.9: adam"),
        ({"rule": "sgd"}, "expected a learning rate with rule sgd"),
        ({"mode": "batch", "batch_size": 8}, "expected a batch-size only with mode minibatch"),
        ({"validation": 1.5}, "expected validation share from 0 to below 1, got 1.5"),
        ({"random_state": -1}, "expected seed as a whole number from 0 up, got -1"),
    ],
    ids=str,
)
def test_parameters_that_cannot_be_used(given, text):
    with says(text):
        BPNNClassifier(**given).fit(X, Y)


def test_targets_that_cannot_be_learnt():
    with says("expected two classes or more, got one class, 1"):
        BPNNClassifier().fit(X[50:100], Y[50:100])
    with says("expected one class per row, or labels 0 and 1, got several columns of classes"):
        BPNNClassifier().fit(X, np.stack([Y, Y], axis=1))
    with pytest.raises(NotFittedError):
        BPNNRegressor().predict(X)


def test_a_run_that_diverges_is_an_error_that_a_grid_takes():
    grid = {"learning_rate": [0.01, 1e30]}
    model = BPNNClassifier(rule="sgd", mode="batch", random_state=0, epochs=20, output_activation="linear")
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        search = GridSearchCV(model, grid, cv=2, refit=False).fit(X[:100:2], Y[:100:2])
        many = model.fit_many(grid, X[:100:2], Y[:100:2], cv=2, refit=False)
    assert any("2 of 4 fits have no score" in str(w.message) for w in seen)
    np.testing.assert_array_equal(np.isnan(search.cv_results_["mean_test_score"]), [False, True])
    np.testing.assert_array_equal(np.isnan(many.cv_results_["mean_test_score"]), [False, True])
    assert many.best_params_ == search.best_params_ == {"learning_rate": 0.01}
