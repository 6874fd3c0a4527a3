"""How much each of several predictors counts, task by task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls

from ._moments import means

# How far a task's weights may be drawn to those that are best for all tasks together.
_SHARES = (0.0, 0.5, 1.0)
_PARTS = 5


@dataclass(frozen=True)
class _Problem:
    """Predictions (n_predictors, n), values and weights (n,), and which part of its rows each of n is in."""

    predictions: np.ndarray
    values: np.ndarray
    weights: np.ndarray
    part: np.ndarray

    @classmethod
    def of(cls, predictions: np.ndarray, values: np.ndarray, weights: np.ndarray) -> _Problem:
        """One task: a column, or a class a column, below each other; weighty as any other, whatever its size."""
        known = np.flatnonzero((weights > 0).any(axis=1))
        values, weights = values[known], weights[known]
        size = (weights * (values - means(values, weights)) ** 2).sum()
        weighed = weights.reshape(-1) / (size if size > 0 else 1.0)
        # Which part a row is in must not hang on where it stands: rows may come in turns.
        part = np.random.default_rng(0).permutation(len(known)) % _PARTS
        stacked = predictions[:, known].reshape(len(predictions), -1)
        return cls(stacked, values.reshape(-1), weighed, np.repeat(part, values.shape[1]))

    def only(self, kept: np.ndarray) -> _Problem:
        return _Problem(self.predictions[:, kept], self.values[kept], self.weights[kept], self.part[kept])

    @property
    def tells(self) -> bool:
        return bool(np.any(self.values))

    def solved(self) -> np.ndarray:
        return blend_weights(self.predictions[:, :, None], self.values[:, None], self.weights[:, None])[:, 0]

    def error(self, chosen: np.ndarray) -> float:
        return float(self.weights @ (self.values - chosen @ self.predictions) ** 2)


def weights_by_task(
    predictions: np.ndarray, values: np.ndarray, weights: np.ndarray, task_of_column: np.ndarray
) -> np.ndarray:
    """Weights of predictors for each task, drawn to what all tasks agree on as far as it helps them.

    A task's few rows say little; what is good for one task often is for others. How far weights are drawn together,
    not at all, half way or all the way, is the same for all tasks, and decided on parts of the rows left out.

    Parameters
    ----------
    predictions : ndarray of shape (n_predictors, n_rows, n_columns)
        Out-of-fold predictions, in the units of ``values``.
    values, weights : ndarray of shape (n_rows, n_columns)
        Targets and weights of the labels; 0 marks a missing one.
    task_of_column : ndarray of shape (n_columns,)
        A regression has one column, a classification one a class, whose weights are the same.

    Returns
    -------
    ndarray of shape (n_predictors, n_tasks)
        The weights.
    """
    problems = []
    for task in range(int(task_of_column[-1]) + 1):
        own = task_of_column == task
        problems.append(_Problem.of(predictions[:, :, own], values[:, own], weights[:, own]))
    own = _each(problems)
    if sum(problem.tells for problem in problems) < 2:
        return own
    share = _best_share(problems)
    return own if share == 0 else (1 - share) * own + share * _common(problems)


def _best_share(problems: Sequence[_Problem]) -> float:
    """The one with the least held-out errors: relative ones, so that tasks with large errors do not decide alone."""
    errors = np.zeros((len(_SHARES), len(problems)))
    for part in range(_PARTS):
        kept = [problem.only(problem.part != part) for problem in problems]
        left = [problem.only(problem.part == part) for problem in problems]
        own, common = _each(kept), _common(kept)
        for number, share in enumerate(_SHARES):
            chosen = (1 - share) * own + share * common
            errors[number] += [problem.error(column) for problem, column in zip(left, chosen.T, strict=True)]
    told = errors[:, [problem.tells for problem in problems]]
    return _SHARES[int(np.log(np.maximum(told, np.finfo(np.float64).tiny)).sum(axis=1).argmin())]


def _each(problems: Sequence[_Problem]) -> np.ndarray:
    """Weights (n_predictors, n_tasks) of each problem on its own."""
    return np.column_stack([problem.solved() for problem in problems])


def _common(problems: Sequence[_Problem]) -> np.ndarray:
    """Weights (n_predictors, 1) of all problems as one."""
    told = [problem for problem in problems if problem.tells] or list(problems)
    predictions = np.concatenate([problem.predictions for problem in told], axis=1)
    columns = (np.concatenate([getattr(one, name) for one in told]) for name in ("values", "weights", "part"))
    return _Problem(predictions, *columns).solved()[:, None]


def blend_weights(predictions: np.ndarray, values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Non-negative weights of predictors that were each fitted without the rows it predicts here.

    Stacked regression (Breiman, 1996): least squares with weights that are not negative. A predictor that adds
    nothing to the others gets a weight of zero.

    Parameters
    ----------
    predictions : ndarray of shape (n_predictors, n_rows, n_tasks)
        Out-of-fold predictions, centred as ``values`` are.
    values : ndarray of shape (n_rows, n_tasks)
        Targets.
    weights : ndarray of shape (n_rows, n_tasks)
        Weights of the labels; 0 marks a missing one.

    Returns
    -------
    ndarray of shape (n_predictors, n_tasks)
        The weights; equal ones for a task that tells nothing.
    """
    n_predictors, _, n_tasks = predictions.shape
    found = np.full((n_predictors, n_tasks), 1.0 / n_predictors)
    for task in range(n_tasks):
        rows = weights[:, task] > 0
        root = np.sqrt(weights[rows, task])
        matrix = predictions[:, rows, task].T * root[:, None]
        if rows.sum() < n_predictors or not np.any(matrix):
            continue
        solution, _ = nnls(matrix, values[rows, task] * root)
        if solution.any():
            found[:, task] = solution
    return found
