"""Workers started by Ray: fits, rows of a Ray dataset, and a worker that is killed."""

import os
import signal
import sys
import threading
import time
from pathlib import Path

import joblib
import numpy as np
import pyarrow as pa
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

import skmtl
from skmtl import MultiTaskKerasRegressor
from skmtl.distributed import fit
from skmtl.distributed._sources import source_of

from ._data import NUMBERS, folder_of, numbers

# Without this, Ray does not keep to 127.0.0.1. It reads the variable when it is imported.
os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
ray = pytest.importorskip("ray")
register_ray = pytest.importorskip("ray.util.joblib").register_ray
ACTORS = ray.data.ActorPoolStrategy(size=1)

pytestmark = [
    pytest.mark.slow,
    # Raised by Ray's own code.
    pytest.mark.filterwarnings("default::DeprecationWarning", "default::FutureWarning", "default::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning:ray", "ignore::pytest.PytestUnraisableExceptionWarning"),
]

ESTIMATOR = MultiTaskKerasRegressor(
    hidden_layer_sizes=8, ensemble_size=2, dropout=0.1, epochs=4, batch_size=32, random_state=0
)


@pytest.fixture(scope="module", autouse=True)
def cluster():
    """A cluster that uses only this machine's loopback address."""
    ray.init(num_cpus=3, _node_ip_address="127.0.0.1", include_dashboard=False, log_to_driver=False)
    assert [node["NodeManagerAddress"] for node in ray.nodes()] == ["127.0.0.1"]
    yield
    ray.shutdown()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return folder_of(numbers(), tmp_path_factory.mktemp("rows") / "all")


@pytest.fixture(scope="module")
def undisturbed(folder):
    return fit(ESTIMATOR, folder, ["y", "z"], features=NUMBERS, n_workers=2)


def test_two_workers_fit_an_ordinary_estimator(undisturbed, folder):
    frame = numbers()
    assert undisturbed.n_iter_ == 4
    assert set(undisturbed.history_) >= {"loss", "val_loss"}
    assert undisturbed.predict(frame[NUMBERS]).shape == (240, 2)
    assert undisturbed.history_["val_loss"][-1] < undisturbed.history_["val_loss"][0]


def kill_a_worker_in_the_second_epoch(storage, killed):
    """SIGKILL a worker after the first checkpoint."""
    while not (storage / "checkpoint.npz").exists():
        time.sleep(0.005)
    victims = [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if is_worker(pid)]
    os.kill(max(victims), signal.SIGKILL)
    with np.load(storage / "checkpoint.npz") as file:
        killed.append(len(file["array_0"]))


def is_worker(pid):
    try:
        return b"RayTrainWorker" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="finds workers in Linux's /proc")
def test_killing_a_worker_changes_no_bit(undisturbed, folder, tmp_path):
    killed = []
    killer = threading.Thread(target=kill_a_worker_in_the_second_epoch, args=(tmp_path, killed), daemon=True)
    killer.start()
    disturbed = fit(ESTIMATOR, folder, ["y", "z"], features=NUMBERS, n_workers=2, storage=tmp_path)
    killer.join(10)
    assert killed
    assert np.array_equal(disturbed.network_.parameters, undisturbed.network_.parameters)
    assert disturbed.history_ == undisturbed.history_


def test_rows_of_a_ray_dataset_are_written_in_their_order(folder, tmp_path):
    dataset = ray.data.read_parquet(str(folder)).map_batches(
        lambda batch: {**batch, "double": 2 * batch["a"]}, batch_size=50
    )
    source = source_of(dataset, None, tmp_path / "rows", 2)
    rows = pa.concat_tables(table for _, table in source.chunks(["a", "double"], 0, None))
    assert np.array_equal(rows["a"].to_numpy(), numbers()["a"])
    assert np.array_equal(rows["double"].to_numpy(), 2 * numbers()["a"])


def test_more_workers_than_the_cluster_can_start_are_refused(folder):
    with pytest.raises(ValueError, match=r"n_workers=9 needs 9 CPUs, but the Ray cluster has 3"):
        fit(ESTIMATOR, folder, ["y", "z"], features=NUMBERS, n_workers=9)
    with pytest.raises(ValueError, match=r"n_workers=2 needs 2 GPUs, but the Ray cluster has 0"):
        fit(ESTIMATOR, folder, ["y", "z"], features=NUMBERS, n_workers=2, use_gpu=True)


def test_a_broken_file_is_refused_by_the_tasks_that_read_the_rows(tmp_path):
    path = folder_of(numbers(), tmp_path / "rows")
    content = bytearray((path / "part-1.parquet").read_bytes())
    content[40:400] = bytes(360)
    (path / "part-1.parquet").write_bytes(bytes(content))
    with pytest.raises(ValueError, match=r"the file .*part-1\.parquet cannot be read"):
        fit(ESTIMATOR, path, ["y", "z"], features=NUMBERS, n_workers=2)


class Predict:
    """A fitted estimator, loaded once per worker."""

    def __init__(self, path):
        self.model = skmtl.load(path)

    def __call__(self, batch):
        y, z = self.model.predict(batch).T
        return batch.assign(y=y, z=z, has_tensorflow="tensorflow" in sys.modules)


def test_batches_of_a_dataset_are_predicted_without_tensorflow(undisturbed, tmp_path):
    skmtl.save(undisturbed, tmp_path / "model.skmtl")
    X = numbers()[NUMBERS]
    predicted = (
        ray.data.from_pandas(X)
        .map_batches(
            Predict, fn_constructor_args=[str(tmp_path / "model.skmtl")], batch_format="pandas", compute=ACTORS
        )
        .to_pandas()
    )
    assert np.allclose(predicted[["y", "z"]], undisturbed.predict(X), rtol=1e-12)
    assert not predicted["has_tensorflow"].any()


def test_a_search_on_rays_joblib_backend_scores_as_in_one_process():
    register_ray()
    frame = numbers()
    data, grid = (frame[NUMBERS], frame[["y", "z"]]), {"learning_rate": [0.003, 0.03]}
    estimator = clone(ESTIMATOR).set_params(ensemble_size=1, jit_compile=False, epochs=2)
    local = GridSearchCV(estimator, grid, cv=2).fit(*data)
    with joblib.parallel_backend("ray"):
        on_ray = GridSearchCV(estimator, grid, cv=2, n_jobs=2).fit(*data)
    assert np.allclose(on_ray.cv_results_["mean_test_score"], local.cv_results_["mean_test_score"])
