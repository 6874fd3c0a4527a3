"""Joint draws of errors: whole rows of errors that were made, in their ranks (an empirical copula).

What is not seen of a row's ranks is drawn given the rest, as in a Gaussian copula: that of a missing label, and where a
class lies within its share. The latter has to go with the other errors: wherever it lay at random, a row of other
probabilities would take over little of how classes and errors go together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from ._columns import ErrorColumns
from ._correlation import correlation_of

# So often everything that is not seen is drawn anew.
_SWEEPS = 15
# No rank is nearer to 0 or 1.
_LEAST = 1e-9


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
        cls, errors: np.ndarray, proba: list[np.ndarray | None], codes: np.ndarray, columns: ErrorColumns, seed: int
    ) -> Copula:
        """From out-of-fold errors, out-of-fold probabilities of classifications, and the codes of their classes."""
        random = np.random.default_rng(seed)
        shape = (len(errors), len(columns.widths))
        lower, upper, known = np.zeros(shape), np.ones(shape), []
        for task, probabilities in enumerate(proba):
            own = errors[:, columns.of_task(task).start]
            seen = ~np.isnan(own)
            if probabilities is None:
                lower[seen, task] = upper[seen, task] = _ranks(own[seen], random)
                known.append(np.sort(own[seen]))
            else:
                ends = _share(probabilities[seen], codes[seen, task].astype(int))
                lower[seen, task], upper[seen, task] = ends
                known.append(np.empty(0))
        lower, upper = (np.clip(end, _LEAST, 1.0 - _LEAST) for end in (lower, upper))
        missing = np.isnan(errors[:, [columns.of_task(task).start for task in range(len(proba))]])
        return cls(_completed(lower, upper, missing, random), tuple(known))

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


def _share(proba: np.ndarray, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Ends of the share of each row's class, the classes' probabilities one after the other."""
    upper, own = np.cumsum(proba, axis=1), np.arange(len(codes))
    return np.where(codes > 0, upper[own, codes - 1], 0.0), upper[own, codes]


def _completed(lower: np.ndarray, upper: np.ndarray, missing: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Ranks between these ends, each drawn given its row's others; how they go together is what the seen ones say."""
    open_ = upper > lower
    ranks = np.where(open_, lower + random.random(lower.shape) * (upper - lower), lower)
    if not open_.any():
        return ranks
    normal, low, high = ndtri(ranks), ndtri(lower), ndtri(upper)
    for _ in range(_SWEEPS):
        precision = np.linalg.inv(correlation_of(np.where(missing, np.nan, normal)))
        for task in np.flatnonzero(open_.any(axis=0)):
            rows, own = np.flatnonzero(open_[:, task]), precision[task, task]
            mean = normal[rows, task] - normal[rows] @ precision[task] / own
            normal[rows, task] = _between(mean, own**-0.5, low[rows, task], high[rows, task], random)
    return np.where(open_, np.clip(ndtr(normal), lower, upper), lower)


def _between(
    mean: np.ndarray, deviation: float, low: np.ndarray, high: np.ndarray, random: np.random.Generator
) -> np.ndarray:
    """Normal draws between two ends."""
    first, last = ndtr((low - mean) / deviation), ndtr((high - mean) / deviation)
    place = np.clip(first + random.random(len(mean)) * (last - first), _LEAST, 1.0 - _LEAST)
    return np.clip(mean + deviation * ndtri(place), low, high)
