"""From the losses of a batch to one gradient: weights for the tasks' losses, and one backward pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from ..balancing import Balancing, BalancingSignal, Equal, Static
from ..losses import LossGroup
from ..losses._groups import row_losses
from ..networks import Network
from ..networks._noise import uniform_noise
from ._tensors import Carry, Numbers
from ._workers import ALONE, Workers


class Batch(NamedTuple):
    """Rows of a step, (members, batch, features or tasks); label weights are divided by their expected sum."""

    inputs: Any
    labels: Any
    weights: Any


class Step(NamedTuple):
    """Result of a step: the gradient of the update (members, n_parameters), losses, new states and records."""

    gradient: Any
    losses: Any
    frozen: list[Any]
    penalty: Any
    carry: Carry
    record: dict[str, Any]
    signal: BalancingSignal | None = None


class Losses:
    """The tasks' losses on a batch, which may be split between workers."""

    def __init__(self, network: Network, groups: Sequence[LossGroup], n_tasks: int, workers: Workers = ALONE) -> None:
        self.network = network
        self.workers = workers
        self.groups = tuple(groups)
        self.n_tasks = n_tasks

    def of(self, labels: Any, weights: Any, raw: Any, numbers: Numbers) -> tf.Tensor:
        """Return weighted sums over the batch per member and task, in units of the constant prediction's loss."""
        values = row_losses(self.groups, labels, raw, numbers.scale)
        # The loss of a missing label may be anything: it must reach neither the sum nor the gradient.
        values = tf.where(weights > 0, values, 0.0)
        return tf.reduce_sum(values * weights, axis=1) * numbers.units


class EqualGradient:
    """Gradient of the mean of the losses with the caller's weights: one backward pass, and no state."""

    def __init__(self, losses: Losses) -> None:
        self.losses = losses
        self.network = losses.network

    def start(self, seed: int, first: int, members: int | None = None) -> Carry:  # noqa: ARG002 - for subclasses
        """Return the initial state of the members of one fit; ``first`` is the number of the first member."""
        return Carry({}, ())

    def empty_record(self) -> dict[str, tf.Tensor]:
        """Return a record of no steps."""
        return {}

    def step(self, flat: tf.Tensor, frozen: Sequence[tf.Tensor], batch: Batch, numbers: Numbers, carry: Carry) -> Step:
        """Compute the gradient at ``flat``."""
        with tf.GradientTape() as tape:
            tape.watch(flat)
            raw, after, penalty = self.network.forward(flat, frozen, batch.inputs, training=True)
            losses = self.losses.of(batch.labels, batch.weights, raw, numbers)
            objective = tf.reduce_sum(losses * numbers.task_weights) + tf.reduce_sum(penalty)
        return Step(tape.gradient(objective, flat), losses, after, penalty, carry, {})

    def after_step(
        self,
        flat: tf.Tensor,  # noqa: ARG002
        frozen: Sequence[tf.Tensor],  # noqa: ARG002
        batch: Batch,  # noqa: ARG002
        numbers: Numbers,  # noqa: ARG002
        step: Step,
    ) -> Carry:
        """Return the state after the parameters have moved to ``flat``; ``frozen`` are the values before the step."""
        return step.carry

    def epoch_end(self, losses: tf.Tensor, numbers: Numbers, carry: Carry) -> Carry:  # noqa: ARG002
        """Return the state after an epoch with these mean losses."""
        return carry


