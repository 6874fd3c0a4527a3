"""Weights of rows, labels, classes and tasks."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.utils.class_weight import compute_sample_weight

from skmtl import MultiTaskKerasClassifier, MultiTaskKerasEstimator, MultiTaskKerasRegressor
from skmtl.grouping import TaskGroupingRegressor

from ._cases import LEARNING, SMALL, features, labels, mixed, quantities

X = features()
WHOLE = {**SMALL, "early_stopping": False}


def test_a_weight_per_row_applies_to_each_of_its_labels():
    y, weight = quantities(X), np.random.default_rng(0).uniform(0.1, 2, 60)
    rows = MultiTaskKerasRegressor(**SMALL).fit(X, y, weight)
    cells = MultiTaskKerasRegressor(**SMALL).fit(X, y, np.column_stack([weight, weight]))
    np.testing.assert_array_equal(rows.predict(X), cells.predict(X))
    ones = MultiTaskKerasRegressor(**SMALL).fit(X, y, np.ones((60, 2)))
    np.testing.assert_array_equal(ones.predict(X), MultiTaskKerasRegressor(**SMALL).fit(X, y).predict(X))
    assert not np.array_equal(rows.predict(X), ones.predict(X))


@pytest.mark.parametrize("dtype", [np.float32, np.int64, bool, list, pd.DataFrame])
def test_weights_come_in_any_container(dtype):
    y, weight = quantities(X), np.tile([[1, 1], [0, 1]], (30, 1))
    given = weight.tolist() if dtype is list else dtype(weight) if dtype is pd.DataFrame else weight.astype(dtype)
    expected = MultiTaskKerasRegressor(**SMALL).fit(X, y, weight.astype(float)).predict(X)
    np.testing.assert_array_equal(MultiTaskKerasRegressor(**SMALL).fit(X, y, given).predict(X), expected)


def test_a_label_with_weight_pulls_harder_than_one_with_less():
    x = np.zeros((60, 1))
    y = np.column_stack([np.repeat([0.0, 1.0], 30)] * 2)
    weight = np.ones((60, 2))
    weight[30:, 1] = 9.0
    settings = {**LEARNING, "epochs": 150, "early_stopping": False, "scale_targets": False}
    model = MultiTaskKerasRegressor(**settings).fit(x, y, weight)
    np.testing.assert_allclose(model.predict(x[:1])[0], [0.5, 0.9], atol=0.05)


@pytest.mark.parametrize("class_weight", ["balanced", {0: 1.0, 1: 3.0}])
def test_class_weight_of_a_single_task_equals_sample_weights_by_hand(class_weight):
    y = (X[:, 0] > 1).astype(int)
    given = MultiTaskKerasClassifier(**SMALL, class_weight=class_weight).fit(X, y)
    by_hand = MultiTaskKerasClassifier(**SMALL).fit(X, y, compute_sample_weight(class_weight, y))
    np.testing.assert_array_equal(given.predict_proba(X), by_hand.predict_proba(X))
    plain = MultiTaskKerasClassifier(**SMALL).fit(X, y)
    assert not np.array_equal(given.predict_proba(X), plain.predict_proba(X))


@pytest.mark.parametrize(
    "class_weight",
    ["balanced", ["balanced", "balanced"], {"y0": "balanced", "y1": "balanced"}],
    ids=["once", "list", "dict"],
)
def test_balanced_classes_per_task_equal_label_weights_by_hand(class_weight):
    y = labels(X)
    weight = np.column_stack([compute_sample_weight("balanced", column) for column in y.T])
    by_hand = MultiTaskKerasClassifier(**SMALL).fit(X, y, weight).predict_proba(X)
    given = MultiTaskKerasClassifier(**SMALL, class_weight=class_weight).fit(X, y).predict_proba(X)
    for one, other in zip(given, by_hand, strict=True):
        np.testing.assert_array_equal(one, other)


def test_class_weights_multiply_sample_weights():
    y, weight = labels(X), np.linspace(0.5, 1, 60)
    given = MultiTaskKerasClassifier(**SMALL, class_weight=[{1: 4.0}, None]).fit(X, y, weight)
    by_hand = np.column_stack([weight * np.where(y[:, 0] == 1, 4.0, 1.0), weight])
    other = MultiTaskKerasClassifier(**SMALL).fit(X, y, by_hand)
    np.testing.assert_array_equal(given.predict_proba(X)[0], other.predict_proba(X)[0])


def test_balanced_counts_only_known_labels():
    y = labels(X).astype(float)
    y[:30, 0] = np.nan
    seen = ~np.isnan(y)
    weight = np.ones((60, 2))
    for task in range(2):
        weight[seen[:, task], task] = compute_sample_weight("balanced", y[seen[:, task], task])
    given = MultiTaskKerasClassifier(**SMALL, class_weight="balanced").fit(X, y)
    by_hand = MultiTaskKerasClassifier(**SMALL).fit(X, y, weight)
    np.testing.assert_array_equal(given.predict_proba(X)[0], by_hand.predict_proba(X)[0])


def test_the_mixed_estimator_weighs_the_classes_of_its_classifications():
    y = mixed(X)
    weight = np.ones((60, 3))
    weight[:, 1] = compute_sample_weight({"small": 5.0, "medium": 1.0, "large": 1.0}, y["size"])
    given = MultiTaskKerasEstimator(**SMALL, class_weight={"size": {"small": 5.0}}).fit(X, y)
    by_hand = MultiTaskKerasEstimator(**SMALL).fit(X, y, weight)
    pd.testing.assert_frame_equal(given.predict(X), by_hand.predict(X), check_exact=True)


def test_a_task_of_weight_zero_does_not_influence_the_trunk():
    y = quantities(X)
    other = np.column_stack([y[:, 0], np.random.default_rng(3).permutation(y[:, 1])])
    fits = [MultiTaskKerasRegressor(**SMALL, loss_weights=[1, 0]).fit(X, targets) for targets in (y, other)]
    np.testing.assert_array_equal(fits[0].predict(X)[:, 0], fits[1].predict(X)[:, 0])
    np.testing.assert_array_equal(fits[0].history_["loss"], fits[0].history_["y0_loss"])


@pytest.mark.parametrize("weights", [[2, 6], {"y0": 1, "y1": 3}, np.array([0.5, 1.5]), {"y1": 3}])
def test_only_the_ratios_of_loss_weights_count(weights):
    expected = MultiTaskKerasRegressor(**SMALL, loss_weights=[1, 3]).fit(X, quantities(X)).predict(X)
    found = MultiTaskKerasRegressor(**SMALL, loss_weights=weights).fit(X, quantities(X)).predict(X)
    np.testing.assert_array_equal(found, expected)
    plain = MultiTaskKerasRegressor(**SMALL).fit(X, quantities(X)).predict(X)
    assert not np.array_equal(found, plain)


def test_the_total_loss_is_the_weighted_mean_of_the_tasks():
    model = MultiTaskKerasRegressor(**WHOLE, loss_weights=[1, 3]).fit(X, quantities(X))
    first, second = (np.array(model.history_[name]) for name in ("y0_loss", "y1_loss"))
    np.testing.assert_allclose(model.history_["loss"], 0.25 * first + 0.75 * second, rtol=1e-6)


def test_score_weighs_labels_one_by_one():
    from sklearn.metrics import r2_score

    y, weight = quantities(X), np.random.default_rng(0).uniform(0, 1, (60, 2))
    model = MultiTaskKerasRegressor(**SMALL).fit(X, y)
    predicted = model.predict(X)
    by_hand = [r2_score(y[:, i], predicted[:, i], sample_weight=weight[:, i]) for i in range(2)]
    assert model.score_tasks(X, y, weight).tolist() == by_hand
    assert model.score(X, y, weight) == pytest.approx(np.mean(by_hand), rel=1e-12)


def test_score_leaves_out_a_task_without_weight():
    y, weight = quantities(X), np.ones((60, 2))
    weight[:, 1] = 0.0
    model = MultiTaskKerasRegressor(**SMALL).fit(X, y)
    assert model.score(X, y, weight) == pytest.approx(model.score_tasks(X, y)["y0"], rel=1e-12)


def test_a_table_of_weights_is_matched_by_task_name():
    y = pd.DataFrame(quantities(X), columns=["p", "q"])
    weight = pd.DataFrame({"q": np.repeat([1.0, 0.0], 30), "p": 1.0})
    straight = weight[["p", "q"]]
    networks = (
        MultiTaskKerasRegressor(**SMALL),
        TaskGroupingRegressor(MultiTaskKerasRegressor(**SMALL), groups=[[0], [1]]),
    )
    for network in networks:
        model = clone(network).fit(X, y, sample_weight=weight)
        expected = clone(network).fit(X, y, sample_weight=straight)
        np.testing.assert_array_equal(model.predict(X), expected.predict(X))
        for known in (y, y.to_numpy()):
            assert model.score_tasks(X, known, weight).equals(model.score_tasks(X, known, straight))
            assert model.score(X, known, weight) == model.score(X, known, straight)
        assert not model.score_tasks(X, y, weight).equals(model.score_tasks(X, y, weight.to_numpy()))
        with pytest.raises(ValueError, match=r"columns \['u', 'v'\], but the tasks are \['p', 'q'\]"):
            model.score(X, y, weight.set_axis(["u", "v"], axis=1))
        with pytest.raises(ValueError, match=r"columns \['u', 'v'\], but the tasks are \['p', 'q'\]"):
            clone(network).fit(X, y, sample_weight=weight.set_axis(["u", "v"], axis=1))


def test_weights_of_validation_rows_are_matched_by_name_too():
    y = pd.DataFrame(quantities(X), columns=["p", "q"])
    weight = pd.DataFrame({"q": np.repeat([1.0, 0.0], 30), "p": 1.0})
    fits = [
        MultiTaskKerasRegressor(**SMALL).fit(X, y, X_val=X, y_val=y, sample_weight_val=given).history_["val_loss"]
        for given in (weight, weight[["p", "q"]], weight.to_numpy())
    ]
    assert fits[0] == fits[1] != fits[2]
    with pytest.raises(ValueError, match="sample_weight_val is a table with the columns"):
        MultiTaskKerasRegressor(**SMALL).fit(X, y, X_val=X, y_val=y, sample_weight_val=weight.add_prefix("x"))


@pytest.mark.parametrize("scale", [np.exp(-100.0), 1e-300, 1e38, 1e300])
def test_the_scale_of_weights_does_not_matter(scale):
    """For rows, labels, classes, validation rows and scores."""
    y, weights = quantities(X), np.where(np.arange(len(X)) % 2, 1.0, 3.0)
    cells = np.column_stack([weights, weights[::-1]])
    tail = (X[:20], y[:20])

    def fitted(factor):
        model = MultiTaskKerasRegressor(**SMALL, early_stopping=True)
        by_row = model.fit(
            X, y, weights * factor, X_val=tail[0], y_val=tail[1], sample_weight_val=weights[:20] * factor
        )
        by_row = by_row.predict(X), model.score(X, y, weights * factor)
        by_cell = MultiTaskKerasRegressor(**SMALL).fit(X, y, cells * factor).predict(X)
        classes = MultiTaskKerasClassifier(**SMALL, class_weight={0: factor, 1: 2 * factor}).fit(
            X, (y[:, 0] > 0).astype(int), weights * factor
        )
        return *by_row, by_cell, classes.predict_proba(X)

    for found, expected in zip(fitted(scale), fitted(1.0), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_equal_weights_are_the_same_as_none():
    y = quantities(X)
    plain = MultiTaskKerasRegressor(**SMALL).fit(X, y).predict(X)
    np.testing.assert_array_equal(MultiTaskKerasRegressor(**SMALL).fit(X, y, np.full(len(X), 0.3)).predict(X), plain)
