"""Tasks with the same loss are computed together: the same numbers, in the order of the tasks, in few operations."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
import pytest
import tensorflow as tf

from skmtl.losses import LossRule, group_losses, resolve_rule
from skmtl.losses._groups import row_losses

MEMBERS, BATCH = 2, 5


def mixed_tasks(repeats: int) -> tuple[list[LossRule], list[int]]:
    """Regressions and classifications with several losses and widths, alternating."""
    kinds = [
        ("mse", "regression", 1),
        ("categorical_crossentropy", "classification", 3),
        (keras.losses.Huber(0.5), "regression", 1),
        ("categorical_crossentropy", "classification", 2),
        ("poisson", "regression", 1),
        ("sparse_categorical_crossentropy", "classification", 3),
    ]
    rules = [resolve_rule(loss, kind, "y", probabilities=False, units=units) for loss, kind, units in kinds * repeats]
    return rules, [units for _, _, units in kinds] * repeats


def some_values(rules: Sequence[LossRule], units: Sequence[int]) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    rng = np.random.default_rng(0)
    codes = rng.integers(0, np.maximum(units, 2), size=(MEMBERS, BATCH, len(rules)))
    labels = np.where(np.array(units) > 1, codes, rng.uniform(0.1, 2.0, codes.shape))
    raw = rng.normal(size=(MEMBERS, BATCH, sum(units)))
    scale = rng.uniform(0.5, 2.0, len(rules))
    return tuple(tf.constant(array, tf.float32) for array in (labels, raw, scale))


def one_by_one(rules: Sequence[LossRule], units: Sequence[int], labels: tf.Tensor, raw: tf.Tensor, scale: tf.Tensor):
    """Compute the loss of each member and task separately."""
    out, starts = np.zeros(labels.shape, np.float32), np.cumsum([0, *units])
    for member in range(MEMBERS):
        for task, rule in enumerate(rules):
            columns = raw[member, :, starts[task] : starts[task + 1]]
            values = rule.rows(labels[member, :, task], columns, tf.fill((BATCH,), scale[task]))
            out[member, :, task] = values.numpy()
    return out


@pytest.mark.parametrize("repeats", [1, 3])
def test_grouped_losses_are_those_of_each_task_alone(repeats: int) -> None:
    rules, units = mixed_tasks(repeats)
    labels, raw, scale = some_values(rules, units)
    groups = group_losses(rules, units)
    assert len(groups) == 6
    assert sorted(task for group in groups for task in group.tasks) == list(range(len(rules)))
    together = row_losses(groups, labels, raw, scale).numpy()
    np.testing.assert_allclose(together, one_by_one(rules, units, labels, raw, scale), rtol=1e-5, atol=1e-6)


def test_tasks_of_one_loss_and_width_are_one_group_however_the_loss_was_given() -> None:
    given = ["mse", keras.losses.MeanSquaredError, keras.losses.MeanSquaredError()]
    rules = [resolve_rule(loss, "regression", "y", probabilities=False, units=1) for loss in given]
    assert [group.tasks for group in group_losses(rules, [1, 1, 1])] == [(0, 1, 2)]


def operations(rules: Sequence[LossRule], units: Sequence[int]) -> int:
    """Count the operations of the traced losses and their gradient."""

    def total(labels: tf.Tensor, raw: tf.Tensor, scale: tf.Tensor) -> tf.Tensor:
        groups = group_losses(rules, units)
        return tf.gradients(tf.reduce_sum(row_losses(groups, labels, raw, scale)), raw)[0]

    specs = [
        tf.TensorSpec((MEMBERS, None, len(rules)), tf.float32),
        tf.TensorSpec((MEMBERS, None, sum(units)), tf.float32),
        tf.TensorSpec((len(rules),), tf.float32),
    ]
    concrete = tf.function(total, autograph=False).get_concrete_function(*specs)
    return len(concrete.graph.get_operations())


def test_six_hundred_tasks_trace_as_many_operations_as_a_handful() -> None:
    assert operations(*mixed_tasks(100)) == operations(*mixed_tasks(2))
    mse = resolve_rule("mse", "regression", "y", probabilities=False, units=1)
    assert operations([mse] * 600, [1] * 600) == operations([mse] * 3, [1] * 3)
