"""Training on data larger than memory, on one or several workers. Needs pyarrow, and Ray for several workers."""

try:
    import pyarrow as _pyarrow  # noqa: F401 - imported here so that the error says what to install
except ImportError as error:
    raise ImportError("skmtl.distributed needs pyarrow: install skmtl[ray], or pyarrow alone.") from error

from ._fit import fit

__all__ = ["fit"]
