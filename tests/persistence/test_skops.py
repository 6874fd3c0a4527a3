"""skops saves every estimator without loss, and needs only the types that skmtl lists."""

import datetime
import importlib

import numpy as np
import pytest
import skops.io
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmtl import MultiTaskKerasClassifier, MultiTaskKerasRegressor
from skmtl.mlflow import MLflowCallback
from skmtl.persistence import trusted_types

from ..estimators._cases import SMALL, quantities
from ._cases import CASES, X, answers, check_same, fitted, labelled

FUNCTIONS = ["tests.estimators._builders.heads"]


def through_skops(model, extra=()):
    data = skops.io.dumps(model)
    untrusted = set(skops.io.get_untrusted_types(data=data))
    assert untrusted <= {*trusted_types(), *extra}
    return skops.io.loads(data, trusted=[*trusted_types(), *extra])


@pytest.mark.parametrize("case", CASES)
def test_a_loaded_estimator_predicts_the_same_bits(case):
    model, rows = fitted(case)
    loaded = through_skops(model, FUNCTIONS if case == "model" else ())
    check_same(answers(loaded, rows), answers(model, rows))
    assert sorted(vars(loaded)) == sorted(vars(model))


def test_tables_are_the_same_after_loading():
    loaded = through_skops(fitted("shifted rows")[0])
    for name in ("blend_weights_", "shifted_blend_weights_"):
        table = getattr(fitted("shifted rows")[0], name)
        assert getattr(loaded, name).equals(table)
    assert loaded.oob_score_.equals(fitted("shifted rows")[0].oob_score_)
    affinity, other = fitted("grouping")[0].affinity_, through_skops(fitted("grouping")[0]).affinity_
    assert other.frame().equals(affinity.frame())


def test_pipelines_and_searches_around_an_skmtl_estimator():
    pipeline = make_pipeline(StandardScaler(), MultiTaskKerasRegressor(**SMALL))
    search = GridSearchCV(pipeline, {"multitaskkerasregressor__dropout": [0.0, 0.1]}, cv=2).fit(X, quantities(X))
    extra = set(skops.io.get_untrusted_types(data=skops.io.dumps(search))) - set(trusted_types())
    assert all(name.startswith(("numpy.", "sklearn.")) for name in extra)
    loaded = through_skops(search, extra)
    np.testing.assert_array_equal(loaded.predict(X), search.predict(X))
    assert loaded.best_params_ == search.best_params_


@pytest.mark.parametrize(
    "kinds", [("a", "b"), (b"a", b"b"), (datetime.date(2020, 1, 1), datetime.date(2021, 1, 1))], ids=repr
)
def test_labels_are_saved(kinds):
    model = MultiTaskKerasClassifier(**{**SMALL, "epochs": 1}).fit(X, labelled(*kinds))
    loaded = through_skops(model, ["datetime.date"])
    assert loaded.predict(X).tolist() == model.predict(X).tolist()


def test_an_estimator_with_an_mlflow_callback():
    pytest.importorskip("mlflow")
    model = MultiTaskKerasRegressor(epochs=7).set_callbacks(MLflowCallback(tags={"a": "b"}))
    loaded = through_skops(model)
    assert loaded._skl_callbacks[0].tags == {"a": "b"}


def test_every_trusted_type_exists():
    for name in trusted_types():
        module, _, kind = name.rpartition(".")
        assert getattr(importlib.import_module(module), kind).__module__ == module
