"""Every Keras loss, as one value per row."""

from __future__ import annotations

import copy
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from skmtl._records import Kind
from skmtl.losses import LossRule, default_rule, resolve_rule

RNG = np.random.default_rng(0)
ROWS = 7

REGRESSIONS = {
    "mean_squared_error": keras.losses.MeanSquaredError,
    "mse": keras.losses.MeanSquaredError,
    "mae": keras.losses.MeanAbsoluteError,
    "huber": keras.losses.Huber,
    "log_cosh": keras.losses.LogCosh,
    "poisson": keras.losses.Poisson,
    "msle": keras.losses.MeanSquaredLogarithmicError,
    "mape": keras.losses.MeanAbsolutePercentageError,
}
POSITIVE = ("poisson", "msle", "mape")

CLASSIFICATIONS = {
    "categorical_crossentropy": keras.losses.CategoricalCrossentropy(),
    "smoothed": keras.losses.CategoricalCrossentropy(label_smoothing=0.2),
    "sparse_categorical_crossentropy": keras.losses.SparseCategoricalCrossentropy(),
    "ignored class": keras.losses.SparseCategoricalCrossentropy(ignore_class=1),
    "binary_crossentropy": keras.losses.BinaryCrossentropy(),
    "binary smoothed": keras.losses.BinaryCrossentropy(label_smoothing=0.1),
    "binary_focal_crossentropy": keras.losses.BinaryFocalCrossentropy(gamma=3.0),
    "categorical_focal_crossentropy": keras.losses.CategoricalFocalCrossentropy(alpha=[0.2, 0.3, 0.5], gamma=1.5),
    "kl_divergence": keras.losses.KLDivergence(),
    "categorical_hinge": keras.losses.CategoricalHinge(),
    "hinge": keras.losses.Hinge(),
    "squared_hinge": keras.losses.SquaredHinge(),
    "mean_squared_error": keras.losses.MeanSquaredError(),
    "mean_absolute_error": keras.losses.MeanAbsoluteError(),
    "cosine_similarity": keras.losses.CosineSimilarity(),
    "generalized": keras.losses.CategoricalGeneralizedCrossEntropy(q=0.7),
    "dice": keras.losses.Dice(axis=-1),
}


def rule_of(loss: Any, kind: Kind, *, probabilities: bool = False, units: int = 1) -> LossRule:
    return resolve_rule(loss, kind, "task", probabilities=probabilities, units=units)


def rows(rule: LossRule, labels: np.ndarray, raw: np.ndarray, scale: float = 1.0) -> np.ndarray:
    values = rule.rows(tf.constant(labels), tf.constant(raw), tf.fill((len(labels),), tf.constant(scale, raw.dtype)))
    assert values.shape == (len(labels),)
    assert values.dtype == raw.dtype
    return values.numpy()


