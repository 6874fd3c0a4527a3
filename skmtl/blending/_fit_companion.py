"""Fitting one companion: its penalties, width and columns' relevance chosen by held-out errors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ._companion import Companion, column_limits, label_limits
from ._kernel import Kernel, KernelName, typical_gamma
from ._kernel_features import MOST_POINTS, KernelFeatures
from ._moments import means, totals, variances
from ._relevance import relevance_of
from ._spectrum import Spectrum

# Rows that a companion is fitted to, at most; it predicts the others as rows it has not seen.
MOST_ROWS = 30_000
# Rows that the kernel's width is chosen on, and those that the columns' relevance is learned from.
_WIDTH_ROWS, _RELEVANCE_ROWS = 400, 800
_WIDTHS = (0.1, 0.3, 1.0, 3.0)
_PENALTIES = 10.0 ** np.arange(-5.0, 3.1, 0.5)
# Enough to tell widths from one another.
_COARSE_PENALTIES = _PENALTIES[::2]
# How often relevance is learned from a regression on columns that were multiplied by it.
_RELEVANCE_ROUNDS = 2
# With fewer rows a column than this, and few rows, what is held out is predicted by the relevance that other rows
# tell; so many parts of the rows take turns.
_ROWS_PER_COLUMN, _RELEVANCE_PARTS = 20, 4
# Multiplications that the decompositions for tasks with different rows may take, all together.
_BUDGET = 4e11


def fit_companion(
    name: KernelName,
    rows: np.ndarray,
    values: np.ndarray,
    weights: np.ndarray,
    folds: Sequence[np.ndarray],
    seed: int,
) -> tuple[Companion, np.ndarray] | None:
    """Fit one, and predict every row out of fold.

    Parameters
    ----------
    name : {"linear", "rbf", "laplacian"}
        Kernel.
    rows : ndarray of shape (n_rows, n_columns), float64
        Encoded features.
    values, weights : ndarray of shape (n_rows, n_tasks), float64
        Targets and weights of the labels; 0 marks a missing one.
    folds : sequence of ndarray
        Disjoint parts of the rows.
    seed : int
        Seed of what is sampled where there are many rows.

    Returns
    -------
    (Companion, ndarray of shape (n_rows, n_tasks)) or None
        The companion and its out-of-fold predictions; a row without a label of a task is predicted by the
        companion itself, which has not seen one. None where tasks with different rows would take too long, or
        numbers are so extreme that there is no solution.
    """
    try:
        fitted = _fit_companion(name, rows, values, weights, folds, seed)
    except np.linalg.LinAlgError:
        return None
    return fitted if fitted is not None and np.isfinite(fitted[1]).all() else None


def _fit_companion(
    name: KernelName,
    rows: np.ndarray,
    values: np.ndarray,
    weights: np.ndarray,
    folds: Sequence[np.ndarray],
    seed: int,
) -> tuple[Companion, np.ndarray] | None:
    if len(rows) > MOST_ROWS:
        return _fit_to_some(name, rows, values, weights, folds, seed)
    rng = np.random.default_rng(seed)
    if not _affordable(name, rows, weights, list(_same_rows(weights))):
        return None
    if name == "linear":
        return _fit(Kernel(name), rows, values, weights, folds, np.ones(rows.shape[1]), rng)
    sample = (rows, values, weights, folds)
    if len(rows) > _RELEVANCE_ROWS:
        some = _rows_of_all_tasks(weights, _RELEVANCE_ROWS, rng)
        sample = (rows[some], values[some], weights[some], _inside(folds, some, len(rows)))
    widths, relevance, companion, held = _learned_relevance(name, *sample, rng)
    if len(rows) > _RELEVANCE_ROWS:
        kernel, width = _choose_width(name, rows, values, weights, folds, relevance, rng)
        companion, held = _fit(kernel, rows, values, weights, folds, relevance, rng)
        widths = [*widths[:-1], width]
    # Where few rows tell of many columns, a row held out has had a say in what matters: it must not. (It has one of
    # several in the kernel's width and the penalty, which are single numbers.)
    if len(widths) > 1 and len(rows) <= min(_RELEVANCE_ROWS, _ROWS_PER_COLUMN * rows.shape[1]):
        crossed = _held_by_relevance_of_others(name, *sample, widths, rng)
        held = np.where(weights > 0, crossed, held)
    return companion, held


def _learned_relevance(
    name: KernelName,
    rows: np.ndarray,
    values: np.ndarray,
    weights: np.ndarray,
    folds: Sequence[np.ndarray],
    rng: np.random.Generator,
) -> tuple[list[float], np.ndarray, Companion, np.ndarray]:
    """The rounds up to the one that predicts rows best out of fold.

    The kernel's width in each; the last one's relevance, companion and out-of-fold predictions.
    """
    relevance = np.ones(rows.shape[1])
    widths: list[float] = []
    errors: list[float] = []
    found: list[tuple[list[float], np.ndarray, Companion, np.ndarray]] = []
    for _ in range(1 + _RELEVANCE_ROUNDS):
        kernel, width = _choose_width(name, rows, values, weights, folds, relevance, rng)
        companion, held = _fit(kernel, rows, values, weights, folds, relevance, rng)
        widths = [*widths, width]
        errors.append(_relative_error(held, values, weights))
        found.append((widths, relevance, companion, held))
        relevance = relevance_of(companion, rows, variances(values, weights), rng)
    return found[int(np.argmin(errors))]


def _held_by_relevance_of_others(
    name: KernelName,
    rows: np.ndarray,
    values: np.ndarray,
    weights: np.ndarray,
    folds: Sequence[np.ndarray],
    widths: Sequence[float],
    rng: np.random.Generator,
) -> np.ndarray:
    """Out-of-fold predictions of a quarter of the folds at a time, with the relevance that the other rows tell.

    ``widths`` are those of each round, and of the regression on the last one's relevance.
    """
    held = np.zeros(values.shape)
    parts = min(_RELEVANCE_PARTS, len(folds))
    for part in range(parts):
        own = np.concatenate(folds[part::parts])
        others = np.setdiff1d(np.arange(len(rows)), own)
        relevance = np.ones(rows.shape[1])
        if len(others):
            told = (rows[others], values[others], weights[others], _inside(folds, others, len(rows)))
            for width in widths[:-1]:
                companion, _ = _fit(_kernel(name, width, told[0] * relevance, rng), *told, relevance, rng)
                relevance = relevance_of(companion, told[0], variances(*told[1:3]), rng)
        kernel = _kernel(name, widths[-1], rows * relevance, rng)
        held[own] = _fit(kernel, rows, values, weights, folds, relevance, rng)[1][own]
    return held


def _rows_of_all_tasks(weights: np.ndarray, most: int, rng: np.random.Generator) -> np.ndarray:
    """At most so many rows with a label, each task's as likely in all as another's: few labels are not missed."""
    known = weights > 0
    chance = (known / np.maximum(known.sum(axis=0), 1)).sum(axis=1)
    labelled = np.flatnonzero(chance)
    if len(labelled) <= most:
        return labelled
    return np.sort(rng.choice(labelled, most, replace=False, p=chance[labelled] / chance.sum()))


def _relative_error(held: np.ndarray, values: np.ndarray, weights: np.ndarray) -> float:
    """Root of the squared errors over those of the mean, summed over tasks."""
    there = variances(values, weights)
    left = (weights * (held - values) ** 2).sum(axis=0) / totals(weights)
    return float(np.sqrt(left[there > 0] / there[there > 0]).sum())


def _fit(
    kernel: Kernel,
    rows: np.ndarray,
    values: np.ndarray,
    weights: np.ndarray,
    folds: Sequence[np.ndarray],
    relevance: np.ndarray,
    rng: np.random.Generator,
) -> tuple[Companion, np.ndarray]:
    """Fit with the columns multiplied by their relevance."""
    seen = rows * relevance
    center, centred, relative = _centred(values, weights)
    parts = KernelFeatures.of(kernel, seen, rng)
    coefficients = np.zeros((parts.n_coefficients, values.shape[1]))
    held = np.zeros(values.shape)
    for tasks in _same_rows(weights):
        own, coefficients[:, tasks] = _fit_group(parts, centred, relative, tasks, folds)
        held[:, tasks] = own
    lower, upper = label_limits(values, weights)
    readout = parts.of_columns(coefficients)
    companion = Companion(kernel, *column_limits(rows), relevance, parts.points, readout, center, lower, upper)
    missing = weights <= 0
    held = np.clip(center + held, lower, upper)
    if missing.any():
        held = np.where(missing, companion.predict(rows), held)
    return companion, held


def _centred(values: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The tasks' means, values less these (0 where missing), and weights beside the other rows of the task."""
    center = means(values, weights)
    relative = weights * ((weights > 0).sum(axis=0) / totals(weights))
    return center, np.where(weights > 0, values - center, 0.0), relative


