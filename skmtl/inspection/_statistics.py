"""Test whether two estimators differ, from their scores on the same folds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

HELPED, HURT, SAME, UNKNOWN = "helped", "hurt", "no difference", "unknown"
VERDICTS = (HELPED, SAME, HURT, UNKNOWN)


@dataclass(frozen=True)
class Interval:
    """Mean difference over folds, its confidence interval, and the p-value of no difference."""

    mean: float
    low: float
    high: float
    p_value: float

    @property
    def verdict(self) -> str:
        """Verdict on a difference for which higher is better: whether the interval excludes 0."""
        if np.isnan(self.low) or np.isnan(self.high):
            return UNKNOWN
        if self.low > 0:
            return HELPED
        return HURT if self.high < 0 else SAME


def corrected_interval(differences: np.ndarray, test_to_train: float, confidence: float) -> Interval:
    """Return the interval of the mean of ``differences`` (n_folds,), leaving out NaN.

    The training rows of the folds overlap, so the differences are not independent: the variance of the mean is
    estimated as (1 / n_folds + n_test / n_train) s² (Nadeau and Bengio, 2003) instead of s² / n_folds.
    """
    known = differences[~np.isnan(differences)]
    if len(known) == 0:
        return Interval(np.nan, np.nan, np.nan, np.nan)
    mean = float(known.mean())
    if len(known) < 2:
        return Interval(mean, np.nan, np.nan, np.nan)
    error = float(known.std(ddof=1) * np.sqrt(1 / len(known) + test_to_train))
    if error == 0:
        return Interval(mean, mean, mean, float(mean == 0))
    student = stats.t(len(known) - 1)
    half = student.ppf((1 + confidence) / 2) * error
    return Interval(mean, mean - half, mean + half, float(2 * student.sf(abs(mean) / error)))
