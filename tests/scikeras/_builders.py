"""Builders as scikeras' users write them, and real tables."""

import keras
import numpy as np
from sklearn.datasets import load_diabetes, load_wine
from sklearn.preprocessing import StandardScaler, scale


def diabetes(extra=0):
    """442 rows, everything standardised; progression is the target, and so are the last ``extra`` measures."""
    X, y = load_diabetes(return_X_y=True)
    if extra:
        X, y = X[:, :-extra], np.column_stack([y, X[:, -extra:]])
    return StandardScaler().fit_transform(X), scale(y)


def wine():
    """178 rows, three cultivars."""
    X, y = load_wine(return_X_y=True)
    return StandardScaler().fit_transform(X), y


def dense(units, seed, **arguments):
    """Layer whose weights are always the same."""
    return keras.layers.Dense(units, kernel_initializer=keras.initializers.GlorotUniform(seed=seed), **arguments)


def network(n_inputs, outputs, hidden=16):
    """One hidden layer; ``outputs`` are (units, activation) of each head."""
    inputs = keras.Input((n_inputs,))
    trunk = dense(hidden, 1, activation="relu")(inputs)
    heads = [dense(units, 2 + i, activation=activation)(trunk) for i, (units, activation) in enumerate(outputs)]
    return keras.Model(inputs, heads if len(heads) > 1 else heads[0])


def regression(meta, hidden=16):
    """Uncompiled, one head for all columns."""
    return network(meta["n_features_in_"], [(meta["n_outputs_"], None)], hidden)


def classification(meta):
    """Uncompiled softmax."""
    return network(meta["n_features_in_"], [(meta["n_classes_"], "softmax")])


def multi_label(meta):
    """Uncompiled, one sigmoid a column."""
    return network(meta["n_features_in_"], [(meta["n_classes_"], "sigmoid")])


def two_heads(meta, compile_kwargs):
    """One head a task, as skmtl's meta describes them."""
    heads = [
        (units, "softmax" if kind == "classification" else None)
        for units, kind in zip(meta["output_units_"], meta["task_types_"], strict=True)
    ]
    losses = {"classification": "sparse_categorical_crossentropy", "regression": "mse"}
    model = network(meta["n_features_in_"], heads)
    model.compile(optimizer=compile_kwargs["optimizer"], loss=[losses[kind] for kind in meta["task_types_"]])
    return model
