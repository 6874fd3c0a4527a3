"""Models in MLflow: with the scikit-learn flavour, and with skmtl's own flavour, which uses no pickle."""

import functools

import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow.models import infer_signature

import skmtl.mlflow
from skmtl import MultiTaskKerasEstimator, MultiTaskKerasRegressor
from skmtl.exceptions import InvalidModelFileError
from skmtl.persistence import trusted_types

from ..estimators._cases import mixed
from ..estimators._process import run_python
from ..persistence._cases import TINY, X, answers, check_same, table
from ..persistence._cases import fitted as fitted_case

pytestmark = [
    pytest.mark.usefixtures("store"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore:.*integer column.*:UserWarning", "ignore:.*input example.*:UserWarning"),
]
CASES = ["regressor", "regressor of one task", "classifier", "mixed"]


@functools.cache
def fitted(case):
    """A fitted case; "mixed" has strings, because MLflow 3.17 refuses categorical columns if there is a signature."""
    if case != "mixed":
        return fitted_case(case)
    rows = table().astype({"year": str})
    return MultiTaskKerasEstimator(**TINY).fit(rows, mixed(X)), rows


def same_table(found, expected):
    found, expected = pd.DataFrame(found), pd.DataFrame(expected)
    assert found.astype(object).to_numpy().tolist() == expected.astype(object).to_numpy().tolist()


def log_with_sklearn(model, rows):
    return mlflow.sklearn.log_model(
        model,
        name="model",
        signature=infer_signature(rows, model.predict(rows)),
        skops_trusted_types=trusted_types(),
        pip_requirements=["skmtl"],
    )


def log_with_skmtl(model, rows):
    return skmtl.mlflow.log_model(model, signature=infer_signature(rows, model.predict(rows)))


FLAVOURS = {
    "sklearn": (log_with_sklearn, mlflow.sklearn.load_model),
    "skmtl": (log_with_skmtl, skmtl.mlflow.load_model),
}


@pytest.mark.parametrize(
    ("case", "flavour"), [*((case, "skmtl") for case in CASES), ("regressor", "sklearn"), ("mixed", "sklearn")]
)
def test_a_logged_model_predicts_the_same_bits_also_as_pyfunc(case, flavour):
    model, rows = fitted(case)
    log, load = FLAVOURS[flavour]
    info = log(model, rows)
    check_same(answers(load(info.model_uri), rows), answers(model, rows))
    loaded = mlflow.pyfunc.load_model(info.model_uri)
    same_table(loaded.predict(rows), model.predict(rows))
    columns = info.signature.outputs
    assert info.signature is not None
    assert len(columns.inputs) == (3 if case == "mixed" else 1)


def test_the_sklearn_flavour_uses_skops_by_default_and_needs_trusted_types():
    model, _ = fitted("single")
    with pytest.raises(mlflow.MlflowException, match="skops_trusted_types"):
        mlflow.sklearn.log_model(model, name="model", pip_requirements=["skmtl"])


def test_the_skmtl_flavour_holds_an_skmtl_file_and_no_pickle(tmp_path):
    model, _ = fitted("mixed")
    skmtl.mlflow.save_model(model, tmp_path / "model", metadata={"purpose": "test"})
    files = {path.name for path in (tmp_path / "model").rglob("*") if path.is_file()}
    assert files == {"MLmodel", "model.skmtl", "requirements.txt", "conda.yaml", "python_env.yaml"}
    text = (tmp_path / "model" / "MLmodel").read_text()
    assert "loader_module: skmtl.mlflow" in text
    assert f"skmtl_version: {skmtl.__version__}" in text
    assert "purpose: test" in text
    assert "skmtl==" in (tmp_path / "model" / "requirements.txt").read_text()


def test_pyfunc_calls_the_requested_method(tmp_path):
    model, rows = fitted("classifier")
    skmtl.mlflow.save_model(model, tmp_path / "model", pyfunc_predict_fn="predict_proba")
    loaded = mlflow.pyfunc.load_model(str(tmp_path / "model"))
    for found, expected in zip(loaded.predict(rows), model.predict_proba(rows), strict=True):
        np.testing.assert_array_equal(found, expected)
    assert type(loaded.get_raw_model()) is type(model)
    with pytest.raises(AttributeError, match="predict_proba"):
        skmtl.mlflow.save_model(MultiTaskKerasRegressor(), tmp_path / "other", pyfunc_predict_fn="predict_proba")
    assert not (tmp_path / "other").exists()


def test_a_damaged_file_and_another_flavour_are_refused(tmp_path):
    model, rows = fitted("single")
    skmtl.mlflow.save_model(model, tmp_path / "model")
    (tmp_path / "model" / "data" / "model.skmtl").write_bytes(b"PK")
    with pytest.raises(InvalidModelFileError):
        skmtl.mlflow.load_model(str(tmp_path / "model"))
    other = log_with_sklearn(model, rows)
    with pytest.raises(ValueError, match="but not 'skmtl'"):
        skmtl.mlflow.load_model(other.model_uri)


def test_importing_the_skmtl_flavour_imports_neither_mlflow_nor_tensorflow():
    code = "import sys, skmtl.mlflow; print('mlflow' in sys.modules, 'tensorflow' in sys.modules)"
    assert run_python(code) == "False False\n"


@pytest.mark.slow
def test_models_predict_in_a_fresh_process(tmp_path, store):
    model, rows = fitted("mixed")
    info = log_with_skmtl(model, rows)
    mlflow.models.predict(
        info.model_uri, input_data=rows[:5], env_manager="local", output_path=str(tmp_path / "out.json")
    )
    predictions = pd.read_json(tmp_path / "out.json")["predictions"].tolist()
    assert [row["size"] for row in predictions] == model.predict(rows[:5])["size"].tolist()


def test_a_pipeline_around_an_skmtl_estimator_is_logged_with_the_sklearn_flavour():
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler().fit(X), fitted("single")[0])
    info = log_with_sklearn(model, X)
    same_table(mlflow.sklearn.load_model(info.model_uri).predict(X), model.predict(X))
