"""Workers started by Ray: tasks read the rows, and Ray Train trains and restarts workers that die."""

from __future__ import annotations

import json
import os
import pickle
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from .._records import TrainingResult
from ..exceptions import TrainingDivergedError
from ._executor import shard_ranges
from ._progress_file import FileProgress, show_progress
from ._sources import Source
from ._work import Job, train_on

try:
    import cloudpickle
    import ray
    from ray.train import FailureConfig, RunConfig, ScalingConfig
    from ray.train.tensorflow import TensorflowTrainer
except ImportError as error:
    raise ImportError("Several workers need Ray: install skmtl[ray], or set n_workers=1.") from error

if TYPE_CHECKING:
    from ..fitting._networks import BuiltNetwork

T = TypeVar("T")

# When many workers import TensorFlow at once, starting them can take longer than Ray's default timeout.
_PATIENCE = {"RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S": "600"}
_LOOPBACK = "127.0.0.1"
_JOB, _RESULT, _PROGRESS = "job.pickle", "result.pickle", "progress.json"


class RayExecutor:
    """Workers of the Ray cluster; if Ray is not connected to one, a cluster is started on this machine.

    All workers must be able to read and write ``folder``.
    """

    def __init__(self, n_workers: int, folder: Path, cpus: int, use_gpu: bool, max_failures: int) -> None:
        self.n_workers = n_workers
        self.folder = folder
        self.cpus = cpus
        self.use_gpu = use_gpu
        self.max_failures = max_failures
        if not ray.is_initialized():
            ray.init()
        self._check_resources()

    def _check_resources(self) -> None:
        """Refuse more workers than the cluster can start: Ray would wait for ever."""
        available = ray.cluster_resources()
        needed = {"CPU": self.n_workers * self.cpus, "GPU": self.n_workers if self.use_gpu else 0}
        for name, number in needed.items():
            if available.get(name, 0) < number:
                raise ValueError(
                    f"n_workers={self.n_workers} needs {number} {name}s, but the Ray cluster has "
                    f"{available.get(name, 0):g}: ask for fewer, or start Ray with more (ray.init(num_cpus=...))."
                )

    def check_folder(self, has_storage: bool) -> None:
        """Require ``storage=`` if the cluster has several machines."""
        nodes = sum(node["Alive"] for node in ray.nodes())
        if nodes > 1 and not has_storage:
            raise ValueError(
                f"The Ray cluster has {nodes} machines: pass storage=, a folder that all of them can read and write, "
                "for example on a network file system."
            )

    def map_shards(self, work: Callable[[Source, int, int | None], T], source: Source) -> list[T]:
        """Call ``work`` on each worker's shard of the rows, in Ray tasks."""
        task: Any = ray.remote(num_cpus=1)(_run_on_shard)
        shared = ray.put((work, source))
        try:
            return ray.get([task.remote(shared, start, stop) for start, stop in shard_ranges(source, self.n_workers)])
        except ray.exceptions.RayTaskError as error:
            raise error.cause if isinstance(error.cause, ValueError) else error from None

    def train(self, job: Job, built: BuiltNetwork) -> TrainingResult:  # noqa: ARG002 - workers build their own
        """Train on all workers; workers that die are restarted and resume from the last checkpoint."""
        folder = self.folder / f"run-{uuid.uuid4().hex[:12]}"
        folder.mkdir()
        (folder / _JOB).write_bytes(cloudpickle.dumps(job))
        trainer = TensorflowTrainer(
            _train,
            train_loop_config={"folder": str(folder), "cpus": self.cpus, "on_loopback": _on_one_machine()},
            scaling_config=ScalingConfig(
                num_workers=self.n_workers, use_gpu=self.use_gpu, resources_per_worker={"CPU": self.cpus}
            ),
            run_config=RunConfig(
                name="ray", storage_path=str(folder), failure_config=FailureConfig(max_failures=self.max_failures)
            ),
        )
        fit = job.fit
        with _patience(), show_progress(folder / _PROGRESS, int(fit.settings["verbose"]), fit.numbers.epochs) as run:
            trainer.fit()
            result = pickle.loads((folder / _RESULT).read_bytes())
            if isinstance(result, Exception):
                raise result
            run.stop = result.stop
        return result


def _on_one_machine() -> bool:
    """Whether the cluster is this machine alone, so that workers can talk over the loopback address."""
    return sum(node["Alive"] for node in ray.nodes()) == 1


def _run_on_shard(shared: tuple[Callable[[Source, int, int | None], T], Source], start: int, stop: int | None) -> T:
    work, source = shared
    return work(source, start, stop)


@contextmanager
def _patience() -> Iterator[None]:
    """Raise Ray's limit on the time workers take to start, unless the caller has set it."""
    added = {name: value for name, value in _PATIENCE.items() if name not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)


def _train(config: dict[str, Any]) -> None:
    """Train in one worker, and write the result."""
    from ._replica import replica

    # Ray sets this to ask for Keras 2; skmtl needs Keras 3.
    os.environ.pop("TF_USE_LEGACY_KERAS", None)
    rank, folder = ray.train.get_context().get_world_rank(), Path(config["folder"])
    if (folder / _RESULT).exists():
        return
    job: Job = pickle.loads((folder / _JOB).read_bytes())
    workers = replica(_addresses(config["on_loopback"]), rank, config["cpus"])
    from ..training._progress import Progress

    progress = FileProgress(folder / _PROGRESS) if rank == 0 else Progress()
    result: Any
    try:
        result = train_on(job, workers, progress)
    except TrainingDivergedError as error:
        # All workers raise it, and a restart would end the same way: return it as the result.
        result = error
    except ValueError as error:
        # The other workers wait for this one. Raising makes Ray restart them all; they then find the error and stop.
        _write(folder / _RESULT, error)
        raise
    if rank == 0:
        _write(folder / _RESULT, result)


def _write(path: Path, result: Any) -> None:
    draft = path.with_suffix(f".{os.getpid()}")
    draft.write_bytes(cloudpickle.dumps(result))
    draft.replace(path)


def _addresses(on_loopback: bool) -> list[str]:
    """Addresses on which the workers listen: those that Ray Train chose, or the same ports on the loopback address."""
    addresses = json.loads(os.environ["TF_CONFIG"])["cluster"]["worker"]
    return [f"{_LOOPBACK}:{address.rsplit(':', 1)[1]}" for address in addresses] if on_loopback else addresses
