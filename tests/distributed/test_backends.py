"""Predictions, searches and comparisons on a Dask cluster: same results as in one process, few imports and compiles."""

import sys

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import GridSearchCV

from skmtl import MultiTaskKerasRegressor
from skmtl.inspection import compare_with_single_task, task_affinity

from ._data import NUMBERS, numbers

distributed = pytest.importorskip("distributed")
dd = pytest.importorskip("dask.dataframe")

pytestmark = [
    pytest.mark.slow,
    # Raised by Dask's own code.
    pytest.mark.filterwarnings("default::DeprecationWarning", "default::FutureWarning", "default::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning:distributed", "ignore::pytest.PytestUnraisableExceptionWarning"),
]

PLAIN = MultiTaskKerasRegressor(hidden_layer_sizes=8, ensemble_size=1, epochs=3, random_state=0, jit_compile=False)


@pytest.fixture(scope="module")
def client():
    """Two processes on this machine."""
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None, "host": "127.0.0.1"}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:
        yield client


@pytest.fixture(scope="module")
def data():
    frame = numbers()
    return frame[NUMBERS], frame[["y", "z"]]


def has_tensorflow():
    return "tensorflow" in sys.modules


def traces():
    from skmtl.training import counters

    return counters.snapshot().get("traces", 0)


# Must run first: later tests import TensorFlow on the workers.
def test_partitions_are_predicted_without_tensorflow(client, data):
    X, y = data
    model = PLAIN.fit(X, y)

    def predicted(part):
        return pd.DataFrame(model.predict(part), columns=["y", "z"], index=part.index)

    meta = pd.DataFrame({"y": [0.0], "z": [0.0]})[:0]
    predictions = dd.from_pandas(X, npartitions=4).map_partitions(predicted, meta=meta).compute()
    assert np.allclose(predictions.to_numpy(), model.predict(X), rtol=1e-12)
    assert not any(client.run(has_tensorflow).values())


def test_a_search_scores_as_in_one_process_and_each_worker_compiles_a_program_once(client, data):
    grid = {"learning_rate": [0.003, 0.01, 0.03]}
    local = GridSearchCV(PLAIN, grid, cv=2).fit(*data)
    with joblib.parallel_backend("dask"):
        on_dask = GridSearchCV(PLAIN, grid, cv=2, n_jobs=2).fit(*data)
    assert np.allclose(on_dask.cv_results_["mean_test_score"], local.cv_results_["mean_test_score"])
    # Six fits of one structure on two workers; the refit on all rows runs in this process.
    assert max(client.run(traces).values()) == 1


def test_a_comparison_has_the_scores_of_one_process(client, data):
    local = compare_with_single_task(PLAIN, *data, cv=2, random_state=0)
    with joblib.parallel_backend("dask"):
        on_dask = compare_with_single_task(PLAIN, *data, cv=2, n_jobs=-1, random_state=0)
    pd.testing.assert_frame_equal(on_dask.fold_scores, local.fold_scores)
    # Two structures: both tasks together, and a single task.
    assert max(client.run(traces).values()) <= 2


def test_affinity_can_be_measured_on_a_worker(client, data):
    local = task_affinity(PLAIN, *data, random_state=0)
    remote = client.submit(task_affinity, PLAIN, *data, random_state=0).result()
    assert np.allclose(remote.matrix.to_numpy(), local.matrix.to_numpy(), equal_nan=True)
