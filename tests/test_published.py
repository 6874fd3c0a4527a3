"""Published findings on multi-task learning hold here, on tasks of known relatedness and on real tasks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.metrics import mean_squared_error, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from skmtl import MultiTaskKerasClassifier, MultiTaskKerasRegressor
from skmtl.datasets import make_related_tasks

from ._data import data_path

pytestmark = pytest.mark.slow
SEEDS = range(5)
SETTINGS: dict[str, Any] = {"learning_rate": 0.01, "epochs": 60, "jit_compile": False, "ensemble_size": 1}


def related(
    relatedness: float, seed: int, *, rows: int = 600, missing: float = 0.0, **table: Any
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return training rows, and 2,000 test rows with all labels."""
    X, y = make_related_tasks(rows + 2000, n_tasks=4, relatedness=relatedness, **table, random_state=seed)
    known = y[:rows].copy()
    known[np.random.default_rng(seed).random(known.shape) < missing] = np.nan
    return X[:rows], known, X[rows:], y[rows:]


def errors(table: tuple[np.ndarray, ...], seed: int, **settings: Any) -> np.ndarray:
    """Return the squared error of each task."""
    X, y, fresh_X, fresh_y = table
    model = MultiTaskKerasRegressor(**{**SETTINGS, **settings}, random_state=seed).fit(X, y)
    return mean_squared_error(fresh_y, model.predict(fresh_X).reshape(fresh_y.shape), multioutput="raw_values")


def gain_of_sharing(relatedness: float, seed: int) -> float:
    """Return the relative reduction of the mean error by a shared bottom, compared with single-task networks.

    Two hidden units are enough for a task, not for four that differ; labels are few, and another's are of use.
    """
    table = {"n_features": 20, "n_waves": 1, "noise": 0.3, "missing": 0.6}
    X, y, fresh_X, fresh_y = related(relatedness, seed, **table)
    network = {"hidden_layer_sizes": (2,), "ensemble_size": 4}
    alone = []
    for task in range(y.shape[1]):
        known = ~np.isnan(y[:, task])
        own = (X[known], y[known][:, [task]], fresh_X, fresh_y[:, [task]])
        alone.append(errors(own, seed, **network).item())
    return 1 - errors((X, y, fresh_X, fresh_y), seed, **network).mean() / np.mean(alone)


def test_the_gain_of_sharing_rises_with_relatedness() -> None:
    gains = np.array([[gain_of_sharing(value, seed) for seed in SEEDS] for value in (0.0, 0.5, 1.0)])
    assert (np.diff(gains, axis=0) > 0).all()
    assert gains[0].max() < 0 < gains[-1].min()


def test_experts_lose_less_than_a_shared_bottom_on_unrelated_tasks() -> None:
    settings = {"hidden_layer_sizes": (4,), "batch_size": 64, "ensemble_size": 1}
    losses = []
    for seed in SEEDS:
        table = related(0.0, seed, rows=3000, n_features=10)
        experts = ({"architecture": "mmoe", "architecture__n_experts": 4}, {"architecture": "ple"})
        losses.append([errors(table, seed, **settings, **scheme).mean() for scheme in ({}, *experts)])
    shared, mmoe, ple = np.transpose(losses)
    assert (mmoe < 0.5 * shared).all()
    assert (ple < 0.5 * shared).all()


def own_rows(name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return features, task number and label of tasks with separate rows."""
    table = pd.read_csv(data_path(f"{name}.csv.gz"))
    task = pd.factorize(table.pop(next(c for c in table if c.startswith("task:"))))[0]
    y = table.pop(next(c for c in table if c.startswith("target:"))).to_numpy(float)
    return table.to_numpy(float), task, y


def apart(values: np.ndarray, task: np.ndarray) -> np.ndarray:
    """Return one column per task, missing for rows of other tasks."""
    y = np.full((len(values), task.max() + 1), np.nan)
    y[np.arange(len(values)), task] = values
    return y


def explained(predicted: np.ndarray, truth: np.ndarray) -> float:
    return 1 - ((truth - predicted) ** 2).sum() / ((truth - truth.mean()) ** 2).sum()


def test_schools_are_predicted_better_than_with_an_intercept_per_school() -> None:
    X, task, y = own_rows("school")
    train, test = train_test_split(np.arange(len(y)), test_size=0.25, random_state=0, stratify=task)
    X, mean, scale = StandardScaler().fit(X[train]).transform(X), y[train].mean(), y[train].std()
    counts = np.bincount(task[train])
    model = MultiTaskKerasRegressor(
        architecture="task_conditioned",
        architecture__embedding_dim=1,
        hidden_layer_sizes=(16,),
        ensemble_size=4,
        batch_size=256,
        learning_rate=0.01,
        epochs=25,
        random_state=0,
        scale_targets=False,
        loss_weights=counts.astype(float).tolist(),
    ).fit(X[train], apart((y[train] - mean) / scale, task[train]))
    ours = mean + scale * model.predict(X[test])[np.arange(len(test)), task[test]]
    ridge = RidgeCV(np.logspace(-3, 4, 15)).fit(X[train], y[train])
    intercepts = np.bincount(task[train], y[train] - ridge.predict(X[train])) / (counts + 10)
    floor = explained(ridge.predict(X[test]) + intercepts[task[test]], y[test])
    assert explained(ours, y[test]) > floor


def test_mines_are_detected_better_than_by_logistic_regression() -> None:
    X, task, y = own_rows("landmine")
    strata = 2 * task + y
    train, test = train_test_split(np.arange(len(y)), test_size=0.25, random_state=0, stratify=strata)
    X = StandardScaler().fit(X[train]).transform(X)
    model = MultiTaskKerasClassifier(
        architecture="task_conditioned",
        hidden_layer_sizes=(32,),
        batch_size=256,
        learning_rate=0.005,
        epochs=60,
        random_state=0,
        ensemble_size=1,
    ).fit(X[train], apart(y[train], task[train]))
    proba = model.predict_proba(X[test])
    pooled = LogisticRegression(max_iter=1000).fit(X[train], y[train])
    areas = []
    for number in range(task.max() + 1):
        own, rows = train[task[train] == number], np.flatnonzero(task[test] == number)
        alone = LogisticRegression(max_iter=1000).fit(X[own], y[own])
        fields = [model.predict_proba(X[test][rows])[:, 1] for model in (pooled, alone)]
        areas.append([roc_auc_score(y[test][rows], scores) for scores in (proba[number][rows, 1], *fields)])
    ours, *others = np.mean(areas, axis=0)
    assert ours > max(others)
