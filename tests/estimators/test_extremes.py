"""Numbers near the limits of floats: the same results, or an error that says what to do."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest

from skmtl import MultiTaskKerasRegressor
from skmtl.kernels import fit_kernel_model
from skmtl.kernels._spectrum import Spectrum

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 3))
Y = np.column_stack([X[:, 0] + X[:, 1], X[:, 2]])
SMALL: dict[str, Any] = {"hidden_layer_sizes": (5,), "ensemble_size": 1, "epochs": 2, "random_state": 0}


def with_units(units: float) -> np.ndarray:
    return X * [units, 1.0, 1.0]


@pytest.mark.parametrize("units", [1e-310, 1e-300, 1e-37, 1e39, 1e300])
@pytest.mark.parametrize("blend", [None, ["network", "ridge"]], ids=["network", "blend"])
def test_a_column_beyond_float32_is_predicted_from_but_refused_by_the_keras_model(units: float, blend: Any) -> None:
    settings = {**SMALL, "ensemble_size": 1 if blend is None else 2, "early_stopping": True, "blend": blend}
    plain = MultiTaskKerasRegressor(**settings).fit(X, Y)
    model = MultiTaskKerasRegressor(**settings).fit(with_units(units), Y)
    np.testing.assert_allclose(model.predict(with_units(units)), plain.predict(X), rtol=1e-3, atol=1e-3)
    with pytest.raises(ValueError, match=r"float32, .* column 0 of X .* Use predict"):
        _ = model.model_


@pytest.mark.parametrize("units", [1e-30, 1e36])
def test_columns_within_float32_are_the_same_in_the_keras_model(units: float) -> None:
    model = MultiTaskKerasRegressor(**SMALL).fit(with_units(units), Y)
    predicted = np.column_stack(model.model_.predict(with_units(units).astype(np.float32), verbose=0))
    np.testing.assert_allclose(predicted, model.predict(with_units(units)), atol=1e-4)


@pytest.mark.parametrize("units", [1e-310, 1e-300, 1e200, 1e300])
def test_scores_are_the_same_in_any_units(units: float) -> None:
    settings = {**SMALL, "ensemble_size": 2, "early_stopping": True, "oob_score": True}
    plain = MultiTaskKerasRegressor(**settings).fit(X, Y)
    model = MultiTaskKerasRegressor(**settings).fit(X, Y * units)
    assert model.score(X, Y * units) == pytest.approx(plain.score(X, Y), abs=1e-3)
    np.testing.assert_allclose(model.oob_score_, plain.oob_score_, atol=1e-3)


def test_a_kernel_model_without_a_solution_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> Any:
        raise np.linalg.LinAlgError("Eigenvalues did not converge")

    monkeypatch.setattr(Spectrum, "of_similarities", fail)
    folds = [np.arange(30), np.arange(30, 60)]
    assert fit_kernel_model("rbf", X, Y, np.ones_like(Y), folds, 0) is None
    settings = {**SMALL, "ensemble_size": 2, "blend": ["network", "ridge", "rbf"]}
    model = MultiTaskKerasRegressor(**settings, early_stopping=True).fit(X, Y)
    assert list(model.blend_weights_.index) == ["network", "ridge"]


def test_empty_bins_do_not_enlarge_the_network() -> None:
    settings = {**SMALL, "numeric_embedding": "piecewise_linear"}
    some = MultiTaskKerasRegressor(**settings, numeric_embedding__n_bins=64).fit(X, Y)
    many = MultiTaskKerasRegressor(**settings, numeric_embedding__n_bins=10**9).fit(X, Y)
    assert many.network_.parameters.shape == some.network_.parameters.shape
    many.partial_fit(X, Y)
    few = MultiTaskKerasRegressor(**settings, numeric_embedding__n_bins=4).fit(X, Y)
    assert few.network_.parameters.shape[1] < some.network_.parameters.shape[1]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("learning_rate", "0.1", "should be a number, got '0.1'"),
        ("beta_1", "a", "should be a number, got 'a'"),
        ("beta_1", None, "should be a number, got None"),
        ("clipnorm", "1", "should be a number, got '1'"),
        ("epsilon", [1e-7], "should be a number"),
        ("weight_decay", float("nan"), "should be a finite number of at least 0"),
        ("learning_rate", 10**400, "should be a finite number of at least 0"),
        ("amsgrad", "yes", "should be True or False"),
    ],
)
@pytest.mark.parametrize(
    "optimizer", ["adam", keras.optimizers.Adam, keras.optimizers.Adam()], ids=["name", "class", "made"]
)
def test_optimizer_arguments_that_are_not_numbers_are_refused(
    optimizer: Any, name: str, value: Any, message: str
) -> None:
    with pytest.raises(ValueError, match=f"optimizer__{name} {message}"):
        MultiTaskKerasRegressor(**SMALL, optimizer=optimizer, **{f"optimizer__{name}": value}).fit(X, Y)


def test_numpys_numbers_and_negative_exponents_are_numbers() -> None:
    settings = {**SMALL, "optimizer": "adam"}
    expected = MultiTaskKerasRegressor(**settings, optimizer__learning_rate=0.5).fit(X, Y).predict(X)
    found = MultiTaskKerasRegressor(**settings, optimizer__learning_rate=np.float32(0.5)).fit(X, Y).predict(X)
    np.testing.assert_array_equal(found, expected)
    MultiTaskKerasRegressor(**SMALL, optimizer="ftrl", optimizer__learning_rate_power=-0.3).fit(X, Y)


def test_columns_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="several columns named a: give each"):
        MultiTaskKerasRegressor(**SMALL).fit(pd.DataFrame(X, columns=["a", "b", "a"]), Y)


def test_whole_numbers_beyond_floats_are_refused() -> None:
    with pytest.raises(ValueError, match="holds whole numbers that are too large"):
        MultiTaskKerasRegressor(**SMALL).fit([[10**400, 1]] * 60, Y)
