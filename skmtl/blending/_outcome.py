"""Everything that a fit returns: the network, its blend, and its out-of-fold predictions and errors."""

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
    """Residuals (n_samples, n_tasks) of held-out blocks, and the mean variance among members, (n_tasks,)."""

    residuals: np.ndarray
    member_variance: np.ndarray


@dataclass(frozen=True)
class Outcome:
    """The network and training record of a fit, with ``blend`` and ``out_of_fold`` if they were asked for.

    ``shifted`` are the errors on held-out blocks of rows, if there is a blend for shifted rows.

    ``member_variance`` is the mean variance among the members' predictions, (n_tasks,); None with classifications.
    ``joint`` is the joint model of the tasks' out-of-fold errors; ``factors`` are, by task, the factors on class
    probabilities that ``decision`` asks for.
    """

    network: FittedNetwork
    result: TrainingResult
    blend: FittedBlend | None = None
    out_of_fold: OutOfFold | None = None
    shifted: ShiftedErrors | None = None
    member_variance: np.ndarray | None = None
    joint: JointModel | None = None
    factors: list[np.ndarray | None] | None = None
