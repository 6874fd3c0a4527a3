"""Invalid data and parameters raise clear errors and leave the estimator unchanged."""

import contextlib
import datetime

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.exceptions import NotFittedError

from skmtl import MultiTaskKerasClassifier, MultiTaskKerasEstimator, MultiTaskKerasRegressor, TrainingDivergedError

from .estimators._builders import heads, wrong_heads
from .estimators._cases import ESTIMATORS, SMALL, features, labels, mixed, quantities, targets_for
from .estimators._process import run_python

X = features()
OWN = {name: value for name, value in SMALL.items() if name != "hidden_layer_sizes"}
DAYS = pd.Series(pd.date_range("2020-01-01", periods=60))


def changed(array, value):
    array = np.array(array, dtype=np.result_type(array, type(value)) if not isinstance(value, str) else object)
    array[3, 1] = value
    return array


def refuses(model, X, y, error, message, **arguments):
    """Check that fit fails with this message and sets no fitted attributes."""
    with pytest.raises(error, match=message):
        model.fit(X, y, **arguments)
    assert [name for name in vars(model) if name.endswith("_")] == []


BAD_X = {
    "one dimension": (X[:, 0], ValueError, "Expected 2D array, got 1D array instead"),
    "three dimensions": (X[:, :, None], ValueError, "Found array with dim 3"),
    "no rows": (X[:0], ValueError, "Found array with 0 sample"),
    "no columns": (X[:, :0], ValueError, r"0 feature\(s\)"),
    "other length": (X[:50], ValueError, "inconsistent numbers of samples"),
    "complex": (X + 1j, ValueError, "Complex data not supported"),
    "infinite": (changed(X, np.inf), ValueError, "Input X contains infinity"),
    "text": (changed(X, "north"), ValueError, "could not convert string to float: 'north'"),
    "dates": (DAYS.to_frame(), ValueError, "X has columns of dates or times"),
    "dates, array": (DAYS.to_numpy().reshape(-1, 1), ValueError, "X has columns of dates or times"),
    "dates, polars": (pl.DataFrame({"a": DAYS.tolist()}), ValueError, "X has columns of dates or times"),
    "spans of time": (np.arange(60).astype("m8[s]").reshape(-1, 1), ValueError, "X has columns of dates or times"),
    "dates among numbers": (pd.DataFrame({"a": X[:, 0], "b": DAYS}), ValueError, "X has columns of dates or times"),
    "objects": (np.array([[{}]] * 60, dtype=object), TypeError, "argument must be .* string.* number"),
}


@pytest.mark.parametrize("case", BAD_X)
def test_invalid_x(case):
    bad, error, message = BAD_X[case]
    refuses(MultiTaskKerasRegressor(**SMALL), bad, quantities(X), error, message)


BAD_Y = {
    "none": (None, "requires y to be passed, but the target y is None"),
    "a number": (3.0, r"y should be 1-D \(n_samples,\) or 2-D"),
    "three dimensions": (quantities(X)[:, :, None], r"y should be 1-D .* got an array of shape \(60, 2, 1\)"),
    "no columns": (quantities(X)[:, :0], "y has no columns: at least one task is needed"),
    "other length": (quantities(X)[:50], "inconsistent numbers of samples"),
    "rows of different length": ([[1.0, 2.0]] * 59 + [[1.0]], "y is a list of rows of different lengths"),
    "complex": (quantities(X) + 1j, "Complex data not supported"),
    "complex in a frame": (pd.DataFrame(quantities(X) + 1j), "Complex data not supported"),
    "complex among objects": (changed(quantities(X), 1j).astype(object), "Complex data not supported"),
    "infinite": (changed(quantities(X), np.inf), "infinity or a value too large .* in task 'y1'"),
    "minus infinite": (changed(quantities(X), -np.inf), "infinity or a value too large .* in task 'y1'"),
    "text": (
        np.array(["low", "high"] * 30),
        "Task 'y0' is a regression, but its labels are not numbers",
    ),
    "dates": (DAYS.rename("sold"), "Task 'sold' is a regression, but its column holds dates"),
    "dates as objects": ([datetime.date(2020, 1, 1)] * 60, "Task 'y0' is a regression, but its column holds dates"),
    "a task without labels": (
        pd.DataFrame({"price": X[:, 0], "area": np.nan}),
        "Task 'area' has no label at all: every entry of its column is missing",
    ),
    "no label at all": (np.full(60, np.nan), "Task 'y0' has no label at all"),
    "names given twice": (pd.DataFrame(quantities(X), columns=["a", "a"]), r"y names the tasks \['a'\] more than once"),
    "names that read the same": (pd.DataFrame(quantities(X), columns=[1, "1"]), r"y names the tasks \['1'\]"),
}


