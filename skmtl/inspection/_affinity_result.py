"""Result of a measurement of task affinities."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pandas as pd

RELATED, OPPOSED, UNCLEAR = "related", "opposed", "unclear"
MARKS = {RELATED: "+", OPPOSED: "-", UNCLEAR: ""}
# Larger matrices are printed as a list of pairs.
_MOST_SHOWN = 12
_DESCRIPTIONS = {
    "gradient_cosine": "mean cosine between gradients of the shared parameters",
    "tag": "relative loss reduction of the column's task after a step for the row's task (TAG)",
    "label_correlation": "absolute label correlation",
}


@dataclass(frozen=True, eq=False, repr=False)
class TaskAffinity:
    """Affinities of all pairs of tasks, with standard errors and tests against permuted labels.

    `task_affinity` makes it.

    Attributes
    ----------
    method : str
        "gradient_cosine", "tag" or "label_correlation".
    matrix : DataFrame of shape (n_tasks, n_tasks)
        Affinities; higher means more similar. With "tag", a step is taken for the task of the row and changes the loss
        of the task of the column; the other methods are symmetric. NaN for two tasks without common labelled rows.
    std_error : DataFrame of shape (n_tasks, n_tasks)
        Their standard errors.
    p_value : DataFrame of shape (n_tasks, n_tasks)
        P-values under the null hypothesis of chance, not corrected for the number of pairs; NaN without permutations.
    low, high : DataFrame of shape (n_tasks, n_tasks)
        Bounds of chance, corrected for the number of pairs; affinities outside are significant.
    null_mean, null_std : DataFrame of shape (n_tasks, n_tasks)
        Mean and standard deviation of the affinities on permuted labels.
    conflict_share : DataFrame of shape (n_tasks, n_tasks) or None
        Share of measurements with a negative affinity; None for "label_correlation".
    n_permutations : int
        Number of permutations.
    n_measurements : int
        Number of measured batches of all ensemble members, or number of rows for "label_correlation".
    level : float
        Significance level over all pairs together.

    See Also
    --------
    task_affinity : Measures affinities, and describes the methods.
    suggest_task_groups : Suggests groups of tasks to train together.
    TaskAffinityDisplay : Plots the matrix.
    """

    method: str
    matrix: pd.DataFrame
    std_error: pd.DataFrame
    p_value: pd.DataFrame
    low: pd.DataFrame
    high: pd.DataFrame
    null_mean: pd.DataFrame
    null_std: pd.DataFrame
    conflict_share: pd.DataFrame | None
    n_permutations: int
    n_measurements: int
    level: float

    def __getstate__(self) -> dict[str, Any]:
        """Return tables as arrays with the task names: skops can save these, but not pandas tables."""
        state = {one.name: getattr(self, one.name) for one in fields(self)}
        arrays = {name: one.to_numpy() if isinstance(one, pd.DataFrame) else one for name, one in state.items()}
        return {"task_names": list(self.task_names), **arrays}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        """Restore the tables."""
        names = state["task_names"]
        for one in fields(self):
            value = state[one.name]
            table = pd.DataFrame(value, index=names, columns=names) if isinstance(value, np.ndarray) else value
            object.__setattr__(self, one.name, table)

    @property
    def task_names(self) -> tuple[str, ...]:
        """Names of the tasks."""
        return tuple(self.matrix.columns)

    @property
    def symmetric(self) -> bool:
        """Whether the affinity of two tasks is the same in both directions."""
        return self.method != "tag"

    def verdicts(self) -> pd.DataFrame:
        """Return the verdict on every pair of tasks.

        Returns
        -------
        verdicts : DataFrame of shape (n_tasks, n_tasks)
            "related" if the affinity is above the bounds of chance, "opposed" if it is below, "unclear" if it is
            within or there are no permutations; "" on the diagonal.
        """
        values = self.matrix.to_numpy()
        verdicts = np.full(values.shape, UNCLEAR, dtype=object)
        verdicts[values > self.high.to_numpy()] = RELATED
        verdicts[values < self.low.to_numpy()] = OPPOSED
        np.fill_diagonal(verdicts, "")
        return pd.DataFrame(verdicts, index=self.matrix.index, columns=self.matrix.columns)

    def frame(self) -> pd.DataFrame:
        """Return a table with one row per pair of tasks.

        Returns
        -------
        frame : DataFrame
            Indexed by "task" and "other". With "tag", these are the task of the step and the task whose loss changes,
            and every pair appears in both orders; otherwise it appears once. The columns are "affinity", "std_error",
            "null_mean", "null_std", "p_value", "verdict" ("related", "opposed" or "unclear") and, except for
            "label_correlation", "conflict_share". The most similar pair comes first.
        """
        n_tasks = len(self.matrix)
        pairs = np.triu(np.ones((n_tasks, n_tasks), bool), 1) if self.symmetric else ~np.eye(n_tasks, dtype=bool)
        rows, columns = np.nonzero(pairs)
        names = np.array(self.task_names, dtype=object)
        parts = {
            "affinity": self.matrix,
            "std_error": self.std_error,
            "null_mean": self.null_mean,
            "null_std": self.null_std,
            "p_value": self.p_value,
            "verdict": self.verdicts(),
        }
        if self.conflict_share is not None:
            parts["conflict_share"] = self.conflict_share
        index = pd.MultiIndex.from_arrays([names[rows], names[columns]], names=["task", "other"])
        table = pd.DataFrame({name: part.to_numpy()[rows, columns] for name, part in parts.items()}, index=index)
        return table.sort_values("affinity", ascending=False, kind="stable", na_position="last")

    def _headline(self) -> str:
        return f"Affinity of {len(self.matrix)} tasks: {_DESCRIPTIONS[self.method]}"

    def _conclusion(self) -> str:
        over = "rows" if self.method == "label_correlation" else "measurements"
        described = f"{self.n_measurements} {over}; largest standard error {_largest(self.std_error)}."
        if not self.n_permutations:
            return f"{described} No labels were permuted, so chance is not assessed."
        table = self.frame()
        counts = [f"{(table['verdict'] == name).sum()} {name} ({MARKS[name]})" for name in (RELATED, OPPOSED)]
        return (
            f"{described} Of {len(table)} pairs, {' and '.join(counts)}: significant at the {self.level:.0%} level "
            f"over all pairs, from {self.n_permutations} permutations of the labels."
        )

    def _shown(self) -> pd.DataFrame:
        """Return the matrix with marks or, for many tasks, the most and least similar pairs."""
        if len(self.matrix) <= _MOST_SHOWN:
            values, verdicts = self.matrix.to_numpy(), self.verdicts().to_numpy()
            digits = _digits(values)
            cells = [
                [_cell(value, digits, MARKS.get(verdict, "")) for value, verdict in zip(*row, strict=True)]
                for row in zip(values, verdicts, strict=True)
            ]
            return pd.DataFrame(cells, index=self.matrix.index, columns=self.matrix.columns)
        table = self.frame()[["affinity", "std_error", "p_value", "verdict"]]
        return pd.concat([table.head(10), table.tail(5)])

    def __repr__(self) -> str:
        table = self._shown().to_string(float_format=lambda value: f"{value:.3g}")
        return "\n".join([self._headline(), "", table, "", self._conclusion()])

    def _repr_html_(self) -> str:
        table = self._shown().to_html(float_format=lambda value: f"{value:.3g}")
        return (
            f"<div><p><b>{html.escape(self._headline())}</b></p>{table}<p>{html.escape(self._conclusion())}</p></div>"
        )


def _cell(value: float, digits: int, mark: str) -> str:
    """Format a number with its mark, or with a blank to keep numbers aligned."""
    return f"{np.round(value, digits) + 0.0:.{digits}f}{mark or ' '}"


def _digits(values: np.ndarray) -> int:
    """Return the decimal places that show two digits of the largest number off the diagonal."""
    off_diagonal = np.abs(values[~np.eye(len(values), dtype=bool)])
    off_diagonal = off_diagonal[off_diagonal > 0]
    return 2 if not len(off_diagonal) else int(np.clip(1 - np.floor(np.log10(off_diagonal.max())), 2, 8))


def _largest(errors: pd.DataFrame) -> str:
    off_diagonal = errors.to_numpy()[~np.eye(len(errors), dtype=bool)]
    return "unknown" if np.isnan(off_diagonal).all() else f"{np.nanmax(off_diagonal):.2g}"
