"""Saving and loading estimators without pickle, and the list of types for skops."""

from ._classes import trusted_types
from ._lost_function import LostFunction
from ._save import load, save

__all__ = ["LostFunction", "load", "save", "trusted_types"]
