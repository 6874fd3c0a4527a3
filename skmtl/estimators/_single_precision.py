"""Check that a Keras model, which computes in float32, can represent the columns of X."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..features import FeatureEncoder

# float32 ends at 3.4e38, and TensorFlow treats values below 1.2e-38 as 0. The limits leave room for values far from the
# centre, and for the last digits of small ones.
_LARGEST, _SMALLEST = 3e37, 1e-31
# The scale of a column that is constant.
_CONSTANT = float(np.finfo(np.float32).max)


def check_single_precision(encoders: Sequence[FeatureEncoder], names: Sequence[Any] | None) -> None:
    """Refuse columns that the encoders can read in float64, but a Keras model cannot in float32.

    Raises
    ------
    ValueError
        If there is such a column; the message names it.
    """
    for encoder in encoders:
        numeric = encoder.numeric
        constant = numeric.scale == _CONSTANT
        out = (np.abs(numeric.center) > _LARGEST) | (
            ~constant & ((numeric.scale > _LARGEST) | (numeric.scale < _SMALLEST))
        )
        if out.any():
            number = int(np.delete(np.arange(encoder.n_features), encoder.levels.columns)[out.argmax()])
            name = number if names is None else names[number]
            raise ValueError(
                f"model_ computes in float32, which cannot represent the numbers in column {name!r} of X (around "
                f"{numeric.center[out][0]:.3g}, with a spread of {numeric.scale[out][0]:.3g}). Use predict, which can, "
                "or fit on the column in other units."
            )