@pytest.mark.parametrize("case", BAD_Y)
def test_invalid_y(case):
    bad, message = BAD_Y[case]
    refuses(MultiTaskKerasRegressor(**SMALL), X, bad, ValueError, message)


@pytest.mark.parametrize(
    ("kind", "y", "message"),
    [
        (MultiTaskKerasClassifier, quantities(X), "Unknown label type: continuous"),
        (MultiTaskKerasClassifier, [[1], ["b"]] * 30, "Task 'y0' mixes labels of types"),
        (MultiTaskKerasClassifier, [["b", 1], [1, 2]] * 30, "Task 'y0' mixes labels of types"),
        (MultiTaskKerasClassifier, changed(labels(X), np.inf), "infinity .* in task 'y1'"),
        (MultiTaskKerasEstimator, DAYS.to_frame("sold"), "Task 'sold' holds dates or times"),
        (MultiTaskKerasEstimator, pd.DataFrame({"a": [None] * 60}), "Task 'a' has no label at all"),
    ],
)
def test_invalid_class_labels(kind, y, message):
    refuses(kind(**SMALL), X, y, ValueError, message)


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (np.zeros(60), "at least one non-zero number"),
        (np.zeros((60, 2)), "no label with a positive weight"),
        (np.tile([1.0, 0.0], (60, 1)), "Task 'y1' has no label with a positive weight"),
        (-np.ones(60), "Negative values in data passed to `sample_weight`"),
        (-np.ones((60, 2)), "Negative values in sample_weight"),
        (np.full(60, np.nan), "Input sample_weight contains NaN"),
        (np.full((60, 2), np.nan), "Input sample_weight contains NaN"),
        (np.full((60, 2), np.inf), "Input sample_weight contains infinity"),
        (np.ones(59), r"sample_weight.shape == \(59,\), expected \(60,\)"),
        (np.ones((60, 3)), r"sample_weight.shape == \(60, 3\), expected \(60,\) or \(60, 2\)"),
        (np.ones((60, 2, 1)), r"sample_weight.shape == \(60, 2, 1\), expected"),
        (["heavy"] * 60, "could not convert string to float"),
    ],
)
def test_invalid_weights(weight, message):
    refuses(MultiTaskKerasRegressor(**SMALL), X, quantities(X), ValueError, message, sample_weight=weight)


