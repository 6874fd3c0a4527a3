"""skmtl with several settings, and a plain Keras network fitted through scikeras."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from _datasets import CLASSIFICATION, REGRESSION, Record
from _peers import Predict, Predictions, constant, spread
from _tabular import POOLED, Target, as_it_is, classes_of, features_of, one_hot, scaled, targets_of
from sklearn.model_selection import GroupKFold, KFold

SEED_UNITS, SEED_EPOCHS = 64, 100
HELD_OUT_SPLITS = 4
MISSING = -1e9  # scikeras refuses NaN in y; the seed network's loss knows this number


def fit_skmtl(train: Record) -> Predict:
    """Fit the estimator for the record's kinds of tasks at its defaults, all tasks in one network."""
    return _fit_together(train, {})


def fit_splitter(train: Record) -> Predict:
    """Fit the same with a splitter that holds out whole groups or blocks of time."""
    grouped = train.groups is not None
    splitter = GroupKFold(HELD_OUT_SPLITS) if grouped else KFold(HELD_OUT_SPLITS)
    return _fit_together(train, {"groups": train.groups} if grouped else {}, validation_split=splitter)


def fit_sharing_auto(train: Record) -> Predict:
    """Fit the same with ``sharing="auto"``."""
    return _fit_together(train, {}, sharing="auto")


def _fit_together(train: Record, of_rows: dict[str, Any], **settings: Any) -> Predict:
    model = _estimator(train).set_params(**settings)
    encoder = _encoder(model, train)
    model.fit(encoder.transform(train.X), train.Y, **of_rows)

    def predict(test: Record) -> Predictions:
        found = _by_task(model, encoder.transform(test.X), train, list(train.kinds))
        if test.row_task is None:
            return found
        return {POOLED: _own_rows(test, lambda task, rows: found[task][rows])}

    return predict


def fit_single_task(train: Record) -> Predict:
    """Fit the single-task baseline: the same estimator on each task alone, on the rows that have its label."""
    parts = {task: _fit_alone(train, task) for task in train.kinds}

    def predict(test: Record) -> Predictions:
        if test.row_task is None:
            return {task: part(test) for task, part in parts.items()}
        return {POOLED: _own_rows(test, lambda task, rows: parts[task](test.take(rows)))}

    return predict


def _fit_alone(train: Record, task: str) -> Callable[[Record], np.ndarray]:
    observed = train.take(np.flatnonzero(train.Y[task].notna()))
    one = Record(train.name, observed.X, observed.Y[[task]], {task: train.kinds[task]})
    if one.Y[task].nunique() < 2:
        (target,) = targets_of(one)
        return lambda test: constant(target.values, target, len(test.X))
    model = _estimator(one)
    encoder = _encoder(model, one)
    model.fit(encoder.transform(one.X), one.Y)
    return lambda test: _by_task(model, encoder.transform(test.X), one, [task])[task]


def _estimator(record: Record) -> Any:
    from skmtl import MultiTaskKerasClassifier, MultiTaskKerasEstimator, MultiTaskKerasRegressor

    if record.problem == "mixed":
        return MultiTaskKerasEstimator(task_types=dict(record.kinds), random_state=0)
    return {REGRESSION: MultiTaskKerasRegressor, CLASSIFICATION: MultiTaskKerasClassifier}[record.problem](
        random_state=0
    )


def _encoder(model: Any, record: Record) -> Any:
    """Pass the DataFrame on if the estimator takes nominal columns, else encode it one-hot."""
    takes_nominal = "categorical_features" in model.get_params()
    nominal = (record.X.dtypes == "category").any()
    return (one_hot if nominal and not takes_nominal else as_it_is)(record.X)


def _by_task(model: Any, X: Any, record: Record, tasks: list[str]) -> Predictions:
    """Return values or probabilities of every task, classes in the record's order."""
    predictions: Predictions = {}
    if record.problem != CLASSIFICATION:
        values = model.predict(X)
        columns = values if isinstance(values, pd.DataFrame) else pd.DataFrame(np.reshape(values, (len(X), -1)))
        for j, task in enumerate(tasks):
            if record.kinds[task] == REGRESSION:
                predictions[task] = columns.iloc[:, j].to_numpy(float)
    if record.problem != REGRESSION:
        for task, found, known in zip(tasks, model.predict_proba(X), model.classes_, strict=True):
            if record.kinds[task] == CLASSIFICATION:
                order = classes_of(record, task)
                target = Target(task, CLASSIFICATION, np.empty(0), len(order))
                predictions[task] = spread(found, [order.index(str(c)) for c in known], target)
    return {task: predictions[task] for task in tasks}


