import pickle

import keras
import numpy as np
import pytest
from sklearn.base import clone

from skmtl.scikeras import from_scikeras

from ._builders import classification, dense, diabetes, network, regression, wine

SAME = {"shuffle": False, "verbose": 0, "epochs": 3, "optimizer": "sgd", "optimizer__learning_rate": 0.02}


@pytest.fixture(scope="module")
def scikeras_subclass(wrappers):
    class Layered(wrappers.KerasRegressor):
        """A typical subclass: parameters of its own, and a build method that reads them and fitted attributes."""

        def __init__(self, hidden=8, depth=1, **kwargs):
            super().__init__(**kwargs)
            self.hidden = hidden
            self.depth = depth

        def _keras_build_fn(self, meta, activation="relu"):
            inputs = keras.Input((self.n_features_in_,))
            layer = inputs
            for i in range(self.depth):
                layer = dense(self.hidden, i, activation=activation)(layer)
            return keras.Model(inputs, dense(meta["n_outputs_"], 9)(layer))

    return Layered


def test_a_subclass_that_builds_its_model_trains_the_same_network(scikeras_subclass):
    X, y = diabetes()
    wrapper = scikeras_subclass(hidden=6, depth=2, loss="mse", model__activation="tanh", **SAME)
    model = from_scikeras(wrapper).fit(X, y)
    np.testing.assert_allclose(model.predict(X), wrapper.fit(X, y).predict(X), atol=1e-4)
    assert (model.model__hidden, model.model__depth, model.model__activation) == (6, 2, "tanh")


def test_its_own_parameters_can_be_searched(scikeras_subclass):
    model = from_scikeras(scikeras_subclass(hidden=6, loss="mse", **SAME))
    wide = clone(model).set_params(model__hidden=20).fit(*diabetes())
    assert wide.network_.parameters.shape[1] == 10 * 20 + 20 + 20 + 1
    with pytest.raises(ValueError, match="no parameter 'wide'"):
        clone(model).set_params(model__wide=3).fit(*diabetes())


def test_only_the_parameters_of_a_fitted_wrapper_are_used(scikeras_subclass):
    X, y = diabetes()
    wrapper = scikeras_subclass(loss="mse", **SAME).fit(X, y)
    model = from_scikeras(wrapper)
    assert not hasattr(model.model.function.wrapper, "model_")
    fresh = from_scikeras(clone(wrapper))
    np.testing.assert_array_equal(model.fit(X, y).predict(X), fresh.fit(X, y).predict(X))


def ready(compiled=False):
    model = keras.Sequential([keras.Input((10,)), dense(5, 1, activation="relu"), dense(1, 2)])
    if compiled:
        model.compile(keras.optimizers.SGD(0.01), loss="mae")
    return model


@pytest.mark.parametrize("compiled", [False, True])
def test_a_ready_model_is_trained_in_copies_from_its_weights(wrappers, compiled):
    X, y = diabetes()
    given = ready(compiled)
    weights = [w + 0.1 for w in given.get_weights()]
    given.set_weights(weights)
    settings = {"epochs": 3, "shuffle": False, "verbose": 0} if compiled else {"loss": "mse", **SAME}
    wrapper = wrappers.KerasRegressor(given, **settings)
    model = from_scikeras(wrapper)
    first = model.fit(X, y).predict(X)
    assert all(np.array_equal(a, b) for a, b in zip(given.get_weights(), weights, strict=True))
    if not compiled:  # a constant prediction's absolute error is not 1, which scales the steps of SGD
        np.testing.assert_allclose(first, wrapper.fit(X, y).predict(X), atol=1e-4)
    restored = pickle.loads(pickle.dumps(clone(model)))
    np.testing.assert_array_equal(restored.fit(X, y).predict(X), first)


def test_the_loss_and_optimizer_of_a_compiled_model_are_used(wrappers):
    model = from_scikeras(wrappers.KerasRegressor(ready(compiled=True), verbose=0))
    copy = model.model.function()
    assert isinstance(copy.optimizer, keras.optimizers.SGD)
    assert float(copy.optimizer.learning_rate) == pytest.approx(0.01)
    assert copy.loss == "mae"


def test_a_ready_model_that_a_fit_has_trained_raises_a_warning(wrappers):
    wrapper = wrappers.KerasRegressor(ready(), loss="mse", **SAME).fit(*diabetes())
    with pytest.warns(UserWarning, match="start from these trained weights"):
        from_scikeras(wrapper)


def test_a_ready_model_takes_no_arguments(wrappers):
    model = from_scikeras(wrappers.KerasRegressor(ready(), loss="mse", model__units=3, **SAME))
    with pytest.raises(ValueError, match="no parameter 'units'"):
        model.fit(*diabetes())


def test_a_model_that_cannot_be_copied_is_refused(wrappers):
    class Own(keras.Model):
        def __init__(self, layer):
            super().__init__()
            self.layer = layer

        def call(self, inputs):
            return self.layer(inputs)

    with pytest.raises(ValueError, match=r"cannot be copied: pass a function that builds it"):
        from_scikeras(wrappers.KerasRegressor(Own(keras.layers.Dense(1))))


def test_members_of_an_ensemble_of_built_models_start_differently(wrappers):
    def build(meta):
        return keras.Sequential([keras.Input((meta["n_features_in_"],)), keras.layers.Dense(1)])

    model = from_scikeras(wrappers.KerasRegressor(build, loss="mse", random_state=0, **SAME))
    model.set_params(ensemble_size=2).fit(*diabetes())
    first, second = model.network_.parameters
    assert not np.allclose(first, second)


def test_a_builder_that_returns_no_keras_model_is_refused_by_the_estimator(wrappers):
    model = from_scikeras(wrappers.KerasRegressor(lambda: "a model", loss="mse", **SAME))
    with pytest.raises(TypeError, match="returned str"):
        model.fit(*diabetes())


def test_meta_has_the_classes_of_several_multiclass_columns(wrappers):
    X, y = wine()
    seen = {}

    def build(meta):
        seen.update(meta)
        return network(meta["n_features_in_"], [(units, "softmax") for units in meta["output_units_"]])

    model = from_scikeras(wrappers.KerasClassifier(build, loss="sparse_categorical_crossentropy", **SAME))
    model.fit(X, np.column_stack([y, X[:, 0] > 0]))
    assert seen["target_type_"] == "multiclass-multioutput"
    assert (seen["n_classes_"], seen["n_outputs_expected_"]) == ([3, 2], 2)
    column = from_scikeras(wrappers.KerasClassifier(classification, loss="sparse_categorical_crossentropy", **SAME))
    assert column.fit(X, y[:, None]).predict(X).shape == (178, 1)


def test_an_optimizer_set_later_replaces_the_wrappers(wrappers):
    X, y = diabetes()
    default = from_scikeras(wrappers.KerasRegressor(regression, loss="mse", shuffle=False, verbose=0, epochs=3))
    given = from_scikeras(wrappers.KerasRegressor(regression, loss="mse", **SAME))
    default.set_params(optimizer="sgd", optimizer__learning_rate=0.02)
    np.testing.assert_array_equal(default.fit(X, y).predict(X), given.fit(X, y).predict(X))
