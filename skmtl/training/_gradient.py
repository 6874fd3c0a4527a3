"""How a batch's losses become one update: weights for the tasks' losses, and one backward pass."""

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
    """Rows of a step: (members, batch, features or tasks); weights are divided by what is to be expected of them."""

    inputs: Any
    labels: Any
    weights: Any


class Step(NamedTuple):
    """What a batch's losses say: the update's gradient (members, n_parameters), and what is left behind."""

    gradient: Any
    losses: Any
    frozen: list[Any]
    penalty: Any
    carry: Carry
    record: dict[str, Any]
    signal: BalancingSignal | None = None


class Losses:
    """The tasks' losses on a batch, of which each of the workers may have a part."""

    def __init__(self, network: Network, groups: Sequence[LossGroup], n_tasks: int, workers: Workers = ALONE) -> None:
        self.network = network
        self.workers = workers
        self.groups = tuple(groups)
        self.n_tasks = n_tasks

    def of(self, labels: Any, weights: Any, raw: Any, numbers: Numbers) -> tf.Tensor:
        """Weighted sum over the batch per member and task, in units of the constant prediction's loss."""
        values = row_losses(self.groups, labels, raw, numbers.scale)
        # A missing label's loss may be anything; it must not reach the sum, nor its gradient.
        values = tf.where(weights > 0, values, 0.0)
        return tf.reduce_sum(values * weights, axis=1) * numbers.units


class EqualGradient:
    """Gradient of the weighted mean of the losses, with the caller's weights: one backward pass, nothing to carry."""

    def __init__(self, losses: Losses) -> None:
        self.losses = losses
        self.network = losses.network

    def start(self, seed: int, first: int, members: int | None = None) -> Carry:  # noqa: ARG002 - what others need
        """What is carried into the first step, for members of one fit; ``first`` is the number of the first one."""
        return Carry({}, ())

    def empty_record(self) -> dict[str, tf.Tensor]:
        """Sums over no step."""
        return {}

    def step(self, flat: tf.Tensor, frozen: Sequence[tf.Tensor], batch: Batch, numbers: Numbers, carry: Carry) -> Step:
        """Gradient at ``flat``."""
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
        """What is carried on, once the parameters have moved to ``flat``; ``frozen`` is what the step began with."""
        return step.carry

    def epoch_end(self, losses: tf.Tensor, numbers: Numbers, carry: Carry) -> Carry:  # noqa: ARG002
        """What is carried on after an epoch of these mean losses."""
        return carry


