"""The stages of a fit after the network: its blend, and predictions of rows held out."""

from __future__ import annotations

from sklearn.utils import check_random_state

from ._blend_kinds import kinds_of
from ._fit import fit_network
from ._fit_blend import fit_blend
from ._fit_task import FitTask
from ._fitted import FittedNetwork
from ._input import FitInput, Settings
from ._out_of_fold import OutOfFold, held_out_quantities
from ._outcome import Outcome

# Rows that the members' mean variance is taken of.
_VARIANCE_ROWS = 2000


def fit_outcome(
    settings: Settings, data: FitInput, previous: FittedNetwork | None, task: FitTask | None = None
) -> Outcome:
    """Fit the network, its blend, and predict the training rows out of fold, as far as the settings ask for it."""
    kinds = () if settings.incremental else kinds_of(settings, data)
    network, result = fit_network(settings, data, previous, task)
    blend = None
    if kinds:
        seed = int(check_random_state(settings["random_state"]).randint(2**31 - 1))
        blend = fit_blend(settings, kinds, data, network, seed)
    if settings.incremental or not (settings["oob_score"] or blend is not None):
        return Outcome(network, result)
    if blend is not None:
        rows, quantities = blend.rows, blend.held_quantities()
    else:
        _check_held_out(data, network)
        rows, quantities = held_out_quantities(network, data.X)
    variance = None
    if network.all_quantities:
        fitted = network if blend is None else blend
        variance = fitted.member_variances(data.X[:_VARIANCE_ROWS]).mean(axis=0)
    known = OutOfFold.of(network.tasks, data, rows, quantities)
    shifted = None
    if blend is not None and blend.shifted is not None:
        far = blend.shifted.blend
        shifted = OutOfFold.of(network.tasks, data, far.rows, far.held_quantities())
    return Outcome(network, result, blend, known, shifted, variance)


def _check_held_out(data: FitInput, network: FittedNetwork) -> None:
    if data.validation is not None:
        raise ValueError("oob_score=True needs members that hold out rows of X; with X_val and y_val none does.")
    if not any(len(rows) for rows in network.held_out):
        raise ValueError(
            f"oob_score=True needs members that hold out rows, but with early_stopping and n_samples={data.n_train} "
            "none does: set early_stopping=True, or give more samples."
        )
