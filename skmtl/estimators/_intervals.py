"""Prediction intervals and standard deviations from out-of-fold residuals."""

from __future__ import annotations

import numpy as np


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
