"""A scikit-learn callback that logs fits to MLflow."""

from __future__ import annotations

import datetime
import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

# Characters that MLflow does not allow in the name of a metric.
_NOT_ALLOWED = re.compile(r"[^\w\-. /]")
# Longest value of a parameter.
_LONGEST = 500


class MLflowCallback:
    """Log fits to MLflow: parameters, losses of every task per epoch, and final scores.

    Pass it to ``set_callbacks`` of an skmtl estimator; the estimator may be part of a pipeline or a search. Logged
    parameters are the estimator's own. Logged metrics are all series of ``history_`` with one entry per epoch;
    ``score`` and ``score_<task>`` on the training rows; ``oob_score`` and ``oob_score_<task>`` if there are
    out-of-fold predictions; ``n_iter`` and ``fit_seconds``.

    The first fit within an active run, of an estimator alone or at the end of a pipeline, is logged to that run. Every
    other fit, such as those of a search, becomes a new run: a child of the active run if there is one, with a tag that
    gives its place in the search. Everything is logged when the fit ends; a fit that fails logs nothing.

    Parameters
    ----------
    run_name : str, default=None
        Name of new runs. None lets MLflow choose one.
    tags : mapping of str to str, default=None
        Tags of the runs.
    parent_run_id : str, default=None
        Parent of new runs. None uses the active run. Worker processes (``n_jobs``) do not see the active run, so set
        this for them.

    See Also
    --------
    log_model : Logs the fitted estimator itself.

    Notes
    -----
    ``mlflow.autolog`` and ``mlflow.sklearn.autolog`` (MLflow 3.17) support only scikit-learn's own estimators. They log
    a pipeline or a search around an skmtl estimator, but silently log nothing for the estimator alone.

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
        """Do nothing: no preparation is needed."""

    def teardown(self, estimator: Any, context: Any) -> None:
        """Do nothing: there is nothing to clean up."""

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        """Do nothing: fits are logged when they end."""

    def on_fit_task_end(self, estimator: Any, context: Any, *, X: Any = None, y: Any = None) -> None:
        """Log a fit when it ends; epochs are not logged separately.

        Parameters
        ----------
        estimator : estimator
            The fitted estimator.
        context : sklearn.callback.CallbackContext
            The task that ended, and the tasks around it.
        X, y : array-like
            Training data.
        """
        if context.task_name == "epoch":
            return
        import mlflow

        self._restore_tracking(mlflow)
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
        entries = [
            mlflow.entities.Metric(_NOT_ALLOWED.sub("_", name), value, now, step) for name, value, step in metrics
        ]
        for start in range(0, len(entries), 1000):
            client.log_batch(run_id, metrics=entries[start : start + 1000])

    def _restore_tracking(self, mlflow: Any) -> None:
        """In a worker process, log to the same server and experiment as the main process."""
        if self._home and self._home["process"] != os.getpid():
            mlflow.set_tracking_uri(self._home["uri"])
            if self._home["experiment"] is not None:
                mlflow.set_experiment(experiment_id=self._home["experiment"])

    def __getstate__(self) -> dict[str, Any]:
        """Settings, with the current tracking server and experiment."""
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
    """Place of the fit in a search or another meta-estimator; empty for an estimator alone or in a pipeline."""
    steps = []
    while context is not None:
        if context.source_task_name not in (None, "fit-final-estimator") or context.task_name not in ("fit",):
            steps.append(f"{context.source_task_name or context.task_name} {context.task_id}")
        context = context.parent
    return ", ".join(reversed(steps))
