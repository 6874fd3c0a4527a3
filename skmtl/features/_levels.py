"""Categories as numbers: the levels of each categorical column, and X with codes in their place."""

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
        levels = tuple(_sorted_levels(_factorize(X, position)[1]) for position in columns)
        if getattr(getattr(X, "dtype", None), "kind", "") == "U":
            _warn_of_text(X, columns, levels)
        return cls(tuple(columns), levels)

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
            if len(uniques) and n_samples > 0 and (codes[:-1] == UNSEEN).all():
                _warn_of_unseen(column_names(X)[position], uniques, levels, n_samples)
            encoded[:, position] = codes[found]
        return encoded

    def by_name(self, names: Sequence[str] | None) -> dict[Any, np.ndarray]:
        """Levels by the names of their columns, by position where columns have none."""
        keys = self.columns if names is None else [names[position] for position in self.columns]
        return dict(zip(keys, self.levels, strict=True))


def _numbers(part: Any, estimator: str) -> np.ndarray:
    try:
        return check_array(part, dtype=np.float64, ensure_all_finite="allow-nan", estimator=estimator, input_name="X")
    except (TypeError, ValueError, OverflowError) as error:
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


def _warn_of_unseen(name: str, found: np.ndarray, levels: np.ndarray, n_samples: int) -> None:
    """Warn of a column with no level known from fit; a lone row may well bring a new level of the same type."""
    types, known = ({type(level).__name__ for level in some} for some in (found, levels))
    if n_samples == 1 and types <= known:
        return
    warnings.warn(
        f"Column {name!r} of X holds no level that was there in fit, so that all its cells count as unknown: "
        f"{found[:3].tolist()} ({', '.join(sorted(types))}) beside {levels[:3].tolist()} ({', '.join(sorted(known))}).",
        UserWarning,
        stacklevel=2,
    )


def _warn_of_text(X: np.ndarray, columns: Sequence[int], levels: Sequence[np.ndarray]) -> None:
    """Warn of what an array of strings makes of numbers and of missing values."""
    names = [column_names(X)[position] for position in columns]
    numbers = [name for name, known in zip(names, levels, strict=True) if are_numbers_as_text(known)]
    missing = [name for name, known in zip(names, levels, strict=True) if missing_as_text(known, plain=True)]
    for found, what in ((numbers, "numbers written as text"), (missing, "missing values written as text")):
        if found:
            warnings.warn(
                f"X is an array of strings, and its columns {', '.join(found)} hold {what}, which are taken as "
                "categories. Pass a DataFrame, or an array of objects, where each cell keeps its type.",
                UserWarning,
                stacklevel=2,
            )
