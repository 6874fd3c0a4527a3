"""Relative errors: predicting the mean scores 1, for both conventions of the mean."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from sklearn import metrics
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import cross_val_score

from skmtl.metrics import average_relative_rmse, relative_error_scores

from .._data import data_path
from ._tables import regression_tables, weights_of


@settings(max_examples=40, deadline=None)
@given(regression_tables())
def test_the_relative_error_is_the_root_of_one_minus_r2(table):
    y, prediction, sample_weight, known = table
    scores = relative_error_scores(y, prediction, sample_weight=sample_weight)
    for task in range(y.shape[1]):
        rows = np.flatnonzero(known[:, task])
        r2 = metrics.r2_score(
            y[rows, task], prediction[rows, task], sample_weight=weights_of(sample_weight, rows, task)
        )
        assert scores.iloc[task] ** 2 == pytest.approx(1.0 - r2, rel=1e-9)
    assert average_relative_rmse(y, prediction, sample_weight=sample_weight) == scores.mean()


def test_the_mean_of_the_training_labels_scores_one():
    rng = np.random.default_rng(0)
    y_train, y = rng.normal(size=(30, 2)), rng.normal(size=(20, 2))
    y_train[:5, 0] = np.nan
    prediction = np.tile(np.nanmean(y_train, axis=0), (20, 1))
    assert relative_error_scores(y, prediction, y_train=y_train).tolist() == pytest.approx([1.0, 1.0])
    assert (relative_error_scores(y, prediction) > 1.0).all()


def test_columns_carry_names_and_are_matched():
    y = pd.DataFrame({"a": [1.0, 2.0, 4.0], "b": [5.0, None, 3.0]})
    assert relative_error_scores(y, y.fillna(0.0)[["b", "a"]]).to_dict() == {"a": 0.0, "b": 0.0}
    with pytest.raises(ValueError, match="y_train has the columns"):
        relative_error_scores(y, y.fillna(0.0), y_train=y[["b", "a"]])


def test_tasks_without_spread_or_labels_are_nan_with_one_warning():
    y = np.array([[0.1, np.nan, 1.0], [0.1, np.nan, 2.0], [0.1, np.nan, 3.0]])
    with pytest.warns(UndefinedMetricWarning, match="for 'y0', 'y1'") as caught:
        scores = relative_error_scores(y, np.nan_to_num(y))
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert scores.isna().tolist() == [True, True, False]
    with pytest.warns(UndefinedMetricWarning) as caught:
        assert np.isnan(average_relative_rmse([1.0, 1.0], [1.0, 2.0]))
    assert caught[0].filename == __file__


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"y_pred": [1.0, 2.0]}, "y_pred has 2 rows"),
        ({"y_pred": [1.0, np.inf, 2.0]}, "y_pred of the task 'y0' is not finite"),
        ({"y_pred": [1.0, np.nan, 2.0]}, "y_pred of the task 'y0' is not finite"),
        ({"y_true": ["a", "b", "c"]}, "are not numbers"),
        ({"y_train": [[1.0, 2.0]]}, "y_train has 2 columns"),
    ],
)
def test_invalid_input_is_refused(arguments, message):
    given = {"y_true": [1.0, 2.0, 3.0], "y_pred": [1.0, 2.0, 3.0], **arguments}
    with pytest.raises(ValueError, match=message):
        relative_error_scores(**given)


def test_the_ridge_error_on_slump_is_as_large_as_published():
    table = pd.read_csv(data_path("slump.csv.gz"))
    targets = [name for name in table.columns if name.startswith("target:")]
    X, y = table.drop(columns=targets).to_numpy(), table[targets].to_numpy()
    scorer = metrics.make_scorer(average_relative_rmse, greater_is_better=False)
    scores = -cross_val_score(RidgeCV(np.logspace(-3, 3, 13)), X, y, cv=5, scoring=scorer)
    # Published errors of linear and tree models on this table lie between .55 and .70 (Melki et al. 2017).
    assert 0.5 < scores.mean() < 0.9
