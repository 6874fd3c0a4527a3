"""One companion: a kernel ridge regression of all tasks, its penalties and width chosen by held-out errors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import linalg

from ._kernel import Kernel, KernelName, typical_gamma
from ._spectrum import Spectrum

# With more rows, similarities are taken to so many of them only (Nyström; Williams and Seeger, 2001).
MOST_POINTS = 1500
# Rows that a companion is fitted to, at most; it predicts the others as rows it has not seen.
MOST_ROWS = 30_000
# Rows compared with all points at a time.
_CHUNK = 4096
# Rows that the kernel's width is chosen on.
_WIDTH_ROWS = 400
_WIDTHS = (0.1, 0.3, 1.0, 3.0)
_PENALTIES = 10.0 ** np.arange(-5.0, 3.1, 0.5)
# Enough to tell widths from one another.
_COARSE_PENALTIES = _PENALTIES[::2]
# A prediction lies at most this part of the observed range outside of it.
_MARGIN = 0.25
# Multiplications that the decompositions for tasks with different rows may take, all together.
_BUDGET = 4e11


@dataclass(frozen=True)
class Companion:
    """A fitted kernel ridge regression.

    Attributes
    ----------
    kernel : Kernel
        Similarity of two rows.
    points : ndarray of shape (n_points, n_columns) or None
        Rows that others are compared with; None for a linear kernel, whose coefficients are the columns'.
    coefficients : ndarray of shape (n_points or n_columns, n_tasks)
        What a similarity, or a column, adds.
    center, lower, upper : ndarray of shape (n_tasks,)
        Predictions are ``center`` plus the above, clipped to lie between the others.
    """

    kernel: Kernel
    points: np.ndarray | None
    coefficients: np.ndarray
    center: np.ndarray
    lower: np.ndarray
    upper: np.ndarray

    def predict(self, rows: np.ndarray) -> np.ndarray:
        """Predictions (n_rows, n_tasks) of rows (n_rows, n_columns)."""
        if self.points is None:
            raw = rows @ self.coefficients
        else:
            parts = [rows[start : start + _CHUNK] for start in range(0, max(1, len(rows)), _CHUNK)]
            raw = np.concatenate([self.kernel.matrix(part, self.points) @ self.coefficients for part in parts])
        return np.clip(self.center + raw, self.lower, self.upper)


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
        companion itself, which has not seen one. None where tasks with different rows would take too long.
    """
    if len(rows) > MOST_ROWS:
        return _fit_to_some(name, rows, values, weights, folds, seed)
    rng = np.random.default_rng(seed)
    groups = list(_same_rows(weights))
    if not _affordable(name, rows, weights, groups):
        return None
    total = np.maximum(weights.sum(axis=0), np.finfo(np.float64).tiny)
    center = (weights * values).sum(axis=0) / total
    centred = np.where(weights > 0, values - center, 0.0)
    # A weight counts beside the other rows of its task.
    relative = weights * ((weights > 0).sum(axis=0) / total)
    kernel = Kernel(name) if name == "linear" else _choose_width(name, rows, centred, relative, groups, folds, rng)
    parts = _Features.of(kernel, rows, rng)
    coefficients = np.zeros((parts.n_coefficients, values.shape[1]))
    held = np.zeros(values.shape)
    for tasks in groups:
        own, coefficients[:, tasks] = _fit_group(parts, centred, relative, tasks, folds)
        held[:, tasks] = own
    lower, upper = label_limits(values, weights)
    companion = Companion(kernel, parts.points, parts.of_columns(coefficients), center, lower, upper)
    missing = weights <= 0
    held = np.clip(center + held, lower, upper)
    if missing.any():
        held = np.where(missing, companion.predict(rows), held)
    return companion, held


def _fit_to_some(
    name: KernelName,
    rows: np.ndarray,
    values: np.ndarray,
    weights: np.ndarray,
    folds: Sequence[np.ndarray],
    seed: int,
) -> tuple[Companion, np.ndarray] | None:
    some = np.sort(np.random.default_rng(seed).choice(len(rows), MOST_ROWS, replace=False))
    inside = _inside(folds, some, len(rows))
    fitted = fit_companion(name, rows[some], values[some], weights[some], inside, seed)
    if fitted is None:
        return None
    held = fitted[0].predict(rows)
    held[some] = fitted[1]
    return fitted[0], held


