"""Small data and settings shared by the estimators' tests; equal structures share one compiled program."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from skmtl import MultiTaskKerasClassifier, MultiTaskKerasEstimator, MultiTaskKerasRegressor

ESTIMATORS = [MultiTaskKerasRegressor, MultiTaskKerasClassifier, MultiTaskKerasEstimator]

SMALL: dict[str, Any] = {
    "hidden_layer_sizes": (8,),
    "epochs": 3,
    "jit_compile": False,
    "random_state": 0,
    "ensemble_size": 1,
}
# Enough to learn the data below, still well under a second.
LEARNING: dict[str, Any] = {
    "hidden_layer_sizes": (16,),
    "epochs": 40,
    "learning_rate": 0.02,
    "jit_compile": False,
    "random_state": 0,
    "ensemble_size": 1,
}


def features(n_samples: int = 60, n_features: int = 4, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n_samples, n_features))


def quantities(X: np.ndarray) -> np.ndarray:
    """Return two regressions of different scale that share a direction."""
    return np.column_stack([X[:, 0] + X[:, 1], 1000.0 + 50.0 * (X[:, 0] - X[:, 2])])


def labels(X: np.ndarray) -> np.ndarray:
    """Return two classifications, with two and three classes."""
    return np.column_stack([(X[:, 0] > 0).astype(int), np.digitize(X[:, 1], [-0.5, 0.5])])


def mixed(X: np.ndarray) -> pd.DataFrame:
    """Return a quantity, text classes and booleans."""
    size = np.array(["small", "medium", "large"], dtype=object)[np.digitize(X[:, 1], [-0.5, 0.5])]
    return pd.DataFrame({"price": quantities(X)[:, 1], "size": size, "sold": X[:, 0] > 0})


def targets_for(kind: type, X: np.ndarray) -> Any:
    """Return targets for the estimator class."""
    return {
        "MultiTaskKerasRegressor": quantities,
        "MultiTaskKerasClassifier": labels,
        "MultiTaskKerasEstimator": mixed,
    }[kind.__name__](X)


def with_gaps(y: Any, share: float = 0.3, seed: int = 1) -> Any:
    """Return the same targets with missing entries, in the container's own form."""
    gaps = np.random.default_rng(seed).random(y.shape) < share
    gaps[:12] = False
    if isinstance(y, pd.DataFrame):
        return y.astype(object).mask(gaps)
    return np.where(gaps, np.nan, y)
