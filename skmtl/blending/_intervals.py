"""Prediction intervals and standard deviations from out-of-fold residuals."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np

# From the first on, far rows' errors count for more than the row's probability to be one; from the second on, wholly.
_LEAST_SHIFT, _CLEAR_SHIFT = 0.15, 0.25


def check_coverage(coverage: Any) -> None:
    """Refuse what is no probability.

    Raises
    ------
    ValueError
        For anything but a number in (0, 1).
    """
    if not isinstance(coverage, numbers.Real) or not 0.0 < float(coverage) < 1.0:
        raise ValueError(f"coverage should be a number between 0 and 1, got {coverage!r}.")


def interval_offsets(residuals: np.ndarray, coverage: float) -> tuple[float, float]:
    """What to add to a prediction for the ends of its interval.

    Quantiles of the out-of-fold residuals, with the correction for their finite number (conformal prediction;
    Vovk et al., 2005), the lower and the upper end apart, as CV+ (Barber et al., 2021) has them. CV+ shifts the
    predictions of each fold's own model, where these shift that of all models together.

    Returns
    -------
    lower, upper : float
        Infinite where there are too few residuals for such a coverage.
    """
    known = np.sort(residuals[~np.isnan(residuals)])
    miss = (1.0 - coverage) / 2.0
    rank = int(np.floor(miss * (len(known) + 1)))
    if rank < 1:
        return -np.inf, np.inf
    return float(known[rank - 1]), float(known[len(known) - rank])


def interval_offsets_of_tasks(residuals: np.ndarray, coverage: float) -> np.ndarray:
    """The same for each column of residuals (n_samples, n_tasks): (n_tasks, 2)."""
    return np.array([interval_offsets(column, coverage) for column in residuals.T])


def weighed(in_distribution: np.ndarray, shifted: np.ndarray | None, probability: np.ndarray) -> np.ndarray:
    """For each row, what is known of the errors of near rows, and of far ones as far as the row is probably one.

    ``in_distribution`` and ``shifted`` are of any shape, (...); ``probability`` is (n_samples,); the result is
    (n_samples, ...).
    """
    if shifted is None:
        return np.broadcast_to(in_distribution, (len(probability), *in_distribution.shape))
    share = probability.reshape(-1, *[1] * in_distribution.ndim)
    return _part(1.0 - share, in_distribution) + _part(share, shifted)


def cautious(probability: np.ndarray) -> np.ndarray:
    """For each row the share of far rows' errors in what has to cover it, (n_samples,).

    How far a row is tells other groups and times imperfectly, and an interval that is too narrow is worse than one
    that is too wide: one whole from a little above what any row is taken for before its distance is looked at (see
    ``shift_probability``). Rows like the training rows hardly ever come there.
    """
    return np.clip((probability - _LEAST_SHIFT) / (_CLEAR_SHIFT - _LEAST_SHIFT), probability, 1.0)


def covering(in_distribution: np.ndarray, shifted: np.ndarray | None, probability: np.ndarray) -> np.ndarray:
    """For each row, offsets (..., 2): those of near rows, and as far as the row may be a far one, the wider of both."""
    if shifted is None:
        return weighed(in_distribution, None, probability)
    wider = np.stack(
        [np.minimum(in_distribution[..., 0], shifted[..., 0]), np.maximum(in_distribution[..., 1], shifted[..., 1])],
        axis=-1,
    )
    return weighed(in_distribution, wider, cautious(probability))


def _part(share: np.ndarray, of: np.ndarray) -> np.ndarray:
    """Their product, 0 where the share is, of whatever is infinite."""
    out = np.zeros(np.broadcast_shapes(share.shape, of.shape))
    return np.multiply(share, of, out=out, where=share > 0)
