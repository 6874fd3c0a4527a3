"""Missing labels never have an effect, and each task learns from the labels it has."""

import numpy as np
import pandas as pd
import pytest

from skmtl import MultiTaskKerasClassifier, MultiTaskKerasEstimator, MultiTaskKerasRegressor

from ._cases import ESTIMATORS, LEARNING, SMALL, features, labels, mixed, quantities, targets_for, with_gaps

X = features()


def frame(predicted):
    return pd.DataFrame(predicted).astype(object)


@pytest.mark.parametrize("kind", ESTIMATORS)
@pytest.mark.parametrize("missing", [np.nan, None, pd.NA, pd.NaT], ids=["nan", "None", "NA", "NaT"])
def test_all_markers_of_missing_labels_are_equivalent(kind, missing):
    y = pd.DataFrame(targets_for(kind, X)).astype(object)
    gaps = np.random.default_rng(1).random(y.shape) < 0.3
    reference = kind(**SMALL).fit(X, y.mask(gaps)).predict(X)
    cells = y.to_numpy(copy=True)
    cells[gaps] = missing
    other = kind(**SMALL).fit(X, pd.DataFrame(cells, columns=y.columns)).predict(X)
    pd.testing.assert_frame_equal(frame(other), frame(reference), check_exact=True)


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_the_value_of_a_label_without_weight_never_matters(kind):
    y = pd.DataFrame(targets_for(kind, X)).astype(object)
    gaps = np.random.default_rng(1).random(y.shape) < 0.3
    weight = np.where(gaps, 0.0, 1.0)
    reference = kind(**SMALL).fit(X, y.mask(gaps)).predict(X)
    shuffled = y.to_numpy(copy=True)
    for task in range(y.shape[1]):
        shuffled[gaps[:, task], task] = shuffled[gaps[:, task], task][::-1]
    other = kind(**SMALL).fit(X, pd.DataFrame(shuffled, columns=y.columns), weight).predict(X)
    pd.testing.assert_frame_equal(frame(other), frame(reference), check_exact=True)


def test_a_huge_label_without_weight_moves_nothing():
    y, weight = quantities(X), np.ones((60, 2))
    weight[::3, 1] = 0.0
    reference = MultiTaskKerasRegressor(**SMALL).fit(X, y, weight).predict(X)
    y[::3, 1] = 1e30
    np.testing.assert_array_equal(MultiTaskKerasRegressor(**SMALL).fit(X, y, weight).predict(X), reference)


def test_rows_without_any_label_are_ignored():
    y = quantities(X)
    y[40:] = np.nan
    every_row = MultiTaskKerasRegressor(**SMALL).fit(X, y)
    part = MultiTaskKerasRegressor(**SMALL).fit(X[:40], y[:40])
    np.testing.assert_array_equal(every_row.predict(X), part.predict(X))


def test_tasks_known_on_different_rows_learn_together():
    X = features(200)
    y = pd.DataFrame({"price": X[:, 0] + X[:, 1], "area": X[:, 0] - X[:, 1]})
    y.loc[:99, "area"] = np.nan
    y.loc[100:, "price"] = np.nan
    model = MultiTaskKerasRegressor(**LEARNING).fit(X, y)
    every_row = pd.DataFrame({"price": X[:, 0] + X[:, 1], "area": X[:, 0] - X[:, 1]})
    assert (model.score_tasks(X, every_row) > 0.8).all()


def test_missing_labels_do_not_affect_scaling():
    y = quantities(X)
    y[:30, 1] = np.nan
    scaling = MultiTaskKerasRegressor(**SMALL).fit(X, y).network_.scaling
    np.testing.assert_allclose(scaling.shift, [y[:, 0].mean(), np.nanmean(y[:, 1])], rtol=1e-12)
    np.testing.assert_allclose(scaling.scale, [y[:, 0].std(), np.nanstd(y[:, 1])], rtol=1e-12)


def test_a_missing_label_is_no_class():
    y = with_gaps(labels(X))
    model = MultiTaskKerasClassifier(**SMALL).fit(X, y)
    assert [classes.tolist() for classes in model.classes_] == [[0.0, 1.0], [0.0, 1.0, 2.0]]
    assert np.isfinite(model.predict(X)).all()


def test_score_leaves_missing_labels_out():
    y = quantities(X)
    model = MultiTaskKerasRegressor(**LEARNING).fit(X, y)
    gaps = np.zeros(60, dtype=bool)
    gaps[:30] = True
    holey = y.copy()
    holey[gaps, 1] = np.nan
    first, second = model.score_tasks(X, holey)
    assert first == pytest.approx(model.score_tasks(X, y)["y0"], rel=1e-12)
    assert second == pytest.approx(model.score_tasks(X[30:], y[30:])["y1"], rel=1e-12)
    holey[:, 1] = np.nan
    assert model.score(X, holey) == first
    assert np.isnan(model.score_tasks(X, holey)["y1"])


def test_a_validation_task_without_labels_leaves_early_stopping_to_the_others():
    y = quantities(X)
    y_val = y[:20].copy()
    y_val[:, 1] = np.nan
    model = MultiTaskKerasRegressor(**SMALL).fit(X, y, X_val=X[:20], y_val=y_val)
    assert np.isfinite(model.history_["val_loss"]).all()
    assert model.history_["val_loss"] == model.history_["val_y0_loss"]
    assert np.isnan(model.history_["val_y1_loss"]).all()


def test_the_mixed_estimator_infers_kinds_from_known_labels():
    y = with_gaps(mixed(X))
    model = MultiTaskKerasEstimator(**SMALL).fit(X, y)
    assert [task.kind for task in model.network_.tasks] == ["regression", "classification", "classification"]
    assert model.predict(X).dtypes.astype(str).tolist() == ["float64", "object", "bool"]
