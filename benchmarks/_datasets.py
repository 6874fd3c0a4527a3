"""Real data sets of the benchmarks: one record per set, and the same folds for every contestant."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold

NEIGHBOUR = Path(__file__).resolve().parents[2] / "shared" / "data"
REGRESSION, CLASSIFICATION = "regression", "classification"

# Sets in time order, whose rows share labels or neighbours: they are split into blocks of time. The number is how many
# rows next to a test block are left out of training. andro: the targets of row i are features of row i + 6; rf1:
# targets lie 48 rows ahead and features reach 60 rows back; hourly tables: a day; atp1d: daily prices, a week.
TIME_GAPS = {"airquality": 24, "andro": 6, "atp1d": 7, "bike": 24, "rf1": 108}
DUPLICATES_TOGETHER = ("wine",)  # a fifth of the rows are duplicates


@dataclass(frozen=True)
class Record:
    """One data set.

    Attributes
    ----------
    name : str
    X : DataFrame
        Features: float64, or category dtype for nominal ones; NaN if missing.
    Y : DataFrame
        One column per task: float64, or category dtype for classes; NaN if missing. Tasks with separate rows have a
        column each, missing in the rows of all others.
    kinds : dict
        Maps each task to "regression" or "classification".
    groups : ndarray or None
        Rows of one group stay on one side of a split.
    scaffolds : ndarray or None
        Murcko scaffold of each molecule, for scaffold folds.
    row_task : Series or None
        The task of each row, if tasks have separate rows (category dtype).
    gap : int or None
        Number of rows left out of training on either side of a test block; None unless rows are in time order.
    n_rows_source : int
        Rows of the whole set; more than ``len(X)`` if rows were capped.
    """

    name: str
    X: pd.DataFrame
    Y: pd.DataFrame
    kinds: dict[str, str]
    groups: np.ndarray | None = None
    scaffolds: np.ndarray | None = None
    row_task: pd.Series | None = None
    gap: int | None = None
    n_rows_source: int = 0
    facts: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def problem(self) -> str:
        """Kind of the set: regression, classification or mixed."""
        kinds = set(self.kinds.values())
        return kinds.pop() if len(kinds) == 1 else "mixed"

    @property
    def missing_labels(self) -> bool:
        """Whether labels are missing, apart from tasks with separate rows."""
        return self.row_task is None and bool(self.Y.isna().to_numpy().any())

    def take(self, rows: np.ndarray) -> Record:
        """Return the record of some rows."""
        parts = {
            name: None if value is None else value[rows] if isinstance(value, np.ndarray) else value.iloc[rows]
            for name in ("X", "Y", "groups", "scaffolds", "row_task")
            for value in [getattr(self, name)]
        }
        return replace(self, **parts)


def data_folder() -> Path:
    """Return the folder in SKMTL_DATA, or ../shared/data."""
    folder = Path(os.environ.get("SKMTL_DATA", NEIGHBOUR))
    if not (folder / "datasets.json").exists():
        raise FileNotFoundError(f"no datasets.json in {folder}; set SKMTL_DATA to the folder of the data sets")
    return folder


@cache
def facts_of_all() -> dict[str, dict[str, Any]]:
    """Return the entries of datasets.json by name: rows, targets, origin, problem."""
    entries = json.loads((data_folder() / "datasets.json").read_text())["datasets"]
    return {entry["name"]: entry for entry in entries}


def names(problem: str | None = None) -> list[str]:
    """Return the names of all data sets, or of one problem ("regression", "classification", "mixed")."""
    return [name for name, facts in facts_of_all().items() if problem in (None, facts["problem"])]


def load(name: str, rows: int | None = None, seed: int = 0) -> Record:
    """Read a data set, at most ``rows`` of it: drawn at random, or the first ones if rows are in time order."""
    if name not in facts_of_all():
        raise ValueError(f"unknown data set {name!r}; known: {', '.join(facts_of_all())}")
    facts = facts_of_all()[name]
    record = _molecules(facts) if facts["format"] == "npz" else _table(facts)
    if rows is None or rows >= len(record.X):
        return record
    n = len(record.X)
    kept = np.arange(rows) if record.gap is not None else np.random.default_rng(seed).permutation(n)[:rows]
    return record.take(np.sort(kept))


def _kind(target: dict[str, Any]) -> str:
    return REGRESSION if target["type"] == REGRESSION else CLASSIFICATION


def _table(facts: dict[str, Any]) -> Record:
    nominal = facts["nominal_features"]
    table = pd.read_csv(data_folder() / facts["file"], dtype=dict.fromkeys(nominal, "str"))
    features = [c for c in table if not c.startswith(("target:", "task:", "group:"))]
    X = table[features].astype({c: "category" if c in nominal else "float64" for c in features})
    groups = table[facts["group_column"]].to_numpy() if facts["group_column"] else None
    if facts["name"] in DUPLICATES_TOGETHER:
        groups = X.groupby(features, observed=True, dropna=False).ngroup().to_numpy()
    common = {
        "name": facts["name"],
        "X": X,
        "groups": groups,
        "gap": TIME_GAPS.get(facts["name"]),
        "n_rows_source": len(X),
        "facts": facts,
    }
    if facts["layout"] == "own-rows-per-task":
        Y, kinds, row_task = _own_rows(table, facts)
        return Record(Y=Y, kinds=kinds, row_task=row_task, **common)
    kinds = {target["name"]: _kind(target) for target in facts["targets"]}
    Y = pd.DataFrame({t["name"]: _labels(table[t["column"]], _kind(t)) for t in facts["targets"]})
    return Record(Y=Y, kinds=kinds, **common)


def _own_rows(table: pd.DataFrame, facts: dict[str, Any]) -> tuple[pd.DataFrame, dict[str, str], pd.Series]:
    """Return Y with one column per task; all tasks have the same kind and the same classes."""
    (target,) = facts["targets"]
    y = _labels(table[target["column"]], _kind(target))
    row_task = table[facts["task_column"]].astype("str").astype("category").rename(facts["task_column"])
    tasks = list(row_task.cat.categories)
    Y = pd.DataFrame({task: y.where(row_task == task) for task in tasks})
    return Y, dict.fromkeys(tasks, _kind(target)), row_task


def _labels(column: pd.Series, kind: str) -> pd.Series:
    """Return numbers as float64, and classes as strings of category dtype, integers without a decimal point."""
    if kind == REGRESSION:
        return column.astype("float64")
    if pd.api.types.is_numeric_dtype(column):
        column = column.astype("Int64")
    return column.astype("string").astype("object").where(column.notna(), np.nan).astype("category")


def _molecules(facts: dict[str, Any]) -> Record:
    with np.load(data_folder() / facts["file"]) as stored:
        bits = np.unpackbits(stored["X_packed"], axis=1, count=int(stored["n_bits"]))
        labels, scaffolds = stored["Y"], stored["scaffold_group"]
        tasks = [str(name) for name in stored["target_names"]]
    kinds = {target["name"]: _kind(target) for target in facts["targets"]}
    Y = pd.DataFrame({task: _labels(pd.Series(labels[:, j]), kinds[task]) for j, task in enumerate(tasks)})
    X = pd.DataFrame(bits.astype("float32"), columns=[f"bit{j}" for j in range(bits.shape[1])])
    return Record(facts["name"], X, Y, kinds, scaffolds=scaffolds, n_rows_source=len(X), facts=facts)


def folds(
    record: Record, n_splits: int = 5, scheme: str = "default", seed: int = 0
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the training and test rows of each fold.

    ``scheme``: "default" splits by group or by blocks of time if rows leak into each other, and is stratified by class
    or task otherwise; "random" shuffles all rows, as in published figures; "scaffold" keeps molecules of one scaffold
    on one side (other sets: as "default").
    """
    n = len(record.X)
    if scheme not in ("default", "random", "scaffold"):
        raise ValueError(f"scheme must be 'default', 'random' or 'scaffold', got {scheme!r}")
    if scheme == "scaffold" and record.scaffolds is not None:
        # Balanced by size, since one scaffold has a quarter of the molecules.
        return list(GroupKFold(n_splits).split(record.X, groups=record.scaffolds))
    if scheme != "random" and record.gap is not None:
        return _blocks_of_time(n, n_splits, record.gap)
    if scheme != "random" and record.groups is not None:
        return list(GroupKFold(n_splits, shuffle=True, random_state=seed).split(record.X, groups=record.groups))
    strata = _strata(record, n_splits)
    if strata is None:
        return list(KFold(n_splits, shuffle=True, random_state=seed).split(record.X))
    return list(StratifiedKFold(n_splits, shuffle=True, random_state=seed).split(record.X, strata))


