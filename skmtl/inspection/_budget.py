"""Hidden layers that make the single-task twins together as large as the network they are compared with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from .._records import NetworkSpec
from ..estimators._base import BaseMultiTask
from ._estimators import core, networks_in

# How far the twins' parameters together may be from the network's before it is no equal budget any more.
_TOLERANCE = 0.1


def check_scalable(estimator: Any) -> None:
    """Refuse an estimator without hidden layers of ours to scale."""
    network = core(estimator)
    if not isinstance(network, BaseMultiTask) or network.model is not None:
        raise ValueError(
            'budget="equal_parameters" scales hidden_layer_sizes, which a network built by model=, or an estimator '
            'that is none of skmtl\'s, does not have. Use budget="full".'
        )


def shrink_baselines(baselines: Sequence[Any], spec: NetworkSpec) -> list[Any]:
    """Twins, one per task of ``spec`` in order, whose hidden layers are scaled down by a common budget.

    Raises
    ------
    ValueError
        Where no widths meet the budget.
    """
    total = _count(spec)
    share = total / len(baselines)
    single = [replace(spec, heads=(head,), members=1) for head in spec.heads]
    specs = {one: _fit_to(one, share) for one in set(single)}
    reached = sum(_count(specs[one]) for one in single)
    if abs(reached - total) > _TOLERANCE * total:
        raise ValueError(
            f'budget="equal_parameters": no widths of the hidden layers give {len(baselines)} single-task networks '
            f"with {total} parameters together; the nearest have {reached}. Use wider hidden layers, or "
            'budget="full".'
        )
    for baseline, one in zip(baselines, single, strict=True):
        for network in networks_in(baseline):
            network.set_params(
                hidden_layer_sizes=specs[one].hidden_layer_sizes, head_layer_sizes=specs[one].head_layer_sizes
            )
    return list(baselines)


def _count(spec: NetworkSpec) -> int:
    from ..networks._network import StackedNetwork, n_parameters

    return n_parameters(StackedNetwork(replace(spec, members=1)))


def _fit_to(spec: NetworkSpec, share: float) -> NetworkSpec:
    """The spec with its layers scaled by the factor that brings it nearest to ``share`` parameters."""
    low, high = 0.0, 1.0
    best, best_distance = spec, float("inf")
    count = cache(_count)
    for factor in (0.0, 1.0):
        best, best_distance = _nearer(best, best_distance, _scaled(spec, factor), share, count)
    # Widths are whole numbers: after so many halvings no factor in between gives other ones.
    for _ in range(12):
        middle = (low + high) / 2
        trial = _scaled(spec, middle)
        best, best_distance = _nearer(best, best_distance, trial, share, count)
        if count(trial) > share:
            high = middle
        else:
            low = middle
    return best


def _nearer(
    best: NetworkSpec, distance: float, trial: NetworkSpec, share: float, count: Callable[[NetworkSpec], int]
) -> tuple[NetworkSpec, float]:
    own = abs(count(trial) - share)
    return (trial, own) if own < distance else (best, distance)


def _scaled(spec: NetworkSpec, factor: float) -> NetworkSpec:
    def scale(widths: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(max(1, round(width * factor)) for width in widths)

    return replace(
        spec,
        hidden_layer_sizes=scale(spec.hidden_layer_sizes),
        head_layer_sizes=scale(spec.head_layer_sizes),
    )