def row_by_row(loss: Any, truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Return Keras' own value of each row alone."""
    instance = loss if isinstance(loss, keras.losses.Loss) else loss()
    return np.array([float(instance(truth[[i]], predicted[[i]])) for i in range(len(predicted))])


def softmax(raw: np.ndarray) -> np.ndarray:
    powers = np.exp(raw - raw.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def softplus(raw: np.ndarray) -> np.ndarray:
    return np.log1p(np.exp(raw))


@pytest.mark.parametrize("name", REGRESSIONS)
@pytest.mark.parametrize("form", ["string", "class", "instance"])
def test_a_regression_loss_is_keras_own_value_of_each_row(name: str, form: str) -> None:
    labels = RNG.uniform(0.1, 3.0, ROWS).astype(np.float32)
    raw = RNG.normal(size=(ROWS, 1)).astype(np.float32)
    kind = REGRESSIONS[name]
    rule = rule_of({"string": name, "class": kind, "instance": kind()}[form], "regression")
    scale = 2.5 if name in POSITIVE else 1.0
    predicted = softplus(raw) * scale if name in POSITIVE else raw
    expected = row_by_row(kind, labels[:, None] * scale, predicted)
    np.testing.assert_allclose(rows(rule, labels, raw, scale), expected, rtol=2e-5, atol=1e-6)
    assert rule.link == ("softplus" if name in POSITIVE else "identity")


@pytest.mark.parametrize("name", CLASSIFICATIONS)
def test_a_classification_loss_is_keras_own_value_of_each_row_on_logits_and_on_probabilities(name: str) -> None:
    loss = CLASSIFICATIONS[name]
    codes = np.array([0, 1, 2, 2, 1, 0, 1], np.float32)
    raw = RNG.normal(size=(ROWS, 3)).astype(np.float32)
    sparse = isinstance(
        loss, keras.losses.SparseCategoricalCrossentropy | keras.losses.CategoricalGeneralizedCrossEntropy
    )
    truth = codes.astype(np.int32) if sparse else np.eye(3, dtype=np.float32)[codes.astype(int)]
    expected = row_by_row(loss, truth, softmax(raw))
    on_logits = rule_of(loss, "classification", units=3)
    on_probabilities = rule_of(loss, "classification", units=3, probabilities=True)
    np.testing.assert_allclose(rows(on_logits, codes, raw), expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(rows(on_probabilities, codes, softmax(raw)), expected, rtol=1e-4, atol=1e-5)
    if name in dir(keras.losses):
        assert rule_of(name, "classification", units=3).target_form == on_logits.target_form


@pytest.mark.parametrize(
    "loss", [keras.losses.CategoricalCrossentropy, keras.losses.SparseCategoricalCrossentropy], ids=lambda c: c.__name__
)
def test_cross_entropy_of_our_heads_stays_finite_where_probabilities_underflow(loss: Any) -> None:
    raw = np.array([[-300.0, 300.0], [0.0, 200.0]], np.float32)
    for given in (loss(), loss(from_logits=True)):
        values = rows(rule_of(given, "classification", units=2), np.zeros(2, np.float32), raw)
        np.testing.assert_allclose(values, [600.0, 200.0], rtol=1e-6)


def test_a_binary_loss_of_logits_sees_the_probabilities_of_our_softmax() -> None:
    raw = RNG.normal(size=(ROWS, 2)).astype(np.float32)
    codes = (RNG.random(ROWS) < 0.5).astype(np.float32)
    given = rule_of(keras.losses.BinaryCrossentropy(from_logits=True), "classification", units=2)
    plain = rule_of("binary_crossentropy", "classification", units=2)
    np.testing.assert_allclose(rows(given, codes, raw), rows(plain, codes, raw), rtol=1e-6)


def test_one_sigmoid_unit_is_compared_with_the_second_class() -> None:
    codes = np.array([0, 1, 1], np.float32)
    probability = np.array([[0.2], [0.9], [0.4]], np.float32)
    rule = rule_of("binary_crossentropy", "classification", probabilities=True, units=1)
    np.testing.assert_allclose(rows(rule, codes, probability), -np.log([0.8, 0.9, 0.4]), rtol=1e-5)
    logits = rule_of(keras.losses.BinaryCrossentropy(from_logits=True), "classification", probabilities=True, units=1)
    odds = np.log(probability / (1 - probability))
    np.testing.assert_allclose(rows(logits, codes, odds), -np.log([0.8, 0.9, 0.4]), rtol=1e-5)
    assert logits.from_logits
    assert not rule.from_logits


def test_the_default_is_squared_error_or_the_cross_entropy_that_fits_the_head() -> None:
    names = {
        ("regression", False, 1): "MeanSquaredError",
        ("classification", False, 2): "CategoricalCrossentropy",
        ("classification", True, 3): "CategoricalCrossentropy",
        ("classification", True, 1): "BinaryCrossentropy",
    }
    for (kind, probabilities, units), name in names.items():
        assert default_rule(kind, probabilities=probabilities, units=units).key[0] == name


class Tilted(keras.losses.Loss):
    """A custom loss that does not override get_config."""

    def __init__(self, tilt: float, table: Any = None) -> None:
        super().__init__()
        self.tilt = tilt
        self.table = table

    def call(self, y_true: Any, y_pred: Any) -> Any:
        error = y_true - y_pred
        return ops.mean(ops.maximum(self.tilt * error, (self.tilt - 1) * error), axis=-1)


def pinball(y_true: Any, y_pred: Any) -> Any:
    return Tilted(0.8).call(y_true, y_pred)


def test_custom_losses_and_functions_return_what_they_compute() -> None:
    labels, raw = RNG.normal(size=ROWS).astype(np.float32), RNG.normal(size=(ROWS, 1)).astype(np.float32)
    error = labels - raw[:, 0]
    expected = np.maximum(0.8 * error, -0.2 * error)
    for loss in (Tilted(0.8), pinball):
        np.testing.assert_allclose(rows(rule_of(loss, "regression"), labels, raw), expected, rtol=1e-5, atol=1e-7)


def test_a_loss_per_unit_is_averaged_over_units_as_in_keras() -> None:
    codes, raw = np.array([0, 2, 1], np.float32), RNG.normal(size=(3, 3)).astype(np.float32)
    rule = rule_of(lambda y_true, y_pred: (y_true - y_pred) ** 2, "classification", units=3)
    expected = row_by_row(keras.losses.MeanSquaredError, np.eye(3, dtype=np.float32)[codes.astype(int)], softmax(raw))
    np.testing.assert_allclose(rows(rule, codes, raw), expected, rtol=1e-5)
    single = rule_of(lambda y_true, y_pred: abs(y_true - y_pred), "regression")
    np.testing.assert_allclose(rows(single, codes, raw[:, :1]), np.abs(codes - raw[:, 0]), rtol=1e-6)


@pytest.mark.parametrize(
    ("loss", "shape"),
    [
        (lambda y_true, y_pred: ops.mean((y_true - y_pred) ** 2), r"\(\)"),
        (lambda y_true, y_pred: ops.mean((y_true - y_pred) ** 2, axis=0), r"\(1,\)"),
        (lambda y_true, y_pred: 0.5, r"\(\)"),
        (lambda y_true, y_pred: y_true - ops.transpose(y_pred), r"\(4, 4\)"),
    ],
    ids=["scalar", "over rows", "number", "pairs"],
)
def test_a_loss_without_one_value_per_row_is_refused(loss: Any, shape: str) -> None:
    rule = rule_of(loss, "regression")
    with pytest.raises(ValueError, match=rf"returned shape {shape}; skmtl needs one value per row"):
        rows(rule, np.zeros(4, np.float32), np.ones((4, 1), np.float32))


def test_a_mean_over_the_batch_is_also_refused_while_tracing() -> None:
    rule = rule_of(lambda y_true, y_pred: ops.mean((y_true - y_pred) ** 2, axis=0), "regression")
    specs = [tf.TensorSpec(shape, tf.float32) for shape in ((None,), (None, 1), (None,))]
    with pytest.raises(ValueError, match="one value per row"):
        tf.function(rule.rows, autograph=False).get_concrete_function(*specs)


def test_equal_losses_have_equal_rules_and_other_settings_different_ones() -> None:
    same = [
        (lambda: keras.losses.Huber(2.0), "regression"),
        (lambda: keras.losses.CategoricalFocalCrossentropy(alpha=[0.1, 0.9]), "classification"),
        (lambda: Tilted(0.3), "regression"),
    ]
    for make, kind in same:
        first, second = rule_of(make(), kind, units=2), rule_of(make(), kind, units=2)
        assert first == second
        assert hash(first) == hash(second)
    focal = keras.losses.CategoricalFocalCrossentropy(alpha=[0.1, 0.9])
    copied = copy.deepcopy(focal)
    assert rule_of(focal, "classification", units=2) == rule_of(copied, "classification", units=2)
    assert rule_of("mse", "regression") == rule_of(keras.losses.MeanSquaredError, "regression")
    assert rule_of(keras.losses.Huber(1.0), "regression") != rule_of(keras.losses.Huber(2.0), "regression")
    assert rule_of(Tilted(0.3), "regression") != rule_of(Tilted(0.4), "regression")
    assert rule_of(pinball, "regression") == rule_of(pinball, "regression")
    assert rule_of(pinball, "regression") != rule_of(lambda a, b: pinball(a, b), "regression")


def test_a_loss_with_settings_that_cannot_be_compared_only_equals_itself() -> None:
    first, second = Tilted(0.3, table=np.arange(3)), Tilted(0.3, table=np.arange(3))
    assert rule_of(first, "regression") == rule_of(first, "regression")
    assert rule_of(first, "regression") != rule_of(second, "regression")


def test_settings_of_a_wrapped_function_count() -> None:
    wrap = keras.losses.LossFunctionWrapper if hasattr(keras.losses, "LossFunctionWrapper") else None
    wrap = wrap or type(keras.losses.Huber()).__mro__[1]

    def scaled(y_true: Any, y_pred: Any, factor: float) -> Any:
        return factor * ops.mean((y_true - y_pred) ** 2, axis=-1)

    assert rule_of(wrap(scaled, factor=2.0), "regression") == rule_of(wrap(scaled, factor=2.0), "regression")
    assert rule_of(wrap(scaled, factor=2.0), "regression") != rule_of(wrap(scaled, factor=3.0), "regression")


@pytest.mark.parametrize(
    ("loss", "kind", "units", "message"),
    [
        ("poison", "regression", 1, "no loss named 'poison'.*poisson"),
        (3.0, "regression", 1, "string, class, instance"),
        ("poisson", "classification", 2, "Poisson is for regressions"),
        ("categorical_crossentropy", "regression", 1, "CategoricalCrossentropy is for classifications"),
        ("binary_crossentropy", "regression", 1, "BinaryCrossentropy is for classifications"),
        ("circle", "classification", 2, "not a loss of single rows"),
    ],
)
def test_an_invalid_loss_is_refused_with_the_name_of_the_task(loss: Any, kind: Kind, units: int, message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=f"(?s)task.*{message}"):
        rule_of(loss, kind, units=units)


def test_a_categorical_loss_on_a_single_unit_is_refused_if_it_would_be_constant() -> None:
    with pytest.raises(ValueError, match="needs one unit per class"):
        rule_of("categorical_crossentropy", "classification", probabilities=True, units=1)
    own = type("Own", (keras.losses.BinaryCrossentropy,), {})
    with pytest.raises(ValueError, match="from_logits=False"):
        rule_of(own(from_logits=True), "classification", units=2)
