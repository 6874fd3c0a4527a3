"""``model_``, the fitted network as a Keras model."""

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from skmtl import MultiTaskKerasClassifier, MultiTaskKerasEstimator, MultiTaskKerasRegressor

from ._builders import heads
from ._cases import SMALL, features, labels, mixed, quantities
from ._process import run_python

pytestmark = pytest.mark.filterwarnings("ignore:.*__array__ implementation.*:DeprecationWarning")

X = features()
X[::5, 1] = np.nan
OWN = {name: value for name, value in SMALL.items() if name != "hidden_layer_sizes"}

NETWORKS = {
    "plain": SMALL,
    "ensemble": {**SMALL, "ensemble_size": 3},
    "towers": {**SMALL, "head_layer_sizes": (5,)},
    "ensemble of towers with dropout": {**SMALL, "head_layer_sizes": (5,), "ensemble_size": 2, "dropout": 0.2},
    "linear": {**SMALL, "hidden_layer_sizes": ()},
    "double precision": {**SMALL, "dtype": "float64"},
    "built by the caller": {**OWN, "model": heads, "model__noise": 0.1},
    "built by the caller, ensemble": {**OWN, "model": heads, "ensemble_size": 2},
}


def outputs(model, X):
    values = model(X.astype(np.float32))
    return [value.numpy() for value in (values if isinstance(values, list) else [values])]


def check_same(found, estimator, X):
    """The Keras model's outputs are the estimator's predictions and probabilities.

    Its float32 has few digits for sums of kernels, whose terms are large and cancel.
    """
    predicted, proba = estimator.predict(X), estimator.predict_proba(X)
    np.testing.assert_allclose(found[0][:, 0], predicted["price"], rtol=1e-4)
    for output, expected in zip(found[1:], proba[1:], strict=True):
        np.testing.assert_allclose(output, expected, rtol=1e-4, atol=1e-6 if estimator.blend_ is None else 3e-5)


@pytest.fixture(scope="module", params=NETWORKS, ids=list(NETWORKS))
def fitted(request):
    return MultiTaskKerasEstimator(**NETWORKS[request.param]).fit(X, mixed(X))


def test_it_predicts_the_numbers_of_predict(fitted):
    check_same(outputs(fitted.model_, X), fitted, X)
    many = np.tile(X, (40, 1))
    check_same(outputs(fitted.model_, many), fitted, many)


def test_it_is_saved_and_loaded_with_the_same_bits(fitted, tmp_path):
    model = fitted.model_
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    for one, other in zip(outputs(loaded, X), outputs(model, X), strict=True):
        np.testing.assert_array_equal(one, other)


def test_it_is_rebuilt_at_every_access(fitted):
    model = fitted.model_
    before = fitted.predict(X)
    for variable in model.trainable_variables:
        variable.assign(variable * 0)
    pd.testing.assert_frame_equal(fitted.predict(X), before)
    check_same(outputs(fitted.model_, X), fitted, X)


def test_keras_own_tools_work_on_it(fitted):
    model, lines = fitted.model_, []
    model.summary(print_fn=lines.append)
    assert any("input_encoding" in line for line in "\n".join(lines).splitlines())
    assert len(model.outputs) == 3
    cloned = keras.models.clone_model(model)
    cloned.set_weights(model.get_weights())
    for one, other in zip(outputs(cloned, X), outputs(model, X), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.slow
def test_saved_models_load_in_a_process_that_knows_the_layers_only(tmp_path):
    expected = {}
    for position, (name, settings) in enumerate(NETWORKS.items()):
        estimator = MultiTaskKerasEstimator(**settings).fit(X, mixed(X))
        estimator.model_.save(tmp_path / f"{position}.keras")
        expected[position] = estimator.predict(X)["price"].to_numpy(), name
    np.save(tmp_path / "X.npy", X.astype(np.float32))
    code = (
        "import keras, numpy as np, skmtl.networks\n"
        "X = np.load('X.npy')\n"
        f"for position in range({len(expected)}):\n"
        "    model = keras.models.load_model(f'{position}.keras')\n"
        "    np.save(f'{position}.npy', model(X)[0].numpy()[:, 0])\n"
    )
    run_python(code, cwd=tmp_path)
    for position, (predicted, name) in expected.items():
        np.testing.assert_allclose(np.load(tmp_path / f"{position}.npy"), predicted, rtol=1e-4, err_msg=name)


@pytest.mark.parametrize(
    "names", [["y0"], ["price in $"], ["größe"], ["heads"], ["X"], ["trunk_0"], ["a/b"], ["a b", "a_b"]]
)
def test_any_name_of_a_task_gives_a_model(names, tmp_path):
    y = pd.DataFrame(np.tile(quantities(X := features())[:, :1], len(names)), columns=names)
    model = MultiTaskKerasRegressor(**SMALL).fit(X, y).model_
    assert len(set(model.output_names)) == len(names)
    model.save(tmp_path / "model.keras")


def test_one_task_is_one_output():
    single = MultiTaskKerasRegressor(**SMALL).fit(X, quantities(features())[:, 0])
    assert single.model_.output_shape == (None, 1)
    classes = MultiTaskKerasClassifier(**SMALL).fit(X, labels(features())[:, 1])
    np.testing.assert_allclose(outputs(classes.model_, X)[0], classes.predict_proba(X), rtol=1e-4, atol=1e-6)


def test_inputs_far_from_zero_keep_their_precision():
    years = 2000.0 + 10.0 * features()
    model = MultiTaskKerasRegressor(**SMALL).fit(years, quantities(features()))
    np.testing.assert_allclose(outputs(model.model_, years)[1][:, 0], model.predict(years)[:, 1], rtol=1e-4)


DEFAULT = {"epochs": 2, "hidden_layer_sizes": (4,), "random_state": 0}


@pytest.mark.parametrize("settings", [SMALL, DEFAULT, NETWORKS["built by the caller"]], ids=["single", "blend", "own"])
def test_keras_own_export_writes_onnx_and_saved_models_with_outputs_named_after_the_tasks(settings, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("tf2onnx")
    estimator = MultiTaskKerasEstimator(**settings).fit(X, mixed(X))
    estimator.model_.export(tmp_path / "model.onnx", format="onnx", verbose=False)
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    assert [output.name for output in session.get_outputs()] == ["price", "size", "sold"]
    check_same(session.run(None, {"X": X.astype(np.float32)}), estimator, X)
    estimator.model_.export(tmp_path / "saved", verbose=False)
    served = tf.saved_model.load(tmp_path / "saved").signatures["serving_default"](tf.constant(X, tf.float32))
    assert sorted(served) == ["price", "size", "sold"]
    check_same([served[name].numpy() for name in ("price", "size", "sold")], estimator, X)


def test_a_loaded_keras_model_exports_the_same(tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("tf2onnx")
    estimator = MultiTaskKerasRegressor(**SMALL).fit(X, quantities(features()))
    estimator.model_.save(tmp_path / "model.keras")
    keras.models.load_model(tmp_path / "model.keras").export(tmp_path / "model.onnx", format="onnx", verbose=False)
    outputs = onnxruntime.InferenceSession(tmp_path / "model.onnx").get_outputs()
    assert [output.name for output in outputs] == ["y0", "y1"]
