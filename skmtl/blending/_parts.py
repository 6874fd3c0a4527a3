"""From a fitted network to its blend: kernel models, further networks, and weights from out-of-fold predictions."""

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
# A linear function needs columns as they are; similarity of rows must not hang on single far-out numbers.
VIEWS: dict[KernelName, Scaling] = {"linear": "standard", "rbf": "robust", "laplacian": "robust"}
# With fewer, products are over so soon that threads wait for each other.
_ROWS_FOR_THREADS = 200


class _FittedPart(NamedTuple):
    """A part, and its out-of-fold predictions of some rows."""

    part: BlendPart
    rows: np.ndarray
    held: np.ndarray


class BlendFit(NamedTuple):
    """A blend, and the scaled features that its kernel models see."""

    blend: FittedBlend
    views: Mapping[Scaling, FeatureEncoder]
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
    """Kernel models and further networks beside ``networks``, weighed by what they say of ``folds`` left out.

    ``networks`` are parts by name, "network" first, which hold the same rows out. ``known`` is another blend of the
    same data, whose features need not be scaled again.
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
        views = {scaling: _view(data, scaling) for scaling in {VIEWS[kernel] for kernel in kernel_models.values()}}
        encoded = {scaling: view.transform(data.X, dtype=np.float64) for scaling, view in views.items()}
    else:
        views, encoded = dict(known.views), dict(known.encoded)
    found = {kind: _found_network(kind, network, data, layout) for kind, network in networks.items()}
    everything = np.arange(len(values))
    of_column = layout.task_of_column
    fit = partial(fit_kernel_model, values=values, weights=weights, folds=folds, seed=seed, task_of_column=of_column)
    work = {kind: partial(fit, kernel, encoded[VIEWS[kernel]]) for kind, kernel in kernel_models.items()}
    for kind, fitted in _results(work, side_by_side=len(values) >= _ROWS_FOR_THREADS).items():
        if fitted is not None:
            part = BlendPart(kind, kernel_model=fitted[0], view=views[VIEWS[kernel_models[kind]]])
            found[kind] = _FittedPart(part, everything, fitted[1])
    if "residual_network" in kinds and "ridge" in found and any(task.kind == "regression" for task in layout.tasks):
        found["residual_network"] = _residual_network(settings, data, layout, found["ridge"])
    if "independent_network" in kinds:
        other = additional_network_settings(settings, architecture="independent")
        found["independent_network"] = _network_part("independent_network", other, data, layout)
    blend = _weigh(layout, [found[kind] for kind in kinds if kind in found], values, weights)
    return BlendFit(blend, views, encoded)


def _results(work: Mapping[str, Callable[[], Any]], side_by_side: bool) -> dict[str, Any]:
    """What each gives, on threads of their own if ``side_by_side``.

    Decompositions of this size gain little from several threads of BLAS each, and on a busy machine wait for these
    without end.
    """
    with single_threaded_blas:
        if not side_by_side:
            return {kind: one() for kind, one in work.items()}
        with ThreadPoolExecutor(os.cpu_count(), initializer=single_threaded_blas.limit_this_thread) as pool:
            return dict(zip(work, pool.map(lambda one: one(), work.values()), strict=True))


def _weigh(layout: Columns, found: Sequence[_FittedPart], values: np.ndarray, weights: np.ndarray) -> FittedBlend:
    rows = found[0].rows
    for other in found[1:]:
        rows = np.intersect1d(rows, other.rows, assume_unique=True)
    held = [one.held if len(one.rows) == len(rows) else one.held[np.searchsorted(one.rows, rows)] for one in found]
    task = layout.task_of_column
    own_values, own_weights = (values, weights) if len(rows) == len(values) else (values[rows], weights[rows])
    chosen = part_weights(layout, held, own_values, own_weights)
    lower, upper = label_limits(values, weights)
    together = np.clip(mixed(held, chosen[:, task]), lower, upper)
    parts = tuple(one.part for one in found)
    return FittedBlend(layout, parts, chosen, rows, together, lower, upper)


def _view(data: FitInput, scaling: Scaling) -> FeatureEncoder:
    return FeatureEncoder.fit(data.X, scaling=scaling, weights=row_weights(data.targets), levels=data.levels)


def _residual_network(settings: Settings, data: FitInput, layout: Columns, ridge: _FittedPart) -> _FittedPart:
    """A network on what the ridge regression, out of fold, leaves of the targets; its columns are not clipped."""
    added = offsets(layout, ridge.held)
    first = np.searchsorted(layout.task_of_column, np.arange(len(layout.tasks)))
    left = data.targets.values - added[:, first] * layout.scaling.divisor
    values = np.where(data.targets.observed, left, data.targets.values)
    others = replace(data, targets=EncodedTargets(values, data.targets.weights))
    found = _network_part(
        "residual_network", additional_network_settings(settings, scale_inputs="standard"), others, layout
    )
    part = replace(found.part, kernel_model=ridge.part.kernel_model, view=ridge.part.view)
    return _FittedPart(part, found.rows, found.held + added[found.rows])


def _network_part(name: str, settings: Settings, data: FitInput, layout: Columns) -> _FittedPart:
    network, _ = fit_network(replace(settings, also_stopped_for=None), data, None)
    return _found_network(name, network, data, layout)


def _found_network(name: str, network: FittedNetwork, data: FitInput, layout: Columns) -> _FittedPart:
    rows, held = held_out_quantities(network, data.X)
    return _FittedPart(BlendPart(name, network=network), rows, layout.of_quantities(held))


def additional_network_settings(settings: Settings, **changes: Any) -> Settings:
    """Settings of a further network: the caller's, without what watches or shapes the first one alone."""
    routed = {**settings.routed, "callbacks": {}}
    if "architecture" in changes:
        routed["architecture"] = {}
    return replace(settings, parameters={**settings.parameters, "callbacks": None, **changes}, routed=routed)
