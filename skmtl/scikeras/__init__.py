"""The bridge to scikeras, both ways; nothing else in skmtl knows of it.

scikeras replaces methods of Keras' models, losses, metrics and optimizers for the whole process when it is
imported. This package therefore imports it in ``from_scikeras`` only, where the caller's wrapper has done so.
"""

from ._convert import from_scikeras
from ._target_encoder import MultiTaskTargetEncoder

__all__ = ["MultiTaskTargetEncoder", "from_scikeras"]
