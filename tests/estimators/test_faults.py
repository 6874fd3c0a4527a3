"""Interrupted fits leave the estimator as it was, and the process able to fit."""

from __future__ import annotations

import copy
import threading
from importlib import import_module
from typing import Any

import keras
import numpy as np
import pytest

from skmtl import MultiTaskKerasRegressor

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 3))
Y = np.column_stack([X[:, 0] + X[:, 1], X[:, 2] - X[:, 1]])
SMALL: dict[str, Any] = {"hidden_layer_sizes": (5,), "epochs": 2, "random_state": 0}

# Points at which a fit is stopped, from reading the data to setting the last attributes.
POINTS = [
    "estimators._reading.read_columns",
    "estimators._base.resolved",
    "fitting._input.class_weights",
    "fitting._fit.fit_scaling",
    "fitting._networks.network_of",
    "fitting._fit._units",
    "fitting._training.held_out_plan",
    "training._program.FlatUpdate",
    "training._program.Program._epochs",
    "training._program.Program.run",
    "training._run.result_of",
    "blending._fit_outcome.fit_blend",
    "blending._parts.fit_kernel_model",
    "blending._parts.part_weights",
    "blending._fit_outcome.replace_outlying_labels",
    "blending._out_of_fold.r_squared",
    "estimators._fitted_attributes.append_epochs",
    "estimators._fitted_attributes.FittedAttributes._adopt_cosines",
    "estimators._fitted_attributes.FittedAttributes._adopt_blend",
    "estimators._fitted_attributes.FittedAttributes._oob_form",
]


def broken(monkeypatch: pytest.MonkeyPatch, point: str, error: BaseException) -> None:
    """Make the function that the point names raise."""

    def fail(*_: Any, **__: Any) -> None:
        raise error

    *path, name = point.split(".")
    owner: Any = import_module(f"skmtl.{path[0]}.{path[1]}")
    for part in path[2:]:
        owner = getattr(owner, part)
    monkeypatch.setattr(owner, name, fail)


BLENDED = {**SMALL, "ensemble_size": 2, "blend": ["network", "ridge", "rbf"], "early_stopping": True}


@pytest.fixture(scope="module")
def first() -> MultiTaskKerasRegressor:
    return MultiTaskKerasRegressor(**BLENDED).fit(X[:40, :2], Y[:40])


@pytest.fixture(scope="module")
def expected() -> np.ndarray:
    return MultiTaskKerasRegressor(**BLENDED).fit(X, 2 * Y).predict(X)


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("error", [KeyboardInterrupt(), MemoryError()], ids=["interrupt", "memory"])
def test_an_error_anywhere_leaves_the_estimator_as_it_was(
    point: str, error: BaseException, first: Any, expected: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = copy.copy(first)
    if "Program" in point or "FlatUpdate" in point:
        import_module("skmtl.training._structure").PROGRAMS.clear()
    before = dict(vars(model))
    with monkeypatch.context() as patch:
        broken(patch, point, error)
        with pytest.raises(type(error)):
            model.fit(X, Y)
    assert vars(model).keys() == before.keys()
    assert all(vars(model)[name] is value for name, value in before.items())
    np.testing.assert_array_equal(model.fit(X, 2 * Y).predict(X), expected)


@pytest.mark.parametrize("point", ["fitting._fit.rescaled", "training._program.Program.run", POINTS[-2]])
def test_partial_fit_too(point: str, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {**SMALL, "ensemble_size": 1}
    model, other = (MultiTaskKerasRegressor(**settings).partial_fit(X, Y) for _ in range(2))
    before = dict(vars(model))
    with monkeypatch.context() as patch:
        broken(patch, point, KeyboardInterrupt())
        with pytest.raises(KeyboardInterrupt):
            model.partial_fit(X, Y)
    assert dict(vars(model)) == before
    np.testing.assert_array_equal(model.partial_fit(X, Y).predict(X), other.partial_fit(X, Y).predict(X))


class Fails(keras.callbacks.Callback):
    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        raise ZeroDivisionError


def fails(*_: Any, **__: Any) -> Any:
    raise ZeroDivisionError


@pytest.mark.parametrize(
    "own", [{"callbacks": Fails}, {"loss": fails}, {"model": fails}], ids=lambda own: next(iter(own))
)
def test_own_code_that_fails_leaves_the_estimator_as_it_was(own: dict[str, Any]) -> None:
    model = MultiTaskKerasRegressor(ensemble_size=1, epochs=2).fit(X, Y)
    before = {**vars(model)}
    model.set_params(**own)
    with pytest.raises(ZeroDivisionError):
        model.fit(X[:, :2], Y[:, 0])
    model.set_params(**{name: before[name] for name in own})
    assert all(vars(model)[name] is value for name, value in before.items())


def test_threads_that_predict_during_a_refit_see_the_old_model_or_the_new_one() -> None:
    """Alternate between one and two tasks, different sizes, with and without a blend."""
    targets = [Y[:, 0], 1000 + Y, Y]
    kinds = [{"ensemble_size": 1}, {}, {"ensemble_size": 1, "architecture": "mmoe"}]
    models = [MultiTaskKerasRegressor(**SMALL, **kind).fit(X, y) for kind, y in zip(kinds, targets, strict=True)]
    known = [model.predict(X) for model in models]
    model, over, seen = MultiTaskKerasRegressor(**SMALL, **kinds[0]).fit(X, targets[0]), threading.Event(), []

    def watch() -> None:
        while not over.is_set():
            found = model.predict(X)
            seen.append(any(found.shape == one.shape and np.allclose(found, one, rtol=1e-6) for one in known))

    watchers = [threading.Thread(target=watch) for _ in range(2)]
    for watcher in watchers:
        watcher.start()
    for turn in range(7):
        kind = {"ensemble_size": "auto", "architecture": "shared_bottom", **kinds[turn % 3]}
        model.set_params(**kind).fit(X, targets[turn % 3])
    over.set()
    for watcher in watchers:
        watcher.join()
    assert seen
    assert all(seen)
