"""The same network in every library: same layers, optimizer, epochs and batch size, no early stopping."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

RATE = 1e-3


def table(n: int, d: int, tasks: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return standardised float32 inputs and targets, so that no library needs preprocessing."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d), dtype=np.float32)
    hidden = np.tanh(X @ rng.standard_normal((d, 8), dtype=np.float32) / np.sqrt(d))
    y = hidden @ rng.standard_normal((8, tasks), dtype=np.float32) + 0.1 * rng.standard_normal(
        (n, tasks), dtype=np.float32
    )
    return X, ((y - y.mean(axis=0)) / y.std(axis=0)).astype(np.float32)


def multi_task(hidden: tuple[int, ...], batch: int, epochs: int, **kwargs: Any) -> Any:
    """Return skmtl's MultiTaskKerasRegressor as a single network."""
    from skmtl import MultiTaskKerasRegressor

    settings = {"ensemble_size": 1, "early_stopping": False, "learning_rate": RATE, "random_state": 0, **kwargs}
    return MultiTaskKerasRegressor(hidden_layer_sizes=hidden, batch_size=batch, epochs=epochs, **settings)


def mlp(hidden: tuple[int, ...], batch: int, epochs: int, **kwargs: Any) -> Any:
    """Return scikit-learn's MLPRegressor without early stopping."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPRegressor

    warnings.simplefilter("ignore", ConvergenceWarning)
    settings = {"learning_rate_init": RATE, "alpha": 0.0, "tol": 0.0, "random_state": 0, **kwargs}
    return MLPRegressor(
        hidden_layer_sizes=hidden, batch_size=batch, max_iter=epochs, n_iter_no_change=epochs + 1, **settings
    )


def build_keras(hidden: tuple[int, ...], d: int, tasks: int) -> Any:
    """Return a functional Keras model whose linear heads are one layer, as in the other libraries."""
    import keras

    inputs = keras.Input((d,))
    layer = inputs
    for width in hidden:
        layer = keras.layers.Dense(width, activation="relu")(layer)
    return keras.Model(inputs, keras.layers.Dense(tasks)(layer))


def _scikeras_model(hidden: tuple[int, ...], d: int, tasks: int, rate: float = RATE, decay: float = 0.0) -> Any:
    import keras

    model = build_keras(hidden, d, tasks)
    model.compile(optimizer=keras.optimizers.AdamW(rate, weight_decay=decay), loss="mse")
    return model


def scikeras(hidden: tuple[int, ...], batch: int, epochs: int, d: int, tasks: int) -> Any:
    """Return scikeras' KerasRegressor at its defaults."""
    from scikeras.wrappers import KerasRegressor

    return KerasRegressor(
        _scikeras_model, hidden=hidden, d=d, tasks=tasks, rate=RATE, decay=0.0,
        batch_size=batch, epochs=epochs, verbose=0,
    )  # fmt: skip


def keras_fit(X: Any, y: Any, hidden: tuple[int, ...], batch: int, epochs: int, **compile_arguments: Any) -> Any:
    """Build, compile and fit a plain Keras model; return its last training loss."""
    import keras

    model = build_keras(hidden, X.shape[1], y.shape[1])
    model.compile(optimizer=keras.optimizers.Adam(RATE), loss="mse", **compile_arguments)
    history = model.fit(X, y, batch_size=batch, epochs=epochs, verbose=0)
    return history.history["loss"][-1]


def skorch(hidden: tuple[int, ...], batch: int, epochs: int, d: int, tasks: int) -> Any:
    """Return skorch's NeuralNetRegressor on CPU PyTorch, without validation split."""
    import torch
    from skorch import NeuralNetRegressor

    widths = [d, *hidden]
    layers: list[Any] = []
    for a, b in zip(widths[:-1], widths[1:], strict=True):
        layers += [torch.nn.Linear(a, b), torch.nn.ReLU()]
    module = torch.nn.Sequential(*layers, torch.nn.Linear(widths[-1], tasks))
    return NeuralNetRegressor(
        module, max_epochs=epochs, lr=RATE, batch_size=batch, optimizer=torch.optim.Adam,
        train_split=None, iterator_train__shuffle=True, verbose=0,
    )  # fmt: skip
