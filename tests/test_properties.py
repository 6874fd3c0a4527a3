"""Properties that hold for random shapes, dtypes, missing labels and weights."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.metrics import accuracy_score, r2_score

from skmtl import MultiTaskKerasClassifier, MultiTaskKerasEstimator, MultiTaskKerasRegressor

# One epoch of a tiny network; few widths, so that examples share compiled programs.
TINY = {"hidden_layer_sizes": (3,), "epochs": 1, "jit_compile": False, "random_state": 0, "ensemble_size": 1}
FEW = settings(deadline=None, max_examples=7, derandomize=True, suppress_health_check=list(HealthCheck))

NUMBERS = st.floats(-1e6, 1e6, allow_subnormal=False)
ROWS, COLUMNS, TASKS = st.integers(1, 70), st.sampled_from([1, 3]), st.sampled_from([1, 2])
LABELS = {
    "int": st.integers(-3, 3),
    "float": st.sampled_from([0.0, 1.0, 2.0]),
    "bool": st.booleans(),
    "str": st.sampled_from(["low", "high", "höchst"]),
}


@st.composite
def tables(draw, dtype=None):
    """Draw X of any numeric dtype, with missing values if the dtype has them."""
    shape = draw(ROWS), draw(COLUMNS)
    dtype = draw(st.sampled_from(["float32", "float64", "int64", "bool"])) if dtype is None else dtype
    if dtype.startswith("float"):
        cells = arrays.arrays(np.float64, shape, elements=st.one_of(NUMBERS, st.just(np.nan)))
        return draw(cells).astype(dtype)
    elements = st.booleans() if dtype == "bool" else st.integers(-1000, 1000)
    return draw(arrays.arrays(dtype, shape, elements=elements))


@st.composite
def masks(draw, n_rows, n_tasks):
    """Draw a mask of missing labels; every task keeps a label."""
    mask = draw(arrays.arrays(bool, (n_rows, n_tasks)))
    for task in range(n_tasks):
        mask[draw(st.integers(0, n_rows - 1)), task] = False
    return mask


@st.composite
def regressions(draw):
    X = draw(tables())
    shape = len(X), draw(TASKS)
    y = draw(arrays.arrays(np.float64, shape, elements=NUMBERS))
    y[draw(masks(*shape))] = np.nan
    return X, y


@st.composite
def weights_for(draw, y):
    """Draw no weights, weights of rows or weights of labels; every task keeps a weighted label."""
    kind = draw(st.sampled_from(["none", "rows", "labels"]))
    if kind == "none":
        return None
    shape = (len(y),) if kind == "rows" else y.shape
    weight = draw(arrays.arrays(np.float64, shape, elements=st.sampled_from([0.0, 1e-3, 1.0, 50.0])))
    cells = np.where(np.isnan(y), 0.0, weight.reshape(len(y), -1))
    assume((cells > 0).any(axis=0).all())
    return weight


@FEW
@given(st.data())
def test_a_regressor_fits_anything_finite_and_predicts_finite_numbers(data):
    X, y = data.draw(regressions())
    weight = data.draw(weights_for(y))
    model = MultiTaskKerasRegressor(**{**TINY, "ensemble_size": data.draw(st.sampled_from([1, 2]))}).fit(X, y, weight)
    predicted = model.predict(X)
    assert predicted.shape == y.shape
    assert np.isfinite(predicted).all()
    for name in ("loss", *(f"{task}_loss" for task in model.task_names_)):
        assert np.isfinite(model.history_[name]).all()


@FEW
@given(st.data())
def test_a_classifier_predicts_its_classes_with_probabilities_that_sum_to_one(data):
    X = data.draw(tables())
    columns = {}
    for task in range(data.draw(TASKS)):
        labels = st.lists(LABELS[data.draw(st.sampled_from(list(LABELS)))], min_size=len(X), max_size=len(X))
        columns[f"task {task}"] = pd.Series(data.draw(labels), dtype=object)
    y = pd.DataFrame(columns)
    missing = data.draw(st.sampled_from([None, np.nan, pd.NA]))
    y = y.mask(data.draw(masks(*y.shape)), missing)
    model = MultiTaskKerasClassifier(**TINY).fit(X, y)
    predicted = np.asarray(model.predict(X), dtype=object)
    for task, (name, classes, proba) in enumerate(zip(columns, model.classes_, model.predict_proba(X), strict=True)):
        assert set(classes.tolist()) == set(y[name].dropna())
        assert set(predicted[:, task]) <= set(classes.tolist())
        assert proba.shape == (len(X), len(classes))
        assert (proba >= 0).all()
        np.testing.assert_allclose(proba.sum(axis=1), 1.0, rtol=0, atol=1e-12)


@pytest.mark.slow
@FEW
@given(st.data())
def test_the_mixed_estimator_takes_any_mixture(data):
    X = data.draw(tables())
    kinds = data.draw(st.lists(st.sampled_from(["quantity", *LABELS]), min_size=1, max_size=2))
    y = pd.DataFrame(
        {
            f"{i} {kind}": pd.Series(
                data.draw(st.lists(LABELS.get(kind, NUMBERS), min_size=len(X), max_size=len(X))), dtype=object
            )
            for i, kind in enumerate(kinds)
        }
    )
    y = y.mask(data.draw(masks(*y.shape)))
    task_types = {
        f"{i} {kind}": "regression" if kind == "quantity" else "classification" for i, kind in enumerate(kinds)
    }
    model = MultiTaskKerasEstimator(**TINY, task_types=task_types).fit(X, y)
    predicted = model.predict(X)
    assert predicted.columns.tolist() == y.columns.tolist()
    for name, kind in task_types.items():
        if kind == "regression":
            assert np.isfinite(predicted[name]).all()
        else:
            assert set(predicted[name]) <= set(y[name].dropna())


@FEW
@given(st.data())
def test_the_value_of_a_label_without_weight_never_matters(data):
    X, y = data.draw(regressions())
    gaps = np.isnan(y)
    model = MultiTaskKerasRegressor(**TINY).fit(X, y)
    y[gaps] = data.draw(st.sampled_from([0.0, -1e6, 1e300]))
    filled = MultiTaskKerasRegressor(**TINY).fit(X, y, np.where(gaps, 0.0, 1.0))
    np.testing.assert_array_equal(filled.predict(X), model.predict(X))


@FEW
@given(st.data())
def test_the_score_of_a_regressor_is_the_mean_of_r2_over_known_labels(data):
    X, y = data.draw(regressions())
    assume(((~np.isnan(y)).sum(axis=0) >= 2).all())
    model = MultiTaskKerasRegressor(**TINY).fit(X, y)
    predicted, seen = model.predict(X), ~np.isnan(y)
    by_hand = [r2_score(y[seen[:, i], i], predicted[seen[:, i], i]) for i in range(y.shape[1])]
    assert model.score_tasks(X, y).tolist() == by_hand
    assert model.score(X, y) == pytest.approx(np.mean(by_hand), rel=1e-12)


@FEW
@given(st.data())
def test_the_score_of_a_classifier_is_the_mean_accuracy_over_known_labels(data):
    X = data.draw(tables())
    y = data.draw(arrays.arrays(np.float64, (len(X), 2), elements=st.sampled_from([0.0, 1.0, 2.0])))
    y[data.draw(masks(*y.shape))] = np.nan
    model = MultiTaskKerasClassifier(**TINY).fit(X, y)
    predicted, seen = model.predict(X), ~np.isnan(y)
    by_hand = [accuracy_score(y[seen[:, i], i], predicted[seen[:, i], i]) for i in range(2)]
    assert model.score_tasks(X, y).tolist() == by_hand
    assert model.score(X, y) == pytest.approx(np.mean(by_hand), rel=1e-12)


@pytest.mark.slow
@settings(FEW, max_examples=4)
@given(st.permutations(["price", "size", "sold"]), st.data())
def test_permuting_tasks_permutes_names_shapes_and_kinds(order, data):
    X = data.draw(tables("float64"))
    n_rows = len(X)
    y = pd.DataFrame(
        {
            "price": data.draw(arrays.arrays(np.float64, n_rows, elements=NUMBERS)),
            "size": data.draw(st.lists(LABELS["str"], min_size=n_rows, max_size=n_rows)),
            "sold": data.draw(st.lists(LABELS["bool"], min_size=n_rows, max_size=n_rows)),
        }
    )
    kinds = {"task_types": {"price": "regression"}}
    model, permuted = (MultiTaskKerasEstimator(**TINY, **kinds).fit(X, table) for table in (y, y[order]))
    assert permuted.task_names_ == order
    assert permuted.predict(X).dtypes.to_dict() == model.predict(X).dtypes.to_dict()
    found = dict(zip(permuted.task_names_, permuted.predict_proba(X), strict=True))
    for name, proba in zip(model.task_names_, model.predict_proba(X), strict=True):
        assert np.shape(found[name]) == np.shape(proba)
    if n_rows > 1:
        assert permuted.score_tasks(X, y[order]).index.tolist() == order


@pytest.mark.parametrize("scale", [1e-300, 1e-30, 1e30, 1e150, 1e300])
@pytest.mark.parametrize("where", ["X", "y"])
def test_numbers_of_any_magnitude_are_learnt_alike(where, scale):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 3)), rng.normal(size=(60, 2))
    expected = MultiTaskKerasRegressor(**TINY).fit(X, y).predict(X)
    if where == "X":
        found = MultiTaskKerasRegressor(**TINY).fit(X * scale, y).predict(X * scale)
    else:
        found = MultiTaskKerasRegressor(**TINY).fit(X, y * scale).predict(X) / scale
    np.testing.assert_allclose(found, expected, rtol=1e-5)
