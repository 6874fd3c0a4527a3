"""Errors for parameter names of other libraries suggest ours."""

import numpy as np
import pytest

from skmtl import MultiTaskKerasClassifier
from skmtl.estimators._other_names import _NOTES, _OF_ARGUMENTS, _OF_PARAMETERS

from ._cases import ESTIMATORS, features

X = features(30)


@pytest.mark.parametrize("name", ["max_iter", "n_estimators", "alpha", "solver", "lr", "patience", "random_seed"])
def test_a_parameter_name_of_another_library_gets_ours_suggested(name):
    message = f"Use '{_OF_PARAMETERS[name]}' instead"
    with pytest.raises(TypeError, match=message):
        MultiTaskKerasClassifier(**{name: 1})
    with pytest.raises(ValueError, match=message):
        MultiTaskKerasClassifier().set_params(**{name: 1})


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_suggested_names_exist_and_existing_names_get_no_suggestion(estimator):
    known = set(estimator().get_params())
    for ours in set(_OF_PARAMETERS.values()):
        estimator().set_params(**({ours: None} if ours != "class_weight" or ours in known else {}))
    assert not known & (set(_OF_PARAMETERS) | set(_NOTES))


def test_a_parameter_without_a_counterpart_is_explained():
    with pytest.raises(TypeError, match=r"'n_jobs'\. Members train on as many threads as there are processors"):
        MultiTaskKerasClassifier(n_jobs=2)


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ({"epochs": 3}, r"It is a parameter of the estimator: MultiTaskKerasClassifier\(epochs=...\)"),
        ({"max_iter": 3}, r"It is a parameter of the estimator, MultiTaskKerasClassifier\(epochs=...\)"),
        ({"validation_data": ()}, "Use X_val and y_val instead"),
        ({"eval_set": []}, "Use X_val and y_val instead"),
        ({"nonsense": 1}, "unexpected argument 'nonsense'"),
    ],
)
def test_an_unknown_argument_of_fit_gets_a_suggestion(argument, message):
    y = (X[:, :2] > 0).astype(int)
    with pytest.raises(TypeError, match=message):
        MultiTaskKerasClassifier().fit(X, y, **argument)
    with pytest.raises(TypeError, match=message):
        MultiTaskKerasClassifier().partial_fit(X, y, classes=[[0, 1], [0, 1]], **argument)


def test_arguments_of_fit_get_no_suggestion():
    assert not {"X_val", "y_val", "sample_weight", "groups"} & set(_OF_ARGUMENTS)
    assert np.isin(
        list(_OF_ARGUMENTS.values()), ["X_val and y_val", "sample_weight_val", "sample_weight", "groups"]
    ).all()
