"""A callback of scikit-learn's kind that logs fits to MLflow."""

from __future__ import annotations

import datetime
import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

# What MLflow takes as the name of a metric.
_OTHERS = re.compile(r"[^\w\-. /]")
_LONGEST = 500


class MLflowCallback:
    """Logs a fit to MLflow: parameters, the losses of every task per epoch, and final scores.

    For ``set_callbacks`` of an estimator of skmtl's, which may stand in a pipeline or a search. Parameters are the
    estimator's, by name. Metrics are all series of ``history_``, an entry an epoch; ``score`` and ``score_<task>``, of
    the rows that ``fit`` got; ``oob_score_<task>``, where there are out-of-fold predictions; ``n_iter`` and
    ``fit_seconds``.

    The first fit within an active run, alone or at the end of a pipeline, is logged to that run. All others, as those
    of a search, become runs of their own, below the active run where there is one, and tagged with their place in the
    search. All is logged where the fit ends; one that fails logs nothing.

    Parameters
    ----------
    run_name : str, default=None
        Name of the runs that it makes; None leaves it to MLflow.
    tags : mapping of str to str, default=None
        Tags of the runs.
    parent_run_id : str, default=None
        Run below which it makes its own. None is the active run, which worker processes (``n_jobs``) do not see.

    See Also
    --------
    log_model : Logs the fitted estimator itself.

    Notes
    -----
    ``mlflow.autolog`` and ``mlflow.sklearn.autolog`` (MLflow 3.17) know the estimators that scikit-learn itself has,
    and no others. They log a pipeline or a search around one of skmtl's, but of it alone nothing, and do not say so.

    Examples
    --------
    >>> from skmtl import MultiTaskKerasRegressor
    >>> from skmtl.mlflow import MLflowCallback
    >>> model = MultiTaskKerasRegressor().set_callbacks(MLflowCallback())
    """

    def __init__(
        self,
        run_name: str | None = None,
        tags: Mapping[str, str] | None = None,
        parent_run_id: str | None = None,
    ) -> None:
        self.run_name = run_name
        self.tags = tags
        self.parent_run_id = parent_run_id
        self._used: set[str] = set()
        self._home: dict[str, Any] = {}

    def setup(self, estimator: Any, context: Any) -> None:
        """Nothing is to be done before the fit."""

    def teardown(self, estimator: Any, context: Any) -> None:
        """Nothing is left open after the fit."""

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        """Nothing is logged yet."""

    def on_fit_task_end(self, estimator: Any, context: Any, *, X: Any = None, y: Any = None) -> None:
        """Log the fit, where it is the fit that ends and no epoch.

        Parameters
        ----------
        estimator : estimator
            The fitted estimator.
        context : sklearn.callback.CallbackContext
            Its place among the tasks of those around it.
        X, y : array-like
            The rows of the fit.
        """
        if context.task_name == "epoch":
            return
        import mlflow

        self._enter_home(mlflow)
        seconds = (datetime.datetime.now(datetime.UTC) - context.init_time).total_seconds()
        metrics = [*_curves(estimator), *_scores(estimator, X, y), ("fit_seconds", seconds, 0)]
        parameters = {name: str(value)[:_LONGEST] for name, value in estimator.get_params(deep=False).items()}
        place = _place(context)
        active = mlflow.active_run()
        if active is not None and not place and active.info.run_id not in self._used:
            self._used.add(active.info.run_id)
            self._log(mlflow, active.info.run_id, parameters, metrics, {})
            return
        parent = self.parent_run_id or (None if active is None else active.info.run_id)
        with mlflow.start_run(run_name=self.run_name, nested=True, parent_run_id=parent) as run:
            self._log(mlflow, run.info.run_id, parameters, metrics, {"fit": place} if place else {})

    def _log(
        self,
        mlflow: Any,
        run_id: str,
        parameters: Mapping[str, str],
        metrics: list[tuple[str, float, int]],
        tags: Mapping[str, str],
    ) -> None:
        client, now = mlflow.MlflowClient(), int(datetime.datetime.now().timestamp() * 1000)
        of_run = [mlflow.entities.RunTag(name, value) for name, value in {**(self.tags or {}), **tags}.items()]
        settings = [mlflow.entities.Param(name, value) for name, value in parameters.items()]
        client.log_batch(run_id, params=settings, tags=of_run)
        entries = [mlflow.entities.Metric(_OTHERS.sub("_", name), value, now, step) for name, value, step in metrics]
        for start in range(0, len(entries), 1000):
            client.log_batch(run_id, metrics=entries[start : start + 1000])

    def _enter_home(self, mlflow: Any) -> None:
        """In a worker process: log to where the process logs that sent the work."""
        if self._home and self._home["process"] != os.getpid():
            mlflow.set_tracking_uri(self._home["uri"])
            if self._home["experiment"] is not None:
                mlflow.set_experiment(experiment_id=self._home["experiment"])

    def __getstate__(self) -> dict[str, Any]:
        """Settings, and where runs are logged to at the moment."""
        import mlflow

        experiment = os.environ.get("MLFLOW_EXPERIMENT_ID")
        home = {"process": os.getpid(), "uri": mlflow.get_tracking_uri(), "experiment": experiment}
        return {**vars(self), "_home": home}


def _curves(estimator: Any) -> Iterator[tuple[str, float, int]]:
    for name, values in estimator.history_.items():
        for step, value in enumerate(values):
            yield name, float(value), step


def _scores(estimator: Any, X: Any, y: Any) -> Iterator[tuple[str, float, int]]:
    yield "n_iter", float(estimator.n_iter_), 0
    tables = {
        "score": estimator.score_tasks(X, y),
        "oob_score": getattr(estimator, "oob_score_", pd.Series(dtype=float)),
    }
    for kind, scores in tables.items():
        known = scores.dropna()
        if len(known):
            yield kind, float(known.mean()), 0
        for task, value in known.items():
            yield f"{kind}_{task}", float(value), 0


def _place(context: Any) -> str:
    """Where in a search or another meta-estimator the fit stands; nothing for one alone or in a pipeline."""
    steps = []
    while context is not None:
        if context.source_task_name not in (None, "fit-final-estimator") or context.task_name not in ("fit",):
            steps.append(f"{context.source_task_name or context.task_name} {context.task_id}")
        context = context.parent
    return ", ".join(reversed(steps))
