"""The stages of a fit after the network: its blend, and its out-of-fold predictions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sklearn.utils import check_random_state

from .._blas import single_threaded_blas
from .._records import TrainingResult
from ..fitting._adaptive_defaults import FEWEST_ROWS, how_to_hold_out
from ..fitting._fit import fit_network
from ..fitting._fit_task import FitTask
from ..fitting._input import FitInput, Settings
from ..fitting._outlying_labels import replace_outlying_labels
from ..inference._fitted import FittedNetwork
from ._decision import MOST_PROBABLE, decision_of, factors_of
from ._fit import fit_blend
from ._fitted import FittedBlend
from ._joint_model import joint_model_of
from ._kinds import kinds_of
from ._out_of_fold import OutOfFold, held_out_quantities
from ._outcome import Outcome, ShiftedErrors

# Rows that the members' mean variance is computed on.
_VARIANCE_ROWS = 2000


def fit_outcome(
    settings: Settings, data: FitInput, previous: FittedNetwork | None, task: FitTask | None = None
) -> Outcome:
    """Fit the network and, if the settings ask for it, its blend, and predict the training rows out of fold."""
    kinds = () if settings.incremental else kinds_of(settings, data)
    check_decision(settings, data, has_out_of_fold=bool(kinds) or (settings["oob_score"] and not settings.incremental))
    if "regression_network" in kinds:
        settings = replace(settings, also_stopped_for="regression")
    # Parts are weighed by squared errors, which a few outlying labels would dominate.
    cleaned = replace_outlying_labels(data, seed=0) if kinds else data
    network, result = fit_network(settings, cleaned, previous, task)
    with single_threaded_blas:
        return outcome_of(settings, kinds, data, cleaned, network, result)


def outcome_of(
    settings: Settings,
    kinds: Sequence[str],
    data: FitInput,
    cleaned: FitInput,
    network: FittedNetwork,
    result: TrainingResult,
) -> Outcome:
    """Add the blend and out-of-fold predictions to a network; ``cleaned`` has the labels that were learned."""
    blend = None
    if kinds:
        seed = int(check_random_state(settings["random_state"]).randint(2**31 - 1))
        blend = fit_blend(settings, kinds, cleaned, network.by_criterion(result), seed)
    if settings.incremental or not (settings["oob_score"] or blend is not None):
        check_decision(settings, data, has_out_of_fold=False)
        return Outcome(network, result)
    if blend is not None:
        rows, quantities = blend.rows, blend.held_quantities()
    else:
        _check_held_out(data, network)
        rows, quantities = held_out_quantities(network, data.X)
    known = OutOfFold.of(network.tasks, data, rows, quantities)
    joint = joint_model_of(settings, network, cleaned, blend, rows, quantities)
    if not network.all_quantities:
        return Outcome(network, result, blend, known, joint=joint, factors=factors_of(settings, data, known))
    sample = data.X[:_VARIANCE_ROWS]
    variance = (network.member_variances(sample) if blend is None else blend.own_member_variances(sample)).mean(axis=0)
    shifted = None if blend is None or blend.shifted is None else _shifted_errors(blend.shifted.blend, data, sample)
    return Outcome(network, result, blend, known, shifted, variance, joint)


def check_decision(settings: Settings, data: FitInput, has_out_of_fold: bool) -> None:
    """Refuse ``decision`` if there are no out-of-fold predictions to choose it on."""
    decision = decision_of(settings)
    if not has_out_of_fold and decision != MOST_PROBABLE:
        raise ValueError(
            f"decision={decision!r} is chosen on held-out rows, and there are none: "
            f"{'partial_fit holds out none.' if settings.incremental else how_to_hold_out(data.n_train)}"
        )


def _shifted_errors(blend: FittedBlend, data: FitInput, sample: Any) -> ShiftedErrors:
    residuals = OutOfFold.of(blend.layout.tasks, data, blend.rows, blend.held_quantities()).residuals
    return ShiftedErrors(residuals, blend.own_member_variances(sample).mean(axis=0))


def _check_held_out(data: FitInput, network: FittedNetwork) -> None:
    if data.validation is not None:
        raise ValueError("oob_score=True needs members that hold out rows of X; with X_val and y_val none does.")
    if not any(len(rows) for rows in network.held_out):
        raise ValueError(
            f"oob_score=True needs members that hold out rows, and with n_samples={data.n_train} none does. "
            + (
                f"The defaults need at least {FEWEST_ROWS} rows to hold any out."
                if data.n_train < FEWEST_ROWS
                else "Set early_stopping=True."
            )
        )
