"""Estimators of several tasks that train each task on its labelled rows, as skmtl's estimators do."""

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, MultiOutputMixin, RegressorMixin, clone


class _PerTask(MultiOutputMixin, BaseEstimator):
    def __init__(self, estimator):
        self.estimator = estimator

    def fit(self, X, y, sample_weight=None):
        self.frame_ = isinstance(y, pd.DataFrame)
        y = pd.DataFrame(y)
        self.names_ = list(y.columns)
        self.models_ = []
        for name in y.columns:
            known = y[name].notna().to_numpy()
            labels = y[name][known].infer_objects().to_numpy()
            self.models_.append(clone(self.estimator).fit(np.asarray(X)[known], labels))
        return self

    def predict(self, X):
        columns = [model.predict(np.asarray(X)) for model in self.models_]
        if self.frame_:
            return pd.DataFrame(dict(zip(self.names_, columns, strict=True)))
        return np.column_stack(columns)


class PerTaskRegressor(RegressorMixin, _PerTask):
    pass


class PerTaskClassifier(ClassifierMixin, _PerTask):
    @property
    def classes_(self):
        return [model.classes_ for model in self.models_]

    def predict_proba(self, X):
        return [model.predict_proba(np.asarray(X)) for model in self.models_]
