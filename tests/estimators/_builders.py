"""Functions that build Keras models, importable from another process."""

from __future__ import annotations

from typing import Any

import keras


def heads(meta: dict[str, Any], units: int = 6, noise: float = 0.0) -> keras.Model:
    """Build a trunk with batch normalisation and dropout, and a suitable head for each task."""
    inputs = keras.Input((meta["n_features_in_"],))
    hidden = keras.layers.Dense(units, activation="relu")(inputs)
    hidden = keras.layers.BatchNormalization()(hidden)
    if noise:
        hidden = keras.layers.Dropout(noise)(hidden)
    outputs = [
        keras.layers.Dense(width, activation=None if kind == "regression" else "softmax")(hidden)
        for kind, width in zip(meta["task_types_"], meta["output_units_"], strict=True)
    ]
    return keras.Model(inputs, outputs)


def wrong_heads(meta: dict[str, Any], extra: int = 0, width: int = 0, kind: str | None = None) -> keras.Model:
    """Build heads with the mistakes that the arguments request."""
    inputs = keras.Input((meta["n_features_in_"],))
    widths = [units + width for units in meta["output_units_"]] + [1] * max(0, extra)
    widths = widths[: len(widths) + min(0, extra)]
    return keras.Model(inputs, [keras.layers.Dense(units, activation=kind)(inputs) for units in widths])
