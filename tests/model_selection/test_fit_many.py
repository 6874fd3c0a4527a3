"""Fits that are trained together give the results of single fits."""

import numpy as np
import pytest
from sklearn.base import clone

from skmtl import MultiTaskKerasClassifier, MultiTaskKerasEstimator, MultiTaskKerasRegressor
from skmtl.datasets import make_related_tasks
from skmtl.exceptions import TrainingDivergedError
from skmtl.model_selection._fit_many import FitCall, ManyFits
from skmtl.training import counters

SMALL = {"hidden_layer_sizes": (8,), "epochs": 12, "ensemble_size": 1, "random_state": 0, "jit_compile": False}
# Settings that differ only in numbers.
NUMBERS = [
    {"learning_rate": 1e-3, "random_state": 0},
    {"learning_rate": 1e-2, "epochs": 7, "weight_decay": 0.1, "random_state": 1},
    {"learning_rate": 0.1, "n_iter_no_change": 2, "tol": 1e-2, "loss_weights": [1.0, 3.0]},
    {"learning_rate": 3e-2, "epochs": 3, "n_iter_no_change": 1, "random_state": 2},
    {"learning_rate": 3e-3, "learning_rate_schedule": "cosine"},
]


def fit_many(calls):
    """Fit the estimators of all calls; return their errors, and the reasons for fits one at a time."""
    with ManyFits(calls) as fits:
        return [fitted.error for fitted in fits.results()], fits.reasons


@pytest.fixture(scope="module")
def table():
    X, y = make_related_tasks(90, 5, 2, relatedness=1.0, noise=0.5, random_state=0)
    return X.astype(np.float32), y


def classes_of(y):
    return np.column_stack([np.digitize(y[:, 0], [-0.5, 0.5]), y[:, 1] > 0]).astype(int)


def together(estimators, X, y, **arguments):
    """Return clones that are fitted together; ``arguments`` are those of fit."""
    fitted = [clone(estimator) for estimator in estimators]
    errors, reasons = fit_many([FitCall(batched, X, y, arguments, rows=0) for batched in fitted])
    assert errors == [None] * len(fitted)
    assert reasons == {}
    return fitted


def check_same(estimators, X, y, atol=2e-5, **arguments):
    """Check that fitting each alone and all together gives the same results up to rounding."""
    for alone, batched in zip(estimators, together(estimators, X, y, **arguments), strict=True):
        alone.fit(X, y, **arguments)
        assert (batched.n_iter_, batched.stop_reason_) == (alone.n_iter_, alone.stop_reason_)
        np.testing.assert_array_equal(batched.best_epoch_, alone.best_epoch_)
        assert list(batched.history_) == list(alone.history_)
        for name in alone.history_:
            np.testing.assert_allclose(batched.history_[name], alone.history_[name], atol=atol, rtol=atol)
        method = "predict" if isinstance(alone, MultiTaskKerasRegressor) else "predict_proba"
        for one, other in zip(getattr(batched, method)(X), getattr(alone, method)(X), strict=True):
            np.testing.assert_allclose(one, other, atol=atol, rtol=atol)


@pytest.mark.parametrize(
    "settings",
    [
        {"dropout": 0.2, "ensemble_size": 2},
        {"early_stopping": False, "optimizer": "lamb"},
        {"optimizer": "nadam", "optimizer__clipnorm": 0.5, "shuffle": False, "batch_size": 40},
        {"balancing": "random", "task_sampling": 0.5},
        {"balancing": "pcgrad"},
        {"numeric_embedding": "piecewise_linear", "validation_split": 3},
    ],
    ids=str,
)
def test_fits_that_differ_in_numbers_match_single_fits(table, settings):
    X, y = table
    y = y.copy()
    y[::3, 1] = np.nan
    base = MultiTaskKerasRegressor(**{**SMALL, **settings})
    check_same([clone(base).set_params(**numbers) for numbers in NUMBERS], X, y)


