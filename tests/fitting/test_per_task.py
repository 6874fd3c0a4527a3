"""Settings per task may be given in any sequence, or by name."""

from __future__ import annotations

from collections import UserDict
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from skmtl import MultiTaskKerasClassifier, MultiTaskKerasRegressor
from skmtl.grouping import TaskGroupingRegressor

rng = np.random.default_rng(0)
X = rng.normal(size=(40, 3))
Y = np.column_stack([X[:, 0] + X[:, 1], X[:, 2] - X[:, 1]])
SMALL: dict[str, Any] = {"hidden_layer_sizes": (4,), "ensemble_size": 1, "epochs": 3, "random_state": 0}

SEQUENCES = [
    (1, 9),
    np.array([1.0, 9.0]),
    pd.Series([1, 9]),
    pd.Series([9, 1], index=["y1", "y0"]),
    pd.Index([1, 9]),
    pd.array([1, 9], dtype="Int64"),
    pl.Series([1, 9]),
    UserDict({"y1": 9, "y0": 1}),
]


@pytest.mark.parametrize("weights", SEQUENCES, ids=lambda value: f"{type(value).__module__}.{type(value).__name__}")
def test_loss_weights_are_the_same_in_any_sequence(weights: Any) -> None:
    expected = MultiTaskKerasRegressor(loss_weights=[1, 9], **SMALL).fit(X, Y).predict(X)
    np.testing.assert_array_equal(MultiTaskKerasRegressor(loss_weights=weights, **SMALL).fit(X, Y).predict(X), expected)


@pytest.mark.parametrize(
    "weights", [{1.0, 9.0}, pd.DataFrame([[1.0, 9.0]]), np.ones((2, 2))], ids=["set", "frame", "2d"]
)
def test_settings_without_order_or_with_several_axes_are_refused(weights: Any) -> None:
    with pytest.raises(ValueError, match="loss_weights should have one entry per task"):
        MultiTaskKerasRegressor(loss_weights=weights, **SMALL).fit(X, Y)


def test_a_series_of_one_task_is_one_weight() -> None:
    plain = MultiTaskKerasRegressor(**SMALL).fit(X, Y[:, 0]).predict(X)
    weighted = MultiTaskKerasRegressor(loss_weights=pd.Series([3.0]), **SMALL).fit(X, Y[:, 0]).predict(X)
    np.testing.assert_array_equal(weighted, plain)


def test_losses_and_class_weights_may_be_series() -> None:
    losses, codes = pd.Series(["mae", "mse"]), (Y > 0).astype(int)
    by_list = MultiTaskKerasRegressor(loss=["mae", "mse"], **SMALL).fit(X, Y)
    np.testing.assert_array_equal(
        MultiTaskKerasRegressor(loss=losses, **SMALL).fit(X, Y).predict(X), by_list.predict(X)
    )
    of_classes = MultiTaskKerasClassifier(class_weight={0: 1, 1: 5}, **SMALL).fit(X, codes[:, 0])
    series = MultiTaskKerasClassifier(class_weight=pd.Series({0: 1, 1: 5}), **SMALL).fit(X, codes[:, 0])
    np.testing.assert_array_equal(series.predict_proba(X), of_classes.predict_proba(X))
    of_tasks = MultiTaskKerasClassifier(class_weight=[{0: 1, 1: 5}, None], **SMALL).fit(X, codes)
    series = MultiTaskKerasClassifier(class_weight=pd.Series([{0: 1, 1: 5}, None]), **SMALL).fit(X, codes)
    np.testing.assert_array_equal(series.predict_proba(X)[0], of_tasks.predict_proba(X)[0])


def test_groups_get_their_part_of_a_series() -> None:
    def grouped(weights: Any) -> np.ndarray:
        network = MultiTaskKerasRegressor(loss_weights=weights, **SMALL)
        return TaskGroupingRegressor(network, groups=[[0, 1], [2]]).fit(X, np.c_[Y, Y[:, 0]]).predict(X)

    np.testing.assert_array_equal(grouped(pd.Series([1, 9, 2])), grouped([1, 9, 2]))
