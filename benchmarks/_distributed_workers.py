"""Worker processes with one core each, for timing epochs without the cost of starting them."""

from __future__ import annotations

import multiprocessing
import os
import socket
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np


def timed_epochs(
    rows: Path, targets: Sequence[str], settings: Mapping[str, Any], n_workers: int, share: int = 1
) -> dict[str, float]:
    """Time a step and an all-reduce of its size with ``n_workers``, in milliseconds.

    ``share`` divides the batch size: a step then has the rows of one worker of several.
    """
    context = multiprocessing.get_context("spawn")
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(n_workers)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        addresses = [f"127.0.0.1:{each.getsockname()[1]}" for each in sockets]
    answers = context.Queue()
    given = {**settings, "batch_size": settings["batch_size"] // share}
    processes = [
        context.Process(target=_work, args=(answers, addresses, rank, str(rows), list(targets), given))
        for rank in range(n_workers)
    ]
    for process in processes:
        process.start()
    found = [answers.get(timeout=600) for _ in processes]
    for process in processes:
        process.join()
    return {name: max(one[name] for one in found) for name in found[0]}


class _Part:
    """An executor that reads all shards in this process."""

    def __init__(self, n_workers: int) -> None:
        self.n_workers = n_workers

    def map_shards(self, work: Any, source: Any) -> list[Any]:
        from skmtl.distributed._executor import shard_ranges

        return [work(source, start, stop) for start, stop in shard_ranges(source, self.n_workers)]


def _work(
    answers: Any, addresses: list[str], rank: int, rows: str, targets: list[str], settings: dict[str, Any]
) -> None:
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[rank % len(cores)]})
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import tensorflow as tf

    workers = _workers(tf, addresses, rank)
    # The first run compiles. Two additional epochs take the difference of the others.
    _, short, long = (_trained(workers, rows, targets, {**settings, "epochs": epochs}) for epochs in (1, 1, 3))
    found = {"step": (long[0] - short[0]) / (2 * long[1]) * 1e3}
    found["all_reduce"] = _all_reduce(tf, workers, long[2]) if workers.count > 1 else 0.0
    answers.put(found)


def _workers(tf: Any, addresses: list[str], rank: int) -> Any:
    if len(addresses) > 1:
        from skmtl.distributed._replica import replica

        return replica(addresses, rank, 1)
    from skmtl.training._workers import ALONE

    tf.config.threading.set_intra_op_parallelism_threads(1)
    return ALONE


def _trained(workers: Any, rows: str, targets: list[str], settings: dict[str, Any]) -> tuple[float, int, int]:
    """Return seconds of training, steps per epoch and the number of parameters."""
    from skmtl import MultiTaskKerasRegressor
    from skmtl.distributed._plan import plan_fit
    from skmtl.distributed._prepare import settings_of
    from skmtl.distributed._sources import columns_of, parquet_source
    from skmtl.distributed._work import train_on
    from skmtl.training._progress import Progress

    model = MultiTaskKerasRegressor(
        ensemble_size=1, random_state=0, jit_compile=False, early_stopping=False, **settings
    )
    source = parquet_source(rows, None)
    columns = columns_of(source.schema, targets, None, None)
    plan = plan_fit(model, settings_of(model), source, None, columns, _Part(workers.count), "auto")
    with tempfile.TemporaryDirectory():
        start = time.perf_counter()
        result = train_on(plan.job, workers, Progress(), plan.built)
        return time.perf_counter() - start, plan.job.schedule.steps, result.parameters.shape[1]


def _all_reduce(tf: Any, workers: Any, size: int, steps: int = 300) -> float:
    """Time an all-reduce of an array of this size in a loop, in milliseconds."""

    @tf.function
    def loop(values: Any, number: Any) -> Any:
        def step(done: Any, values: Any) -> Any:
            (added,) = workers.summed(values)
            return done + 1, added * 0.5

        return tf.while_loop(lambda done, _: done < number, workers.each(step), (0, values), parallel_iterations=1)[1]

    values = tf.constant(np.ones((1, size), np.float32))
    loop(values, tf.constant(5))
    start = time.perf_counter()
    loop(values, tf.constant(steps))
    return (time.perf_counter() - start) / steps * 1e3
