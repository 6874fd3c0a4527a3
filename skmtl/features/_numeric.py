"""Numeric columns: centring, scaling, imputation, and indicators of missing values."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import numpy as np
from scipy import sparse

from .._arrays import aligned_zeros
from ._quantiles import robust_statistics
from ._rows import CHUNK_CELLS, chunks, dense, over_chunks, plain

Scaling = Literal["none", "standard", "robust"]

# A column is rescaled first if its largest absolute value is above this, or below its inverse.
_LARGEST_UNSCALED = 1e120


# Divisor of constant columns, so large that other values in prediction have no effect; finite in float32 too.
_CONSTANT_SCALE = float(np.finfo(np.float32).max)

# Values beyond this are clipped before the square in smooth clipping overflows float32; the result hardly changes.
_CLIP_LIMIT = 1e6
_CLIP = 3.0


@dataclass(frozen=True)
class NumericEncoder:
    """Fitted statistics of the numeric columns, and their transformation.

    Attributes
    ----------
    center, scale, fill : ndarray of shape (n_features,), float64
        Missing cells are replaced by ``fill``; then a cell x becomes ``(x - center) / scale``.
    indicators : ndarray of shape (n_indicators,), intp
        Columns that had missing values in training; each gets a 0/1 indicator column after the features.
    clip : bool
        Whether a scaled value z is then clipped smoothly to (-3, 3), by ``z / sqrt(1 + (z / 3) ** 2)``.
    """

    center: np.ndarray
    scale: np.ndarray
    fill: np.ndarray
    indicators: np.ndarray
    clip: bool = False

    @classmethod
    def fit(
        cls, X: Any, *, scaling: Scaling, weights: np.ndarray | None = None, more_to_come: bool = False
    ) -> NumericEncoder:
        """Compute the statistics of X, dense or sparse, with NaN for missing values.

        Parameters
        ----------
        X : ndarray or sparse matrix of shape (n_samples, n_features)
            Numbers.
        scaling : {"none", "standard", "robust"}
            Mean and standard deviation; or median and interquartile range with smooth clipping, after
            Holzmueller et al. (2024), "Better by Default", NeurIPS.
        weights : ndarray of shape (n_samples,), default=None
            Number of times each row counts; None counts each row once.
        more_to_come : bool, default=False
            Whether a column that is constant here may vary later (partial_fit); else it is always encoded as zero.

        Returns
        -------
        NumericEncoder
            The fitted encoder.
        """
        if scaling == "robust":
            return cls._fit_robust(X, weights, more_to_come)
        return cls._fit_moments(X, scaling == "standard", weights)._with_constants(scaling, more_to_come)

    @classmethod
    def of_moments(
        cls, mean: np.ndarray, deviation: np.ndarray, missing: np.ndarray, *, scaling: Scaling, more_to_come: bool
    ) -> NumericEncoder:
        """Return the encoder that :meth:`fit` gives for these moments; ``missing`` marks columns with gaps."""
        unscaled = scaling == "none"
        encoder = cls(
            center=np.zeros(len(mean)) if unscaled else mean,
            scale=np.ones(len(mean)) if unscaled else np.where(is_constant(mean, deviation), 0.0, deviation),
            fill=mean,
            indicators=np.flatnonzero(missing),
        )
        return encoder._with_constants(scaling, more_to_come)

    def _with_constants(self, scaling: Scaling, more_to_come: bool) -> NumericEncoder:
        """Return a copy with a nonzero divisor for constant columns, whose scale is 0."""
        divisor = 1.0 if scaling == "none" or more_to_come else _CONSTANT_SCALE
        return replace(self, scale=np.where(self.scale == 0, divisor, self.scale))

    @classmethod
    def _fit_robust(cls, X: Any, weights: np.ndarray | None, more_to_come: bool) -> NumericEncoder:
        center, spread = robust_statistics(X, weights)
        scale = np.where(is_constant(center, spread), 1.0 if more_to_come else _CONSTANT_SCALE, spread)
        return cls(center, scale, fill=center, indicators=np.flatnonzero(_missing(X)), clip=True)

    @classmethod
    def _fit_moments(cls, X: Any, scale: bool, weights: np.ndarray | None) -> NumericEncoder:
        """Fit means and standard deviations; constant columns get a scale of 0."""
        n_samples, n_features = X.shape
        mass, total, largest = np.zeros(n_features), np.zeros(n_features), np.zeros(n_features)
        missing = np.zeros(n_features, dtype=bool)
        for part in over_chunks(lambda rows: _sums(X, weights, rows), n_samples, n_features):
            missing |= part.missing
            mass += part.mass
            total += part.total
            largest = np.maximum(largest, part.largest)
        extreme = (largest > _LARGEST_UNSCALED) | ((largest > 0) & (largest < 1 / _LARGEST_UNSCALED))
        if extreme.any():
            return cls._fit_in_units(X, np.where(extreme, largest, 1.0), scale, weights)
        mean = total / np.where(mass > 0, mass, 1.0)
        if scale:
            center, spread = mean, _standard_deviation(X, mean, mass, weights)
        else:
            center, spread = np.zeros(n_features), np.ones(n_features)
        return cls(center=center, scale=spread, fill=mean, indicators=np.flatnonzero(missing))

    @classmethod
    def _fit_in_units(cls, X: Any, unit: np.ndarray, scale: bool, weights: np.ndarray | None) -> NumericEncoder:
        """Fit columns whose squares would leave the range of float64, after division by their largest value."""
        part = sparse.csr_array(X / unit) if sparse.issparse(X) else np.asarray(X, dtype=np.float64) / unit
        encoder = cls._fit_moments(part, scale, weights)
        spread = encoder.scale * unit if scale else encoder.scale
        return cls(encoder.center * unit, spread, encoder.fill * unit, encoder.indicators)

    @property
    def n_features(self) -> int:
        """Number of columns of X."""
        return len(self.center)

    @property
    def n_outputs(self) -> int:
        """Number of encoded columns."""
        return len(self.center) + len(self.indicators)

    def transform(self, X: Any, *, n_rows: int | None = None, dtype: Any = np.float32) -> np.ndarray:
        """Encode X to (n_rows or n_samples, n_outputs); rows beyond those of X stay zero.

        Computations use X's precision, so columns far from zero keep their digits.
        """
        if dtype is np.float64:
            return self._transformed(X, n_rows, dtype)
        # Values too large for float32 become infinite, and training raises an error about them.
        with np.errstate(over="ignore"):
            return self._transformed(X, n_rows, dtype)

    def _transformed(self, X: Any, n_rows: int | None, dtype: Any) -> np.ndarray:
        n_samples, n_features = X.shape
        if n_rows is None and n_samples * n_features <= CHUNK_CELLS:
            return self._encode(plain(X)).astype(dtype, copy=False)
        out = aligned_zeros((n_samples if n_rows is None else n_rows, self.n_outputs), dtype)
        in_place = not self.clip and len(self.indicators) == 0 and X.dtype == out.dtype

        def encode(rows: slice) -> None:
            if in_place:
                self._scale(plain(X[rows]), out[rows])
            else:
                out[rows] = self._encode(plain(X[rows]))

        for _ in over_chunks(encode, n_samples, n_features):
            pass
        return out

    def _encode(self, part: np.ndarray) -> np.ndarray:
        scaled, gap = self.scaled(part)
        encoded = smooth_clip(scaled) if self.clip else scaled
        return encoded if len(self.indicators) == 0 else np.hstack([encoded, gap[:, self.indicators]])

    def scaled(self, part: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the imputed, centred and scaled rows, not clipped, and the mask of missing cells."""
        scaled = np.empty(part.shape, part.dtype)
        return scaled, self._scale(part, scaled)

    def _scale(self, part: np.ndarray, out: np.ndarray) -> np.ndarray:
        """Write the scaled rows into ``out`` and return the mask of missing cells."""
        gap = np.isnan(part)
        if gap.any():
            part = np.where(gap, self.fill.astype(part.dtype, copy=False), part)
        np.subtract(part, self.center.astype(out.dtype, copy=False), out=out, casting="same_kind")
        np.divide(out, self.scale.astype(out.dtype, copy=False), out=out)
        return gap


