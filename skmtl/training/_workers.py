"""Workers that train one network together: what they add up at every step."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import numpy as np
import tensorflow as tf


class Workers:
    """A lone worker, which adds nothing up.

    Attributes
    ----------
    count, rank : int
        How many there are, and which of them this one is.
    """

    count = 1
    rank = 0

    def each(self, step: Callable[..., Any]) -> Callable[..., Any]:
        """A step of training as all workers take it."""
        return step

    def summed(self, *parts: tf.Tensor) -> tuple[tf.Tensor, ...]:
        """Sums over the workers of (members, ...) tensors; inside a step."""
        return parts

    def total(self, values: np.ndarray) -> np.ndarray:
        """Sum over the workers of an array; outside of all steps."""
        return values

    def listening(self) -> AbstractContextManager[None]:
        """Around what waits for other workers, of which there are none."""
        return nullcontext()


ALONE = Workers()


class Replicas(Workers):
    """The workers of one of TensorFlow's strategies, with one replica each.

    TensorFlow refuses an all-reduce in a loop inside ``strategy.run``; a loop whose body is ``strategy.run`` it takes.
    """

    def __init__(self, strategy: tf.distribute.Strategy, rank: int, patience: float) -> None:
        self.strategy = strategy
        self.count = strategy.num_replicas_in_sync
        self.rank = rank
        self.patience = patience
        self._total = tf.function(lambda values: strategy.run(self._added, args=(values,)), reduce_retracing=True)

    def each(self, step: Callable[..., Any]) -> Callable[..., Any]:
        """A step of training as all workers take it."""
        return lambda *arguments: self.strategy.run(step, args=arguments)

    def summed(self, *parts: tf.Tensor) -> tuple[tf.Tensor, ...]:
        """Sums over the workers, of all parts in one array: a step waits for the slowest once."""
        widths = [part.shape[1] for part in parts]
        return tuple(tf.split(self._added(tf.concat(parts, axis=1)), widths, axis=1))

    def total(self, values: np.ndarray) -> np.ndarray:
        """Sum over the workers of an array; outside of all steps."""
        with self.listening():
            return self._total(tf.constant(values)).numpy()

    @contextmanager
    def listening(self) -> Iterator[None]:
        """End the process where the block takes too long: whoever started it starts it again.

        TensorFlow's own limit for an all-reduce keeps a thread for each of them until it is over.
        """
        watch = threading.Timer(self.patience, _give_up, (self.rank, self.patience))
        watch.daemon = True
        watch.start()
        try:
            yield
        finally:
            watch.cancel()

    def _added(self, values: tf.Tensor) -> tf.Tensor:
        # A copy, because what was made outside of the replica has no device there.
        context = tf.distribute.get_replica_context()
        return context.all_reduce(tf.distribute.ReduceOp.SUM, tf.identity(values))


def _give_up(rank: int, patience: float) -> None:
    sys.stderr.write(f"Worker {rank} has waited for the others for {patience:g} seconds, and ends.\n")
    sys.stderr.flush()
    os._exit(1)
