"""Inputs of the graph: one table of numbers, or the named columns of a DataFrame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from ..features import CategoryLevels
from ._features import Columns
from ._graph import Graph

TABLE = "X"


@dataclass(frozen=True)
class Input:
    """One input: its name, number of columns, whether it takes strings, and whether it is the whole table X."""

    name: str
    n_columns: int
    text: bool = False
    table: bool = False


def inputs_of(levels: CategoryLevels, names: Sequence[str], by_name: bool) -> list[Input]:
    """Inputs of an estimator with these category levels."""
    if not by_name:
        return [Input(TABLE, len(names), table=True)]
    text = {
        position: _is_text(names[position], known)
        for position, known in zip(levels.columns, levels.levels, strict=True)
    }
    return [Input(name, 1, text.get(position, False)) for position, name in enumerate(names)]


def _is_text(name: str, levels: np.ndarray) -> bool:
    if all(isinstance(level, str) for level in levels):
        return True
    if all(isinstance(level, Real | np.bool_) for level in levels):
        return False
    kinds = sorted({type(level).__name__ for level in levels})
    raise TypeError(
        f"to_onnx: the column {name!r} has categories of the types {', '.join(kinds)}, but an ONNX input holds either "
        "strings or numbers. Convert them to strings before fit."
    )


def read_columns(graph: Graph, levels: CategoryLevels, inputs: Sequence[Input], values: Sequence[str]) -> Columns:
    """Read numeric columns and level codes from ``values``, a chunk of the inputs' rows."""
    table = inputs[0].table
    if table:
        numbers = graph.cast(values[0], np.float64)
        if not levels.columns:
            return Columns(numbers, ())
        positions = [np.array([position], dtype=np.int64) for position in range(inputs[0].n_columns)]
        values = [graph("Gather", numbers, position, axis=1) for position in positions]
    entries = {}
    for position, known in zip(levels.columns, levels.levels, strict=True):
        read = _codes_of_codes if table else _codes_of_strings if inputs[position].text else _codes_of_numbers
        entries[position] = read(graph, values[position], known)
    numeric = [graph.cast(value, np.float64) for i, value in enumerate(values) if i not in entries]
    return Columns(graph.joined(numeric, axis=1) if numeric else None, tuple(entries.values()))


def _codes_of_strings(graph: Graph, value: str, levels: np.ndarray) -> str:
    """Level codes of strings; the empty string is a missing value unless it is a level."""
    keys, numbers = [str(level) for level in levels], list(range(len(levels)))
    if "" not in keys:
        keys, numbers = [*keys, ""], [*numbers, len(levels) + 1]
    return graph(
        "LabelEncoder",
        value,
        domain="ai.onnx.ml",
        keys_strings=keys,
        values_int64s=numbers,
        default_int64=len(levels),
    )


def _codes_of_numbers(graph: Graph, value: str, levels: np.ndarray) -> str:
    """Level codes of numbers; NaN is a missing value."""
    number, n_levels = graph.cast(value, np.float64), len(levels)
    missing = graph("IsNaN", number)
    # Sums code - n over equal levels, then adds n: a number that equals no level gets n, the code of an unseen level.
    equal = graph.cast(graph("Equal", number, np.array([*map(float, levels)])[None]), np.float64)
    offset = graph.axes("ReduceSum", graph("Mul", equal, np.arange(n_levels) - float(n_levels)), 1, keepdims=1)
    entry = graph.cast(graph("Add", offset, np.float64(n_levels)), np.int64)
    return graph("Where", missing, np.int64(n_levels + 1), entry)


def _codes_of_codes(graph: Graph, value: str, levels: np.ndarray) -> str:
    """Level codes of numbers that are codes already; NaN is a missing value, any other number an unseen level."""
    n_levels = len(levels)
    code, missing = graph.cast(value, np.float64), graph("IsNaN", value)
    known = graph("And", graph("GreaterOrEqual", code, np.float64(0)), graph("Less", code, np.float64(n_levels)))
    entry = graph("Where", known, code, np.float64(n_levels))
    return graph.cast(graph("Where", missing, np.float64(n_levels + 1), entry), np.int64)


def value_infos(inputs: Sequence[Input], dtype: Any) -> list[Any]:
    """Declarations of the inputs for ONNX, with any number of rows."""
    import onnx

    number = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    return [
        onnx.helper.make_tensor_value_info(
            one.name, onnx.TensorProto.STRING if one.text else number, ["rows", one.n_columns]
        )
        for one in inputs
    ]
