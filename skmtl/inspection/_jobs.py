"""Fit and score estimators on folds: one by one in several processes, or together in this process."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.utils import _safe_indexing

from ..metrics._inputs import present
from ..metrics._metric import Metric
from ..metrics._responses import Responses
from ..metrics._table import score_table
from ..model_selection._fit_many import FitCall
from ..model_selection._fits import fits_of
from ..model_selection._folds import batches_in_memory
from ..model_selection._progress import Done
from ..targets import TargetColumns
from ._estimators import core, count_parameters, needs_matrix


@dataclass(frozen=True)
class Table:
    """X and y as given, the columns of y, and the metric of each task to score."""

    X: Any
    y: Any
    columns: TargetColumns
    metrics: dict[int, Metric]


@dataclass(frozen=True)
class Job:
    """An estimator to fit in a fold, on all tasks together (``task`` None) or on one."""

    label: str
    estimator: Any
    fold: int
    train: np.ndarray
    test: np.ndarray
    task: int | None = None


@dataclass(frozen=True)
class Outcome:
    """Scores by task (NaN if undefined), time and size of the fit; ``spec`` is the structure of a joint network."""

    label: str
    fold: int
    task: int | None
    scores: dict[int, float]
    fit_time: float
    n_parameters: float
    spec: Any = None


def run(job: Job, table: Table) -> Outcome:
    """Fit the estimator of a job and score it on the test rows of the fold."""
    with _naming_the_fit(job, table):
        X, y = _training_rows(job, table)
        start = time.perf_counter()
        fitted = job.estimator.fit(X, y)
        return _outcome(fitted, job, table, time.perf_counter() - start)


def run_together(jobs: Sequence[Job], table: Table, done: Done | None = None) -> list[Outcome]:
    """Fit and score all jobs; skmtl's networks of the same structure are trained together.

    The time of a fit is its share of the total time. ``done`` is called with the number of fits that have ended.
    """
    outcomes = []
    for batch in batches_in_memory(table.X, len(jobs)):
        calls = [_call(jobs[number], table) for number in batch]
        with fits_of(calls, done=done) as fits:
            for place, (number, call) in enumerate(zip(batch, calls, strict=True)):
                fitted = fits.result(place)
                with _naming_the_fit(jobs[number], table):
                    if fitted.error is not None:
                        raise fitted.error
                    outcomes.append(_outcome(call.estimator, jobs[number], table, fitted.seconds))
    return outcomes


def _call(job: Job, table: Table) -> FitCall:
    with _naming_the_fit(job, table):
        X, y = _training_rows(job, table)
    return FitCall(job.estimator, X, y, rows=(job.fold, job.task, getattr(y, "ndim", None)))


@contextmanager
def _naming_the_fit(job: Job, table: Table) -> Iterator[None]:
    """Add the fold and the estimator to any error."""
    try:
        yield
    except Exception as error:
        task = "all tasks" if job.task is None else f"the task {table.columns.names[job.task]!r}"
        error.add_note(f"This happened in fold {job.fold} with the estimator {job.label!r}, fitted to {task}.")
        raise


def _outcome(fitted: Any, job: Job, table: Table, fit_time: float) -> Outcome:
    tasks = list(table.metrics) if job.task is None else [job.task]
    scores = _scores(fitted, job, table, tasks)
    spec = getattr(getattr(core(fitted), "network_", None), "spec", None)
    return Outcome(job.label, job.fold, job.task, scores, fit_time, count_parameters(fitted), spec)


def _training_rows(job: Job, table: Table) -> tuple[Any, Any]:
    if job.task is None:
        return _safe_indexing(table.X, job.train), _safe_indexing(table.y, job.train)
    rows = job.train[table.columns.observed[job.task][job.train]]
    if len(rows) == 0:
        name = table.columns.names[job.task]
        raise ValueError(
            f"Task {name!r} has no label in the training rows of a fold; use fewer folds, or drop it from y."
        )
    # An array has no column name, so baselines of similar tasks are the same network and share a compiled program.
    labels = present(table.columns, job.task, rows)
    return _safe_indexing(table.X, rows), labels[:, None] if needs_matrix(job.estimator) else labels


def _scores(fitted: Any, job: Job, table: Table, tasks: Sequence[int]) -> dict[int, float]:
    rows = job.test if job.task is None else job.test[table.columns.observed[job.task][job.test]]
    if len(rows) == 0:
        return dict.fromkeys(tasks, float("nan"))
    every = range(len(table.columns.names)) if job.task is None else tasks
    targets = _part(table.columns, every, rows)
    responses = Responses.of_estimator(fitted, _safe_indexing(table.X, rows), targets)
    plan = {list(every).index(task): [table.metrics[task]] for task in tasks}
    with warnings.catch_warnings():
        # One warning for all folds is given at the end.
        warnings.simplefilter("ignore", UndefinedMetricWarning)
        scores = score_table(targets, responses, plan, None, stacklevel=1)
    return {task: float(scores.iloc[row].max()) for row, task in enumerate(tasks)}


def _part(columns: TargetColumns, tasks: Sequence[int] | range, rows: np.ndarray) -> TargetColumns:
    selected = columns.of_tasks(tasks)
    return replace(
        selected,
        values=tuple(values[rows] for values in selected.values),
        observed=tuple(observed[rows] for observed in selected.observed),
        one_dimensional=len(tasks) == 1,
    )
