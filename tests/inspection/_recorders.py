"""Estimators that record their training data, and a table of tasks with missing labels."""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.linear_model import LinearRegression, LogisticRegression

SEEN = []


class RecordingRegressor(RegressorMixin, BaseEstimator):
    """Least squares for one target at a time; appends its training data to SEEN."""

    def fit(self, X, y):
        SEEN.append((np.asarray(X).copy(), np.asarray(y).copy()))
        self.model_ = LinearRegression().fit(X, y)
        return self

    def predict(self, X):
        return self.model_.predict(X)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = False
        return tags


class RecordingClassifier(ClassifierMixin, BaseEstimator):
    """Logistic regression for one target at a time."""

    def fit(self, X, y):
        self.model_ = LogisticRegression().fit(X, y)
        self.classes_ = self.model_.classes_
        return self

    def predict(self, X):
        return self.model_.predict(X)

    def predict_proba(self, X):
        return self.model_.predict_proba(X)


def regression_table(n_samples=90, missing=0.3, seed=0):
    """Return X (n, 3) and y (n, 2) with missing labels."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_samples, 3))
    y = np.column_stack([X[:, 0] + X[:, 1], X[:, 1] - X[:, 2]]) + 0.3 * rng.normal(size=(n_samples, 2))
    y[rng.random(y.shape) < missing] = np.nan
    return X, y