def _own_rows(test: Record, part: Callable[[str, np.ndarray], np.ndarray]) -> np.ndarray:
    """Predict each row by the task that it belongs to."""
    assert test.row_task is not None  # noqa: S101
    tasks = test.row_task.to_numpy()
    pieces = {task: np.flatnonzero(tasks == task) for task in pd.unique(tasks)}
    values = [part(task, rows) for task, rows in pieces.items()]
    together, order = np.concatenate(values), np.concatenate(list(pieces.values()))
    return together[np.argsort(order)]


def fit_seed(train: Record) -> Predict:
    """Fit scikeras' KerasRegressor: one hidden layer, one output layer, squared errors and cross-entropies summed."""
    from scikeras.wrappers import KerasRegressor

    targets = targets_of(train)
    columns, scales = zip(*[_encoded(target) for target in targets], strict=True)
    widths = [block.shape[1] for block in columns]
    kinds = [target.kind for target in targets]
    encoder = scaled(features_of(train))
    X = np.asarray(encoder.transform(features_of(train)), np.float32)
    network = KerasRegressor(
        _seed_model, n_features=X.shape[1], widths=widths, kinds=kinds,
        epochs=SEED_EPOCHS, batch_size=32, random_state=0, verbose=0,
    )  # fmt: skip
    network.fit(X, np.concatenate(columns, axis=1))

    def predict(test: Record) -> Predictions:
        out = np.asarray(network.predict(np.asarray(encoder.transform(features_of(test)), np.float32)))
        out = out.reshape(len(test.X), -1).astype(float)
        blocks = np.split(out, np.cumsum(widths)[:-1], axis=1)
        return {
            t.name: block[:, 0] * scale[1] + scale[0] if t.kind == REGRESSION else _softmax(block)
            for t, block, scale in zip(targets, blocks, scales, strict=True)
        }

    return predict


def _encoded(target: Target) -> tuple[np.ndarray, tuple[float, float]]:
    """Return standardised numbers, or one-hot classes (zeros for a missing label, with cross-entropy 0)."""
    there = ~np.isnan(target.values)
    if target.kind == CLASSIFICATION:
        block = np.zeros((len(there), target.n_classes), np.float32)
        block[np.flatnonzero(there), target.values[there].astype(int)] = 1.0
        return block, (0.0, 1.0)
    mean, spread_ = target.values[there].mean(), target.values[there].std() or 1.0
    block = np.where(there, (target.values - mean) / spread_, MISSING)
    return block[:, None].astype(np.float32), (mean, spread_)


def _softmax(logits: np.ndarray) -> np.ndarray:
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def _seed_model(n_features: int, widths: list[int], kinds: list[str]) -> Any:
    import keras

    inputs = keras.Input((n_features,))
    hidden = keras.layers.Dense(SEED_UNITS, activation="relu")(inputs)
    model = keras.Model(inputs, keras.layers.Dense(sum(widths))(hidden))
    model.compile(optimizer="adam", loss=_seed_loss(widths, kinds))
    return model


def _seed_loss(widths: list[int], kinds: list[str]) -> Callable[[Any, Any], Any]:
    """Return the summed loss of all tasks: one block for the numbers and one for each task's classes."""
    from keras import ops

    numbers = np.array([float(kind == REGRESSION) for kind, w in zip(kinds, widths, strict=True) for _ in range(w)])
    ends = np.cumsum(widths)
    spans = [(end - w, end) for end, w, kind in zip(ends, widths, kinds, strict=True) if kind == CLASSIFICATION]

    def loss(y: Any, p: Any) -> Any:
        there = ops.cast(y > MISSING / 2, p.dtype) * ops.convert_to_tensor(numbers, dtype=p.dtype)
        total = ops.sum(there * ops.square(y - p), axis=1)
        for start, end in spans:
            block = p[:, start:end]
            total += -ops.sum(y[:, start:end] * ops.log_softmax(block, axis=1), axis=1)
        return total

    return loss
