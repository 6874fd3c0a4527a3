"""Fits on rows that do not fit into memory: needs pyarrow, and Ray for several workers."""

from ._fit import fit

__all__ = ["fit"]
