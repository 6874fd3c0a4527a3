"""Graph of a fitted network: a shared bottom node by node in float64, all others through tf2onnx in float32."""

from __future__ import annotations

import math
import tempfile

import numpy as np

from .._records import InputLayout, NetworkSpec
from ..inference import has_numpy_form, input_shapes, parameter_shapes
from ..inference._fitted import FittedNetwork
from ._activations import ACTIVATIONS, LINKS
from ._features import Columns, Encoded, encode
from ._graph import OPSET, Graph


def network_quantities(graph: Graph, network: FittedNetwork, columns: Columns) -> list[str]:
    """Per task, (rows, 1) scaled predictions for a regression, (rows, classes) probabilities otherwise."""
    encoded = encode(graph, network.features, columns)
    if network.spec is not None and has_numpy_form(network.spec):
        linked = _shared_bottom(graph, network.spec, network.parameters, encoded)
    else:
        linked = _by_tf2onnx(graph, network, encoded.matrix(graph))
    pairs = zip(linked, network.tasks, strict=True)
    return [
        value if task.kind == "regression" else _probabilities(graph, value, len(task.classes), head.units)
        for (value, task), head in zip(pairs, network.heads, strict=True)
    ]


def _probabilities(graph: Graph, value: str, n_classes: int, units: int) -> str:
    if n_classes == 1:
        value = graph.axes("ReduceSum", value, 1, keepdims=1)
        return graph("Add", graph("Mul", value, np.float64(0)), np.float64(1))
    if units == 1:
        value = graph.joined([graph("Sub", np.float64(1), value), value], axis=1)
    return graph("Div", value, graph.axes("ReduceSum", value, 1, keepdims=1))


def _shared_bottom(graph: Graph, spec: NetworkSpec, parameters: np.ndarray, encoded: Encoded) -> list[str]:
    """Linked outputs of each head, (rows, units), averaged over members."""
    blocks = _split_parameters(spec, parameters)
    first = len(input_shapes(spec.inputs))
    hidden = _embed(graph, spec, blocks[:first], encoded)
    layers = list(zip(blocks[first::2], blocks[first + 1 :: 2], strict=True))
    depth = len(spec.hidden_layer_sizes)
    activation = ACTIVATIONS[spec.activation]
    for kernel, bias in layers[:depth]:
        hidden = activation(graph, graph("Add", graph("MatMul", hidden, kernel), bias))
    if spec.head_layer_sizes:
        hidden = graph.axes("Unsqueeze", hidden, 1)
        for kernel, bias in layers[depth:-1]:
            hidden = activation(graph, graph("Add", graph("MatMul", hidden, kernel), bias))
    kernel, bias = layers[-1]
    raw = graph("Add", graph("MatMul", hidden, kernel), bias)
    outputs, start = [], 0
    for task, head in enumerate(spec.heads):
        own = raw
        if spec.head_layer_sizes:
            own, start = graph("Gather", raw, np.int64(task), axis=1), 0
        own = graph("Gather", own, np.arange(start, start + head.units), axis=-1)
        outputs.append(graph.axes("ReduceMean", LINKS[head.link](graph, own), 0, keepdims=0))
        start += head.units
    return outputs


def _split_parameters(spec: NetworkSpec, parameters: np.ndarray) -> list[np.ndarray]:
    """Split flat parameters into variables, (members, …) each, in float64."""
    blocks, start = [], 0
    for shape in parameter_shapes(spec):
        stop = start + math.prod(shape)
        blocks.append(parameters[:, start:stop].astype(np.float64).reshape(spec.members, *shape))
        start = stop
    return blocks


def _embed(graph: Graph, spec: NetworkSpec, variables: list[np.ndarray], encoded: Encoded) -> str:
    """Inputs of the first hidden layer, (members or 1, rows, width)."""
    layout, parts = spec.inputs or InputLayout(), []
    embedding = layout.numeric_embedding
    if embedding is not None and encoded.embedded is not None:
        by_column = graph.axes("Unsqueeze", graph("Transpose", encoded.embedded, perm=[1, 0]), 2)
        if encoded.bins is not None:
            parts.append(_piecewise_linear(graph, by_column, encoded.bins, *variables[:3]))
        else:
            parts.append(_periodic(graph, by_column, *variables[:4]))
    if encoded.plain is not None:
        plain = graph.axes("Unsqueeze", encoded.plain, 0)
        members = spec.members if parts or encoded.slots else 1
        parts.append(graph("Expand", plain, np.array([members, 1, 1])) if members > 1 else plain)
    if encoded.slots:
        parts.append(_categories(graph, encoded.slots, variables[-1]))
    return graph.joined(parts, axis=2)


