"""Keras model of a fitted estimator (``model_``), whose exports name outputs after the tasks."""

from __future__ import annotations

import warnings
from typing import Any

import keras
import numpy as np


@keras.saving.register_keras_serializable(package="skmtl")
class TaskModel(keras.Model):
    """Functional Keras model with one output per task.

    ``export`` keeps the names of the outputs in SavedModel and ONNX files; Keras itself would number them. It also
    calls the model first, which Keras requires.

    Parameters
    ----------
    *args, **kwargs
        Passed to :class:`keras.Model`.
    """

    def export(self, filepath: Any, format: str = "tf_saved_model", **settings: Any) -> None:
        """Export the model for serving, with outputs named after the tasks.

        Parameters
        ----------
        filepath : str or path-like
            Path to write to.
        format : str, default="tf_saved_model"
            "tf_saved_model", "onnx" or another format of ``keras.Model.export``.
        **settings : object
            Passed to ``keras.Model.export``.
        """
        named = keras.Model(self.inputs[0], dict(zip(self.output_names, self.outputs, strict=True)), name=self.name)
        named(np.zeros((1, *self.inputs[0].shape[1:]), dtype=np.float32))
        with warnings.catch_warnings():
            # Keras 3.15 accesses np.object, for which numpy issues this warning.
            warnings.filterwarnings("ignore", "In the future `np.object`", FutureWarning)
            keras.Model.export(named, filepath, format=format, **settings)
