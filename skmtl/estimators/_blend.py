"""From a fitted network to its blend: companions, further networks, and weights from out-of-fold predictions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from .._names import proposal
from .._records import EncodedTargets
from ..blending import KernelName, fit_companion, folds_of, label_limits, weights_by_task
from ..features import FeatureEncoder, Scaling
from ._blend_columns import Columns
from ._fit import fit_network, row_weights
from ._fitted import FittedNetwork
from ._fitted_blend import BlendPart, FittedBlend, offsets
from ._input import FitInput, Settings
from ._out_of_fold import held_out_quantities

KINDS = ("network", "residual_network", "independent_network", "ridge", "rbf", "laplacian")
DEFAULT = ("network", "residual_network", "ridge", "rbf", "laplacian")

_KERNELS: dict[str, KernelName] = {"ridge": "linear", "rbf": "rbf", "laplacian": "laplacian"}
# A linear function needs columns as they are; similarity of rows must not hang on single far-out numbers.
_VIEWS: dict[KernelName, Scaling] = {"linear": "standard", "rbf": "robust", "laplacian": "robust"}


class _Found(NamedTuple):
    """A part, and its out-of-fold predictions of some rows."""

    part: BlendPart
    rows: np.ndarray
    held: np.ndarray


def kinds_of(settings: Settings, data: FitInput) -> tuple[str, ...]:
    """Kinds of parts that are asked for, the network first; none where it is to be alone.

    Raises
    ------
    ValueError
        For kinds that there are not, and for settings that leave nothing to weigh them by.
    """
    kinds = _asked(settings, data)
    if not kinds:
        return ()
    said = 'sharing="auto"' if settings["sharing"] == "auto" else f"blend={settings['blend']!r}"
    for kind in kinds:
        if kind not in KINDS:
            raise ValueError(f"blend: there is no {kind!r}.{proposal(str(kind), KINDS)} Kinds are {', '.join(KINDS)}.")
    if len(set(kinds)) < len(kinds) or "network" not in kinds:
        raise ValueError(f"blend should name 'network' and others, each once, got {settings['blend']!r}.")
    if "independent_network" in kinds:
        _check_something_is_shared(settings, said)
    reason = _obstacle(settings, data)
    if reason:
        raise ValueError(f"{said} weighs parts by what they say of rows held out, but {reason}.")
    return tuple(kind for kind in KINDS if kind in kinds)


def _asked(settings: Settings, data: FitInput) -> tuple[str, ...]:
    asked = settings["blend"]
    kinds = _default(settings) if asked == "all" else (asked,) if isinstance(asked, str) else tuple(asked or ())
    alone = len(data.encoder.tasks) == 1
    if settings["sharing"] == "auto" and not alone and "independent_network" not in kinds:
        return (*(kinds or ("network",)), "independent_network")
    return kinds


def _check_something_is_shared(settings: Settings, said: str) -> None:
    if settings["model"] is not None:
        raise ValueError(f"{said} has an independent network beside the shared one, but model= says how all look.")
    if settings["architecture"] == "independent":
        raise ValueError(f'{said} has an independent network beside the shared one, but architecture="independent".')


def _default(settings: Settings) -> tuple[str, ...]:
    if settings["model"] is None:
        return DEFAULT
    return tuple(kind for kind in DEFAULT if kind != "residual_network")


def _obstacle(settings: Settings, data: FitInput) -> str:
    if settings["early_stopping"] is False:
        return "early_stopping=False holds none out"
    if data.validation is not None:
        return "with X_val and y_val no member holds any of X out"
    if settings["loss"] is not None:
        return "its squared errors would not be those of loss=; leave loss at None, or set blend=None"
    if settings["warm_start"]:
        return "warm_start=True has members hold out other rows in every fit"
    return ""


def fit_blend(
    settings: Settings, kinds: Sequence[str], data: FitInput, network: FittedNetwork, seed: int
) -> FittedBlend | None:
    """Companions and further networks beside ``network``; None where no rows are held out to weigh them by."""
    if not any(len(rows) for rows in network.held_out):
        return None
    layout = Columns(network.tasks, network.scaling)
    values, weights = layout.of_targets(data.targets)
    folds = folds_of(network.held_out, len(values))
    companions = {
        kind: kernel
        for kind, kernel in _KERNELS.items()
        if kind in kinds or (kind == "ridge" and "residual_network" in kinds)
    }
    views = {scaling: _view(data, scaling) for scaling in {_VIEWS[kernel] for kernel in companions.values()}}
    encoded = {scaling: view.transform(data.X, dtype=np.float64) for scaling, view in views.items()}
    rows, held = held_out_quantities(network, data.X)
    found = {"network": _Found(BlendPart("network", network=network), rows, layout.of_quantities(held))}
    everything = np.arange(len(values))
    # Decompositions of this size gain little from a second thread, and on a busy machine wait for it without end.
    with threadpool_limits(1, user_api="blas"):
        for kind, kernel in companions.items():
            view = _VIEWS[kernel]
            fitted = fit_companion(kernel, encoded[view], values, weights, folds, seed)
            if fitted is not None:
                found[kind] = _Found(BlendPart(kind, companion=fitted[0], view=views[view]), everything, fitted[1])
    if "residual_network" in kinds and "ridge" in found and any(task.kind == "regression" for task in layout.tasks):
        found["residual_network"] = _residual_network(settings, data, layout, found["ridge"])
    if "independent_network" in kinds:
        other = _further(settings, architecture="independent")
        found["independent_network"] = _network_part("independent_network", other, data, layout)
    return _weigh(layout, [found[kind] for kind in kinds if kind in found], values, weights)


def _weigh(layout: Columns, found: Sequence[_Found], values: np.ndarray, weights: np.ndarray) -> FittedBlend:
    rows = found[0].rows
    for other in found[1:]:
        rows = np.intersect1d(rows, other.rows, assume_unique=True)
    held = np.stack([one.held[np.searchsorted(one.rows, rows)] for one in found])
    task = layout.task_of_column
    chosen = weights_by_task(held, values[rows], weights[rows], task)
    lower, upper = label_limits(values, weights)
    mixed = np.clip(np.einsum("pnc,pc->nc", held, chosen[:, task]), lower, upper)
    parts = tuple(one.part for one in found)
    return FittedBlend(layout, parts, chosen, rows, mixed, lower, upper)


def _view(data: FitInput, scaling: Scaling) -> FeatureEncoder:
    return FeatureEncoder.fit(data.X, scaling=scaling, weights=row_weights(data.targets), levels=data.levels)


def _residual_network(settings: Settings, data: FitInput, layout: Columns, ridge: _Found) -> _Found:
    """A network on what the ridge regression, out of fold, leaves of the targets; its columns are not clipped."""
    added = offsets(layout, ridge.held)
    first = np.searchsorted(layout.task_of_column, np.arange(len(layout.tasks)))
    left = data.targets.values - added[:, first] * layout.scaling.divisor
    values = np.where(data.targets.observed, left, data.targets.values)
    others = replace(data, targets=EncodedTargets(values, data.targets.weights))
    found = _network_part("residual_network", _further(settings, scale_inputs="standard"), others, layout)
    part = replace(found.part, companion=ridge.part.companion, view=ridge.part.view)
    return _Found(part, found.rows, found.held + added[found.rows])


def _network_part(name: str, settings: Settings, data: FitInput, layout: Columns) -> _Found:
    network, _ = fit_network(settings, data, None)
    rows, held = held_out_quantities(network, data.X)
    return _Found(BlendPart(name, network=network), rows, layout.of_quantities(held))


def _further(settings: Settings, **changes: Any) -> Settings:
    """Settings of a further network: the caller's, without what watches or shapes the first one alone."""
    routed = {**settings.routed, "callbacks": {}}
    if "architecture" in changes:
        routed["architecture"] = {}
    return replace(settings, parameters={**settings.parameters, "callbacks": None, **changes}, routed=routed)
