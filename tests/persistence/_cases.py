"""Small fitted estimators of every kind that can be saved, each fitted once."""

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
    """Numbers and strings with gaps, categories with few and with many levels, an integer category, booleans."""
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
    """A classification target with these labels."""
    column = np.empty(len(X), dtype=object)
    column[:] = [kinds[i % len(kinds)] for i in range(len(X))]
    return column


def grouped_rows() -> tuple[np.ndarray, np.ndarray]:
    """Rows that resemble their neighbours, so that a blend for shifted rows is fitted."""
    rng = np.random.default_rng(0)
    group = np.repeat(rng.normal(size=(8, 4)) * 3, 25, axis=0)
    rows = group + 0.1 * rng.normal(size=group.shape)
    return rows, rows[:, :2] + 0.1 * rng.normal(size=(200, 2))


def partially_fitted(model: Any) -> Any:
    for _ in range(2):
        model.partial_fit(X, quantities(X))
    return model


CASES: dict[str, Any] = {
    "regressor": lambda: (MultiTaskKerasRegressor(**TINY).fit(X, quantities(X)), X),
    "regressor of one task": lambda: (MultiTaskKerasRegressor(**TINY).fit(X, quantities(X)[:, 0]), X),
    "classifier": lambda: (MultiTaskKerasClassifier(**TINY).fit(X, labels(X)), X),
    "mixed": lambda: (MultiTaskKerasEstimator(**TINY).fit(table(), mixed(X)), table()),
    "shifted rows": lambda: (MultiTaskKerasRegressor(**TINY).fit(*grouped_rows()), grouped_rows()[0] + 1),
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
    "partial_fit": lambda: (partially_fitted(MultiTaskKerasRegressor(**SMALL)), X),
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
    """All predictions of an estimator, as arrays by name."""
    predictions = {"predict": model.predict(rows)}
    if hasattr(model, "predict_proba"):
        proba = model.predict_proba(rows)
        parts = proba if isinstance(proba, list) else [proba]
        predictions |= {f"proba {i}": part for i, part in enumerate(parts) if part is not None}
    if hasattr(model, "oob_residuals_") and hasattr(model, "predict_interval"):
        predictions["interval"] = model.predict_interval(rows, coverage=0.5)
        predictions["std"] = model.predict(rows, return_std=True)[1]
    return {name: np.asarray(value) for name, value in predictions.items()}


def check_same(found: dict[str, Any], expected: dict[str, Any], rtol: float = 0.0) -> None:
    """Assert that predictions are the same bits, or within ``rtol`` if it is not 0."""
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        other = found[name]
        assert other.dtype == value.dtype, name
        if rtol and value.dtype.kind == "f":
            np.testing.assert_allclose(other, value, rtol=rtol, atol=1e-9, err_msg=name)
        else:
            np.testing.assert_array_equal(other, value, err_msg=name)
