"""New scales for tasks whose labels have moved far away when training continues."""

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

# A task gets a new scale if half of its labels are more than this many scales away from its shift.
_FAR = 5.0
# If a task's scale cannot change, labels this far away are refused: the task would dominate training.
_TOO_FAR = 100.0
# The old shift is at most this many new scales away from the mean of the new labels.
_FARTHEST_BEFORE = 3.0
# Labels within this relative distance of a constant equal it.
_NOTHING = 1e-12
# A softplus is never 0; this is the smallest output that it starts from.
_LEAST = 1e-3


@dataclass(frozen=True)
class Rescaled:
    """Scaling and parameters that keep predictions as they were; ``tasks`` is a mask of those with a new scale."""

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
    """Give tasks new scales if they need them, and first scales to tasks that had no labels before.

    ``places`` are the positions of each task's head kernel and bias among the parameters; None if this kind of head
    cannot be adjusted.

    Raises
    ------
    ValueError
        If labels are too far away and the scale cannot change.
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
    """Return the positions of each task's output kernel and bias; None if tasks have no linear layer of their own."""
    named = {parameter.name: parameter for parameter in parameters}
    if not {"heads/kernel", "heads/bias"} <= set(named):
        return None
    kernel, bias = (np.arange(p.start, p.stop).reshape(p.shape) for p in (named["heads/kernel"], named["heads/bias"]))
    units = [head.units for head in spec.heads]
    if kernel.ndim == 3:
        return [(kernel[task, :, :width], bias[task].ravel()[:width]) for task, width in enumerate(units)]
    starts = np.cumsum([0, *units])
    columns = [slice(start, start + width) for start, width in zip(starts[:-1], units, strict=True)]
    return [(kernel[:, own], bias.ravel()[own]) for own in columns]


def _outside(scaling: TargetScaling, targets: EncodedTargets, modes: Sequence[ScalingMode]) -> np.ndarray:
    """Which tasks have most labels far away, or any that differ from a former constant; (n_tasks,) of bool."""
    observed, constant = targets.observed, scaling.scale == 0
    with np.errstate(over="ignore"):
        distance = np.abs(targets.values - scaling.shift) / scaling.divisor
    outside = (distance > np.where(constant, _NOTHING * np.abs(scaling.shift), _FAR)) & observed
    unscaled = np.array([mode == "codes" or (mode == "none" and not constant[i]) for i, mode in enumerate(modes)])
    return (outside.sum(axis=0) > np.where(constant, 0, observed.sum(axis=0) // 2)) & ~unscaled


def _distance(labels: np.ndarray, shift: float, scale: float) -> float:
    """Return the median distance of the labels from the shift, in scales."""
    with np.errstate(over="ignore"):
        return float(np.median(np.abs(labels - shift) / scale))


def _check_distance(name: str, labels: np.ndarray, shift: float, scale: float) -> None:
    if scale == 0:
        raise ValueError(
            f"All labels of task {name!r} were {shift:g} when training began, and now they vary. The network has not "
            "learned this task, and this kind of network cannot change its scale: fit a new estimator on labels that "
            "vary."
        )
    if _distance(labels, shift, scale) > _TOO_FAR:
        raise ValueError(
            f"Labels of task {name!r} are more than {_TOO_FAR:g} times as far from {shift:g} as when training began "
            f"(typically {scale:g}), and this kind of network cannot change a task's scale: fit a new estimator on "
            "labels that are typical of all."
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
    """Return parameters whose outputs in the new units mean the same as the old outputs in the old units."""
    kernel, bias = place
    ratio, offset = before[1] / after[1], (before[0] - after[0]) / after[1]
    if head.link == "softplus":
        offset = float(np.log(np.expm1(max(offset, _LEAST))))
    flat = flat.copy()
    flat[:, kernel] = flat[:, kernel] * ratio
    flat[:, bias] = flat[:, bias] * ratio + offset
    return flat