BAD_SETTINGS = {
    "loss_weights of an unknown task": (
        {"loss_weights": {"y3": 1}},
        "loss_weights names the task 'y3'.* Did you mean 'y",
    ),
    "loss_weights of other length": ({"loss_weights": [1, 2, 3]}, "loss_weights has 3 entries, but there are 2 tasks"),
    "loss_weights below zero": ({"loss_weights": [1, -2]}, "loss_weights should be non-negative"),
    "loss_weights all zero": ({"loss_weights": [0, 0]}, "loss_weights should be non-negative, finite and not all zero"),
    "loss_weights of text": ({"loss_weights": ["a", "b"]}, "loss_weights should be numbers"),
    "an unknown loss": ({"loss": {"price": "mse"}}, "loss names the task 'price'"),
    "an unknown activation": ({"activation": "rellu"}, "Keras has no activation named 'rellu'. Did you mean 'relu'"),
    "an unknown optimizer": ({"optimizer": "adamm"}, "Keras has no optimizer named 'adamm'. Did you mean 'adam'"),
    "an unknown architecture": ({"architecture": "shared_botom"}, "Did you mean 'shared_bottom'"),
    "a layer without units": ({"hidden_layer_sizes": (4, 0)}, "hidden_layer_sizes should be positive integers"),
    "a layer of 2.5 units": ({"hidden_layer_sizes": (2.5,)}, "hidden_layer_sizes should be positive integers"),
    "a tower of true units": ({"head_layer_sizes": (True,)}, "head_layer_sizes should be positive integers"),
    "no epochs": ({"epochs": 0}, "The 'epochs' parameter of MultiTaskKerasRegressor must be an int"),
    "optimizer__": ({"optimizer__clipnrm": 1.0}, "Adam has no parameter 'clipnrm' .* Did you mean 'clipnorm'"),
    "architecture__": ({"architecture__experts": 3}, r"no option 'experts' \(architecture__experts\)"),
    "an unknown balancing": ({"balancing": "pcgradd"}, "Did you mean 'pcgrad'"),
    "balancing__": ({"balancing": "cagrad", "balancing__d": 0.5}, "'d'"),
    "a flag where balancing wants a number": (
        {"balancing": "gradnorm", "balancing__alpha": True},
        "GradNorm: alpha should be a number, got True",
    ),
    "an array of no parts": ({"blend": np.array([1, 2])}, "blend: there is no"),
    "a layer beyond all machines": ({"hidden_layer_sizes": 10**30}, "hidden_layer_sizes has layers of more than"),
    "balancing__ without a method": ({"balancing__c": 0.5}, "'c'"),
    "model__ without model": ({"model__units": 3}, "model__units given, but model= is None"),
    "callbacks__ without callbacks": ({"callbacks__patience": 3}, "callbacks__patience given, but callbacks= is None"),
}


@pytest.mark.parametrize("case", BAD_SETTINGS)
def test_invalid_settings(case):
    settings, message = BAD_SETTINGS[case]
    refuses(MultiTaskKerasRegressor(**{**SMALL, **settings}), X, quantities(X), ValueError, message)


@pytest.mark.parametrize(
    ("class_weight", "message"),
    [
        ({"y7": "balanced"}, "class_weight names the task 'y7', which y does not have"),
        ([{5: 1.0}, None], r"class_weight of task 'y0' names the class 5; its classes are \[0, 1\]"),
        ([{0: -1.0}, None], "the weight of 0 should be >= 0"),
        ({0: 1.0, 1: 2.0}, "gives weights to classes, but there are 2 tasks: give a list with one such dict per task"),
        (["balancd", None], "class_weight of task 'y0' should be None, 'balanced' or a dict"),
        (["balanced"], "class_weight has 1 entries, but there are 2 tasks"),
    ],
)
def test_invalid_class_weights(class_weight, message):
    refuses(MultiTaskKerasClassifier(**SMALL, class_weight=class_weight), X, labels(X), ValueError, message)


@pytest.mark.parametrize(
    ("task_types", "message"),
    [
        ({"prize": "regression"}, "task_types names the task 'prize', which y does not have. Did you mean 'price'"),
        ({"price": "regressor"}, "task_types gives the task 'price' the type 'regressor'. Did you mean 'regression'"),
        ({"size": "regression"}, "Task 'size' is a regression, but its labels are not numbers"),
    ],
)
def test_invalid_task_types(task_types, message):
    refuses(MultiTaskKerasEstimator(**SMALL, task_types=task_types), X, mixed(X), ValueError, message)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"model": wrong_heads, "model__extra": 1}, ValueError, "The model has 4 outputs, but y has 3 tasks"),
        ({"model": wrong_heads, "model__extra": -1}, ValueError, "The model has 2 outputs, but y has 3 tasks"),
        ({"model": wrong_heads, "model__width": 1}, ValueError, "The head of task 'price' has 2 units; a regression"),
        ({"model": wrong_heads}, ValueError, "The head of task 'size' ends in a linear activation"),
        ({"model": heads, "model__unit": 3}, ValueError, "no parameter 'unit'.* Did you mean 'units'"),
        ({"model": lambda meta: 3}, TypeError, "should be a function that returns a keras.Model, but it returned int"),
        ({"model": heads, "hidden_layer_sizes": (4,)}, ValueError, "hidden_layer_sizes given, but model= builds"),
        ({"model": heads, "dropout": 0.5}, ValueError, "dropout given, but model= builds"),
        ({"model": heads, "architecture__x": 1}, ValueError, "architecture__x given, but model= builds"),
    ],
)
def test_builders_that_do_not_match_the_tasks(settings, error, message):
    refuses(MultiTaskKerasEstimator(**OWN, **settings), X, mixed(X), error, message)


