"""Numeric columns to a standardised float32 matrix with missing-value indicators."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from .._arrays import aligned_zeros

# Cells encoded at a time: what lies between stays in the processor's cache however long the table is.
_CHUNK_CELLS = 1 << 18

# Columns with larger values, or none larger than one part of it, are counted in units of their own.
_MOST = 1e120


@dataclass(frozen=True)
class FeatureEncoder:
    """Fitted statistics of the columns, and the transformation made of them.

    Attributes
    ----------
    center, scale, fill : ndarray of shape (n_features,), float64
        A cell x becomes ``(x - center) / scale``; a missing one stands for ``fill`` before that.
    indicators : ndarray of shape (n_indicators,), intp
        Columns that had missing values in training; each gets a 0/1 column after the features.
    """

    center: np.ndarray
    scale: np.ndarray
    fill: np.ndarray
    indicators: np.ndarray

    @classmethod
    def fit(cls, X: Any, *, scale: bool, weights: np.ndarray | None = None) -> FeatureEncoder:
        """Take the statistics of X, (n_samples, n_features), dense or sparse, NaN for missing.

        ``weights`` (n_samples,) count a row as often as they say; None is once each.
        """
        n_samples, n_features = X.shape
        mass, total, largest = np.zeros(n_features), np.zeros(n_features), np.zeros(n_features)
        missing = np.zeros(n_features, dtype=bool)
        for rows in _chunks(n_samples, n_features):
            part, weight = _dense(X, rows), _weights(weights, rows)
            gap = np.isnan(part)
            missing |= gap.any(axis=0)
            mass += weight @ ~gap
            part = np.where(gap, 0.0, part)
            total += weight @ part
            largest = np.maximum(largest, np.abs(part).max(axis=0))
        extreme = (largest > _MOST) | ((largest > 0) & (largest < 1 / _MOST))
        if extreme.any():
            return cls._fit_in_units(X, np.where(extreme, largest, 1.0), scale, weights)
        mean = total / np.where(mass > 0, mass, 1.0)
        if scale:
            center, spread = mean, _standard_deviation(X, mean, mass, weights)
        else:
            center, spread = np.zeros(n_features), np.ones(n_features)
        return cls(center=center, scale=spread, fill=mean, indicators=np.flatnonzero(missing))

    @classmethod
    def _fit_in_units(cls, X: Any, unit: np.ndarray, scale: bool, weights: np.ndarray | None) -> FeatureEncoder:
        """The same for columns whose squares leave the range of float64, counted in units of their largest value."""
        part = sparse.csr_array(X / unit) if sparse.issparse(X) else np.asarray(X, dtype=np.float64) / unit
        found = cls.fit(part, scale=scale, weights=weights)
        spread = found.scale * unit if scale else found.scale
        return cls(found.center * unit, spread, found.fill * unit, found.indicators)

    @property
    def n_features(self) -> int:
        """Number of columns of X."""
        return len(self.center)

    @property
    def n_outputs(self) -> int:
        """Number of columns that the network sees."""
        return len(self.center) + len(self.indicators)

    def transform(self, X: Any, *, n_rows: int | None = None, dtype: Any = np.float32) -> np.ndarray:
        """Encode X to (n_rows or n_samples, n_outputs); rows beyond those of X stay zero.

        The arithmetic is done in X's own precision: a column far from zero loses no digits that it had.
        """
        n_samples, n_features = X.shape
        if n_rows is None and n_samples * n_features <= _CHUNK_CELLS:
            return self._encode(_plain(X)).astype(dtype, copy=False)
        out = aligned_zeros((n_samples if n_rows is None else n_rows, self.n_outputs), dtype)
        for rows in _chunks(n_samples, n_features):
            out[rows] = self._encode(_plain(X[rows]))
        return out

    def _encode(self, part: np.ndarray) -> np.ndarray:
        gap = np.isnan(part)
        missing = gap.any()
        if missing:
            part = np.where(gap, self.fill, part)
        encoded = part - self.center.astype(part.dtype, copy=False)
        encoded /= self.scale.astype(part.dtype, copy=False)
        if len(self.indicators) == 0:
            return encoded
        return np.hstack([encoded, gap[:, self.indicators]])


def _chunks(n_samples: int, n_features: int) -> list[slice]:
    step = max(1, _CHUNK_CELLS // max(1, n_features))
    return [slice(start, min(start + step, n_samples)) for start in range(0, n_samples, step)]


def _plain(part: Any) -> np.ndarray:
    return part.toarray() if sparse.issparse(part) else part


def _dense(X: Any, rows: slice) -> np.ndarray:
    return np.asarray(_plain(X[rows]), dtype=np.float64)


def _weights(weights: np.ndarray | None, rows: slice) -> np.ndarray:
    return np.ones(rows.stop - rows.start) if weights is None else weights[rows]


def _standard_deviation(X: Any, mean: np.ndarray, mass: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    """Per column, 1 where the column is constant (up to the rounding of its mean)."""
    squares = np.zeros(len(mean))
    for rows in _chunks(*X.shape):
        squares += _weights(weights, rows) @ np.nan_to_num((_dense(X, rows) - mean) ** 2)
    deviation = np.sqrt(squares / np.where(mass > 0, mass, 1.0))
    constant = deviation <= 10 * np.finfo(np.float64).eps * np.maximum(np.abs(mean), 1e-300)
    return np.where(constant, 1.0, deviation)
