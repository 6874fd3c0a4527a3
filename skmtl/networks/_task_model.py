"""The Keras model that an estimator's ``model_`` is: its exports name outputs after the tasks."""

from __future__ import annotations

import warnings
from typing import Any

import keras
import numpy as np


@keras.saving.register_keras_serializable(package="skmtl")
class TaskModel(keras.Model):
    """A functional Keras model with an output a task.

    ``export`` gives the outputs of a SavedModel or of an ONNX file the names that they have here; Keras by itself
    numbers them. It also calls the model first, which Keras wants to have been done.

    Parameters
    ----------
    *args, **kwargs
        Passed to :class:`keras.Model`.
    """

    def export(self, filepath: Any, format: str = "tf_saved_model", **settings: Any) -> None:
        """Write the model in a format for serving, with outputs named after the tasks.

        Parameters
        ----------
        filepath : str or path-like
            Where to.
        format : str, default="tf_saved_model"
            "tf_saved_model", "onnx" or another that ``keras.Model.export`` knows.
        **settings : object
            As ``keras.Model.export`` takes them.
        """
        named = keras.Model(self.inputs[0], dict(zip(self.output_names, self.outputs, strict=True)), name=self.name)
        named(np.zeros((1, *self.inputs[0].shape[1:]), dtype=np.float32))
        with warnings.catch_warnings():
            # Keras 3.15 asks numpy for a name that it is to get back.
            warnings.filterwarnings("ignore", "In the future `np.object`", FutureWarning)
            keras.Model.export(named, filepath, format=format, **settings)