def test_in_float64_and_without_xla_it_is_the_same_bits(table):
    base = MultiTaskKerasRegressor(**{**SMALL, "ensemble_size": 6, "dropout": 0.3, "dtype": "float64"})
    estimators = [clone(base).set_params(**numbers) for numbers in NUMBERS]
    for alone, batched in zip(estimators, together(estimators, *table), strict=True):
        alone.fit(*table)
        np.testing.assert_array_equal(batched.network_.parameters, alone.network_.parameters)
        for name, values in alone.history_.items():
            np.testing.assert_allclose(batched.history_[name], values, rtol=1e-12)


def test_dropout_rates_may_differ(table):
    base = MultiTaskKerasRegressor(**SMALL)
    check_same([clone(base).set_params(dropout=rate, random_state=i) for i, rate in enumerate((0.1, 0.2, 0.5))], *table)


@pytest.mark.parametrize("architecture", ["ple", "bypass", "cross_stitch"])
def test_schemes_train_with_others(table, architecture):
    base = MultiTaskKerasRegressor(**{**SMALL, "epochs": 3}, architecture=architecture, dropout=0.1)
    check_same([clone(base).set_params(random_state=seed) for seed in range(3)], *table)


def test_numbers_of_a_balancing_method_may_differ(table):
    base = MultiTaskKerasRegressor(**{**SMALL, "epochs": 5}, balancing="dwa")
    check_same([clone(base).set_params(balancing__temperature=number) for number in (0.5, 2.0, 8.0)], *table)


def test_classes_and_their_weights(table):
    X, y = table
    base = MultiTaskKerasClassifier(**SMALL)
    variants = [
        {"class_weight": None},
        {"class_weight": "balanced"},
        {"class_weight": [{0: 1.0, 1: 4.0, 2: 1.0}, None]},
    ]
    check_same([clone(base).set_params(**one, random_state=i) for i, one in enumerate(variants)], X, classes_of(y))


def test_mixed_tasks(table):
    X, y = table
    mixed = np.column_stack([y[:, 0], classes_of(y)[:, 1]])
    base = MultiTaskKerasEstimator(**SMALL, task_types={"y0": "regression", "y1": "classification"})
    estimators = [clone(base).set_params(learning_rate=rate) for rate in (1e-3, 1e-2, 3e-2)]
    for alone, batched in zip(estimators, together(estimators, X, mixed), strict=True):
        alone.fit(X, mixed)
        for column in range(2):
            np.testing.assert_allclose(batched.predict(X)[:, column], alone.predict(X)[:, column], atol=2e-5)


def test_rows_to_validate_on_and_weights(table):
    X, y = table
    base = MultiTaskKerasRegressor(**SMALL)
    weights = np.linspace(0.0, 2.0, 60)
    estimators = [clone(base).set_params(learning_rate=rate) for rate in (1e-3, 3e-2)]
    check_same(estimators, X[:60], y[:60], sample_weight=weights, X_val=X[60:], y_val=y[60:])


def test_fits_of_other_rows_and_other_structures_go_along(table):
    X, y = table
    parts = [slice(0, 60), slice(30, 90), slice(0, 90)]
    base = MultiTaskKerasRegressor(**SMALL)
    models = [clone(base).set_params(hidden_layer_sizes=width) for width in (4, 8) for _ in parts]
    places = [*enumerate(parts), *enumerate(parts)]
    calls = [FitCall(model, X[part], y[part], rows=i) for model, (i, part) in zip(models, places, strict=True)]
    assert fit_many(calls)[0] == [None] * 6
    for call in calls:
        alone = clone(call.estimator).fit(call.X, call.y)
        np.testing.assert_allclose(call.estimator.predict(X), alone.predict(X), atol=2e-5)


def test_out_of_fold_predictions_come_along(table):
    base = MultiTaskKerasRegressor(**SMALL).set_params(ensemble_size=4, validation_fraction=0.25, oob_score=True)
    estimators = [clone(base).set_params(learning_rate=rate) for rate in (1e-3, 1e-2)]
    for alone, batched in zip(estimators, together(estimators, *table), strict=True):
        alone.fit(*table)
        np.testing.assert_allclose(batched.oob_prediction_, alone.oob_prediction_, atol=2e-5)


