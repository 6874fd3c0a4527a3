"""Which variables of a caller's model several tasks share: those that more than one output depends on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ._source import in_training

_ROWS = 16


def shared_variables(model: keras.Model, columns: Any, n_inputs: int) -> tuple[bool, ...]:
    """Whether each trainable variable of the model is shared, found by differentiating its outputs.

    ``columns`` turns the model's result into a list of the tasks' outputs. A variable that one output at most
    depends on is that task's own; so is one that holds the tasks' own numbers side by side, as the kernel of
    one layer for all linear heads does.
    """
    try:
        slopes = _slopes(model, columns, np.random.default_rng(0).uniform(size=(_ROWS, n_inputs)))
    except (tf.errors.OpError, ValueError):
        # What the model was built with, it takes.
        slopes = _slopes(model, columns, np.zeros((_ROWS, n_inputs)))
    return tuple(_is_shared(of_variable) for of_variable in zip(*slopes, strict=True))


def _slopes(model: keras.Model, columns: Any, rows: np.ndarray) -> list[list[np.ndarray | None]]:
    """Gradient of each task's outputs at random weights, per variable; None where there is no connection.

    Start values could hide one: what is multiplied by a kernel of zeros has a gradient of zero.
    """
    rng = np.random.default_rng(1)
    values = [_random(rng, tuple(variable.shape)) for variable in model.trainable_variables]
    other = [variable.value for variable in model.non_trainable_variables]
    inputs = tf.constant(rows.astype(np.float32))
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(values)
        result, _ = model.stateless_call(values, other, inputs, **in_training(model, False))
        # Random factors: the probabilities of a softmax have a sum without gradient.
        totals = [tf.reduce_sum(task * _random(rng, tuple(task.shape))) for task in columns(result)]
    return [[_dense(slope) for slope in tape.gradient(total, values)] for total in totals]


def _random(rng: np.random.Generator, shape: tuple[int, ...]) -> tf.Tensor:
    return tf.constant(rng.uniform(-0.7, 0.7, size=shape).astype(np.float32))


def _dense(slope: Any) -> np.ndarray | None:
    return None if slope is None else tf.convert_to_tensor(slope).numpy()


def _is_shared(slopes: Sequence[np.ndarray | None]) -> bool:
    """Whether more than one task reaches the variable, and not each its own numbers of it."""
    reaching = [slope != 0 for slope in slopes if slope is not None]
    if len(reaching) < 2:
        return False
    if not all(mask.any() for mask in reaching):
        # Connected, but no effect seen: it may have one elsewhere.
        return True
    return bool((np.sum(reaching, axis=0) > 1).any())
