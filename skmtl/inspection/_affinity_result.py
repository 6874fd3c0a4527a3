"""What a measurement of the tasks' affinities found."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pandas as pd

RELATED, OPPOSED, UNCLEAR = "related", "opposed", "unclear"
MARKS = {RELATED: "+", OPPOSED: "-", UNCLEAR: ""}
# Larger matrices are not read number by number.
_MOST_SHOWN = 12
_DESCRIPTIONS = {
    "gradient_cosine": "cosine of the tasks' gradients over the shared parameters",
    "tag": "relative fall of the column's loss through a step for the row's task (TAG)",
    "label_correlation": "absolute correlation of the labels",
}


@dataclass(frozen=True, eq=False, repr=False)
class TaskAffinity:
    """How far the tasks pull the same way: a matrix, its errors, and what permuted labels give.

    `task_affinity` makes it.

    Attributes
    ----------
    method : str
        "gradient_cosine", "tag" or "label_correlation".
    matrix : DataFrame of shape (n_tasks, n_tasks)
        Affinities; more is closer. With "tag", the row is the task that a step was made for and the column the
        task whose loss it changed; the others are symmetric. NaN for two tasks that never had labels together.
    std_error : DataFrame of shape (n_tasks, n_tasks)
        Their standard errors.
    p_value : DataFrame of shape (n_tasks, n_tasks)
        Of affinities at least as far from chance, not corrected for the number of pairs; NaN without permutations.
    low, high : DataFrame of shape (n_tasks, n_tasks)
        Bounds of what passes for chance, corrected for the number of pairs.
    null_mean, null_std : DataFrame of shape (n_tasks, n_tasks)
        Mean and standard deviation on permuted labels.
    conflict_share : DataFrame of shape (n_tasks, n_tasks) or None
        Share of measurements in which the affinity was negative; None for "label_correlation".
    n_permutations : int
        Number of permutations.
    n_measurements : int
        Number of batches measured on, of all networks together; rows for "label_correlation".
    level : float
        Share of chance findings among all pairs that the bounds allow for.

    See Also
    --------
    task_affinity : Makes it, and describes the methods.
    suggest_task_groups : Groups of tasks to learn together.
    TaskAffinityDisplay : Draws it.
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
        """Tables as arrays, and the tasks' names once: skops keeps these, but no tables of pandas."""
        state = {one.name: getattr(self, one.name) for one in fields(self)}
        arrays = {name: one.to_numpy() if isinstance(one, pd.DataFrame) else one for name, one in state.items()}
        return {"task_names": list(self.task_names), **arrays}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        """Make the tables again."""
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
        """Whether the order of two tasks plays no part."""
        return self.method != "tag"

    def verdicts(self) -> pd.DataFrame:
        """What can be said of every two tasks.

        Returns
        -------
        verdicts : DataFrame of shape (n_tasks, n_tasks)
            "related" above what passes for chance, "opposed" below it, "unclear" between and without
            permutations; "" on the diagonal.
        """
        values = self.matrix.to_numpy()
        found = np.full(values.shape, UNCLEAR, dtype=object)
        found[values > self.high.to_numpy()] = RELATED
        found[values < self.low.to_numpy()] = OPPOSED
        np.fill_diagonal(found, "")
        return pd.DataFrame(found, index=self.matrix.index, columns=self.matrix.columns)

    def frame(self) -> pd.DataFrame:
        """One row per pair of tasks.

        Returns
        -------
        frame : DataFrame
            Indexed by "task" and "other": with "tag", the task stepped for and the task that it changed, in both
            orders; else every pair once. Columns "affinity", "std_error", "null_mean", "null_std", "p_value",
            "verdict" ("related", "opposed" or "unclear") and, but for "label_correlation", "conflict_share".
            The closest pair comes first.
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
            return f"{described} No labels were permuted, so that nothing is said of chance."
        table = self.frame()
        found = [f"{(table['verdict'] == name).sum()} {name} ({MARKS[name]})" for name in (RELATED, OPPOSED)]
        return (
            f"{described} Of {len(table)} pairs, {' and '.join(found)}: beyond what {self.n_permutations} permutations "
            f"of the labels give, at {self.level:.0%} for all pairs together."
        )

    def _shown(self) -> pd.DataFrame:
        """The matrix with marks, or the closest and the furthest pairs of many tasks."""
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
    """A number, and a mark or a blank in its place, so that the numbers stay one below the other."""
    return f"{np.round(value, digits) + 0.0:.{digits}f}{mark or ' '}"


def _digits(values: np.ndarray) -> int:
    """Decimal places that leave two digits of the largest number off the diagonal."""
    apart = np.abs(values[~np.eye(len(values), dtype=bool)])
    apart = apart[apart > 0]
    return 2 if not len(apart) else int(np.clip(1 - np.floor(np.log10(apart.max())), 2, 8))


def _largest(errors: pd.DataFrame) -> str:
    apart = errors.to_numpy()[~np.eye(len(errors), dtype=bool)]
    return "unknown" if np.isnan(apart).all() else f"{np.nanmax(apart):.2g}"
