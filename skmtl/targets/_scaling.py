"""Scaling of regression targets to about zero mean and unit variance."""

from __future__ import annotations

from typing import Literal

import numpy as np

from .._records import EncodedTargets, TargetScaling

# "standard": shift and scale; "positive": divide by the mean (for losses that need positive values); "none": no
# scaling; "codes": class codes, also unscaled.
ScalingMode = Literal["standard", "positive", "none", "codes"]

# Relative deviation below which a task is constant up to rounding errors.
_CONSTANT = 1e-12


def fit_scaling(
    targets: EncodedTargets, modes: tuple[ScalingMode, ...], *, more_to_come: bool = False
) -> TargetScaling:
    """Compute each task's shift and scale from the weighted, observed labels.

    A constant task gets a scale of 0, so that the constant is predicted whatever the loss. With ``more_to_come``,
    other labels may follow, so it is scaled like any other task, by 1 if its deviation is 0. A task without labels
    gets a shift of NaN.
    """
    mean, deviation = weighted_moments(targets)
    constant = deviation <= _CONSTANT * np.maximum(np.abs(mean), 1e-300)
    shift, scale = np.zeros(len(modes)), np.ones(len(modes))
    for i, mode in enumerate(modes):
        labels = targets.values[targets.observed[:, i], i]
        if mode != "codes" and len(labels) == 0:
            shift[i] = np.nan
        elif mode != "codes" and not more_to_come and labels.min() == labels.max():
            # Because of rounding, the mean of equal numbers may be another number.
            shift[i], scale[i] = labels[0], 0.0
        elif mode == "standard":
            shift[i], scale[i] = mean[i], float(more_to_come) if constant[i] else deviation[i]
        elif mode == "positive":
            scale[i] = abs(mean[i]) if mean[i] != 0 else 1.0
    return TargetScaling(shift, scale)


def weighted_moments(targets: EncodedTargets) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each task's observed labels, (n_tasks,)."""
    # Scaling by powers of two is exact and keeps the squares of very large or small numbers within float64.
    _, exponent = np.frexp(np.abs(targets.values).max(axis=0, initial=0.0))
    values = np.ldexp(targets.values, -exponent)
    weights = targets.weights
    total = np.maximum(weights.sum(axis=0), np.finfo(np.float64).tiny)
    mean = (weights * values).sum(axis=0) / total
    # Two passes: a single pass loses digits of the variance if values are far from zero.
    deviation = np.sqrt((weights * (values - mean) ** 2).sum(axis=0) / total)
    return np.ldexp(mean, exponent), np.ldexp(deviation, exponent)
