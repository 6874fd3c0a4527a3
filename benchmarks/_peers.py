"""Models of scikit-learn and other libraries at their defaults; Keras networks are in _networks.py."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from _datasets import CLASSIFICATION, REGRESSION, Record
from _tabular import Target, as_it_is, features_of, imputed, named_missing, one_hot, scaled, targets_of

Predictions = dict[str, np.ndarray]  # task to values (n,), or to probabilities (n, n_classes)
Predict = Callable[[Record], Predictions]


@dataclass(frozen=True)
class Peer:
    """The models of one library, behind the preprocessing they need.

    Attributes
    ----------
    encode : callable
        Fit the preprocessing to the training features.
    make : dict
        Maps a kind of task to a function of (encoded X, number of tasks) that returns a model.
    joint : set
        Kinds of task that one model predicts together if no label is missing. Otherwise each task gets its own model,
        fitted on the rows that have its label.
    joint_missing : bool
        Whether a joint regression accepts missing labels.
    """

    encode: Callable[[pd.DataFrame], Any]
    make: dict[str, Callable[[Any, int], Any]]
    joint: frozenset[str] = frozenset()
    joint_missing: bool = False

    def fit(self, train: Record) -> Predict:
        """Fit to a record and return a function that predicts the rows of another record."""
        encoder = self.encode(features_of(train))
        X = encoder.transform(features_of(train))
        parts: list[Callable[[Any], Predictions]] = []
        for kind in (REGRESSION, CLASSIFICATION):
            targets = [t for t in targets_of(train) if t.kind == kind]
            missing = any(np.isnan(t.values).any() for t in targets)
            if len(targets) > 1 and kind in self.joint and (self.joint_missing or not missing):
                parts.append(_fit_joint(self.make[kind], X, targets))
            else:
                parts += [_fit_alone(self.make[kind], X, target) for target in targets]

        def predict(test: Record) -> Predictions:
            Z = encoder.transform(features_of(test))
            return {name: values for part in parts for name, values in part(Z).items()}

        return predict


def _fit_joint(make: Callable[[Any, int], Any], X: Any, targets: list[Target]) -> Callable[[Any], Predictions]:
    Y = np.stack([t.values for t in targets], axis=1)
    model = make(X, len(targets)).fit(X, Y)
    if targets[0].kind == REGRESSION:
        return lambda Z: dict(zip([t.name for t in targets], np.asarray(model.predict(Z)).T, strict=True))

    def predict(Z: Any) -> Predictions:
        found = model.predict_proba(Z)
        return {t.name: spread(p, c, t) for t, p, c in zip(targets, found, model.classes_, strict=True)}

    return predict


def _fit_alone(make: Callable[[Any, int], Any], X: Any, target: Target) -> Callable[[Any], Predictions]:
    """Fit a model of one task to the rows that have its label, or a constant if these labels are all the same."""
    rows = np.flatnonzero(~np.isnan(target.values))
    y = target.values[rows]
    if len(np.unique(y)) < 2:
        return lambda Z: {target.name: constant(y, target, len(Z))}
    observed = X.iloc[rows] if isinstance(X, pd.DataFrame) else X[rows]
    if target.kind == REGRESSION:
        regressor = make(observed, 1).fit(observed, y)
        return lambda Z: {target.name: np.asarray(regressor.predict(Z)).reshape(-1)}
    classifier = make(observed, 1).fit(observed, y.astype(int))
    return lambda Z: {target.name: spread(classifier.predict_proba(Z), classifier.classes_, target)}


def constant(y: np.ndarray, target: Target, n: int) -> np.ndarray:
    """Predict the mean or the class frequencies; without any label, 0 or equal probabilities."""
    if target.kind == REGRESSION:
        return np.full(n, y.mean() if len(y) else 0.0)
    counts = np.bincount(y.astype(int), minlength=target.n_classes) if len(y) else np.ones(target.n_classes)
    return np.tile(counts / counts.sum(), (n, 1))


def spread(probabilities: Any, classes: Any, target: Target) -> np.ndarray:
    """Expand the probabilities of the classes seen in training to all classes of the task."""
    probabilities = np.asarray(probabilities)
    full = np.zeros((len(probabilities), target.n_classes))
    full[:, np.asarray(classes).astype(int)] = probabilities
    return full


def threads() -> int:
    """Return the number of threads a peer may use: OMP_NUM_THREADS, or all cores."""
    return int(os.environ.get("OMP_NUM_THREADS", os.cpu_count() or 1))


def _standardised(model: Any) -> Any:
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.preprocessing import StandardScaler

    return TransformedTargetRegressor(model, transformer=StandardScaler())


def _ridge(*_: Any) -> Any:
    from sklearn.linear_model import RidgeCV

    return RidgeCV()


def _logistic(*_: Any) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(max_iter=1000)


def _chain(_: Any, n_tasks: int) -> Any:
    from sklearn.multioutput import RegressorChain

    return _standardised(RegressorChain(_ridge())) if n_tasks > 1 else _ridge()


def _trees(name: str, *_: Any) -> Any:
    from sklearn import ensemble

    return getattr(ensemble, name)(random_state=0)


def _mlp_regressor(*_: Any) -> Any:
    from sklearn.neural_network import MLPRegressor

    return _standardised(MLPRegressor(random_state=0))


def _mlp_classifier(*_: Any) -> Any:
    from sklearn.neural_network import MLPClassifier

    return MLPClassifier(random_state=0)


def _catboost(kind: str, X: pd.DataFrame, n_tasks: int) -> Any:
    import catboost

    nominal = [c for c, dtype in X.dtypes.items() if not pd.api.types.is_numeric_dtype(dtype)]
    common = {
        "random_seed": 0,
        "verbose": False,
        "allow_writing_files": False,
        "thread_count": threads(),
        "cat_features": nominal,
    }
    if kind == CLASSIFICATION:
        return catboost.CatBoostClassifier(**common)
    # Without missing labels this loss equals MultiRMSE.
    return catboost.CatBoostRegressor(loss_function="MultiRMSEWithMissingValues" if n_tasks > 1 else "RMSE", **common)


def _lightgbm(kind: str, *_: Any) -> Any:
    import lightgbm

    made = lightgbm.LGBMClassifier if kind == CLASSIFICATION else lightgbm.LGBMRegressor
    return made(random_state=0, n_jobs=threads(), verbose=-1)


def _stack(kind: str, *_: Any) -> Any:
    """Stack linear, kernel and boosted models by a linear one, as an informed user might."""
    from sklearn import ensemble, linear_model, svm

    if kind == CLASSIFICATION:
        parts = {
            "linear": linear_model.LogisticRegression(max_iter=1000),
            "kernel": svm.SVC(probability=True, random_state=0),
            "trees": ensemble.HistGradientBoostingClassifier(random_state=0),
        }
        return ensemble.StackingClassifier(list(parts.items()))
    parts = {
        "linear": linear_model.RidgeCV(),
        "kernel": _standardised(svm.SVR()),
        "trees": ensemble.HistGradientBoostingRegressor(random_state=0),
    }
    return ensemble.StackingRegressor(list(parts.items()))


class _Xrfm:
    """Recursive feature machines of the package xrfm, tuned on a fifth of the rows."""

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def fit(self, X: Any, y: np.ndarray) -> _Xrfm:
        from sklearn.model_selection import train_test_split
        from xrfm import xRFM

        classes, codes = np.unique(y, return_inverse=True)
        classified = self.kind == CLASSIFICATION
        strata = codes if classified and np.bincount(codes).min() > 1 else None
        matrix = np.asarray(y, float).reshape(len(y), -1)
        self.mean, self.scale = matrix.mean(axis=0), np.maximum(matrix.std(axis=0), 1e-12)
        target = codes if classified else ((matrix - self.mean) / self.scale).astype(np.float32)
        rows, held = train_test_split(np.arange(len(y)), test_size=0.2, random_state=0, stratify=strata)
        X = np.asarray(X, np.float32)
        metric = "logloss" if classified else "mse"
        self.model = xRFM(device="cpu", tuning_metric=metric, random_state=0, n_threads=threads(), verbose=False)
        self.model.fit(X[rows], target[rows], X[held], target[held])
        self.classes_ = classes
        return self

    def predict(self, X: Any) -> np.ndarray:
        found = np.asarray(self.model.predict(np.asarray(X, np.float32))).reshape(len(X), -1)
        return found * self.scale + self.mean

    def predict_proba(self, X: Any) -> np.ndarray:
        return np.asarray(self.model.predict_proba(np.asarray(X, np.float32)))


def _xrfm(kind: str, *_: Any) -> Any:
    return _Xrfm(kind)


def _tabm(kind: str, *_: Any) -> Any:
    """TabM at pytabkit's defaults."""
    from pytabkit import TabM_D_Classifier, TabM_D_Regressor

    made = TabM_D_Classifier if kind == CLASSIFICATION else TabM_D_Regressor
    return made(random_state=0, device="cpu", n_threads=threads())


