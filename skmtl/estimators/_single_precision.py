"""Columns whose numbers a Keras model, which computes in float32, cannot tell apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..features import FeatureEncoder

# float32 ends at 3.4e38, and what is below 1.2e-38 counts as 0 to TensorFlow: room for values far from the center, and
# for the last digits of a small one.
_LARGEST, _SMALLEST = 3e37, 1e-31
# The scale of a column that is constant.
_NEVER = float(np.finfo(np.float32).max)


def check_single_precision(encoders: Sequence[FeatureEncoder], names: Sequence[Any] | None) -> None:
    """Refuse columns that the encoders read in float64, and a Keras model could not.

    Raises
    ------
    ValueError
        Where there are any, with their names.
    """
    for encoder in encoders:
        numeric = encoder.numeric
        constant = numeric.scale == _NEVER
        out = (np.abs(numeric.center) > _LARGEST) | (
            ~constant & ((numeric.scale > _LARGEST) | (numeric.scale < _SMALLEST))
        )
        if out.any():
            number = int(np.delete(np.arange(encoder.n_features), encoder.levels.columns)[out.argmax()])
            name = number if names is None else names[number]
            raise ValueError(
                f"model_ computes in float32, which does not hold the numbers of column {name!r} of X (around "
                f"{numeric.center[out][0]:.3g}, with a spread of {numeric.scale[out][0]:.3g}). predict does: use it, "
                "or fit on the column in other units."
            )
