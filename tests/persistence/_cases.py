"""Small fitted estimators of every sort that a file has to keep, each made once."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pandas as pd

from skmtl import MultiTaskKerasClassifier, MultiTaskKerasEstimator, MultiTaskKerasRegressor
from skmtl.grouping import TaskGroupingClassifier, TaskGroupingRegressor
from skmtl.networks import MMoE, Periodic, PiecewiseLinear

from ..estimators._builders import heads
from ..estimators._cases import SMALL, features, labels, mixed, quantities

X = features()
OWN = {name: value for name, value in SMALL.items() if name != "hidden_layer_sizes"}
TINY: dict[str, Any] = {"hidden_layer_sizes": (4,), "epochs": 2, "random_state": 0, "jit_compile": False}


def table(n_samples: int = 60) -> pd.DataFrame:
    """Numbers with gaps, strings with gaps, a few levels and many, a category of integers, booleans."""
    rng = np.random.default_rng(5)
    X = pd.DataFrame(features(n_samples), columns=list("abcd"))
    X.loc[::7, "b"] = np.nan
    X["size"] = rng.choice(["s", "m", "größe"], n_samples)
    X.loc[3, "size"] = None
    X["street"] = rng.choice([f"street {i}" for i in range(15)], n_samples)
    X["year"] = pd.Categorical(rng.integers(2000, 2004, n_samples))
    X["sold"] = rng.random(n_samples) > 0.5
    return X


def labelled(*kinds: Any) -> np.ndarray:
    """A classification with these labels."""
    column = np.empty(len(X), dtype=object)
    column[:] = [kinds[i % len(kinds)] for i in range(len(X))]
    return column


def in_time() -> tuple[np.ndarray, np.ndarray]:
    """Rows next to each other alike, so that a blend for far rows is made."""
    rng = np.random.default_rng(0)
    group = np.repeat(rng.normal(size=(8, 4)) * 3, 25, axis=0)
    rows = group + 0.1 * rng.normal(size=group.shape)
    return rows, rows[:, :2] + 0.1 * rng.normal(size=(200, 2))


def partly(model: Any) -> Any:
    for _ in range(2):
        model.partial_fit(X, quantities(X))
    return model


CASES: dict[str, Any] = {
    "regressor": lambda: (MultiTaskKerasRegressor(**TINY).fit(X, quantities(X)), X),
    "regressor of one task": lambda: (MultiTaskKerasRegressor(**TINY).fit(X, quantities(X)[:, 0]), X),
    "classifier": lambda: (MultiTaskKerasClassifier(**TINY).fit(X, labels(X)), X),
    "mixed": lambda: (MultiTaskKerasEstimator(**TINY).fit(table(), mixed(X)), table()),
    "far rows": lambda: (MultiTaskKerasRegressor(**TINY).fit(*in_time()), in_time()[0] + 1),
    "single": lambda: (MultiTaskKerasEstimator(**SMALL, loss_weights={"price": 2.0}).fit(X, mixed(X)), X),
    "ensemble": lambda: (MultiTaskKerasRegressor(**{**SMALL, "ensemble_size": 2}).fit(X, quantities(X)), X),
    "float64": lambda: (MultiTaskKerasRegressor(**SMALL, dtype="float64", oob_score=True).fit(X, quantities(X)), X),
    "cosines": lambda: (MultiTaskKerasRegressor(**SMALL, balancing="pcgrad").fit(X, quantities(X)), X),
    "embedding": lambda: (MultiTaskKerasRegressor(**SMALL, numeric_embedding=Periodic(3)).fit(X, quantities(X)), X),
    "bins": lambda: (
        MultiTaskKerasRegressor(**SMALL, numeric_embedding=PiecewiseLinear(4, 2)).fit(X, quantities(X)),
        X,
    ),
    "scheme": lambda: (MultiTaskKerasRegressor(**SMALL, architecture=MMoE(2)).fit(X, quantities(X)), X),
    "partial_fit": lambda: (partly(MultiTaskKerasRegressor(**SMALL)), X),
    "model": lambda: (MultiTaskKerasEstimator(**OWN, model=heads, model__noise=0.1).fit(X, mixed(X)), X),
    "grouping": lambda: (
        TaskGroupingRegressor(
            MultiTaskKerasRegressor(**SMALL), affinity="label_correlation", random_state=0, max_groups=1
        ).fit(X, quantities(X)),
        X,
    ),
    "grouped classes": lambda: (
        TaskGroupingClassifier(MultiTaskKerasClassifier(**SMALL), groups=[[0], [1]]).fit(X, labels(X)),
        X,
    ),
}


@functools.cache
def fitted(name: str) -> tuple[Any, Any]:
    """The fitted estimator of a case, and rows to predict."""
    return CASES[name]()


def answers(model: Any, rows: Any) -> dict[str, Any]:
    """All that an estimator says of rows, as arrays by name."""
    found = {"predict": model.predict(rows)}
    if hasattr(model, "predict_proba"):
        proba = model.predict_proba(rows)
        parts = proba if isinstance(proba, list) else [proba]
        found |= {f"proba {i}": part for i, part in enumerate(parts) if part is not None}
    if hasattr(model, "oob_residuals_") and hasattr(model, "predict_interval"):
        found["interval"] = model.predict_interval(rows, coverage=0.5)
        found["std"] = model.predict(rows, return_std=True)[1]
    return {name: np.asarray(value) for name, value in found.items()}


def check_same(found: dict[str, Any], expected: dict[str, Any], rtol: float = 0.0) -> None:
    """The same answers, to the bit unless ``rtol`` says otherwise."""
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        other = found[name]
        assert other.dtype == value.dtype, name
        if rtol and value.dtype.kind == "f":
            np.testing.assert_allclose(other, value, rtol=rtol, atol=1e-9, err_msg=name)
        else:
            np.testing.assert_array_equal(other, value, err_msg=name)
