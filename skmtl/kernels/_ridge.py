"""Fit a kernel ridge regression for a given relevance of columns: its width, penalties and out-of-fold predictions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ._features import KernelFeatures
from ._kernel import Kernel, KernelName, typical_gamma
from ._model import KernelModel, column_limits, label_limits
from ._moments import means
from ._penalties import PENALTIES, best_penalties
from ._spectrum import Spectrum
from ._targets import Targets, folds_within

# Rows that the kernel's width is chosen on.
_WIDTH_ROWS = 400
_WIDTHS = (0.1, 0.3, 1.0, 3.0)
# Fine enough to compare widths.
_COARSE_PENALTIES = PENALTIES[::2]

# A kernel model, and its out-of-fold predictions (n_rows, n_columns).
Fitted = tuple[KernelModel, np.ndarray]


def fit_ridge(
    kernel: Kernel,
    rows: np.ndarray,
    targets: Targets,
    folds: Sequence[np.ndarray],
    relevance: np.ndarray,
    rng: np.random.Generator,
) -> Fitted:
    """Fit a ridge regression on columns scaled by their relevance, and predict every row out of fold."""
    center = means(targets.values, targets.weights)
    parts = KernelFeatures.of(kernel, rows * relevance, rng)
    coefficients = np.zeros((parts.n_coefficients, len(center)))
    # Rows without a label are predicted below.
    held = np.empty(targets.values.shape)
    for columns in targets.groups():
        some = np.flatnonzero(targets.weights[:, columns[0]] > 0)
        weights = targets.weights[some, columns[0]]
        weights = weights * (len(weights) / weights.sum())
        own = targets.values[np.ix_(some, columns)]
        own -= center[columns]
        ridge = parts.ridge(some, weights, folds_within(folds, some, len(rows)))
        predicted, own_coefficients = ridge.fitted(own, best_penalties(ridge, own, targets.task[columns]))
        coefficients[:, columns] = parts.for_all_rows(own_coefficients, some)
        predicted += center[columns]
        held[np.ix_(some, columns)] = predicted
    lower, upper = label_limits(targets.values, targets.weights)
    readout = parts.of_columns(coefficients)
    kernel_model = KernelModel(kernel, *column_limits(rows), relevance, parts.points, readout, center, lower, upper)
    missing = np.flatnonzero((targets.weights_by_task <= 0).any(axis=1))
    if len(missing):
        held[missing] = np.where(targets.weights[missing] > 0, held[missing], kernel_model.predict(rows[missing]))
    return kernel_model, np.clip(held, lower, upper, out=held)


def kernel_of(name: KernelName, width: float, scaled: np.ndarray, rng: np.random.Generator) -> Kernel:
    """Return the kernel of a width, in units of the typical distance."""
    return Kernel(name, width * typical_gamma(name, scaled, rng))


def choose_width(
    name: KernelName,
    rows: np.ndarray,
    targets: Targets,
    folds: Sequence[np.ndarray],
    relevance: np.ndarray,
    rng: np.random.Generator,
) -> tuple[Kernel, float]:
    """Return the kernel, and its width, with the least held-out errors of the tasks on a sample of the rows."""
    scaled = rows * relevance
    typical = typical_gamma(name, scaled, rng)
    groups = list(targets.groups())
    if not groups:
        return Kernel(name, typical), 1.0
    weights = targets.weights
    largest = max(groups, key=lambda columns: (len(columns), np.count_nonzero(weights[:, columns[0]])))
    labelled = np.flatnonzero(weights[:, largest[0]] > 0)
    some = labelled if len(labelled) <= _WIDTH_ROWS else np.sort(rng.choice(labelled, _WIDTH_ROWS, replace=False))
    known = weights[labelled, largest[0]]
    counts = weights[some, largest[0]] * (len(known) / known.sum())
    own = targets.values[np.ix_(some, largest)] - means(targets.values, weights)[largest]
    within = folds_within(folds, some, len(rows))
    scale = np.maximum(counts @ own**2, np.finfo(np.float64).tiny)
    errors = []
    for width in _WIDTHS:
        similarities = Kernel(name, width * typical).matrix(scaled[some], scaled[some])
        held = Spectrum.of_similarities(similarities, counts, within).held_out(own, _COARSE_PENALTIES)
        errors.append((np.einsum("pnt,n->pt", (held - own) ** 2, counts).min(axis=0) / scale).mean())
    best = _WIDTHS[int(np.argmin(errors))]
    return Kernel(name, best * typical), best
