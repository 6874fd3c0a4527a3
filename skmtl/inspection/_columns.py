"""Look up columns of X, and replace one of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.utils import check_array

from .._arrays import unmasked
from .._names import proposal


def as_table(X: Any, caller: str) -> Any:
    """Return a DataFrame as it is, and anything else as an array of any dtype; both may hold missing values."""
    if sparse.issparse(X):
        raise TypeError(f"{caller} replaces single columns of X and takes no sparse matrix: pass X.toarray().")
    if isinstance(X, pd.DataFrame):
        return X
    if hasattr(X, "to_pandas"):
        raise TypeError(f"{caller} takes arrays and pandas DataFrames; pass X.to_pandas(), got {type(X).__name__}.")
    return check_array(unmasked(X), dtype=None, ensure_all_finite="allow-nan")


def feature_names(X: Any) -> list[str]:
    """Return the column names; those of an array are x0, x1 and so on."""
    return [str(name) for name in X.columns] if isinstance(X, pd.DataFrame) else [f"x{i}" for i in range(X.shape[1])]


def feature_positions(features: Any, X: Any) -> list[int]:
    """Return the positions of columns given by name or position; None means all."""
    names = feature_names(X)
    if features is None:
        return list(range(len(names)))
    if isinstance(features, str) or not isinstance(features, Sequence | np.ndarray | pd.Index):
        features = [features]
    return [_position(feature, names) for feature in features]


def _position(feature: Any, names: list[str]) -> int:
    if isinstance(feature, str):
        if feature not in names:
            raise ValueError(f"X has no column {feature!r}.{proposal(feature, names)}")
        return names.index(feature)
    if isinstance(feature, bool | np.bool_) or not hasattr(feature, "__index__"):
        raise TypeError(f"Give a feature by name or position, got {feature!r}.")
    if not 0 <= feature.__index__() < len(names):
        raise ValueError(f"There is no column at position {feature}: X has {len(names)}.")
    return feature.__index__()


def column(X: Any, position: int) -> Any:
    """Return one column: an array, or a Series with a default index."""
    return X.iloc[:, position].reset_index(drop=True) if isinstance(X, pd.DataFrame) else X[:, position]


def with_column(X: Any, position: int, values: Any) -> Any:
    """Return a copy of X with one column replaced by ``values``, one per row."""
    if not isinstance(X, pd.DataFrame):
        changed = X.copy()
        changed[:, position] = values
        return changed
    replaced = pd.Series(values.array if isinstance(values, pd.Series) else values, index=X.index)
    parts = [replaced if i == position else X.iloc[:, i] for i in range(X.shape[1])]
    changed = pd.concat(parts, axis=1)
    changed.columns = X.columns
    return changed
