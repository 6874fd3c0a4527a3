"""Random tables, targets, weights and parameters in every container, for `test_fuzz.py`."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
from hypothesis import strategies as st
from scipy import sparse

from skmtl import MultiTaskKerasClassifier, MultiTaskKerasEstimator, MultiTaskKerasRegressor
from skmtl.grouping import TaskGroupingClassifier, TaskGroupingRegressor

NAMES = ["p", "q", "r"]
COLUMNS = ["u", "v", "w"]

# Containers of X: for numbers only, and for numbers and categories.
_OF_NUMBERS = {
    "float64": lambda X: X,
    "float32": lambda X: X.astype(np.float32),
    "fortran": np.asfortranarray,
    "strided": lambda X: np.repeat(X, 2, axis=0)[::2],
    "read-only": lambda X: _read_only(X),
    "list": lambda X: X.tolist(),
    "objects": lambda X: X.astype(object),
    "masked": lambda X: np.ma.masked_invalid(np.where(np.isnan(X), 1e20, X)) if not np.isnan(X).any() else _masked(X),
    "csr": sparse.csr_array,
    "csc": sparse.csc_matrix,
    "frame": lambda X: pd.DataFrame(X, columns=COLUMNS),
    "frame float32": lambda X: pd.DataFrame(X, columns=COLUMNS).astype("float32"),
    "nullable": lambda X: pd.DataFrame(X, columns=COLUMNS).convert_dtypes(),
    "arrow": lambda X: pd.DataFrame(X, columns=COLUMNS).astype("double[pyarrow]"),
    "object frame": lambda X: pd.DataFrame(X, columns=COLUMNS).astype(object),
    "decimals": lambda X: pd.DataFrame(X, columns=COLUMNS).map(lambda v: Decimal(str(v))),
    "polars": lambda X: pl.DataFrame(X, schema=COLUMNS),
    "pyarrow": lambda X: pa.table(dict(zip(COLUMNS, X.T, strict=True))),
}
_WITH_CATEGORIES = {
    "str": lambda X, kind: pd.DataFrame(X, columns=COLUMNS).assign(kind=kind),
    "category": lambda X, kind: pd.DataFrame(X, columns=COLUMNS).assign(kind=pd.Categorical(kind)),
    "arrow str": lambda X, kind: pd.DataFrame(X, columns=COLUMNS).assign(kind=pd.array(kind, dtype="string[pyarrow]")),
    "object": lambda X, kind: np.column_stack([X.astype(object), kind.astype(object)]),
    "polars": lambda X, kind: pl.DataFrame(X, schema=COLUMNS).with_columns(pl.Series("kind", kind.tolist())),
}
# Class labels by type.
_LABELS: dict[str, Any] = {
    "int": lambda codes: codes,
    "bool": lambda codes: codes > 0,
    "text": lambda codes: np.array(["low", "mid", "high"])[codes],
    "object text": lambda codes: np.array(["low", "mid", "höchst"], dtype=object)[codes],
    "bytes": lambda codes: np.array([b"a", b"b", b"c"])[codes],
    "float": lambda codes: codes.astype(float),
    "date": lambda codes: np.array(["2020-01-01", "2021-01-01", "2022-01-01"], dtype="datetime64[D]")[codes],
    "timestamp": lambda codes: np.array(["2020-01-01", "2021-01-01", "2022-01-01"], dtype="datetime64[ns]")[codes],
    "large": lambda codes: np.array([2**63, 2**64, 2**65], dtype=object)[codes],
    "python date": lambda codes: np.array([datetime.date(2020, 1, i + 1) for i in range(3)], dtype=object)[codes],
}
# Dtypes that a table's column of labels may be converted to.
_CLASS_DTYPES = {
    "int": ["int8", "Int64", "int64[pyarrow]", "category"],
    "bool": ["boolean", "bool[pyarrow]", "category"],
    "text": ["str", "string", "category", "string[pyarrow]"],
}
_FLOAT_DTYPES = ["float64", "float32", "Float64", "double[pyarrow]", "object"]

# Every structure needs its own program, so these share a few.
PARAMETERS: dict[str, list[Any]] = {
    "architecture": ["shared_bottom", "independent", "mmoe", "cross_stitch"],
    "hidden_layer_sizes": [(3,), 3, [4, 3]],
    "head_layer_sizes": [(), (2,)],
    "activation": ["relu", "tanh"],
    "dropout": [0.0, 0.3],
    "ensemble_size": [1, 2],
    "optimizer": ["adam", "sgd"],
    "learning_rate": [None, 0.01],
    "learning_rate_schedule": ["constant", "cosine"],
    "weight_decay": [None, 0.01],
    "balancing": ["equal", "dwa", "pcgrad"],
    "batch_size": ["auto", 7],
    "shuffle": [True, False],
    "task_sampling": [None, 0.5],
    "early_stopping": [False, "auto"],
    "validation_split": [None, 3],
    "scale_inputs": [True, False, "robust"],
    "scale_targets": [True, "auto"],
    "numeric_embedding": [None, "piecewise_linear"],
    "one_hot_max_size": [0, 12],
    "dtype": ["float32", "float64"],
    "loss_weights": [None, "by position", "series"],
}
BASE = {"hidden_layer_sizes": (3,), "epochs": 2, "ensemble_size": 1, "random_state": 0, "jit_compile": False}


class Case:
    """One draw: an unfitted estimator and its data and arguments."""

    def __init__(
        self, estimator: Any, X: Any, y: Any, observed: np.ndarray, arguments: dict[str, Any], description: str
    ) -> None:
        self.estimator, self.X, self.y = estimator, X, y
        self.observed, self.arguments, self.description = observed, arguments, description

    def __repr__(self) -> str:
        return f"<{self.description}>"


def _read_only(X: np.ndarray) -> np.ndarray:
    X = X.copy()
    X.setflags(write=False)
    return X


def _masked(X: np.ndarray) -> np.ma.MaskedArray:
    return np.ma.masked_array(np.where(np.isnan(X), -999.0, X), mask=np.isnan(X))


@st.composite
def cases(draw: Any) -> Case:
    """Draw valid calls of fit of any estimator."""
    pick = lambda values: draw(st.sampled_from(list(values)))  # noqa: E731
    random = np.random.default_rng(draw(st.integers(0, 2**16)))
    n_rows, n_tasks = pick([12, 25, 40]), pick([1, 2, 3])
    numbers = random.normal(size=(n_rows, 3)) * pick([1.0, 1.0, 1e-6, 1e6])
    gaps = draw(st.booleans())
    if gaps:
        numbers[random.random(numbers.shape) < 0.2] = np.nan
    X, x_name = _features(pick, numbers, random)
    kind = pick(["regressor", "classifier", "mixed", "grouped regressor", "grouped classifier"])
    tasks = _tasks(pick, kind, numbers, n_tasks, random)
    y, observed, y_name = _targets(pick, tasks, draw(st.booleans()), random)
    estimator, names = _estimator(pick, kind, tasks, draw(st.booleans()))
    arguments = _arguments(pick, n_rows, y, observed, random)
    described = f"{kind} {names} X={x_name} gaps={gaps} y={y_name} {sorted(arguments)}"
    return Case(estimator, X, y, observed, arguments, described)


def _features(pick: Any, numbers: np.ndarray, random: np.random.Generator) -> tuple[Any, str]:
    if pick([True, True, False]):
        name = pick(_OF_NUMBERS)
        return _OF_NUMBERS[name](numbers), name
    name = pick(_WITH_CATEGORIES)
    return _WITH_CATEGORIES[name](numbers, np.array(["a", "b", "c"])[random.integers(0, 3, len(numbers))]), name


def _tasks(
    pick: Any, kind: str, numbers: np.ndarray, n_tasks: int, random: np.random.Generator
) -> list[tuple[str, np.ndarray]]:
    """Draw the type of each task and its labels."""
    tasks = []
    for task in range(n_tasks):
        classified = kind.endswith("classifier") or (kind == "mixed" and pick([True, False]))
        noise = random.normal(size=len(numbers))
        if not classified:
            tasks.append(("quantity", (np.nan_to_num(numbers[:, task]) + noise) * pick([1.0, 1e-5, 1e4])))
            continue
        sort = pick(_LABELS)
        most = 2 if sort == "bool" or kind == "mixed" else 3
        codes = random.integers(0, most, len(numbers))
        codes[:most] = np.arange(most)
        tasks.append((sort, _LABELS[sort](codes)))
    return tasks


def _targets(
    pick: Any, tasks: list[tuple[str, np.ndarray]], missing: bool, random: np.random.Generator
) -> tuple[Any, np.ndarray, str]:
    """Draw y in a container that can hold its labels, with missing ones if it can mark them."""
    n_rows = len(tasks[0][1])
    gaps = random.random((n_rows, len(tasks))) < (0.25 if missing else 0.0)
    gaps[:8] = False
    sorts = [sort for sort, _ in tasks]
    if all(sort == "quantity" for sort in sorts):
        form = pick(["array", "masked", "list", "frame", "polars"])
    elif len(set(sorts)) == 1 and not gaps.any():
        form = pick(["array", "frame"])
    else:
        form = "frame"
    if form == "frame":
        columns = {
            name: _column(pick, sort, labels, gaps[:, i])
            for i, (name, (sort, labels)) in enumerate(zip(NAMES, tasks, strict=False))
        }
        return pd.DataFrame(columns), ~gaps, f"frame {[str(c.dtype) for c in columns.values()]}"
    cells = np.column_stack([labels for _, labels in tasks])
    if not gaps.any() and form != "polars":
        cells = cells[:, 0] if len(tasks) == 1 else cells
    elif form == "masked":
        cells = np.ma.masked_array(np.where(gaps, -999.0, cells), mask=gaps)
    else:
        cells = np.where(gaps, np.nan, cells)
    if form == "list":
        return cells.tolist(), ~gaps, form
    return (pl.DataFrame(cells, schema=NAMES[: len(tasks)]) if form == "polars" else cells), ~gaps, f"{form} {sorts}"


def _column(pick: Any, sort: str, labels: np.ndarray, gaps: np.ndarray) -> pd.Series:
    series = pd.Series(labels.astype(object) if labels.dtype.kind in "SO" else labels)
    if sort == "quantity":
        series = series.astype(pick(_FLOAT_DTYPES))
    elif sort in _CLASS_DTYPES:
        series = series.astype(pick(_CLASS_DTYPES[sort]))
    if not gaps.any():
        return series
    if series.dtype.kind in "iub" and isinstance(series.dtype, np.dtype):
        series = series.astype(object)
    return series.mask(gaps)


def _estimator(pick: Any, kind: str, tasks: list[tuple[str, np.ndarray]], many: bool) -> tuple[Any, dict[str, Any]]:
    chosen = {pick(PARAMETERS): None for _ in range(3 if many else 1)}
    given = {name: pick(PARAMETERS[name]) for name in chosen}
    if given.get("validation_split") is not None:
        given.pop("early_stopping", None)
    if "loss_weights" in given:
        weights = np.arange(1.0, len(tasks) + 1)
        given["loss_weights"] = {"by position": weights, "series": pd.Series(weights)}.get(given["loss_weights"])
    settings = {**BASE, **given}
    if kind == "mixed":
        names = NAMES[: len(tasks)]
        types = ["regression" if sort == "quantity" else "classification" for sort, _ in tasks]
        return _Typed(settings, dict(zip(names, types, strict=True))), given
    if kind.startswith("grouped"):
        groups = [[0], list(range(1, len(tasks)))] if len(tasks) > 1 else [[0]]
        if kind.endswith("regressor"):
            return TaskGroupingRegressor(MultiTaskKerasRegressor(**settings), groups=groups), given
        return TaskGroupingClassifier(MultiTaskKerasClassifier(**settings), groups=groups), given
    return (MultiTaskKerasRegressor if kind == "regressor" else MultiTaskKerasClassifier)(**settings), given


class _Typed:
    """A mixed estimator with types for the tasks under the names that y gives them."""

    def __init__(self, settings: dict[str, Any], types: dict[str, str]) -> None:
        self.settings, self.types = settings, types

    def for_targets(self, y: Any) -> MultiTaskKerasEstimator:
        named = hasattr(y, "columns")
        types = {name if named else f"y{i}": kind for i, (name, kind) in enumerate(self.types.items())}
        return MultiTaskKerasEstimator(**self.settings, task_types=types)


def _arguments(pick: Any, n_rows: int, y: Any, observed: np.ndarray, random: np.random.Generator) -> dict[str, Any]:
    form = pick(["none", "none", "rows", "cells", "frame", "masked", "list"])
    if form == "none":
        return {}
    cells = random.choice([0.5, 1.0, 3.0], size=observed.shape)
    rows = cells[:, 0]
    one_dimensional = np.ndim(y) == 1
    if form in ("rows", "masked", "list") or one_dimensional:
        masked = np.ma.masked_array(rows, mask=np.arange(n_rows) >= n_rows - 2)
        return {"sample_weight": {"masked": masked, "list": rows.tolist()}.get(form, rows)}
    table = pd.DataFrame(cells, columns=list(getattr(y, "columns", range(cells.shape[1]))))
    return {"sample_weight": table.iloc[:, ::-1] if form == "frame" and hasattr(y, "columns") else cells}