def _piecewise_linear(
    graph: Graph, values: str, bins: str, slope: np.ndarray, bias: np.ndarray, kernel: np.ndarray
) -> str:
    """Piecewise-linear embedding, (members, rows, columns * dim).

    Slope and bias are (members, columns, dim), the kernel is (members, columns, bins, dim).
    """
    members, columns, dim = slope.shape
    slopes, biases = (array.swapaxes(0, 1).reshape(columns, 1, -1) for array in (slope, bias))
    linear = graph("Add", graph("Mul", values, slopes), biases)
    by_bin = np.moveaxis(kernel, 0, 2).reshape(columns, kernel.shape[2], -1)
    piecewise = graph("MatMul", bins, _trained_rows(graph, by_bin, bins))
    mixed = graph.reshaped(graph("Add", linear, piecewise), columns, -1, members, dim)
    return graph.reshaped(graph("Transpose", mixed, perm=[2, 1, 0, 3]), members, -1, columns * dim)


def _trained_rows(graph: Graph, kernel: np.ndarray, bins: str) -> str:
    """The kernel's first rows, one per bin; the remaining rows are padding that was never trained."""
    width = graph("Shape", bins, start=2)
    return graph("Slice", kernel, np.array([0]), width, np.array([1]))


def _periodic(
    graph: Graph, values: str, frequency: np.ndarray, phase: np.ndarray, kernel: np.ndarray, bias: np.ndarray
) -> str:
    """Periodic embedding, (members, rows, columns * dim); all variables are (members, columns, …)."""
    members, columns = frequency.shape[:2]
    angles = graph("Mul", values, 2 * np.pi * frequency[:, :, None, :])
    cosines = graph("Cos", graph("Add", angles, phase[:, :, None, :]))
    # One bias per column, (members, columns, 1, dim - 1), is added to all rows.
    mixed = graph("Add", graph("MatMul", cosines, kernel), bias.reshape(members, columns, 1, -1))
    own = graph("Expand", graph.axes("Unsqueeze", values, 0), np.array([members, 1, 1, 1]))
    both = graph("Transpose", graph("Concat", own, mixed, axis=3), perm=[0, 2, 1, 3])
    return graph.reshaped(both, members, -1, columns * (kernel.shape[-1] + 1))


def _categories(graph: Graph, slots: tuple[str, ...], table: np.ndarray) -> str:
    """Rows of the embedding table (members, rows, dim); slot -1 gets a row of zeros."""
    members, n_rows, dim = table.shape
    padded = np.concatenate([table, np.zeros((members, 1, dim))], axis=1)
    numbers = graph.joined(list(slots), axis=1)
    rows = graph("Where", graph("Less", numbers, np.int64(0)), np.int64(n_rows), numbers)
    return graph.reshaped(graph("Gather", padded, rows, axis=1), members, -1, len(slots) * dim)


def _by_tf2onnx(graph: Graph, network: FittedNetwork, inputs: str) -> list[str]:
    """Linked outputs of any other network for encoded inputs (rows, columns), taken from Keras' own export."""
    import onnx

    model = network.encoded_keras_model()
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/network.onnx"
        model.export(path, format="onnx", opset_version=OPSET, verbose=False)
        exported = onnx.load(path)
    prefix = f"{graph.new_name()}/"
    part = onnx.compose.add_prefix(exported, prefix).graph
    single = graph.cast(inputs, np.float32)
    for node in part.node:
        for position, name in enumerate(node.input):
            if name == part.input[0].name:
                node.input[position] = single
    graph.constants += part.initializer
    graph.nodes += part.node
    return [graph.cast(prefix + name, np.float64) for name in model.output_names]
