"""MLflow: a flavour on files of `skmtl.save`, without a pickle anywhere, and a callback that logs fits.

MLflow itself is imported where one of these is called; ``pip install "skmtl[mlflow]"`` has it.
"""

from ._callback import MLflowCallback
from ._flavor import FLAVOR_NAME as FLAVOR_NAME
from ._flavor import _load_pyfunc as _load_pyfunc
from ._flavor import load_model, log_model, save_model

__all__ = ["MLflowCallback", "load_model", "log_model", "save_model"]
