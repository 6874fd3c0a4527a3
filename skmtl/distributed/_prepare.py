"""Prepare a fit from statistics of all rows: feature encoder, target scaling and initial network."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from .._records import EncodedTargets, TrainingNumbers
from .._row_hash import HeldShare
from .._weights import relative_weights
from ..features import FeatureEncoder, NumericEncoder
from ..features._bins import ColumnBins
from ..features._numeric import is_constant
from ..features._slots import CategorySlots
from ..fitting._adaptive_defaults import resolved
from ..fitting._balancing import Balance
from ..fitting._fit import StartingNetwork, fit_features, starting_network
from ..fitting._input import FitInput, Settings
from ..inference._fitted import FittedNetwork
from ..targets import fit_scaling
from ._reader import Reader
from ._statistics import Statistics

if TYPE_CHECKING:
    from ..fitting._losses import Objective
    from ..fitting._networks import BuiltNetwork

# The squares of larger values overflow float64; such columns use the sample's mean and scale instead.
_LARGEST = 1e120


@dataclass(frozen=True)
class Fit:
    """What every worker needs: how rows are encoded, which rows are held out, and the network to train.

    ``largest`` is the largest label weight of each task, and ``fill`` a label of each task that stands in for missing
    ones; both are (tasks,).
    """

    settings: Settings
    reader: Reader
    network: FittedNetwork
    numbers: TrainingNumbers
    seeds: dict[str, int]
    share: HeldShare
    largest: np.ndarray
    fill: np.ndarray

    @property
    def balance(self) -> Balance:
        """The balancing method."""
        return Balance.of(self.settings, None)

    def build(self) -> BuiltNetwork:
        """Build the network in a process that did not prepare the fit."""
        from ..fitting._networks import build_fit

        features = self.network.features
        nothing = EncodedTargets(*(np.zeros((0, len(self.network.tasks))),) * 2)
        data = FitInput(np.zeros((0, features.n_features)), self.network.targets, nothing, self.network.n_rows)
        return build_fit(self.settings, data, features, None, self.seeds)


def prepare_fit(
    settings: Settings, reader: Reader, statistics: Statistics, validated: bool, seeds: dict[str, int]
) -> tuple[Fit, BuiltNetwork]:
    """Prepare what the workers need; ``validated`` says whether the caller passed validation rows."""
    data = _input(reader, statistics, validated)
    check_labels(reader, statistics)
    settings = resolved(settings, data)
    settings = replace(settings, parameters={**settings.parameters, "blend": None})
    features = _features(settings, data, statistics)
    start = starting_network(settings, data, features, seeds)
    if not statistics.sample_is_complete:
        start = _with_exact_targets(start, data, statistics)
    share = _held_share(settings, start.numbers, validated)
    fit = Fit(
        settings,
        reader,
        start.network,
        replace(start.numbers, early_stopping=start.numbers.early_stopping and (validated or share.any)),
        seeds,
        share,
        np.where(statistics.largest > 0, statistics.largest, 1.0),
        _observed_labels(data.targets),
    )
    return fit, start.built


def check_labels(reader: Reader, statistics: Statistics) -> None:
    """Raise ValueError if a task has no label with a positive weight."""
    for task, mass in zip(reader.encoder.tasks, statistics.tasks.mass, strict=True):
        if mass == 0:
            raise ValueError(
                f"Task {task.name!r} has no label with a positive weight: its column is empty, or all its labelled "
                "rows have weight zero."
            )


def _input(reader: Reader, statistics: Statistics, validated: bool) -> FitInput:
    """The sample as training data, with the number of all rows."""
    sample = statistics.sample()
    targets = EncodedTargets(sample.values, relative_weights(sample.weights))
    data = FitInput(sample.X, reader.encoder, targets, statistics.rows, levels=reader.levels)
    return data.with_validation(replace(data, n_train=1)) if validated else data


def _features(settings: Settings, data: FitInput, statistics: Statistics) -> FeatureEncoder:
    sampled = fit_features(settings, data)
    if statistics.sample_is_complete:
        return sampled
    numeric = _numeric(settings, sampled.numeric, statistics)
    slots = None
    if sampled.slots is not None:
        one_hot = None if settings["model"] is not None else int(settings["one_hot_max_size"])
        slots = CategorySlots.of_counts(statistics.codes, one_hot, len(numeric.indicators))
    bins = None if sampled.bins is None else _rescale_bins(sampled.bins, sampled.numeric, numeric)
    return FeatureEncoder(numeric, sampled.levels, slots, bins)


def _numeric(settings: Settings, sampled: NumericEncoder, statistics: Statistics) -> NumericEncoder:
    """Numeric encoder with moments of all rows and quantiles of the sample."""
    moments = statistics.numeric
    missing = np.flatnonzero(moments.gaps)
    if sampled.clip:
        half = np.where(moments.mass > 0, (moments.high - moments.low) / 2, 0.0)
        # The column is constant in the sample, or its quartiles are equal there.
        flat = (sampled.scale >= half) & ~is_constant(moments.mean, half)
        return replace(sampled, scale=np.where(flat, half, sampled.scale), indicators=missing)
    exact = NumericEncoder.of_moments(
        moments.mean,
        np.where(moments.low == moments.high, 0.0, moments.deviation),
        moments.gaps,
        scaling="none" if _unscaled(settings) else "standard",
        more_to_come=False,
    )
    extreme = np.maximum(np.abs(moments.low), np.abs(moments.high)) > _LARGEST
    pairs = zip((exact.center, exact.scale, exact.fill), (sampled.center, sampled.scale, sampled.fill), strict=True)
    center, scale, fill = (np.where(extreme, in_sample, in_all) for in_all, in_sample in pairs)
    return NumericEncoder(center, scale, fill, exact.indicators)


def _unscaled(settings: Settings) -> bool:
    scale = settings["scale_inputs"]
    return scale is False or (scale == "auto" and settings["model"] is not None)


def _rescale_bins(bins: ColumnBins, before: NumericEncoder, after: NumericEncoder) -> ColumnBins:
    """The same bin edges in the units of another encoder."""
    edges = []
    for column, own in zip(bins.columns, bins.edges, strict=False):
        values = own * before.scale[column] + before.center[column]
        edges.append((values - after.center[column]) / after.scale[column])
    return ColumnBins(bins.columns, tuple(edges))


def _with_exact_targets(start: StartingNetwork, data: FitInput, statistics: Statistics) -> StartingNetwork:
    """Compute scaling and loss units from all labels: from their moments and class weights."""
    from ..losses import constant_losses

    objective = start.built.objective
    scaling = fit_scaling(_equivalent_targets(data, statistics, None), objective.modes)
    targets = _equivalent_targets(data, statistics, objective)
    units = constant_losses(targets, objective.rules, objective.heads, scaling)
    return replace(start, network=replace(start.network, scaling=scaling, units=units))


def _equivalent_targets(data: FitInput, statistics: Statistics, objective: Objective | None) -> EncodedTargets:
    """A few labels with the same moments, or class weights, as all labels.

    With an ``objective``, regressions without a squared loss get the labels of the sample: moments do not determine
    their loss.
    """
    moments, sample = statistics.tasks, data.targets
    length = max(2, len(sample.values), *(len(mass) for mass in statistics.classes))
    values, weights = np.zeros((length, len(moments.mean))), np.zeros((length, len(moments.mean)))
    for task, mass in enumerate(statistics.classes):
        if len(mass):
            values[: len(mass), task], weights[: len(mass), task] = np.arange(len(mass)), mass
        elif objective is not None and not objective.rules[task].squared:
            values[: len(sample.values), task] = sample.values[:, task]
            weights[: len(sample.values), task] = sample.weights[:, task]
        else:
            spread = 0.0 if moments.low[task] == moments.high[task] else moments.deviation[task]
            middle = moments.low[task] if spread == 0 else moments.mean[task]
            values[:2, task], weights[:2, task] = [middle - spread, middle + spread], 1.0
    return EncodedTargets(values, weights)


def _held_share(settings: Settings, numbers: TrainingNumbers, validated: bool) -> HeldShare:
    members = int(settings["ensemble_size"])
    holds_out = numbers.early_stopping and not validated
    return HeldShare(members, float(settings["validation_fraction"]) if holds_out else 0.0)


def _observed_labels(targets: EncodedTargets) -> np.ndarray:
    """The first label of each task."""
    return targets.values[targets.observed.argmax(axis=0), np.arange(targets.values.shape[1])]


def settings_of(estimator: Any) -> Settings:
    """Check the estimator's parameters and return them as settings."""
    estimator._validate_params()
    return estimator._settings()
