"""The public function: fit an estimator on rows from disk, on one or several workers."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from numbers import Integral
from pathlib import Path
from typing import Any

from sklearn.base import clone
from sklearn.utils.validation import validate_data

from .._backend import check_backend
from ..blending._outcome import Outcome
from ..fitting._input import Settings
from ._checks import check_estimator, check_settings
from ._executor import Executor, LocalExecutor
from ._plan import plan_fit
from ._prepare import settings_of
from ._reader import first_rows
from ._sources import check_schema, columns_of, source_of, used_columns


def fit(
    estimator: Any,
    data: Any,
    targets: str | Sequence[str],
    *,
    n_workers: int = 1,
    features: Sequence[str] | None = None,
    sample_weight: str | None = None,
    validation: Any = None,
    window: int | str = "auto",
    storage: Any = None,
    cpus_per_worker: int = 1,
    use_gpu: bool = False,
    max_failures: int = 3,
) -> Any:
    """Fit an estimator on rows from disk, in this process or on several workers started by Ray.

    Parameters
    ----------
    estimator : MultiTaskKerasRegressor, MultiTaskKerasClassifier or MultiTaskKerasEstimator
        An unfitted estimator. It is not changed.
    data : path, list of paths, callable, or ray.data.Dataset
        A parquet file, a folder of parquet files, or a list of these; rows are numbered in the order of the files'
        paths. Or, with ``n_workers=1``, a function that returns an iterator over chunks of rows (DataFrames, pyarrow
        tables or dicts of arrays); it must return the same rows every time it is called. The rows of a Ray dataset
        are computed once and written as parquet.
    targets : str or list of str
        Target columns. A string instead of a list means 1-D y.
    n_workers : int, default=1
        Number of workers that train together. One worker trains in this process, without Ray.
    features : list of str, default=None
        Feature columns. None uses all remaining columns.
    sample_weight : str, default=None
        Column of row weights.
    validation : as data, default=None
        Validation rows. If None, a share of the rows is held out, chosen by a hash of the row numbers.
    window : int or "auto", default="auto"
        Number of rows that are shuffled together and held in a worker's memory at a time.
    storage : path, default=None
        Folder that all workers can read and write. A checkpoint is saved there after each epoch, and repeating the
        call resumes from it. None uses a temporary folder on this machine.
    cpus_per_worker : int, default=1
        CPUs and TensorFlow threads per worker. Only used with several workers.
    use_gpu : bool, default=False
        Whether each worker gets a GPU. Only used with several workers.
    max_failures : int, default=3
        How many times workers that die are restarted, from the last checkpoint.

    Returns
    -------
    estimator
        A fitted estimator of the same class with the same parameters.

    Raises
    ------
    ValueError
        If a parameter is not supported, a file cannot be read, or files have different columns. Raised before
        training begins.
    TrainingDivergedError
        If the loss becomes infinite or NaN.

    Notes
    -----
    ``batch_size`` is the number of rows per step over all workers. Workers sum their gradients at every step, so all
    of them hold the same network. Means, standard deviations, classes, category levels and missing-value patterns are
    computed from all rows. Quantiles (for robust scaling and for the bins of embeddings) use all rows up to 200,000,
    and a random sample of 200,000 rows beyond that. With more than 83 columns the sample is smaller: 16.8 million
    cells.

    Parameters left at "auto" get the same values as in ``fit``, except that the network is not blended with kernel
    models.

    Each epoch reads the row groups in random order, four at a time, and shuffles rows within a window. Rows that are
    further apart than a window share a batch only if their row groups are read at the same time.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from skmtl import MultiTaskKerasRegressor
    >>> from skmtl.distributed import fit
    >>> rng = np.random.default_rng(0)
    >>> def chunks():
    ...     for seed in range(4):
    ...         X = np.random.default_rng(seed).normal(size=(100, 3))
    ...         yield pd.DataFrame({"a": X[:, 0], "b": X[:, 1], "y": X[:, 0] - X[:, 1], "z": X[:, 0] * 2})
    >>> model = MultiTaskKerasRegressor(
    ...     hidden_layer_sizes=16, ensemble_size=1, epochs=20, learning_rate=0.01, random_state=0
    ... )
    >>> fitted = fit(model, chunks, ["y", "z"])
    >>> fitted.predict(next(iter(chunks()))[["a", "b"]]).shape
    (100, 2)
    """
    check_backend()
    check_estimator(estimator)
    if not isinstance(n_workers, Integral) or n_workers < 1:
        raise ValueError(f"n_workers should be an integer >= 1, got {n_workers!r}.")
    fitted = clone(estimator)
    settings = settings_of(fitted)
    check_settings(settings, fitted, n_workers)
    with _open_folder(storage) as folder:
        executor = _make_executor(n_workers, folder, cpus_per_worker, use_gpu, max_failures, storage is not None)
        # One worker cannot resume from a temporary folder: it is deleted when this call ends.
        checkpoints = folder if storage is not None or n_workers > 1 else None
        fit_on(
            executor, fitted, settings, data, targets, features, sample_weight, validation, window, folder, checkpoints
        )
    return fitted


def fit_on(
    executor: Executor,
    estimator: Any,
    settings: Settings,
    data: Any,
    targets: str | Sequence[str],
    features: Sequence[str] | None,
    sample_weight: str | None,
    validation: Any,
    window: int | str,
    folder: Path,
    checkpoints: Path | None,
) -> None:
    """Fit in place; rows of Ray datasets are written to ``folder``, checkpoints to the folder ``checkpoints``."""
    n_workers = executor.n_workers
    source = source_of(data, used_columns(targets, features, sample_weight), folder / "skmtl-rows", n_workers)
    columns = columns_of(source.schema, targets, features, sample_weight)
    validation_source = None
    if validation is not None:
        validation_source = source_of(validation, columns.names, folder / "skmtl-validation", n_workers)
        check_schema(source.schema, validation_source.schema, columns.names, "validation", "data")
    plan = plan_fit(estimator, settings, source, validation_source, columns, executor, window)
    result = executor.train(replace(plan.job, storage=checkpoints), plan.built)
    validate_data(estimator, first_rows(plan.head, columns), reset=True, skip_check_array=True)
    network = replace(
        plan.job.fit.network,
        parameters=result.parameters,
        frozen=result.frozen,
        held_out=result.held_out,
        trained_epochs=result.n_epochs,
    )
    estimator._adopt(Outcome(network, result), append=False)


@contextmanager
def _open_folder(storage: Any) -> Iterator[Path]:
    if storage is None:
        with tempfile.TemporaryDirectory(prefix="skmtl-") as temporary:
            yield Path(temporary)
        return
    folder = Path(storage).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    yield folder


def _make_executor(
    n_workers: int, folder: Path, cpus: int, use_gpu: bool, max_failures: int, has_storage: bool
) -> Executor:
    if n_workers == 1:
        return LocalExecutor()
    from ._ray import RayExecutor

    executor = RayExecutor(n_workers, folder, cpus, use_gpu, max_failures)
    executor.check_folder(has_storage)
    return executor
