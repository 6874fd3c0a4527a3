"""Targets and features as contestants get them, and the preprocessing that each kind of peer needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from _datasets import CLASSIFICATION, Record
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

POOLED = "all tasks"
NOMINAL = make_column_selector(dtype_include="category")
NUMERIC = make_column_selector(dtype_exclude="category")


@dataclass(frozen=True)
class Target:
    """One task: numbers or class codes, NaN for a missing label."""

    name: str
    kind: str
    values: np.ndarray
    n_classes: int = 0


def targets_of(record: Record) -> list[Target]:
    """Return the targets of a record; tasks with separate rows are pooled into one target."""
    if record.row_task is not None:
        first = next(iter(record.kinds))
        if record.kinds[first] != CLASSIFICATION:
            return [Target(POOLED, record.kinds[first], record.Y.bfill(axis=1).iloc[:, 0].to_numpy(float))]
        classes = classes_of(record, POOLED)
        codes = np.stack([pd.Categorical(record.Y[t], categories=classes).codes for t in record.Y], axis=1)
        return [Target(POOLED, CLASSIFICATION, codes.max(axis=1).astype(float), len(classes))]
    targets = []
    for task, kind in record.kinds.items():
        if kind == CLASSIFICATION:
            codes = record.Y[task].cat.codes.to_numpy().astype(float)
            targets.append(Target(task, kind, np.where(codes < 0, np.nan, codes), len(classes_of(record, task))))
        else:
            targets.append(Target(task, kind, record.Y[task].to_numpy(float)))
    return targets


def classes_of(record: Record, task: str) -> list[str]:
    """Return the classes of a task, in the order of the probability columns."""
    if task == POOLED:
        return sorted({c for column in record.Y for c in record.Y[column].cat.categories})
    return list(record.Y[task].cat.categories)


def features_of(record: Record) -> pd.DataFrame:
    """Return the features, with the task as a nominal feature if tasks have separate rows."""
    if record.row_task is None:
        return record.X
    return record.X.assign(**{str(record.row_task.name): record.row_task.to_numpy()}).astype(
        {str(record.row_task.name): record.row_task.dtype}
    )


def scaled(X: pd.DataFrame) -> Any:
    """For linear models and networks: medians and missing-value indicators, unit variance, one-hot columns."""
    numeric = make_pipeline(SimpleImputer(add_indicator=True, keep_empty_features=True), StandardScaler())
    numeric.set_params(simpleimputer__strategy="median")
    return make_column_transformer((numeric, NUMERIC), (_one_hot(), NOMINAL), verbose_feature_names_out=False).fit(X)


def one_hot(X: pd.DataFrame) -> Any:
    """For forests, which take missing numbers: one-hot columns only."""
    return make_column_transformer(
        ("passthrough", NUMERIC), (_one_hot(), NOMINAL), verbose_feature_names_out=False
    ).fit(X)


def as_it_is(X: pd.DataFrame) -> Any:
    """For peers that take nominal and missing features: no preprocessing."""
    return _Frame().fit(X)


def named_missing(X: pd.DataFrame) -> Any:
    """For CatBoost: nominal features as strings, missing as a level."""
    return _Frame(nominal="string").fit(X)


def imputed(X: pd.DataFrame) -> Any:
    """For RealMLP, which takes nominal features but no missing numbers: medians."""
    return _Frame(impute=True).fit(X)


def _one_hot() -> OneHotEncoder:
    return OneHotEncoder(handle_unknown="ignore", sparse_output=False, dtype=np.float32)


class _Frame(TransformerMixin, BaseEstimator):
    """Keep the DataFrame, optionally with nominal columns as strings and medians for missing numbers."""

    def __init__(self, nominal: str = "category", impute: bool = False) -> None:
        self.nominal = nominal
        self.impute = impute

    def fit(self, X: pd.DataFrame) -> _Frame:
        self.numeric_, self.nominal_ = NUMERIC(X), NOMINAL(X)
        self.medians_ = X[self.numeric_].median().fillna(0.0)
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        X = X.copy()
        if self.impute:
            X[self.numeric_] = X[self.numeric_].fillna(self.medians_)
        if self.nominal == "string":
            for column in self.nominal_:
                X[column] = X[column].astype("object").fillna("missing").astype(str)
        return X
