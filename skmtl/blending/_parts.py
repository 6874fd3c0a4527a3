"""From a fitted network to its blend: kernel models, additional networks, and weights of all parts."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from .._blas import single_threaded_blas
from .._records import EncodedTargets
from ..features import FeatureEncoder, Scaling
from ..fitting._fit import fit_network, row_weights
from ..fitting._input import FitInput, Settings
from ..inference._fitted import FittedNetwork
from ..kernels import KernelName, fit_kernel_model, label_limits
from ._columns import Columns
from ._fitted import BlendPart, FittedBlend, offsets
from ._out_of_fold import held_out_quantities
from ._part_weights import mixed, part_weights

_KERNELS: dict[str, KernelName] = {"ridge": "linear", "rbf": "rbf", "laplacian": "laplacian"}
# Scaling of the features for each kernel: similarities must not depend on single outlying values.
SCALINGS: dict[KernelName, Scaling] = {"linear": "standard", "rbf": "robust", "laplacian": "robust"}
# With fewer rows, products are so quick that threads mostly wait for each other.
_ROWS_FOR_THREADS = 200


class _FittedPart(NamedTuple):
    """A part, and its out-of-fold predictions of some rows."""

    part: BlendPart
    rows: np.ndarray
    held: np.ndarray


class BlendFit(NamedTuple):
    """A blend, and the encoders and encoded features of its kernel models, by scaling."""

    blend: FittedBlend
    encoders: Mapping[Scaling, FeatureEncoder]
    encoded: Mapping[Scaling, np.ndarray]


def fit_parts(
    settings: Settings,
    kinds: Sequence[str],
    data: FitInput,
    networks: Mapping[str, FittedNetwork],
    folds: Sequence[np.ndarray],
    seed: int,
    known: BlendFit | None = None,
) -> BlendFit:
    """Fit kernel models and additional networks, and weigh all parts by their predictions of held-out ``folds``.

    ``networks`` are parts by name, "network" first, which hold out the same rows. ``known`` is another blend of the
    same data, whose encoded features are used again.
    """
    first = networks["network"]
    layout = Columns(first.tasks, first.scaling)
    values, weights = layout.of_targets(data.targets)
    kernel_models = {
        kind: kernel
        for kind, kernel in _KERNELS.items()
        if kind in kinds or (kind == "ridge" and "residual_network" in kinds)
    }
    if known is None:
        encoders = {
            scaling: _fit_encoder(data, scaling) for scaling in {SCALINGS[kernel] for kernel in kernel_models.values()}
        }
        encoded = {scaling: encoder.transform(data.X, dtype=np.float64) for scaling, encoder in encoders.items()}
    else:
        encoders, encoded = dict(known.encoders), dict(known.encoded)
    parts = {kind: _as_part(kind, network, data, layout) for kind, network in networks.items()}
    all_rows = np.arange(len(values))
    of_column = layout.task_of_column
    fit = partial(fit_kernel_model, values=values, weights=weights, folds=folds, seed=seed, task_of_column=of_column)
    work = {kind: partial(fit, kernel, encoded[SCALINGS[kernel]]) for kind, kernel in kernel_models.items()}
    for kind, fitted in _results(work, side_by_side=len(values) >= _ROWS_FOR_THREADS).items():
        if fitted is not None:
            part = BlendPart(kind, kernel_model=fitted[0], view=encoders[SCALINGS[kernel_models[kind]]])
            parts[kind] = _FittedPart(part, all_rows, fitted[1])
    if "residual_network" in kinds and "ridge" in parts and any(task.kind == "regression" for task in layout.tasks):
        parts["residual_network"] = _residual_network(settings, data, layout, parts["ridge"])
    if "independent_network" in kinds:
        other = settings_of_additional_network(settings, architecture="independent")
        parts["independent_network"] = _network_part("independent_network", other, data, layout)
    blend = _weigh(layout, [parts[kind] for kind in kinds if kind in parts], values, weights)
    return BlendFit(blend, encoders, encoded)


def _results(work: Mapping[str, Callable[[], Any]], side_by_side: bool) -> dict[str, Any]:
    """Return the result of each function, computed on threads of their own if ``side_by_side``.

    Each uses one BLAS thread: decompositions of this size gain little from more, and on a busy machine those would
    wait for each other.
    """
    with single_threaded_blas:
        if not side_by_side:
            return {kind: one() for kind, one in work.items()}
        with ThreadPoolExecutor(os.cpu_count(), initializer=single_threaded_blas.limit_this_thread) as pool:
            return dict(zip(work, pool.map(lambda one: one(), work.values()), strict=True))


def _weigh(layout: Columns, fitted: Sequence[_FittedPart], values: np.ndarray, weights: np.ndarray) -> FittedBlend:
    rows = fitted[0].rows
    for other in fitted[1:]:
        rows = np.intersect1d(rows, other.rows, assume_unique=True)
    held = [one.held if len(one.rows) == len(rows) else one.held[np.searchsorted(one.rows, rows)] for one in fitted]
    task = layout.task_of_column
    own_values, own_weights = (values, weights) if len(rows) == len(values) else (values[rows], weights[rows])
    chosen = part_weights(layout, held, own_values, own_weights)
    lower, upper = label_limits(values, weights)
    blended = np.clip(mixed(held, chosen[:, task]), lower, upper)
    parts = tuple(one.part for one in fitted)
    return FittedBlend(layout, parts, chosen, rows, blended, lower, upper)


def _fit_encoder(data: FitInput, scaling: Scaling) -> FeatureEncoder:
    return FeatureEncoder.fit(data.X, scaling=scaling, weights=row_weights(data.targets), levels=data.levels)


def _residual_network(settings: Settings, data: FitInput, layout: Columns, ridge: _FittedPart) -> _FittedPart:
    """Fit a network to the out-of-fold residuals of the ridge regression, whose columns are not clipped."""
    added = offsets(layout, ridge.held)
    first = np.searchsorted(layout.task_of_column, np.arange(len(layout.tasks)))
    residuals = data.targets.values - added[:, first] * layout.scaling.divisor
    values = np.where(data.targets.observed, residuals, data.targets.values)
    others = replace(data, targets=EncodedTargets(values, data.targets.weights))
    own_settings = settings_of_additional_network(settings, scale_inputs="standard")
    fitted = _network_part("residual_network", own_settings, others, layout)
    part = replace(fitted.part, kernel_model=ridge.part.kernel_model, view=ridge.part.view)
    return _FittedPart(part, fitted.rows, fitted.held + added[fitted.rows])


def _network_part(name: str, settings: Settings, data: FitInput, layout: Columns) -> _FittedPart:
    network, _ = fit_network(replace(settings, also_stopped_for=None), data, None)
    return _as_part(name, network, data, layout)


def _as_part(name: str, network: FittedNetwork, data: FitInput, layout: Columns) -> _FittedPart:
    rows, held = held_out_quantities(network, data.X)
    return _FittedPart(BlendPart(name, network=network), rows, layout.of_quantities(held))


def settings_of_additional_network(settings: Settings, **changes: Any) -> Settings:
    """Return the settings of an additional network: the caller's with ``changes``, without callbacks."""
    routed = {**settings.routed, "callbacks": {}}
    if "architecture" in changes:
        routed["architecture"] = {}
    return replace(settings, parameters={**settings.parameters, "callbacks": None, **changes}, routed=routed)
