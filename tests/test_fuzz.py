"""Random calls: guarantees of every fit hold for any input.

``SKMTL_FUZZ_CASES=2000 pytest tests/test_fuzz.py`` draws 2,000 cases.
"""

import copy
import os
import pickle
import random
import warnings

import numpy as np
import pandas as pd
from hypothesis import HealthCheck, given, note, settings
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from ._fuzz import Case, cases

N_CASES = int(os.environ.get("SKMTL_FUZZ_CASES", "25"))
FUZZ = settings(
    deadline=None,
    max_examples=N_CASES,
    derandomize=N_CASES <= 100,
    suppress_health_check=list(HealthCheck),
    database=None,
)


def estimator_of(case: Case):
    own = case.estimator
    return own.for_targets(case.y) if hasattr(own, "for_targets") else clone(own)


def fitted(case: Case, X=None, y=None, **arguments):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return estimator_of(case).fit(
            case.X if X is None else X, case.y if y is None else y, **(arguments or case.arguments)
        )


def rows_of(X, rows):
    if hasattr(X, "iloc"):
        return X.iloc[rows]
    if sparse.issparse(X):
        return X.tocsr()[rows]
    if isinstance(X, list):
        return [X[row] for row in rows]
    return X.take(rows) if hasattr(X, "take") and hasattr(X, "column_names") else X[rows]


def same_bits(found, expected):
    if isinstance(expected, pd.DataFrame):
        pd.testing.assert_frame_equal(found, expected, check_exact=True)
    elif isinstance(expected, list):
        for one, other in zip(found, expected, strict=True):
            same_bits(one, other)
    elif expected is not None:
        np.testing.assert_array_equal(found, expected)


def numbers_of(model, X):
    """Return all numbers that the model predicts: probabilities and quantities."""
    parts = []
    if hasattr(model, "predict_proba"):
        proba = model.predict_proba(X)
        parts += [part for part in (proba if isinstance(proba, list) else [proba]) if part is not None]
    predicted = model.predict(X)
    columns = predicted.items() if isinstance(predicted, pd.DataFrame) else enumerate(np.atleast_2d(predicted.T))
    for _, column in columns:
        if pd.api.types.is_float_dtype(getattr(column, "dtype", None)):
            parts.append(np.asarray(column, dtype=float))
    return parts


def random_states():
    """Return the global random states, which a fit must not change."""
    legacy = np.random.get_state()  # noqa: NPY002
    return random.getstate(), tuple(legacy[1]), legacy[2:]


def contents(values):
    if isinstance(values, np.ma.MaskedArray):
        return values.data.copy(), values.mask.copy()
    return copy.deepcopy(values)


def check_untouched(before, after):
    if isinstance(after, np.ma.MaskedArray):
        for one, other in zip(before, (after.data, after.mask), strict=True):
            np.testing.assert_array_equal(one, other)
    elif sparse.issparse(after):
        assert (before != after).nnz == 0 or np.isnan(before.data).any()
    elif hasattr(after, "to_pandas"):
        assert after.to_pandas().equals(before.to_pandas())
    elif hasattr(after, "equals"):
        assert after.equals(before)
    else:
        now, then = (pd.DataFrame(np.asarray(cells, dtype=object)) for cells in (after, before))
        assert now.equals(then)


@FUZZ
@given(cases())
def test_guarantees_of_every_fit(case):
    note(case.description)
    given = [case.X, case.y, *case.arguments.values()]
    before, states = [contents(values) for values in given], random_states()
    model = fitted(case)
    predicted = model.predict(case.X)

    for number in numbers_of(model, case.X):
        assert np.isfinite(number).all()
    assert np.isfinite(model.score(case.X, case.y))
    for kept, values in zip(before, given, strict=True):
        check_untouched(kept, values)
    assert random_states() == states

    same_bits(fitted(case).predict(case.X), predicted)
    same_bits(model.fit(case.X, case.y, **case.arguments).predict(case.X), predicted)
    same_bits(pickle.loads(pickle.dumps(model)).predict(case.X), predicted)

    some = np.arange(0, len(case.observed), 3)
    for alone, together in zip(numbers_of(model, rows_of(case.X, some)), numbers_of(model, case.X), strict=True):
        scale = max(1e-300, float(np.abs(together).max()))
        np.testing.assert_allclose(alone, together[some], rtol=1e-6, atol=1e-6 * scale)


@FUZZ
@given(cases())
def test_predicted_labels_have_the_type_of_y(case):
    note(case.description)
    predicted = fitted(case).predict(case.X)
    if isinstance(predicted, pd.DataFrame) and isinstance(case.y, pd.DataFrame):
        assert predicted.columns.equals(case.y.columns)
    table = predicted if isinstance(predicted, pd.DataFrame) else pd.DataFrame(predicted)
    if isinstance(case.y, pd.DataFrame):
        for position, name in enumerate(case.y):
            if not pd.api.types.is_float_dtype(case.y[name].dropna().infer_objects().dtype):
                assert set(table.iloc[:, position]) <= set(case.y[name].dropna().astype(object))


@FUZZ
@given(cases())
def test_no_weight_no_label_and_no_row_are_the_same(case):
    note(case.description)
    n_rows, n_tasks = case.observed.shape
    if sparse.issparse(case.X) or isinstance(case.y, list) or hasattr(case.y, "to_pandas") or case.y.ndim == 1:
        return
    dropped = np.arange(n_rows) >= n_rows - 2
    weights = np.where(dropped, 0.0, 1.0)
    kept = np.flatnonzero(~dropped)
    by_weight = fitted(case, sample_weight=weights)
    by_row = fitted(case, X=rows_of(case.X, kept), y=rows_of(case.y, kept), sample_weight=np.ones(len(kept)))
    cells = np.repeat(weights[:, None], n_tasks, axis=1)
    by_cell = fitted(case, sample_weight=cells)
    same_bits(by_cell.predict(case.X), by_weight.predict(case.X))
    for one, other in zip(numbers_of(by_row, case.X), numbers_of(by_weight, case.X), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5 * max(1e-300, float(np.abs(other).max())))
