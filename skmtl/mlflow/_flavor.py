"""MLflow models that hold a file of skmtl.save, written and read without pickle."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from .._versions import __version__, versions_of
from ..persistence import load, save

FLAVOR_NAME = "skmtl"
_FILE = "model.skmtl"
# Packages that a loaded model needs. Keras and TensorFlow: to fit, or to predict without a shared bottom.
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
    """Save an estimator as an MLflow model in a local folder.

    Parameters
    ----------
    estimator : estimator
        An estimator that :func:`skmtl.save` can save.
    path : str or path-like
        Folder to create.
    pyfunc_predict_fn : str, default="predict"
        Method that ``mlflow.pyfunc`` calls: "predict", "predict_proba" or "predict_interval".
    mlflow_model : mlflow.models.Model, default=None
        MLflow model to which the flavour is added. None creates one.
    pip_requirements : list of str or str, default=None
        Requirements of the model. None uses the installed versions of skmtl and the packages it needs.
    **settings : object
        Passed to ``mlflow.pyfunc.save_model``: ``signature``, ``input_example``, ``metadata``, ``conda_env``,
        ``code_paths``, ``extra_pip_requirements``.

    Raises
    ------
    TypeError
        If :func:`skmtl.save` cannot save the estimator.
    AttributeError
        If the estimator does not have the method ``pyfunc_predict_fn``.
    """
    import mlflow

    if not hasattr(estimator, pyfunc_predict_fn):
        raise AttributeError(
            f"pyfunc_predict_fn should be a method of {type(estimator).__name__}, got {pyfunc_predict_fn!r}."
        )
    if pip_requirements is None and settings.get("conda_env") is None:
        pip_requirements = [f"{name}=={version}" for name, version in versions_of(_REQUIREMENTS).items()]
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
    """Log an estimator as an MLflow model, to the active run or to a new one.

    Parameters
    ----------
    estimator : estimator
        An estimator that :func:`skmtl.save` can save.
    name : str, default="model"
        Name of the model.
    **settings : object
        Settings of :func:`save_model`, and of ``mlflow.models.Model.log``, such as ``registered_model_name``,
        ``params``, ``tags`` and ``step``.

    Returns
    -------
    info : mlflow.models.model.ModelInfo
        Description of the logged model; pass ``info.model_uri`` to :func:`load_model`.

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
    """Load an estimator that :func:`log_model` or :func:`save_model` wrote.

    Parameters
    ----------
    model_uri : str
        MLflow URI of the model (``models:/…`` or ``runs:/…``), or a local folder.
    dst_path : str, default=None
        Folder to which the model is downloaded. None uses a temporary folder.

    Returns
    -------
    estimator : estimator
        An estimator that predicts the same bits as the logged one.

    Raises
    ------
    InvalidModelFileError
        If the file is damaged or altered.
    ValueError
        If the model has another flavour.
    """
    import mlflow

    folder = mlflow.artifacts.download_artifacts(artifact_uri=model_uri, dst_path=dst_path)
    flavors = mlflow.models.Model.load(folder).flavors
    if FLAVOR_NAME not in flavors:
        raise ValueError(
            f"{model_uri} has the flavours {', '.join(flavors)}, but not {FLAVOR_NAME!r}: load it with mlflow instead."
        )
    return load(Path(folder) / flavors[FLAVOR_NAME]["data"])


class _PyfuncModel:
    """Wrapper with the interface of ``mlflow.pyfunc``."""

    def __init__(self, estimator: Any, method: str) -> None:
        self.estimator = estimator
        self.method = method

    def predict(self, data: Any, params: Any = None) -> Any:  # noqa: ARG002 - MLflow passes it
        """Call the estimator's method."""
        return getattr(self.estimator, self.method)(data)

    def get_raw_model(self) -> Any:
        """Return the estimator."""
        return self.estimator


def _load_pyfunc(path: str) -> _PyfuncModel:
    """Load the file at ``path``; called by ``mlflow.pyfunc.load_model``."""
    import mlflow

    settings = mlflow.models.Model.load(str(Path(path).parents[1])).flavors[FLAVOR_NAME]
    return _PyfuncModel(load(path), settings["pyfunc_predict_fn"])
