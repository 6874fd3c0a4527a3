"""Everything a fit gives: the network, what is blended with it, and what is known of rows held out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .._records import TrainingResult
from ..inference._fitted import FittedNetwork
from ..joint import JointModel
from ._fitted import FittedBlend
from ._out_of_fold import OutOfFold


@dataclass(frozen=True)
class ShiftedErrors:
    """Residuals (n_samples, n_tasks) of blocks left out, and the mean variance among members, (n_tasks,)."""

    residuals: np.ndarray
    member_variance: np.ndarray


@dataclass(frozen=True)
class Outcome:
    """A fit's network and record; ``blend`` and ``out_of_fold`` where they were asked for.

    ``shifted`` is what is known of blocks of rows left out, where there is a blend for rows far from the others.

    ``member_variance`` is the mean variance among the members' predictions, (n_tasks,); None with classifications.
    ``joint`` is how the tasks' out-of-fold errors go together; ``factors`` are those of the classes' probabilities
    with which out-of-fold predictions are decided best, by task.
    """

    network: FittedNetwork
    result: TrainingResult
    blend: FittedBlend | None = None
    out_of_fold: OutOfFold | None = None
    shifted: ShiftedErrors | None = None
    member_variance: np.ndarray | None = None
    joint: JointModel | None = None
    factors: list[np.ndarray | None] | None = None
