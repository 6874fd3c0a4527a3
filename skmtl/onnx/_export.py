"""A fitted estimator as one ONNX file: from the columns of X to an output a task."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .._records import Task
from .._versions import __version__
from ._blend import blend_quantities, most_numbers
from ._graph import IR_VERSION, ML_OPSET, OPSET, Graph
from ._inputs import Input, inputs_of, read_columns, value_infos
from ._network import network_quantities

# Rows go through the graph so many at a time: what lies between stays in the processor's cache, and memory is bounded.
_ROWS, _MOST_NUMBERS = 256, 1 << 20


def to_onnx(
    estimator: Any,
    path: str | os.PathLike[str] | None = None,
    *,
    inputs: Literal["auto", "columns", "table"] = "auto",
    dtype: Literal["float64", "float32"] = "float64",
) -> Any:
    """Write a fitted estimator as an ONNX model, for onnxruntime and others, which know neither skmtl nor Python.

    The whole estimator is one graph: encoding of categories and missing values, all networks and regressions of a
    blend, and the units of y. It takes any number of rows.

    Parameters
    ----------
    estimator : estimator
        A fitted estimator of skmtl's, or a task grouping of these.
    path : str or path-like, default=None
        File to write; None writes none.
    inputs : {"auto", "columns", "table"}, default="auto"
        "columns" makes an input of each column of X, (rows, 1), under its name ("x0", "x1", … where ``fit`` saw no
        names): strings for a category of strings, numbers else. "table" makes one input "X", (rows, columns), of
        numbers, as :meth:`~skmtl.MultiTaskKerasRegressor.model_input` gives them where there are categories. "auto"
        is "columns" where X has categories, and "table" else.
    dtype : {"float64", "float32"}, default="float64"
        Type of the inputs that are numbers.

    Returns
    -------
    model : onnx.ModelProto
        The model. A regression has one output, named after the task: (rows, 1). A classification has two: labels
        (rows,) under the task's name, and probabilities (rows, classes) under the name with "_probabilities".

    Raises
    ------
    NotFittedError
        Where the estimator is not fitted.
    TypeError
        For other estimators, and for a column whose categories are neither all strings nor all numbers.

    See Also
    --------
    save : Keeps the estimator itself.

    Notes
    -----
    A missing number is NaN; a missing category of strings is the empty string, of numbers NaN. Labels that are neither
    strings nor numbers are given as strings.

    Arithmetic is float64, as ``predict`` has it for up to 1,024 rows. Networks of other architectures than
    "shared_bottom", and those of ``model=``, are converted by tf2onnx, in float32, and have to have an ONNX form.
    onnxruntime 1.32 has no error function in float64: with ``activation="gelu"`` that too is float32.

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
        quantities = _quantities(graph, part, read_columns(graph, part.network_.features.levels, declared, chunk))
        for task, value, classes in zip(part.network_.tasks, quantities, part.network_.targets.classes, strict=True):
            outputs.add(graph, task, value, classes)
    outputs.order(estimator.task_names_)
    body = _over_rows(graph, declared, chunk, outputs, min(_rows_at_a_time(part) for part in parts))
    whole = onnx.helper.make_graph(body, "skmtl", value_infos(declared, dtype), outputs.declared(), graph.constants)
    opsets = [onnx.helper.make_opsetid("", OPSET), onnx.helper.make_opsetid("ai.onnx.ml", ML_OPSET)]
    model = onnx.helper.make_model(whole, opset_imports=opsets, ir_version=IR_VERSION)
    model.producer_name, model.producer_version = "skmtl", __version__
    onnx.checker.check_model(model)
    if path is not None:
        onnx.save(model, os.fspath(path))
    return model


def _fitted_parts(estimator: Any) -> list[Any]:
    """The estimators that have a network: itself, or one a group of tasks."""
    from ..estimators._base import BaseMultiTask

    if isinstance(estimator, type) or not hasattr(estimator, "fit"):
        raise TypeError(f"to_onnx writes fitted estimators of skmtl's, got {estimator!r}.")
    check_is_fitted(estimator)
    parts = getattr(estimator, "estimators_", [estimator])
    other = next((part for part in parts if not isinstance(part, BaseMultiTask)), None)
    if other is not None:
        raise TypeError(
            f"to_onnx writes estimators of skmtl's and task groupings of these, got {type(other).__name__}. Of a "
            "pipeline or a search, pass the fitted estimator in it, and convert the steps before it by skl2onnx."
        )
    return list(parts)