def _realmlp(kind: str, *_: Any) -> Any:
    """RealMLP-TD; for classes with the settings its authors recommend for log loss."""
    import logging

    from pytabkit import RealMLP_TD_Classifier, RealMLP_TD_Regressor

    for name in ("lightning", "pytorch_lightning", "lightning.pytorch"):
        logging.getLogger(name).setLevel(logging.ERROR)
    common = {"random_state": 0, "device": "cpu", "n_threads": threads()}
    if kind == CLASSIFICATION:
        return RealMLP_TD_Classifier(val_metric_name="cross_entropy", use_ls=False, **common)
    return RealMLP_TD_Regressor(**common)


def _both(make: Callable[..., Any]) -> dict[str, Callable[[Any, int], Any]]:
    return {kind: partial(make, kind) for kind in (REGRESSION, CLASSIFICATION)}


def _of_ensemble(name: str) -> dict[str, Callable[[Any, int], Any]]:
    return {REGRESSION: partial(_trees, f"{name}Regressor"), CLASSIFICATION: partial(_trees, f"{name}Classifier")}


_REGRESSIONS, _ALL = frozenset({REGRESSION}), frozenset({REGRESSION, CLASSIFICATION})

PEERS: dict[str, Peer] = {
    "ridge": Peer(scaled, {REGRESSION: _ridge, CLASSIFICATION: _logistic}, _REGRESSIONS),
    "chain": Peer(scaled, {REGRESSION: _chain}, _REGRESSIONS),
    "forest": Peer(one_hot, _of_ensemble("RandomForest"), _ALL),
    "extra_trees": Peer(one_hot, _of_ensemble("ExtraTrees"), _ALL),
    "hgb": Peer(as_it_is, _of_ensemble("HistGradientBoosting")),
    "catboost": Peer(named_missing, _both(_catboost), _REGRESSIONS, joint_missing=True),
    "mlp": Peer(scaled, {REGRESSION: _mlp_regressor, CLASSIFICATION: _mlp_classifier}, _REGRESSIONS),
    "realmlp": Peer(imputed, _both(_realmlp)),
    "lightgbm": Peer(as_it_is, _both(_lightgbm)),
    "stack": Peer(scaled, _both(_stack)),
    "xrfm": Peer(scaled, _both(_xrfm), _REGRESSIONS),
    "tabm": Peer(imputed, _both(_tabm)),
}
