"""Models of MLflow that hold a file of skmtl.save: no pickle at either end."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from .._versions import __version__, versions_of
from ..persistence import load, save

FLAVOR_NAME = "skmtl"
_FILE = "model.skmtl"
# What a loaded model predicts with; Keras and TensorFlow for other schemes than a shared bottom, and to fit again.
_REQUIREMENTS = ("numpy", "pandas", "scikit-learn", "keras", "tensorflow")


def save_model(
    estimator: Any,
    path: str | os.PathLike[str],
    *,
    pyfunc_predict_fn: str = "predict",
    mlflow_model: Any = None,
    pip_requirements: Any = None,
    **settings: Any,
) -> None:
    """Write an estimator of skmtl's as a model of MLflow, to a folder.

    Parameters
    ----------
    estimator : estimator
        One that :func:`skmtl.save` takes.
    path : str or path-like
        The folder; it is made.
    pyfunc_predict_fn : str, default="predict"
        Which method the model has for ``mlflow.pyfunc``: "predict", "predict_proba", "predict_interval".
    mlflow_model : mlflow.models.Model, default=None
        What to add the flavour to.
    pip_requirements : list of str or str, default=None
        Requirements that the model is kept with; None are skmtl and what it stands on, in their present versions.
    **settings : object
        As ``mlflow.pyfunc.save_model`` takes them: ``signature``, ``input_example``, ``metadata``, ``conda_env``,
        ``code_paths``, ``extra_pip_requirements``.

    Raises
    ------
    TypeError
        For what :func:`skmtl.save` refuses.
    AttributeError
        Where the estimator does not have the method.
    """
    import mlflow

    if not hasattr(estimator, pyfunc_predict_fn):
        raise AttributeError(f"{type(estimator).__name__} has no {pyfunc_predict_fn} for pyfunc_predict_fn.")
    if pip_requirements is None and settings.get("conda_env") is None:
        pip_requirements = [f"{name}=={found}" for name, found in versions_of(_REQUIREMENTS).items()]
    model = mlflow.models.Model() if mlflow_model is None else mlflow_model
    model.add_flavor(FLAVOR_NAME, data=f"data/{_FILE}", skmtl_version=__version__, pyfunc_predict_fn=pyfunc_predict_fn)
    with tempfile.TemporaryDirectory() as folder:
        save(estimator, Path(folder) / _FILE)
        mlflow.pyfunc.save_model(
            os.fspath(path),
            loader_module="skmtl.mlflow",
            data_path=str(Path(folder) / _FILE),
            mlflow_model=model,
            pip_requirements=pip_requirements,
            **settings,
        )


def log_model(estimator: Any, name: str = "model", **settings: Any) -> Any:
    """Log an estimator of skmtl's as a model of MLflow, to the active run or one of its own.

    Parameters
    ----------
    estimator : estimator
        One that :func:`skmtl.save` takes.
    name : str, default="model"
        Name of the model.
    **settings : object
        As :func:`save_model` takes them, and ``registered_model_name``, ``params``, ``tags``, ``step`` and others of
        ``mlflow.models.Model.log``.

    Returns
    -------
    info : mlflow.models.model.ModelInfo
        What was logged; ``info.model_uri`` is what to load it by.

    Examples
    --------
    >>> import mlflow, skmtl.mlflow  # doctest: +SKIP
    >>> info = skmtl.mlflow.log_model(model, signature=mlflow.models.infer_signature(X, y))  # doctest: +SKIP
    >>> skmtl.mlflow.load_model(info.model_uri).predict(X)  # doctest: +SKIP
    """
    import mlflow

    import skmtl.mlflow

    return mlflow.models.Model.log(artifact_path=None, name=name, flavor=skmtl.mlflow, estimator=estimator, **settings)


def load_model(model_uri: str, dst_path: str | None = None) -> Any:
    """Load an estimator that :func:`log_model` or :func:`save_model` kept.

    Parameters
    ----------
    model_uri : str
        Where it is, as MLflow names it: ``models:/…``, ``runs:/…``, or a folder.
    dst_path : str, default=None
        Folder to download it to; None is a temporary one.

    Returns
    -------
    estimator : estimator
        It predicts the same bits as the one that was logged.

    Raises
    ------
    InvalidModelFileError
        Where the file is damaged or was altered.
    """
    import mlflow

    folder = mlflow.artifacts.download_artifacts(artifact_uri=model_uri, dst_path=dst_path)
    flavors = mlflow.models.Model.load(folder).flavors
    if FLAVOR_NAME not in flavors:
        raise ValueError(
            f"{model_uri} is a model of the flavours {', '.join(flavors)}, not of {FLAVOR_NAME!r}: load it by mlflow."
        )
    return load(Path(folder) / flavors[FLAVOR_NAME]["data"])


class _PyfuncModel:
    """What ``mlflow.pyfunc`` calls."""

    def __init__(self, estimator: Any, method: str) -> None:
        self.estimator = estimator
        self.method = method

    def predict(self, data: Any, params: Any = None) -> Any:  # noqa: ARG002 - MLflow passes it
        """What the estimator's method gives."""
        return getattr(self.estimator, self.method)(data)

    def get_raw_model(self) -> Any:
        """The estimator."""
        return self.estimator


def _load_pyfunc(path: str) -> _PyfuncModel:
    """What ``mlflow.pyfunc.load_model`` calls with the file's path."""
    import mlflow

    settings = mlflow.models.Model.load(str(Path(path).parents[1])).flavors[FLAVOR_NAME]
    return _PyfuncModel(load(path), settings["pyfunc_predict_fn"])
