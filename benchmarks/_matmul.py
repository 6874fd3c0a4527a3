"""Arithmetic rate of plain matrix products on this machine, the limit for any network of those shapes."""

from __future__ import annotations

import time

import numpy as np
import tensorflow as tf


def plain_rate(shapes: list[tuple[int, int, int]], seconds: float = 1.0) -> float:
    """Return FLOP/s of the products (m, k) x (k, n) of a forward and a backward pass in TensorFlow."""
    rng = np.random.default_rng(0)

    def tensor(*shape: int) -> tf.Tensor:
        return tf.constant(rng.standard_normal(shape, dtype=np.float32))

    sides = [(tensor(m, k), tensor(k, n), tensor(m, n)) for m, k, n in shapes]
    work = sum(2 * m * k * n * (2 if position == 0 else 3) for position, (m, k, n) in enumerate(shapes))

    @tf.function(autograph=False)
    def products() -> list[tf.Tensor]:
        results = []
        for position, (a, b, c) in enumerate(sides):
            results += [tf.matmul(a, b), tf.matmul(a, c, transpose_a=True)]
            if position:
                results.append(tf.matmul(c, b, transpose_b=True))
        return [tf.reduce_sum(result[:1]) for result in results]

    products()
    count, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        products()
        count += 1
    return work * count / (time.perf_counter() - start)
