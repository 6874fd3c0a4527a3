"""The compiled training of one structure: whole epochs, their evaluation and early stopping, in one function."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from .._arrays import is_aligned
from .._counters import counters
from ..losses import LossGroup
from ..losses._groups import row_losses
from ..networks import Network
from ._optimizer import FlatUpdate, OptimizerRule


# Below this, copying an array is quicker than handing it over.
_SHARED_BYTES = 1 << 16


class State(NamedTuple):
    """What training carries from one epoch to the next; leading axis: members."""

    flat: Any
    optimizer: list[Any]
    frozen: list[Any]
    best_flat: Any
    best_frozen: list[Any]
    best_loss: Any
    reference: Any
    wait: Any
    active: Any
    best_epoch: Any
    epoch: Any


class Data(NamedTuple):
    """What lies on the device for the whole fit."""

    inputs: Any
    labels: Any
    weights: Any
    evaluation: Any


class Numbers(NamedTuple):
    """Numbers of the fit, as tensors."""

    rate: Any
    decay: Any
    task_weights: Any
    units: Any
    scale: Any
    train_share: Any
    train_rows: Any
    eval_weight: Any
    eval_rows: Any
    steps: Any
    eval_steps: Any
    tol: Any
    patience: Any
    stopping: Any


class Report(NamedTuple):
    """What an epoch leaves in the record: (epochs, members, tasks), (epochs, members, tasks), (epochs, members)."""

    train: Any
    evaluation: Any
    penalty: Any


class Program:
    """Compiled functions of one structure, free of state: any number of fits may run it at once."""

    def __init__(
        self,
        network: Network,
        groups: Sequence[LossGroup],
        optimizer: OptimizerRule,
        n_tasks: int,
        jit: bool,
        evaluates: bool = True,
    ) -> None:
        self.network = network
        self.groups = tuple(groups)
        self.update = FlatUpdate(optimizer, network)
        self.n_tasks = n_tasks
        self.jit = jit
        self.evaluates = evaluates
        self.dtype = tf.as_dtype(network.dtype)
        self._lock = threading.Lock()
        self._shapes: set[tuple[Any, ...]] = set()
        self._concrete: Any = None
        self._function = tf.function(self._epochs, jit_compile=jit, autograph=False, reduce_retracing=False)

    def run(self, state: State, data: Data, numbers: Numbers, index: Any, n_epochs: Any) -> tuple[State, Report]:
        """Train ``n_epochs`` epochs over the batches of ``index`` (epochs, steps, members, batch)."""
        arguments = (state, data, numbers, index, n_epochs)
        with self._lock:
            if self._concrete is None:
                signature = tf.nest.map_structure(_signature, arguments)
                self._concrete = self._function.get_concrete_function(*self._open_rows(signature))
            shapes = tuple(tuple(tensor.shape) for tensor in tf.nest.flatten(arguments))
            if self.jit and shapes not in self._shapes:
                self._shapes.add(shapes)
                counters.add("compilations")
        counters.add("program_calls")
        return self._concrete(*arguments)

    @staticmethod
    def _open_rows(signature: Any) -> Any:
        """Leave open what differs between fits: numbers of rows, steps, epochs and the batch size."""
        state, data, numbers, index, n_epochs = signature
        data = Data(_open(data.inputs, 0), _open(data.labels, 0), _open(data.weights, 0), _open(data.evaluation, 0, 2))
        return state, data, numbers, _open(index, 0, 1, 3), n_epochs

    def _epochs(
        self, state: State, data: Data, numbers: Numbers, index: tf.Tensor, n_epochs: tf.Tensor
    ) -> tuple[State, Report]:
        counters.add("traces")
        shape = (tf.shape(index)[0], self.network.members, self.n_tasks)
        report = Report(*(tf.zeros(size, self.dtype) for size in (shape, shape, shape[:2])))

        def more(done: tf.Tensor, state: State, report: Report) -> tf.Tensor:  # noqa: ARG001
            return tf.logical_and(done < n_epochs, tf.reduce_any(state.active))

        def epoch(done: tf.Tensor, state: State, report: Report) -> tuple[tf.Tensor, State, Report]:
            state, train, penalty = self._one_epoch(state, data, numbers, index[done])
            # Without rows to evaluate on, a second forward pass would only be traced and compiled.
            evaluation = self._evaluate(state, data, numbers) if self.evaluates else tf.zeros_like(train)
            state = self._judge(state, numbers, train, evaluation)
            report = Report(
                tf.tensor_scatter_nd_update(report.train, [[done]], train[None]),
                tf.tensor_scatter_nd_update(report.evaluation, [[done]], evaluation[None]),
                tf.tensor_scatter_nd_update(report.penalty, [[done]], penalty[None]),
            )
            return done + 1, state, report

        _, state, report = tf.while_loop(more, epoch, (tf.constant(0), state, report), parallel_iterations=1)
        return state, report

    def _one_epoch(
        self, state: State, data: Data, numbers: Numbers, batches: tf.Tensor
    ) -> tuple[State, tf.Tensor, tf.Tensor]:
        """All steps of an epoch; returns the losses per member and task, averaged over the epoch's rows."""
        members, size = self.network.members, tf.shape(batches)[2]
        sums = tf.zeros((members, self.n_tasks), self.dtype)

        def step(number: Any, flat: Any, optimizer: Any, frozen: Any, sums: Any, penalties: Any) -> tuple[Any, ...]:
            rows = batches[number]
            left = numbers.train_rows - number * size
            real = tf.cast(tf.range(size) < left[:, None], self.dtype)
            count = tf.cast(tf.clip_by_value(left, 1, size), self.dtype)
            gradient, losses, frozen, penalty = self._gradient(flat, frozen, data, numbers, rows, real, count)
            flat, optimizer = self.update.apply(flat, gradient, optimizer, numbers.rate, numbers.decay)
            share = tf.where(left > 0, count / tf.cast(tf.maximum(numbers.train_rows, 1), self.dtype), 0.0)
            return number + 1, flat, optimizer, frozen, sums + losses * share[:, None], penalties + penalty * share

        penalties = tf.zeros((members,), self.dtype)
        loop = (tf.constant(0), state.flat, list(state.optimizer), list(state.frozen), sums, penalties)
        _, flat, optimizer, frozen, sums, penalties = tf.while_loop(
            lambda number, *_: number < numbers.steps, step, loop, parallel_iterations=1
        )
        return state._replace(flat=flat, optimizer=optimizer, frozen=frozen), sums, penalties

    def _gradient(
        self,
        flat: tf.Tensor,
        frozen: Sequence[tf.Tensor],
        data: Data,
        numbers: Numbers,
        rows: tf.Tensor,
        real: tf.Tensor,
        count: tf.Tensor,
    ) -> tuple[tf.Tensor, tf.Tensor, list[tf.Tensor], tf.Tensor]:
        """Gradient of the weighted mean of the tasks' losses, and the losses (members, tasks)."""
        inputs, labels = tf.gather(data.inputs, rows), tf.gather(data.labels, rows)
        # Divided by the number of labels to expect, not by that found: a lone label in a batch would
        # else weigh as much as a batch full of them (and a full batch gives the plain mean).
        expected = tf.maximum(count[:, None] * numbers.train_share, 1e-30)
        weights = tf.gather(data.weights, rows) * (real[:, :, None] / expected[:, None, :])
        with tf.GradientTape() as tape:
            tape.watch(flat)
            raw, after, penalty = self.network.forward(flat, frozen, inputs, training=True)
            losses = self._task_losses(labels, weights, raw, numbers)
            objective = tf.reduce_sum(losses * numbers.task_weights) + tf.reduce_sum(penalty)
        return tape.gradient(objective, flat), losses, after, penalty

    def _task_losses(self, labels: Any, weights: Any, raw: Any, numbers: Numbers) -> tf.Tensor:
        """Weighted sum over the batch per member and task, in units of the constant prediction's loss."""
        values = row_losses(self.groups, labels, raw, numbers.scale)
        # A missing label's loss may be anything; it must not reach the sum, nor its gradient.
        values = tf.where(weights > 0, values, 0.0)
        return tf.reduce_sum(values * weights, axis=1) * numbers.units

    def _evaluate(self, state: State, data: Data, numbers: Numbers) -> tf.Tensor:
        """Losses on the held-out rows, (members, tasks); 0 for a task without a label there."""
        size = tf.shape(data.evaluation)[2]

        def step(number: tf.Tensor, sums: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            rows = data.evaluation[number]
            position = number * size + tf.range(size)
            real = tf.cast(position < numbers.eval_rows[:, None], self.dtype)
            raw, _, _ = self.network.forward(state.flat, state.frozen, tf.gather(data.inputs, rows), training=False)
            weights = tf.gather(data.weights, rows) * real[:, :, None]
            return number + 1, sums + self._task_losses(tf.gather(data.labels, rows), weights, raw, numbers)

        zero = tf.zeros((self.network.members, self.n_tasks), self.dtype)
        _, sums = tf.while_loop(
            lambda number, _: number < numbers.eval_steps, step, (tf.constant(0), zero), parallel_iterations=1
        )
        return sums / tf.maximum(numbers.eval_weight, 1e-30)

    def _judge(self, state: State, numbers: Numbers, train: tf.Tensor, evaluation: tf.Tensor) -> State:
        """Keep each member's best epoch, and note which members have stopped improving (or diverged)."""
        task_weights = tf.where(numbers.eval_weight > 0, numbers.task_weights, 0.0)
        loss = tf.reduce_sum(evaluation * task_weights, axis=1)
        loss = loss / tf.maximum(tf.reduce_sum(task_weights, axis=1), 1e-30)
        judged = tf.logical_and(state.active, numbers.eval_rows > 0)
        better = tf.logical_and(judged, loss < state.best_loss)
        clearly = tf.logical_and(judged, loss < state.reference - numbers.tol)
        wait = tf.where(clearly, 0, state.wait + 1)
        finite = tf.reduce_all(tf.math.is_finite(train), axis=1)
        patient = tf.logical_or(wait < numbers.patience, tf.logical_not(numbers.stopping))
        return state._replace(
            best_flat=tf.where(better[:, None], state.flat, state.best_flat),
            best_frozen=self._best_frozen(state, better),
            best_loss=tf.where(better, loss, state.best_loss),
            reference=tf.where(clearly, loss, state.reference),
            wait=wait,
            active=tf.logical_and(tf.logical_and(state.active, finite), patient),
            best_epoch=tf.where(better, state.epoch + 1, state.best_epoch),
            epoch=state.epoch + 1,
        )

    def _best_frozen(self, state: State, better: tf.Tensor) -> list[tf.Tensor]:
        """Frozen values of each member's best epoch; those of a stacked network belong to no single member."""
        if not state.frozen:
            return []
        per_member = len(state.frozen) // self.network.members if self.network.separate else 0
        pick = lambda i: better[i // per_member] if per_member else tf.reduce_any(better)  # noqa: E731
        pairs = zip(state.frozen, state.best_frozen, strict=True)
        return [tf.where(pick(i), new, old) for i, (new, old) in enumerate(pairs)]


def _signature(tensor: Any) -> tf.TensorSpec:
    return tf.TensorSpec(tensor.shape, tensor.dtype)


def _open(spec: tf.TensorSpec, *axes: int) -> tf.TensorSpec:
    shape = [None if axis in axes else size for axis, size in enumerate(spec.shape)]
    return tf.TensorSpec(shape, spec.dtype)


def to_device(value: Any, dtype: Any) -> tf.Tensor:
    """Tensor of a numpy array or number; a large array that is laid out for it is shared, not copied."""
    array = np.asarray(value, dtype=dtype)
    if array.nbytes > _SHARED_BYTES and is_aligned(array):
        return tf.experimental.dlpack.from_dlpack(array.__dlpack__())
    counters.add("device_copies")
    return tf.constant(array)
