"""Export a fitted estimator as one ONNX graph, from the columns of X to the outputs of each task."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .._records import Task
from .._versions import __version__
from ._blend import blend_quantities, largest_comparison
from ._graph import IR_VERSION, ML_OPSET, OPSET, Graph
from ._inputs import Input, inputs_of, read_columns, value_infos
from ._network import network_quantities

# Limits of a chunk of rows: few enough that intermediate results stay in the processor's cache and memory is bounded.
_ROWS, _MOST_VALUES = 256, 1 << 20


def to_onnx(
    estimator: Any,
    path: str | os.PathLike[str] | None = None,
    *,
    inputs: Literal["auto", "columns", "table"] = "auto",
    dtype: Literal["float64", "float32"] = "float64",
) -> Any:
    """Export a fitted estimator to ONNX, to predict without skmtl or Python.

    The graph contains the whole estimator: encoding of categories and missing values, all networks and kernel models
    of a blend, and conversion to the units of y. It takes any number of rows.

    Parameters
    ----------
    estimator : estimator
        A fitted skmtl estimator, or a task grouping.
    path : str or path-like, default=None
        File to write. None writes no file.
    inputs : {"auto", "columns", "table"}, default="auto"
        "columns" makes one input per column of X, of shape (rows, 1), with the column's name ("x0", "x1", … if
        ``fit`` saw no names). Columns of string categories take strings, all others numbers. "table" makes a single
        input "X" of numbers, of shape (rows, columns); if X has categories, get it from
        :meth:`~skmtl.MultiTaskKerasRegressor.model_input`. "auto" is "columns" if X has categories, else "table".
    dtype : {"float64", "float32"}, default="float64"
        Type of the numeric inputs.

    Returns
    -------
    model : onnx.ModelProto
        The ONNX model. A regression has one output of shape (rows, 1), named after the task. A classification has
        two: labels of shape (rows,), named after the task, and probabilities of shape (rows, classes), with
        "_probabilities" appended to the name.

    Raises
    ------
    NotFittedError
        If the estimator is not fitted.
    TypeError
        If the estimator is not one of skmtl's, or the categories of a column are neither all strings nor all numbers.

    See Also
    --------
    save : Saves the estimator itself.

    Notes
    -----
    Pass missing numbers, and missing categories that are numbers, as NaN; pass missing string categories as empty
    strings. Labels that are neither strings nor numbers are output as strings.

    The graph computes in float64, as ``predict`` does for up to 1,024 rows. Networks with another architecture than
    "shared_bottom", and those of ``model=``, are converted by tf2onnx in float32; this fails if a layer has no ONNX
    form. The error function of ``activation="gelu"`` is float32 too, because onnxruntime 1.32 has none in float64.

    Examples
    --------
    >>> import numpy as np
    >>> import skmtl
    >>> from skmtl.datasets import make_related_tasks
    >>> X, y = make_related_tasks(100, 5, 2, random_state=0)
    >>> model = skmtl.MultiTaskKerasRegressor(hidden_layer_sizes=8, epochs=3, ensemble_size=1).fit(X, y)
    >>> import onnxruntime
    >>> session = onnxruntime.InferenceSession(skmtl.to_onnx(model).SerializeToString())
    >>> [output.name for output in session.get_outputs()]
    ['y0', 'y1']
    >>> first, second = session.run(None, {"X": X})
    >>> bool(np.allclose(np.hstack([first, second]), model.predict(X)))
    True
    """
    import onnx

    parts = _fitted_parts(estimator)
    first = parts[0]
    if inputs not in ("auto", "columns", "table") or dtype not in ("float64", "float32"):
        raise ValueError(
            'inputs should be "auto", "columns" or "table", and dtype "float64" or "float32", got '
            f"{inputs!r} and {dtype!r}."
        )
    levels = first.network_.features.levels
    names = [str(name) for name in getattr(first, "feature_names_in_", ())]
    names = names or [f"x{i}" for i in range(first.n_features_in_)]
    by_name = inputs == "columns" or (inputs == "auto" and len(levels.columns) > 0)
    declared = inputs_of(levels, names, by_name)
    graph = Graph([*names, *estimator.task_names_])
    outputs = _Outputs([one.name for one in declared])
    chunk = [graph.new_name() for _ in declared]
    for part in parts:
        columns = read_columns(graph, part.network_.features.levels, declared, chunk)
        quantities = _quantities(graph, part, columns)
        for task, value, classes in zip(part.network_.tasks, quantities, part.network_.targets.classes, strict=True):
            outputs.add(graph, task, value, classes)
    outputs.order(estimator.task_names_)
    nodes = _loop_over_rows(graph, declared, chunk, outputs, min(_chunk_size(part) for part in parts))
    proto = onnx.helper.make_graph(nodes, "skmtl", value_infos(declared, dtype), outputs.declared(), graph.constants)
    opsets = [onnx.helper.make_opsetid("", OPSET), onnx.helper.make_opsetid("ai.onnx.ml", ML_OPSET)]
    model = onnx.helper.make_model(proto, opset_imports=opsets, ir_version=IR_VERSION)
    model.producer_name, model.producer_version = "skmtl", __version__
    onnx.checker.check_model(model)
    if path is not None:
        onnx.save(model, os.fspath(path))
    return model


def _fitted_parts(estimator: Any) -> list[Any]:
    """The estimators that have a network: the estimator itself, or one per group of tasks."""
    from ..estimators._base import BaseMultiTask

    if isinstance(estimator, type) or not hasattr(estimator, "fit"):
        raise TypeError(f"to_onnx exports fitted skmtl estimators, got {estimator!r}.")
    check_is_fitted(estimator)
    parts = getattr(estimator, "estimators_", [estimator])
    other = next((part for part in parts if not isinstance(part, BaseMultiTask)), None)
    if other is not None:
        raise TypeError(
            f"to_onnx exports skmtl estimators and task groupings, got {type(other).__name__}. For a pipeline or a "
            "search, pass the fitted estimator inside it, and convert the steps before it with skl2onnx."
        )
    return list(parts)


def _quantities(graph: Graph, estimator: Any, columns: Any) -> list[str]:
    """Per task, (rows, 1) predictions in the units of y for a regression, (rows, classes) probabilities otherwise."""
    if estimator.blend_ is not None:
        return blend_quantities(graph, estimator.blend_, columns)
    network = estimator.network_
    quantities = network_quantities(graph, network, columns)
    return [
        graph("Add", graph("Mul", value, network.scaling.scale[i]), network.scaling.shift[i])
        if network.tasks[i].kind == "regression"
        else value
        for i, value in enumerate(quantities)
    ]


def _chunk_size(estimator: Any) -> int:
    """Number of rows that go through the graph at a time."""
    comparison = 0 if estimator.blend_ is None else largest_comparison(estimator.blend_)
    return int(np.clip(_MOST_VALUES // max(1, comparison), 8, _ROWS))


class _Outputs:
    """Outputs of the graph: names, values, types and widths."""

    def __init__(self, taken: Sequence[str]) -> None:
        self._taken = set(taken)
        self._by_task: dict[str, list[tuple[str, str, int, int | None]]] = {}

    def add(self, graph: Graph, task: Task, value: str, classes: np.ndarray | None) -> None:
        """Add the outputs of one task."""
        import onnx

        if classes is None:
            self._by_task[task.name] = [(self._free_name(task.name), value, onnx.TensorProto.DOUBLE, 1)]
            return
        labels, kind = _labels(classes)
        label = graph("Gather", labels, graph("ArgMax", value, axis=1, keepdims=0))
        self._by_task[task.name] = [
            (self._free_name(task.name), label, kind, None),
            (self._free_name(f"{task.name}_probabilities"), value, onnx.TensorProto.DOUBLE, len(classes)),
        ]

    def order(self, tasks: Sequence[str]) -> None:
        """Put the tasks into this order."""
        self._by_task = {task: self._by_task[task] for task in tasks}

    def declared(self) -> list[Any]:
        """Declarations of the outputs for ONNX."""
        import onnx

        return [
            onnx.helper.make_tensor_value_info(name, kind, ["rows"] if width is None else ["rows", width])
            for name, _, kind, width in self.entries()
        ]

    def entries(self) -> list[tuple[str, str, int, int | None]]:
        """Name, value in the graph, type and width of each output."""
        return [entry for entries in self._by_task.values() for entry in entries]

    def _free_name(self, name: str) -> str:
        """The name, with underscores appended if an input or another output already has it."""
        while name in self._taken:
            name += "_"
        self._taken.add(name)
        return name


def _labels(classes: np.ndarray) -> tuple[np.ndarray, int]:
    """Labels in a type that ONNX has, and that type."""
    import onnx

    values = classes.tolist()
    if all(isinstance(label, bool) for label in values):
        return np.array(values, dtype=bool), onnx.TensorProto.BOOL
    if all(isinstance(label, int) and -(2**63) <= label < 2**63 for label in values):
        return np.array(values, dtype=np.int64), onnx.TensorProto.INT64
    if all(isinstance(label, float) for label in values):
        return np.array(values, dtype=np.float64), onnx.TensorProto.DOUBLE
    return np.array([str(label) for label in values], dtype=object), onnx.TensorProto.STRING


def _loop_over_rows(
    graph: Graph, inputs: Sequence[Input], chunk: list[str], outputs: _Outputs, n_rows: int
) -> list[Any]:
    """Nodes that run the graph on chunks of ``n_rows`` rows in a loop, and concatenate the results."""
    from onnx import TensorProto, helper

    entries = outputs.entries()
    rows, zero, true = (graph.constant(np.array(value)) for value in ([n_rows], [0], True))
    step, condition, next_condition, start, stop = (graph.new_name() for _ in range(5))
    empty, before, after, chunks = ([graph.new_name() for _ in entries] for _ in range(4))

    def sequence_infos(names: list[str]) -> list[Any]:
        pairs = zip(names, entries, strict=True)
        return [helper.make_tensor_sequence_value_info(name, kind, None) for name, (_, _, kind, _) in pairs]

    body = helper.make_graph(
        [
            helper.make_node("Mul", [step, rows], [start]),
            helper.make_node("Add", [start, rows], [stop]),
            *(
                helper.make_node("Slice", [one.name, start, stop, zero], [name])
                for one, name in zip(inputs, chunk, strict=True)
            ),
            *graph.nodes,
            *(
                helper.make_node("SequenceInsert", [old, value], [new])
                for old, (_, value, _, _), new in zip(before, entries, after, strict=True)
            ),
            helper.make_node("Identity", [condition], [next_condition]),
        ],
        "rows",
        [
            helper.make_tensor_value_info(step, TensorProto.INT64, []),
            helper.make_tensor_value_info(condition, TensorProto.BOOL, []),
            *sequence_infos(before),
        ],
        [helper.make_tensor_value_info(next_condition, TensorProto.BOOL, []), *sequence_infos(after)],
    )
    count, rounded, steps, n_steps = (graph.new_name() for _ in range(4))
    return [
        helper.make_node("Shape", [inputs[0].name], [count], start=0, end=1),
        helper.make_node("Add", [count, graph.constant(np.array([n_rows - 1]))], [rounded]),
        helper.make_node("Div", [rounded, rows], [steps]),
        helper.make_node("Squeeze", [steps], [n_steps]),
        *(
            helper.make_node("SequenceEmpty", [], [name], dtype=kind)
            for name, (_, _, kind, _) in zip(empty, entries, strict=True)
        ),
        helper.make_node("Loop", [n_steps, true, *empty], chunks, body=body),
        *(
            helper.make_node("ConcatFromSequence", [name], [output], axis=0)
            for name, (output, _, _, _) in zip(chunks, entries, strict=True)
        ),
    ]
