"""The unit of a loss is the loss of the best constant prediction."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

from skmtl._records import EncodedTargets, Head, Link, TargetScaling
from skmtl.losses import LossRule, constant_losses, resolve_rule


def one_task(
    rule: LossRule, head: Head, values: Any, weights: Any = None, shift: float = 0.0, scale: float = 1.0
) -> float:
    """Unit of a single task."""
    column = np.asarray(values, np.float64)[:, None]
    weights = np.ones_like(column) if weights is None else np.asarray(weights, np.float64)[:, None]
    targets = EncodedTargets(column, weights)
    scaling = TargetScaling(np.array([shift]), np.array([scale]))
    return float(constant_losses(targets, [rule], [head], scaling)[0])


def regression(loss: Any, values: Any, weights: Any = None, shift: float = 0.0, scale: float = 1.0) -> float:
    rule = resolve_rule(loss, "regression", "y", probabilities=False, units=1)
    return one_task(rule, Head("y", 1, rule.link), values, weights, shift, scale)


def classification(
    loss: Any, codes: Any, units: int, weights: Any = None, *, probabilities: bool = False, link: Link = "softmax"
) -> float:
    rule = resolve_rule(loss, "classification", "y", probabilities=probabilities, units=units)
    return one_task(rule, Head("y", units, link), codes, weights)


def skewed(n: int = 300) -> np.ndarray:
    return np.exp(np.random.default_rng(0).normal(1.0, 0.7, n))


@pytest.mark.parametrize(
    "loss", ["mae", keras.losses.Huber(0.3), "log_cosh", "poisson", "msle", "mape"], ids=lambda x: str(x)[:12]
)
def test_a_regressions_unit_is_near_the_least_loss_of_all_constants(loss: Any) -> None:
    y = skewed()
    positive = loss in ("poisson", "msle", "mape")
    shift, scale = (0.0, y.mean()) if positive else (y.mean(), y.std())
    instance = keras.losses.get(loss)
    seen = y if positive else (y - shift) / scale
    grid = np.linspace(seen.min(), seen.max(), 1000)
    least = min(
        float(ops.mean(instance(seen[:, None].astype("f4"), np.full((len(y), 1), c, np.float32)))) for c in grid
    )
    unit = regression(loss, y, shift=shift, scale=scale)
    if least > 0:
        assert least * (1 - 1e-4) <= unit <= least * 1.03
    else:
        assert unit == 1.0


def test_the_unit_of_squared_error_is_the_weighted_variance_of_observed_labels() -> None:
    y, weights = skewed(), np.random.default_rng(1).integers(0, 4, 300).astype(float)
    expected = np.repeat(y, weights.astype(int)).var()
    assert regression("mse", np.where(weights > 0, y, np.nan), weights) == pytest.approx(expected)
    assert regression("mse", y, weights, shift=3.0, scale=2.0) == pytest.approx(expected / 4)


@pytest.mark.parametrize("loss", ["mae", "log_cosh", "mse"])
def test_a_weight_of_two_counts_like_two_labels(loss: str) -> None:
    y, weights = skewed(), np.random.default_rng(1).integers(1, 4, 300)
    assert regression(loss, y, weights) == pytest.approx(regression(loss, np.repeat(y, weights)), rel=1e-6)


SHARES = np.array([0.2, 0.5, 0.3])
CODES = np.repeat([0, 1, 2], (SHARES * 100).astype(int))


@pytest.mark.parametrize("link", ["softmax", "none"])
@pytest.mark.parametrize(
    "loss",
    [
        "categorical_crossentropy",
        "sparse_categorical_crossentropy",
        keras.losses.CategoricalCrossentropy(label_smoothing=0.3),
        keras.losses.CategoricalFocalCrossentropy(gamma=1.0),
        "mean_squared_error",
        "categorical_hinge",
    ],
    ids=lambda x: str(x)[:25],
)
def test_a_classifications_unit_is_the_loss_of_predicting_the_shares(loss: Any, link: Link) -> None:
    instance = keras.losses.get(loss)
    sparse = "Sparse" in type(instance).__name__ or loss == "sparse_categorical_crossentropy"
    truth = np.array([0, 1, 2]) if sparse else np.eye(3, dtype=np.float32)
    values = [float(np.mean(instance(truth[[c]], SHARES[None].astype("f4")))) for c in range(3)]
    unit = classification(loss, CODES, 3, probabilities=link == "none", link=link)
    assert unit == pytest.approx(SHARES @ values, rel=1e-4)


@pytest.mark.parametrize("loss", [keras.losses.BinaryCrossentropy, keras.losses.BinaryFocalCrossentropy])
def test_one_sigmoid_unit_counts_the_same_with_and_without_logits(loss: Any) -> None:
    codes = np.repeat([0, 1], [30, 70])
    plain = classification(loss(), codes, 1, probabilities=True, link="none")
    logits = classification(loss(from_logits=True), codes, 1, probabilities=True, link="sigmoid")
    assert plain == pytest.approx(logits, rel=1e-4)
    if loss is keras.losses.BinaryCrossentropy:
        assert plain == pytest.approx(-0.3 * np.log(0.3) - 0.7 * np.log(0.7))
        assert plain == pytest.approx(classification("binary_crossentropy", codes, 2), rel=1e-6)


def test_class_weights_shift_the_shares() -> None:
    weights = np.where(CODES == 0, 2.5, 1.0)
    shares = np.bincount(CODES, weights) / weights.sum()
    assert classification("categorical_crossentropy", CODES, 3, weights) == pytest.approx(-shares @ np.log(shares))


@pytest.mark.parametrize("loss", ["categorical_crossentropy", "mean_squared_error"])
def test_a_task_of_nearly_one_class_does_not_dominate_the_others(loss: str) -> None:
    codes = np.zeros(1_000_000)
    assert classification(loss, codes, 2) == 1.0
    codes[0] = 1
    assert classification(loss, codes, 2) == 1e-3
    codes[:10_000] = 1
    assert classification(loss, codes, 2) > 5e-3


@pytest.mark.parametrize(
    ("loss", "values"),
    [("mse", np.full(9, 0.1 + 0.2)), ("mae", np.full(9, 3.0)), ("mse", np.full(9, 1e9))],
)
def test_a_constant_target_has_a_unit_of_1(loss: str, values: np.ndarray) -> None:
    assert regression(loss, values, shift=values.mean()) == 1.0


def test_losses_that_cannot_be_a_unit_are_not_scaled() -> None:
    assert regression(lambda y, p: ops.mean(y - p, axis=-1) - 100.0, skewed()) == 1.0
    assert regression(lambda y, p: ops.mean(y / 0.0 + p, axis=-1), skewed()) == 1.0
    assert classification("cosine_similarity", CODES, 3) == 1.0
    assert regression("mse", np.zeros(4), np.zeros(4)) == 1.0


def test_a_loss_written_for_the_training_dtype_is_evaluated_in_it() -> None:
    seen = set()

    def watching(y_true: Any, y_pred: Any) -> Any:
        seen.add(y_pred.dtype.name)
        return ops.mean(ops.abs(y_true - y_pred), axis=-1)

    rule = resolve_rule(watching, "regression", "y", probabilities=False, units=1)
    targets = EncodedTargets(skewed()[:, None], np.ones((300, 1)))
    scaling = TargetScaling(np.zeros(1), np.ones(1))
    for dtype in ("float32", "float64"):
        seen.clear()
        constant_losses(targets, [rule], [Head("y", 1, "identity")], scaling, dtype)
        assert seen == {dtype}


def test_tasks_have_independent_units() -> None:
    rng = np.random.default_rng(0)
    values = np.column_stack([rng.normal(size=50) * 3, rng.integers(0, 3, 50)])
    weights = np.ones_like(values)
    weights[:20, 0] = 0
    rules = [
        resolve_rule("mse", "regression", "a", probabilities=False, units=1),
        resolve_rule("categorical_crossentropy", "classification", "b", probabilities=False, units=3),
    ]
    heads = [Head("a", 1, "identity"), Head("b", 3, "softmax")]
    scaling = TargetScaling(np.zeros(2), np.ones(2))
    units = constant_losses(EncodedTargets(values, weights), rules, heads, scaling)
    shares = np.bincount(values[:, 1].astype(int)) / 50
    np.testing.assert_allclose(units, [values[20:, 0].var(), -shares @ np.log(shares)], rtol=1e-6)
