"""Prediction in numpy, if that is quicker, or by a compiled forward pass, the only part that imports TensorFlow."""

from ._inputs import input_shapes
from ._numpy import EXACT_ROWS, has_numpy_form, numpy_outputs, parameter_shapes

__all__ = ["EXACT_ROWS", "has_numpy_form", "input_shapes", "numpy_outputs", "parameter_shapes"]
