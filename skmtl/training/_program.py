"""The compiled training of one structure: whole epochs, their evaluation and early stopping, in one function."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from .._arrays import is_aligned
from .._cache import ProgramCache
from .._counters import counters
from ..balancing import Balancing, Equal
from ..losses import LossGroup
from ..networks import Network
from ..networks._kernel_cache import count_build
from ._gradient import BalancedGradient, Batch, EqualGradient, Losses, is_equal
from ._optimizer import FlatUpdate, OptimizerRule
from ._representation_gradient import RepresentationGradient
from ._task_gradients import CombinedGradient
from ._tensors import Best, Data, Numbers, Report, State, StepRows
from ._workers import ALONE, Workers

# Smaller arrays are quicker to copy than to share.
_SHARED_BYTES = 1 << 16


class Program:
    """Compiled functions of one structure, without state: any number of fits may use them at once."""

    def __init__(
        self,
        network: Network,
        groups: Sequence[LossGroup],
        optimizer: OptimizerRule,
        n_tasks: int,
        jit: bool,
        evaluates: bool = True,
        balancing: Balancing | None = None,
        cosines: bool = False,
        uneven: bool = False,
        workers: Workers = ALONE,
    ) -> None:
        self.network = network
        self.uneven = uneven
        self.workers = workers
        self.losses = Losses(network, groups, n_tasks, workers)
        self.gradient = _gradient_of(self.losses, balancing, cosines)
        self.update = FlatUpdate(optimizer, network)
        self.n_tasks = n_tasks
        self.jit = jit
        self.evaluates = evaluates
        self.dtype = tf.as_dtype(network.dtype)
        self.probes: ProgramCache[Any] = ProgramCache(2)
        self._lock = threading.Lock()
        self._shapes: set[tuple[Any, ...]] = set()
        self._concrete: Any = None
        self._evaluation: Any = None
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
        """Leave open the sizes that differ between fits: numbers of rows, steps, epochs and the batch size."""
        state, data, numbers, index, n_epochs = signature
        return state, *Program._open_data(data, numbers), _open(index, 0, 1, 3), n_epochs

    @staticmethod
    def _open_data(data: Data, numbers: Numbers) -> tuple[Data, Numbers]:
        inputs, labels, weights, learning_weights = (_open(rows, 0) for rows in data[:-1])
        data = Data(inputs, labels, weights, learning_weights, _open(data.evaluation, 0, 2))
        if numbers.stream:
            numbers = numbers._replace(stream=numbers.stream._replace(counts=_open(numbers.stream.counts, 0)))
        return data, numbers

    def evaluate(self, state: State, data: Data, numbers: Numbers) -> tf.Tensor:
        """Return the losses on this worker's held-out rows, (members, tasks), without any sum over workers."""
        with self._lock:
            if self._evaluation is None:
                state_of, data_of, numbers_of = tf.nest.map_structure(_signature, (state, data, numbers))
                function = tf.function(self._evaluate, jit_compile=self.jit, autograph=False)
                self._evaluation = function.get_concrete_function(state_of, *self._open_data(data_of, numbers_of))
        return self._evaluation(state, data, numbers)

    def _epochs(
        self, state: State, data: Data, numbers: Numbers, index: tf.Tensor, n_epochs: tf.Tensor
    ) -> tuple[State, Report]:
        counters.add("traces")
        count_build()
        report = self._empty_report(tf.shape(index)[0])

        def more(done: tf.Tensor, state: State, report: Report) -> tf.Tensor:  # noqa: ARG001
            return tf.logical_and(done < n_epochs, tf.reduce_any(self._unfinished(state, numbers)))

        def epoch(done: tf.Tensor, state: State, report: Report) -> tuple[tf.Tensor, State, Report]:
            state, train, penalty, record = self._one_epoch(state, data, numbers, index[done])
            # Without rows to evaluate on, a second forward pass would be compiled in vain.
            evaluation = self._evaluate(state, data, numbers) if self.evaluates else tf.zeros_like(train)
            state = self.check_criteria(state, numbers, train, evaluation)
            now = Report(train, evaluation, penalty, record)
            report = tf.nest.map_structure(lambda all_, one: _put(all_, done, one), report, now)
            return done + 1, state, report

        _, state, report = tf.while_loop(more, epoch, (tf.constant(0), state, report), parallel_iterations=1)
        return state, report

    def _empty_report(self, epochs: tf.Tensor) -> Report:
        shape = (epochs, self.network.members, self.n_tasks)
        record = self.gradient.empty_record()
        return Report(
            train=tf.zeros(shape, self.dtype),
            evaluation=tf.zeros(shape, self.dtype),
            penalty=tf.zeros(shape[:2], self.dtype),
            balancing={name: tf.zeros((epochs, *sums.shape), sums.dtype) for name, sums in record.items()},
        )

    def _one_epoch(
        self, state: State, data: Data, numbers: Numbers, batches: tf.Tensor
    ) -> tuple[State, tf.Tensor, tf.Tensor, dict[str, tf.Tensor]]:
        """Take all steps of an epoch; return the losses per member and task, averaged over the epoch's rows."""
        members, size = self.network.members, tf.shape(batches)[2]
        sums = tf.zeros((members, self.n_tasks), self.dtype)

        def step(
            number: Any, flat: Any, optimizer: Any, frozen: Any, carry: Any, sums: Any, penalties: Any, record: Any
        ) -> tuple[Any, ...]:
            own = self._step_rows(numbers, number, size)
            batch = self._batch(data, numbers, batches[number], own.left, own.size)
            done = self.gradient.step(flat, frozen, batch, numbers, carry)
            gradient, losses = self.workers.summed(done.gradient, done.losses)
            rate = _rate(numbers, state.epoch * numbers.steps + numbers.begun + number)
            flat, optimizer = self.update.apply(flat, gradient, optimizer, rate, numbers.decay, own.present)
            after = done.frozen if own.present is None else self._frozen_of(own.present, done.frozen, frozen)
            carry = self.gradient.after_step(flat, frozen, batch, numbers, done)
            sums, penalties = sums + losses * own.share[:, None], penalties + done.penalty * own.share
            record = tf.nest.map_structure(tf.add, record, done.record)
            return number + 1, flat, optimizer, after, carry, sums, penalties, record

        begin = (state.flat, list(state.optimizer), list(state.frozen), state.balancing)
        loop = (tf.constant(0), *begin, sums, tf.zeros((members,), self.dtype), self.gradient.empty_record())
        _, flat, optimizer, frozen, carry, sums, penalties, record = tf.while_loop(
            lambda number, *_: number < numbers.steps, self.workers.each(step), loop, parallel_iterations=1
        )
        carry = self.gradient.epoch_end(sums, numbers, carry)
        state = state._replace(flat=flat, optimizer=optimizer, frozen=frozen, balancing=carry)
        return state, sums, penalties, record

    def _step_rows(self, numbers: Numbers, number: tf.Tensor, size: tf.Tensor) -> StepRows:
        """Count the rows of a step; a member that has none left in this epoch waits for the others."""
        left = numbers.train_rows - number * size
        if numbers.stream:
            in_step, in_epoch = numbers.stream.counts[number], numbers.stream.rows
        else:
            in_step, in_epoch = tf.clip_by_value(left, 0, size), numbers.train_rows
        count = tf.cast(tf.maximum(in_step, 1), self.dtype)
        share = tf.where(in_step > 0, count / tf.cast(tf.maximum(in_epoch, 1), self.dtype), 0.0)
        return StepRows(left, count, share, in_step > 0 if self.uneven else None)

    def _batch(self, data: Data, numbers: Numbers, rows: tf.Tensor, left: tf.Tensor, count: tf.Tensor) -> Batch:
        """Gather the rows of a step; if there are too few ``left``, the rows that fill the batch have weight 0."""
        real = tf.cast(tf.range(tf.shape(rows)[1]) < left[:, None], self.dtype)
        inputs, labels = tf.gather(data.inputs, rows), tf.gather(data.labels, rows)
        # Weights are divided by the expected number of labels, not the actual one: otherwise a single label in a batch
        # would weigh as much as a full batch (for which both give the mean).
        expected = tf.maximum(count[:, None] * numbers.train_share, 1e-30)
        weights = tf.gather(data.learning_weights, rows) * (real[:, :, None] / expected[:, None, :])
        return Batch(inputs, labels, weights)

    def _evaluate(self, state: State, data: Data, numbers: Numbers) -> tf.Tensor:
        """Return the losses on held-out rows, (members, tasks); 0 for tasks without a label there."""
        size = tf.shape(data.evaluation)[2]

        def step(number: tf.Tensor, sums: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            rows = data.evaluation[number]
            position = number * size + tf.range(size)
            real = tf.cast(position < numbers.eval_rows[:, None], self.dtype)
            raw, _, _ = self.network.forward(state.flat, state.frozen, tf.gather(data.inputs, rows), training=False)
            weights = tf.gather(data.weights, rows) * real[:, :, None]
            return number + 1, sums + self.losses.of(tf.gather(data.labels, rows), weights, raw, numbers)

        zero = tf.zeros((self.network.members, self.n_tasks), self.dtype)
        _, sums = tf.while_loop(
            lambda number, _: number < numbers.eval_steps, step, (tf.constant(0), zero), parallel_iterations=1
        )
        return sums / tf.maximum(numbers.eval_weight, 1e-30)

    def check_criteria(self, state: State, numbers: Numbers, train: tf.Tensor, evaluation: tf.Tensor) -> State:
        """Keep each member's best epoch per criterion, and mark members that stopped improving (or diverged).

        With several fits, the last epoch of a fit without held-out rows counts as its best one, since its weights
        change while training of the other fits continues.
        """
        evaluated = numbers.eval_rows > 0
        unfinished = self._unfinished(state, numbers)
        several = self.network.fits > 1
        best, still_patient = [], []
        for number, before in enumerate(state.best):
            loss = _criterion_loss(numbers, evaluation, numbers.criteria[number])
            loss = tf.where(numbers.by_others, _of_others(loss, evaluated), loss)
            # A criterion that has run out of patience keeps its epoch while training continues for another criterion.
            counts = tf.logical_and(tf.logical_and(state.active, evaluated), _is_patient(before.wait, numbers))
            counts = tf.logical_and(counts, unfinished) if several else counts
            better = tf.logical_and(counts, loss < before.loss)
            clearly = tf.logical_and(counts, loss < before.reference - numbers.tol)
            kept = tf.where(numbers.stopping, better, unfinished) if several else better
            now = Best(
                flat=tf.where(kept[:, None], state.flat, before.flat),
                frozen=self._frozen_of(kept, state.frozen, before.frozen),
                loss=tf.where(better, loss, before.loss),
                reference=tf.where(clearly, loss, before.reference),
                wait=tf.where(clearly, 0, before.wait + 1),
                epoch=tf.where(better, state.epoch + 1, before.epoch),
            )
            best.append(now)
            still_patient.append(_is_patient(now.wait, numbers))
        finite = tf.reduce_all(tf.math.is_finite(train), axis=1)
        going = tf.logical_and(tf.logical_and(state.active, finite), tf.reduce_any(tf.stack(still_patient), axis=0))
        epoch = state.epoch + 1
        if several:
            going, epoch = tf.where(unfinished, going, state.active), tf.where(unfinished, epoch, state.epoch)
        return state._replace(best=best, active=going, epoch=epoch)

    def _unfinished(self, state: State, numbers: Numbers) -> tf.Tensor:
        """Which members belong to an unfinished fit, in which at least one member still learns; (members,) of bool."""
        if self.network.fits == 1:
            return state.active
        learning = tf.logical_and(state.active, state.epoch < numbers.epochs)
        fits = tf.reduce_any(tf.reshape(learning, (self.network.fits, -1)), axis=1)
        return tf.repeat(fits, self.network.members // self.network.fits)

    def _frozen_of(self, chosen: tf.Tensor, new: Sequence[tf.Tensor], old: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        """Take new frozen values for the chosen members; in a stacked network the members of a fit share them."""
        if not new:
            return []
        pairs = list(zip(new, old, strict=True))
        if self.network.separate:
            per_member = len(new) // self.network.members
            return [tf.where(chosen[i // per_member], new, old) for i, (new, old) in enumerate(pairs)]
        if self.network.fits == 1:
            return [tf.where(tf.reduce_any(chosen), new, old) for new, old in pairs]
        fits = tf.reduce_any(tf.reshape(chosen, (self.network.fits, -1)), axis=1)
        return [tf.where(_along(fits, new), new, old) for new, old in pairs]


def _gradient_of(losses: Losses, method: Balancing | None, cosines: bool) -> EqualGradient:
    """Return the quickest gradient that serves the method, and the recording of cosines."""
    if is_equal(method) and not cosines:
        return EqualGradient(losses)
    method = Equal() if method is None else method
    if method.gradients_of == "representation":
        return RepresentationGradient(losses, method)
    if cosines or method.requires != "losses" or not method.weighs_heads:
        return CombinedGradient(losses, method)
    return BalancedGradient(losses, method)


def _rate(numbers: Numbers, steps: tf.Tensor) -> tf.Tensor:
    """Return the rates (members,) after ``steps``: constant, or along half a cosine (Loshchilov and Hutter, 2017)."""
    done = tf.minimum(tf.cast(steps, numbers.rate.dtype) / tf.maximum(numbers.horizon, 1.0), 1.0)
    return tf.where(numbers.horizon > 0, numbers.rate * 0.5 * (1.0 + tf.cos(np.pi * done)), numbers.rate)


def _along(chosen: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    """Reshape a mask of the first axis so that it broadcasts to the values."""
    return tf.reshape(chosen, (-1, *[1] * (values.shape.rank - 1)))


def _put(into: tf.Tensor, position: tf.Tensor, value: tf.Tensor) -> tf.Tensor:
    return tf.tensor_scatter_nd_update(into, [[position]], value[None])


def _signature(tensor: Any) -> tf.TensorSpec:
    return tf.TensorSpec(tensor.shape, tensor.dtype)


def _open(spec: tf.TensorSpec, *axes: int) -> tf.TensorSpec:
    shape = [None if axis in axes else size for axis, size in enumerate(spec.shape)]
    return tf.TensorSpec(shape, spec.dtype)


def to_device(value: Any, dtype: Any) -> tf.Tensor:
    """Return a tensor of a numpy array or number; a large array with suitable alignment is shared, not copied."""
    array = np.asarray(value, dtype=dtype)
    if array.nbytes > _SHARED_BYTES and is_aligned(array):
        return tf.experimental.dlpack.from_dlpack(array.__dlpack__())
    counters.add("device_copies")
    return tf.constant(array)


def _criterion_loss(numbers: Numbers, evaluation: tf.Tensor, counting: tf.Tensor) -> tf.Tensor:
    """Return the mean loss of a criterion's tasks, (members,), or of all tasks if a member holds out none of these."""
    weights = tf.where(numbers.eval_weight > 0, numbers.task_weights, 0.0)
    chosen = weights * counting
    weights = tf.where(tf.reduce_any(chosen > 0, axis=1, keepdims=True), chosen, weights)
    return tf.reduce_sum(evaluation * weights, axis=1) / tf.maximum(tf.reduce_sum(weights, axis=1), 1e-30)


def _is_patient(wait: tf.Tensor, numbers: Numbers) -> tf.Tensor:
    """Whether a criterion still waits for members to improve."""
    return tf.logical_or(wait < numbers.patience, tf.logical_not(numbers.stopping))


def _of_others(loss: tf.Tensor, evaluated: tf.Tensor) -> tf.Tensor:
    """Return for each member the mean loss of the others with held-out rows, or its own if there are none."""
    evaluated = tf.logical_and(evaluated, tf.math.is_finite(loss))
    known = tf.where(evaluated, loss, 0.0)
    others = tf.cast(evaluated, loss.dtype)
    count = tf.reduce_sum(others) - others
    return tf.where(count > 0, (tf.reduce_sum(known) - known) / tf.maximum(count, 1.0), loss)
