"""Conversion of scikeras wrappers to skmtl estimators, and a target encoder for wrappers with several tasks.

Importing scikeras replaces methods of Keras models, losses, metrics and optimizers for the whole process. This package
therefore imports it only in ``from_scikeras``, where the caller's wrapper has already done so.
"""

from ._convert import from_scikeras
from ._target_encoder import MultiTaskTargetEncoder

__all__ = ["MultiTaskTargetEncoder", "from_scikeras"]
