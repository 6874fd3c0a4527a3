"""The state of training at the end of an epoch, as observers get it, still on the device."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from ._program import Program
from ._tensors import Data, Numbers, State


class EpochState(NamedTuple):
    """The state of a group of members at the end of an epoch.

    ``train`` holds each member's training rows; ``first`` is the number of the first member, ``epoch`` counts from 1.
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


# An observer reads the state and must not change it.
Observer = Callable[[EpochState], None]
