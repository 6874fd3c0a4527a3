"""Outlying labels that the features do not explain are replaced."""

import warnings

import numpy as np
import pytest

from skmtl import MultiTaskKerasRegressor

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 4))
Y = np.column_stack([X @ [1.0, -2.0, 0.0, 0.5], np.sin(X[:, 0])]) + 0.1 * RNG.normal(size=(300, 2)) + [5.0, 0.0]
TEST = RNG.normal(size=(400, 4))
TRUTH = np.column_stack([TEST @ [1.0, -2.0, 0.0, 0.5] + 5.0, np.sin(TEST[:, 0])])
SMALL = {
    "ensemble_size": 2,
    "epochs": 20,
    "blend": ["network", "ridge", "rbf"],
    "early_stopping": True,
    "random_state": 0,
}


def error(model):
    return ((model.predict(TEST) - TRUTH) ** 2).mean(axis=0)


def with_outlying_labels():
    y = Y.copy()
    y[[3, 70], 0] = [1e4, -8e3]
    return y


@pytest.fixture(scope="module")
def models():
    clean = MultiTaskKerasRegressor(**SMALL).fit(X, Y)
    with pytest.warns(UserWarning, match=r"Task 'y0' has 2 outlying labels .*10000 in row 3, -8000 in row 70"):
        replaced = MultiTaskKerasRegressor(**SMALL).fit(X, with_outlying_labels())
    return clean, replaced


def test_implausible_labels_hardly_increase_the_error(models):
    clean, replaced = models
    assert (error(replaced) < 1.1 * error(clean) + 0.01).all()


def test_out_of_fold_errors_use_the_original_labels(models):
    _, replaced = models
    assert replaced.oob_residuals_[3, 0] == pytest.approx(1e4, abs=50)
    assert abs(replaced.oob_residuals_[4, 0]) < 50


def test_outlying_labels_that_the_features_explain_stay():
    """A separate group of rows has labels that are just as far away."""
    rows = X.copy()
    rows[:9, 0] += 40.0
    y = Y.copy()
    y[:9, 0] += 200.0
    y[10:14, 0] += np.array([30.0, 40.0, 50.0, 60.0])
    rows[10:14, 0] += [6.0, 8.0, 10.0, 12.0]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = MultiTaskKerasRegressor(**SMALL).fit(rows, y)
    assert model.predict(rows[:9])[:, 0].mean() > 100


def test_heavy_tails_missing_labels_and_few_labels_are_left_alone():
    heavy = np.column_stack([np.exp(2 * X[:, 0]), np.where(RNG.random(300) < 0.95, 0.0, 3.0)])
    heavy[:150, 1] = np.nan
    few = np.full((300, 2), np.nan)
    few[:, 1] = Y[:, 1]
    few[:10, 0] = [*Y[:9, 0], 1e6]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        MultiTaskKerasRegressor(**SMALL).fit(X, heavy)
        MultiTaskKerasRegressor(**SMALL).fit(X, few)


def test_a_given_loss_sees_the_original_labels():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        MultiTaskKerasRegressor(**{**SMALL, "blend": None}, loss="huber").fit(X, with_outlying_labels())
