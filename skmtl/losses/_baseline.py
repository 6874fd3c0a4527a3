"""What a constant prediction would lose: the unit in which skmtl counts losses."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from .._records import EncodedTargets, Head, TargetScaling
from ._rule import LossRule

_MOST_ROWS = 5000


def constant_losses(
    targets: EncodedTargets, rules: Sequence[LossRule], heads: Sequence[Head], scaling: TargetScaling
) -> np.ndarray:
    """Loss of the best simple constant per task, (n_tasks,); 1 where it is no use as a unit (zero, negative).

    A regression's constants are the mean and the median, a classification's the shares of its classes.
    """
    units = np.ones(len(rules))
    for task, (rule, head) in enumerate(zip(rules, heads, strict=True)):
        seen = targets.weights[:, task] > 0
        values, weights = targets.values[seen, task], targets.weights[seen, task]
        if len(values) == 0:
            continue
        loss = _constant_loss(rule, head, values, weights, scaling.shift[task], scaling.scale[task])
        if np.isfinite(loss) and loss > 1e-12:
            units[task] = loss
    return units


def _constant_loss(
    rule: LossRule, head: Head, values: np.ndarray, weights: np.ndarray, shift: float, scale: float
) -> float:
    share = weights / weights.sum()
    if rule.target_form == "value" and head.link in ("identity", "softplus"):
        if rule.key[0] == "MeanSquaredError":
            scaled = (values - shift) / scale
            return float(share @ (scaled - share @ scaled) ** 2)
        return _generic_regression(rule, values, weights, shift, scale)
    n_classes = max(head.units, 2 if rule.target_form == "value" else 1)
    prior = np.bincount(values.astype(np.intp), weights=share, minlength=n_classes)
    entropy = -float(np.sum(prior[prior > 0] * np.log(prior[prior > 0])))
    if rule.key[0] in ("CategoricalCrossentropy", "SparseCategoricalCrossentropy"):
        return entropy
    raw = _prior_output(rule, prior)
    codes = np.flatnonzero(prior > 0)
    losses = _evaluate(rule, codes.astype(np.float64), np.tile(raw, (len(codes), 1)), 1.0)
    return float(prior[codes] @ losses)


def _prior_output(rule: LossRule, prior: np.ndarray) -> np.ndarray:
    if rule.target_form == "value":
        return prior[1:2]
    return prior if rule.link == "none" else np.log(np.maximum(prior, 1e-7))


def _generic_regression(rule: LossRule, values: np.ndarray, weights: np.ndarray, shift: float, scale: float) -> float:
    if len(values) > _MOST_ROWS:
        step = -(-len(values) // _MOST_ROWS)
        values, weights = values[::step], weights[::step]
    scaled, share = (values - shift) / scale, weights / weights.sum()
    best = np.inf
    for constant in (share @ scaled, np.median(scaled)):
        raw = np.log(np.expm1(max(constant, 1e-6))) if rule.link == "softplus" else constant
        losses = _evaluate(rule, scaled, np.full((len(scaled), 1), raw), scale)
        best = min(best, float(share @ losses))
    return best


def _evaluate(rule: LossRule, labels: np.ndarray, raw: np.ndarray, scale: float) -> np.ndarray:
    return rule.rows(
        tf.constant(labels, tf.float64), tf.constant(raw, tf.float64), tf.fill((len(labels),), np.float64(scale))
    ).numpy()
