"""Workers without Ray: processes connected by TensorFlow's collectives, reused for all fits of a module."""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Client, Listener, wait
from pathlib import Path

from sklearn.base import clone

from skmtl.distributed._checks import check_settings
from skmtl.distributed._executor import shard_ranges
from skmtl.distributed._fit import fit_on
from skmtl.distributed._prepare import settings_of

_ROOT = Path(__file__).resolve().parents[2]


class ProcessExecutor:
    """Runs the same work as Ray's workers, in processes on this machine."""

    def __init__(self, connections):
        self.connections = connections
        self.n_workers = len(connections)

    def map_shards(self, work, source):
        return [work(source, start, stop) for start, stop in shard_ranges(source, self.n_workers)]

    def train(self, job, built):
        for connection in self.connections:
            connection.send(job)
        results, waiting = [], list(self.connections)
        while waiting:
            for connection in wait(waiting):
                waiting.remove(connection)
                results.append(connection.recv())
                # The other workers may wait for ever for one that failed.
                if isinstance(results[-1], Exception):
                    raise results[-1]
        first, *others = (result.parameters.tobytes() for result in results)
        assert all(other == first for other in others), "workers hold different networks"
        return results[0]


@contextmanager
def worker_processes(n_workers):
    """Start worker processes, and end them after the block."""
    ports = free_ports(n_workers)
    with ExitStack() as stack:
        listener = stack.enter_context(Listener(("127.0.0.1", 0)))
        command = [sys.executable, "-m", "tests.distributed._processes", str(listener.address[1])]
        addresses = [f"127.0.0.1:{port}" for port in ports]
        started = [
            subprocess.Popen([*command, str(rank), *addresses], cwd=_ROOT, stderr=subprocess.DEVNULL)
            for rank in range(n_workers)
        ]
        for process in started:
            stack.callback(_end, process)
        by_rank = {}
        for _ in started:
            connection = stack.enter_context(listener.accept())
            by_rank[connection.recv()] = connection
        yield ProcessExecutor([by_rank[rank] for rank in range(n_workers)])


def _end(process):
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def free_ports(number):
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(number)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def fit_with(executor, estimator, data, targets, *, features=None, weight=None, validation=None, window="auto"):
    """Fit like `skmtl.distributed.fit`, but with the given executor."""
    fitted = clone(estimator)
    settings = settings_of(fitted)
    check_settings(settings, fitted, executor.n_workers)
    with tempfile.TemporaryDirectory() as folder:
        fit_on(executor, fitted, settings, data, targets, features, weight, validation, window, Path(folder), None)
    return fitted


def main(port, rank, *addresses):
    from skmtl.distributed._replica import replica
    from skmtl.distributed._work import train_on
    from skmtl.training._progress import Progress

    workers = replica(addresses, int(rank))
    with Client(("127.0.0.1", int(port))) as connection:
        connection.send(int(rank))
        while True:
            try:
                job = connection.recv()
            except EOFError:
                return
            try:
                result = train_on(job, workers, Progress())
            except Exception as error:
                result = error
            connection.send(result)


if __name__ == "__main__":
    main(*sys.argv[1:])
