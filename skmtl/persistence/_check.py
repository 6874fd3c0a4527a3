"""Check that the parts of a loaded estimator are consistent; each part was checked by itself before.

Sizes are checked first, so that no array gets larger than the file. Then two rows are predicted, except by networks
that need TensorFlow. An inconsistent file therefore fails on loading, not in production.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..blending._fitted import FittedBlend
from ..exceptions import InvalidModelFileError
from ..inference import has_numpy_form, parameter_shapes
from ..inference._fitted import FittedNetwork


def check_loaded(estimator: Any) -> None:
    """Raise InvalidModelFileError if parts are inconsistent."""
    parts = getattr(estimator, "estimators_", [estimator])
    if "estimators_" in vars(estimator):
        _require(len(parts) == len(estimator.groups_), "groups and estimators")
    # Numbers in a hostile file may overflow; only shapes matter here.
    with np.errstate(all="ignore"):
        for part in parts:
            if hasattr(part, "network_"):
                _check_fitted(part)


def _check_fitted(estimator: Any) -> None:
    network = estimator.network_
    rows = np.zeros((2, network.features.n_features))
    rows[0] = np.nan
    _require(estimator.n_features_in_ == rows.shape[1], "columns of X")
    _require(estimator.n_tasks_ == len(network.tasks) == len(estimator.task_names_), "tasks")
    for part in {id(part): part for part in [network, *_networks(estimator.blend_)]}.values():
        _check_network(part, rows)
    if estimator.blend_ is not None:
        _check_blend(estimator.blend_, rows)
    residuals = getattr(estimator, "oob_residuals_", None)
    if residuals is not None:
        _require(residuals.ndim == 1 or residuals.shape[1] == estimator.n_tasks_, "residuals")


def _networks(blend: FittedBlend | None) -> list[FittedNetwork]:
    if blend is None:
        return []
    shifted = [] if blend.shifted is None else _networks(blend.shifted.blend)
    return [part.network for part in blend.parts if part.network is not None] + shifted


def _check_network(network: FittedNetwork, rows: np.ndarray) -> None:
    n_tasks, spec = len(network.tasks), network.spec
    counts = {len(network.heads), len(network.targets.classes), len(network.scaling.shift), len(network.scaling.scale)}
    _require(counts == {n_tasks} and n_tasks > 0, "tasks")
    for task, classes in zip(network.tasks, network.targets.classes, strict=True):
        _require((classes is None) == (task.kind == "regression"), "classes")
        _require(classes is None or len(classes) == len(task.classes) > 0, "classes")
    _require(network.parameters.ndim == 2 and len(network.parameters) == network.members > 0, "weights")
    _require((spec is None) != (network.custom is None), "network and its description")
    if spec is None:
        return
    _require(spec.members == network.members and spec.n_inputs == network.features.n_outputs, "network and features")
    units = [head.units for head in spec.heads]
    _require(units == [head.units for head in network.heads] and min(units) > 0, "heads")
    if has_numpy_form(spec):
        size = sum(math.prod(shape) for shape in parameter_shapes(spec))
        _require(size == network.parameters.shape[1], "weights")
        network.quantities(rows)


def _check_blend(blend: FittedBlend, rows: np.ndarray) -> None:
    width = sum(blend.layout.widths)
    _require(blend.weights.shape == (len(blend.parts), len(blend.layout.tasks)), "weights of the blend")
    _require(blend.lower.shape == blend.upper.shape == (width,), "limits of the blend")
    for part in blend.parts:
        _require((part.kernel_model is None) == (part.view is None), "parts of the blend")
        if part.kernel_model is not None and part.view is not None:
            _require(part.view.n_outputs == len(part.kernel_model.smallest), "parts of the blend")
            predicted = part.kernel_model.predict(part.view.transform(rows, dtype=np.float64))
            _require(predicted.shape == (2, width), "parts of the blend")
    if blend.shifted is not None:
        shifted = blend.shifted
        _require(shifted.view.n_outputs == len(shifted.detector.smallest), "parts of the blend for shifted rows")
        _require(blend.shift_probability(rows).shape == (2,), "parts of the blend for shifted rows")
        _check_blend(shifted.blend, rows)


def _require(consistent: bool, what: str) -> None:
    if not consistent:
        raise InvalidModelFileError(f"its {what} are inconsistent")
