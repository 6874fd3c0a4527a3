"""Held-out rows: split off by the estimator, or passed by the caller."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from skmtl import MultiTaskKerasClassifier, MultiTaskKerasEstimator, MultiTaskKerasRegressor

from ..estimators._cases import ESTIMATORS, SMALL, features, labels, mixed, quantities, targets_for

X, MORE = features(), features(20, seed=9)
SLOW_STEPS = {**SMALL, "epochs": 60, "learning_rate": 0.02}


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_passed_rows_are_validated_on_and_never_trained_on(kind):
    y, y_val = targets_for(kind, X), targets_for(kind, MORE)
    model = kind(**SMALL).fit(X, y, X_val=MORE, y_val=y_val)
    shifted = kind(**SMALL).fit(X, y, X_val=MORE + 1, y_val=y_val)
    assert model.history_["loss"] == shifted.history_["loss"]
    assert model.history_["val_loss"] != shifted.history_["val_loss"]
    unseen = kind(**SMALL, early_stopping=False).fit(X, y)
    assert model.history_["loss"] == unseen.history_["loss"]


def test_validation_losses_are_those_of_the_predictions():
    y, y_val = quantities(X), quantities(MORE)
    y_val[::4, 0] = np.nan
    # The last epoch's network is kept, so that its losses can be computed from its predictions.
    model = MultiTaskKerasRegressor(**SMALL, early_stopping=False).fit(X, y, X_val=MORE, y_val=y_val)
    errors = (model.predict(MORE) - y_val) ** 2 / y.var(axis=0)
    np.testing.assert_allclose(
        [model.history_["val_y0_loss"][-1], model.history_["val_y1_loss"][-1]], np.nanmean(errors, axis=0), rtol=1e-4
    )


def test_weights_of_validation_rows_weigh_the_validation_loss():
    y, y_val = quantities(X), quantities(MORE)
    weight = np.zeros((20, 2))
    weight[:5], weight[5:10] = 1.0, 3.0
    model = MultiTaskKerasRegressor(**SMALL, early_stopping=False)
    model.fit(X, y, X_val=MORE, y_val=y_val, sample_weight_val=weight)
    errors = (model.predict(MORE) - y_val) ** 2 / y.var(axis=0)
    np.testing.assert_allclose(
        model.history_["val_y1_loss"][-1], np.average(errors[:, 1], weights=weight[:, 1]), rtol=1e-4
    )


def test_the_best_epoch_on_the_validation_rows_is_kept():
    model = MultiTaskKerasRegressor(**SLOW_STEPS).fit(X, -quantities(X), X_val=MORE, y_val=quantities(MORE))
    losses = model.history_["val_loss"]
    assert model.best_epoch_ == 1 + int(np.argmin(losses))
    assert model.n_iter_ == len(losses) == model.best_epoch_ + 10
    assert model.stop_reason_ == "the validation loss stopped improving"
    errors = (model.predict(MORE) - quantities(MORE)) ** 2 / quantities(X).var(axis=0)
    assert errors.mean() == pytest.approx(min(losses), rel=1e-4)


def test_each_member_holds_out_its_own_rows_and_keeps_its_own_best_epoch():
    model = MultiTaskKerasRegressor(**{**SLOW_STEPS, "ensemble_size": 4}, early_stopping=True, validation_fraction=0.25)
    model.fit(X, quantities(X))
    assert model.best_epoch_.shape == (4,)
    held = np.concatenate(model.network_.held_out)
    assert sorted(held.tolist()) == list(range(60))


def test_held_out_rows_are_a_share_of_every_class():
    y = np.repeat([0, 1], [50, 10])
    model = MultiTaskKerasClassifier(**SMALL, early_stopping=True, validation_fraction=0.2).fit(X, y)
    held = model.network_.held_out[0]
    assert len(held) == 12
    assert 1 <= (y[held] == 1).sum() <= 3


@pytest.mark.parametrize("early_stopping", ["auto", True])
def test_rows_are_held_out_from_fifty_rows_on_or_if_asked_for(early_stopping):
    few = MultiTaskKerasRegressor(**SMALL, early_stopping=early_stopping).fit(X[:49], quantities(X[:49]))
    many = MultiTaskKerasRegressor(**SMALL, early_stopping=early_stopping).fit(X[:50], quantities(X[:50]))
    assert ("val_loss" in few.history_) == (early_stopping is True)
    assert "val_loss" in many.history_


def test_if_no_row_can_be_spared_auto_holds_out_none_and_true_is_refused():
    y = np.arange(60)
    with pytest.warns(UserWarning, match="Task 'y0' has 60 classes among 60 labels"):
        model = MultiTaskKerasClassifier(**SMALL).fit(X, y)
    assert "val_loss" not in model.history_
    assert model.n_iter_ == 3
    message = "none can be spared without losing the last label"
    with pytest.warns(UserWarning, match="60 classes"), pytest.raises(ValueError, match=message):
        MultiTaskKerasClassifier(**SMALL, early_stopping=True).fit(X, y)


def test_validation_rows_may_come_in_any_container():
    table, table_val = pd.DataFrame(X, columns=list("abcd")), pd.DataFrame(MORE, columns=list("abcd"))
    y, y_val = mixed(X), mixed(MORE)
    model = MultiTaskKerasEstimator(**SMALL).fit(table, y, X_val=table_val, y_val=y_val)
    given = sparse.csr_array(X)
    other = MultiTaskKerasEstimator(**SMALL).fit(given, y, X_val=sparse.coo_array(MORE), y_val=y_val)
    np.testing.assert_allclose(other.history_["val_loss"], model.history_["val_loss"], rtol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"X_val": MORE}, "X_val and y_val belong together"),
        ({"y_val": labels(MORE)}, "X_val and y_val belong together"),
        ({"sample_weight_val": np.ones(20)}, "sample_weight_val weighs the rows of X_val"),
        ({"X_val": MORE, "y_val": labels(MORE)[:5]}, "inconsistent numbers of samples"),
        ({"X_val": MORE[:, :2], "y_val": labels(MORE)}, "X has 2 features"),
        ({"X_val": MORE, "y_val": labels(MORE) + 5}, "that are not among its classes"),
        ({"X_val": MORE, "y_val": np.full((20, 2), np.nan)}, "nothing to validate on"),
        ({"X_val": MORE, "y_val": labels(MORE)[:, 0]}, "y has 1 tasks"),
        ({"X_val": MORE, "y_val": labels(MORE), "sample_weight_val": np.ones((20, 3))}, "sample_weight_val"),
        ({"X_val": np.where(MORE > 1, np.inf, MORE), "y_val": labels(MORE)}, "infinity"),
    ],
)
def test_invalid_validation_rows_are_refused(arguments, message):
    model = MultiTaskKerasClassifier(**SMALL)
    with pytest.raises(ValueError, match=message):
        model.fit(X, labels(X), **arguments)
    assert not hasattr(model, "n_features_in_")
