"""Detect the shared variables of a user-defined model: those that more than one task's output depends on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ._source import in_training

_ROWS = 16


def shared_variables(model: keras.Model, columns: Any, n_inputs: int) -> tuple[bool, ...]:
    """Return whether each trainable variable of the model is shared, by differentiating its outputs.

    ``columns`` converts the model's result to a list of the tasks' outputs. A variable is task-specific if at most one
    output depends on it, or if each of its numbers belongs to one task, as in the kernel of a single layer for all
    linear heads.
    """
    try:
        gradients = _gradients(model, columns, np.random.default_rng(0).uniform(size=(_ROWS, n_inputs)))
    except (tf.errors.OpError, ValueError):
        # The model may reject random rows, but it was built with zeros.
        gradients = _gradients(model, columns, np.zeros((_ROWS, n_inputs)))
    return tuple(_is_shared(of_variable) for of_variable in zip(*gradients, strict=True))


def _gradients(model: keras.Model, columns: Any, rows: np.ndarray) -> list[list[np.ndarray | None]]:
    """Return the gradient of each task's outputs at random weights, per variable; None if unconnected.

    Initial weights could hide a connection: a kernel of zeros makes the gradients of its inputs zero.
    """
    rng = np.random.default_rng(1)
    values = [_random(rng, tuple(variable.shape)) for variable in model.trainable_variables]
    other = [variable.value for variable in model.non_trainable_variables]
    inputs = tf.constant(rows.astype(np.float32))
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(values)
        result, _ = model.stateless_call(values, other, inputs, **in_training(model, False))
        # Multiply by random factors, because the sum of a softmax is constant.
        totals = [tf.reduce_sum(task * _random(rng, tuple(task.shape))) for task in columns(result)]
    return [[_dense(gradient) for gradient in tape.gradient(total, values)] for total in totals]


def _random(rng: np.random.Generator, shape: tuple[int, ...]) -> tf.Tensor:
    return tf.constant(rng.uniform(-0.7, 0.7, size=shape).astype(np.float32))


def _dense(gradient: Any) -> np.ndarray | None:
    return None if gradient is None else tf.convert_to_tensor(gradient).numpy()


def _is_shared(gradients: Sequence[np.ndarray | None]) -> bool:
    """Whether some number of the variable affects more than one task."""
    affected = [gradient != 0 for gradient in gradients if gradient is not None]
    if len(affected) < 2:
        return False
    if not all(mask.any() for mask in affected):
        # Connected without an effect on these rows: there may be one on others.
        return True
    return bool((np.sum(affected, axis=0) > 1).any())
