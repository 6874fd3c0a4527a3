"""Builders as users of scikeras write them, and real data sets."""

import keras
import numpy as np
from sklearn.datasets import load_diabetes, load_wine
from sklearn.preprocessing import StandardScaler, scale


def diabetes(extra=0):
    """442 standardised rows; targets are the disease progression and the last ``extra`` measurements."""
    X, y = load_diabetes(return_X_y=True)
    if extra:
        X, y = X[:, :-extra], np.column_stack([y, X[:, -extra:]])
    return StandardScaler().fit_transform(X), scale(y)


def wine():
    """178 standardised rows; the target has three cultivars."""
    X, y = load_wine(return_X_y=True)
    return StandardScaler().fit_transform(X), y


def dense(units, seed, **arguments):
    """Dense layer with fixed initial weights."""
    return keras.layers.Dense(units, kernel_initializer=keras.initializers.GlorotUniform(seed=seed), **arguments)


def network(n_inputs, outputs, hidden=16):
    """Network with one hidden layer; ``outputs`` are (units, activation) of each head."""
    inputs = keras.Input((n_inputs,))
    trunk = dense(hidden, 1, activation="relu")(inputs)
    heads = [dense(units, 2 + i, activation=activation)(trunk) for i, (units, activation) in enumerate(outputs)]
    return keras.Model(inputs, heads if len(heads) > 1 else heads[0])


def regression(meta, hidden=16):
    """Uncompiled model with one head for all columns."""
    return network(meta["n_features_in_"], [(meta["n_outputs_"], None)], hidden)


def classification(meta):
    """Uncompiled model that ends in a softmax."""
    return network(meta["n_features_in_"], [(meta["n_classes_"], "softmax")])


def multi_label(meta):
    """Uncompiled model with one sigmoid per column."""
    return network(meta["n_features_in_"], [(meta["n_classes_"], "sigmoid")])


def two_heads(meta, compile_kwargs):
    """Compiled model with one head per task, built from skmtl's meta."""
    heads = [
        (units, "softmax" if kind == "classification" else None)
        for units, kind in zip(meta["output_units_"], meta["task_types_"], strict=True)
    ]
    losses = {"classification": "sparse_categorical_crossentropy", "regression": "mse"}
    model = network(meta["n_features_in_"], heads)
    model.compile(optimizer=compile_kwargs["optimizer"], loss=[losses[kind] for kind in meta["task_types_"]])
    return model
