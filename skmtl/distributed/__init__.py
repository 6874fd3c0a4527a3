"""Fits on rows that do not fit into memory: needs pyarrow, and Ray for several workers."""

try:
    import pyarrow as _pyarrow  # noqa: F401 - asked for here, where it can be said what to do
except ImportError as error:
    raise ImportError("skmtl.distributed reads rows with pyarrow: install skmtl[ray], or pyarrow alone.") from error

from ._fit import fit

__all__ = ["fit"]
