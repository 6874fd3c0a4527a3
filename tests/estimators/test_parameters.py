"""Constructor parameters, declared and routed, before and after fit."""

import copy

import keras
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.utils import estimator_html_repr
from sklearn.utils.estimator_checks import check_dataframe_column_names_consistency, check_param_validation

from skmtl import MultiTaskKerasEstimator, MultiTaskKerasRegressor
from skmtl.training import counters

from ._builders import heads
from ._cases import ESTIMATORS, SMALL, features, quantities, targets_for

X = features()

# Values other than the default, of the types that parameters have; any other parameter gets a text.
CHANGED = {
    "architecture": "another",
    "hidden_layer_sizes": [5, 4],
    "head_layer_sizes": np.array([3]),
    "activation": "tanh",
    "dropout": 0.25,
    "model": heads,
    "ensemble_size": 3,
    "optimizer": keras.optimizers.SGD,
    "learning_rate": 0.5,
    "weight_decay": 0.1,
    "loss": {"y0": "mae"},
    "loss_weights": [1.0, 2.0],
    "balancing": "uncertainty",
    "class_weight": ["balanced", {0: 2.0}],
    "epochs": 7,
    "batch_size": 11,
    "shuffle": False,
    "early_stopping": True,
    "validation_fraction": 0.3,
    "n_iter_no_change": 4,
    "tol": 0.01,
    "callbacks": [keras.callbacks.EarlyStopping],
    "warm_start": True,
    "random_state": 5,
    "verbose": 1,
    "jit_compile": True,
    "scale_inputs": False,
    "scale_targets": False,
    "dtype": "float64",
    "task_types": {"y0": "regression"},
}
ROUTED = {
    "model__units": 3,
    "optimizer__clipnorm": 1.0,
    "architecture__n_experts": 4,
    "balancing__c": 0.5,
    "callbacks__0__patience": 2,
}


def same(one, other):
    return np.array_equal(one, other) if isinstance(one, np.ndarray) else one == other


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_clone_keeps_all_parameters(kind):
    declared = {name: CHANGED.get(name, f"another {name}") for name in kind().get_params()}
    cloned = clone(kind(**declared, **ROUTED))
    found = cloned.get_params()
    assert set(found) == set(declared) | set(ROUTED)
    for name, value in {**declared, **ROUTED}.items():
        assert same(found[name], value), name


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_parameters_are_stored_as_they_come(kind):
    declared = {name: CHANGED.get(name, f"another {name}") for name in kind().get_params()}
    model = kind(**declared, **ROUTED)
    for name, value in {**declared, **ROUTED}.items():
        assert getattr(model, name) is value


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_every_parameter_has_a_constraint_and_every_constraint_a_parameter(kind):
    assert set(kind._parameter_constraints) == set(kind().get_params())


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_fit_leaves_parameters_untouched(kind):
    settings = {
        **SMALL,
        "hidden_layer_sizes": np.array([8]),
        "loss_weights": [1.0] * targets_for(kind, X).shape[1],
        "optimizer": keras.optimizers.SGD(0.01),
        "callbacks": [keras.callbacks.EarlyStopping(monitor="loss", patience=1)],
        "random_state": np.random.RandomState(0),
    }
    model = kind(**settings)
    given, before = (
        dict(settings),
        copy.deepcopy({k: v for k, v in settings.items() if k not in ("optimizer", "callbacks", "random_state")}),
    )
    callback, optimizer = vars(settings["callbacks"][0]).copy(), settings["optimizer"].get_config()
    model.fit(X, targets_for(kind, X)).predict(X)
    found = model.get_params()
    for name, value in given.items():
        assert found[name] is value
    for name, value in before.items():
        assert same(found[name], value)
    assert vars(settings["callbacks"][0]) == callback
    assert settings["optimizer"].get_config() == optimizer
    assert int(settings["optimizer"].iterations) == 0


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_scikit_learns_check_of_parameter_validation(kind):
    check_param_validation(kind.__name__, kind(**SMALL))


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_scikit_learns_check_of_column_names(kind):
    # The check calls partial_fit without classes where an estimator is no classifier.
    kinds = {"task_types": {"y0": "regression"}} if kind is MultiTaskKerasEstimator else {}
    check_dataframe_column_names_consistency(kind.__name__, kind(**SMALL, **kinds))


@pytest.mark.parametrize(
    ("name", "proposal"),
    [
        ("hiden_layer_sizes", "Did you mean 'hidden_layer_sizes'"),
        ("batchsize", "Did you mean 'batch_size'"),
        ("modle__units", "Did you mean 'model__units'"),
        ("optimiser__clipnorm", "Did you mean 'optimizer__clipnorm'"),
        ("callback__patience", "Did you mean 'callbacks__patience'"),
        ("balance__c", "Did you mean 'balancing__c'"),
        ("loss__delta", "Valid names: .* and routed names"),
        ("model__", "Valid names: .* and routed names|Routed names"),
        ("nonsense", "Valid names: .* and routed names"),
    ],
)
def test_unknown_names_are_refused_with_the_nearest_one(name, proposal):
    with pytest.raises(TypeError, match=rf"unexpected parameter '{name}'.*{proposal}"):
        MultiTaskKerasRegressor(**{name: 1})
    model = MultiTaskKerasRegressor(ensemble_size=1)
    with pytest.raises(ValueError, match=rf"Invalid parameter '{name}' for estimator .*{proposal}"):
        model.set_params(epochs=3, **{name: 1})
    assert model.get_params() == MultiTaskKerasRegressor(ensemble_size=1).get_params()