@pytest.mark.parametrize("ensemble_size", [1, 3])
def test_diverging_training_names_epoch_task_and_remedies(ensemble_size):
    diverging = {"optimizer": "sgd", "learning_rate": 1e6, "activation": "identity", "epochs": 60}
    model = MultiTaskKerasRegressor(**{**SMALL, **diverging, "ensemble_size": ensemble_size})
    refuses(model, X, quantities(X), TrainingDivergedError, r"diverged in epoch \d+: .* task 'y[01]'.*learning_rate")


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_a_failed_fit_leaves_a_fitted_estimator_as_it_was(kind):
    y = targets_for(kind, X)
    model = kind(**SMALL).fit(X, y)
    before = dict(vars(model))
    bad = [(changed(X, np.inf), y), (X, targets_for(kind, X)[:5]), (X[:, :2], None), (X, np.full((60, 3), np.nan))]
    for bad_X, bad_y in bad:
        with pytest.raises(ValueError):
            model.fit(bad_X, bad_y)
        # partial_fit accepts a chunk without labels.
        unlabelled = kind is MultiTaskKerasEstimator and bad_y is bad[-1][1]
        with contextlib.nullcontext() if unlabelled else pytest.raises(ValueError):
            model.partial_fit(bad_X, bad_y)
        assert vars(model) == before
    model.set_params(optimizer="sgd", learning_rate=1e30, activation="identity")
    before = dict(vars(model))
    if kind is MultiTaskKerasRegressor:
        with pytest.raises(TrainingDivergedError):
            model.fit(X, y)
        assert vars(model) == before


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_an_unfitted_estimator_says_so(kind):
    for use in (lambda m: m.predict(X), lambda m: m.score(X, X), lambda m: m.score_tasks(X, X), lambda m: m.model_):
        with pytest.raises(NotFittedError, match=f"This {kind.__name__} instance is not fitted yet"):
            use(kind())


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_prediction_checks_its_input(kind):
    model = kind(**SMALL).fit(X, targets_for(kind, X))
    for bad, message in (
        (X[:, :2], f"X has 2 features, but {kind.__name__} is expecting 4 features as input"),
        (X[:0], "Found array with 0 sample"),
        (X[0], "Expected 2D array, got 1D array instead"),
        (changed(X, np.inf), "Input X contains infinity"),
    ):
        with pytest.raises(ValueError, match=message):
            model.predict(bad)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        model.score(X, targets_for(kind, X)[:5])


def test_another_keras_backend_is_refused_before_keras_is_imported():
    code = (
        "import os\n"
        "os.environ['KERAS_BACKEND'] = 'jax'\n"
        "import numpy as np, skmtl\n"
        "for method in ('fit', 'partial_fit'):\n"
        "    try:\n"
        "        getattr(skmtl.MultiTaskKerasRegressor(), method)(np.eye(5), np.eye(5))\n"
        "    except RuntimeError as error:\n"
        "        print(error)\n"
    )
    message = "skmtl needs Keras with the TensorFlow backend, but KERAS_BACKEND is 'jax'."
    assert run_python(code).count(message) == 2
