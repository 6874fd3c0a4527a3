"""Continuing training with warm_start."""

import numpy as np
import pandas as pd
import pytest

from skmtl import MultiTaskKerasClassifier, MultiTaskKerasRegressor

from ._cases import ESTIMATORS, SMALL, features, labels, quantities, targets_for

X = features()


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_a_second_fit_continues_where_the_first_one_stopped(kind):
    y = targets_for(kind, X)
    model = kind(**SMALL, warm_start=True, early_stopping=False).fit(X, y)
    first = list(model.history_["loss"])
    model.fit(X, y)
    assert model.n_iter_ == 6
    assert model.history_["loss"][:3] == first
    assert model.history_["loss"][3] < first[-1]
    fresh = kind(**SMALL, early_stopping=False).fit(X, y)
    assert fresh.history_["loss"] == first


def test_without_warm_start_a_second_fit_forgets_the_first():
    model = MultiTaskKerasRegressor(**SMALL)
    first = model.fit(X, quantities(X)).predict(X)
    model.fit(X[::-1], labels(X))
    np.testing.assert_array_equal(model.fit(X, quantities(X)).predict(X), first)
    assert model.n_iter_ == 3


def test_the_best_epoch_counts_from_the_first_fit():
    model = MultiTaskKerasRegressor(**SMALL, warm_start=True, early_stopping=True).fit(X, quantities(X))
    model.fit(X, quantities(X))
    assert model.n_iter_ == 6
    assert 4 <= model.best_epoch_ <= 6


def test_scalings_stay_those_of_the_first_fit():
    y = quantities(X)
    model = MultiTaskKerasRegressor(**SMALL, warm_start=True).fit(X, y)
    before = model.network_.scaling.shift.copy(), model.network_.features.numeric.center.copy()
    model.fit(X + 5, y + 1)
    np.testing.assert_array_equal(model.network_.scaling.shift, before[0])
    np.testing.assert_array_equal(model.network_.features.numeric.center, before[1])


def test_the_learning_rate_may_change_between_fits():
    model = MultiTaskKerasRegressor(**SMALL, warm_start=True, early_stopping=False).fit(X, quantities(X))
    before = model.predict(X)
    model.set_params(learning_rate=1e-12).fit(X, quantities(X))
    np.testing.assert_allclose(model.predict(X), before, rtol=1e-6)


@pytest.mark.parametrize("changed", [{"hidden_layer_sizes": (9,)}, {"ensemble_size": 2}, {"head_layer_sizes": (3,)}])
def test_another_network_cannot_be_continued(changed):
    model = MultiTaskKerasRegressor(**SMALL, warm_start=True).fit(X, quantities(X))
    before = model.predict(X)
    with pytest.raises(ValueError, match=r"differs from the one fitted before .* warm_start=False"):
        model.set_params(**changed).fit(X, quantities(X))
    np.testing.assert_array_equal(model.predict(X), before)


def test_other_tasks_columns_or_classes_are_refused():
    model = MultiTaskKerasClassifier(**SMALL, warm_start=True).fit(X, labels(X))
    with pytest.raises(ValueError, match="y has 1 tasks, but this estimator was fitted with 2"):
        model.fit(X, labels(X)[:, 0])
    with pytest.raises(ValueError, match=r"labels \[3\] that are not among its classes \[0, 1, 2\]"):
        model.fit(X, labels(X) + [0, 1])
    with pytest.raises(ValueError, match="X has 2 features, but MultiTaskKerasClassifier is expecting 4"):
        model.fit(X[:, :2], labels(X))
    with pytest.raises(ValueError, match="Task 'y1' has no label with a positive weight"):
        model.fit(X, np.column_stack([labels(X)[:, 0], np.full(60, np.nan)]))


def test_columns_of_y_in_another_order_are_refused():
    y = pd.DataFrame(quantities(X), columns=["price", "area"])
    model = MultiTaskKerasRegressor(**SMALL, warm_start=True).fit(X, y)
    with pytest.raises(ValueError, match=r"same order: \['price', 'area'\], got \['area', 'price'\]"):
        model.fit(X, y[["area", "price"]])
    with pytest.raises(ValueError, match="same order"):
        model.score(X, y[["area", "price"]])
    assert np.isfinite(model.score(X, y.to_numpy()))