@dataclass(frozen=True)
class _Features:
    """Rows as a kernel sees them: either all similarities, or features whose inner products these are."""

    matrix: np.ndarray
    points: np.ndarray | None
    readout: np.ndarray | None
    exact: bool

    @classmethod
    def of(cls, kernel: Kernel, rows: np.ndarray, rng: np.random.Generator) -> _Features:
        if kernel.name == "linear":
            # Divided by the columns, penalties mean the same for tables of any width.
            scale = 1.0 / np.sqrt(max(1, rows.shape[1]))
            return cls(rows * scale, None, np.eye(rows.shape[1]) * scale, exact=False)
        if len(rows) <= MOST_POINTS:
            return cls(kernel.matrix(rows, rows), rows, None, exact=True)
        points = rows[np.sort(rng.choice(len(rows), _n_points(rows), replace=False))]
        squares, v = linalg.eigh(kernel.matrix(points, points), check_finite=False)
        kept = squares > 1e-8 * squares[-1]
        readout = v[:, kept] / np.sqrt(squares[kept])
        return cls(kernel.matrix(rows, points) @ readout, points, readout, exact=False)

    @property
    def n_coefficients(self) -> int:
        return self.matrix.shape[1]

    def of_columns(self, coefficients: np.ndarray) -> np.ndarray:
        """Coefficients of similarities to the points (or of columns) from those of the features."""
        return coefficients if self.readout is None else self.readout @ coefficients

    def spectrum(self, rows: np.ndarray, weights: np.ndarray) -> Spectrum:
        if self.exact:
            return Spectrum.of_similarities(self.matrix[np.ix_(rows, rows)], weights)
        return Spectrum.of_features(self.matrix[rows], weights)

    def coefficients(self, spectrum: Spectrum, rows: np.ndarray, values: np.ndarray, penalty: np.ndarray) -> np.ndarray:
        found = spectrum.coefficients(values, penalty)
        if not self.exact:
            return found
        everywhere = np.zeros((self.n_coefficients, values.shape[1]))
        everywhere[rows] = found
        return everywhere


def _n_points(rows: np.ndarray) -> int:
    """Rows to compare with, fewer where comparing is dear."""
    return min(len(rows) - 1, int(np.clip(4e9 / rows.size, 300, 1000)))


def _fit_group(
    parts: _Features, values: np.ndarray, weights: np.ndarray, tasks: np.ndarray, folds: Sequence[np.ndarray]
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
    groups: Sequence[np.ndarray],
    folds: Sequence[np.ndarray],
    rng: np.random.Generator,
) -> Kernel:
    """The width at which the tasks' held-out errors are the least, on a sample of the rows."""
    typical = typical_gamma(name, rows, rng)
    largest = max(groups, key=lambda tasks: (len(tasks), np.count_nonzero(weights[:, tasks[0]])))
    labelled = np.flatnonzero(weights[:, largest[0]] > 0)
    some = labelled if len(labelled) <= _WIDTH_ROWS else np.sort(rng.choice(labelled, _WIDTH_ROWS, replace=False))
    own, counts = values[np.ix_(some, largest)], weights[some, largest[0]]
    inside = _inside(folds, some, len(values))
    scale = np.maximum(counts @ own**2, np.finfo(np.float64).tiny)
    errors = []
    for width in _WIDTHS:
        kernel = Kernel(name, width * typical)
        held = Spectrum.of_similarities(kernel.matrix(rows[some], rows[some]), counts).held_out(
            own, inside, _COARSE_PENALTIES
        )
        errors.append((np.einsum("pnt,n->pt", (held - own) ** 2, counts).min(axis=0) / scale).mean())
    return Kernel(name, _WIDTHS[int(np.argmin(errors))] * typical)


def _inside(folds: Sequence[np.ndarray], rows: np.ndarray, n_rows: int) -> list[np.ndarray]:
    """The folds' parts of some rows, as positions among them."""
    position = np.full(n_rows, -1)
    position[rows] = np.arange(len(rows))
    parts = [position[fold] for fold in folds]
    parts = [part[part >= 0] for part in parts]
    return [part for part in parts if len(part)]


def _same_rows(weights: np.ndarray) -> Iterator[np.ndarray]:
    """Groups of tasks whose labels have the same weights."""
    _, group = np.unique(weights, axis=1, return_inverse=True)
    for number in range(group.max() + 1):
        yield np.flatnonzero(group == number)


def _affordable(name: KernelName, rows: np.ndarray, weights: np.ndarray, groups: Sequence[np.ndarray]) -> bool:
    if len(groups) == 1:
        return True
    largest = rows.shape[1] if name == "linear" else MOST_POINTS
    sizes = [np.count_nonzero(weights[:, tasks[0]]) for tasks in groups]
    cost = sum(10.0 * min(size, largest) ** 3 + size * min(size, largest) ** 2 for size in sizes)
    return bool(cost <= _BUDGET)


def label_limits(values: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What predictions are clipped to, lower and upper ends (n_tasks,): functions do not end where the labels do."""
    seen = np.where(weights > 0, values, np.nan)
    # A task may have no label among the rows sampled: all that is known of it then is its mean, 0.
    seen = np.where((weights > 0).any(axis=0), seen, 0.0)
    lower, upper = np.nanmin(seen, axis=0), np.nanmax(seen, axis=0)
    margin = _MARGIN * (upper - lower)
    return lower - margin, upper + margin
