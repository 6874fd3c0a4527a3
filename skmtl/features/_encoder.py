"""Numeric columns to a standardised float32 matrix with missing-value indicators."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from .._arrays import aligned_zeros

# Rows encoded at a time: the float64 scratch space stays small however long the table is.
_CHUNK_CELLS = 1 << 20


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
        mass, total, missing = np.zeros(n_features), np.zeros(n_features), np.zeros(n_features, dtype=bool)
        for rows in _chunks(n_samples, n_features):
            part, weight = _dense(X, rows), _weights(weights, rows)
            gap = np.isnan(part)
            missing |= gap.any(axis=0)
            mass += weight @ ~gap
            total += weight @ np.where(gap, 0.0, part)
        mean = total / np.where(mass > 0, mass, 1.0)
        if scale:
            center, spread = mean, _standard_deviation(X, mean, mass, weights)
        else:
            center, spread = np.zeros(n_features), np.ones(n_features)
        return cls(center=center, scale=spread, fill=mean, indicators=np.flatnonzero(missing))

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

        Scaling is done in float64, so that a column far from zero loses no digits on its way to float32.
        """
        n_samples = X.shape[0]
        out = aligned_zeros((n_samples if n_rows is None else n_rows, self.n_outputs), dtype)
        self.transform_into(X, out)
        return out

    def transform_exactly(self, X: Any) -> np.ndarray:
        """Encode a few rows to (n_samples, n_outputs) float64, with as few operations as it takes."""
        part = _dense(X, slice(None))
        gap = np.isnan(part)
        if not gap.any() and len(self.indicators) == 0:
            return (part - self.center) / self.scale
        encoded = (np.where(gap, self.fill, part) - self.center) / self.scale
        return np.hstack([encoded, gap[:, self.indicators]])

    def transform_into(self, X: Any, out: np.ndarray) -> None:
        """Encode X into the first rows of ``out``, chunk by chunk."""
        n_samples, n_features = X.shape
        for rows in _chunks(n_samples, n_features):
            part = _dense(X, rows)
            gap = np.isnan(part)
            if gap.any():
                part = np.where(gap, self.fill, part)
                out[rows, n_features:] = gap[:, self.indicators]
            out[rows, :n_features] = (part - self.center) / self.scale


def _chunks(n_samples: int, n_features: int) -> list[slice]:
    step = max(1, _CHUNK_CELLS // max(1, n_features))
    return [slice(start, min(start + step, n_samples)) for start in range(0, n_samples, step)]


def _dense(X: Any, rows: slice) -> np.ndarray:
    part = X[rows]
    return np.asarray(part.toarray() if sparse.issparse(part) else part, dtype=np.float64)


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
