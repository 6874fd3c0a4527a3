"""Prediction intervals and standard deviations from out-of-fold residuals."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np

# Between these shift probabilities, the weight of shifted errors in an interval rises to 1; see `cautious`.
_LEAST_SHIFT, _CLEAR_SHIFT = 0.15, 0.25


def check_coverage(coverage: Any) -> None:
    """Check that ``coverage`` is a probability.

    Raises
    ------
    ValueError
        If it is not a number in (0, 1).
    """
    if not isinstance(coverage, numbers.Real) or not 0.0 < float(coverage) < 1.0:
        raise ValueError(f"coverage should be a number between 0 and 1, got {coverage!r}.")


def interval_offsets(residuals: np.ndarray, coverage: float) -> tuple[float, float]:
    """Return what to add to a prediction for the ends of its interval.

    These are quantiles of the out-of-fold residuals with the finite-sample correction of conformal prediction (Vovk et
    al., 2005), separately for the lower and the upper end, as in CV+ (Barber et al., 2021). Deviation: CV+ shifts the
    predictions of each fold's own model, while these offsets shift the prediction of all models together.

    Returns
    -------
    lower, upper : float
        Infinite if there are too few residuals for this coverage.
    """
    known = np.sort(residuals[~np.isnan(residuals)])
    miss = (1.0 - coverage) / 2.0
    rank = int(np.floor(miss * (len(known) + 1)))
    if rank < 1:
        return -np.inf, np.inf
    return float(known[rank - 1]), float(known[len(known) - rank])


def interval_offsets_of_tasks(residuals: np.ndarray, coverage: float) -> np.ndarray:
    """Return the offsets (n_tasks, 2) for each column of residuals (n_samples, n_tasks)."""
    return np.array([interval_offsets(column, coverage) for column in residuals.T])


def weighed(in_distribution: np.ndarray, shifted: np.ndarray | None, probability: np.ndarray) -> np.ndarray:
    """Mix statistics of in-distribution and shifted errors by each row's shift probability.

    ``in_distribution`` and ``shifted`` have any shape, (...); ``probability`` is (n_samples,); the result is
    (n_samples, ...).
    """
    if shifted is None:
        return np.broadcast_to(in_distribution, (len(probability), *in_distribution.shape))
    share = probability.reshape(-1, *[1] * in_distribution.ndim)
    return _product(1.0 - share, in_distribution) + _product(share, shifted)


def cautious(probability: np.ndarray) -> np.ndarray:
    """Return the weight of shifted errors in each row's interval or region, (n_samples,).

    Distances detect other groups and times imperfectly, and an interval that is too narrow is worse than one that is
    too wide. The weight is therefore 1 from slightly above the prior probability of a shift (see
    ``shift_probability``). Rows like the training rows hardly ever reach that.
    """
    return np.clip((probability - _LEAST_SHIFT) / (_CLEAR_SHIFT - _LEAST_SHIFT), probability, 1.0)


def covering(in_distribution: np.ndarray, shifted: np.ndarray | None, probability: np.ndarray) -> np.ndarray:
    """Return each row's offsets (..., 2), mixed from those in distribution and the wider of both by `cautious`."""
    if shifted is None:
        return weighed(in_distribution, None, probability)
    wider = np.stack(
        [np.minimum(in_distribution[..., 0], shifted[..., 0]), np.maximum(in_distribution[..., 1], shifted[..., 1])],
        axis=-1,
    )
    return weighed(in_distribution, wider, cautious(probability))


def _product(share: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Multiply both; the product is 0 if the share is 0, even if the value is infinite."""
    out = np.zeros(np.broadcast_shapes(share.shape, values.shape))
    return np.multiply(share, values, out=out, where=share > 0)
