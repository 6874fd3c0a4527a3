"""New scales for tasks whose labels, where training goes on, lie far outside of those that it began with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .._records import EncodedTargets, Head, NetworkSpec, TargetScaling
from ..targets import ScalingMode, fit_scaling
from ..targets._scaling import weighted_moments

if TYPE_CHECKING:
    from ..networks import Parameter

# A task gets a new scale where half of its labels are further than this many scales from its shift.
_FAR = 5.0
# Where a task can have no other scale, labels this far out are refused: they would drown all other tasks.
_TOO_FAR = 100.0
# What the network said before lies at most so many new scales from the mean of the new labels.
_FARTHEST_BEFORE = 3.0
# Labels nearer to a constant than this part of it are that constant.
_NOTHING = 1e-12
# A softplus never gives 0; this is as near as it starts.
_LEAST = 1e-3


@dataclass(frozen=True)
class Rescaled:
    """Scaling and parameters with which predictions are what they were; ``tasks`` are those with a new scale."""

    scaling: TargetScaling
    parameters: np.ndarray
    tasks: np.ndarray


def rescaled(
    scaling: TargetScaling,
    parameters: np.ndarray,
    targets: EncodedTargets,
    heads: Sequence[Head],
    modes: Sequence[ScalingMode],
    places: Sequence[tuple[np.ndarray, np.ndarray]] | None,
) -> Rescaled:
    """New scales where they are needed, and the first ones of tasks that had no labels before.

    ``places`` are each task's positions among the parameters, of its head's kernel and bias; None where the heads are
    of a kind that cannot be adjusted.

    Raises
    ------
    ValueError
        Where labels lie too far out, and the scale cannot be another.
    """
    shift, scale, flat = scaling.shift.copy(), scaling.scale.copy(), parameters
    changed = np.zeros(len(heads), dtype=bool)
    if not scaling.known.all():
        first = fit_scaling(targets, tuple(modes), more_to_come=places is None)
        changed = first.known & ~scaling.known
        shift[changed], scale[changed] = first.shift[changed], first.scale[changed]
    for task in np.flatnonzero(_outside(scaling, targets, modes) & scaling.known).tolist():
        head, mode, labels = heads[task], modes[task], targets.values[targets.observed[:, task], task]
        if places is None or (scale[task] != 0 and mode != "standard"):
            _check_distance(head.name, labels, shift[task], scale[task])
            continue
        before = shift[task], scale[task]
        own = EncodedTargets(targets.values[:, [task]], targets.weights[:, [task]])
        mean, deviation = weighted_moments(own)
        shift[task], scale[task] = _new_scale(before[0], mean[0], deviation[0], mode)
        flat = _adjusted(flat, places[task], before, (shift[task], scale[task]), head)
        changed[task] = True
    return Rescaled(TargetScaling(shift, scale), flat, changed)


def head_places(parameters: Sequence[Parameter], spec: NetworkSpec) -> Sequence[tuple[np.ndarray, np.ndarray]] | None:
    """Positions of each task's output kernel and bias; None where a task has no linear layer to itself."""
    found = {parameter.name: parameter for parameter in parameters}
    if not {"heads/kernel", "heads/bias"} <= set(found):
        return None
    kernel, bias = (np.arange(p.start, p.stop).reshape(p.shape) for p in (found["heads/kernel"], found["heads/bias"]))
    units = [head.units for head in spec.heads]
    if kernel.ndim == 3:
        return [(kernel[task, :, :width], bias[task].ravel()[:width]) for task, width in enumerate(units)]
    starts = np.cumsum([0, *units])
    columns = [slice(start, start + width) for start, width in zip(starts[:-1], units, strict=True)]
    return [(kernel[:, own], bias.ravel()[own]) for own in columns]


def _outside(scaling: TargetScaling, targets: EncodedTargets, modes: Sequence[ScalingMode]) -> np.ndarray:
    """Which tasks have half of their labels far out, or any beside what was a constant; (n_tasks,) of bool."""
    observed, constant = targets.observed, scaling.scale == 0
    with np.errstate(over="ignore"):
        distance = np.abs(targets.values - scaling.shift) / scaling.divisor
    far = (distance > np.where(constant, _NOTHING * np.abs(scaling.shift), _FAR)) & observed
    unscaled = np.array([mode == "codes" or (mode == "none" and not constant[i]) for i, mode in enumerate(modes)])
    return (far.sum(axis=0) > np.where(constant, 0, observed.sum(axis=0) // 2)) & ~unscaled


def _distance(labels: np.ndarray, shift: float, scale: float) -> float:
    """How many scales half of the labels are away from the shift; outliers do not count."""
    with np.errstate(over="ignore"):
        return float(np.median(np.abs(labels - shift) / scale))


def _check_distance(name: str, labels: np.ndarray, shift: float, scale: float) -> None:
    if scale == 0:
        raise ValueError(
            f"Task {name!r} had one value alone, {shift:g}, where training began, and now has others: the network has "
            "not learned it, and its units can be no others in a network of this kind. Fit anew, on labels that vary."
        )
    if _distance(labels, shift, scale) > _TOO_FAR:
        raise ValueError(
            f"Labels of task {name!r} are more than {_TOO_FAR:g} times as far from {shift:g} as the {scale:g} that was "
            "usual where training began, and its units can be no others in a network of this kind: fit anew, on labels "
            "that are typical of all."
        )


def _new_scale(shift: float, mean: float, deviation: float, mode: ScalingMode) -> tuple[float, float]:
    if mode == "none":
        return 0.0, 1.0
    if mode == "positive":
        return 0.0, abs(mean) if mean != 0 else 1.0
    return mean, max(deviation, abs(mean - shift) / _FARTHEST_BEFORE)


def _adjusted(
    flat: np.ndarray,
    place: tuple[np.ndarray, np.ndarray],
    before: tuple[float, float],
    after: tuple[float, float],
    head: Head,
) -> np.ndarray:
    """Parameters whose outputs, in the new units, are what they were in those before."""
    kernel, bias = place
    ratio, offset = before[1] / after[1], (before[0] - after[0]) / after[1]
    if head.link == "softplus":
        offset = float(np.log(np.expm1(max(offset, _LEAST))))
    flat = flat.copy()
    flat[:, kernel] = flat[:, kernel] * ratio
    flat[:, bias] = flat[:, bias] * ratio + offset
    return flat
