"""The loss of a constant prediction, which is the unit of a task's losses in training."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from .._records import EncodedTargets, Head, TargetScaling
from ._rule import LossRule

# Labels that a regression's constants are evaluated on, and the quantiles to try besides the mean.
_MOST_ROWS = 2000
_QUANTILES = (0.05, 0.15, 0.25, 0.35, 0.45, 0.5, 0.55, 0.65, 0.75, 0.85, 0.95)

# A smaller loss cannot be a unit: it comes from rounding errors of a constant target.
_NOTHING = 1e-12
# A task whose labels are nearly all of one class has hardly any entropy; in such a unit, its few other rows would
# dominate all other tasks.
_LEAST_CLASSIFICATION = 1e-3


def constant_losses(
    targets: EncodedTargets,
    rules: Sequence[LossRule],
    heads: Sequence[Head],
    scaling: TargetScaling,
    dtype: str = "float32",
) -> np.ndarray:
    """Return the loss of the best simple constant per task, (n_tasks,); 1 if it cannot be a unit (zero, negative).

    The constants of a regression are the mean and some quantiles; those of a classification are the shares of its
    classes. The unit of a classification is at least 0.001. Losses other than squared error and cross-entropy are
    evaluated in ``dtype``, the precision of training.
    """
    units = np.ones(len(rules))
    for task, (rule, head) in enumerate(zip(rules, heads, strict=True)):
        observed = targets.weights[:, task] > 0
        values, weights = targets.values[observed, task], targets.weights[observed, task]
        if len(values) == 0:
            continue
        share = weights / weights.sum()
        if _is_regression(rule, head):
            scale = scaling.divisor[task]
            loss = _regression_loss(rule, (values - scaling.shift[task]) / scale, share, scale, dtype)
        else:
            loss = _classification_loss(rule, head, values, share, dtype)
            loss = max(loss, _LEAST_CLASSIFICATION) if loss > _NOTHING else loss
        if np.isfinite(loss) and loss > _NOTHING:
            units[task] = loss
    return units


def _is_regression(rule: LossRule, head: Head) -> bool:
    return rule.target_form == "value" and head.link in ("identity", "softplus")


def _regression_loss(rule: LossRule, scaled: np.ndarray, share: np.ndarray, scale: float, dtype: str) -> float:
    mean = share @ scaled
    if rule.squared:
        return float(share @ (scaled - mean) ** 2)
    constants = np.append(_weighted_quantiles(scaled, share), mean)
    step = -(-len(scaled) // _MOST_ROWS)
    scaled, share = scaled[::step], share[::step] / share[::step].sum()
    raw = np.log(np.expm1(np.maximum(constants, 1e-6))) if rule.link == "softplus" else constants
    labels, predicted = np.repeat(scaled, len(raw)), np.tile(raw, len(scaled))[:, None]
    losses = _evaluate(rule, labels, predicted, scale, dtype).reshape(len(scaled), len(raw))
    return float((share @ losses).min())


def _weighted_quantiles(values: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Return weighted quantiles; a weight of two counts like two rows."""
    order = np.argsort(values)
    reached = np.searchsorted(np.cumsum(share[order]), _QUANTILES)
    return values[order][np.minimum(reached, len(values) - 1)]


def _classification_loss(rule: LossRule, head: Head, values: np.ndarray, share: np.ndarray, dtype: str) -> float:
    n_classes = max(head.units, 2)
    prior = np.bincount(values.astype(np.intp), weights=share, minlength=n_classes)
    if rule.entropy:
        return -float(np.sum(prior[prior > 0] * np.log(prior[prior > 0])))
    codes = np.flatnonzero(prior > 0)
    raw = np.tile(_prior_output(head, prior), (len(codes), 1))
    return float(prior[codes] @ _evaluate(rule, codes, raw, 1.0, dtype))


def _prior_output(head: Head, prior: np.ndarray) -> np.ndarray:
    """Return the raw output of a head that predicts the shares of the classes."""
    logits = np.log(np.maximum(prior, 1e-7))
    if head.units == 1:
        return prior[1:2] if head.link == "none" else logits[1:2] - logits[0]
    return prior if head.link == "none" else logits


def _evaluate(rule: LossRule, labels: np.ndarray, raw: np.ndarray, scale: float, dtype: str) -> np.ndarray:
    values = rule.rows(
        tf.constant(labels, dtype), tf.constant(raw, dtype), tf.fill((len(labels),), tf.constant(scale, dtype))
    )
    return values.numpy().astype(np.float64)
