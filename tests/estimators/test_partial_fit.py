"""Training in chunks with partial_fit."""

import keras
import numpy as np
import pandas as pd
import pytest

from skmtl import MultiTaskKerasClassifier, MultiTaskKerasEstimator, MultiTaskKerasRegressor

from ._cases import ESTIMATORS, LEARNING, SMALL, features, labels, mixed, quantities, targets_for

X = features()
CLASSES = {
    "MultiTaskKerasRegressor": {},
    "MultiTaskKerasClassifier": {"classes": [[0, 1], [0, 1, 2]]},
    "MultiTaskKerasEstimator": {"classes": [None, ["large", "medium", "small"], [False, True]]},
}


class Losses(keras.callbacks.Callback):
    """Record the loss of every batch."""

    def __init__(self, seen):
        super().__init__()
        self.seen = seen

    def __deepcopy__(self, memo):
        return Losses(self.seen)

    def on_train_batch_end(self, batch, logs=None):
        self.seen.append(logs["loss"])


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_many_calls_learn_what_one_fit_learns(kind):
    X = features(200)
    y = targets_for(kind, X)
    model = kind(**LEARNING)
    for _ in range(20):
        for part in (slice(0, 100), slice(100, 200)):
            model.partial_fit(X[part], y[part], **CLASSES[kind.__name__])
    assert model.n_iter_ == 40
    assert len(model.history_["loss"]) == 40
    assert model.score(X, y) > 0.75


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_a_run_of_calls_gives_the_same_bits_every_time(kind):
    y = targets_for(kind, X)

    def run():
        model = kind(**SMALL, dropout=0.2)
        for _ in range(3):
            model.partial_fit(X, y, **CLASSES[kind.__name__])
        return pd.DataFrame(model.predict(X))

    pd.testing.assert_frame_equal(run(), run(), check_exact=True)


def test_each_call_takes_the_rows_in_another_order():
    seen = []
    # Steps this small leave the network as it is: equal losses mean equal batches.
    model = MultiTaskKerasRegressor(**SMALL, batch_size=8, learning_rate=1e-12, callbacks=[Losses(seen)])
    model.partial_fit(X, quantities(X)).partial_fit(X, quantities(X))
    assert len(seen) == 16
    assert not np.allclose(seen[:8], seen[8:], rtol=1e-3)


def test_the_optimizer_keeps_its_momentum_between_calls():
    settings = {**SMALL, "shuffle": False, "batch_size": 60, "optimizer": "sgd", "optimizer__momentum": 0.9}
    model = MultiTaskKerasRegressor(**settings)
    for _ in range(3):
        model.partial_fit(X, quantities(X))
    at_once = MultiTaskKerasRegressor(**settings, early_stopping=False).fit(X, quantities(X))
    np.testing.assert_allclose(model.predict(X), at_once.predict(X), rtol=1e-5)


def test_losses_count_in_the_units_of_the_first_batch():
    y = quantities(X)
    model = MultiTaskKerasRegressor(**SMALL, optimizer="sgd").partial_fit(X, y)
    before, units = model.predict(X), model.network_.units
    # Two labels that lie close together, far from the predictions: their own spread is no useful unit.
    batch = y.mean(axis=0) + np.array([[2.0], [2.001]]) * y.std(axis=0)
    model.partial_fit(X[:2], batch)
    np.testing.assert_array_equal(model.network_.units, units)
    assert (np.abs(model.predict(X) - before) < y.std(axis=0)).all()


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_a_batch_without_labels_of_one_task_trains_the_others(kind):
    y = pd.DataFrame(targets_for(kind, X)).astype(object)
    model = kind(**SMALL).partial_fit(X, y, **CLASSES[kind.__name__])
    y[y.columns[0]] = None
    before = pd.DataFrame(model.predict(X))
    model.partial_fit(X, y)
    assert not pd.DataFrame(model.predict(X)).equals(before) or kind is MultiTaskKerasClassifier
    assert model.n_iter_ == 2


