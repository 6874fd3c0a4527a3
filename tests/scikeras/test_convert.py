import pickle
import subprocess
import sys
import warnings

import keras
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmtl import MultiTaskKerasClassifier, MultiTaskKerasRegressor
from skmtl.scikeras import from_scikeras

from ._builders import classification, diabetes, multi_label, network, regression, wine

# Without shuffling and with the builder's initial weights, only training itself can differ.
SAME = {"shuffle": False, "verbose": 0, "epochs": 4}
# A constant prediction's squared error is 1 for standardised targets, so skmtl's losses are in scikeras' units.
OPTIMIZERS = [
    {"optimizer": "sgd", "optimizer__learning_rate": 0.02},
    {"optimizer": "adam", "optimizer__learning_rate": 0.01, "optimizer__clipnorm": 0.5},
    {"optimizer": keras.optimizers.Adagrad, "optimizer__learning_rate": 0.05},
    {},
]


def assert_same_predictions(wrapper, X, y, **tolerance):
    converted = from_scikeras(wrapper).fit(X, y)
    expected = wrapper.fit(X, y).predict(X)
    assert np.ptp(expected) > 0.1
    np.testing.assert_allclose(converted.predict(X), expected, **{"atol": 1e-4, **tolerance})
    return converted


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=["sgd", "clipped adam", "class", "scikeras' default"])
def test_a_converted_regressor_trains_the_same_network(wrappers, optimizer):
    wrapper = wrappers.KerasRegressor(regression, loss="mse", **optimizer, **SAME)
    model = assert_same_predictions(wrapper, *diabetes())
    assert isinstance(model, MultiTaskKerasRegressor)


@pytest.mark.slow
def test_one_head_for_several_targets_trains_the_same_network(wrappers):
    wrapper = wrappers.KerasRegressor(regression, loss="mae", batch_size=64, **OPTIMIZERS[1], **SAME)
    X, y = diabetes(2)
    # With equal loss units, the mean over tasks is Keras' mean over columns.
    y /= np.abs(y - np.median(y, axis=0)).mean(axis=0)
    assert_same_predictions(wrapper, X, y)


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["sparse_categorical_crossentropy", "categorical_crossentropy"])
def test_a_converted_classifier_trains_the_same_network(wrappers, loss):
    weights = {0: 1.0, 1: 2.0, 2: 0.5}
    settings = {**SAME, **OPTIMIZERS[1], "optimizer__clipnorm": None, "batch_size": -1, "class_weight": weights}
    wrapper = wrappers.KerasClassifier(classification, loss=loss, **settings)
    X, y = wine()
    names = np.array(["barolo", "grignolino", "barbera"])
    wrapper.set_params(class_weight={names[code]: weight for code, weight in weights.items()})
    model = from_scikeras(wrapper).fit(X, names[y])
    assert isinstance(model, MultiTaskKerasClassifier)
    expected = wrapper.fit(X, names[y]).predict_proba(X)
    np.testing.assert_allclose(model.predict_proba(X), expected, atol=1e-4)
    assert np.array_equal(model.predict(X), wrapper.predict(X))


def test_the_builders_optimizer_takes_precedence_over_scikeras_default(wrappers):
    def build(meta):
        model = regression(meta)
        model.compile(keras.optimizers.SGD(0.02), loss="mse")
        return model

    assert_same_predictions(wrappers.KerasRegressor(build, **SAME), *diabetes())


def test_builders_get_the_compile_kwargs_of_the_wrapper(wrappers):
    seen = []

    def build(meta, compile_kwargs):
        model = regression(meta)
        model.compile(**compile_kwargs)
        seen.append(compile_kwargs)
        return model

    wrapper = wrappers.KerasRegressor(build, loss="mse", **OPTIMIZERS[0], **SAME)
    assert_same_predictions(wrapper, *diabetes())
    ours, theirs = seen
    assert set(ours) == set(theirs)
    assert type(ours["optimizer"]) is type(theirs["optimizer"])
    assert float(ours["optimizer"].learning_rate) == float(theirs["optimizer"].learning_rate) == pytest.approx(0.02)


def test_builders_get_the_meta_of_scikeras(wrappers):
    seen = []

    def build(meta, params, hidden):
        seen.append((meta, params, hidden))
        return network(meta["n_features_in_"], [(meta["n_classes_"], "softmax")], hidden)

    X, y = wine()
    wrapper = wrappers.KerasClassifier(build, loss="sparse_categorical_crossentropy", hidden=5, **SAME)
    from_scikeras(wrapper).set_params(model__hidden=7, epochs=1).fit(X, y)
    wrapper.initialize(X, y)
    (ours, our_params, our_hidden), (theirs, their_params, _) = seen
    missing = set(theirs) - set(ours) - {"target_encoder_", "feature_encoder_"}
    assert not missing
    for name in set(theirs) & set(ours):
        assert np.all(ours[name] == theirs[name]), name
    assert our_hidden == 7
    assert set(our_params) == set(their_params)
    assert (our_params["hidden"], their_params["hidden"]) == (7, 5)


