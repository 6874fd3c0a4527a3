"""Estimators in files: one that runs no code, and what skops needs to know."""

from ._classes import trusted_types
from ._lost import LostFunction
from ._save import load, save

__all__ = ["LostFunction", "load", "save", "trusted_types"]