def test_a_first_batch_need_not_show_every_class_nor_every_classification():
    y = pd.DataFrame({"size": ["small"] * 60, "sold": [None] * 60})
    model = MultiTaskKerasClassifier(**SMALL)
    model.partial_fit(X, y, classes=[["small", "large"], [False, True]])
    assert [classes.tolist() for classes in model.classes_] == [["large", "small"], [False, True]]
    assert model.predict_proba(X)[0].shape == (60, 2)


def test_labels_that_classes_does_not_name_are_refused():
    model = MultiTaskKerasClassifier(**SMALL)
    with pytest.raises(ValueError, match=r"Task 'y1' has labels \[2\] that are not among its classes \[0, 1\]"):
        model.partial_fit(X, labels(X), classes=[[0, 1], [0, 1]])
    assert not hasattr(model, "network_")

    model.partial_fit(X, labels(X), classes=[[0, 1], [0, 1, 2]])
    before = model.predict_proba(X)[1]
    with pytest.raises(ValueError, match=r"Task 'y1' has labels \[3\]"):
        model.partial_fit(X, labels(X) + [0, 1])
    np.testing.assert_array_equal(model.predict_proba(X)[1], before)


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        (None, "classes must be passed on the first call to partial_fit"),
        ([0, 1, 2], "classes has 3 entries, but y has 2 tasks"),
        ([[0, 1], []], "classes of task 'y1' should be a 1-D list"),
        ([[0, 1], [[0], [1]]], "classes of task 'y1' should be a 1-D list"),
    ],
)
def test_classes_of_the_first_call_are_checked(classes, message):
    with pytest.raises(ValueError, match=message):
        MultiTaskKerasClassifier(**SMALL).partial_fit(X, labels(X), classes=classes)


def test_classes_of_later_calls_are_those_of_the_first():
    model = MultiTaskKerasClassifier(**SMALL).partial_fit(X, labels(X), classes=[[0, 1], [0, 1, 2]])
    model.partial_fit(X, labels(X), classes=[[1, 0], [2, 1, 0]])
    with pytest.raises(ValueError, match=r"is not the same as on the last call to partial_fit: task 'y1'"):
        model.partial_fit(X, labels(X), classes=[[0, 1], [0, 1]])
    with pytest.raises(ValueError, match="classes has 1 entries, but y has 2 tasks"):
        model.partial_fit(X, labels(X), classes=[[0, 1]])


def test_the_mixed_estimator_asks_for_the_classes_of_its_classifications_only():
    y = mixed(X)
    model = MultiTaskKerasEstimator(**SMALL).partial_fit(X, y, classes=CLASSES["MultiTaskKerasEstimator"]["classes"])
    assert model.predict(X).columns.tolist() == ["price", "size", "sold"]
    with pytest.raises(ValueError, match="classes must be passed"):
        MultiTaskKerasEstimator(**SMALL).partial_fit(X, y)
    regressions = MultiTaskKerasEstimator(**SMALL).partial_fit(X, y[["price"]])
    assert regressions.n_iter_ == 1


def test_partial_fit_continues_after_fit():
    model = MultiTaskKerasRegressor(**SMALL).fit(X, quantities(X))
    before = model.predict(X)
    model.partial_fit(X, quantities(X))
    assert model.n_iter_ == 4
    assert not np.array_equal(model.predict(X), before)


@pytest.mark.parametrize(
    ("settings", "arguments", "message"),
    [
        ({"class_weight": "balanced"}, {}, "class_weight='balanced' is not supported by partial_fit"),
        ({"class_weight": {"y1": "balanced"}}, {}, "class_weight='balanced' is not supported by partial_fit"),
        ({"class_weight": [None, "balanced"]}, {}, "class_weight='balanced' is not supported by partial_fit"),
    ],
)
def test_parameters_that_need_all_rows_are_refused(settings, arguments, message):
    model = MultiTaskKerasClassifier(**SMALL, **settings)
    with pytest.raises(ValueError, match=message):
        model.partial_fit(X, labels(X), classes=[[0, 1], [0, 1, 2]], **arguments)
    assert not hasattr(model, "network_")


