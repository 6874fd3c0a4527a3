"""``skmtl.to_onnx``: one graph for the entire estimator, with the predictions of ``predict`` in onnxruntime."""

import datetime

import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skmtl
from skmtl import MultiTaskKerasClassifier, MultiTaskKerasEstimator, MultiTaskKerasRegressor
from skmtl.inference._numpy import _ACTIVATIONS
from skmtl.networks import architecture_names

from ..estimators._cases import SMALL, features, labels, mixed, quantities
from ..estimators._process import run_python
from ..persistence._cases import CASES, TINY, X, fitted, labelled, table
from ._sessions import check_same, feed, run

SINGLE = {"scheme", "model"}


@pytest.mark.parametrize("case", CASES)
def test_outputs_equal_predict_and_predict_proba(case):
    model, rows = fitted(case)
    check_same(model, rows, run(model, rows), rtol=1e-5 if case in SINGLE else 1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("scheme", architecture_names())
def test_every_sharing_scheme_has_a_graph(scheme):
    model = MultiTaskKerasEstimator(**SMALL, architecture=scheme).fit(table(), mixed(X))
    check_same(model, table(), run(model, table()), rtol=1e-5)


@pytest.mark.parametrize("activation", sorted(_ACTIVATIONS))
def test_every_activation_has_a_graph(activation):
    model = MultiTaskKerasRegressor(**{**SMALL, "epochs": 1}, activation=activation).fit(X, quantities(X))
    check_same(model, 3 * X, run(model, 3 * X), rtol=1e-6 if activation == "gelu" else 1e-9)


@pytest.mark.parametrize("ensemble_size", [1, 3])
def test_towers_and_links(ensemble_size):
    settings = {**SMALL, "head_layer_sizes": (5,), "ensemble_size": ensemble_size}
    model = MultiTaskKerasEstimator(**settings).fit(table(), mixed(X))
    check_same(model, table(), run(model, table()))
    positive = MultiTaskKerasRegressor(**settings, loss="poisson").fit(X, np.abs(quantities(X)))
    check_same(positive, X, run(positive, X))


def test_unseen_and_missing_categories_and_extreme_values():
    model, rows = fitted("mixed")
    rows = rows.copy()
    rows["year"] = rows["year"].astype(object)
    rows.loc[:5, "size"] = ["never", None, "", np.nan, "größe", "GRÖSSE"]
    rows.loc[:5, "street"] = ["never", None, "street 1", "", np.nan, "street 2"]
    rows.loc[:4, "year"] = [1999, np.nan, 2000, 2003, 10**6]
    rows.loc[:6, "a"] = [1e300, -1e300, np.nan, 1e-300, 0.0, 1e15, -1e15]
    rows.loc[:6, "d"] = np.nan
    strings = rows.copy()
    strings["size"], strings["street"] = rows["size"].replace("", None), rows["street"].replace("", None)
    check_same(model, strings, run(model, strings))


@pytest.mark.parametrize("n_rows", [1, 2, 255, 256, 257, 1000])
def test_any_number_of_rows(n_rows):
    rows = features(n_rows, seed=3)
    check_same(fitted("regressor")[0], rows, run(fitted("regressor")[0], rows))


def test_in_distribution_and_shifted_rows():
    model, rows = fitted("shifted rows")
    mixture = np.concatenate([rows[:100] - 1, 100 * rows[:20], features(300)])
    assert model.blend_.shifted is not None
    check_same(model, mixture, run(model, mixture))


def test_a_numeric_table_is_one_input_and_columns_are_several():
    model = MultiTaskKerasRegressor(**SMALL).fit(pd.DataFrame(X, columns=list("abcd")), quantities(X))
    one = onnxruntime.InferenceSession(skmtl.to_onnx(model).SerializeToString())
    assert [(i.name, i.shape, i.type) for i in one.get_inputs()] == [("X", ["rows", 4], "tensor(double)")]
    several = skmtl.to_onnx(model, inputs="columns", dtype="float32")
    session = onnxruntime.InferenceSession(several.SerializeToString())
    assert [(i.name, i.shape, i.type) for i in session.get_inputs()] == [
        (name, ["rows", 1], "tensor(float)") for name in "abcd"
    ]
    frame = pd.DataFrame(X.astype(np.float32), columns=list("abcd"))
    outputs = dict(zip(["y0", "y1"], session.run(None, feed(session, frame)), strict=True))
    check_same(model, frame, outputs, rtol=1e-5)


def test_table_inputs_take_what_model_input_returns():
    model, rows = fitted("mixed")
    outputs = run(model, rows, model.model_input(rows), inputs="table")
    check_same(model, rows, outputs)


def test_columns_without_names_are_numbered():
    rows = np.column_stack([X.astype(object), labelled("a", "b", "c")])
    rows[3, 4] = None
    model = MultiTaskKerasRegressor(**SMALL).fit(rows, quantities(X))
    session = onnxruntime.InferenceSession(skmtl.to_onnx(model).SerializeToString())
    assert [i.name for i in session.get_inputs()] == ["x0", "x1", "x2", "x3", "x4"]
    check_same(model, rows, run(model, rows))


def test_only_categories():
    rows = table()[["size", "street", "year"]]
    model = MultiTaskKerasClassifier(**TINY).fit(rows, labels(X))
    check_same(model, rows, run(model, rows))


@pytest.mark.parametrize(
    ("kinds", "kind"),
    [
        (("a", "b"), "tensor(string)"), ((True, False), "tensor(bool)"), ((1, 5, 2), "tensor(int64)"),
        ((1.0, 2.0), "tensor(double)"), ((datetime.date(2020, 1, 1), datetime.date(2021, 1, 1)), "tensor(string)"),
        (("only",), "tensor(string)"),
    ],
    ids=repr,
)  # fmt: skip
def test_labels_have_the_matching_onnx_type(kinds, kind):
    model = MultiTaskKerasClassifier(**{**SMALL, "epochs": 1}).fit(X, labelled(*kinds))
    session = onnxruntime.InferenceSession(skmtl.to_onnx(model).SerializeToString())
    assert [(o.name, o.type) for o in session.get_outputs()] == [("y0", kind), ("y0_probabilities", "tensor(double)")]
    assert session.get_outputs()[1].shape == ["rows", len(kinds)]
    check_same(model, X, run(model, X))


def test_a_task_with_the_name_of_a_column_is_renamed():
    rows = table()[["a", "size"]]
    y = pd.DataFrame({"a": quantities(X)[:, 0], "size": mixed(X)["size"]})
    model = MultiTaskKerasEstimator(**SMALL).fit(rows, y)
    assert list(run(model, rows)) == ["a_", "size_", "size_probabilities"]


def test_columns_and_tasks_may_have_any_name():
    names = ["value_1", "start", "a/b", "größe in m²", "value__2"]
    rows = pd.DataFrame(np.column_stack([X, X[:, 0]]), columns=names)
    y = pd.DataFrame(quantities(X), columns=["value_3", "X"])
    model = MultiTaskKerasRegressor(**SMALL).fit(rows, y)
    for inputs in ("table", "columns"):
        check_same(model, rows, run(model, rows, inputs=inputs))


def test_the_file_equals_the_returned_model(tmp_path):
    model, _ = fitted("single")
    returned = skmtl.to_onnx(model, tmp_path / "model.onnx")
    assert onnx.load(tmp_path / "model.onnx") == returned
    assert (returned.producer_name, returned.producer_version) == ("skmtl", skmtl.__version__)


def test_other_objects_and_unsupported_categories_are_refused():
    with pytest.raises(NotFittedError):
        skmtl.to_onnx(MultiTaskKerasRegressor())
    for other in (make_pipeline(StandardScaler(), fitted("single")[0]), StandardScaler().fit(X)):
        with pytest.raises(TypeError, match="pass the fitted estimator"):
            skmtl.to_onnx(other)
    for other in (MultiTaskKerasRegressor, "text"):
        with pytest.raises(TypeError, match="exports fitted skmtl estimators"):
            skmtl.to_onnx(other)
    with pytest.raises(ValueError, match="inputs should be"):
        skmtl.to_onnx(fitted("single")[0], inputs="frame")
    rows = table().assign(odd=labelled(b"a", b"b"))
    model = MultiTaskKerasRegressor(**{**SMALL, "epochs": 1}).fit(rows, quantities(X))
    with pytest.raises(TypeError, match="'odd' has categories of the types bytes"):
        skmtl.to_onnx(model)


def test_a_default_fit_is_exported_without_tensorflow(tmp_path):
    skmtl.save(fitted("regressor")[0], tmp_path / "model.skmtl")
    code = "import sys, skmtl; skmtl.to_onnx(skmtl.load('model.skmtl'), 'm.onnx'); print('tensorflow' in sys.modules)"
    assert run_python(code, cwd=tmp_path) == "False\n"