def regression_folds(
    data: Sequence[str] | None, rows: int, n_splits: int, schemes: Sequence[str]
) -> Iterator[tuple[str, int, Record, Record]]:
    """Yield scheme, number, training and test rows of every fold of the regression sets without separate rows per task.

    The default scheme is skipped if it equals the random one, for sets with neither groups nor a time order.
    """
    for name in data or names(REGRESSION):
        record = load(name, rows)
        if record.row_task is not None:
            continue
        for scheme in schemes:
            if scheme == "default" and not apart(record):
                continue
            for number, (train, test) in enumerate(folds(record, n_splits, scheme)):
                yield scheme, number, record.take(train), record.take(test)


def apart(record: Record) -> bool:
    """Whether rows come in groups or in time order, which the default folds keep apart."""
    return record.groups is not None or record.gap is not None


def _blocks_of_time(n: int, n_splits: int, gap: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Give each fold four blocks, so that it sees all seasons; rows within ``gap`` of a test block are left out.

    In short tables the gaps would leave few training rows, so each fold has one block.
    """
    blocks = 4 * n_splits if n >= 16 * n_splits * max(gap, 1) or n >= 2000 else n_splits
    block = np.arange(n) * blocks // n
    pairs = []
    for fold in range(n_splits):
        test = block % n_splits == fold
        reach = np.convolve(test, np.ones(2 * gap + 1), mode="same") > 0.5
        pairs.append((np.flatnonzero(~reach), np.flatnonzero(test)))
    return pairs


def _strata(record: Record, n_splits: int) -> np.ndarray | None:
    """Return combinations of classes (and the task, if tasks have separate rows); rare ones count as one."""
    parts = [] if record.row_task is None else [record.row_task.astype("str").to_numpy()]
    if record.row_task is not None and record.problem == CLASSIFICATION:
        parts.append(record.Y.astype("object").bfill(axis=1).iloc[:, 0].astype("str").to_numpy())
    elif record.row_task is None:
        parts += [record.Y[t].astype("str").to_numpy() for t, kind in record.kinds.items() if kind == CLASSIFICATION]
    if not parts:
        return None
    codes = pd.factorize(pd.MultiIndex.from_arrays(parts))[0] if len(parts) > 1 else pd.factorize(parts[0])[0]
    counts = np.bincount(codes)
    codes = np.where(counts[codes] < n_splits, len(counts), codes)
    rare = codes == len(counts)
    if 0 < rare.sum() < n_splits:
        codes[rare] = np.argmax(counts)
    return codes if len(np.unique(codes)) > 1 else None