def smooth_clip(values: np.ndarray) -> np.ndarray:
    """Compute ``z / sqrt(1 + (z / 3) ** 2)``, which lies in (-3, 3)."""
    values = np.clip(values, -_CLIP_LIMIT, _CLIP_LIMIT)
    return values / np.sqrt(1.0 + np.square(values / _CLIP))


def _missing(X: Any) -> np.ndarray:
    missing = np.zeros(X.shape[1], dtype=bool)
    for rows in chunks(*X.shape):
        missing |= np.isnan(dense(X, rows)).any(axis=0)
    return missing


class _Sums(NamedTuple):
    """Statistics of some rows, per column: any missing, weight and weighted sum of the observed, largest absolute."""

    missing: np.ndarray
    mass: np.ndarray
    total: np.ndarray
    largest: np.ndarray


def _sums(X: Any, weights: np.ndarray | None, rows: slice) -> _Sums:
    part, weight = dense(X, rows), None if weights is None else weights[rows]
    gap = np.isnan(part)
    mass = np.full(part.shape[1], float(len(part)) if weight is None else weight.sum())
    if gap.any():
        mass = _total(weight, (~gap).astype(np.float64))
        part = np.where(gap, 0.0, part)
    largest = np.maximum(part.max(axis=0), -part.min(axis=0))
    return _Sums(gap.any(axis=0), mass, _total(weight, part), largest)


def _total(weight: np.ndarray | None, part: np.ndarray) -> np.ndarray:
    """Return the weighted sum of the rows."""
    return part.sum(axis=0) if weight is None else weight @ part


def _standard_deviation(X: Any, mean: np.ndarray, mass: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    """Standard deviation per column, 0 for columns that are constant up to rounding.

    The mean of many equal numbers is off by more than the rounding of one: what it is off by is subtracted.
    """

    def sums_of(rows: slice) -> np.ndarray:
        part, weight = dense(X, rows) - mean, None if weights is None else weights[rows]
        left = _total(weight, part)
        if np.isnan(left).any():
            part = np.nan_to_num(part)
            left = _total(weight, part)
        np.square(part, out=part)
        return np.stack([left, _total(weight, part)])

    left, squares = sum(over_chunks(sums_of, *X.shape), start=np.zeros((2, len(mean)))) / np.where(mass > 0, mass, 1.0)
    deviation = np.sqrt(np.maximum(squares - left**2, 0.0))
    return np.where(is_constant(mean, deviation), 0.0, deviation)


def is_constant(mean: np.ndarray, deviation: np.ndarray) -> np.ndarray:
    """Whether each column varies by no more than the rounding error of its mean."""
    return deviation <= 10 * np.finfo(np.float64).eps * np.maximum(np.abs(mean), 1e-300)
