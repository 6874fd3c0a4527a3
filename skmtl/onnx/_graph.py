"""Builder of ONNX graphs: calling it adds an operation, and arrays become constants."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

# Supported by onnxruntime 1.17 and later.
OPSET, ML_OPSET, IR_VERSION = 18, 3, 9


class Graph:
    """Nodes and constants of a graph; values are referred to by name.

    Parameters
    ----------
    taken : iterable of str
        Names of inputs and outputs; names of other values are chosen to differ from them.
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
        """Return an unused name."""
        self._count += 1
        return f"{self._prefix}{self._count}"

    def __call__(self, operation: str, *inputs: Any, domain: str = "", **attributes: Any) -> str:
        """Add an operation and return the name of its output; inputs are names or arrays."""
        import onnx

        name = self.new_name()
        names = [one if isinstance(one, str) else self.constant(one) for one in inputs]
        self.nodes.append(onnx.helper.make_node(operation, names, [name], domain=domain, **attributes))
        return name

    def constant(self, array: Any) -> str:
        """Return the name of a constant; equal arrays are stored once."""
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
        """Add an operation that takes its axes as an input, such as Unsqueeze, Squeeze or ReduceSum."""
        return self(operation, value, np.array(axes, dtype=np.int64), **attributes)

    def reshaped(self, value: str, *shape: int) -> str:
        """Reshape a value; -1 infers a size, 0 keeps it."""
        return self("Reshape", value, np.array(shape, dtype=np.int64))

    def joined(self, values: list[str], axis: int) -> str:
        """Concatenate values along an axis."""
        return values[0] if len(values) == 1 else self("Concat", *values, axis=axis)

    def clipped(self, value: Any, low: Any, high: Any) -> str:
        """Clip a value to bounds."""
        return self("Min", self("Max", value, low), high)

    def cast(self, value: str, dtype: Any) -> str:
        """Cast a value to another dtype."""
        import onnx

        return self("Cast", value, to=onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))
