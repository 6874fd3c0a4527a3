"""Workers that Ray starts: its tasks look through the rows, Ray Train trains, and starts anew those that die."""

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
from ._crew import spans
from ._progress_file import FileProgress, reported
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

# Importing TensorFlow on a machine that is busy with just that can take longer than Ray waits by itself.
_PATIENCE = {"RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S": "600"}
_LOOPBACK = "127.0.0.1"
_JOB, _RESULT, _PROGRESS = "job.pickle", "result.pickle", "progress.json"


class RayCrew:
    """Workers of the cluster that Ray is connected to; a cluster of this machine is started where there is none.

    ``folder`` is one that all of them see.
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
        """Refuse more workers than can ever start, for which Ray would wait for ever."""
        found = ray.cluster_resources()
        wanted = {"CPU": self.n_workers * self.cpus, "GPU": self.n_workers if self.use_gpu else 0}
        for name, number in wanted.items():
            if found.get(name, 0) < number:
                raise ValueError(
                    f"n_workers={self.n_workers} want {number} {name}s, but Ray's cluster has "
                    f"{found.get(name, 0):g}: ask for fewer, or start Ray with more (ray.init(num_cpus=...))."
                )

    def check_folder(self, given: bool) -> None:
        """Refuse a folder of this machine alone, where there are others."""
        nodes = sum(node["Alive"] for node in ray.nodes())
        if nodes > 1 and not given:
            raise ValueError(
                f"Ray's cluster has {nodes} machines: pass storage=, a folder that all of them see, as on a network "
                "file system."
            )

    def each(self, work: Callable[[Source, int, int | None], T], source: Source) -> list[T]:
        """What ``work`` gives for each worker's shard of the rows, found by tasks."""
        task: Any = ray.remote(num_cpus=1)(_look)
        given = ray.put((work, source))
        try:
            return ray.get([task.remote(given, start, stop) for start, stop in spans(source, self.n_workers)])
        except ray.exceptions.RayTaskError as error:
            raise error.cause if isinstance(error.cause, ValueError) else error from None

    def train(self, job: Job, built: BuiltNetwork) -> TrainingResult:  # noqa: ARG002 - workers build their own
        """Train together; workers that die are started again, and go on from the last epoch's end."""
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
        with _patience(), reported(folder / _PROGRESS, int(fit.settings["verbose"]), fit.numbers.epochs) as ending:
            trainer.fit()
            found = pickle.loads((folder / _RESULT).read_bytes())
            if isinstance(found, Exception):
                raise found
            ending.stop = found.stop
        return found


def _on_one_machine() -> bool:
    """Whether Ray has this machine alone: then no traffic of the workers needs to leave it."""
    return sum(node["Alive"] for node in ray.nodes()) == 1


def _look(given: tuple[Callable[[Source, int, int | None], T], Source], start: int, stop: int | None) -> T:
    work, source = given
    return work(source, start, stop)


@contextmanager
def _patience() -> Iterator[None]:
    """Time for the workers to start, unless the caller has said how much."""
    added = {name: value for name, value in _PATIENCE.items() if name not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)


def _train(given: dict[str, Any]) -> None:
    """What each worker runs."""
    from ._replica import replica

    # Ray's wish for Keras 2, which skmtl knows nothing of.
    os.environ.pop("TF_USE_LEGACY_KERAS", None)
    rank, folder = ray.train.get_context().get_world_rank(), Path(given["folder"])
    if (folder / _RESULT).exists():
        return
    job: Job = pickle.loads((folder / _JOB).read_bytes())
    workers = replica(_addresses(given["on_loopback"]), rank, given["cpus"])
    from ..training._progress import Progress

    progress = FileProgress(folder / _PROGRESS) if rank == 0 else Progress()
    found: Any
    try:
        found = train_on(job, workers, progress)
    except TrainingDivergedError as error:
        # All workers see it, and it would come again.
        found = error
    except ValueError as error:
        # The others wait for this one: Ray ends them all, and they find the reason when they start again.
        _write(folder / _RESULT, error)
        raise
    if rank == 0:
        _write(folder / _RESULT, found)


def _write(path: Path, found: Any) -> None:
    draft = path.with_suffix(f".{os.getpid()}")
    draft.write_bytes(cloudpickle.dumps(found))
    draft.replace(path)


def _addresses(on_loopback: bool) -> list[str]:
    """Where the workers listen: on the machine's own address as Ray Train has it, or on one that no other reaches."""
    known = json.loads(os.environ["TF_CONFIG"])["cluster"]["worker"]
    return [f"{_LOOPBACK}:{address.rsplit(':', 1)[1]}" for address in known] if on_loopback else known
