"""skops keeps every estimator to the bit; the types to trust are those that skmtl names."""

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


def through_skops(model, more=()):
    data = skops.io.dumps(model)
    unknown = set(skops.io.get_untrusted_types(data=data))
    assert unknown <= {*trusted_types(), *more}
    return skops.io.loads(data, trusted=[*trusted_types(), *more])


@pytest.mark.parametrize("case", CASES)
def test_it_answers_the_same_bits(case):
    model, rows = fitted(case)
    twin = through_skops(model, FUNCTIONS if case == "model" else ())
    check_same(answers(twin, rows), answers(model, rows))
    assert sorted(vars(twin)) == sorted(vars(model))


def test_tables_for_users_are_made_at_access():
    twin = through_skops(fitted("far rows")[0])
    for name in ("blend_weights_", "shifted_blend_weights_"):
        table = getattr(fitted("far rows")[0], name)
        assert getattr(twin, name).equals(table)
    assert twin.oob_score_.equals(fitted("far rows")[0].oob_score_)
    affinity, other = fitted("grouping")[0].affinity_, through_skops(fitted("grouping")[0]).affinity_
    assert other.frame().equals(affinity.frame())


def test_pipelines_and_searches_around_ours():
    pipeline = make_pipeline(StandardScaler(), MultiTaskKerasRegressor(**SMALL))
    search = GridSearchCV(pipeline, {"multitaskkerasregressor__dropout": [0.0, 0.1]}, cv=2).fit(X, quantities(X))
    more = set(skops.io.get_untrusted_types(data=skops.io.dumps(search))) - set(trusted_types())
    assert all(name.startswith(("numpy.", "sklearn.")) for name in more)
    twin = through_skops(search, more)
    np.testing.assert_array_equal(twin.predict(X), search.predict(X))
    assert twin.best_params_ == search.best_params_


@pytest.mark.parametrize(
    "kinds", [("a", "b"), (b"a", b"b"), (datetime.date(2020, 1, 1), datetime.date(2021, 1, 1))], ids=repr
)
def test_labels_are_kept(kinds):
    model = MultiTaskKerasClassifier(**{**SMALL, "epochs": 1}).fit(X, labelled(*kinds))
    twin = through_skops(model, ["datetime.date"])
    assert twin.predict(X).tolist() == model.predict(X).tolist()


def test_an_estimator_with_our_callback():
    pytest.importorskip("mlflow")
    model = MultiTaskKerasRegressor(epochs=7).set_callbacks(MLflowCallback(tags={"a": "b"}))
    twin = through_skops(model)
    assert twin._skl_callbacks[0].tags == {"a": "b"}


def test_every_trusted_type_exists():
    for name in trusted_types():
        module, _, kind = name.rpartition(".")
        assert getattr(importlib.import_module(module), kind).__module__ == module
