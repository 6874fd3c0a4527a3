"""The joint model of all tasks' out-of-fold errors."""

from __future__ import annotations

import numpy as np
from sklearn.utils import check_random_state

from ..fitting._input import FitInput, Settings
from ..inference._fitted import FittedNetwork
from ..joint import ErrorModel, JointModel, fit_joint_model
from ._fitted import FittedBlend

# Most error columns to model: one per regression, and one less than the classes per classification.
_MOST_COLUMNS = 128
# With fewer rows, correlations of errors cannot be estimated.
_FEWEST_ROWS = 10


def joint_model_of(
    settings: Settings,
    network: FittedNetwork,
    data: FitInput,
    blend: FittedBlend | None,
    rows: np.ndarray,
    quantities: list[np.ndarray],
) -> JointModel | None:
    """Fit the model to out-of-fold predictions of ``rows``; None with too few rows or too many columns."""
    n_classes = [len(task.classes) for task in network.tasks]
    if len(rows) < _FEWEST_ROWS or sum(max(1, n - 1) for n in n_classes) > _MOST_COLUMNS:
        return None
    # A stream of random numbers of its own: earlier stages draw from the caller's.
    seed = int(check_random_state(settings["random_state"]).randint(2**31 - 1))
    shifted = None if blend is None or blend.shifted is None else blend.shifted.blend
    in_distribution = _errors(data, rows, quantities, n_classes, shifted=False, seed=seed)
    if shifted is None:
        return JointModel(in_distribution)
    return JointModel(
        in_distribution, _errors(data, shifted.rows, shifted.held_quantities(), n_classes, shifted=True, seed=seed)
    )


def _errors(
    data: FitInput, rows: np.ndarray, quantities: list[np.ndarray], n_classes: list[int], *, shifted: bool, seed: int
) -> ErrorModel:
    targets = data.targets
    return fit_joint_model(
        targets.values[rows], targets.observed[rows], quantities, n_classes, shifted=shifted, seed=seed
    )