def test_routed_parameters_are_set_and_searched_without_being_declared():
    model = MultiTaskKerasRegressor(ensemble_size=1).set_params(optimizer__clipnorm=2.0, epochs=4)
    assert model.get_params()["optimizer__clipnorm"] == 2.0
    assert clone(model).set_params(optimizer__clipnorm=3.0).optimizer__clipnorm == 3.0
    assert model.optimizer__clipnorm == 2.0


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_printing_shows_what_was_changed(kind):
    model = kind(epochs=7, optimizer__clipnorm=1.0)
    assert "epochs=7" in repr(model)
    assert "optimizer__clipnorm=1.0" in repr(model)
    assert "learning_rate" not in repr(model)
    assert "epochs" in estimator_html_repr(model)
    repr(model.fit(X, targets_for(kind, X)))


def test_optimizer_arguments_reach_the_optimizer():
    slow = MultiTaskKerasRegressor(**SMALL, optimizer="sgd", optimizer__learning_rate=1e-12).fit(X, quantities(X))
    given = MultiTaskKerasRegressor(**SMALL, optimizer="sgd", learning_rate=1e-12).fit(X, quantities(X))
    np.testing.assert_array_equal(slow.predict(X), given.predict(X))
    instance = keras.optimizers.SGD(momentum=0.5)
    routed = MultiTaskKerasRegressor(**SMALL, optimizer=instance, optimizer__momentum=0.9).fit(X, quantities(X))
    by_class = MultiTaskKerasRegressor(**SMALL, optimizer=keras.optimizers.SGD, optimizer__momentum=0.9)
    np.testing.assert_array_equal(routed.predict(X), by_class.fit(X, quantities(X)).predict(X))
    plain = MultiTaskKerasRegressor(**SMALL, optimizer=instance).fit(X, quantities(X))
    assert not np.array_equal(routed.predict(X), plain.predict(X))


@pytest.mark.slow
def test_every_declared_number_has_an_effect():
    def fit(**changes):
        return MultiTaskKerasRegressor(**{**SMALL, "early_stopping": True, **changes}).fit(X, quantities(X)).predict(X)

    plain = fit()
    for changes in (
        {"hidden_layer_sizes": (9,)}, {"head_layer_sizes": (3,)}, {"activation": "tanh"}, {"dropout": 0.3},
        {"ensemble_size": 2}, {"optimizer": "sgd"}, {"learning_rate": 0.1}, {"weight_decay": 0.5}, {"loss": "mae"},
        {"loss_weights": [1, 9]}, {"balancing": "log"}, {"epochs": 4}, {"batch_size": 7},
        {"shuffle": False, "batch_size": 7},
        {"validation_fraction": 0.5}, {"random_state": 1}, {"scale_inputs": False}, {"scale_targets": False},
        {"early_stopping": False},
    ):  # fmt: skip
        assert not np.allclose(fit(**changes), plain, rtol=1e-9), changes
    assert not np.array_equal(fit(dtype="float64"), plain)


def test_logistic_and_identity_are_scikit_learns_names():
    for name, keras_name in (("logistic", "sigmoid"), ("identity", "linear")):
        models = [
            MultiTaskKerasRegressor(**SMALL, activation=given).fit(X, quantities(X)) for given in (name, keras_name)
        ]
        np.testing.assert_array_equal(models[0].predict(X), models[1].predict(X))


def test_verbose_2_prints_a_line_an_epoch(capsys):
    MultiTaskKerasRegressor(**SMALL, verbose=2).fit(X, quantities(X))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("epoch 1/3")
    assert "val_loss" in lines[0]
    MultiTaskKerasRegressor(**SMALL).fit(X, quantities(X))
    assert capsys.readouterr().out == ""


def test_verbose_1_leaves_one_line_in_a_log(capsys):
    for members in (1, 6):
        model = MultiTaskKerasRegressor(**{**SMALL, "ensemble_size": members}, verbose=1).fit(X, quantities(X))
        (line,) = capsys.readouterr().out.splitlines()
        losses = {name: f"{model.history_[name][-1]:.4f}" for name in ("loss", "val_loss")}
        assert line.startswith("epoch 3/3, 00:0")
        assert line.endswith(f", loss {losses['loss']}, val_loss {losses['val_loss']}")


def test_the_line_of_progress_moves_within_a_chunk_of_epochs_and_changes_no_bit():
    settings = {**SMALL, "epochs": 16}
    plain = MultiTaskKerasRegressor(**settings).fit(X, quantities(X))
    before = counters.snapshot()
    shown = MultiTaskKerasRegressor(**settings, verbose=1).fit(X, quantities(X))
    after = counters.snapshot()
    assert [after.get(name, 0) - before.get(name, 0) for name in ("program_calls", "traces")] == [8, 0]
    np.testing.assert_array_equal(shown.network_.parameters, plain.network_.parameters)