def test_a_fit_does_not_depend_on_the_fits_trained_with_it(table):
    base = MultiTaskKerasRegressor(**{**SMALL, "jit_compile": True})
    first = clone(base)
    others = [clone(base).set_params(learning_rate=rate, epochs=n) for rate, n in ((0.1, 2), (0.5, 9), (1.0, 1))]
    more = [clone(base).set_params(random_state=seed) for seed in range(1, 4)]
    one, *_ = together([first, *others], *table)
    other, *_ = together([first, *more], *table)
    np.testing.assert_array_equal(one.network_.parameters, other.network_.parameters)


def test_one_program_serves_all_fits_of_a_structure(table):
    base = MultiTaskKerasRegressor(**{**SMALL, "hidden_layer_sizes": (13,)})
    before = counters.snapshot().get("traces", 0)
    together([clone(base).set_params(random_state=seed) for seed in range(21)], *table)
    together([clone(base).set_params(random_state=seed, learning_rate=0.1) for seed in range(30, 50)], *table)
    assert counters.snapshot()["traces"] - before == 1


def test_fits_that_cannot_be_trained_together_are_made_singly_with_a_reason(table):
    base = MultiTaskKerasRegressor(**{**SMALL, "epochs": 2})
    alone = [
        ({"blend": ["network", "ridge"], "early_stopping": True, "ensemble_size": 2}, "blend"),
        ({"callbacks": []}, "callbacks"),
        ({"warm_start": True}, "warm_start"),
        ({"architecture": "mmoe", "architecture__gate_dropout": 0.5}, "gates"),
    ]
    calls = [FitCall(clone(base).set_params(**one), *table, rows=0) for one, _ in alone]
    errors, reasons = fit_many(calls)
    assert errors == [None] * len(alone)
    for (settings, word), reason in zip(alone, reasons, strict=True):
        assert word in reason, settings
    for call in calls:
        again = clone(call.estimator).fit(*table)
        np.testing.assert_array_equal(call.estimator.predict(table[0]), again.predict(table[0]))


def test_a_failing_fit_raises_its_error_and_the_others_train_on(table):
    base = MultiTaskKerasRegressor(**SMALL, optimizer="sgd")
    wrong = [{"learning_rate": 1e9}, {"learning_rate": -1.0}, {"hidden_layer_sizes": (0,)}, {}]
    calls = [FitCall(clone(base).set_params(**one), *table, rows=0) for one in wrong]
    errors, reasons = fit_many(calls)
    assert reasons == {}
    assert isinstance(errors[0], TrainingDivergedError)
    for error, one in zip(errors[:3], wrong[:3], strict=True):
        with pytest.raises(type(error)) as caught:
            clone(base).set_params(**one).fit(*table)
        assert str(caught.value) == str(error)
    assert errors[3] is None
    alone = clone(base).fit(*table)
    np.testing.assert_allclose(calls[3].estimator.predict(table[0]), alone.predict(table[0]), atol=2e-5)


def test_rows_on_the_device_are_bounded(table, monkeypatch):
    import skmtl.model_selection._fit_many as module
    from skmtl.training._together import Together

    seen, settled = [], Together.settle

    def settle(self):
        seen.append(len(self._runs) + sum(map(len, self._waiting.values())))
        settled(self)

    monkeypatch.setattr(Together, "settle", settle)
    monkeypatch.setattr(module, "_MOST_BYTES", 5000)
    base = MultiTaskKerasRegressor(**{**SMALL, "epochs": 2})
    parts = [slice(0, 60), slice(30, 90), slice(10, 70)]
    calls = [
        FitCall(clone(base).set_params(random_state=seed), table[0][part], table[1][part], rows=i)
        for seed in range(3)
        for i, part in enumerate(parts)
    ]
    assert fit_many(calls)[0] == [None] * 9
    assert seen == [3, 3]


def test_the_last_fits_of_a_structure_have_the_program_of_the_others(table):
    base = MultiTaskKerasRegressor(**{**SMALL, "hidden_layer_sizes": (7,), "jit_compile": "auto", "epochs": 40})
    before = counters.snapshot().get("traces", 0)
    # XLA pays off for all of them, but would not for the three left over.
    together([clone(base).set_params(random_state=seed, n_iter_no_change=1, tol=1.0) for seed in range(23)], *table)
    assert counters.snapshot()["traces"] - before == 1
