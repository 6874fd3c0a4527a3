"""The one call: rows that do not fit into memory, or workers that share them, to an ordinary fitted estimator."""

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
from ._crew import Alone, Crew
from ._plan import plan_fit
from ._prepare import settings_of
from ._reader import first_rows
from ._refusals import check_estimator, check_settings
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
    """Fit on rows that lie on disk, on this machine or on several workers that Ray starts.

    Parameters
    ----------
    estimator : MultiTaskKerasRegressor, MultiTaskKerasClassifier or MultiTaskKerasEstimator
        An unfitted estimator. It stays as it is.
    data : path, list of paths, callable, or ray.data.Dataset
        A folder of parquet files or one file, or a list of such, in which rows are numbered in the order of the files'
        paths; or a function that gives an iterator over chunks of rows (DataFrames, tables of pyarrow, dicts of
        arrays), the same whenever it is called, with ``n_workers=1``. The rows of a Ray dataset are made once and
        written as parquet.
    targets : str or list of str
        Columns of the targets. A name alone is 1-D y.
    n_workers : int, default=1
        How many workers train together. One trains in this process, without Ray.
    features : list of str, default=None
        Columns of the features; None is all others.
    sample_weight : str, default=None
        A column of rows' weights.
    validation : as data, default=None
        Rows to validate on, instead of a share of the rows drawn by a hash of their numbers.
    window : int or "auto", default="auto"
        Rows that are shuffled together, and lie in a worker's memory at a time.
    storage : path, default=None
        A folder that all workers see. An epoch's end is kept there; the same call goes on from it. None is a temporary
        one on this machine.
    cpus_per_worker : int, default=1
        Processors, and threads of TensorFlow, of each of several workers.
    use_gpu : bool, default=False
        Whether each of several workers gets a GPU.
    max_failures : int, default=3
        How often workers that die are started again, from the last epoch's end.

    Returns
    -------
    estimator
        A fitted estimator of the same class and parameters.

    Raises
    ------
    ValueError
        Where a parameter cannot be honoured, a file cannot be read, or files differ in their columns: before training
        begins.
    TrainingDivergedError
        Where the loss became infinite or NaN.

    Notes
    -----
    ``batch_size`` counts the rows of a step over all workers. Workers add up gradients at every step, so that all hold
    the same network. Means, deviations, classes, levels and missing patterns are those of all rows; quantiles (of
    robust scaling, of embeddings' bins) are taken of all rows up to 200,000, else of a random sample of so many (fewer
    with more than 83 columns: of 16.8 million cells).

    Parameters left at "auto" get the values that they have in ``fit``, but that the network is not blended with
    regressions.

    An epoch's rows come row group by row group in random order, four side by side, and are shuffled within a window;
    rows further apart than a window meet in a batch only where their row groups are drawn together.

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
        raise ValueError(f"n_workers should be a whole number >= 1, got {n_workers!r}.")
    fitted = clone(estimator)
    settings = settings_of(fitted)
    check_settings(settings, fitted, n_workers)
    with _folder(storage) as folder:
        crew = _crew(n_workers, folder, cpus_per_worker, use_gpu, max_failures, storage is not None)
        # Nobody could go on from a folder that goes when this call ends.
        kept = folder if storage is not None or n_workers > 1 else None
        fit_by(crew, fitted, settings, data, targets, features, sample_weight, validation, window, folder, kept)
    return fitted


def fit_by(
    crew: Crew,
    estimator: Any,
    settings: Settings,
    data: Any,
    targets: str | Sequence[str],
    features: Sequence[str] | None,
    sample_weight: str | None,
    validation: Any,
    window: int | str,
    folder: Path,
    kept: Path | None,
) -> None:
    """Fit an estimator of these settings; rows that Ray makes go to ``folder``, epochs' ends to ``kept``."""
    source = source_of(data, used_columns(targets, features, sample_weight), folder / "skmtl-rows", crew.n_workers)
    columns = columns_of(source.schema, targets, features, sample_weight)
    others = None
    if validation is not None:
        others = source_of(validation, columns.names, folder / "skmtl-validation", crew.n_workers)
        check_schema(source.schema, others.schema, columns.names, "validation", "data")
    plan = plan_fit(estimator, settings, source, others, columns, crew, window)
    result = crew.train(replace(plan.job, storage=kept), plan.built)
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
def _folder(storage: Any) -> Iterator[Path]:
    if storage is None:
        with tempfile.TemporaryDirectory(prefix="skmtl-") as folder:
            yield Path(folder)
        return
    given = Path(storage).absolute()
    given.mkdir(parents=True, exist_ok=True)
    yield given


def _crew(n_workers: int, folder: Path, cpus: int, use_gpu: bool, max_failures: int, given: bool) -> Crew:
    if n_workers == 1:
        return Alone()
    from ._ray import RayCrew

    crew = RayCrew(n_workers, folder, cpus, use_gpu, max_failures)
    crew.check_folder(given)
    return crew
