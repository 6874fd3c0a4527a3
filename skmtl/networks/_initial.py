"""Initial values of kernels (Glorot and Bengio, 2010)."""

from __future__ import annotations

from typing import Any

import numpy as np


def glorot_uniform(rng: np.random.Generator, shape: tuple[int, ...], fan_out: Any = None) -> np.ndarray:
    """Draw kernels with the fans of the last two axes; the axes before them stack separate kernels.

    ``fan_out`` replaces the size of the last axis if that holds the columns of several kernels; it is broadcast.
    """
    limit = np.sqrt(6.0 / (shape[-2] + np.asarray(shape[-1] if fan_out is None else fan_out)))
    return rng.uniform(-1.0, 1.0, size=shape) * limit
