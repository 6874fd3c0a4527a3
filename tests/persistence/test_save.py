"""``skmtl.save`` and ``skmtl.load``: same predictions, no code, and atomic writes."""

import datetime
import json
import os
import pickle
import sys
import zipfile
from decimal import Decimal
from functools import partial

import keras
import numpy as np
import pytest
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skmtl
from skmtl import MultiTaskKerasClassifier, MultiTaskKerasEstimator, MultiTaskKerasRegressor
from skmtl.balancing import CAGrad
from skmtl.exceptions import InvalidModelFileError
from skmtl.grouping import TaskGroupingRegressor
from skmtl.networks import MemberDense, Scheme, architecture_names
from skmtl.persistence import LostFunction
from skmtl.persistence._classes import CONFIGURED, ESTIMATORS, RECORDS, find_class

from ..estimators._builders import heads
from ..estimators._cases import SMALL, features, mixed, quantities
from ..estimators._process import run_python
from ._cases import CASES, OWN, TINY, X, answers, check_same, fitted, labelled


def through_a_file(model, tmp_path, **settings):
    skmtl.save(model, tmp_path / "model.skmtl", **settings)
    return skmtl.load(tmp_path / "model.skmtl", **settings)


@pytest.mark.parametrize("case", CASES)
def test_a_loaded_estimator_predicts_the_same_bits_and_has_the_same_parameters(case, tmp_path):
    model, rows = fitted(case)
    loaded = through_a_file(model, tmp_path)
    check_same(answers(loaded, rows), answers(model, rows))
    assert sorted(vars(loaded)) == sorted(vars(model))
    parameters = {name: value for name, value in loaded.get_params(deep=False).items() if name != "estimator"}
    for name, value in parameters.items():
        if name == "model" and value is not None:
            assert value == LostFunction("heads")
        else:
            assert value == model.get_params()[name]
    if hasattr(model, "estimator"):
        assert loaded.estimator.get_params() == model.estimator.get_params()


@pytest.mark.parametrize("scheme", architecture_names())
def test_every_sharing_scheme_is_saved(scheme, tmp_path):
    model = MultiTaskKerasRegressor(**TINY, ensemble_size=1, architecture=scheme).fit(X, quantities(X))
    loaded = through_a_file(model, tmp_path)
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))


LABELS = [
    ("small", "large"), (b"a", b"b"), (True, False), (1, 2, 3), (datetime.date(2020, 1, 1), datetime.date(2021, 1, 1)),
    (datetime.datetime(2020, 1, 1), datetime.datetime(2021, 1, 1)), (Decimal("1.5"), Decimal(2)), (1.0, 2.0),
]  # fmt: skip


@pytest.mark.parametrize("kinds", LABELS, ids=repr)
def test_labels_of_every_type_are_saved(kinds, tmp_path):
    y = labelled(*kinds)
    model = MultiTaskKerasClassifier(**{**SMALL, "epochs": 1}).fit(X, y)
    loaded = through_a_file(model, tmp_path)
    found, expected = loaded.predict(X), model.predict(X)
    assert found.dtype == expected.dtype
    assert found.tolist() == expected.tolist()
    assert [type(label) for label in loaded.classes_.tolist()] == [type(label) for label in model.classes_.tolist()]


PARAMETERS = {
    "a loss class": {"loss": keras.losses.Huber},
    "a loss with settings": {"loss": [keras.losses.Huber(delta=2.0), "mse"]},
    "a loss function": {"loss": keras.losses.mean_absolute_error},
    "an optimizer": {"optimizer": keras.optimizers.SGD(0.1, momentum=0.9)},
    "a schedule": {"optimizer": keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.1, 10))},
    "a class of callbacks": {"callbacks": keras.callbacks.TerminateOnNaN, "callbacks__x": 3},
    "a balancing method": {"balancing": CAGrad(c=0.3)},
    "a splitter": {"validation_split": KFold(3, shuffle=True, random_state=1)},
    "splits": {"validation_split": [(np.arange(40), np.arange(40, 60))]},
    "a random state": {"random_state": np.random.RandomState(3)},
    "tables": {"loss_weights": {"a": 1.0}, "categorical_features": np.array([True, False]), "model__x": (1, [2])},
}


@pytest.mark.parametrize("case", PARAMETERS)
def test_parameters_that_are_objects_are_rebuilt(case, tmp_path):
    given = PARAMETERS[case]
    loaded = through_a_file(MultiTaskKerasRegressor(**given), tmp_path)
    assert not hasattr(loaded, "network_")
    for name, value in given.items():
        found = getattr(loaded, name)
        assert type(found) is type(value)
        assert summary(found) == summary(value)


