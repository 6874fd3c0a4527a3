"""Multi-task neural networks for tables: one Keras network for several targets, with the scikit-learn interface.

Public names are imported when they are first used, so importing the package is fast. TensorFlow is imported by ``fit``.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from ._versions import __version__ as __version__

if TYPE_CHECKING:
    from ._combine import combine_task_datasets
    from .estimators import MultiTaskKerasClassifier, MultiTaskKerasEstimator, MultiTaskKerasRegressor
    from .exceptions import TrainingDivergedError
    from .onnx import to_onnx
    from .persistence import load, save

__all__ = [
    "MultiTaskKerasClassifier",
    "MultiTaskKerasEstimator",
    "MultiTaskKerasRegressor",
    "TrainingDivergedError",
    "combine_task_datasets",
    "load",
    "save",
    "to_onnx",
]

_HOMES = {
    "MultiTaskKerasClassifier": "estimators",
    "MultiTaskKerasEstimator": "estimators",
    "MultiTaskKerasRegressor": "estimators",
    "TrainingDivergedError": "exceptions",
    "combine_task_datasets": "_combine",
    "load": "persistence",
    "save": "persistence",
    "to_onnx": "onnx",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
