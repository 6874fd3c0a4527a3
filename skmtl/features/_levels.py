"""Categories as numbers: the levels of each categorical column, and X with codes in their place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils import _safe_indexing, check_array

from ._columns import column, column_names, explained

UNSEEN = -1.0


@dataclass(frozen=True)
class CategoryLevels:
    """Which columns of X are categories, and their levels; a level's position is its code.

    Attributes
    ----------
    columns : tuple of int
        Positions of the categorical columns.
    levels : tuple of ndarray of object
        The levels of each, sorted.
    """

    columns: tuple[int, ...] = ()
    levels: tuple[np.ndarray, ...] = ()

    @classmethod
    def fit(cls, X: Any, columns: Sequence[int]) -> CategoryLevels:
        """Collect the levels of these columns of a table."""
        return cls(tuple(columns), tuple(_sorted_levels(_factorize(X, position)[1]) for position in columns))

    def encode(self, X: Any, *, estimator: str) -> np.ndarray:
        """X as float64 (n_samples, n_features): codes of categories, NaN where missing, -1 for a level not known."""
        n_samples, n_features = X.shape
        encoded = np.empty((n_samples, n_features))
        numeric = [position for position in range(n_features) if position not in self.columns]
        if numeric:
            encoded[:, numeric] = _numbers(_safe_indexing(X, numeric, axis=1), estimator)
        for position, levels in zip(self.columns, self.levels, strict=True):
            code = {level: float(i) for i, level in enumerate(levels)}
            found, uniques = _factorize(X, position)
            # The last entry is that of a missing cell, which factorize counts as -1.
            codes = np.array([*(code.get(level, UNSEEN) for level in uniques), np.nan])
            encoded[:, position] = codes[found]
        return encoded

    def by_name(self, names: Sequence[str] | None) -> dict[Any, np.ndarray]:
        """Levels by the names of their columns, by position where columns have none."""
        keys = self.columns if names is None else [names[position] for position in self.columns]
        return dict(zip(keys, self.levels, strict=True))


def _numbers(part: Any, estimator: str) -> np.ndarray:
    try:
        return check_array(part, dtype=np.float64, ensure_all_finite="allow-nan", estimator=estimator, input_name="X")
    except ValueError as error:
        raise explained(error, part) from error


def _factorize(X: Any, position: int) -> tuple[np.ndarray, np.ndarray]:
    """Codes of a column's cells, -1 where missing, and what they stand for."""
    values = column(X, position)
    if not isinstance(values, pd.Series):
        values = np.asarray(values)
        # numpy's strings have a dtype of their own length; as objects they compare with any.
        values = values.astype(object) if values.dtype.kind in "US" else values
    try:
        codes, uniques = pd.factorize(values)
    except TypeError as error:
        raise TypeError(f"Column {column_names(X)[position]!r} of X cannot be read as categories: {error}.") from error
    return codes, np.asarray(uniques, dtype=object)


def _sorted_levels(levels: np.ndarray) -> np.ndarray:
    try:
        order = sorted(range(len(levels)), key=lambda i: levels[i])
    except TypeError:
        # Levels of several types: numbers and strings, say.
        order = sorted(range(len(levels)), key=lambda i: (type(levels[i]).__name__, str(levels[i])))
    return levels[order]