def test_meta_describes_several_targets_as_scikeras_does(wrappers):
    seen = []

    def build(meta):
        seen.append(meta)
        return regression(meta)

    X, y = diabetes(2)
    wrapper = wrappers.KerasRegressor(build, loss="mse", **SAME)
    from_scikeras(wrapper).set_params(epochs=1).fit(X, y)
    wrapper.initialize(X, y)
    ours, theirs = seen
    for name in ("n_outputs_", "n_outputs_expected_", "target_type_", "y_dtype_", "y_ndim_", "X_shape_", "X_dtype_"):
        assert ours[name] == theirs[name], name


def test_skmtl_estimators_pass_meta_and_compile_kwargs_to_builders():
    seen = {}

    def build(meta, compile_kwargs, hidden):
        seen.update(meta=meta, compile_kwargs=compile_kwargs)
        return regression(meta, hidden)

    X, y = diabetes()
    model = MultiTaskKerasRegressor(model=build, model__hidden=4, epochs=1, learning_rate=0.5, loss="mae")
    model.set_params(optimizer="sgd", optimizer__momentum=0.5).fit(X.astype(np.float32), y.astype(np.float32))
    assert seen["meta"]["target_type_"] == "continuous"
    assert (seen["meta"]["y_dtype_"], seen["meta"]["y_ndim_"]) == (np.float32, 1)
    optimizer = seen["compile_kwargs"]["optimizer"]
    assert isinstance(optimizer, keras.optimizers.SGD)
    assert (float(optimizer.learning_rate), optimizer.momentum) == (0.5, 0.5)
    assert seen["compile_kwargs"]["loss"] == "mae"


def test_arguments_of_the_builder_become_model_parameters(wrappers):
    wrapper = wrappers.KerasRegressor(regression, hidden=5, loss="mse", **SAME)
    assert from_scikeras(wrapper).model__hidden == 5
    assert from_scikeras(wrapper.set_params(model__hidden=6)).model__hidden == 6
    model = from_scikeras(wrapper)
    search = GridSearchCV(model, {"model__hidden": [3, 9]}, cv=2, refit=False).fit(*diabetes())
    assert len(set(search.cv_results_["mean_test_score"])) == 2
    with pytest.raises(ValueError, match=r"no parameter 'hiden'.*Did you mean 'hidden'"):
        model.set_params(model__hiden=3).fit(*diabetes())


def test_settings_for_fit_and_compile_take_precedence_over_general_ones(wrappers):
    general = {"epochs": 3, "batch_size": 16, "loss": "mse", "verbose": 2, "warm_start": True, "random_state": 7}
    special = {"fit__epochs": 9, "fit__batch_size": 8, "fit__shuffle": False, "compile__loss": "mae"}
    model = from_scikeras(wrappers.KerasRegressor(regression, **general, **special, compile__loss_weights=[2.0]))
    parameters = model.get_params()
    expected = {"epochs": 9, "batch_size": 8, "shuffle": False, "loss": "mae", "loss_weights": [2.0], "verbose": 2}
    assert {name: parameters[name] for name in expected} == expected
    assert (model.warm_start, model.random_state, model.early_stopping, model.scale_targets) == (True, 7, False, False)


