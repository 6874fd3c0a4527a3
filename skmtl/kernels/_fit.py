"""Fit a kernel model, with penalties, width and relevance of columns chosen by held-out errors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ._features import MOST_POINTS
from ._kernel import Kernel, KernelName
from ._model import KernelModel
from ._moments import totals
from ._relevance import relevance_of
from ._ridge import Fitted, choose_width, fit_ridge, kernel_of
from ._targets import Targets, folds_within

# Most rows that a kernel model is fitted to; it predicts the others as unseen rows. With some hundred points, more rows
# do not improve it.
MOST_ROWS = 15_000
# Rows that the relevance of columns is learned from.
_RELEVANCE_ROWS = 800
# How often relevance is learned again from a regression on columns scaled by it.
_RELEVANCE_ROUNDS = 2
# With few rows, and fewer per column than this, held-out rows are predicted with the relevance that other rows show;
# the rows are split into this many parts.
_ROWS_PER_COLUMN, _RELEVANCE_PARTS = 20, 4
# Most multiplications for the decompositions of tasks with different rows, in total.
_BUDGET = 4e11


def fit_kernel_model(
    name: KernelName,
    rows: np.ndarray,
    values: np.ndarray,
    weights: np.ndarray,
    folds: Sequence[np.ndarray],
    seed: int,
    task_of_column: np.ndarray | None = None,
) -> tuple[KernelModel, np.ndarray] | None:
    """Fit a kernel model, and predict every row out of fold.

    Parameters
    ----------
    name : {"linear", "rbf", "laplacian"}
        Kernel.
    rows : ndarray of shape (n_rows, n_columns), float64
        Encoded features.
    values, weights : ndarray of shape (n_rows, n_targets), float64
        Targets and weights of the labels; 0 marks a missing one.
    folds : sequence of ndarray
        Disjoint parts of the rows that cover them.
    seed : int
        Seed of the samples that are drawn if there are many rows.
    task_of_column : ndarray of shape (n_targets,), default=None
        The task of each target. Targets of a task are adjacent, have the same weights and get the same penalty. With
        None, each target is a task.

    Returns
    -------
    (KernelModel, ndarray of shape (n_rows, n_targets)) or None
        The kernel model and its out-of-fold predictions. A row without a label of a task is predicted by the kernel
        model itself, which has not seen one. None if tasks with different rows would take too long, or if the numbers
        are too extreme for a solution.
    """
    tasks = np.arange(values.shape[1]) if task_of_column is None else task_of_column
    try:
        fitted = _fit_kernel_model(name, rows, Targets(values, weights, tasks), folds, seed)
    except np.linalg.LinAlgError:
        return None
    return fitted if fitted is not None and np.isfinite(fitted[1]).all() else None


def _fit_kernel_model(
    name: KernelName, rows: np.ndarray, targets: Targets, folds: Sequence[np.ndarray], seed: int
) -> Fitted | None:
    if len(rows) > MOST_ROWS:
        return _fit_to_some(name, rows, targets, folds, seed)
    rng = np.random.default_rng(seed)
    if not _affordable(name, rows, targets):
        return None
    if name == "linear":
        return fit_ridge(Kernel(name), rows, targets, folds, np.ones(rows.shape[1]), rng)
    reduced = targets.reduced()
    sample = (rows, reduced, folds)
    if len(rows) > _RELEVANCE_ROWS:
        some = _rows_of_all_tasks(reduced.weights_by_task, _RELEVANCE_ROWS, rng)
        sample = (rows[some], reduced.of_rows(some), folds_within(folds, some, len(rows)))
    widths, relevance, fitted = _learned_relevance(name, *sample, rng)
    if len(rows) > _RELEVANCE_ROWS:
        kernel, width = choose_width(name, rows, reduced, folds, relevance, rng)
        fitted, widths = fit_ridge(kernel, rows, targets, folds, relevance, rng), [*widths[:-1], width]
    elif reduced is not targets:
        fitted = fit_ridge(fitted[0].kernel, rows, targets, folds, relevance, rng)
    # With few rows and many columns, the relevance would depend too much on the held-out rows themselves. (The width
    # and the penalty depend on them as well, but these are single numbers.)
    if len(widths) > 1 and len(rows) <= min(_RELEVANCE_ROWS, _ROWS_PER_COLUMN * rows.shape[1]):
        crossed = _held_by_relevance_of_others(name, rows, targets, folds, widths, rng)
        return fitted[0], np.where(targets.weights > 0, crossed, fitted[1])
    return fitted


def _learned_relevance(
    name: KernelName, rows: np.ndarray, targets: Targets, folds: Sequence[np.ndarray], rng: np.random.Generator
) -> tuple[list[float], np.ndarray, Fitted]:
    """Learn relevance in several rounds, up to the one that predicts rows best out of fold.

    Return the kernel's width in each round, and the last round's relevance, kernel model and out-of-fold predictions.
    """
    relevance = np.ones(rows.shape[1])
    widths: list[float] = []
    errors: list[float] = []
    rounds: list[tuple[list[float], np.ndarray, Fitted]] = []
    for _ in range(1 + _RELEVANCE_ROUNDS):
        kernel, width = choose_width(name, rows, targets, folds, relevance, rng)
        fitted = fit_ridge(kernel, rows, targets, folds, relevance, rng)
        widths = [*widths, width]
        errors.append(_relative_error(fitted[1], targets))
        rounds.append((widths, relevance, fitted))
        relevance = relevance_of(fitted[0], rows, targets.variances, rng)
    return rounds[int(np.argmin(errors))]


def _held_by_relevance_of_others(
    name: KernelName,
    rows: np.ndarray,
    targets: Targets,
    folds: Sequence[np.ndarray],
    widths: Sequence[float],
    rng: np.random.Generator,
) -> np.ndarray:
    """Predict a quarter of the folds at a time, with the relevance learned from the other rows.

    ``widths`` are those of each round, and of the regression with the last round's relevance.
    """
    held = np.zeros(targets.values.shape)
    reduced = targets.reduced()
    parts = min(_RELEVANCE_PARTS, len(folds))
    for part in range(parts):
        own = np.concatenate(folds[part::parts])
        others = np.setdiff1d(np.arange(len(rows)), own)
        relevance = np.ones(rows.shape[1])
        if len(others):
            other_targets, other_rows = reduced.of_rows(others), rows[others]
            within = folds_within(folds, others, len(rows))
            for width in widths[:-1]:
                kernel = kernel_of(name, width, other_rows * relevance, rng)
                kernel_model, _ = fit_ridge(kernel, other_rows, other_targets, within, relevance, rng)
                relevance = relevance_of(kernel_model, other_rows, other_targets.variances, rng)
        kernel = kernel_of(name, widths[-1], rows * relevance, rng)
        held[own] = fit_ridge(kernel, rows, targets, folds, relevance, rng)[1][own]
    return held


def _rows_of_all_tasks(weights: np.ndarray, most: int, rng: np.random.Generator) -> np.ndarray:
    """Draw at most ``most`` rows with a label; all tasks are drawn equally often, so that none is missed."""
    known = weights > 0
    chance = (known / np.maximum(known.sum(axis=0), 1)).sum(axis=1)
    labelled = np.flatnonzero(chance)
    if len(labelled) <= most:
        return labelled
    return np.sort(rng.choice(labelled, most, replace=False, p=chance[labelled] / chance.sum()))


def _relative_error(held: np.ndarray, targets: Targets) -> float:
    """Return the root of squared errors relative to those of the mean, summed over columns."""
    variances = targets.variances
    errors = (targets.weights * (held - targets.values) ** 2).sum(axis=0) / totals(targets.weights)
    return float(np.sqrt(errors[variances > 0] / variances[variances > 0]).sum())


def _fit_to_some(
    name: KernelName, rows: np.ndarray, targets: Targets, folds: Sequence[np.ndarray], seed: int
) -> Fitted | None:
    some = _rows_of_all_tasks(targets.weights_by_task, MOST_ROWS, np.random.default_rng(seed))
    fitted = _fit_kernel_model(name, rows[some], targets.of_rows(some), folds_within(folds, some, len(rows)), seed)
    if fitted is None:
        return None
    held = fitted[0].predict(rows)
    held[some] = fitted[1]
    return fitted[0], held


def _affordable(name: KernelName, rows: np.ndarray, targets: Targets) -> bool:
    groups = list(targets.groups())
    if len(groups) == 1:
        return True
    largest = rows.shape[1] if name == "linear" else MOST_POINTS
    sizes = [np.count_nonzero(targets.weights[:, columns[0]]) for columns in groups]
    cost = sum(10.0 * min(size, largest) ** 3 + size * min(size, largest) ** 2 for size in sizes)
    return bool(cost <= _BUDGET)
