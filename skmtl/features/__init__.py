"""Features: X as the caller gives it to the float32 matrix that the network sees."""

from ._encoder import FeatureEncoder

__all__ = ["FeatureEncoder"]
