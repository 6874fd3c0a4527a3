"""How much each of several predictors counts, task by task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import nnls

from ..kernels._moments import means

# How far a task's weights may be drawn to those that are best for all tasks together.
_SHARES = (0.0, 0.5, 1.0)
_PARTS = 5
# Directions in which the predictors differ by less than this part of the most are rounding errors.
_RANK = 1e-14
# A predictor goes where without it the squared held-out errors grow by no more than this part, on average and at most.
_WORTH, _MOST_LOST = 0.001, 0.005


@dataclass(frozen=True)
class _Problem:
    """Least squares of one or more tasks: sums over the rows, apart for each of some parts of them.

    ``products`` is (n_parts, n_predictors, n_predictors) of predictions, ``moments`` (n_parts, n_predictors) of these
    with the values, ``size`` (n_parts,) of squared values, ``known`` (n_parts,) the number of labels.
    """

    products: np.ndarray
    moments: np.ndarray
    size: np.ndarray
    known: np.ndarray

    @classmethod
    def of(cls, predictions: Sequence[np.ndarray], values: np.ndarray, weights: np.ndarray, columns: slice) -> _Problem:
        """One task: a column, or a class a column; weighty as any other, whatever its size."""
        rows = np.flatnonzero(weights[:, columns].any(axis=1))
        own, counts = values[rows, columns], weights[rows, columns]
        total = (counts * (own - means(own, counts)) ** 2).sum()
        root = np.sqrt(counts / (total if total > 0 else 1.0))
        # Which part a row is in must not hang on where it stands: rows may come in turns.
        part = np.random.default_rng(0).permutation(len(rows)) % _PARTS
        n = len(predictions)
        products, moments, size, known = np.empty((_PARTS, n, n)), np.empty((_PARTS, n)), np.empty(_PARTS), []
        for number in range(_PARTS):
            some = part == number
            seen = np.stack([(one[rows[some], columns] * root[some]).ravel() for one in predictions])
            wanted = (own[some] * root[some]).ravel()
            products[number], moments[number], size[number] = seen @ seen.T, seen @ wanted, wanted @ wanted
            known.append(np.count_nonzero(counts[some]))
        return cls(products, moments, size, np.array(known))

    @property
    def tells(self) -> bool:
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
        """Non-negative weights; equal ones where nothing is told, or labels are fewer than predictors.

        Stacked regression (Breiman, 1996): least squares with weights that are not negative. A predictor that adds
        nothing to the others gets a weight of zero.
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
    """Weights of predictors for each task, drawn to what all tasks agree on as far as it helps them.

    A task's few rows say little; what is good for one task often is for others. How far weights are drawn together,
    not at all, half way or all the way, is the same for all tasks, and decided on parts of the rows left out.

    A predictor without which the others do as well gets no weight in any task, and the others' are found anew: it
    need not be asked when predicting.

    Parameters
    ----------
    predictions : sequence of ndarray of shape (n_rows, n_columns)
        Out-of-fold predictions of each predictor, in the units of ``values``.
    values, weights : ndarray of shape (n_rows, n_columns)
        Targets and weights of the labels; 0 marks a missing one.
    task_of_column : ndarray of shape (n_columns,)
        A regression has one column, a classification one a class, whose weights are the same.
    kept : sequence of int, default=()
        Predictors that are not to be left out.

    Returns
    -------
    ndarray of shape (n_predictors, n_tasks)
        The weights.
    """
    ends = np.searchsorted(task_of_column, np.arange(task_of_column[-1] + 2))
    columns = [slice(start, stop) for start, stop in zip(ends[:-1], ends[1:], strict=True)]
    problems = [_Problem.of(predictions, values, weights, own) for own in columns]
    found = np.zeros((len(predictions), len(problems)))
    some = _worth_asking(problems, kept)
    found[some] = _weights([problem.of_predictors(some) for problem in problems])
    return found


def _worth_asking(problems: Sequence[_Problem], kept: Sequence[int]) -> np.ndarray:
    """Which predictors to ask: one after the other goes, whichever is missed the least."""
    n_predictors = problems[0].products.shape[1]
    informative = [one for one in problems if one.tells and one.products.any() and one.known.sum() >= n_predictors]
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
    """Squared errors (n_problems,) of the best weights of some predictors."""
    reduced = [problem.of_predictors(some) for problem in problems]
    return np.maximum([problem.error(problem.solved()) for problem in reduced], np.finfo(np.float64).tiny)


def _weights(problems: Sequence[_Problem]) -> np.ndarray:
    own = _each(problems)
    if sum(problem.tells for problem in problems) < 2:
        return own
    share = _best_share(problems)
    return own if share == 0 else (1 - share) * own + share * _common(problems)


def _best_share(problems: Sequence[_Problem]) -> float:
    """The one with the least held-out errors: relative ones, so that tasks with large errors do not decide alone."""
    errors = np.zeros((len(_SHARES), len(problems)))
    for part in range(_PARTS):
        kept = [problem.without(part) for problem in problems]
        left = [problem.only(part) for problem in problems]
        own, common = _each(kept), _common(kept)
        for number, share in enumerate(_SHARES):
            chosen = (1 - share) * own + share * common
            errors[number] += [problem.error(column) for problem, column in zip(left, chosen.T, strict=True)]
    informative = errors[:, [problem.tells for problem in problems]]
    return _SHARES[int(np.log(np.maximum(informative, np.finfo(np.float64).tiny)).sum(axis=1).argmin())]


def _each(problems: Sequence[_Problem]) -> np.ndarray:
    """Weights (n_predictors, n_tasks) of each problem on its own."""
    return np.column_stack([problem.solved() for problem in problems])


def _common(problems: Sequence[_Problem]) -> np.ndarray:
    """Weights (n_predictors, 1) of all problems as one."""
    informative = [problem for problem in problems if problem.tells] or list(problems)
    products, moments = (sum(getattr(one, name) for one in informative) for name in ("products", "moments"))
    size, known = (sum(getattr(one, name) for one in informative) for name in ("size", "known"))
    return _Problem(products, moments, size, known).solved()[:, None]