@pytest.mark.parametrize("estimator", [MultiTaskKerasRegressor, MultiTaskKerasClassifier, MultiTaskKerasEstimator])
@pytest.mark.parametrize(
    "settings", [{"early_stopping": True}, {"blend": "all"}, {"sharing": "auto"}, {"validation_split": 3}], ids=str
)
def test_there_is_no_partial_fit_if_every_call_would_be_refused(estimator, settings):
    model = estimator(**settings)
    assert not hasattr(model, "partial_fit")
    with pytest.raises(AttributeError) as raised:
        model.partial_fit(X, labels(X))
    assert f"partial_fit does not support {next(iter(settings))}" in str(raised.value.__cause__)
    assert hasattr(estimator(), "partial_fit")


def stream() -> tuple[np.ndarray, np.ndarray]:
    """Return three chunks of 30 rows: without labels of the second task, with all labels, without any."""
    X = features(90)
    y = quantities(X)
    y[:30, 1], y[60:] = np.nan, np.nan
    return X, y


@pytest.mark.parametrize("order", [(0, 30, 60, 0, 30), (60, 30, 0, 60, 30), (0, 0, 30, 60, 30)], ids=str)
@pytest.mark.parametrize("architecture", ["shared_bottom", "task_conditioned"])
def test_a_stream_may_bring_chunks_without_labels(order, architecture):
    X, y = stream()
    model = MultiTaskKerasRegressor(**{**LEARNING, "architecture": architecture})
    for start in order * 40:
        model.partial_fit(X[start : start + 30], y[start : start + 30])
    assert (model.score_tasks(X[:60], y[:60]) > 0.9).all()
    assert model.n_iter_ == 40 * sum(start != 60 for start in order)


def test_a_task_without_labels_is_not_predicted_and_takes_its_scale_from_the_first_ones():
    X, y = stream()
    model = MultiTaskKerasRegressor(**SMALL).partial_fit(X[60:], y[60:])
    assert not hasattr(model, "network_")
    assert not hasattr(model, "n_features_in_")
    model.partial_fit(X[:30], y[:30])
    assert np.isfinite(model.predict(X)[:, 0]).all()
    assert np.isnan(model.predict(X)[:, 1]).all()
    assert np.isfinite(model.history_["loss"]).all()
    first = model.predict(X)[:, 0]
    assert np.array_equal(model.partial_fit(X[60:], y[60:]).predict(X)[:, 0], first)
    model.partial_fit(X[30:60], y[30:60])
    assert model.network_.scaling.shift[1] == pytest.approx(y[30:60, 1].mean())
    assert model.network_.scaling.scale[1] == pytest.approx(y[30:60, 1].std())
    assert np.isfinite(model.predict(X)).all()


def test_the_mixed_estimator_needs_the_type_of_a_column_without_labels():
    X = features()
    y = mixed(X).assign(later=np.nan)
    classes = [None, ["small", "medium", "large"], [False, True], None]
    with pytest.raises(ValueError, match=r"Task 'later' has no label at all: .* name it in task_types"):
        MultiTaskKerasEstimator(**SMALL).partial_fit(X, y, classes=classes)
    model = MultiTaskKerasEstimator(**SMALL, task_types={"later": "regression"}).partial_fit(X, y, classes=classes)
    model.partial_fit(X, y.assign(later=X[:, 0]))
    assert np.isfinite(model.predict(X)["later"]).all()


def test_a_warning_names_what_is_lost_with_the_blend_of_an_earlier_fit() -> None:
    X, y = features(), quantities(features())
    model = MultiTaskKerasRegressor(epochs=1, random_state=0).fit(X, y)
    with pytest.warns(UserWarning, match=r"drops its blend .* blend_weights_, oob_prediction_, .* Fit again"):
        model.partial_fit(X, y)
    model.partial_fit(X, y)
    held = MultiTaskKerasRegressor(**{**SMALL, "ensemble_size": 2, "early_stopping": True}, oob_score=True).fit(X, y)
    held.set_params(warm_start=True).fit(X, y)
    with pytest.warns(UserWarning, match=r"discards its out-of-fold predictions: oob_prediction_"):
        held.set_params(oob_score=False).fit(X, y)