def summary(value):
    if isinstance(value, list | tuple):
        return [summary(item) for item in value]
    if isinstance(value, np.random.RandomState):
        return repr(value.get_state())
    return value.get_config() if hasattr(value, "get_config") and not isinstance(value, type) else repr(value)


class Builder:
    def __call__(self):
        return None


def test_partial_fit_continues_as_without_saving(tmp_path):
    model = MultiTaskKerasRegressor(**SMALL).partial_fit(X, quantities(X))
    loaded = through_a_file(model, tmp_path)
    for estimator in (model, loaded):
        estimator.partial_fit(X, quantities(X))
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))


def test_fitting_again_without_the_builder_says_what_to_pass(tmp_path):
    model, _ = fitted("model")
    loaded = through_a_file(model, tmp_path)
    with pytest.raises(ValueError, match=r"built by the function 'heads'.*set_params\(model=\.\.\.\)"):
        loaded.fit(X, mixed(X))
    again = through_a_file(loaded, tmp_path)
    check_same(answers(again, X), answers(model, X))
    loaded.set_params(model=heads).fit(X, mixed(X))
    check_same(answers(loaded, X), answers(model, X))


@pytest.mark.parametrize(
    ("builder", "name"), [(lambda: None, "<lambda>"), (partial(heads, units=3), "heads"), (Builder(), "Builder")]
)
def test_only_the_name_of_a_builder_is_saved(builder, name, tmp_path):
    assert through_a_file(MultiTaskKerasRegressor(model=builder), tmp_path).model == LostFunction(name)


@keras.saving.register_keras_serializable(package="tests")
class Doubled(keras.layers.Layer):
    def call(self, inputs):
        return 2 * inputs


def with_own_layer():
    inputs = keras.Input((4,))
    return keras.Model(inputs, keras.layers.Dense(2)(Doubled()(inputs)))


def with_skmtl_layer():
    inputs = keras.Input((4,))
    hidden = MemberDense(3, 1)(keras.ops.expand_dims(inputs, 0))
    return keras.Model(inputs, keras.layers.Dense(2)(keras.ops.squeeze(hidden, 0)))


def with_lambda():
    inputs = keras.Input((4,))
    return keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Lambda(lambda x: 2 * x)(inputs)))


def test_custom_layers_are_saved_by_name_if_passed_to_save_and_load(tmp_path):
    model = MultiTaskKerasRegressor(**OWN, model=with_own_layer).fit(X, quantities(X))
    with pytest.raises(TypeError, match=r"cannot save network_\.custom: .* with 'Doubled'.*custom_objects"):
        skmtl.save(model, tmp_path / "model.skmtl")
    loaded = through_a_file(model, tmp_path, custom_objects={"Doubled": Doubled})
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    with pytest.raises(InvalidModelFileError, match=r"has .Doubled.*custom_objects"):
        skmtl.load(tmp_path / "model.skmtl")


def test_skmtls_layers_are_saved_in_a_custom_network(tmp_path):
    model = MultiTaskKerasRegressor(**OWN, model=with_skmtl_layer).fit(X, quantities(X))
    np.testing.assert_array_equal(through_a_file(model, tmp_path).predict(X), model.predict(X))


def own_loss(y_true, y_pred):
    return keras.ops.abs(y_true - y_pred)[:, 0]


class OwnScheme(Scheme):
    def connect(self, inputs, spec):
        return keras.layers.Dense(sum(head.units for head in spec.heads))(inputs)


REFUSED = {
    r"loss: it is own_loss of type function": {"loss": own_loss},
    r"loss\[1\]: it is .*<lambda>": {"loss": ["mse", lambda a, b: a - b]},
    r"loss\['price'\]": {"loss": {"price": own_loss}},
    "callbacks: it is .*EarlyStopping": {"callbacks": keras.callbacks.EarlyStopping()},
    "architecture: it is .*OwnScheme": {"architecture": OwnScheme()},
    "validation_split": {"validation_split": iter([])},
    "model__f": {"model__f": print},
    r"loss_weights\['a'\]\['b'\]: it is a dict with more than": {
        "loss_weights": {"a": {"b": dict.fromkeys(range(10_001))}}
    },
}


@pytest.mark.parametrize("message", REFUSED)
def test_code_is_refused_by_name_before_anything_is_written(message, tmp_path):
    with pytest.raises(TypeError, match=f"cannot save {message}"):
        skmtl.save(MultiTaskKerasRegressor(**REFUSED[message]), tmp_path / "model.skmtl")
    assert list(tmp_path.iterdir()) == []


