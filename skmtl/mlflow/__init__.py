"""MLflow integration: a model flavour without pickle, and a callback that logs fits.

Install with ``pip install "skmtl[mlflow]"``. MLflow is imported only when one of these functions is called.
"""

from ._callback import MLflowCallback
from ._flavor import FLAVOR_NAME as FLAVOR_NAME
from ._flavor import _load_pyfunc as _load_pyfunc
from ._flavor import load_model, log_model, save_model

__all__ = ["MLflowCallback", "load_model", "log_model", "save_model"]