def _kernel(name: KernelName, width: float, seen: np.ndarray, rng: np.random.Generator) -> Kernel:
    return Kernel(name, width * typical_gamma(name, seen, rng))


def _fit_to_some(
    name: KernelName,
    rows: np.ndarray,
    values: np.ndarray,
    weights: np.ndarray,
    folds: Sequence[np.ndarray],
    seed: int,
) -> tuple[Companion, np.ndarray] | None:
    some = _rows_of_all_tasks(weights, MOST_ROWS, np.random.default_rng(seed))
    inside = _inside(folds, some, len(rows))
    fitted = fit_companion(name, rows[some], values[some], weights[some], inside, seed)
    if fitted is None:
        return None
    held = fitted[0].predict(rows)
    held[some] = fitted[1]
    return fitted[0], held


def _fit_group(
    parts: KernelFeatures, values: np.ndarray, weights: np.ndarray, tasks: np.ndarray, folds: Sequence[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Out-of-fold predictions and coefficients of tasks that have their labels in the same rows."""
    rows = np.flatnonzero(weights[:, tasks[0]] > 0)
    own = values[np.ix_(rows, tasks)]
    spectrum = parts.spectrum(rows, weights[rows, tasks[0]])
    held = spectrum.held_out(own, _inside(folds, rows, len(values)), _PENALTIES)
    errors = np.einsum("pnt,n->pt", (held - own) ** 2, weights[rows, tasks[0]])
    best = errors.argmin(axis=0)
    out = np.zeros((len(values), len(tasks)))
    out[rows] = held[best, :, np.arange(len(tasks))].T
    return out, parts.coefficients(spectrum, rows, own, _PENALTIES[best])


def _choose_width(
    name: KernelName,
    rows: np.ndarray,
    values: np.ndarray,
    weights: np.ndarray,
    folds: Sequence[np.ndarray],
    relevance: np.ndarray,
    rng: np.random.Generator,
) -> tuple[Kernel, float]:
    """The kernel, and its width, at which the tasks' held-out errors are the least, on a sample of the rows."""
    seen = rows * relevance
    typical = typical_gamma(name, seen, rng)
    groups = list(_same_rows(weights))
    if not groups:
        return Kernel(name, typical), 1.0
    _, centred, relative = _centred(values, weights)
    largest = max(groups, key=lambda tasks: (len(tasks), np.count_nonzero(weights[:, tasks[0]])))
    labelled = np.flatnonzero(weights[:, largest[0]] > 0)
    some = labelled if len(labelled) <= _WIDTH_ROWS else np.sort(rng.choice(labelled, _WIDTH_ROWS, replace=False))
    own, counts = centred[np.ix_(some, largest)], relative[some, largest[0]]
    inside = _inside(folds, some, len(values))
    scale = np.maximum(counts @ own**2, np.finfo(np.float64).tiny)
    errors = []
    for width in _WIDTHS:
        kernel = Kernel(name, width * typical)
        held = Spectrum.of_similarities(kernel.matrix(seen[some], seen[some]), counts).held_out(
            own, inside, _COARSE_PENALTIES
        )
        errors.append((np.einsum("pnt,n->pt", (held - own) ** 2, counts).min(axis=0) / scale).mean())
    best = _WIDTHS[int(np.argmin(errors))]
    return Kernel(name, best * typical), best


def _inside(folds: Sequence[np.ndarray], rows: np.ndarray, n_rows: int) -> list[np.ndarray]:
    """The folds' parts of some rows, as positions among them."""
    position = np.full(n_rows, -1)
    position[rows] = np.arange(len(rows))
    parts = [position[fold] for fold in folds]
    parts = [part[part >= 0] for part in parts]
    return [part for part in parts if len(part)]


def _same_rows(weights: np.ndarray) -> Iterator[np.ndarray]:
    """Groups of tasks whose labels have the same weights, but those without any."""
    _, group = np.unique(weights, axis=1, return_inverse=True)
    for number in range(group.max() + 1):
        tasks = np.flatnonzero(group == number)
        if (weights[:, tasks[0]] > 0).any():
            yield tasks


def _affordable(name: KernelName, rows: np.ndarray, weights: np.ndarray, groups: Sequence[np.ndarray]) -> bool:
    if len(groups) == 1:
        return True
    largest = rows.shape[1] if name == "linear" else MOST_POINTS
    sizes = [np.count_nonzero(weights[:, tasks[0]]) for tasks in groups]
    cost = sum(10.0 * min(size, largest) ** 3 + size * min(size, largest) ** 2 for size in sizes)
    return bool(cost <= _BUDGET)