def test_a_lambda_layer_is_refused(tmp_path):
    model = MultiTaskKerasRegressor(**OWN, model=with_lambda).fit(X, quantities(X))
    with pytest.raises(TypeError, match="Lambda"):
        skmtl.save(model, tmp_path / "model.skmtl")
    assert list(tmp_path.iterdir()) == []


class Own(MultiTaskKerasRegressor):
    pass


@pytest.mark.parametrize(
    "estimator",
    [make_pipeline(StandardScaler(), MultiTaskKerasRegressor()), StandardScaler(), Own(), "text", None],
    ids=["pipeline", "other", "subclass", "text", "nothing"],
)
def test_other_estimators_are_refused_with_an_alternative(estimator, tmp_path):
    with pytest.raises(TypeError, match="use skops, pickle or joblib"):
        skmtl.save(estimator, tmp_path / "model.skmtl")


def test_a_pipeline_within_a_grouping_is_refused_by_name(tmp_path):
    grouping = TaskGroupingRegressor(make_pipeline(StandardScaler(), MultiTaskKerasRegressor()))
    with pytest.raises(TypeError, match="cannot save estimator: it is Pipeline"):
        skmtl.save(grouping, tmp_path / "model.skmtl")


def test_an_extra_attribute_is_refused_by_name(tmp_path):
    model = MultiTaskKerasRegressor()
    model.note_ = "mine"
    with pytest.raises(TypeError, match="cannot save note_: it is not an attribute of MultiTaskKerasRegressor"):
        skmtl.save(model, tmp_path / "model.skmtl")


def test_metadata_requests_are_saved(tmp_path):
    import sklearn

    with sklearn.config_context(enable_metadata_routing=True):
        regressor = MultiTaskKerasRegressor().set_fit_request(sample_weight=True).set_score_request(sample_weight="w")
        classifier = MultiTaskKerasClassifier().set_predict_proba_request(known=True)
        for model in (regressor, classifier):
            loaded = through_a_file(model, tmp_path)
            assert str(loaded.get_metadata_routing()) == str(model.get_metadata_routing())


def test_loading_and_predicting_imports_no_tensorflow(tmp_path):
    for number, case in enumerate(("regressor", "classifier", "mixed", "shifted rows", "grouping")):
        skmtl.save(fitted(case)[0], tmp_path / f"{number}.skmtl")
    code = (
        "import sys, numpy as np, skmtl\n"
        "models = [skmtl.load(f'{number}.skmtl') for number in range(5)]\n"
        "models[0].predict(np.zeros((1, 4)))\n"
        "models[1].predict_proba(np.zeros((1, 4)))\n"
        "print('tensorflow' in sys.modules, 'keras' in sys.modules)"
    )
    assert run_python(code, cwd=tmp_path) == "False False\n"


@pytest.mark.parametrize("case", ["model", "scheme"])
def test_loading_does_not_import_keras_if_only_prediction_needs_it(case, tmp_path):
    model = fitted(case)[0] if case == "model" else MultiTaskKerasRegressor(**SMALL, architecture="mmoe")
    skmtl.save(model, tmp_path / "model.skmtl")
    assert run_python("import sys, skmtl; skmtl.load('model.skmtl'); print('keras' in sys.modules)", cwd=tmp_path) == (
        "False\n"
    )


