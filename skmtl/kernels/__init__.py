"""Kernel ridge regressions of all tasks at once, with chosen penalties, widths and relevance of columns, in numpy."""

from ._fit import fit_kernel_model
from ._kernel import Kernel, KernelName
from ._model import KernelModel, label_limits

__all__ = ["Kernel", "KernelModel", "KernelName", "fit_kernel_model", "label_limits"]
