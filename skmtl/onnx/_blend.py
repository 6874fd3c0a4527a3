"""Graph of a blend: weighted networks and kernel regressions, mixed with the blend for shifted rows."""

from __future__ import annotations

import numpy as np

from ..blending._columns import LEAST_PROBABILITY
from ..blending._columns import Columns as Layout
from ..blending._fitted import NEVER, BlendPart, FittedBlend, ShiftedBlend, offsets
from ..blending._shift_detector import ShiftDetector
from ..kernels import KernelModel
from ._features import Columns, encode
from ._graph import Graph
from ._network import network_quantities


def blend_quantities(graph: Graph, blend: FittedBlend, columns: Columns) -> list[str]:
    """Per task, (rows, 1) predictions in the units of y for a regression, (rows, classes) probabilities otherwise."""
    total = _total(graph, blend, columns)
    if blend.shifted is not None:
        probability = _shift_probability(graph, blend.shifted, columns)
        share = graph("Where", graph("Greater", probability, np.float64(NEVER)), probability, np.float64(0))
        shifted = _total(graph, blend.shifted.blend, columns)
        total = graph("Add", total, graph("Mul", share, graph("Sub", shifted, total)))
    layout, outputs, start = blend.layout, [], 0
    for i, width in enumerate(layout.widths):
        own = graph("Gather", total, np.arange(start, start + width), axis=1)
        if layout.tasks[i].kind == "regression":
            own = graph("Add", graph("Mul", own, layout.scaling.scale[i]), layout.scaling.shift[i])
        else:
            own = graph("Max", own, np.float64(LEAST_PROBABILITY))
            own = graph("Div", own, graph.axes("ReduceSum", own, 1, keepdims=1))
        outputs.append(own)
        start += width
    return outputs


def largest_comparison(blend: FittedBlend) -> int:
    """Largest number of values that a row is compared with at once, for distances that are sums of differences."""
    sizes = [
        part.kernel_model.points.size
        for part in blend.parts
        if part.kernel_model is not None
        and part.kernel_model.points is not None
        and part.kernel_model.kernel.name != "rbf"
    ]
    if blend.shifted is not None:
        sizes += [blend.shifted.detector.points.size, largest_comparison(blend.shifted.blend)]
    return max(sizes, default=0)


def _total(graph: Graph, blend: FittedBlend, columns: Columns) -> str:
    weights = blend.weights[:, blend.layout.task_of_column]
    used = [(part, own) for part, own in zip(blend.parts, weights, strict=True) if own.any()]
    weighted = [graph("Mul", _part(graph, part, blend.layout, columns), own) for part, own in used]
    if not weighted:
        weighted = [graph("Mul", _part(graph, blend.parts[0], blend.layout, columns), weights[0])]
    total = weighted[0] if len(weighted) == 1 else graph("Sum", *weighted)
    return graph.clipped(total, blend.lower, blend.upper)


def _part(graph: Graph, part: BlendPart, layout: Layout, columns: Columns) -> str:
    """Predictions of one part, (rows, columns), in the units in which parts are weighted."""
    own: str | None = None
    if part.network is not None:
        quantities = network_quantities(graph, part.network, columns)
        factors = part.network.scaling.scale / layout.scaling.divisor
        own = graph.joined(
            [
                graph("Mul", value, factor) if task.kind == "regression" else value
                for value, task, factor in zip(quantities, layout.tasks, factors, strict=True)
            ],
            axis=1,
        )
        shift = (part.network.scaling.shift - layout.scaling.shift) / layout.scaling.divisor
        if shift.any():
            own = graph("Add", own, offsets(layout, shift[layout.task_of_column]))
    if part.kernel_model is None or part.view is None:
        return str(own)
    encoded = encode(graph, part.view, columns).matrix(graph)
    kernel_prediction = _kernel_model(graph, part.kernel_model, encoded)
    if own is None:
        return kernel_prediction
    is_regression = offsets(layout, np.ones(len(layout.task_of_column)))
    return graph("Add", own, graph("Mul", kernel_prediction, is_regression))


def _kernel_model(graph: Graph, kernel_model: KernelModel, rows: str) -> str:
    features = graph("Mul", graph.clipped(rows, kernel_model.smallest, kernel_model.largest), kernel_model.relevance)
    points, kernel = kernel_model.points, kernel_model.kernel
    if points is not None:
        euclidean = kernel.name == "rbf"
        distance = _squared(graph, features, points) if euclidean else _absolute(graph, features, points)
        features = graph("Exp", graph("Mul", distance, np.float64(-kernel.gamma)))
    raw = graph("Add", graph("MatMul", features, kernel_model.coefficients), kernel_model.center)
    return graph.clipped(raw, kernel_model.lower, kernel_model.upper)


def _squared(graph: Graph, rows: str, points: np.ndarray) -> str:
    """Squared Euclidean distances, (rows, points)."""
    squares = graph.axes("ReduceSum", graph("Mul", rows, rows), 1, keepdims=1)
    products = graph("MatMul", rows, np.ascontiguousarray(-2.0 * points.T))
    total = graph("Add", graph("Add", products, squares), (points**2).sum(axis=1)[None])
    return graph("Max", total, np.float64(0))


def _absolute(graph: Graph, rows: str, points: np.ndarray) -> str:
    """Sums of absolute differences, (rows, points).

    ``|a - b|`` is computed as ``2 max(a, b) - a - b``, which saves onnxruntime one large array. It sums fastest along
    the first axis.
    """
    by_column = graph.axes("Unsqueeze", graph("Transpose", rows, perm=[1, 0]), 2)
    larger = graph("Max", by_column, np.ascontiguousarray(points.T)[:, None])
    twice = graph("Mul", graph.axes("ReduceSum", larger, 0, keepdims=0), np.float64(2))
    sums = graph.axes("ReduceSum", rows, 1, keepdims=1)
    return graph("Sub", twice, graph("Add", sums, points.sum(axis=1)[None]))


def _shift_probability(graph: Graph, shifted: ShiftedBlend, columns: Columns) -> str:
    """Probability that a row is shifted, that is from another time or group than the training rows, (rows, 1)."""
    detector: ShiftDetector = shifted.detector
    encoded = encode(graph, shifted.view, columns).matrix(graph)
    features = graph("Mul", graph.clipped(encoded, detector.smallest, detector.largest), detector.scale)
    nearest = graph.axes("ReduceMin", _absolute(graph, features, detector.points), 1, keepdims=1)
    nearest = graph("Max", nearest, np.float64(0))
    odds = graph("Mul", graph("Log", graph("Add", nearest, np.float64(detector.floor))), np.float64(detector.slope))
    return graph("Sigmoid", graph("Add", odds, np.float64(detector.intercept)))
