"""Joint draws of errors: whole rows of errors that were made, in their ranks (an empirical copula)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from ._columns import ErrorColumns


@dataclass(frozen=True)
class Copula:
    """Ranks of rows' errors, and the errors that they are ranks of.

    Attributes
    ----------
    ranks : ndarray of shape (n_rows, n_tasks)
        Between 0 and 1; of a classification, somewhere in the share of its class.
    sorted_errors : tuple of ndarray
        Errors of each regression, ascending; empty for a classification.
    """

    ranks: np.ndarray
    sorted_errors: tuple[np.ndarray, ...]

    @classmethod
    def of(
        cls,
        errors: np.ndarray,
        proba: list[np.ndarray | None],
        codes: np.ndarray,
        columns: ErrorColumns,
        correlation: np.ndarray,
        seed: int,
    ) -> Copula:
        """From out-of-fold errors; what is missing in a row is drawn given the rest of it, as in a Gaussian copula."""
        random = np.random.default_rng(seed)
        ranks, known = np.full((len(errors), len(columns.widths)), np.nan), []
        for task, probabilities in enumerate(proba):
            own = errors[:, columns.of_task(task).start]
            seen = ~np.isnan(own)
            if probabilities is None:
                ranks[seen, task] = _ranks(own[seen], random)
                known.append(np.sort(own[seen]))
            else:
                ranks[seen, task] = _class_ranks(probabilities[seen], codes[seen, task].astype(int), random)
                known.append(np.empty(0))
        return cls(_completed(ranks, _one_column_a_task(correlation, columns), random), tuple(known))

    def draws(self, rows: np.ndarray, task: int) -> np.ndarray:
        """Errors of a regression in these rows, of any shape."""
        known = self.sorted_errors[task]
        if len(known) == 0:
            return np.zeros(rows.shape)
        place = np.ceil(self.ranks[rows, task] * (len(known) + 1)).astype(int) - 1
        return known[np.clip(place, 0, len(known) - 1)]

    def classes(self, rows: np.ndarray, proba: np.ndarray, task: int) -> np.ndarray:
        """Codes of classes, (n, n_draws), for ``rows`` of that shape and ``proba`` (n, n_classes)."""
        upper = np.cumsum(proba, axis=1)
        below = self.ranks[rows, task][:, :, None] >= upper[:, None, :-1]
        return below.sum(axis=2)


def _ranks(values: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Ranks in (0, 1); those of equal values in random order."""
    order = np.lexsort((random.random(len(values)), values))
    ranks = np.empty(len(values))
    ranks[order] = np.arange(1, len(values) + 1)
    return ranks / (len(values) + 1)


def _class_ranks(proba: np.ndarray, codes: np.ndarray, random: np.random.Generator) -> np.ndarray:
    upper = np.cumsum(proba, axis=1)
    own = np.arange(len(codes))
    lower = np.where(codes > 0, upper[own, np.maximum(codes - 1, 0)], 0.0)
    return np.clip(lower + random.random(len(codes)) * proba[own, codes], 1e-9, 1 - 1e-9)


def _one_column_a_task(correlation: np.ndarray, columns: ErrorColumns) -> np.ndarray:
    first = [columns.of_task(task).start for task in range(len(columns.widths))]
    return correlation[np.ix_(first, first)]


def _completed(ranks: np.ndarray, correlation: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Ranks with a draw wherever one is missing."""
    missing = np.isnan(ranks)
    if not missing.any():
        return ranks
    normal = ndtri(ranks)
    for row in np.flatnonzero(missing.any(axis=1)):
        gap, seen = np.flatnonzero(missing[row]), np.flatnonzero(~missing[row])
        slopes = np.linalg.solve(correlation[np.ix_(seen, seen)], correlation[np.ix_(seen, gap)])
        left = correlation[np.ix_(gap, gap)] - correlation[np.ix_(gap, seen)] @ slopes
        values, vectors = np.linalg.eigh(left)
        noise = vectors @ (np.sqrt(np.maximum(values, 0.0)) * random.normal(size=len(gap)))
        normal[row, gap] = normal[row, seen] @ slopes + noise
    return np.clip(ndtr(normal), 1e-9, 1 - 1e-9)