class BalancedGradient(EqualGradient):
    """Base of all methods that choose weights at every step; this one chooses them from the losses alone.

    The weights are constants to the gradient, so one backward pass of the weighted sum is enough.
    """

    def __init__(self, losses: Losses, method: Balancing) -> None:
        super().__init__(losses)
        self.method = method
        self.members, self.n_tasks = losses.network.members, losses.n_tasks
        self.noise_shape = method.noise_shape(self.n_tasks)

    def start(self, seed: int, first: int, members: int | None = None) -> Carry:
        """Return the method's initial state, and a key of random numbers for each member."""
        members = self.members if members is None else members
        states = {name: np.stack([value] * members) for name, value in self._initial_state().items()}
        keys: Any = ()
        if self.noise_shape is not None:
            seeds = [np.random.SeedSequence([seed, first + m]).generate_state(2) for m in range(members)]
            keys = np.stack(seeds).astype(np.int32)
        return Carry(states, keys)

    def _initial_state(self) -> dict[str, np.ndarray]:
        return {name: np.asarray(value) for name, value in self.method.initial_state(self.n_tasks).items()}

    def empty_record(self) -> dict[str, tf.Tensor]:
        """Return a record of no steps: sums of the tasks' weights, and counts of steps with their labels."""
        zeros = tf.zeros((self.members, self.n_tasks), tf.float32)
        return {"weights": zeros, "steps": zeros}

    def step(self, flat: tf.Tensor, frozen: Sequence[tf.Tensor], batch: Batch, numbers: Numbers, carry: Carry) -> Step:
        """Compute the gradient at ``flat``."""
        with tf.GradientTape() as tape:
            tape.watch(flat)
            raw, after, penalty = self.network.forward(flat, frozen, batch.inputs, training=True)
            losses = self.losses.of(batch.labels, batch.weights, raw, numbers)
            signal, carry = self.signal(losses, batch, numbers, carry)
            weights, carry = self.decide(signal, numbers, carry)
            objective = tf.reduce_sum(losses * self.scaled(weights, losses)) + tf.reduce_sum(penalty)
        record = self.record(weights, signal)
        return Step(tape.gradient(objective, flat), losses, after, penalty, carry, record, signal)

    def signal(self, losses: tf.Tensor, batch: Batch, numbers: Numbers, carry: Carry) -> tuple[BalancingSignal, Carry]:
        """Return what the method gets to see of the losses, with new random numbers if it needs them."""
        label_weights, losses = self._of_all_workers(batch, losses)
        signal = BalancingSignal(
            losses=self._means(losses, label_weights),
            present=label_weights > 0,
            loss_weights=tf.cast(numbers.task_weights * self.n_tasks, tf.float32),
        )
        if self.noise_shape is None:
            return signal, carry
        signal = signal._replace(noise=_normal_noise(carry.noise, self.noise_shape))
        return signal, carry._replace(noise=carry.noise + tf.constant([0, 1]))

    def _of_all_workers(self, batch: Batch, losses: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the batch's label weights and losses, (members, tasks), summed over all workers."""
        label_weights, losses = tf.stop_gradient(tf.reduce_sum(batch.weights, axis=1)), tf.stop_gradient(losses)
        return self.losses.workers.summed(label_weights, losses)

    def _means(self, losses: tf.Tensor, label_weights: tf.Tensor) -> tf.Tensor:
        """Return mean losses over the labels in the batch, from sums that are relative to the expected number."""
        return tf.cast(tf.stop_gradient(losses) / tf.where(label_weights > 0, label_weights, 1.0), tf.float32)

    def decide(self, signal: BalancingSignal, numbers: Numbers, carry: Carry) -> tuple[tf.Tensor, Carry]:
        """Return the tasks' weights (members, tasks)."""
        weights, state = self.method.task_weights(signal, carry.method, numbers.balancing)
        return weights, carry._replace(method=state)

    def scaled(self, weights: tf.Tensor, losses: tf.Tensor) -> tf.Tensor:
        """Return weights of a mean, which sum to 1 rather than to the number of tasks."""
        return tf.cast(weights, losses.dtype) / self.n_tasks

    def record(self, weights: tf.Tensor, signal: BalancingSignal) -> dict[str, tf.Tensor]:
        """Return what the step adds to the record."""
        return {"weights": weights, "steps": tf.cast(signal.present, tf.float32)}

    def after_step(
        self, flat: tf.Tensor, frozen: Sequence[tf.Tensor], batch: Batch, numbers: Numbers, step: Step
    ) -> Carry:
        """Return the state after the step; for methods that ask for it, the batch is evaluated again (same dropout)."""
        if not self.method.needs_losses_after_step or step.signal is None:
            return step.carry
        raw, _, _ = self.network.forward(flat, frozen, batch.inputs, training=True)
        losses = self.losses.of(batch.labels, batch.weights, raw, numbers)
        label_weights, losses = self._of_all_workers(batch, losses)
        after = self._means(losses, label_weights)
        state = self.method.after_step(step.signal, after, step.carry.method, numbers.balancing)
        return step.carry._replace(method=state)

    def epoch_end(self, losses: tf.Tensor, numbers: Numbers, carry: Carry) -> Carry:
        """Return the state after an epoch with these mean losses."""
        if not carry.method:
            return carry
        present = numbers.train_share > 0
        state = self.method.epoch_end(tf.cast(losses, tf.float32), present, carry.method, numbers.balancing)
        kept = {name: tf.where(numbers.closing, value, carry.method[name]) for name, value in state.items()}
        return carry._replace(method=kept)


def is_equal(method: Balancing | None) -> bool:
    """Whether the method leaves the caller's weights unchanged: no method, "equal" or "static"."""
    return method is None or type(method) in (Equal, Static)


def _normal_noise(keys: tf.Tensor, shape: tuple[int, ...]) -> tf.Tensor:
    """Return standard normal numbers (members, *shape), drawn with each member's own key."""
    uniform = uniform_noise(shape, keys)
    # The uniform numbers are multiples of 2^-24 and include 0, which has no finite quantile.
    return tf.math.ndtri(tf.maximum(uniform, 2.0**-25))
