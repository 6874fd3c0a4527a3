"""Counts of expensive operations: traces, compilations, imports."""

import pickle

import pytest
from sklearn.model_selection import GridSearchCV

from skmtl import MultiTaskKerasClassifier, MultiTaskKerasRegressor
from skmtl.training import counters

from ._cases import SMALL, features, labels, quantities
from ._process import run_python


def counted(work):
    before = counters.snapshot()
    work()
    after = counters.snapshot()
    return {name: after.get(name, 0) - before.get(name, 0) for name in ("traces", "compilations")}


@pytest.mark.parametrize("jit_compile", [False, True])
def test_a_grid_search_over_numbers_compiles_once_more_than_one_fit(jit_compile):
    # Structures and sizes that no other test has compiled before.
    width = 17 + jit_compile
    settings = {**SMALL, "hidden_layer_sizes": (width,), "jit_compile": jit_compile, "early_stopping": True}
    X = features(150)
    y = quantities(X)

    def one_fit():
        MultiTaskKerasRegressor(**settings).fit(X[:120], y[:120]).score(X[120:], y[120:])

    def search():
        grid = {"learning_rate": [1e-3, 3e-3, 1e-2], "weight_decay": [1e-4, 1e-2]}
        GridSearchCV(MultiTaskKerasRegressor(**settings), grid, cv=5, error_score="raise").fit(X, y)

    first = counted(one_fit)
    assert first["traces"] >= 1
    assert first["compilations"] == int(jit_compile)
    again = counted(search)
    assert again["traces"] == 0
    # The refit has more rows than a fold: XLA compiles for its size bucket, too.
    assert again["compilations"] <= int(jit_compile)


def test_a_first_search_compiles_no_more_than_a_fit_and_the_refits_bucket():
    settings = {**SMALL, "hidden_layer_sizes": (19,), "jit_compile": True, "early_stopping": True}
    X = features(150)
    grid = {"learning_rate": [1e-3, 3e-3, 1e-2], "weight_decay": [1e-4, 1e-2]}
    search = GridSearchCV(MultiTaskKerasRegressor(**settings), grid, cv=5, error_score="raise")
    assert counted(lambda: search.fit(X, quantities(X)))["compilations"] <= 2


@pytest.mark.parametrize(
    "change",
    [
        {"random_state": 5}, {"learning_rate": 0.5}, {"weight_decay": 0.1}, {"tol": 0.1}, {"n_iter_no_change": 2},
        {"epochs": 2}, {"validation_fraction": 0.2}, {"loss_weights": [1, 5]}, {"shuffle": False},
        {"scale_targets": False}, {"scale_inputs": False}, {"warm_start": True},
    ],
)  # fmt: skip
def test_numbers_trace_nothing(change):
    X = features()
    settings = {**SMALL, "early_stopping": True, "learning_rate": 1e-3, "weight_decay": 1e-3}
    MultiTaskKerasRegressor(**settings).fit(X, quantities(X)).predict(X)
    work = lambda: MultiTaskKerasRegressor(**{**settings, **change}).fit(X, quantities(X)).predict(X)  # noqa: E731
    assert counted(work) == {"traces": 0, "compilations": 0}


def test_the_rate_of_dropout_is_a_number_too():
    X = features()
    MultiTaskKerasRegressor(**SMALL, dropout=0.2).fit(X, quantities(X))
    assert counted(lambda: MultiTaskKerasRegressor(**SMALL, dropout=0.4).fit(X, quantities(X)))["traces"] == 0


def test_other_data_of_the_same_shape_traces_nothing():
    X = features()
    MultiTaskKerasClassifier(**SMALL).fit(X, labels(X)).predict_proba(X)
    other = features(57, seed=3)
    assert (
        counted(lambda: MultiTaskKerasClassifier(**SMALL).fit(other, labels(other)).predict_proba(other))["traces"] == 0
    )


def test_predicting_any_number_of_rows_traces_at_most_once():
    X = features(4000)
    model = MultiTaskKerasRegressor(**SMALL).fit(X[:60], quantities(X[:60]))
    model.predict(X)
    assert counted(lambda: [model.predict(X[:n]) for n in (1, 2, 60, 1024, 1025, 2000, 3999)])["traces"] == 0


WITHOUT_TENSORFLOW = """
import pickle, sys
import skmtl
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

heavy = ("tensorflow", "keras", "scikeras")
loaded = lambda: [name for name in heavy if name in sys.modules]
assert not loaded(), ("import", loaded())
for name in ("MultiTaskKerasRegressor", "MultiTaskKerasClassifier", "MultiTaskKerasEstimator"):
    kind = getattr(skmtl, name)
    model = kind(hidden_layer_sizes=(8,), optimizer__clipnorm=1.0, loss="mse")
    cloned = clone(model).set_params(learning_rate=0.1)
    repr(cloned), cloned._repr_html_(), cloned.get_params(), pickle.loads(pickle.dumps(cloned))
    repr(make_pipeline(StandardScaler(), cloned))
    assert not loaded(), (name, loaded())
try:
    model.predict([[1.0]])
except Exception:
    pass
assert not loaded(), ("unfitted", loaded())
with open(sys.argv[1], "rb") as file:
    fitted = pickle.load(file)
repr(fitted), clone(fitted), fitted.history_
assert not loaded(), ("unpickled", loaded())
print("light")
"""


def test_importing_building_cloning_printing_and_unpickling_import_no_tensorflow(tmp_path):
    X = features()
    path = tmp_path / "model.pickle"
    path.write_bytes(pickle.dumps(MultiTaskKerasRegressor(**SMALL).fit(X, quantities(X))))
    assert run_python(WITHOUT_TENSORFLOW, path) == "light\n"


@pytest.mark.parametrize("name", ["combine_task_datasets", "TrainingDivergedError"])
def test_each_public_name_imports_no_tensorflow(name):
    code = f"import sys, skmtl; skmtl.{name}; print('tensorflow' in sys.modules, 'keras' in sys.modules)"
    assert run_python(code) == "False False\n"