class BalancedGradient(EqualGradient):
    """What all methods that decide anew at every step share; this one decides on the losses alone.

    Their weights are constants to the gradient, so that one backward pass of the weighted sum does.
    """

    def __init__(self, losses: Losses, method: Balancing) -> None:
        super().__init__(losses)
        self.method = method
        self.members, self.n_tasks = losses.network.members, losses.n_tasks
        self.noise_shape = method.noise_shape(self.n_tasks)

    def start(self, seed: int, first: int, members: int | None = None) -> Carry:
        """The method's first state, and a key of random numbers for each member."""
        members = self.members if members is None else members
        states = {name: np.stack([value] * members) for name, value in self._initial_state().items()}
        keys: Any = ()
        if self.noise_shape is not None:
            words = [np.random.SeedSequence([seed, first + m]).generate_state(2) for m in range(members)]
            keys = np.stack(words).astype(np.int32)
        return Carry(states, keys)

    def _initial_state(self) -> dict[str, np.ndarray]:
        return {name: np.asarray(value) for name, value in self.method.initial_state(self.n_tasks).items()}

    def empty_record(self) -> dict[str, tf.Tensor]:
        """Sums of the tasks' weights, and of the steps that had labels of them."""
        zeros = tf.zeros((self.members, self.n_tasks), tf.float32)
        return {"weights": zeros, "steps": zeros}

    def step(self, flat: tf.Tensor, frozen: Sequence[tf.Tensor], batch: Batch, numbers: Numbers, carry: Carry) -> Step:
        """Gradient at ``flat``."""
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
        """What the method is told of the losses, and new random numbers where it wants them."""
        found, losses = self._of_all_workers(batch, losses)
        signal = BalancingSignal(
            losses=self._means(losses, found),
            present=found > 0,
            loss_weights=tf.cast(numbers.task_weights * self.n_tasks, tf.float32),
        )
        if self.noise_shape is None:
            return signal, carry
        signal = signal._replace(noise=_normal_noise(carry.noise, self.noise_shape))
        return signal, carry._replace(noise=carry.noise + tf.constant([0, 1]))

    def _of_all_workers(self, batch: Batch, losses: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The batch's weights and losses, (members, tasks), over all workers: on these a method decides."""
        found, losses = tf.stop_gradient(tf.reduce_sum(batch.weights, axis=1)), tf.stop_gradient(losses)
        return self.losses.workers.summed(found, losses)

    def _means(self, losses: tf.Tensor, found: tf.Tensor) -> tf.Tensor:
        """Mean losses over the labels found, from sums divided by the number that was to be expected."""
        return tf.cast(tf.stop_gradient(losses) / tf.where(found > 0, found, 1.0), tf.float32)

    def decide(self, signal: BalancingSignal, numbers: Numbers, carry: Carry) -> tuple[tf.Tensor, Carry]:
        """The tasks' weights (members, tasks)."""
        weights, state = self.method.task_weights(signal, carry.method, numbers.balancing)
        return weights, carry._replace(method=state)

    def scaled(self, weights: tf.Tensor, losses: tf.Tensor) -> tf.Tensor:
        """Weights that sum to 1 rather than to the number of tasks: those of a mean."""
        return tf.cast(weights, losses.dtype) / self.n_tasks

    def record(self, weights: tf.Tensor, signal: BalancingSignal) -> dict[str, tf.Tensor]:
        """What the step adds to the record."""
        return {"weights": weights, "steps": tf.cast(signal.present, tf.float32)}

    def after_step(
        self, flat: tf.Tensor, frozen: Sequence[tf.Tensor], batch: Batch, numbers: Numbers, step: Step
    ) -> Carry:
        """What is carried on; the batch is evaluated again (under the same dropout) for methods that want it."""
        if not self.method.needs_losses_after_step or step.signal is None:
            return step.carry
        raw, _, _ = self.network.forward(flat, frozen, batch.inputs, training=True)
        losses = self.losses.of(batch.labels, batch.weights, raw, numbers)
        found, losses = self._of_all_workers(batch, losses)
        after = self._means(losses, found)
        state = self.method.after_step(step.signal, after, step.carry.method, numbers.balancing)
        return step.carry._replace(method=state)

    def epoch_end(self, losses: tf.Tensor, numbers: Numbers, carry: Carry) -> Carry:
        """What is carried on after an epoch of these mean losses."""
        if not carry.method:
            return carry
        present = numbers.train_share > 0
        state = self.method.epoch_end(tf.cast(losses, tf.float32), present, carry.method, numbers.balancing)
        kept = {name: tf.where(numbers.closing, value, carry.method[name]) for name, value in state.items()}
        return carry._replace(method=kept)


def is_equal(method: Balancing | None) -> bool:
    """Whether the method leaves the caller's weights as they are: no method, "equal" or "static"."""
    return method is None or type(method) in (Equal, Static)


def _normal_noise(keys: tf.Tensor, shape: tuple[int, ...]) -> tf.Tensor:
    """Standard normal numbers (members, *shape), each member's from its own key."""
    uniform = uniform_noise(shape, keys)
    # The uniform numbers are multiples of 2^-24, 0 among them, which has no finite quantile.
    return tf.math.ndtri(tf.maximum(uniform, 2.0**-25))
