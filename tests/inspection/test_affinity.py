"""Task affinities: inputs, results, and their printed form."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmtl import MultiTaskKerasClassifier, MultiTaskKerasEstimator, MultiTaskKerasRegressor
from skmtl.inspection import task_affinity
from skmtl.inspection._trained_affinity import _Recorder, permuted
from skmtl.targets import read_columns

SMALL = {"hidden_layer_sizes": (5,), "epochs": 3, "ensemble_size": 2, "jit_compile": False}
QUICK = {"n_permutations": 2, "random_state": 0}


def table(missing=0.2, n=80):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 4))
    y = np.column_stack([X[:, 0], X[:, 0] + 0.1 * rng.normal(size=n), X[:, 1] * X[:, 2]])
    y[rng.random(y.shape) < missing] = np.nan
    return X, pd.DataFrame(y, columns=["price", "rent", "noise"])


def apart(matrix):
    return matrix.to_numpy()[~np.eye(len(matrix), dtype=bool)]


@pytest.mark.parametrize("method", ["gradient_cosine", "tag"])
def test_methods_that_train_return_a_matrix_with_errors_and_bounds_of_chance(method):
    X, y = table()
    affinity = task_affinity(MultiTaskKerasRegressor(**SMALL), X, y, method=method, **QUICK)
    assert list(affinity.matrix.index) == list(affinity.matrix.columns) == list(y.columns)
    assert affinity.task_names == tuple(y.columns)
    for part in (affinity.matrix, affinity.std_error, affinity.p_value, affinity.low, affinity.high):
        assert np.isfinite(apart(part)).all()
    assert (apart(affinity.std_error) > 0).all()
    assert (apart(affinity.low) < apart(affinity.high)).all()
    symmetric = np.array_equal(affinity.matrix, affinity.matrix.T)
    assert symmetric == affinity.symmetric == (method == "gradient_cosine")
    frame = affinity.frame()
    assert len(frame) == (3 if symmetric else 6)
    assert list(frame["affinity"]) == sorted(frame["affinity"], reverse=True)
    for (task, other), row in frame.iterrows():
        assert row["affinity"] == affinity.matrix.loc[task, other]
        assert row["conflict_share"] == affinity.conflict_share.loc[task, other]


def test_a_seed_makes_affinities_repeatable_and_the_estimator_stays_unfitted(capsys):
    X, y = table()
    model = MultiTaskKerasRegressor(**SMALL)
    first, second = (task_affinity(model, X, y, **QUICK, verbose=verbose) for verbose in (0, 1))
    n_fits = 1 + QUICK["n_permutations"]
    assert capsys.readouterr().out.strip().splitlines()[-1].startswith(f"fit {n_fits}/{n_fits}, ")
    pd.testing.assert_frame_equal(first.frame(), second.frame())
    other = task_affinity(model, X, y, n_permutations=0, random_state=1)
    assert not np.array_equal(first.matrix, other.matrix)
    assert not hasattr(model, "network_")


def test_a_pipeline_transforms_x_and_arrays_get_default_task_names():
    X, y = table(missing=0.0)
    model = MultiTaskKerasRegressor(**SMALL, scale_inputs=False)
    piped = task_affinity(make_pipeline(StandardScaler(), model), 10 * X + 5, y.to_numpy(), **QUICK)
    plain = task_affinity(model, StandardScaler().fit_transform(X), y.to_numpy(), **QUICK)
    assert piped.task_names == ("y0", "y1", "y2")
    np.testing.assert_allclose(piped.matrix, plain.matrix, atol=1e-4)


@pytest.mark.parametrize("kind", [MultiTaskKerasClassifier, MultiTaskKerasEstimator])
def test_classes_have_affinities_too(kind):
    X, y = table(missing=0.0)
    labels = pd.DataFrame({"cheap": np.where(y["price"] < 0, "yes", "no"), "rooms": np.digitize(y["rent"], [-1, 0])})
    labels = labels.assign(rent=y["rent"]) if kind is MultiTaskKerasEstimator else labels
    affinity = task_affinity(kind(**SMALL), X, labels, **QUICK)
    assert np.isfinite(apart(affinity.matrix)).all()


def two_heads(meta):
    import keras

    inputs = keras.Input((meta["n_features_in_"],))
    shared = keras.layers.BatchNormalization()(keras.layers.Dense(5, activation="relu")(inputs))
    shared = keras.layers.Dropout(0.2)(shared)
    return keras.Model(inputs, [keras.layers.Dense(1)(shared) for _ in range(meta["n_tasks_"])])


@pytest.mark.parametrize(
    "settings",
    [
        {"hidden_layer_sizes": (5,), "dtype": "float64", "dropout": 0.2, "balancing": "pcgrad"},
        {"hidden_layer_sizes": (5,), "architecture": "mmoe", "ensemble_size": 6, "optimizer": "rmsprop"},
        {"model": two_heads},
    ],
)
def test_all_kinds_of_networks_can_be_measured(settings):
    X, y = table()
    model = MultiTaskKerasRegressor(epochs=2, jit_compile=False, **settings)
    affinity = task_affinity(model, X, y, method="tag", **QUICK)
    assert np.isfinite(apart(affinity.matrix)).all()
    assert (np.diag(affinity.matrix) > 0).all()  # a step for a task lowers its own loss


def test_averages_stop_at_each_members_best_epoch():
    recorder = _Recorder(lookahead=False)
    ones = np.ones((2, 3, 3))
    recorder._members = {0: [0 * ones, 4 * ones, 100 * ones], 1: [2 * ones, 100 * ones, 100 * ones]}
    measured = recorder.result(np.array([2, 1]))
    np.testing.assert_array_equal(measured.values, np.full((3, 3), 2.0))
    np.testing.assert_array_equal(measured.std_error, np.zeros((3, 3)))
    assert measured.epochs == 2
    assert measured.count == 6


def test_the_standard_error_is_over_members_or_over_blocks_of_a_single_network():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(40, 1, 2, 2))
    recorder = _Recorder(lookahead=False)
    recorder._members = {member: list(values[member * 20 : member * 20 + 20]) for member in range(2)}
    means = values.reshape(2, 20, 2, 2).mean(axis=1)
    expected = means.std(axis=0, ddof=1) / np.sqrt(2)
    np.testing.assert_allclose(recorder.result(np.array([20, 20])).std_error, expected)
    recorder._members = {0: list(values)}
    blocks = values.reshape(10, 4, 2, 2).mean(axis=1)
    np.testing.assert_allclose(recorder.result(np.array([40])).std_error, blocks.std(axis=0, ddof=1) / np.sqrt(10))


@pytest.mark.parametrize("as_frame", [True, False])
def test_permuting_moves_labels_among_the_rows_that_have_one(as_frame):
    _, y = table(missing=0.3)
    y = y if as_frame else y.to_numpy()
    shuffled = permuted(y, read_columns(y, estimator="test"), np.random.default_rng(0))
    before, after = np.asarray(y), np.asarray(shuffled)
    np.testing.assert_array_equal(np.isnan(before), np.isnan(after))
    np.testing.assert_array_equal(np.sort(before, axis=0), np.sort(after, axis=0))
    assert not np.array_equal(before, after, equal_nan=True)
    orders = [np.argsort(np.argsort(after[:, task])) for task in range(3)]
    assert not np.array_equal(orders[0], orders[1])
    assert type(shuffled) is type(y)


def test_without_permutations_verdicts_are_unclear():
    X, y = table()
    affinity = task_affinity(None, X, y, method="label_correlation", n_permutations=0)
    assert affinity.frame()["p_value"].isna().all()
    assert set(affinity.frame()["verdict"]) == {"unclear"}
    assert "No labels were permuted" in repr(affinity)


def test_the_repr_shows_the_matrix_or_the_extreme_pairs_of_many_tasks():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(50, 2)), rng.normal(size=(50, 14))
    y[:, 1] = y[:, 0]
    few = task_affinity(None, X, pd.DataFrame(y[:, :3], columns=["<a>", "b", "c"]), method="label_correlation")
    assert "1.00+" in repr(few)
    assert "1 related (+)" in repr(few)
    assert "&lt;a&gt;" in few._repr_html_()
    many = task_affinity(None, X, y, method="label_correlation", n_permutations=20)
    assert len(repr(many).splitlines()) < 25
    assert "y13" in repr(many) or "y1 " in repr(many)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"method": "tags"}, ValueError, "Did you mean 'tag'"),
        ({"n_permutations": 1}, ValueError, "n_permutations should be 0, an integer of at least 2"),
        ({"n_permutations": 2.5}, ValueError, "n_permutations"),
        ({"level": 0}, ValueError, r"level should be a number in \(0, 1\)"),
        ({"y": np.zeros((80, 1))}, ValueError, "y has one task"),
        ({"y": np.full((80, 2), np.nan)}, ValueError, "'y0' has no label at all"),
        ({"y": np.zeros((79, 2))}, ValueError, "inconsistent numbers of samples"),
        ({"estimator": Ridge()}, TypeError, "needs one of skmtl's estimators.*got Ridge"),
        (
            {"estimator": GridSearchCV(MultiTaskKerasRegressor(ensemble_size=1), {"epochs": [1, 2]})},
            TypeError,
            "got GridSearchCV.*best_estimator_",
        ),
        ({"estimator": MultiTaskKerasRegressor(**SMALL, architecture="independent")}, ValueError, "share no parameter"),
    ],
)
def test_invalid_arguments_are_refused(change, error, message):
    X, y = table()
    given = {"estimator": MultiTaskKerasRegressor(**SMALL), "X": X, "y": y, **change}
    with pytest.raises(error, match=message):
        task_affinity(given.pop("estimator"), given.pop("X"), given.pop("y"), **given)
