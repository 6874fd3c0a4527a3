"""Levels of the categorical columns, and X with categories replaced by codes."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils import _safe_indexing, check_array

from .._text import are_numbers_as_text, missing_as_text
from ._cells import explained
from ._columns import column, column_names

UNSEEN = -1.0


@dataclass(frozen=True)
class CategoryLevels:
    """Categorical columns of X and their levels; a level's position is its code.

    Attributes
    ----------
    columns : tuple of int
        Positions of the categorical columns.
    levels : tuple of ndarray of object
        Sorted levels of each categorical column.
    """

    columns: tuple[int, ...] = ()
    levels: tuple[np.ndarray, ...] = ()

    @classmethod
    def fit(cls, X: Any, columns: Sequence[int]) -> CategoryLevels:
        """Collect the levels of the given columns of X."""
        levels = tuple(_sorted_levels(_factorize(X, position)[1]) for position in columns)
        if getattr(getattr(X, "dtype", None), "kind", "") == "U":
            _warn_about_text(X, columns, levels)
        return cls(tuple(columns), levels)

    def encode(self, X: Any, *, estimator: str) -> np.ndarray:
        """Encode X as float64 (n_samples, n_features): codes for categories, NaN if missing, -1 if unseen."""
        n_samples, n_features = X.shape
        encoded = np.empty((n_samples, n_features))
        numeric = [position for position in range(n_features) if position not in self.columns]
        if numeric:
            encoded[:, numeric] = _numbers(_safe_indexing(X, numeric, axis=1), estimator)
        for position, levels in zip(self.columns, self.levels, strict=True):
            code = {level: float(i) for i, level in enumerate(levels)}
            indices, uniques = _factorize(X, position)
            # The last entry is for missing cells, whose index is -1.
            codes = np.array([*(code.get(level, UNSEEN) for level in uniques), np.nan])
            if len(uniques) and n_samples > 0 and (codes[:-1] == UNSEEN).all():
                _warn_about_unseen(column_names(X)[position], uniques, levels, n_samples)
            encoded[:, position] = codes[indices]
        return encoded

    def by_name(self, names: Sequence[str] | None) -> dict[Any, np.ndarray]:
        """Return the levels by column name, or by position if the columns have no names."""
        keys = self.columns if names is None else [names[position] for position in self.columns]
        return dict(zip(keys, self.levels, strict=True))


def _numbers(part: Any, estimator: str) -> np.ndarray:
    try:
        return check_array(part, dtype=np.float64, ensure_all_finite="allow-nan", estimator=estimator, input_name="X")
    except (TypeError, ValueError, OverflowError) as error:
        raise explained(error, part) from error


def _factorize(X: Any, position: int) -> tuple[np.ndarray, np.ndarray]:
    """Return indices of a column's cells into its unique values, -1 if missing, and the unique values."""
    values = column(X, position)
    if not isinstance(values, pd.Series):
        values = np.asarray(values)
        # numpy's string dtypes have a fixed length; as objects, strings of any length compare.
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
        # Levels of several types, for example numbers and strings.
        order = sorted(range(len(levels)), key=lambda i: (type(levels[i]).__name__, str(levels[i])))
    return levels[order]


def _warn_about_unseen(name: str, unseen: np.ndarray, levels: np.ndarray, n_samples: int) -> None:
    """Warn if a column has only unseen levels; in a single row, a new level of the same type is normal."""
    types, fitted_types = ({type(level).__name__ for level in some} for some in (unseen, levels))
    if n_samples == 1 and types <= fitted_types:
        return
    warnings.warn(
        f"Column {name!r} of X has only levels that were not seen in fit, so all its cells count as unknown: "
        f"{unseen[:3].tolist()} ({', '.join(sorted(types))}), but the levels seen in fit are {levels[:3].tolist()} "
        f"({', '.join(sorted(fitted_types))}).",
        UserWarning,
        stacklevel=2,
    )


def _warn_about_text(X: np.ndarray, columns: Sequence[int], levels: Sequence[np.ndarray]) -> None:
    """Warn if an array of strings holds numbers or missing values as text."""
    names = [column_names(X)[position] for position in columns]
    numbers = [name for name, known in zip(names, levels, strict=True) if are_numbers_as_text(known)]
    missing = [name for name, known in zip(names, levels, strict=True) if missing_as_text(known, plain=True)]
    for affected, what in ((numbers, "numbers stored as text"), (missing, "missing values stored as text")):
        if affected:
            warnings.warn(
                f"X is an array of strings, and its columns {', '.join(affected)} hold {what}, which are treated as "
                "categories. Pass a DataFrame or an object array, in which each cell keeps its type.",
                UserWarning,
                stacklevel=2,
            )
