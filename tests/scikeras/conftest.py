"""Import scikeras late, and undo its patches of Keras after the tests of this package."""

import keras
import pytest

_PATCHED = [
    (keras.Model, "__reduce__"),
    (keras.Model, "__deepcopy__"),
    (keras.losses.Loss, "__reduce__"),
    (keras.metrics.Metric, "__reduce__"),
    (keras.optimizers.Optimizer, "__reduce__"),
]


@pytest.fixture(scope="package")
def wrappers():
    """The module scikeras.wrappers."""
    before = [vars(kind).get(name) for kind, name in _PATCHED]
    from scikeras import wrappers

    yield wrappers
    for (kind, name), method in zip(_PATCHED, before, strict=True):
        if method is not None:
            setattr(kind, name, method)
        elif name in vars(kind):
            delattr(kind, name)
