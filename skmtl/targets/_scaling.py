"""Scaling of regression targets: what the network learns is close to zero mean and unit variance."""

from __future__ import annotations

from typing import Literal

import numpy as np

from .._records import EncodedTargets, TargetScaling

# "standard": shift and scale; "positive": divide by the mean (the loss needs positive values); "none": as they are;
# "codes": those of classes.
ScalingMode = Literal["standard", "positive", "none", "codes"]

# Rounding errors of a constant.
_NOTHING = 1e-12


def fit_scaling(
    targets: EncodedTargets, modes: tuple[ScalingMode, ...], *, more_to_come: bool = False
) -> TargetScaling:
    """Shift and scale per task from the weighted, observed labels.

    A constant task gets scale 0, so that the constant is what will be predicted, whatever the loss; where other labels
    may come that no other scale can be taken for, it is scaled as any other task, by 1 if need be. A task without
    labels gets a shift of NaN.
    """
    mean, deviation = weighted_moments(targets)
    constant = deviation <= _NOTHING * np.maximum(np.abs(mean), 1e-300)
    shift, scale = np.zeros(len(modes)), np.ones(len(modes))
    for i, mode in enumerate(modes):
        labels = targets.values[targets.observed[:, i], i]
        if mode != "codes" and len(labels) == 0:
            shift[i] = np.nan
        elif mode != "codes" and not more_to_come and labels.min() == labels.max():
            # A mean of equal numbers may be another number.
            shift[i], scale[i] = labels[0], 0.0
        elif mode == "standard":
            shift[i], scale[i] = mean[i], float(more_to_come) if constant[i] else deviation[i]
        elif mode == "positive":
            scale[i] = abs(mean[i]) if mean[i] != 0 else 1.0
    return TargetScaling(shift, scale)


def weighted_moments(targets: EncodedTargets) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each task's observed labels, (n_tasks,)."""
    # Counted in powers of two, which costs no digit, numbers of any size have a square.
    _, exponent = np.frexp(np.abs(targets.values).max(axis=0, initial=0.0))
    values = np.ldexp(targets.values, -exponent)
    weights = targets.weights
    total = np.maximum(weights.sum(axis=0), np.finfo(np.float64).tiny)
    mean = (weights * values).sum(axis=0) / total
    # Two passes: the variance of values far from zero loses its digits in one.
    deviation = np.sqrt((weights * (values - mean) ** 2).sum(axis=0) / total)
    return np.ldexp(mean, exponent), np.ldexp(deviation, exponent)