def test_saving_twice_writes_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        skmtl.save(fitted("mixed")[0], tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_file_holds_json_and_plain_arrays_only(tmp_path):
    skmtl.save(fitted("mixed")[0], tmp_path / "model.skmtl")
    with zipfile.ZipFile(tmp_path / "model.skmtl") as archive:
        for name in archive.namelist():
            if name == "skmtl.json":
                tree = json.loads(archive.read(name))
            else:
                np.load(archive.open(name), allow_pickle=False)
    assert tree["format"] == 1
    assert tree["versions"]["skmtl"] == skmtl.__version__
    assert set(tree["versions"]) >= {"numpy", "scikit-learn", "keras", "tensorflow"}


def test_a_file_is_no_larger_than_joblibs(tmp_path):
    import joblib

    for case in ("regressor", "mixed", "single"):
        skmtl.save(fitted(case)[0], tmp_path / "model.skmtl")
        joblib.dump(fitted(case)[0], tmp_path / "model.joblib")
        assert (tmp_path / "model.skmtl").stat().st_size <= (tmp_path / "model.joblib").stat().st_size


@pytest.mark.parametrize("step", ["fsync", "replace", "chmod"])
def test_a_failure_leaves_the_old_file_and_no_temporary_file(step, tmp_path, monkeypatch):
    skmtl.save(fitted("single")[0], tmp_path / "model.skmtl")
    before = (tmp_path / "model.skmtl").read_bytes()

    def fail(*arguments):
        raise OSError("no space left")

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(OSError, match="no space left"):
        skmtl.save(fitted("regressor")[0], tmp_path / "model.skmtl")
    monkeypatch.undo()
    assert (tmp_path / "model.skmtl").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["model.skmtl"]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_kill_leaves_the_old_file(step, tmp_path):
    skmtl.save(MultiTaskKerasRegressor(epochs=7), tmp_path / "model.skmtl")
    before = (tmp_path / "model.skmtl").read_bytes()
    code = (
        "import os, signal, skmtl\n"
        f"os.{step} = lambda *arguments: os.kill(os.getpid(), signal.SIGKILL)\n"
        "skmtl.save(skmtl.MultiTaskKerasRegressor(epochs=8), 'model.skmtl')"
    )
    with pytest.raises(RuntimeError):
        run_python(code, cwd=tmp_path)
    assert (tmp_path / "model.skmtl").read_bytes() == before


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX permissions and links")
def test_permissions_of_an_old_file_are_kept_and_links_are_followed(tmp_path):
    plain, model = tmp_path / "plain", MultiTaskKerasRegressor()
    plain.touch()
    skmtl.save(model, tmp_path / "model.skmtl")
    assert (tmp_path / "model.skmtl").stat().st_mode == plain.stat().st_mode
    (tmp_path / "model.skmtl").chmod(0o640)
    (tmp_path / "link").symlink_to(tmp_path / "model.skmtl")
    skmtl.save(model, tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "model.skmtl").stat().st_mode & 0o777 == 0o640


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"Cannot write model\.skmtl: the folder .*deeper does not exist"):
        skmtl.save(MultiTaskKerasRegressor(), tmp_path / "deeper" / "model.skmtl")


def test_a_missing_file_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        skmtl.load(tmp_path / "none")


@pytest.mark.parametrize("table", [RECORDS, ESTIMATORS, CONFIGURED], ids=["records", "estimators", "configured"])
def test_listed_classes_are_in_the_listed_modules(table):
    for name, module in table.items():
        kind = find_class(table, name)
        assert kind.__name__ == name
        if module.startswith("skmtl."):
            assert kind.__module__ == module


def records_in(value, found, seen):
    if id(value) in seen:
        return
    seen.add(id(value))
    if hasattr(type(value), "__dataclass_fields__"):
        found.add(type(value).__name__)
    for child in children(value):
        records_in(child, found, seen)


def children(value):
    if isinstance(value, dict):
        return [*value, *value.values()]
    if isinstance(value, list | tuple):
        return value
    return vars(value).values() if type(value).__module__.startswith("skmtl.") and hasattr(value, "__dict__") else []


def test_every_record_of_a_fitted_estimator_is_listed():
    found: set[str] = set()
    for case in CASES:
        records_in(fitted(case)[0], found, set())
    assert found <= set(RECORDS)
    built_in_schemes = {"Bypass", "CGC", "CrossStitch", "Independent", "LowRank", "OMoE", "PLE", "SharedBottom"}
    assert set(RECORDS) - found <= built_in_schemes | {"TaskConditioned", "LostFunction"}


def test_a_loaded_estimator_pickles(tmp_path):
    loaded = through_a_file(fitted("model")[0], tmp_path)
    again = pickle.loads(pickle.dumps(loaded))
    check_same(answers(again, X), answers(loaded, X))


def test_predictions_are_the_same_bits_for_any_number_of_rows(tmp_path):
    model, _ = fitted("regressor")
    loaded, many = through_a_file(model, tmp_path), features(1500)
    np.testing.assert_array_equal(loaded.predict(many), model.predict(many))
    np.testing.assert_array_equal(loaded.predict(many[:1]), model.predict(many[:1]))


def test_versions_of_missing_packages_are_left_out(tmp_path, monkeypatch):
    monkeypatch.setattr("skmtl.persistence._save._LIBRARIES", ("numpy", "no such package"))
    skmtl.save(MultiTaskKerasRegressor(), tmp_path / "model.skmtl")
    with zipfile.ZipFile(tmp_path / "model.skmtl") as archive:
        assert set(json.loads(archive.read("skmtl.json"))["versions"]) == {"skmtl", "numpy"}


def test_an_unfitted_estimator_is_saved(tmp_path):
    loaded = through_a_file(MultiTaskKerasEstimator(task_types={"a": "regression"}, optimizer__clipnorm=1.0), tmp_path)
    assert loaded.get_params()["optimizer__clipnorm"] == 1.0
    assert loaded.task_types == {"a": "regression"}