def _quantities(graph: Graph, estimator: Any, columns: Any) -> list[str]:
    """Per task: predictions of a regression (rows, 1) in its units, class probabilities else."""
    if estimator.blend_ is not None:
        return blend_quantities(graph, estimator.blend_, columns)
    network = estimator.network_
    found = network_quantities(graph, network, columns)
    return [
        graph("Add", graph("Mul", value, network.scaling.scale[i]), network.scaling.shift[i])
        if network.tasks[i].kind == "regression"
        else value
        for i, value in enumerate(found)
    ]


def _rows_at_a_time(estimator: Any) -> int:
    compared = 0 if estimator.blend_ is None else most_numbers(estimator.blend_)
    return int(np.clip(_MOST_NUMBERS // max(1, compared), 8, _ROWS))


class _Outputs:
    """Outputs of the graph: names, values in it, dtypes and widths."""

    def __init__(self, taken: Sequence[str]) -> None:
        self._taken = set(taken)
        self._found: dict[str, list[tuple[str, str, int, int | None]]] = {}

    def add(self, graph: Graph, task: Task, value: str, classes: np.ndarray | None) -> None:
        """The outputs of one task."""
        import onnx

        if classes is None:
            self._found[task.name] = [(self._name(task.name), value, onnx.TensorProto.DOUBLE, 1)]
            return
        labels, kind = _labels(classes)
        label = graph("Gather", labels, graph("ArgMax", value, axis=1, keepdims=0))
        self._found[task.name] = [
            (self._name(task.name), label, kind, None),
            (self._name(f"{task.name}_probabilities"), value, onnx.TensorProto.DOUBLE, len(classes)),
        ]

    def order(self, tasks: Sequence[str]) -> None:
        """Put the tasks into this order."""
        self._found = {task: self._found[task] for task in tasks}

    def declared(self) -> list[Any]:
        """The outputs as ONNX declares them."""
        import onnx

        return [
            onnx.helper.make_tensor_value_info(name, kind, ["rows"] if width is None else ["rows", width])
            for name, _, kind, width in self.entries()
        ]

    def entries(self) -> list[tuple[str, str, int, int | None]]:
        """Name, value in the graph, type and width of each output."""
        return [entry for found in self._found.values() for entry in found]

    def _name(self, wanted: str) -> str:
        """The name; where a column of X has it, another."""
        while wanted in self._taken:
            wanted += "_"
        self._taken.add(wanted)
        return wanted


def _labels(classes: np.ndarray) -> tuple[np.ndarray, int]:
    """Labels as ONNX has them, and their type."""
    import onnx

    values = classes.tolist()
    if all(isinstance(label, bool) for label in values):
        return np.array(values, dtype=bool), onnx.TensorProto.BOOL
    if all(isinstance(label, int) and -(2**63) <= label < 2**63 for label in values):
        return np.array(values, dtype=np.int64), onnx.TensorProto.INT64
    if all(isinstance(label, float) for label in values):
        return np.array(values, dtype=np.float64), onnx.TensorProto.DOUBLE
    return np.array([str(label) for label in values], dtype=object), onnx.TensorProto.STRING


def _over_rows(graph: Graph, inputs: Sequence[Input], chunk: list[str], outputs: _Outputs, n_rows: int) -> list[Any]:
    """Nodes that run the graph over the rows, some at a time, and put the results together."""
    from onnx import TensorProto, helper

    entries = outputs.entries()
    rows, zero, true = (graph.constant(np.array(value)) for value in ([n_rows], [0], True))
    step, go_on, still, start, stop = (graph.new_name() for _ in range(5))
    empty, before, after, together = ([graph.new_name() for _ in entries] for _ in range(4))

    def of_sequences(names: list[str]) -> list[Any]:
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
                helper.make_node("SequenceInsert", [so_far, value], [now])
                for so_far, (_, value, _, _), now in zip(before, entries, after, strict=True)
            ),
            helper.make_node("Identity", [go_on], [still]),
        ],
        "rows",
        [
            helper.make_tensor_value_info(step, TensorProto.INT64, []),
            helper.make_tensor_value_info(go_on, TensorProto.BOOL, []),
            *of_sequences(before),
        ],
        [helper.make_tensor_value_info(still, TensorProto.BOOL, []), *of_sequences(after)],
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
        helper.make_node("Loop", [n_steps, true, *empty], together, body=body),
        *(
            helper.make_node("ConcatFromSequence", [name], [output], axis=0)
            for name, (output, _, _, _) in zip(together, entries, strict=True)
        ),
    ]
