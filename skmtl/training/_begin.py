"""The inputs that a run of a program starts with: the members' state, and their numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from .._records import TrainingNumbers
from ._program import Program, to_device
from ._rows import RowPlan
from ._run import Run, holds_out, rate_of, rows_held_out, rows_trained_on
from ._structure import TrainingStructure
from ._tensors import Best, Carry, Data, Numbers, State

# Longest patience in epochs: the largest int32.
LONGEST = 2**31 - 1


def initial_state(program: Program, run: Run) -> State:
    members = program.network.members
    first = run.parts[0].data
    parameters = _joined([part.data.parameters for part in run.parts])
    # Only a fit on its own can continue from the state of an earlier one.
    state = program.update.initial_state(parameters) if first.optimizer_state is None else first.optimizer_state[0]
    frozen = [tf.constant(value) for value in first.frozen]
    if len(run.parts) > 1:
        frozen = [tf.constant(np.stack(values)) for values in zip(*(p.data.frozen for p in run.parts), strict=True)]
    dtype = program.network.dtype
    flat = to_device(parameters, dtype)
    infinite = to_device(np.full(members, np.inf), dtype)
    none = tf.zeros((members,), tf.int32)
    best = Best(flat, frozen, loss=infinite, reference=infinite, wait=none, epoch=none)
    return State(
        flat=flat,
        optimizer=[tf.constant(value) for value in state],
        frozen=frozen,
        balancing=_initial_carry(program, run),
        best=[best for _ in range(run.parts[0].numbers.n_criteria)],
        active=tf.ones((members,), tf.bool),
        epoch=none,
    )


def _initial_carry(program: Program, run: Run) -> Carry:
    """Return the initial state of the balancing method: that of an earlier fit, if training continues."""
    starts = []
    for part in run.parts:
        carry = program.gradient.start(part.numbers.seed, part.first, part.data.members)
        if part.data.balancing is not None:
            carry = carry._replace(method={name: part.data.balancing[name] for name in carry.method})
        starts.append(carry)
    return tf.nest.map_structure(lambda *values: tf.constant(_joined(values)), *starts)


def _joined(values: Sequence[np.ndarray]) -> np.ndarray:
    return values[0] if len(values) == 1 else np.concatenate(values)


def numbers_of(run: Run, steps: int, plan: RowPlan, tensors: Data, single: str) -> Numbers:
    """Return the numbers of all members, each with those of its fit."""
    first, structure = run.parts[0].numbers, run.structure
    each = [(part.numbers, part.data) for part in run.parts]
    trained, evaluated = (
        np.concatenate([_label_weights(part.data.weights, rows(part.data.plan)) for part in run.parts])
        for rows in (rows_trained_on, rows_held_out)
    )
    rows = np.array([len(rows) for rows in plan.train])
    held = np.array([len(rows) for rows in plan.evaluate])
    size = tensors.evaluation.shape[2]
    integer = np.int32
    n_tasks = evaluated.shape[1]
    criteria = np.ones((1, n_tasks)) if first.criteria is None else first.criteria

    def of_members(values: Sequence[Any], dtype: Any) -> tf.Tensor:
        counts = [data.members for _, data in each]
        return to_device(np.repeat(np.asarray(values), counts, axis=0), dtype)

    return Numbers(
        rate=of_members([rate_of(structure, numbers) for numbers, _ in each], single),
        horizon=of_members([numbers.epochs * steps if numbers.cosine else 0 for numbers, _ in each], single),
        begun=to_device(0, integer),
        decay=of_members([decay_of(structure, numbers) for numbers, _ in each], single),
        task_weights=of_members([numbers.task_weights for numbers, _ in each], single),
        units=of_members([data.units for _, data in each], single),
        scale=of_members([data.scale for _, data in each], single),
        train_share=to_device(trained / rows[:, None], single),
        train_rows=to_device(rows, integer),
        eval_weight=to_device(evaluated, single),
        eval_rows=to_device(held, integer),
        epochs=of_members([numbers.epochs for numbers, _ in each], integer),
        steps=to_device(steps, integer),
        eval_steps=to_device(-(-int(held.max()) // size), integer),
        tol=of_members([numbers.tol for numbers, _ in each], single),
        patience=of_members([min(numbers.patience, LONGEST) for numbers, _ in each], integer),
        stopping=of_members([numbers.early_stopping and holds_out(data) for numbers, data in each], np.bool_),
        criteria=to_device(criteria, single),
        by_others=to_device(first.stopped_by_others, np.bool_),
        closing=to_device(True, np.bool_),
        balancing={name: to_device(value, np.float32) for name, value in first.balancing},
    )


def _label_weights(weights: np.ndarray, rows: Sequence[np.ndarray]) -> np.ndarray:
    """Return the sums of the weights of each member's labels, (members, tasks)."""
    return np.stack([weights[chosen].sum(axis=0, dtype=np.float64) for chosen in rows])


def decay_of(structure: TrainingStructure, numbers: TrainingNumbers) -> float:
    return structure.optimizer.weight_decay if numbers.weight_decay is None else numbers.weight_decay
