"""Data sets of the comparison of methods: rows drawn by a seed, split, and preprocessed on the training rows."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skmtl.datasets import make_related_tasks

DATA = Path(os.environ.get("SKMTL_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
RELATEDNESS = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class Table:
    """Rows before the split: features, one column of labels per task (NaN if missing), and how to split them."""

    X: pd.DataFrame
    y: pd.DataFrame
    strata: Any = None  # the split is stratified by these
    in_time: bool = False  # test on the last quarter, since neighbouring rows share labels


@dataclass(frozen=True)
class Split:
    """Training and test rows of one seed."""

    X: np.ndarray
    y: pd.DataFrame
    test_X: np.ndarray
    test_y: pd.DataFrame


def _csv(name: str, targets: Callable[[pd.DataFrame], pd.DataFrame] | None = None, **options: Any) -> Table:
    table = pd.read_csv(DATA / f"{name}.csv.gz")
    own = [column for column in table if column.startswith("target:")]
    y = table[own].rename(columns=lambda column: column.removeprefix("target:"))
    return Table(table.drop(columns=own), targets(y) if targets else y, **options)


def _own_rows(name: str, strata_of: Callable[[pd.DataFrame], Any]) -> Table:
    """Return tasks with separate rows as one column of labels each, missing in the rows of all others."""
    table = pd.read_csv(DATA / f"{name}.csv.gz")
    (task,), (target,) = ([c for c in table if c.startswith(start)] for start in ("task:", "target:"))
    y = table[target].astype(float).to_frame().set_index(table[task].astype(str), append=True)[target].unstack()
    return Table(table.drop(columns=[task, target]), y, strata=strata_of(table[[task, target]]))


def _molecules(name: str) -> Table:
    file = np.load(DATA / f"{name}.npz")
    bits = np.unpackbits(file["X_packed"], axis=1, count=1024).astype(np.float32)
    columns = [f"bit{i}" for i in range(bits.shape[1])]
    y = pd.DataFrame(file["Y"].astype(float), columns=[str(n) for n in file["target_names"]])
    return Table(pd.DataFrame(bits, columns=columns), y)


def _rare_joined(y: pd.DataFrame) -> pd.DataFrame:
    """Merge classes with fewer than 2 % of the rows: a draw of rows could have some of them in the test part only."""
    return y.apply(
        lambda c: c.where(pd.api.types.is_numeric_dtype(c) | (c.map(c.value_counts(normalize=True)) > 0.02), "rare")
    )


def _ames(y: pd.DataFrame) -> pd.DataFrame:
    return y.assign(**{"Kitchen Qual": y["Kitchen Qual"].replace({"Po": "Fa"})})


def _never_married(y: pd.DataFrame) -> pd.DataFrame:
    return y.assign(marital_stat=(y["marital_stat"] == "Never married").map({True: "never", False: "was"}))


def _related(relatedness: float) -> Callable[[int, int], Table]:
    def make(rows: int, seed: int) -> Table:
        X, y = make_related_tasks(rows, n_features=30, n_tasks=4, relatedness=relatedness, noise=0.5, random_state=seed)
        names = [f"task {i}" for i in range(y.shape[1])]
        return Table(pd.DataFrame(X, columns=[f"x{i}" for i in range(X.shape[1])]), pd.DataFrame(y, columns=names))

    return make


# name: (kind of the tasks, table of (rows, seed))
DATA_SETS: dict[str, tuple[str, Callable[[int, int], Table]]] = {
    **{f"related {value:g}": ("regression", _related(value)) for value in RELATEDNESS},
    "school": ("regression", lambda *_: _own_rows("school", lambda t: t.iloc[:, 0])),
    "landmine": ("classification", lambda *_: _own_rows("landmine", lambda t: t.astype(str).agg(" ".join, axis=1))),
    "tox21": ("classification", lambda *_: _molecules("tox21")),
    "census_kdd": ("classification", lambda *_: _csv("census_kdd", _never_married)),
    "adult": ("classification", lambda *_: _csv("adult", _rare_joined)),
    "rf1": ("regression", lambda *_: _csv("rf1", in_time=True)),
    "qm8": ("regression", lambda *_: _molecules("qm8")),
    "ames": ("mixed", lambda *_: _csv("ames", _ames)),
}


def split(name: str, rows: int, seed: int) -> Split:
    """Draw at most ``rows`` by the seed, and split them into three quarters of training rows and test rows."""
    table = DATA_SETS[name][1](rows, seed)
    rng = np.random.default_rng(seed)
    chosen = _drawn(table, rows, rng)
    if table.in_time:
        cut = int(0.75 * len(table.X))
        train, test = chosen[chosen < cut], chosen[chosen >= cut]
    else:
        strata = None if table.strata is None else np.asarray(table.strata)[chosen]
        train, test = train_test_split(chosen, test_size=0.25, random_state=seed, stratify=strata)
    y = table.y.loc[:, table.y.iloc[train].notna().any()]
    X, test_X = _preprocessed(table.X.iloc[train], table.X.iloc[test])
    return Split(X, y.iloc[train].reset_index(drop=True), test_X, y.iloc[test].reset_index(drop=True))


def _drawn(table: Table, rows: int, rng: np.random.Generator) -> np.ndarray:
    """Return positions of the rows drawn; of tasks with separate rows whole tasks, so that each keeps its size."""
    if len(table.X) <= rows:
        return np.arange(len(table.X))
    if table.strata is None:
        return np.sort(rng.choice(len(table.X), rows, replace=False))
    task = table.y.notna().to_numpy().argmax(axis=1)
    order = rng.permutation(table.y.shape[1])
    sizes = np.bincount(task, minlength=len(order))[order].cumsum()
    return np.flatnonzero(np.isin(task, order[: max(2, int((sizes <= rows).sum()))]))


def _preprocessed(X: pd.DataFrame, test_X: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Standardise numbers (bits stay as they are) and encode levels one-hot, rare ones together."""
    if set(X.columns[:1]) == {"bit0"}:
        return X.to_numpy(np.float32), test_X.to_numpy(np.float32)
    numbers = make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler())
    levels = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=10, sparse_output=False)
    nominal = make_column_selector(dtype_exclude="number")
    both = make_column_transformer((numbers, make_column_selector(dtype_include="number")), (levels, nominal))
    return both.fit_transform(X).astype(np.float32), both.transform(test_X).astype(np.float32)
