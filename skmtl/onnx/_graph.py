"""A graph of ONNX in the making: an operation is a call, and arrays become constants."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

# What onnxruntime from 1.17 on has.
OPSET, ML_OPSET, IR_VERSION = 18, 3, 9


class Graph:
    """Nodes and constants; values are known by their names.

    Parameters
    ----------
    taken : iterable of str
        Names of the caller's, which no value within begins with.
    """

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._prefix = "value_"
        while any(name.startswith(self._prefix) for name in taken):
            self._prefix += "_"
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self._names: dict[tuple[Any, ...], str] = {}
        self._count = 0

    def new_name(self) -> str:
        """A name that nothing has yet."""
        self._count += 1
        return f"{self._prefix}{self._count}"

    def __call__(self, operation: str, *inputs: Any, domain: str = "", **attributes: Any) -> str:
        """The name of what an operation gives; inputs are names or arrays."""
        import onnx

        name = self.new_name()
        names = [one if isinstance(one, str) else self.constant(one) for one in inputs]
        self.nodes.append(onnx.helper.make_node(operation, names, [name], domain=domain, **attributes))
        return name

    def constant(self, array: Any) -> str:
        """The name of a constant; the same array is kept once."""
        import onnx

        array = np.asarray(array)
        key = (array.dtype.str, array.shape, array.tobytes() if array.dtype != object else tuple(array.ravel()))
        if key not in self._names:
            self._names[key] = self.new_name()
            text = array.dtype.kind in "OU"
            tensor = onnx.numpy_helper.from_array(array.astype(object) if text else array, self._names[key])
            self.constants.append(tensor)
        return self._names[key]

    def axes(self, operation: str, value: Any, *axes: int, **attributes: Any) -> str:
        """An operation along axes, which it takes as an input: Unsqueeze, Squeeze, ReduceSum and others."""
        return self(operation, value, np.array(axes, dtype=np.int64), **attributes)

    def reshaped(self, value: str, *shape: int) -> str:
        """The value in another shape; -1 is what remains, 0 is as it was."""
        return self("Reshape", value, np.array(shape, dtype=np.int64))

    def joined(self, values: list[str], axis: int) -> str:
        """Values side by side along an axis."""
        return values[0] if len(values) == 1 else self("Concat", *values, axis=axis)

    def clipped(self, value: Any, low: Any, high: Any) -> str:
        """The value between two others."""
        return self("Min", self("Max", value, low), high)

    def cast(self, value: str, dtype: Any) -> str:
        """The value as another dtype."""
        import onnx

        return self("Cast", value, to=onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))
