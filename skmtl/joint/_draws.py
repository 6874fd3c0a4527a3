"""Joint draws of errors: entire rows of out-of-fold errors, as ranks (an empirical copula).

Ranks that a row does not determine are drawn given its other ranks, as in a Gaussian copula: the ranks of missing
labels, and the position of a class within its probability interval. This position must depend on the other errors. If
it were uniform, rows with other probabilities would lose most of the dependence between classes and errors.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from ._columns import ErrorColumns
from ._correlation import correlation_of

# Gibbs sweeps over all undetermined ranks.
_SWEEPS = 15
# Ranks keep at least this distance from 0 and 1.
_LEAST = 1e-9


@dataclass(frozen=True)
class Copula:
    """Ranks of rows' errors, and the sorted errors that they refer to.

    Attributes
    ----------
    ranks : ndarray of shape (n_rows, n_tasks)
        Between 0 and 1; for a classification, inside the probability interval of its class.
    sorted_errors : tuple of ndarray
        Errors of each regression, ascending; empty for a classification.
    """

    ranks: np.ndarray
    sorted_errors: tuple[np.ndarray, ...]

    @classmethod
    def of(
        cls, errors: np.ndarray, proba: list[np.ndarray | None], codes: np.ndarray, columns: ErrorColumns, seed: int
    ) -> Copula:
        """Build from out-of-fold errors, out-of-fold class probabilities, and class codes."""
        random = np.random.default_rng(seed)
        shape = (len(errors), len(columns.widths))
        lower, upper, sorted_errors = np.zeros(shape), np.ones(shape), []
        for task, probabilities in enumerate(proba):
            own = errors[:, columns.of_task(task).start]
            seen = ~np.isnan(own)
            if probabilities is None:
                lower[seen, task] = upper[seen, task] = _ranks(own[seen], random)
                sorted_errors.append(np.sort(own[seen]))
            else:
                ends = _probability_interval(probabilities[seen], codes[seen, task].astype(int))
                lower[seen, task], upper[seen, task] = ends
                sorted_errors.append(np.empty(0))
        lower, upper = (np.clip(end, _LEAST, 1.0 - _LEAST) for end in (lower, upper))
        missing = np.isnan(errors[:, [columns.of_task(task).start for task in range(len(proba))]])
        return cls(_drawn_ranks(lower, upper, missing, random), tuple(sorted_errors))

    def draws(self, rows: np.ndarray, task: int) -> np.ndarray:
        """Return the errors of a regression in these rows, an array of any shape."""
        known = self.sorted_errors[task]
        if len(known) == 0:
            return np.zeros(rows.shape)
        place = np.ceil(self.ranks[rows, task] * (len(known) + 1)).astype(int) - 1
        return known[np.clip(place, 0, len(known) - 1)]

    def classes(self, rows: np.ndarray, proba: np.ndarray, task: int) -> np.ndarray:
        """Return class codes, (n, n_draws), for ``rows`` of that shape and ``proba`` (n, n_classes)."""
        upper = np.cumsum(proba, axis=1)
        below = self.ranks[rows, task][:, :, None] >= upper[:, None, :-1]
        return below.sum(axis=2)


def _ranks(values: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return ranks in (0, 1), with ties in random order."""
    order = np.lexsort((random.random(len(values)), values))
    ranks = np.empty(len(values))
    ranks[order] = np.arange(1, len(values) + 1)
    return ranks / (len(values) + 1)


def _probability_interval(proba: np.ndarray, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of the interval of each row's class in the cumulative probabilities."""
    upper, own = np.cumsum(proba, axis=1), np.arange(len(codes))
    return np.where(codes > 0, upper[own, codes - 1], 0.0), upper[own, codes]


def _drawn_ranks(lower: np.ndarray, upper: np.ndarray, missing: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Draw ranks between these ends, each given the others of its row, with the correlation of the observed ones."""
    undetermined = upper > lower
    ranks = np.where(undetermined, lower + random.random(lower.shape) * (upper - lower), lower)
    if not undetermined.any():
        return ranks
    normal, low, high = ndtri(ranks), ndtri(lower), ndtri(upper)
    for _ in range(_SWEEPS):
        precision = np.linalg.inv(correlation_of(np.where(missing, np.nan, normal)))
        for task in np.flatnonzero(undetermined.any(axis=0)):
            rows, own = np.flatnonzero(undetermined[:, task]), precision[task, task]
            mean = normal[rows, task] - normal[rows] @ precision[task] / own
            normal[rows, task] = _between(mean, own**-0.5, low[rows, task], high[rows, task], random)
    return np.where(undetermined, np.clip(ndtr(normal), lower, upper), lower)


def _between(
    mean: np.ndarray, deviation: float, low: np.ndarray, high: np.ndarray, random: np.random.Generator
) -> np.ndarray:
    """Draw from normal distributions truncated to two ends."""
    first, last = ndtr((low - mean) / deviation), ndtr((high - mean) / deviation)
    place = np.clip(first + random.random(len(mean)) * (last - first), _LEAST, 1.0 - _LEAST)
    return np.clip(mean + deviation * ndtri(place), low, high)
