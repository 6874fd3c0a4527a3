"""Scale single-task baselines to the parameter budget of the multi-task network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from .._records import NetworkSpec
from ..estimators._base import BaseMultiTask
from ._estimators import core, networks_in

# Tolerated relative difference between the total parameters of the baselines and those of the network.
_TOLERANCE = 0.1


def check_scalable(estimator: Any) -> None:
    """Refuse an estimator whose hidden layers cannot be scaled."""
    network = core(estimator)
    if not isinstance(network, BaseMultiTask) or network.model is not None:
        raise ValueError(
            'budget="equal_parameters" scales hidden_layer_sizes, which estimators with model= and estimators outside '
            'skmtl do not have. Use budget="full".'
        )


def shrink_baselines(baselines: Sequence[Any], spec: NetworkSpec) -> list[Any]:
    """Scale the hidden layers of the baselines, one per task of ``spec``, to the parameter count of the network.

    Raises
    ------
    ValueError
        If no widths meet the budget.
    """
    total = _count(spec)
    share = total / len(baselines)
    single = [replace(spec, heads=(head,), members=1) for head in spec.heads]
    scaled = {one: _fit_to(one, share) for one in set(single)}
    reached = sum(_count(scaled[one]) for one in single)
    if abs(reached - total) > _TOLERANCE * total:
        raise ValueError(
            f'budget="equal_parameters": no widths of the hidden layers give {len(baselines)} single-task networks '
            f"with {total} parameters in total; the closest have {reached}. Use wider hidden layers, or "
            'budget="full".'
        )
    for baseline, one in zip(baselines, single, strict=True):
        for network in networks_in(baseline):
            network.set_params(
                hidden_layer_sizes=scaled[one].hidden_layer_sizes, head_layer_sizes=scaled[one].head_layer_sizes
            )
    return list(baselines)


def _count(spec: NetworkSpec) -> int:
    from ..networks._network import StackedNetwork, n_parameters

    return n_parameters(StackedNetwork(replace(spec, members=1)))


def _fit_to(spec: NetworkSpec, share: float) -> NetworkSpec:
    """Scale the layers by the factor that brings the network closest to ``share`` parameters."""
    low, high = 0.0, 1.0
    best, best_distance = spec, float("inf")
    count = cache(_count)
    for factor in (0.0, 1.0):
        best, best_distance = _closer(best, best_distance, _scaled(spec, factor), share, count)
    # Widths are integers: after 12 bisections, no factor in between gives different ones.
    for _ in range(12):
        middle = (low + high) / 2
        trial = _scaled(spec, middle)
        best, best_distance = _closer(best, best_distance, trial, share, count)
        if count(trial) > share:
            high = middle
        else:
            low = middle
    return best


def _closer(
    best: NetworkSpec, distance: float, trial: NetworkSpec, share: float, count: Callable[[NetworkSpec], int]
) -> tuple[NetworkSpec, float]:
    trial_distance = abs(count(trial) - share)
    return (trial, trial_distance) if trial_distance < distance else (best, distance)


def _scaled(spec: NetworkSpec, factor: float) -> NetworkSpec:
    def scale(widths: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(max(1, round(width * factor)) for width in widths)

    return replace(
        spec,
        hidden_layer_sizes=scale(spec.hidden_layer_sizes),
        head_layer_sizes=scale(spec.head_layer_sizes),
    )
