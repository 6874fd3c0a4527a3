"""Adam for the variables of a balancing method, as a pure function of tensors."""

import numpy as np
import tensorflow as tf

from ._base import State

_BETA_1, _BETA_2, _EPSILON = 0.9, 0.999, 1e-8


def adam_slots(n_tasks: int) -> dict[str, np.ndarray]:
    """Initial first and second moments and step counts of each task's variable, for one member."""
    return {name: np.zeros(n_tasks, np.float32) for name in ("first_moment", "second_moment", "steps")}


def adam_step(variable: str, gradient: tf.Tensor, present: tf.Tensor, learning_rate: tf.Tensor, state: State) -> State:
    """State after one step of Adam (Kingma and Ba, 2015) on ``state[variable]``; absent tasks do not change."""
    steps = state["steps"] + 1.0
    first = _BETA_1 * state["first_moment"] + (1.0 - _BETA_1) * gradient
    second = _BETA_2 * state["second_moment"] + (1.0 - _BETA_2) * gradient**2
    direction = (first / (1.0 - _BETA_1**steps)) / (tf.sqrt(second / (1.0 - _BETA_2**steps)) + _EPSILON)
    new = {
        variable: state[variable] - learning_rate * direction,
        "first_moment": first,
        "second_moment": second,
        "steps": steps,
    }
    return {**state, **{name: tf.where(present, value, state[name]) for name, value in new.items()}}
