"""Regions that contain the labels of several tasks at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import gammaln

from ..fitting._checks import check_rows
from ..joint import patterns_of
from ..targets import TargetColumns, TargetEncoder, read_columns
from ._known import labels_of


@dataclass(frozen=True, eq=False)
class JointRegion:
    """Regions, one per row, that contain the labels of several tasks at once with a given probability.

    Returned by ``predict_region`` of the estimators.

    Attributes
    ----------
    task_names : list of str
        Names of the tasks that the region covers.
    coverage : float
        Probability that the region contains a row's labels of all these tasks.
    shape : {"box", "ellipsoid"}
        Shape of the region.
    intervals : ndarray of shape (n_samples, n_tasks, 2), float64
        Lower and upper end for each regression: the sides of the box, or the extent of the ellipsoid along each axis.
        NaN for classifications; infinite if there were too few rows for the coverage.
    label_sets : list of (list of ndarray) or None
        For each classification, the labels inside, one array per row, most probable first. None for a regression.
    center : ndarray of shape (n_samples, n_tasks), float64
        Centre of the ellipsoid; NaN for a box.
    matrix : ndarray of shape (n_samples, n_tasks, n_tasks) or None
        Shape of the ellipsoid: points ``y`` with ``(y - center)' inv(matrix) (y - center) <= 1``. None for a box.
    targets : object
        Encoder that reads labels as in ``fit``.
    tasks : tuple of int
        Positions of the tasks among those of ``fit``.
    """

    task_names: list[str]
    coverage: float
    shape: str
    intervals: np.ndarray
    label_sets: list[list[np.ndarray] | None]
    center: np.ndarray
    matrix: np.ndarray | None
    targets: TargetEncoder
    tasks: tuple[int, ...]

    def contains(self, y: Any) -> np.ndarray:
        """Return whether the labels of each row lie inside.

        Parameters
        ----------
        y : {array-like, DataFrame} of shape (n_samples, n_tasks)
            Labels of all tasks of ``fit``, or only of those of the region. Missing labels are ignored.

        Returns
        -------
        inside : ndarray of shape (n_samples,), bool
            True if all known labels of the row lie inside.

        Raises
        ------
        ValueError
            If y has other tasks or another number of rows.
        """
        values, observed = self._read(y)
        inside = np.ones(len(values), dtype=bool)
        if self.matrix is not None:
            return self._in_ellipsoid(values, observed)
        for place, sets in enumerate(self.label_sets):
            seen = observed[:, place]
            if sets is None:
                low, high = self.intervals[seen, place].T
                inside[seen] &= (values[seen, place] >= low) & (values[seen, place] <= high)
            else:
                labels = self.targets.classes[self.tasks[place]]
                assert labels is not None  # noqa: S101 - a classification has classes
                codes = values[seen, place].astype(int)
                rows = np.flatnonzero(seen)
                inside[seen] &= [labels[code] in sets[row] for row, code in zip(rows, codes, strict=True)]
        return inside

    def labels(self, y: Any) -> np.ndarray:
        """Return the labels of the region's tasks as numbers.

        Parameters
        ----------
        y : {array-like, DataFrame} of shape (n_samples, n_tasks)
            Labels, as for ``contains``.

        Returns
        -------
        labels : ndarray of shape (n_samples, n_tasks), float64
            For a classification, the position of the label among its classes. NaN if missing.
        """
        values, observed = self._read(y)
        return np.where(observed, values, np.nan)

    def volume(self) -> np.ndarray:
        """Return the volume of each region.

        Returns
        -------
        volume : ndarray of shape (n_samples,), float64
            In the product of the regressions' units; 1 without regressions, infinite for an infinite region.
        """
        return np.exp(self._log_volume())

    def mean_width(self) -> np.ndarray:
        """Return the width per task: the volume to the power of one over the number of regressions.

        Returns
        -------
        width : ndarray of shape (n_samples,), float64
            For a box, the geometric mean of its widths.
        """
        return np.exp(self._log_volume() / max(1, sum(sets is None for sets in self.label_sets)))

    def to_frame(self) -> pd.DataFrame:
        """Return the intervals as a table.

        Returns
        -------
        frame : DataFrame of shape (n_samples, 2 * n_regressions)
            Columns (task, "lower") and (task, "upper") of each regression.
        """
        regressions = [place for place, sets in enumerate(self.label_sets) if sets is None]
        names = [(self.task_names[place], end) for place in regressions for end in ("lower", "upper")]
        values = self.intervals[:, regressions].reshape(len(self.intervals), -1)
        return pd.DataFrame(values, columns=pd.MultiIndex.from_tuples(names, names=["task", "end"]))

    def _log_volume(self) -> np.ndarray:
        if self.matrix is None:
            regressions = [place for place, sets in enumerate(self.label_sets) if sets is None]
            with np.errstate(divide="ignore", invalid="ignore"):
                return np.log(np.diff(self.intervals[:, regressions], axis=2)[..., 0]).sum(axis=1)
        n_tasks = self.matrix.shape[1]
        if not np.isfinite(self.matrix).all():
            return np.full(len(self.matrix), np.inf)
        ball = n_tasks / 2 * np.log(np.pi) - gammaln(n_tasks / 2 + 1)
        return ball + 0.5 * np.linalg.slogdet(self.matrix)[1]

    def _in_ellipsoid(self, values: np.ndarray, observed: np.ndarray) -> np.ndarray:
        assert self.matrix is not None  # noqa: S101 - for the type checker
        inside = np.ones(len(values), dtype=bool)
        if not np.isfinite(self.matrix).all():
            return inside
        for seen, rows in patterns_of(observed):
            off = (values[rows] - self.center[rows])[:, seen]
            matrix = self.matrix[rows][:, seen][:, :, seen]
            inside[rows] = np.einsum("rt,rt->r", off, np.linalg.solve(matrix, off[..., None])[..., 0]) <= 1.0
        return inside

    def _read(self, y: Any) -> tuple[np.ndarray, np.ndarray]:
        columns = read_columns(y, estimator="y")
        by_name = columns.is_frame and self.targets.labels is not None
        if not by_name and len(columns.names) == len(self.tasks) < len(self.targets.tasks):
            y = _among_all(columns, self.targets, self.tasks)
        columns = labels_of(y, self.targets, name="y")
        check_rows(self.intervals, columns)
        encoded = self.targets.encode(columns, None)
        return encoded.values[:, self.tasks], encoded.observed[:, self.tasks]


def _among_all(columns: TargetColumns, targets: TargetEncoder, tasks: Sequence[int]) -> np.ndarray:
    """Return the columns of some tasks, with empty columns for the others."""
    out = np.full((columns.n_samples, len(targets.tasks)), None, dtype=object)
    for task, values, observed in zip(tasks, columns.values, columns.observed, strict=True):
        out[observed, task] = values[observed]
    return out
