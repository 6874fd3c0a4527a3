"""Weights of several predictors, task by task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import nnls

from ..kernels._moments import means

# Degrees of shrinkage to try: how far a task's weights are drawn to the common weights of all tasks.
_SHARES = (0.0, 0.5, 1.0)
_PARTS = 5
# Eigenvalues below this share of the largest are rounding errors.
_RANK = 1e-14
# A predictor is dropped if squared held-out errors grow by no more than this share without it: on average, and at most.
_WORTH, _MOST_LOST = 0.001, 0.005


@dataclass(frozen=True)
class _Problem:
    """Least squares of one or more tasks, as sums over the rows of each of several parts.

    ``products`` is (n_parts, n_predictors, n_predictors) of predictions, ``moments`` (n_parts, n_predictors) of these
    with the values, ``size`` (n_parts,) of squared values, ``known`` (n_parts,) the number of labels.
    """

    products: np.ndarray
    moments: np.ndarray
    size: np.ndarray
    known: np.ndarray

    @classmethod
    def of(cls, predictions: Sequence[np.ndarray], values: np.ndarray, weights: np.ndarray, columns: slice) -> _Problem:
        """Build the problem of one task, scaled so that all tasks count the same; a class is a column."""
        rows = np.flatnonzero(weights[:, columns].any(axis=1))
        own, counts = values[rows, columns], weights[rows, columns]
        total = (counts * (own - means(own, counts)) ** 2).sum()
        root = np.sqrt(counts / (total if total > 0 else 1.0))
        # Parts are drawn at random, since the order of the rows may be periodic.
        part = np.random.default_rng(0).permutation(len(rows)) % _PARTS
        n = len(predictions)
        products, moments, size, known = np.empty((_PARTS, n, n)), np.empty((_PARTS, n)), np.empty(_PARTS), []
        for number in range(_PARTS):
            some = part == number
            predicted = np.stack([(one[rows[some], columns] * root[some]).ravel() for one in predictions])
            truth = (own[some] * root[some]).ravel()
            products[number], moments[number] = predicted @ predicted.T, predicted @ truth
            size[number] = truth @ truth
            known.append(np.count_nonzero(counts[some]))
        return cls(products, moments, size, np.array(known))

    @property
    def informative(self) -> bool:
        return bool(self.size.any())

    def without(self, part: int) -> _Problem:
        return _Problem(*(np.delete(sums, part, axis=0) for sums in self._sums))

    def only(self, part: int) -> _Problem:
        return _Problem(*(sums[[part]] for sums in self._sums))

    @property
    def _sums(self) -> tuple[np.ndarray, ...]:
        return self.products, self.moments, self.size, self.known

    def of_predictors(self, some: np.ndarray) -> _Problem:
        return replace(self, products=self.products[:, some][:, :, some], moments=self.moments[:, some])

    def solved(self) -> np.ndarray:
        """Return non-negative weights; equal ones if predictions are all 0 or there are fewer labels than predictors.

        Stacked regression (Breiman, 1996): least squares with non-negative weights. A predictor that adds nothing to
        the others gets a weight of zero.
        """
        products = self.products.sum(axis=0)
        equal = np.full(len(products), 1.0 / len(products))
        if self.known.sum() < len(products) or not products.any():
            return equal
        squares, v = np.linalg.eigh(products)
        kept = squares > _RANK * squares[-1]
        root = np.sqrt(squares[kept])
        solution, _ = nnls(root[:, None] * v[:, kept].T, v[:, kept].T @ self.moments.sum(axis=0) / root)
        return solution if solution.any() else equal

    def error(self, chosen: np.ndarray) -> float:
        moments, products = self.moments.sum(axis=0), self.products.sum(axis=0)
        return max(0.0, float(self.size.sum() - 2 * chosen @ moments + chosen @ products @ chosen))


def weights_by_task(
    predictions: Sequence[np.ndarray],
    values: np.ndarray,
    weights: np.ndarray,
    task_of_column: np.ndarray,
    kept: Sequence[int] = (),
) -> np.ndarray:
    """Weigh predictors for each task, with shrinkage towards the common weights of all tasks.

    A few rows tell little about a task, and what is good for one task is often good for others. The degree of
    shrinkage (none, half or full) is the same for all tasks and chosen on held-out parts of the rows.

    A predictor that the others can do without gets no weight in any task, and the others are weighed again. It need not
    be computed in predictions.

    Parameters
    ----------
    predictions : sequence of ndarray of shape (n_rows, n_columns)
        Out-of-fold predictions of each predictor, in the units of ``values``.
    values, weights : ndarray of shape (n_rows, n_columns)
        Targets and weights of the labels; 0 marks a missing one.
    task_of_column : ndarray of shape (n_columns,)
        A regression has one column, a classification one per class, with the same weights.
    kept : sequence of int, default=()
        Predictors that are never dropped.

    Returns
    -------
    ndarray of shape (n_predictors, n_tasks)
        The weights.
    """
    ends = np.searchsorted(task_of_column, np.arange(task_of_column[-1] + 2))
    columns = [slice(start, stop) for start, stop in zip(ends[:-1], ends[1:], strict=True)]
    problems = [_Problem.of(predictions, values, weights, own) for own in columns]
    out = np.zeros((len(predictions), len(problems)))
    some = _needed_predictors(problems, kept)
    out[some] = _weights([problem.of_predictors(some) for problem in problems])
    return out


def _needed_predictors(problems: Sequence[_Problem], kept: Sequence[int]) -> np.ndarray:
    """Return the predictors to keep, by dropping the one that is missed least until all are needed."""
    n_predictors = problems[0].products.shape[1]
    informative = [
        one for one in problems if one.informative and one.products.any() and one.known.sum() >= n_predictors
    ]
    some = np.arange(n_predictors)
    errors = _errors(informative, some)
    while len(some) > 1 and informative:
        fewer = [np.delete(some, i) for i in range(len(some)) if some[i] not in kept]
        lost = [_errors(informative, rest) / errors - 1 for rest in fewer]
        cheap = [(one.mean(), rest) for one, rest in zip(lost, fewer, strict=True) if one.max() <= _MOST_LOST]
        if not cheap or min(mean for mean, _ in cheap) > _WORTH:
            break
        some = min(cheap, key=lambda pair: pair[0])[1]
    return some


def _errors(problems: Sequence[_Problem], some: np.ndarray) -> np.ndarray:
    """Return the squared errors (n_problems,) of the best weights of some predictors."""
    reduced = [problem.of_predictors(some) for problem in problems]
    return np.maximum([problem.error(problem.solved()) for problem in reduced], np.finfo(np.float64).tiny)


def _weights(problems: Sequence[_Problem]) -> np.ndarray:
    own = _each(problems)
    if sum(problem.informative for problem in problems) < 2:
        return own
    share = _best_share(problems)
    return own if share == 0 else (1 - share) * own + share * _common(problems)


def _best_share(problems: Sequence[_Problem]) -> float:
    """Return the share with the least held-out errors, relative ones so that no task dominates."""
    errors = np.zeros((len(_SHARES), len(problems)))
    for part in range(_PARTS):
        kept = [problem.without(part) for problem in problems]
        left = [problem.only(part) for problem in problems]
        own, common = _each(kept), _common(kept)
        for number, share in enumerate(_SHARES):
            chosen = (1 - share) * own + share * common
            errors[number] += [problem.error(column) for problem, column in zip(left, chosen.T, strict=True)]
    informative = errors[:, [problem.informative for problem in problems]]
    return _SHARES[int(np.log(np.maximum(informative, np.finfo(np.float64).tiny)).sum(axis=1).argmin())]


def _each(problems: Sequence[_Problem]) -> np.ndarray:
    """Return the weights (n_predictors, n_tasks) of each problem on its own."""
    return np.column_stack([problem.solved() for problem in problems])


def _common(problems: Sequence[_Problem]) -> np.ndarray:
    """Return the weights (n_predictors, 1) of all problems as one."""
    informative = [problem for problem in problems if problem.informative] or list(problems)
    products, moments = (sum(getattr(one, name) for one in informative) for name in ("products", "moments"))
    size, known = (sum(getattr(one, name) for one in informative) for name in ("size", "known"))
    return _Problem(products, moments, size, known).solved()[:, None]
