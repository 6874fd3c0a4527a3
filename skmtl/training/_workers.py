"""Workers that train one network together, and the sums they take at every step."""

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
    """A single worker, for which sums over workers are trivial.

    Attributes
    ----------
    count, rank : int
        The number of workers, and the position of this one.
    """

    count = 1
    rank = 0

    def each(self, step: Callable[..., Any]) -> Callable[..., Any]:
        """Return a training step that all workers take."""
        return step

    def summed(self, *parts: tf.Tensor) -> tuple[tf.Tensor, ...]:
        """Return sums of (members, ...) tensors over the workers; for use inside a step."""
        return parts

    def total(self, values: np.ndarray) -> np.ndarray:
        """Return the sum of an array over the workers; for use outside of steps."""
        return values

    def listening(self) -> AbstractContextManager[None]:
        """Return a context for code that waits for other workers; here it does nothing."""
        return nullcontext()


ALONE = Workers()


class Replicas(Workers):
    """The workers of a TensorFlow strategy, with one replica each.

    TensorFlow refuses an all-reduce in a loop inside ``strategy.run``, but accepts a loop around ``strategy.run``.
    """

    def __init__(self, strategy: tf.distribute.Strategy, rank: int, patience: float) -> None:
        self.strategy = strategy
        self.count = strategy.num_replicas_in_sync
        self.rank = rank
        self.patience = patience
        self._total = tf.function(lambda values: strategy.run(self._added, args=(values,)), reduce_retracing=True)

    def each(self, step: Callable[..., Any]) -> Callable[..., Any]:
        """Return a training step that all workers take."""
        return lambda *arguments: self.strategy.run(step, args=arguments)

    def summed(self, *parts: tf.Tensor) -> tuple[tf.Tensor, ...]:
        """Return sums over the workers, of all parts in one array, so that a step waits for the slowest only once."""
        widths = [part.shape[1] for part in parts]
        return tuple(tf.split(self._added(tf.concat(parts, axis=1)), widths, axis=1))

    def total(self, values: np.ndarray) -> np.ndarray:
        """Return the sum of an array over the workers; for use outside of steps."""
        with self.listening():
            return self._total(tf.constant(values)).numpy()

    @contextmanager
    def listening(self) -> Iterator[None]:
        """End the process if the block takes too long; its parent will start it again.

        TensorFlow's own timeout for an all-reduce would keep a thread alive for each of them.
        """
        watch = threading.Timer(self.patience, _give_up, (self.rank, self.patience))
        watch.daemon = True
        watch.start()
        try:
            yield
        finally:
            watch.cancel()

    def _added(self, values: tf.Tensor) -> tf.Tensor:
        # A copy, because tensors from outside the replica have no device in it.
        context = tf.distribute.get_replica_context()
        return context.all_reduce(tf.distribute.ReduceOp.SUM, tf.identity(values))


def _give_up(rank: int, patience: float) -> None:
    sys.stderr.write(f"Worker {rank} waited {patience:g} seconds for the others and ends now.\n")
    sys.stderr.flush()
    os._exit(1)
