"""Training as an observer sees it: the end of an epoch, on the device."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from ._program import Program
from ._tensors import Data, Numbers, State


class EpochState(NamedTuple):
    """Some members at the end of an epoch.

    ``train`` holds each member's rows; ``first`` is the number of the first member, ``epoch`` counts from 1.
    """

    program: Program
    state: State
    data: Data
    numbers: Numbers
    train: Sequence[np.ndarray]
    batch_size: int
    seed: int
    first: int
    epoch: int


# Looks, and changes nothing.
Observer = Callable[[EpochState], None]