@pytest.mark.parametrize(("given", "rows"), [(None, 32), (10, 10), (-1, 442)])
def test_batch_sizes_mean_what_they_mean_in_keras(wrappers, given, rows):
    sizes = []

    class Count(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            sizes.append(-(-442 // self.params["steps"]))

    wrapper = wrappers.KerasRegressor(regression, batch_size=given, callbacks=[Count], loss="mse", epochs=1, verbose=0)
    from_scikeras(wrapper).fit(*diabetes())
    assert sizes == [rows]


def test_losses_get_their_arguments(wrappers):
    focal = keras.losses.CategoricalFocalCrossentropy
    model = from_scikeras(wrappers.KerasClassifier(classification, loss=focal, loss__gamma=3.0, **SAME))
    assert isinstance(model.loss, focal)
    assert model.loss.get_config()["gamma"] == 3.0
    assert model.fit(*wine()).predict_proba(wine()[0]).shape == (178, 3)


def test_a_loss_that_scikeras_copies_incompletely_raises_a_warning(wrappers):
    wrapper = wrappers.KerasRegressor(regression, loss=keras.losses.Huber, loss__delta=0.3, **SAME)
    with pytest.warns(UserWarning, match=r"copies of the loss Huber .*'delta': 0.3"):
        model = from_scikeras(wrapper)
    assert float(model.loss(np.zeros((1, 1)), np.ones((1, 1)))) == pytest.approx(0.3 * (1 - 0.15))


CALLBACK = keras.callbacks.EarlyStopping
CALLBACKS = [
    {"callbacks": CALLBACK, "callbacks__monitor": "loss", "callbacks__min_delta": 10.0},
    {"callbacks": {"stop": CALLBACK}, "callbacks__stop__monitor": "loss", "callbacks__stop__min_delta": 10.0},
    {"fit__callbacks": [CALLBACK], "fit__callbacks__monitor": "loss", "fit__callbacks__0__min_delta": 10.0},
    {"callbacks": [[keras.callbacks.TerminateOnNaN(), CALLBACK(monitor="loss", min_delta=10.0)]]},
    {"callbacks": [keras.callbacks.TerminateOnNaN], "fit__callbacks": CALLBACK(monitor="loss", min_delta=10.0)},
]


@pytest.mark.parametrize("callbacks", CALLBACKS, ids=["class", "dict", "fit", "nested", "both"])
def test_callbacks_act_as_in_scikeras(wrappers, callbacks):
    wrapper = wrappers.KerasRegressor(regression, loss="mse", verbose=0, epochs=6, **callbacks)
    assert from_scikeras(wrapper).fit(*diabetes()).n_iter_ == 2


@pytest.mark.slow
def test_validation_split_holds_rows_out_and_never_stops_training(wrappers):
    flat = keras.callbacks.EarlyStopping(monitor="val_loss", patience=100)
    wrapper = wrappers.KerasRegressor(
        regression, loss="mse", verbose=0, validation_split=0.25, epochs=30, callbacks=flat
    )
    wrapper.set_params(optimizer__learning_rate=1e-9)
    with pytest.warns(UserWarning, match="validation_split becomes early_stopping=True"):
        model = from_scikeras(wrapper)
    model.fit(*diabetes())
    assert model.n_iter_ == 30
    assert len(model.history_["val_loss"]) == 30
    assert len(model.network_.held_out[0]) == pytest.approx(442 / 4, abs=1)


def test_settings_without_effect_are_named_in_a_warning(wrappers):
    idle = {
        "metrics": ["mae"],
        "run_eagerly": True,
        "validation_batch_size": 64,
        "predict__batch_size": 1000,
        "compile__weighted_metrics": ["mse"],
    }
    wrapper = wrappers.KerasRegressor(regression, loss="mse", **idle, **SAME)
    with pytest.warns(UserWarning, match="these settings have no effect in skmtl") as caught:
        from_scikeras(wrapper)
    assert len(caught) == 1
    assert all(name in str(caught[0].message) for name in idle)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        from_scikeras(wrappers.KerasRegressor(regression, loss="mse", metrics=None, fit__validation_freq=1, **SAME))


@pytest.mark.parametrize(
    ("setting", "hint"),
    [
        ({"fit__class_weight": {0: 1.0}}, "by label"),
        ({"fit__validation_data": (1, 2)}, "X_val and y_val"),
        ({"fit__initial_epoch": 3}, "first epoch"),
        ({"fit__steps_per_epoch": 3}, "one pass"),
        ({"predict__steps": 3}, "all rows"),
        ({"compile__auto_scale_loss": False}, ""),
        ({"model__optimizer__rate": 1}, ""),
        ({"optimizer__learning_rate__decay": 1}, ""),
        ({"sgd__rate": 1}, ""),
        ({"score__squared": True}, ""),
    ],
)
def test_settings_without_counterpart_are_refused_by_name(wrappers, setting, hint):
    wrapper = wrappers.KerasRegressor(regression, loss="mse", **setting)
    with pytest.raises(ValueError, match=f"no counterpart in skmtl for {next(iter(setting))}.*{hint}"):
        from_scikeras(wrapper)


def test_all_settings_without_counterpart_are_named_at_once(wrappers):
    wrapper = wrappers.KerasRegressor(regression, loss="mse", fit__steps_per_epoch=3, predict__steps=1)
    with pytest.raises(ValueError, match=r"fit__steps_per_epoch.*predict__steps"):
        from_scikeras(wrapper)


def test_the_wrapper_is_not_changed_and_the_result_can_be_cloned_and_pickled(wrappers):
    X, y = diabetes()
    wrapper = wrappers.KerasRegressor(regression, hidden=4, loss="mse", **SAME, **OPTIMIZERS[1])
    before = dict(vars(wrapper))
    model = from_scikeras(wrapper)
    assert vars(wrapper) == before
    fitted = pickle.loads(pickle.dumps(clone(model).fit(X, y)))
    np.testing.assert_array_equal(fitted.predict(X), model.fit(X, y).predict(X))
    assert make_pipeline(StandardScaler(), model).fit(X, y).predict(X).shape == (442,)
    assert "regression" in repr(model)


def test_a_converted_estimator_accepts_missing_labels(wrappers):
    X, y = diabetes(1)
    y[::2, 1] = np.nan
    wrapper = wrappers.KerasRegressor(regression, loss="mse", verbose=0, epochs=20, **OPTIMIZERS[1])
    with pytest.raises(ValueError, match="NaN"):
        wrapper.fit(X, y)
    scores = from_scikeras(wrapper).fit(X, y).score_tasks(X, y)
    assert (scores > [0.4, 0.3]).all()


def test_the_deprecated_build_fn_is_supported(wrappers):
    model = from_scikeras(wrappers.KerasRegressor(build_fn=regression, loss="mse", **SAME))
    assert model.fit(*diabetes()).n_tasks_ == 1


def test_other_objects_and_wrappers_without_a_model_are_refused(wrappers):
    for thing in (StandardScaler(), make_pipeline(wrappers.KerasRegressor(regression)), regression):
        with pytest.raises(TypeError, match="KerasRegressor or KerasClassifier"):
            from_scikeras(thing)
    with pytest.raises(ValueError, match="no way to build"):
        from_scikeras(wrappers.KerasRegressor())
    with pytest.raises(TypeError, match="function that builds a Keras model"):
        from_scikeras(wrappers.KerasRegressor(3))


def test_subclasses_with_methods_that_would_not_be_called_are_refused(wrappers):
    class Own(wrappers.KerasRegressor):
        def fit(self, X, y, **kwargs):
            return super().fit(X, y, **kwargs)

        @property
        def feature_encoder(self):
            return StandardScaler()

    with pytest.raises(ValueError, match=r"Own overrides feature_encoder, fit .*in a pipeline"):
        from_scikeras(Own(regression))

    class Encodes(wrappers.KerasRegressor):
        @property
        def target_encoder(self):
            return StandardScaler()

    with pytest.raises(ValueError, match="encodes y with StandardScaler"):
        from_scikeras(Encodes(regression))

    class Both(wrappers.KerasRegressor):
        def _keras_build_fn(self):
            return None

    with pytest.raises(ValueError, match="more than one way"):
        from_scikeras(Both(regression))


@pytest.mark.slow
def test_a_label_matrix_becomes_one_task_per_column(wrappers):
    X, y = wine()
    labels = np.column_stack([X[:, 9] > 0, X[:, 0] > 0, y == 1]).astype(int)
    settings = {"loss": "binary_crossentropy", "epochs": 20, "verbose": 0, "random_state": 0, **OPTIMIZERS[1]}
    wrapper = wrappers.KerasClassifier(multi_label, **settings)
    model = from_scikeras(wrapper).fit(X, labels)
    assert model.n_tasks_ == 3
    assert [proba.shape for proba in model.predict_proba(X)] == [(178, 2)] * 3
    theirs = wrapper.fit(X, labels).predict(X)
    assert ((theirs == labels).mean(axis=0) > 0.9).all()
    assert ((model.predict(X) == theirs).mean(axis=0) > 0.9).all()


@pytest.mark.parametrize(
    ("activation", "message"), [("softmax", r"one-hot.*argmax"), (None, "linear activation.*from_logits=True")]
)
def test_heads_that_cannot_be_split_into_tasks_are_refused(wrappers, activation, message):
    X, y = wine()

    def build(meta):
        return network(meta["n_features_in_"], [(meta["n_classes_"], activation)])

    model = from_scikeras(wrappers.KerasClassifier(build, loss="binary_crossentropy", **SAME))
    with pytest.raises(ValueError, match=message):
        model.fit(X, np.eye(3, dtype=int)[y])


@pytest.mark.slow
def test_a_label_matrix_with_logits(wrappers):
    X, y = wine()

    def build(meta):
        return network(meta["n_features_in_"], [(meta["n_classes_"], None)])

    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    model = from_scikeras(wrappers.KerasClassifier(build, loss=loss, epochs=30, verbose=0, **OPTIMIZERS[1]))
    assert model.fit(X, np.eye(3, dtype=int)[y]).score(X, np.eye(3, dtype=int)[y]) > 0.9


def test_importing_the_package_imports_neither_scikeras_nor_keras():
    code = "import sys, skmtl.scikeras; print([m for m in ('scikeras', 'keras', 'tensorflow') if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
